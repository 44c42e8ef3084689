"""Which phase is next: decided from the workflow's definition and the attempts alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adw_state.clock import parse_time
from adw_state.configuration.definitions import BUILT_IN, PhaseDefinition, WorkflowDefinition
from adw_state.errors import InvalidInputError
from adw_state.state import Attempt, Execution
from adw_state.workflow.next_phase import feedback_for, goes_back, next_phase, wants_phase, way_back
from adws.tests.conftest import NOW

THOROUGH = WorkflowDefinition(
    "thorough",
    (
        PhaseDefinition("plan", "plan"),
        PhaseDefinition("build", "change"),
        PhaseDefinition("test", "command", run="make test", sends_back_to="build", at_most=2),
        PhaseDefinition("lint", "command", run="make lint"),
        PhaseDefinition("review", "verdict"),
    ),
)
# How an attempt ended: its status and, where it failed, its class.
FATES = {
    "ok": ("completed", None),
    "running": ("in_progress", None),
    "killed": ("interrupted", None),
    "broke": ("failed", "agent_exit"),
    "rejected": ("failed", "rejected"),
    "check": ("failed", "check_failed"),
}


def attempts(*ended: str, workflow: WorkflowDefinition = THOROUGH) -> list[Attempt]:
    """Attempts in the order in which they were made, such as "plan ok", all at the same moment."""
    made: list[Attempt] = []
    for text in ended:
        phase, fate = text.split()
        status, error_class = FATES[fate]
        number = 1 + sum(old.phase == phase for old in made)
        place = workflow.names.index(phase) + 1
        made.append(
            Attempt(
                "run-1",
                phase,
                place,
                number,
                status,
                parse_time(NOW),
                error_class=error_class,
                error_message=f"{phase} {number}",
            )
        )
    return made


def execution(made: Sequence[Attempt], status: str = "in_progress") -> Execution:
    """An execution that has made these attempts."""
    return Execution(
        id="run-1",
        issue_id="i-1",
        workflow=THOROUGH.name,
        environment="local",
        phases=THOROUGH.names,
        phase=made[-1].phase if made else "plan",
        status=status,
        started_at=parse_time(NOW),
        updated_at=parse_time(NOW),
    )


@pytest.mark.parametrize(
    ("ended", "following"),
    [
        ([], "plan"),
        (["plan ok"], "build"),
        (["plan running"], "plan"),
        (["plan killed"], "plan"),
        (["plan broke"], "plan"),
        (["plan ok", "build ok", "test check"], "build"),
        (["plan ok", "build ok", "test broke"], "test"),
        (["plan ok", "build ok", "test killed"], "test"),
        (["plan ok", "build ok", "test check", "build killed"], "build"),
        (["plan ok", "build ok", "test check", "build ok"], "test"),
        (["plan ok", "build ok", "test check", "build ok", "test ok"], "lint"),
        # Nobody said where to: the command is run again, and a verdict goes to the nearest change.
        (["plan ok", "build ok", "test ok", "lint check"], "lint"),
        (["plan ok", "build ok", "test ok", "lint ok", "review rejected"], "build"),
        (["plan ok", "build ok", "test ok", "lint ok", "review broke"], "review"),
        (["plan ok", "build ok", "test ok", "lint ok", "review rejected", "build ok"], "test"),
        (["plan ok", "build ok", "test ok", "lint ok", "review ok"], None),
    ],
)
def test_the_next_phase_follows_from_the_newest_attempt(ended: list[str], following: str | None) -> None:
    made = attempts(*ended)
    found = next_phase(THOROUGH, execution(made).phase, made)

    assert (None if found is None else found.name) == following
    # The order in which a store returns attempts of one moment does not matter.
    assert next_phase(THOROUGH, execution(made).phase, made[::-1]) == found


def test_a_run_goes_back_by_itself_at_most_so_many_times_and_again_after_it_was_resumed() -> None:
    made, back = attempts("plan ok"), []
    for _ in range(6):
        made = attempts(*_told(made), "build ok", "test check")
        back.append(goes_back(THOROUGH, "test", made))

    assert back == [True, True, False, True, True, False]


def test_other_failures_and_interruptions_do_not_count_as_times_it_went_back() -> None:
    made = attempts("plan ok", "build ok", "test broke", "test killed", "test check")

    assert goes_back(THOROUGH, "test", made)
    assert not goes_back(THOROUGH, "test", attempts("plan ok", "build ok", "test broke"))


def test_what_names_no_way_back_does_not_go_back_by_itself() -> None:
    assert not goes_back(THOROUGH, "review", attempts("review rejected"))
    assert not goes_back(THOROUGH, "lint", attempts("lint check"))
    assert (way_back(THOROUGH, "review"), way_back(THOROUGH, "lint")) == ("build", None)


def test_a_verdict_on_a_plan_goes_back_to_the_plan() -> None:
    audit = PhaseDefinition("audit", "verdict", prompt="Judge the plan.")
    workflow = WorkflowDefinition("w", (BUILT_IN.phases[0], audit, BUILT_IN.phases[1]))

    assert way_back(workflow, "audit") == "plan"


@given(st.lists(st.sampled_from(["ok", "killed", "broke", "check", "rejected"]), max_size=40))
def test_every_run_that_goes_on_ends_with_all_phases_completed_in_order(fates: list[str]) -> None:
    """Whatever happened before, as soon as all goes well it comes to its end."""
    made: list[Attempt] = []
    present = THOROUGH.names[0]
    for fate in [*fates, *["ok"] * len(THOROUGH.names)]:
        following = next_phase(THOROUGH, present, made)
        if following is None:
            break
        present = following.name
        made = attempts(*_told(made), f"{present} {fate}")

    assert next_phase(THOROUGH, present, made) is None
    newest = {old.phase: old for old in made}
    assert {old.status for old in newest.values()} == {"completed"}
    assert [made.index(newest[name]) for name in THOROUGH.names] == sorted(map(made.index, newest.values()))


def _told(made: Sequence[Attempt]) -> list[str]:
    names = {fate: name for name, fate in FATES.items()}
    return [f"{old.phase} {names[(old.status, old.error_class)]}" for old in made]


@pytest.mark.parametrize(
    ("ended", "name", "wanted"),
    [
        ([], "plan", True),
        (["plan ok"], "plan", False),
        (["plan ok"], "build", True),
        (["plan ok", "build ok", "test check"], "build", True),
        (["plan ok", "build ok", "test check"], "test", True),
        # What was tested before is another build.
        (["plan ok", "build ok", "test ok", "lint ok", "review rejected", "build ok"], "test", True),
    ],
)
def test_one_phase_is_wanted_unless_it_has_completed(ended: list[str], name: str, wanted: bool) -> None:
    made = attempts(*ended)

    assert wants_phase(THOROUGH, execution(made), made, name) is wanted


def test_of_a_run_that_failed_every_phase_that_was_reached_can_be_done_again() -> None:
    made = attempts("plan ok", "build ok", "test ok", "lint check")
    failed = execution(made, "failed")

    assert all(wants_phase(THOROUGH, failed, made, name) for name in ("plan", "build", "test", "lint"))


@pytest.mark.parametrize(
    ("ended", "name", "sentence"),
    [
        (["plan ok"], "test", "execution run-1 cannot test yet, because its build phase has not completed"),
        (
            ["plan ok", "build ok", "test check", "build ok"],
            "review",
            "execution run-1 cannot review yet, because its test phase has not completed",
        ),
        ([], "deploy", "execution run-1 has no phase 'deploy'"),
    ],
)
def test_a_phase_that_cannot_be_done_yet_is_refused(ended: list[str], name: str, sentence: str) -> None:
    made = attempts(*ended)
    with pytest.raises(InvalidInputError) as caught:
        wants_phase(THOROUGH, execution(made), made, name)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("ended", "phase", "told"),
    [
        (["plan ok"], "build", []),
        (["plan ok", "build broke"], "build", ["build 1"]),
        (["plan ok", "build broke", "build ok", "test check"], "build", ["test 1"]),
        (["plan ok", "build ok", "test check", "build killed"], "build", ["test 1"]),
        (["plan ok", "build ok", "test check", "build broke"], "build", ["build 2", "test 1"]),
        # What is made good is not told any more; what another check found wrong since is.
        (
            ["plan ok", "build ok", "test check", "build ok", "test ok", "review rejected"],
            "build",
            ["review 1"],
        ),
        (
            ["plan ok", "build ok", "review rejected", "build ok", "test check"],
            "build",
            ["test 1", "review 1"],
        ),
        # Not that of a check which asks nobody to do anything, or which broke down.
        (["plan ok", "build ok", "lint check"], "build", []),
        (["plan ok", "build ok", "test broke"], "build", []),
        (["plan ok", "build ok", "test check"], "plan", []),
        (["plan ok", "build ok", "review rejected", "build ok"], "review", ["review 1"]),
    ],
)
def test_an_agent_is_told_of_the_failures_that_are_not_made_good(
    ended: list[str], phase: str, told: list[str]
) -> None:
    text = feedback_for(THOROUGH, phase, attempts(*ended))

    assert [line[2:] for line in text.splitlines() if line.startswith("> ")] == told


def test_a_reason_of_several_lines_is_quoted_line_by_line() -> None:
    (broke,) = attempts("plan broke")
    long = replace(broke, error_message="first\n\n  second\n")

    assert feedback_for(THOROUGH, "plan", [long]) == (
        "\nAn earlier attempt at plan failed, for this reason:\n\n> first\n>\n>   second\n"
    )
