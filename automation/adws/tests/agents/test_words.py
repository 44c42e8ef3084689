"""The words that each agent is called with, and that the user's win over ours."""

from __future__ import annotations

import pytest

from adw_state.agents.any_command import AnyReading, any_command
from adw_state.agents.kinds import KINDS
from adw_state.agents.reading import PlainReading
from adw_state.errors import InvalidInputError

EDITS = {
    "claude": "-p --output-format stream-json --verbose --permission-mode acceptEdits",
    "codex": "exec --json -s workspace-write -",
    "opencode": "run --format json --title adw",
    "gemini": "-o stream-json --skip-trust --approval-mode auto_edit",
    "qwen": "--output-format stream-json --approval-mode auto-edit",
    "pi": "-p --mode json",
}
READS = {
    "claude": "-p --output-format stream-json --verbose --allowedTools READS",
    "codex": "exec --json -s read-only -",
    "opencode": "run --format json --title adw --agent plan",
    "gemini": "-o stream-json --skip-trust --approval-mode plan",
    "qwen": "--output-format stream-json --approval-mode plan",
    "pi": "-p --mode json --tools read,grep,find,ls",
}
BEGINS = {
    "claude": f"{EDITS['claude']} --session-id S",
    "gemini": f"{EDITS['gemini']} --session-id S",
    "qwen": f"{EDITS['qwen']} --session-id S",
}
RESUMES = {
    "claude": f"{EDITS['claude']} --resume S",
    "codex": "exec --json -s workspace-write resume S -",
    "opencode": "run --format json --title adw -s S",
    "gemini": f"{EDITS['gemini']} --resume S",
    "qwen": f"{EDITS['qwen']} --resume S",
    "pi": "-p --mode json --session S",
}
COMPLAINTS = {
    "claude": "No conversation found with session ID: S",
    "codex": "Error: thread/resume: thread/resume failed: no rollout found for thread id S (code -32600)",
    "opencode": "\x1b[91m\x1b[1mError: \x1b[0mSession not found",
    "gemini": 'Error resuming session: Invalid session identifier "S".',
    "qwen": "No saved session found with ID S. Run `qwen --resume` without an ID",
    "pi": "No session found matching 'S'",
}


def words(
    kind: str, given: str = "", *, phase: str = "change", begin: str | None = None, resume: str | None = None
) -> str:
    """The words after the program."""
    agent = KINDS[kind].agent(f"/bin/{kind}", given.split())
    program, *rest = agent.command_for(phase, begin, resume)
    assert program == f"/bin/{kind}"
    return " ".join("READS" if word.startswith("Read,") else word for word in rest)


@pytest.mark.parametrize("kind", KINDS)
def test_who_plans_and_changes_may_edit_and_who_judges_may_read(kind: str) -> None:
    assert words(kind) == words(kind, phase="plan") == EDITS[kind]
    assert words(kind, phase="verdict") == READS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_an_agent_that_can_be_told_its_session_is_told_it(kind: str) -> None:
    agent = KINDS[kind].agent(kind, [])
    assert agent.chooses_session == (kind in BEGINS)
    if agent.chooses_session:
        assert words(kind, begin="S") == BEGINS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_known_agent_goes_on_with_a_session_and_says_where_it_has_none(kind: str) -> None:
    agent = KINDS[kind].agent(kind, [])
    assert agent.resumes
    assert words(kind, resume="S") == RESUMES[kind]
    assert agent.does_not_know_session(COMPLAINTS[kind])
    assert not agent.does_not_know_session("401 Unauthorized")


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("claude", "--print --permission-mode plan", "--output-format stream-json --verbose --print "
         "--permission-mode plan"),
        ("claude", "--output-format=json", "-p --permission-mode acceptEdits --output-format=json"),
        ("codex", "exec -m gpt", "exec --json -s workspace-write -m gpt -"),
        ("codex", "--sandbox danger-full-access", "exec --json --sandbox danger-full-access -"),
        ("codex", "-c sandbox_mode=read-only", "exec --json -c sandbox_mode=read-only -"),
        ("codex", "--yolo", "exec --json --yolo -"),
        ("opencode", "run -m a/b", "run --format json --title adw -m a/b"),
        ("opencode", "--agent build", "run --format json --title adw --agent build"),
        ("gemini", "--yolo -m x", "-o stream-json --skip-trust --yolo -m x"),
        ("gemini", "--approval-mode=yolo", "-o stream-json --skip-trust --approval-mode=yolo"),
        ("qwen", "-y", "--output-format stream-json -y"),
        ("qwen", "-o json", "--approval-mode auto-edit -o json"),
        ("pi", "--print --model x", "--mode json --print --model x"),
    ],
)  # fmt: skip
def test_words_of_the_user_win_over_ours(kind: str, given: str, expected: str) -> None:
    assert words(kind, given) == expected


@pytest.mark.parametrize(
    ("kind", "given"),
    [("claude", "--continue"), ("claude", "--session-id X"), ("gemini", "--resume latest"), ("pi", "-c")],
)
def test_a_session_that_the_user_names_is_left_to_the_user(kind: str, given: str) -> None:
    agent = KINDS[kind].agent(kind, given.split())
    assert (agent.chooses_session, agent.resumes) == (False, False)


@pytest.mark.parametrize(
    ("kind", "given", "is_plain"),
    [
        ("claude", "--output-format text", True),
        ("claude", "--output-format=json", False),
        ("codex", "-o last.txt", False),
        ("opencode", "--format default", True),
        ("opencode", "--format=json", False),
        ("gemini", "-o text", True),
        ("gemini", "--output-format json", True),
        ("qwen", "-o json", False),
        ("pi", "--mode text", True),
    ],
)
def test_an_agent_is_read_as_text_where_the_user_lets_it_print_text(
    kind: str,
    given: str,
    is_plain: bool,
) -> None:
    reading = KINDS[kind].agent(kind, given.split()).new_reading()
    assert type(reading) is (PlainReading if is_plain else KINDS[kind].reading)


@pytest.mark.parametrize(
    ("kind", "given", "model"),
    [
        ("codex", "-m gpt-demo", "gpt-demo"),
        ("codex", "exec --model=gpt-demo", "gpt-demo"),
        ("codex", '-c model="gpt-demo"', "gpt-demo"),
        ("opencode", "-m a/b -m c/d", "c/d"),
        ("codex", "-m", None),
        ("codex", "", None),
    ],
)
def test_the_model_is_the_one_that_the_user_names(kind: str, given: str, model: str | None) -> None:
    assert KINDS[kind].agent(kind, given.split()).model == model


def test_nothing_is_added_to_the_words_of_any_other_command() -> None:
    agent = any_command("mine").agent("/bin/mine", ["-m", "x", "--resume"])
    for kind in ("plan", "change", "verdict"):
        assert agent.command_for(kind) == ("/bin/mine", "-m", "x", "--resume")
    assert (agent.name, agent.model, agent.resumes, agent.chooses_session) == ("mine", None, False, False)
    assert isinstance(agent.new_reading(), AnyReading)


MODELS = {
    "claude": "--model M",
    "codex": "-m M",
    "opencode": "-m M",
    "gemini": "-m M",
    "qwen": "-m M",
    "pi": "--model M",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", ["", "-m old", "--model old", "--model=old", "-m=old"])
def test_a_model_is_told_once_by_the_agents_own_flag(kind: str, before: str) -> None:
    agent = KINDS[kind].agent(kind, ["--fast", *before.split(), "model"]).with_model("M")
    assert " ".join(agent.given) == f"--fast model {MODELS[kind]}"
    assert agent.model == "M"


def test_a_command_that_nothing_is_known_of_refuses_a_model() -> None:
    with pytest.raises(InvalidInputError) as caught:
        any_command("wrapper.sh").agent("./wrapper.sh", []).with_model("M")
    assert str(caught.value) == "it is not known how the agent wrapper.sh is told its model, here 'M'"
    assert caught.value.hint == (
        "write the model into the agent's own command line, and leave out the setting `model`"
    )
