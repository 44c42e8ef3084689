"""How git is run: where it is told to, for as long as it may, and without the user's variables."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from adw_state.errors import RepositoryError, RunInterruptedError
from adw_state.git.command import (
    Git,
    agent_environment,
    command_environment,
    complaint_of,
    hint_for,
    safe_directories,
    without_git_variables,
)
from adw_state.interruption import StopRequest
from adw_state.store.owner import process_mark
from adws.tests.phases.projects import Project, acting_agent, git
from adws.tests.project import Project as CommandProject


def hanging_filter(project: Path, words: str) -> Path:
    """A filter for *.big that says it is there, and then never ends; the file that it writes its pid to."""
    said = project.parent / "filter-is-there"
    (project / ".gitattributes").write_text("*.big filter=slow\n")
    git(project, "config", f"filter.slow.{words}", f"echo $$ > '{said}'; exec sleep 600")
    return said


def alive(pid: int) -> bool:
    """Whether a process that was killed goes on all the same, a moment later."""
    for _ in range(500):
        if process_mark(pid) is None or is_zombie(pid):
            return False
        threading.Event().wait(0.01)
    return True


def is_zombie(pid: int) -> bool:
    """Whether a process has ended and nobody asked for its exit code yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rindex(b")") + 2 :].startswith(b"Z")


def ask_when(said: Path, stop: StopRequest) -> None:
    """Ask to stop as soon as the filter is there."""

    def watch() -> None:
        while not (said.exists() and said.read_text().strip()):
            threading.Event().wait(0.01)
        stop.ask(RunInterruptedError("enough"))

    threading.Thread(target=watch, daemon=True).start()


def test_a_stop_ends_git_and_what_it_started(bare_project: Path) -> None:
    said, stop = hanging_filter(bare_project, "clean"), StopRequest()
    (bare_project / "a.big").write_text("x")
    ask_when(said, stop)
    with pytest.raises(RunInterruptedError, match=r"^enough$"):
        Git(bare_project, stop=stop).run("add", "a.big")
    assert not alive(int(said.read_text()))
    assert not (bare_project / ".git" / "index.lock").exists()


def test_after_a_stop_no_git_is_started(bare_project: Path) -> None:
    stop = StopRequest()
    stop.ask(RunInterruptedError("enough"))
    with pytest.raises(RunInterruptedError):
        Git(bare_project, stop=stop).run("tag", "made")
    assert git(bare_project, "tag") == ""


def test_a_command_that_takes_too_long_is_ended(bare_project: Path) -> None:
    said = hanging_filter(bare_project, "clean")
    (bare_project / "a.big").write_text("x")
    with pytest.raises(RepositoryError) as caught:
        Git(bare_project, timeout_seconds=0.5).run("add", "a.big")
    assert str(caught.value) == f"git add in {bare_project} did not end within 0.5 s and was stopped"
    assert "git_timeout_seconds" in (caught.value.hint or "")
    assert not said.exists() or not alive(int(said.read_text()))


def test_a_filter_that_keeps_its_output_open_does_not_keep_git_waiting(bare_project: Path) -> None:
    said = bare_project.parent / "said"
    (bare_project / ".gitattributes").write_text("*.big filter=slow\n")
    git(bare_project, "config", "filter.slow.clean", f"cat; (setsid sleep 600 & echo $! > '{said}')")
    (bare_project / "a.big").write_text("x")
    Git(bare_project).run("add", ".gitattributes")
    try:
        Git(bare_project, timeout_seconds=60).ask("hash-object", "--stdin", text="x")
    finally:
        if said.exists():
            os.kill(int(said.read_text()), signal.SIGKILL)


def interrupted(project: CommandProject, said: Path, number: int, *words: str) -> int:
    """The exit code of a run that gets a signal as soon as a filter hangs; the filter must be gone."""
    run = subprocess.Popen(
        [sys.executable, "-m", "adw_state.cli", "run", "bd-42", "--adw-id", "run-1", *words],
        cwd=project.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while run.poll() is None and not (said.exists() and said.read_text().strip()):
        threading.Event().wait(0.01)
    run.send_signal(number)
    code = run.wait(60)
    assert not alive(int(said.read_text()))
    return code


def with_big_file(tmp_path: Path) -> CommandProject:
    """A project with a file that a filter is for."""
    project = CommandProject(tmp_path / "shop")
    project.adw("init")
    (project.folder / "a.big").write_text("x")
    (project.folder / ".gitattributes").write_text("*.big filter=slow\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "big")
    return project


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run_whose_git_hangs_while_it_makes_the_worktree(
    tmp_path: Path, number: signal.Signals
) -> None:
    project = with_big_file(tmp_path)
    said = hanging_filter(project.folder, "smudge")
    project.git("config", "filter.slow.clean", "cat")
    assert interrupted(project, said, number) == 128 + number
    project.git("config", "--remove-section", "filter.slow")
    assert project.adw("resume", "run-1").code == 0


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_a_run_whose_git_hangs_while_it_commits(tmp_path: Path, number: signal.Signals) -> None:
    project, said = with_big_file(tmp_path), tmp_path / "said"
    clean = f"read -r x; case $x in hang) echo $$ > '{said}'; exec sleep 600;; esac; printf %s \"$x\""
    project.git("config", "filter.slow.clean", clean)
    agent = acting_agent(tmp_path, build="echo hang > b.big")
    assert interrupted(project, said, number, "--agent", agent) == 128 + number
    project.git("config", "--remove-section", "filter.slow")
    resumed = project.adw("resume", "run-1", "--json")
    assert resumed.code == 0, resumed.err
    branch = resumed.json["execution"]["branch_name"]
    assert project.git("show", f"{branch}:b.big") == "hang\n"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_git_that_hangs_before_a_run_has_begun(tmp_path: Path, number: signal.Signals) -> None:
    project = with_big_file(tmp_path)
    said = hanging_filter(project.folder, "clean")
    os.utime(project.folder / "a.big", (0, 0))
    assert interrupted(project, said, number) == 128 + number
    project.git("config", "--remove-section", "filter.slow")
    assert project.adw("run", "bd-42", "--adw-id", "run-1").code == 0


def test_variables_that_name_a_place_a_person_or_paths_do_not_reach_git() -> None:
    environ = {
        "PATH": "/bin",
        "GIT_DIR": "x",
        "GIT_AUTHOR_NAME": "x",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_TRACE": "1",
        "GIT_SSH_COMMAND": "ssh -v",
        "GIT_CONFIG_GLOBAL": "/g",
        "GIT_SSL_CAINFO": "/ca",
        "GIT_ANYTHING_NEW": "x",
    }
    kept = {
        "PATH": "/bin",
        "GIT_SSH_COMMAND": "ssh -v",
        "GIT_CONFIG_GLOBAL": "/g",
        "GIT_SSL_CAINFO": "/ca",
    }
    assert without_git_variables(environ) == kept
    assert agent_environment(environ, Path("/p/trees/t"), 3) == {
        **kept,
        "GIT_CEILING_DIRECTORIES": "/p/trees",
        "ADW_SLOT": "3",
    }
    assert command_environment(environ, Path("/p"))["GIT_CEILING_DIRECTORIES"] == "/p"


def test_folders_that_the_environment_trusts_stay_trusted() -> None:
    environ = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "core.bare",
        "GIT_CONFIG_VALUE_0": "true",
        "GIT_CONFIG_KEY_1": "safe.directory",
        "GIT_CONFIG_VALUE_1": "/p",
    }
    assert safe_directories(environ) == ["/p"]
    assert safe_directories({"GIT_CONFIG_COUNT": "many"}) == []


@pytest.mark.parametrize(
    ("complaints", "complaint", "advice"),
    [
        (
            "Preparing worktree (new branch 'w')\ngit-lfs filter-process: 1: git-lfs: not found\n"
            "fatal: the remote end hung up unexpectedly\n",
            "git-lfs filter-process: 1: git-lfs: not found",
            "install git-lfs and run `git lfs install`",
        ),
        (
            "fatal: detected dubious ownership in repository at '/p'\nTo add an exception …\n",
            "detected dubious ownership in repository at '/p'",
            "`git config --global --add safe.directory /p`",
        ),
        (
            "error: external filter 'conv' failed 127\nfatal: a.x: smudge filter conv failed\n",
            "external filter 'conv' failed 127",
            "make the filter's program work",
        ),
        (
            "error: unable to write file x: No space left on device\n",
            "unable to write file x: No space left on device",
            "free some disk space",
        ),
        (
            "x: 1: git-lfs: not found\nerror: packet write with format failed\n"
            "fatal: a.big: smudge filter lfs failed\n",
            "x: 1: git-lfs: not found",
            "install git-lfs",
        ),
        ("", "it gave no reason", "look at the folder with `git -C /p status`"),
    ],
)
def test_the_complaint_that_is_told_says_what_to_do(complaints: str, complaint: str, advice: str) -> None:
    assert complaint_of(complaints) == complaint
    assert advice in hint_for(complaints, Path("/p"))


def test_a_missing_git_lfs_is_named_before_an_agent_is_asked(project: Project) -> None:
    (project.path / ".gitattributes").write_text("*.big filter=lfs\n")
    (project.path / "a.big").write_text("x")
    project.git("add", "--all")
    project.git("-c", "user.name=T", "-c", "user.email=t@e.org", "commit", "--quiet", "--message", "big")
    project.git("config", "filter.lfs.process", "git-lfs-is-not-here filter-process")
    project.git("config", "filter.lfs.required", "true")
    outcome = project.run("demo-1", allow_dirty=True)
    assert outcome.error is not None
    assert "git-lfs-is-not-here: not found" in str(outcome.error)
    assert "install git-lfs" in str(outcome.error.hint)
    assert project.calls() == []


def test_an_accidental_core_bare_is_named_with_the_way_back(project: Project) -> None:
    project.git("config", "core.bare", "true")
    with pytest.raises(RepositoryError) as caught:
        project.run("demo-1")
    config = project.path / ".git" / "config"
    assert str(caught.value) == f"{project.path} has files, but core.bare in {config} says that it has none"
    assert caught.value.hint == f"if nobody set it on purpose: `git -C {project.path} config core.bare false`"
    project.git("config", "core.bare", "false")
    assert project.run("demo-1").status == "completed"
