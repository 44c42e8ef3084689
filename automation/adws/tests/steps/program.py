"""A team's own workflow, as a program that a test kills at the beginning of a chosen step.

    python -m adws.tests.steps.program DATABASE LOG [STEP]

Every step appends its name to LOG when it is done. The process kills itself when STEP begins.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from adw_state import open_state
from adw_state.state import IssueSnapshot

STEPS = ("read", "written", "edited", "checked", "shipped")


def main(database: str, log: str, deadly: str = "") -> None:
    def work(name: str) -> list[str]:
        if name == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        with Path(log).open("a", encoding="utf-8") as lines:
            lines.write(f"{name}\n")
        return [name, "done"]

    with (
        open_state(database) as state,
        state.run(
            "any-1",
            workflow="ours",
            phases=["plan", "build", "ship"],
            issue=IssueSnapshot("A title", "bug", 1),
        ) as run,
    ):
        with run.phase("plan") as phase:
            phase.step("read", work, "read")
            phase.step("written", work, "written")
        with run.phase("build") as phase:
            phase.step("edited", work, "edited")
            phase.step("checked", work, "checked")
        with run.phase("ship") as phase:
            assert phase.step("shipped", work, "shipped") == ["shipped", "done"]


if __name__ == "__main__":
    main(*sys.argv[1:])
