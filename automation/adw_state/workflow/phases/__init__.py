"""The phases of a run.

`change` (plan and change), `verdict` and `command` do the kinds, `attempts` makes an attempt of one, and
`phase_run` does every step once. `verdict_text` reads what an agent that judges answered.
"""
