"""A run that waits is shown as what it is, and everything that meets it says how to go on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from adw_state.state import BeadsStateManager
from adws.tests.project import Project


def test_status_and_show_say_for_what_a_run_waits_and_how_it_is_released(tmp_path: Path) -> None:
    project = Project(tmp_path / "project")
    assert project.adw("init").code == 0
    database = project.adw("where", "--json").json["database"]
    with BeadsStateManager(database) as state:
        state.create_execution("bd-42", adw_id="asked", phases=["plan", "sign-off"], phase="sign-off")
        state.update_execution_status(
            "asked",
            "waiting",
            waiting_for="person",
            waiting_until=datetime(2030, 1, 2, 3, tzinfo=UTC),
            release_by="approve the plan",
        )

    told = project.adw("status").out
    assert "Executions: 1 waiting" in told
    line = next(line for line in told.splitlines() if line.startswith("  asked "))
    assert line.endswith("waiting: for a person until 2030-01-02 03:00:00 UTC")
    shown = project.adw("show", "asked").out
    assert "Status     waiting, in sign-off\n" in shown
    assert "waiting: for a person until 2030-01-02 03:00:00 UTC; `adw resume asked` goes on\n" in shown
    assert "Released   by approve the plan\n" in shown
    assert [run["id"] for run in project.adw("list", "--status", "waiting", "--json").json["executions"]] == [
        "asked"
    ]
