"""Where a report may go: it replaces a file, and nothing else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from adw_state.errors import InvalidInputError, SystemRefusalError
from adw_state.reports.report_file import write_report
from adw_state.text_files import replace_file
from adws.tests.processes import run_as_ordinary_user


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("old")
    path.chmod(0o640)
    before = path.stat().st_ino

    write_report("new", path)

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.stat().st_ino != before, "readers of the old file keep the old content"
    assert names(tmp_path) == ["report.txt"]


@pytest.mark.parametrize("write", [write_report, lambda text, path: replace_file(path, text, on_disk=True)])
def test_a_symbolic_link_stays_and_its_target_is_replaced(write: object, tmp_path: Path) -> None:
    assert callable(write)
    there, here = tmp_path / "there", tmp_path / "here"
    there.mkdir()
    here.mkdir()
    (there / "target").write_text("old")
    (there / "target").chmod(0o600)
    (here / "second").symlink_to(Path("..", "there", "target"))
    (here / "link").symlink_to("second")

    write("new", here / "link")

    assert (here / "link").is_symlink()
    assert (here / "second").is_symlink()
    assert (there / "target").read_text() == "new"
    assert stat.S_IMODE((there / "target").stat().st_mode) == 0o600
    assert (names(here), names(there)) == (["link", "second"], ["target"])


def test_a_link_to_a_file_that_is_not_there_yet_makes_it(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "new")

    write_report("text", tmp_path / "link")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "new").read_text() == "text"


def test_every_name_of_a_file_shows_the_report(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("something much longer than the report")
    os.link(tmp_path / "one", tmp_path / "two")

    write_report("new", tmp_path / "one")

    assert (tmp_path / "two").read_text() == "new"
    assert (tmp_path / "one").stat().st_nlink == 2


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_text()))
    reader.start()

    write_report("through the pipe", fifo)

    reader.join()
    assert read == ["through the pipe"]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_reader_of_a_pipe_may_leave(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = threading.Thread(target=lambda: os.close(os.open(fifo, os.O_RDONLY)))
    reader.start()

    write_report("x" * 1_000_000, fifo)

    reader.join()


def test_a_device_is_written_to(tmp_path: Path) -> None:
    (tmp_path / "null").symlink_to("/dev/null")

    write_report("text", Path("/dev/null"))
    write_report("text", tmp_path / "null")

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(SystemRefusalError, match="/dev/full: No space left on device") as caught:
        write_report("text", Path("/dev/full"))
    assert str(caught.value.hint).startswith("free some disk space")
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
@pytest.mark.parametrize("ending", ["", " | cat"])
def test_standard_output_is_written_to_in_turn(name: str, ending: str, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path;"
        "from adw_state.reports.report_file import write_report;"
        "write_report('report\\n', Path(sys.argv[1]))"
    )
    line = f'(echo before; "$0" -c "$1" "$2"; echo after){ending} > out'

    subprocess.run(["bash", "-c", line, sys.executable, program, name], cwd=tmp_path, check=True)

    assert (tmp_path / "out").read_text() == "before\nreport\nafter\n"
    assert names(tmp_path) == ["out"]


def test_what_cannot_be_written_is_an_error_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name, why in (
        ("folder", "Is a directory"),
        ("missing/report", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
    ):
        with pytest.raises(InvalidInputError, match=f": {why}"):
            write_report("text", tmp_path / name)
    assert names(tmp_path) == ["folder", "loop"]


def test_permissions_hold_for_the_file_not_for_its_folder(open_folder: Path) -> None:
    folder = open_folder / "read-only"
    folder.mkdir()
    for name, mode in (("mine", 0o666), ("protected", 0o444)):
        (folder / name).write_text("old")
        (folder / name).chmod(mode)
    folder.chmod(0o555)

    def write() -> list[str]:
        said = []
        for name in ("mine", "protected", "new"):
            try:
                write_report("new", folder / name)
            except InvalidInputError as error:
                said.append(f"{name}: {str(error).rpartition(': ')[2]}")
        return said

    assert run_as_ordinary_user(write) == ["protected: Permission denied", "new: Permission denied"]
    assert (folder / "mine").read_text() == "new"
    assert (folder / "protected").read_text() == "old"
    assert names(folder) == ["mine", "protected"]
