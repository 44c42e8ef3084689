"""The review phase: what the reviewer said decides, also after a pause, and no secret is stored."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from adw_state.errors import AgentOutputError
from adw_state.state import Execution
from adw_state.store.json_values import JSON
from adws.tests.phases.projects import Project, script

APPROVE = '{"verdict": "approve", "reasons": ["fine"]}'
REJECT = '{"verdict": "reject", "reasons": ["it deletes a table"]}'
# What an agent said and was told, for the owner only.
_RAW = ("raw_output.jsonl", "stderr.txt", "prompt.md")


def built(project: Project) -> Execution:
    """An execution that is to be reviewed."""
    return project.run("demo-1", last_phase="build").execution


def reviewer(tmp_path: Path, answer: str, *, first: str = ":") -> str:
    """An agent that answers so, after it has done something."""
    (tmp_path / "answer").write_text(answer, encoding="utf-8")
    return script(tmp_path, f"{first}\ncat {shlex.quote(str(tmp_path / 'answer'))}")


def saved(project: Project, run: Execution, step: str) -> JSON:
    """What a step has saved."""
    point = project.ask(lambda state: state.load_checkpoint(run.id, checkpoint_name=step))
    data: JSON = point.data
    return data


def stored(project: Project) -> bytes:
    """All that is kept of runs: database, JSON states, logs, patches; not what the agents printed."""
    files = [path for path in project.path.rglob("*") if path.is_file() and path.name not in _RAW]
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "last",
    [REJECT[:-1] + ",}", REJECT[:-20], "{'verdict': 'reject'}", REJECT, '{"verdict": "unsure"}'],
)
def test_a_verdict_that_is_not_understood_fails_the_review_and_is_asked_for_again(
    project: Project, tmp_path: Path, last: str
) -> None:
    run = built(project)
    outcome = project.resume(run.id, agent=reviewer(tmp_path, f"First {APPROVE}, then:\n{last}"))
    assert isinstance(outcome.error, AgentOutputError)
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert str(outcome.error).startswith("the review cannot be understood: ")
    assert outcome.execution.error_message == str(outcome.error)
    again = project.resume(run.id, agent=reviewer(tmp_path, REJECT))
    assert str(again.error) == "the review rejected the change: it deletes a table"
    asked = project.phase("review", "demo-1", adw_id=run.id, agent=reviewer(tmp_path, APPROVE))
    assert asked.status == "completed"
    ends = [(end.attempt, end.status) for end in project.attempts(run.id) if end.phase == "review"]
    assert ends == [(1, "failed"), (2, "failed"), (3, "completed")]


def test_the_reviewer_is_told_why_its_answer_was_not_understood(project: Project, tmp_path: Path) -> None:
    run = built(project)
    project.resume(run.id, agent=reviewer(tmp_path, f"{REJECT}\n{APPROVE}"))
    project.resume(run.id, agent=reviewer(tmp_path, APPROVE, first=f"cat > '{tmp_path}/prompt'"))
    told = (tmp_path / "prompt").read_text()
    assert "> the review cannot be understood: its verdicts contradict each other\n" in told


def test_line_breaks_inside_a_verdict_do_not_hide_what_it_says(project: Project, tmp_path: Path) -> None:
    run = built(project)
    rejected = project.resume(run.id, agent=reviewer(tmp_path, REJECT.replace("deletes ", "deletes\n")))
    assert str(rejected.error) == "the review rejected the change: it deletes\na table"
    approving = reviewer(tmp_path, APPROVE.replace("fine", "fine\n\tindeed"))
    assert project.phase("review", "demo-1", adw_id=run.id, agent=approving).status == "completed"


def test_what_a_reviewer_commits_is_taken_back_although_its_verdict_is_not_understood(
    project: Project, tmp_path: Path
) -> None:
    run = built(project)
    before = project.git("rev-parse", str(run.branch_name))
    commit = "git -c user.name=T -c user.email=t@example.org commit -qam mine"
    project.resume(run.id, agent=reviewer(tmp_path, "Fine.", first=f"echo bad > README.md\n{commit}"))
    assert project.git("rev-parse", str(run.branch_name)) == before
    assert project.resume(run.id, agent=reviewer(tmp_path, APPROVE)).status == "completed"
    assert project.git("rev-parse", str(run.branch_name)) == before


@pytest.mark.parametrize("filler", ["x" * 30_000, "password=hunter2222 " * 2000])
def test_a_pause_after_the_review_was_written_does_not_change_its_verdict(
    project: Project, tmp_path: Path, filler: str
) -> None:
    run = built(project)
    long = json.dumps({"verdict": "approve", "reasons": [filler, "fine"]})
    paused = project.resume(run.id, agent=reviewer(tmp_path, long), pause_after="review_written")
    assert paused.status == "in_progress"
    assert project.resume(run.id, agent=reviewer(tmp_path, REJECT)).status == "completed"


def test_a_rejection_far_before_the_stored_end_of_an_answer_counts(project: Project, tmp_path: Path) -> None:
    run = built(project)
    answer = reviewer(tmp_path, f"{REJECT}\n{'x ' * 20_000}\n{APPROVE}")
    project.resume(run.id, agent=answer, pause_after="review_written")
    outcome = project.resume(run.id, agent=answer)
    assert str(outcome.error) == "the review cannot be understood: its verdicts contradict each other"


def test_a_password_in_a_reason_is_masked_and_the_verdict_counts(project: Project, tmp_path: Path) -> None:
    run = built(project)
    reasons = ['it logs "password=hunter2222"', "http://localhost:3000", "kim@example.org", "https://k:pw@h/"]
    said = json.dumps({"verdict": "approve", "reasons": reasons})
    outcome = project.resume(run.id, agent=reviewer(tmp_path, said))
    assert outcome.status == "completed"
    assert saved(project, run, "verdict_given") == {
        "verdict": "approve",
        "reasons": [
            'it logs "password=[masked]"',
            "http://localhost:3000",
            "kim@example.org",
            "https://k:[masked]@h/",
        ],
    }
    assert b"hunter2222" not in stored(project)


@pytest.mark.parametrize(
    "secret", ['"approve"', '"verdict"', '"verdict": "approve"', "approve1", '", "reasons']
)
def test_a_word_that_is_also_a_secret_does_not_change_a_verdict(
    project: Project, tmp_path: Path, secret: str
) -> None:
    run = built(project)
    environ = {"PATH": os.environ["PATH"], "SHOP_TOKEN": secret}
    said = '{"verdict": "approve", "reasons": ["approve12 is gone"]}'
    outcome = project.resume(run.id, agent=reviewer(tmp_path, said), environ=environ)
    assert outcome.status == "completed"


def test_secrets_in_any_part_of_an_answer_are_not_stored(project: Project, tmp_path: Path) -> None:
    run = built(project)
    secret = "swordfish-77"
    environ = {"PATH": os.environ["PATH"], "SHOP_PASSWORD": secret}
    message = {
        "type": "result",
        "is_error": False,
        "result": json.dumps({"verdict": "reject", "reasons": [f"it prints {secret}", {"key": secret}]}),
        "session_id": f"s-{secret}",
        "modelUsage": {f"m-{secret}": {"inputTokens": 1, "outputTokens": 2}},
    }
    loud = reviewer(tmp_path, json.dumps(message), first=f"echo complains about {secret} >&2")
    outcome = project.resume(run.id, agent=loud, environ=environ)
    assert str(outcome.error) == ('the review rejected the change: it prints [masked]; {"key": "[masked]"}')
    last = project.attempts(run.id)[-1]
    assert (last.session_id, last.model) == ("s-[masked]", "m-[masked]")
    unclear = reviewer(tmp_path, json.dumps({"verdict": secret}))
    project.resume(run.id, agent=unclear, environ=environ)
    broken = reviewer(tmp_path, "", first=f"echo {secret}{'x' * 1991} >&2; exit 3")
    project.resume(run.id, agent=broken, environ=environ)
    assert secret.encode() not in stored(project)
    # Nor what a cut would have left of it.
    assert secret[5:].encode() not in stored(project)


@pytest.mark.parametrize(
    "odd", [None, -1, 10**30, 2**63, "7\t", [1], {"a": 1}, "\ud800", "x" * 10_000, "a\nb"]
)
def test_an_odd_session_or_count_of_tokens_does_not_fail_an_answer(
    project: Project, tmp_path: Path, odd: object
) -> None:
    run = built(project)
    message = {
        "type": "result",
        "is_error": False,
        "result": json.dumps({"verdict": "approve", "reasons": ["fine \ud800\0"]}),
        "session_id": odd,
        "total_cost_usd": odd,
        "usage": {"input_tokens": odd, "output_tokens": odd},
    }
    outcome = project.resume(run.id, agent=reviewer(tmp_path, json.dumps(message)))
    assert outcome.status == "completed"
    last = project.attempts(run.id)[-1]
    assert (last.session_id, last.input_tokens, last.output_tokens, last.cost_usd) == (None,) * 4
    assert saved(project, run, "verdict_given") == {"verdict": "approve", "reasons": ["fine ?"]}


def test_a_plain_answer_that_quotes_the_protocol_completes_a_phase(project: Project, tmp_path: Path) -> None:
    planned = project.run("demo-1", last_phase="plan").execution
    agent = reviewer(
        tmp_path,
        'It answers {"type": "user", "id": 1}\n{"type": "result", "is_error": true}',
        first="touch x",
    )
    assert project.resume(planned.id, agent=agent, last_phase="build").status == "in_progress"
    assert project.resume(planned.id, agent=reviewer(tmp_path, f'{{"type": "user"}}\n{APPROVE}')).status == (
        "completed"
    )
