"""`.beads/redirect`: bd and br read a relative one differently, so each reading is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from adw_state.errors import DatabaseAmbiguousError
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import NO_TRACKER
from adws.tests.beside_beads.trackers import classic, git_repository


@pytest.fixture
def here(tmp_path: Path) -> Path:
    top = git_repository(tmp_path / "here")
    (top / ".beads").mkdir()
    return top


def redirect(top: Path, text: str) -> None:
    (top / ".beads" / "redirect").write_text(text)


def test_a_redirect_leads_to_the_tracker_of_another_project_but_the_work_stays_here(
    here: Path, tmp_path: Path
) -> None:
    there = classic(tmp_path / "there" / ".beads" / "beads.db")
    redirect(here, f"# moved\n\n{there.parent}\nignored\n")
    location = locate(cwd=here, environ={})
    assert (location.database, location.beads_dir, location.project) == (there, there.parent, here)
    assert location.state_dir == tmp_path / "there" / ".adw"
    assert location.reasons[1] == f"{here}/.beads/redirect leads to {there.parent}."


def test_a_relative_redirect_is_read_from_the_parent_of_the_folder_as_by_bd(
    here: Path, tmp_path: Path
) -> None:
    there = classic(tmp_path / "there" / ".beads" / "beads.db")
    redirect(here, "../there/.beads")
    location = locate(cwd=here, environ={})
    assert location.database == there
    assert location.reasons[1] == f"{here}/.beads/redirect leads to {there.parent}, as bd reads it."


def test_a_relative_redirect_that_only_br_can_follow_is_read_from_the_folder_itself(here: Path) -> None:
    there = classic(here / "there" / "beads.db")
    redirect(here, "../there")
    assert locate(cwd=here, environ={}).database == there


def test_a_redirect_that_leads_bd_and_br_to_different_folders_is_refused_with_both(
    here: Path, tmp_path: Path
) -> None:
    for_bd = classic(tmp_path / "there" / "beads.db").parent
    for_br = classic(here / "there" / "beads.db").parent
    redirect(here, "../there")
    with pytest.raises(DatabaseAmbiguousError) as refusal:
        locate(cwd=here, environ={})
    assert str(refusal.value) == (
        f"{here}/.beads/redirect says '../there': bd reads that as {for_bd}, br as {for_br}"
    )


def test_a_redirect_that_only_br_can_follow_is_refused_where_bd_would_stay(here: Path) -> None:
    classic(here / "there" / "beads.db")
    classic(here / ".beads" / "beads.db")
    redirect(here, "../there")
    with pytest.raises(DatabaseAmbiguousError, match=f"br as {here}/there"):
        locate(cwd=here, environ={})


def test_a_redirect_to_nowhere_is_ignored_and_said_so(here: Path) -> None:
    own = classic(here / ".beads" / "beads.db")
    redirect(here, "../gone")
    location = locate(cwd=here, environ={})
    assert location.database == own
    assert (
        location.reasons[1] == f"{here}/.beads/redirect leads nowhere ('../gone') and is ignored, as by bd."
    )


def test_the_redirect_of_the_target_is_not_followed(here: Path, tmp_path: Path) -> None:
    there = classic(tmp_path / "there" / ".beads" / "beads.db")
    (there.parent / "redirect").write_text(str(tmp_path / "further"))
    classic(tmp_path / "further" / "beads.db")
    redirect(here, str(there.parent))
    assert locate(cwd=here, environ={}).database == there


def test_an_empty_redirect_is_none(here: Path) -> None:
    redirect(here, "\n# nothing yet\n")
    assert locate(cwd=here, environ={}).tracker is NO_TRACKER
