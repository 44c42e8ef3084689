"""What a reviewer's answer says: approved, rejected, or not understood."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw_state.errors import AgentOutputError
from adw_state.workflow.phases.verdict_text import Verdict, read_verdict

APPROVE = '{"verdict": "approve", "reasons": ["fine"]}'
REJECT = '{"verdict": "reject", "reasons": ["it deletes a table"]}'
APPROVED = Verdict(approved=True, reasons=("fine",))
REJECTED = Verdict(approved=False, reasons=("it deletes a table",))

CANNOT_BE_READ = "what looks like a verdict in it cannot be read"
CONTRADICT = "its verdicts contradict each other"
NOT_STATED = "its verdict is mentioned in a sentence, or quoted, but not stated"


def doubt(answer: str) -> str:
    """Why an answer is not understood."""
    with pytest.raises(AgentOutputError, match=r"^the review cannot be understood: ") as caught:
        read_verdict(answer)
    assert caught.value.hint
    return str(caught.value).removeprefix("the review cannot be understood: ")


@pytest.mark.parametrize("around", [
    "%s", "\n%s\r\n", "\ufeff%s", "Well {done}, [1, 2\n%s", "Looks good: %s", "```json\n%s\n```",
    "```json\n%s\n```\n\nAsk me for more.", "%s\nThat is all.", "**%s**", "`%s`", "%s.",
    "## My verdict:\n\n%s", "It keeps the \"verdict\" field.\n%s", "f'{verdict}' is printed.\n%s",
    'The endpoint answers {"type": "user", "reasons": []}.\n%s', "x" * 300_000 + "\n%s",
])  # fmt: skip
def test_a_verdict_at_the_end_or_on_a_line_of_its_own_is_understood(around: str) -> None:
    assert read_verdict(around % APPROVE) == APPROVED
    assert read_verdict(around % REJECT) == REJECTED
    assert read_verdict(around % json.dumps(json.loads(REJECT), indent=2)) == REJECTED


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ('{"verdict": "REJECT", "reasons": "x"}', Verdict(approved=False, reasons=("x",))),
        ('{"Verdict": " Approved "}', Verdict(approved=True, reasons=())),
        ('{"reasons": [1, {"a": "é"}], "verdict": "rejected"}', Verdict(False, ("1", '{"a": "é"}'))),
        ('{"verdict": "approve", "reasons": ["a\nb\tc"]}', Verdict(approved=True, reasons=("a\nb\tc",))),
        ('{"verdict": "approve", "reasons": null}', Verdict(approved=True, reasons=())),
        (f"{APPROVE}\n{APPROVE}", APPROVED),
        (f"Verdict: **approved**\n{APPROVE}", APPROVED),
    ],
)  # fmt: skip
def test_what_leaves_no_doubt_is_understood(answer: str, verdict: Verdict) -> None:
    assert read_verdict(answer) == verdict


@pytest.mark.parametrize("quoted", [APPROVE, REJECT, "{'verdict': 'approve'}", '"verdict": "rej'])
def test_what_a_reason_quotes_is_no_verdict(quoted: str) -> None:
    for word, approved in (("approve", True), ("reject", False)):
        said = {"reasons": [f"it prints {quoted} now"], "verdict": word}
        expected = Verdict(approved, (f"it prints {quoted} now",))
        assert read_verdict(json.dumps(said)) == expected
        assert read_verdict(json.dumps(dict(reversed(said.items())))) == expected


@pytest.mark.parametrize("last", [
    '{"verdict": "reject", "reasons": ["x",]}', '{"verdict": "reject",}', "{'verdict': 'reject'}",
    '{verdict: "reject"}', "{ verdict = reject }", "{\u201cverdict\u201d: \u201creject\u201d}",
    '{"verdict: "reject"}', '{verdict": "reject"}', '{"verdict" "reject"}', '{"verdict"; "reject"}',
    '{"verdict": reject}', '{"verdict": "reject', '{"verdict":', '{"verdict', '{"verd', '{"', "{",
    "{ `verdict`",
    '{"reasons": ["it deletes the table', '{"reasons": ["a "quoted" word"], "verdict": "reject"}',
    '{"verdict": "reject", "reasons": ["a "quoted" word"]}', "{&quot;verdict&quot;: &quot;reject&quot;}",
    '{ // why\n "verdict": "reject" }', json.dumps({"result": REJECT}), json.dumps(REJECT),
    json.dumps([REJECT]), f"[{REJECT}]", f'{{"review": {REJECT}}}',
    f'{{"reviews": [{REJECT},]}}', '{"verdict": "reject", "verdict": "approve"}',
    '{"verdict": "reject", "Verdict": "approve"}', "{\n> " + REJECT[1:], f"print({APPROVE})",
    f"x = {APPROVE}",
])  # fmt: skip
def test_a_verdict_that_cannot_be_read_is_not_replaced_by_another(last: str) -> None:
    assert doubt(last) == CANNOT_BE_READ
    assert doubt(f"{APPROVE}\n{last}") == CANNOT_BE_READ
    assert doubt(f"{APPROVE}\n```json\n{last}\n```") == CANNOT_BE_READ


@pytest.mark.parametrize("first", ['{"verdict": "reject",}', f"[{REJECT}]", "{'verdict': 'reject'}"])
def test_an_approval_does_not_replace_an_earlier_verdict_that_cannot_be_read(first: str) -> None:
    assert doubt(f"{first}\n{APPROVE}") == CANNOT_BE_READ


@pytest.mark.parametrize(
    "word", ["maybe", "not approved", "approve?", "approve\u200b", "lgtm", "approved with comments"]
)
def test_another_word_is_no_verdict(word: str) -> None:
    said = json.dumps({"verdict": word}, ensure_ascii=False)
    assert (
        doubt(said)
        == doubt(f"{APPROVE}\n{said}")
        == doubt(f"{said}\n{APPROVE}")
        == f"its verdict is {word!r}"
    )


@pytest.mark.parametrize("value", [None, True, 1, ["approve"], {"is": "approve"}, "", "approve " * 20])
def test_what_is_no_word_is_no_verdict(value: object) -> None:
    assert doubt(json.dumps({"verdict": value})) == "its verdict is neither approve nor reject"


@pytest.mark.parametrize("answer", [
    f"{APPROVE}\n{REJECT}", f"{REJECT}\n{APPROVE}", f"{REJECT}\n\nThe fixture holds {APPROVE} too.",
    f"At first sight {APPROVE}, but then:\n{REJECT}", f'{APPROVE}\n{{"VERDICT": "REJECT"}}',
    f"Verdict: reject\n{APPROVE}", f"**Verdict:** Rejected\n{APPROVE}",
    f"<verdict>reject</verdict>\n{APPROVE}",
    f"My verdict is reject.\n{APPROVE}", f"verdict - approve\n{REJECT}", f"| Verdict | Reject |\n{APPROVE}",
])  # fmt: skip
def test_two_verdicts_that_differ_are_not_understood(answer: str) -> None:
    assert doubt(answer) == CONTRADICT


@pytest.mark.parametrize("quoted", [
    f"The fixture holds `{APPROVE}`.", f"```diff\n+{APPROVE}\n```", f"> {APPROVE}", f"It has '{APPROVE}'.",
    f"It calls dumps({APPROVE}).", f"It prints [{APPROVE}].", "It prints {'verdict': 'approve'}.",
    'It prints {"verdict": "approve",}.', 'The test has `{"verdict": "maybe"}` now.',
])  # fmt: skip
def test_a_rejection_at_the_end_counts_whatever_is_quoted_before_it(quoted: str) -> None:
    assert read_verdict(f"{quoted}\n\n{REJECT}") == REJECTED
    assert read_verdict(f"{quoted}\n```json\n{REJECT}\n```\n") == REJECTED
    for later in (f"{REJECT}\nThe fixture:\n{APPROVE}", f"{REJECT}\n{quoted}", f"I say {REJECT}\n{APPROVE}"):
        assert doubt(f"{quoted}\n{later}")


@pytest.mark.parametrize("description", [
    '{"verdict": "approve" or "reject", "reasons": [\u2026]}', '{"verdict": "approve|reject"}',
    '{"verdict": "<approve|reject>"}', '{"verdict": \u2026}', '`"verdict":`', '`"reasons":`',
    '{"verdict": ...}',
])  # fmt: skip
def test_the_description_of_the_format_before_a_verdict_is_none(description: str) -> None:
    assert read_verdict(f"The prompt says {description} now.\n{APPROVE}") == APPROVED
    assert read_verdict(f"The prompt says {description} now.\n{REJECT}") == REJECTED
    assert doubt(f"{APPROVE}\n{description}") == CANNOT_BE_READ
    assert doubt(f"{REJECT}\nThe prompt says {description}.\n{APPROVE}") == CONTRADICT


@pytest.mark.parametrize("around", [
    "I cannot give %s here.", "At first sight %s, but it deletes a table.", "%s would be wrong: no tests.",
    "I reject this. The file holds:\n> %s", "I reject this. The file holds:\n+%s",
])  # fmt: skip
def test_a_verdict_that_is_only_mentioned_is_none(around: str) -> None:
    assert doubt(around % APPROVE) == NOT_STATED


@pytest.mark.parametrize(
    "answer", ["", "approve", "Verdict: approve", "[" * 5000, '{"a": 1}', "the verdict is open"]
)
def test_an_answer_without_a_verdict_has_none(answer: str) -> None:
    assert doubt(answer) == "its verdict is none"


@pytest.mark.parametrize(
    "piece", ["\\", '"', '{"', "{ ", '{"a":', "verdict ", '{"reasons": []}\n', "'verdict"]
)
def test_an_odd_answer_of_a_million_characters_is_not_understood(piece: str) -> None:
    # A search that takes quadratic time would make itself felt here by minutes.
    assert doubt(piece * (1_000_000 // len(piece)))


def test_another_field_is_no_verdict() -> None:
    assert doubt(f'{{"final_verdict": "reject"}}\n{APPROVE}') == "its final_verdict is 'reject'"
    assert doubt(f'{{"verdicts": [{APPROVE}]}}') == "its verdicts is neither approve nor reject"


def test_of_a_long_word_nothing_is_quoted() -> None:
    assert "ghp_" not in doubt(json.dumps({"verdict": "ghp_" + "a1B2" * 9 + " approve"}))


_PIECES = (
    APPROVE,
    APPROVE[:-1],
    APPROVE[1:],
    '"',
    "'",
    "\n",
    " ",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "verdict",
    "x",
)


@given(st.lists(st.sampled_from(_PIECES), max_size=8), st.lists(st.sampled_from(_PIECES), max_size=8))
def test_an_answer_that_holds_a_rejection_is_never_an_approval(before: list[str], after: list[str]) -> None:
    try:
        verdict = read_verdict("".join([*before, REJECT, *after]))
    except AgentOutputError:
        return
    assert not verdict.approved


@given(st.integers(1, len(REJECT) - 1), st.sampled_from(["\n", " ", "\n```\n"]))
def test_an_approval_before_a_cut_rejection_does_not_count(length: int, between: str) -> None:
    answer = APPROVE + between + REJECT[:length]
    assert re.fullmatch(f"{CANNOT_BE_READ}|{NOT_STATED}", doubt(answer))
