"""A machine whose folders for temporary files are full or read-only: a sentence, never a traceback."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from adw_state.errors import SystemRefusalError, refused_by_the_system
from adws.tests.beside_beads.mounts import without_temporary_folders
from adws.tests.project import Project, Ran

COMMANDS = {
    "status": 0,
    "list --json": 0,
    "show first": 0,
    "analyze": 0,
    "restore --dry-run": 4,
    "restore": 4,
    "demo": 4,
}
COMPLAINT = "Error: temporary files cannot be written: "
ADVICE = "  What to do: free some disk space, or set TMPDIR to a folder that can be written"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("no-room") / "project")
    assert made.adw("init").code == 0
    assert made.adw("run", "bd-42", "--adw-id", "first").code == 0
    return made


def without_room(project: Project, words: str) -> Ran:
    environ = {"TMPDIR": "", "TEMP": "", "TMP": "", "PATH": "/usr/bin:/bin"}
    found: Ran = without_temporary_folders(
        project.folder, lambda: project.adw(*words.split(), environ=environ)
    )
    return found


@pytest.mark.parametrize("words", COMMANDS)
def test_without_a_temporary_folder_a_command_works_or_says_why_not(project: Project, words: str) -> None:
    done = without_room(project, words)

    assert done.code == COMMANDS[words], done.err
    assert "Traceback" not in done.err
    if done.code:
        complaint, advice = done.err.splitlines()
        assert complaint.startswith(COMPLAINT)
        assert advice == ADVICE


def test_the_doctor_examines_a_machine_without_temporary_folders(project: Project) -> None:
    done = without_room(project, "doctor --json")

    found = {finding["check"]: finding for finding in done.json["findings"]}
    assert done.code == 4
    assert found["leftovers"]["severity"] == "ok"
    assert not [finding for finding in found.values() if "[Errno" in finding["what"]]


def test_git_needs_no_disk_for_what_it_answers(project: Project) -> None:
    done = without_room(project, "run bd-43")

    assert done.code == 2
    assert "temporary" not in done.err
    place = project.folder / ".adw" / "agents"
    assert done.err.splitlines()[-1] == (
        f"  What to do: make {place} writable, or name another folder by run_folder in adw.toml"
    )


def test_a_place_where_the_demo_can_make_no_folder_is_named(project: Project) -> None:
    blocked = project.folder / "file"
    blocked.touch()

    done = project.adw("demo", "--into", str(blocked / "demo"))

    assert done.code == 2
    assert done.err == (
        f"Error: no folder can be made in {blocked / 'demo'}: Not a directory\n"
        "  What to do: name a folder that you may write to: `adw demo --into DIRECTORY`\n"
    )


def test_a_refusal_names_the_file_and_what_can_be_done(tmp_path: Path) -> None:
    refusal = refused_by_the_system(OSError(errno.EMFILE, "Too many open files", str(tmp_path)))

    assert isinstance(refusal, SystemRefusalError)
    assert str(refusal) == f"the operating system refused an operation: {tmp_path}: Too many open files"
    assert refusal.hint == "allow more open files (`ulimit -n 4096`), and try again"
