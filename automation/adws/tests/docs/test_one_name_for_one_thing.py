"""What a user meets in several commands has one name in all of them."""

from __future__ import annotations

import re
from pathlib import Path

from adws.tests.docs.advice import texts
from adws.tests.project import Project


def test_no_text_calls_the_sidecar_by_another_name() -> None:
    other = re.compile(r"\b(our|adw's|a|the) (own file|file of (our|its|their) own)\b", re.IGNORECASE)
    found = [text.where for text in texts() if other.search(" ".join(text.text.split()))]
    assert found == []


def test_where_restore_and_doctor_call_the_sidecar_by_its_name(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", tracker=False)
    assert project.adw("init").code == 0
    sidecar = Path(project.adw("where", "--json").json["database"])
    assert "our tables live in the sidecar" in project.adw("where").out
    assert project.adw("run", "x-1", "--title", "A task", "--type", "task", "--until", "plan").code == 0

    sidecar.rename(sidecar.with_name("state.sqlite3.old"))
    assert "a sidecar that was put away" in project.adw("restore", "--dry-run").out

    sidecar.with_name("state.sqlite3.old").rename(sidecar)
    tracker = project.adw("doctor", "--json").json["findings"][0]
    assert tracker["what"] == (
        f"none. Our tables live in the sidecar {sidecar}, because there is no tracker."
    )
