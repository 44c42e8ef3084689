"""Messages that mean the same are one pattern."""

from __future__ import annotations

import pytest

from adw_state.reports.failures import fold


@pytest.mark.parametrize(
    ("message", "pattern"),
    [
        ("agent timed out after 3600.5 seconds", "agent timed out after <n> seconds"),
        ("exit code -9", "exit code <n>"),
        ("open /home/a/b-1/c.yml: no such file", "open <path>: no such file"),
        ("app/login.py:12: 3 of 40 tests failed", "<path>:<n>: <n> of <n> tests failed"),
        ("cannot read C:\\work\\x.txt", "cannot read <path>"),
        ("commit 3e0e768af not found", "commit <id> not found"),
        ("session 1b4e28ba-2fa1-11d2-883f-0016d3cca427 is gone", "session <id> is gone"),
        ("issue mtg-42 blocks bd-a3f8", "issue <id> blocks <id>"),
        ("see https://example.org/x?y=1 for help", "see <url> for help"),
        ("stopped at 2026-11-23T12:00:00.123Z", "stopped at <time>"),
        ("plan and/or build", "plan and/or build"),
        ("  \n\n first line that speaks\nsecond", "first line that speaks"),
        ("tabs\tand   spaces", "tabs and spaces"),
        ("", "no message recorded"),
        (None, "no message recorded"),
        (" \n\t\n", "no message recorded"),
    ],
)
def test_ids_paths_and_numbers_are_folded(message: str | None, pattern: str) -> None:
    assert fold(message) == pattern


def test_the_ids_of_the_run_are_folded_whatever_they_look_like() -> None:
    message = "worktree for Add a flag, please (issue shop) exists"
    assert fold(message, ("Add a flag, please", "shop")) == "worktree for <id> (issue <id>) exists"


def test_an_id_inside_a_word_stays() -> None:
    assert fold("shopping failed", ("shop",)) == "shopping failed"


def test_a_long_message_is_cut() -> None:
    assert fold("x" * 1000) == "x" * 159 + "…"


def test_folding_takes_bounded_time_on_hostile_text() -> None:
    assert len(fold("a-" * 1_000_000)) <= 160
