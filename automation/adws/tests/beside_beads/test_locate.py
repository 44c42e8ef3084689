"""Where the database is found, place by place, and that looking changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from adw_state.errors import DatabaseAmbiguousError, DatabaseNotFoundError
from adw_state.trackers.bd import BD
from adw_state.trackers.locate import locate, state_dir_for
from adw_state.trackers.tracker import NO_TRACKER, Location
from adws.tests.beside_beads.trackers import classic, git_repository, project_with_classic, worktree


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return project_with_classic(tmp_path / "project")


def at(folder: Path, **environ: str) -> Location:
    return locate(cwd=folder, environ=environ)


def settings(folder: Path, **values: str) -> None:
    (folder / ".beads").mkdir(exist_ok=True)
    (folder / ".beads" / "metadata.json").write_text(json.dumps(values))


def test_a_classic_tracker_is_found_from_a_subfolder_with_everything_of_the_project(project: Path) -> None:
    (project / ".beads" / "issues.jsonl").write_text("")
    deep = project / "src" / "deep"
    deep.mkdir(parents=True)
    assert at(deep) == Location(
        tracker=BD,
        database=project / ".beads" / "beads.db",
        beads_dir=project / ".beads",
        tracker_database=project / ".beads" / "beads.db",
        jsonl=project / ".beads" / "issues.jsonl",
        project=project,
        state_dir=project / ".git" / "adw",
        reasons=(
            f"{project}/.beads was found by walking up from {deep}.",
            f"{project}/.beads/beads.db is a database of bd's, with no mark of br.",
            f"Our tables live in the tracker's own file, {project}/.beads/beads.db.",
        ),
    )


def test_a_file_that_is_named_beats_every_other_source(project: Path, tmp_path: Path) -> None:
    other = classic(tmp_path / "other" / "mine.db")
    location = locate("../other/mine.db", cwd=project, environ={"BD_DB": "/nowhere", "BEADS_DIR": "/nowhere"})
    assert (location.database, location.is_shared_file, location.project) == (other, True, project)
    assert location.beads_dir is None


def test_a_named_file_in_a_beads_folder_brings_its_folder_along(project: Path, tmp_path: Path) -> None:
    location = locate(project / ".beads" / "beads.db", cwd=tmp_path, environ={})
    assert (location.beads_dir, location.project) == (project / ".beads", project)


def test_a_name_that_is_a_symbolic_link_means_the_file_behind_it(project: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(project / ".beads" / "beads.db")
    assert locate(tmp_path / "link.db", cwd=tmp_path, environ={}).database == project / ".beads" / "beads.db"


def test_the_environment_is_heeded_in_the_order_of_bd(project: Path, tmp_path: Path) -> None:
    first = classic(tmp_path / "first.db")
    second = classic(tmp_path / "second" / "beads.db")
    third = classic(tmp_path / "third.db")
    everything = {"BD_DB": str(first), "BEADS_DIR": str(second.parent), "BEADS_DB": "../third.db"}
    found = []
    for name in everything:
        found.append(locate(cwd=project, environ=everything).database)
        everything = everything | {name: ""}
    found.append(locate(cwd=project, environ=everything).database)
    assert found == [first, second, third, project / ".beads" / "beads.db"]


def test_a_beads_dir_without_a_tracker_is_passed_over_as_by_bd_and_said_so(project: Path) -> None:
    location = at(project, BEADS_DIR="/nowhere")
    assert location.database == project / ".beads" / "beads.db"
    assert location.reasons[0] == "BEADS_DIR names /nowhere, where no tracker is; looked further, as bd does."


@pytest.mark.parametrize("variable", ["BD_DB", "BEADS_DB"])
def test_a_variable_that_names_a_missing_file_is_an_error(variable: str, project: Path) -> None:
    with pytest.raises(DatabaseNotFoundError, match=f"there is no database at {project}/gone.db"):
        at(project, **{variable: "gone.db"})
    assert not (project / "gone.db").exists()


def test_all_worktrees_share_the_tracker_of_the_main_repository(project: Path, tmp_path: Path) -> None:
    linked = worktree(project, tmp_path / "linked")
    classic(linked / ".beads" / "beads.db")
    location = at(linked)
    assert (location.database, location.project) == (project / ".beads" / "beads.db", project)
    assert location.reasons[0] == f"{project}/.beads is in the main repository of this worktree."


def test_a_worktree_uses_its_own_tracker_where_the_main_repository_has_none(tmp_path: Path) -> None:
    main = git_repository(tmp_path / "main")
    linked = worktree(main, tmp_path / "linked")
    own = classic(linked / ".beads" / "beads.db")
    assert at(linked).database == own


def test_walking_up_ends_at_the_top_of_the_work_tree(tmp_path: Path) -> None:
    classic(tmp_path / ".beads" / "beads.db")
    main = git_repository(tmp_path / "main")
    linked = worktree(main, tmp_path / "linked")
    assert [at(folder).tracker for folder in (main, linked)] == [NO_TRACKER, NO_TRACKER]


def test_outside_git_walking_up_goes_on(tmp_path: Path) -> None:
    database = classic(tmp_path / "home" / ".beads" / "beads.db")
    deep = tmp_path / "home" / "a" / "b"
    deep.mkdir(parents=True)
    location = at(deep)
    assert (location.database, location.project) == (database, tmp_path / "home")
    assert location.state_dir == tmp_path / "home" / ".adw"


def test_a_nearer_beads_folder_without_a_tracker_is_passed_over(project: Path) -> None:
    deep = project / "a"
    (deep / ".beads").mkdir(parents=True)
    (deep / ".beads" / "registry.json").write_text("[]")
    assert at(deep).database == project / ".beads" / "beads.db"


def test_the_prefix_named_database_of_an_older_tracker_is_found(tmp_path: Path) -> None:
    top = project_with_classic(tmp_path / "project", "mtg.db")
    assert at(top).database == top / ".beads" / "mtg.db"


@pytest.mark.parametrize("name", ["metadata.json", "config.json"])
def test_the_settings_file_names_the_database_and_the_export_and_stays_as_it_is(
    name: str, tmp_path: Path
) -> None:
    top = git_repository(tmp_path / "project")
    classic(top / "data" / "own")
    text = json.dumps({"database": "../data/own", "jsonl_export": "list.jsonl"})
    (top / ".beads").mkdir()
    (top / ".beads" / name).write_text(text)
    (top / ".beads" / "list.jsonl").write_text("")
    location = at(top)
    assert (location.database, location.jsonl) == (top / "data" / "own", top / ".beads" / "list.jsonl")
    assert [(path.name, path.read_text()) for path in (top / ".beads").glob("*.json")] == [(name, text)]


def test_a_setting_that_names_a_missing_database_gives_way_to_the_one_that_is_there(tmp_path: Path) -> None:
    top = project_with_classic(tmp_path / "project", "old.db")
    settings(top, database="beads.db", jsonl_export="gone.jsonl")
    assert (at(top).database.name, at(top).jsonl) == ("old.db", None)


def test_config_yaml_can_name_the_database(project: Path, tmp_path: Path) -> None:
    other = classic(tmp_path / "other.db")
    (project / ".beads" / "config.yaml").write_text(f'# db: ""\ndb: "{other}"  # ours\n')
    assert at(project).database == other


def test_a_tracker_that_keeps_no_database_has_its_export_and_our_sidecar(tmp_path: Path) -> None:
    top = git_repository(tmp_path / "project")
    (top / ".beads").mkdir()
    (top / ".beads" / "config.yaml").write_text("no-db: true\n")
    (top / ".beads" / "issues.jsonl").write_text("")
    location = at(top)
    assert (location.tracker, location.is_shared_file) == (BD, False)
    assert location.jsonl == top / ".beads" / "issues.jsonl"
    assert location.database == top / ".git" / "adw" / "state.sqlite3"


def test_the_export_is_known_among_the_other_lists_that_trackers_keep(project: Path) -> None:
    for name in ("interactions.jsonl", "deletions.jsonl", "beads.jsonl"):
        (project / ".beads" / name).write_text("")
    assert at(project).jsonl == project / ".beads" / "beads.jsonl"


def test_a_setting_that_takes_another_list_for_the_export_is_not_followed(project: Path) -> None:
    settings(project, jsonl_export="interactions.jsonl")
    for name in ("interactions.jsonl", "issues.jsonl"):
        (project / ".beads" / name).write_text("")
    assert at(project).jsonl == project / ".beads" / "issues.jsonl"


def test_two_databases_in_one_folder_are_refused_with_both_names(project: Path) -> None:
    classic(project / ".beads" / "a.db")
    with pytest.raises(DatabaseAmbiguousError, match=r"could mean 2 databases: a\.db, beads\.db") as refusal:
        at(project)
    assert refusal.value.hint is not None
    assert f"--db {project}/.beads/a.db" in refusal.value.hint


def test_one_of_two_databases_can_be_named(project: Path) -> None:
    other = classic(project / ".beads" / "a.db")
    assert locate(other, cwd=project, environ={}).database == other
    assert at(project, BD_DB=str(other)).database == other


@pytest.mark.parametrize("name", ["beads.backup-pre-dolt-1.db", "vc.db", "beads.db.corrupt", "beads.db-wal"])
def test_files_that_trackers_keep_beside_the_database_are_no_databases(name: str, project: Path) -> None:
    (project / ".beads" / name).write_bytes(b"")
    assert at(project).database == project / ".beads" / "beads.db"


def test_a_tracker_whose_database_is_missing_is_an_error_not_a_new_file(tmp_path: Path) -> None:
    top = git_repository(tmp_path / "clone")
    settings(top, database="beads.db")
    with pytest.raises(DatabaseNotFoundError, match="belongs to a tracker, but its database is not there"):
        at(top)
    assert sorted(path.name for path in (top / ".beads").iterdir()) == ["metadata.json"]


def test_without_a_tracker_our_tables_have_one_place_for_all_worktrees(tmp_path: Path) -> None:
    main = git_repository(tmp_path / "main")
    linked = worktree(main, tmp_path / "linked")
    here, there = at(main), at(linked)
    assert (here.tracker, here.is_shared_file, here.tracker_database) == (NO_TRACKER, False, None)
    assert here.database == there.database == main / ".git" / "adw" / "state.sqlite3"
    assert here.project == there.project == main


def test_outside_git_our_tables_are_in_the_folder_itself_or_in_the_nearest_that_has_them(
    tmp_path: Path,
) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    before = at(deep)
    (tmp_path / ".adw").mkdir()
    (tmp_path / ".adw" / "state.sqlite3").write_bytes(b"")
    after = at(deep)
    assert (before.project, before.database) == (deep, deep / ".adw" / "state.sqlite3")
    assert (after.project, after.database) == (tmp_path, tmp_path / ".adw" / "state.sqlite3")


def test_the_state_folder_follows_from_the_database_alone(project: Path, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    outside = classic(tmp_path / "outside" / ".beads" / "beads.db")
    loose = classic(tmp_path / "loose" / "copy.db")
    beside, sidecar = at(project), locate(cwd=git_repository(nowhere), environ={})
    assert state_dir_for(beside.database) == beside.state_dir == project / ".git" / "adw"
    assert state_dir_for(sidecar.database) == sidecar.state_dir == nowhere / ".git" / "adw"
    assert state_dir_for(outside) == at(outside.parent).state_dir == tmp_path / "outside" / ".adw"
    assert state_dir_for(loose) == tmp_path / "loose" / ".adw"


def test_the_copy_of_a_project_is_a_project_of_its_own(project: Path, tmp_path: Path) -> None:
    shutil.copytree(project, tmp_path / "copy")
    assert at(tmp_path / "copy").database == tmp_path / "copy" / ".beads" / "beads.db"


def test_looking_leaves_every_file_as_it_was(project: Path) -> None:
    def everything() -> dict[Path, tuple[int, int, bytes]]:
        files = (path for path in project.rglob("*") if path.is_file())
        return {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before = everything()
    at(project)
    locate(project / ".beads" / "beads.db", cwd=project, environ={})
    assert everything() == before
