"""The names under which failures of attempts are stored and counted."""

from __future__ import annotations

import pytest

from adw_state import errors
from adws.tests.docs.pages import REPOSITORY

STORED = [
    (errors.RejectedError("x"), "rejected"),
    (errors.CheckFailedError("x"), "check_failed"),
    (errors.AgentError("x"), "agent_error"),
    (errors.AgentError("x", kind="rate_limited"), "rate_limited"),
    (errors.AgentError("x", kind="auth"), "auth"),
    (errors.AgentError("x", kind="denied"), "denied"),
    (errors.AgentExitError("x", code=1), "agent_error"),
    (errors.AgentOutputError("x", kind="cut_off"), "cut_off"),
    (errors.AgentTimeoutError("x"), "timed_out"),
    (errors.AgentStalledError("x"), "stalled"),
    (errors.AgentMissingError("x"), "environment"),
    (errors.AgentLeftError("x"), "environment"),
    (errors.WorktreeSetupError("x"), "environment"),
    (errors.GitFailedError("x"), "git_failed"),
]


@pytest.mark.parametrize(("error", "name"), STORED, ids=lambda value: type(value).__name__)
def test_an_error_has_the_class_that_attempts_are_stored_with(error: errors.AdwError, name: str) -> None:
    assert error.error_class == name


def test_the_page_on_workflows_has_each_of_them() -> None:
    page = (REPOSITORY / "docs" / "workflows.md").read_text(encoding="utf-8")
    assert [name for _, name in STORED if f"`{name}`" not in page] == []
