# Shorthands for `python3 dev.py …`; see there.
.PHONY: demo test check ci
demo test check:
	python3 dev.py $@
ci:
	.ci/run
