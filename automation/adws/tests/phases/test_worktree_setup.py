"""How `[worktree]` in adw.toml prepares the worktree of a run: copies, commands, and a number of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from adw_state.configuration.file import read_configuration_file
from adw_state.configuration.settings import load_config, settings_of
from adw_state.configuration.worktrees import WorktreeSettings
from adw_state.errors import ConfigurationError, WorktreeSetupError
from adws.tests.phases.processes import run_apart, wait_until
from adws.tests.phases.projects import Project


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where commands and agents of the tests note what they did."""
    return tmp_path / "notes.txt"


def configure(project: Project, **settings: object) -> None:
    """Set `[worktree]`, of the file and of the runs that the test makes."""
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    (project.path / "adw.toml").write_text("\n".join(["[worktree]", *lines, ""]))
    project.config = load_config(project.path, {})


def tree_of(project: Project, execution_id: str = "run-1") -> Path:
    """The worktree of a run."""
    (found,) = [run for run in project.executions() if run.id == execution_id]
    return Path(str(found.worktree_path))


class TestCommands:
    def test_they_run_in_the_worktree_in_order_once_before_the_first_agent(
        self, project: Project, notes: Path
    ) -> None:
        configure(project, setup=[f"pwd >> {notes}", f"echo second >> {notes}"])
        project.act(plan=f"echo plan >> {notes}", build=f"echo build >> {notes}; echo 2 > made.txt")
        assert notes.read_text().splitlines() == [str(tree_of(project)), "second", "plan", "build"]

    def test_what_they_print_is_kept_with_the_run(self, project: Project) -> None:
        configure(project, setup=["true", "echo to stdout; echo to stderr >&2"])
        project.act()
        kept = project.path / ".adw/agents/run-1/.worktree-setup/attempt-2/output.txt"
        assert kept.read_text() == "to stdout\nto stderr\n"

    def test_they_run_again_when_they_change_and_not_when_they_do_not(
        self, project: Project, notes: Path
    ) -> None:
        configure(project, setup=[f"echo first >> {notes}"])
        project.act(build="exit 1")
        project.act_again(build="exit 1")
        assert notes.read_text() == "first\n"
        configure(project, setup=[f"echo changed >> {notes}"])
        project.act_again()
        assert notes.read_text() == "first\nchanged\n"

    def test_they_run_again_in_a_worktree_that_was_removed(self, project: Project, notes: Path) -> None:
        configure(project, setup=[f"echo ran >> {notes}"])
        project.run("demo-1", adw_id="run-1", pause_after="worktree_ready")
        project.git("worktree", "remove", "--force", str(tree_of(project)))
        assert project.resume("run-1").status == "completed"
        assert notes.read_text() == "ran\nran\n"

    def test_one_that_fails_fails_the_attempt_as_environment_and_no_agent_is_asked(
        self, project: Project
    ) -> None:
        configure(project, setup=["echo no such package; exit 3", "echo never"])
        outcome = project.run("demo-1", adw_id="run-1")
        assert isinstance(outcome.error, WorktreeSetupError)
        assert str(outcome.error) == (
            "the worktree is not ready: the command `echo no such package; exit 3` exited with code 3; "
            "the end of its output:\nno such package"
        )
        (attempt,) = project.attempts("run-1")
        assert (attempt.status, attempt.error_class) == ("failed", "environment")
        assert project.calls() == []
        configure(project, setup=["true"])
        assert project.resume("run-1").status == "completed"

    def test_one_that_does_not_end_is_stopped_after_its_own_time(self, project: Project) -> None:
        configure(project, setup=["sleep 300"], timeout_seconds=0.05)
        outcome = project.run("demo-1", adw_id="run-1")
        assert str(outcome.error) == (
            "the worktree is not ready: the command `sleep 300` did not end within 0.05 s and was stopped"
        )
        assert project.attempts("run-1")[0].error_class == "environment"

    def test_what_they_change_in_files_of_git_is_taken_back_and_kept(
        self, project: Project, notes: Path
    ) -> None:
        configure(project, setup=["echo x >> README.md; echo y > new.txt; echo z > ignored.tmp"])
        project.act(build=f"ls >> {notes}; echo 2 > made.txt")
        assert notes.read_text().splitlines() == ["README.md", "ignored.tmp", "specs"]
        assert project.git("diff", "--name-only", "main", "adw/demo-1-run-1").splitlines() == [
            "made.txt",
            "specs/demo-1-plan.md",
        ]
        patch = project.path / ".adw/agents/run-1/plan/attempt-1/setup-changes.patch"
        lines = patch.read_text().splitlines()
        assert sorted(line for line in lines if line.startswith("+") and line[1:2] != "+") == ["+x", "+y"]

    def test_after_a_kill_in_the_middle_they_run_again_and_nothing_is_left_running(
        self, project: Project, notes: Path, tmp_path: Path
    ) -> None:
        started = tmp_path / "started"
        wait_once = f"[ -e {started} ] || {{ touch {started}; sleep 300; }}"
        configure(project, setup=[f"echo ran >> {notes}; {wait_once}"])

        with run_apart(project) as process:
            wait_until(started.exists)
            process.kill()
        assert project.resume("run-1").status == "completed"
        assert notes.read_text() == "ran\nran\n"


class TestCopies:
    def test_an_ignored_file_and_folder_come_along_and_keep_their_modes(
        self, project: Project, notes: Path
    ) -> None:
        (project.path / ".env").write_text("TOKEN=1\n")
        (project.path / ".env").chmod(0o600)
        (project.path / "data.tmp").mkdir()
        (project.path / "data.tmp" / "a.txt").write_text("a")
        configure(
            project, copy=[".env", "data.tmp"], setup=[f"stat -c '%a %n' .env data.tmp/a.txt >> {notes}"]
        )
        outcome = project.act()
        assert outcome.status == "completed"
        assert notes.read_text() == "600 .env\n644 data.tmp/a.txt\n"
        assert "TOKEN" not in project.git("log", "-p", "--all")

    def test_a_file_of_the_worktree_is_not_overwritten(self, project: Project, notes: Path) -> None:
        configure(project, copy=["README.md"], setup=[f"cat README.md >> {notes}"])
        project.git(
            "commit", "--quiet", "--allow-empty", "-m", "x", "--author", "T <t@e.org>"
        ) if False else None
        (project.path / "README.md").write_text("changed\n")
        project.run("demo-1", adw_id="run-1", allow_dirty=True)
        assert notes.read_text() == "# Shop\n"

    @pytest.mark.parametrize(
        ("path", "complaint"),
        [
            ("absent.env", "absent.env cannot be copied from {project}: No such file or directory"),
            ("notes.md", "git does not ignore notes.md, so the copy would be committed as the agent's work"),
        ],
    )
    def test_what_cannot_come_along_fails_the_attempt(
        self, project: Project, path: str, complaint: str
    ) -> None:
        (project.path / "notes.md").write_text("mine\n")
        configure(project, copy=[path])
        outcome = project.run("demo-1", adw_id="run-1")
        assert str(outcome.error) == "the worktree is not ready: " + complaint.format(project=project.path)
        assert not (tree_of(project) / path).exists()

    def test_of_a_folder_that_git_does_not_ignore_nothing_stays_in_the_worktree(
        self, project: Project
    ) -> None:
        for name in ("a.md", "b.md"):
            (project.path / "notes" / name).parent.mkdir(exist_ok=True)
            (project.path / "notes" / name).write_text("mine\n")
        configure(project, copy=["notes"])
        assert isinstance(project.run("demo-1", adw_id="run-1").error, WorktreeSetupError)
        assert list((tree_of(project) / "notes").iterdir()) == []


class TestSlot:
    def test_each_worktree_has_a_number_of_its_own_that_stays(self, project: Project, notes: Path) -> None:
        noted = f"echo $ADW_SLOT >> {notes}; echo 2 > made.txt"
        project.act("demo-1", adw_id="run-1", build=f"{noted}; exit 1")
        project.act("demo-2", adw_id="run-2", build=noted)
        project.act_again("run-1", build=noted)
        assert notes.read_text().split() == ["1", "2", "1"]

    def test_the_number_of_a_removed_worktree_is_free_again(self, project: Project, notes: Path) -> None:
        noted = f"echo $ADW_SLOT >> {notes}; echo 2 > made.txt"
        project.act("demo-1", adw_id="run-1", build=noted)
        project.git("worktree", "remove", "--force", str(tree_of(project)))
        project.act("demo-2", adw_id="run-2", build=noted)
        assert notes.read_text().split() == ["1", "1"]

    def test_commands_of_the_set_up_have_it_too(self, project: Project, notes: Path) -> None:
        configure(project, setup=[f"echo $ADW_SLOT >> {notes}"])
        project.act()
        assert notes.read_text() == "1\n"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("worktree = 1", "adw.toml:1: worktree must be a table, not 1"),
        ("[worktree]\nsetups = []", "adw.toml:2: 'setups' is no key of [worktree]"),
        (
            '[worktree]\nsetup = "uv sync"',
            "adw.toml:2: worktree.setup must be a list of texts, not 'uv sync'",
        ),
        ("[worktree]\nsetup = [1]", "adw.toml:2: worktree.setup must be a list of texts, not [1]"),
        (
            '[worktree]\ncopy = ["../x"]',
            "adw.toml:2: worktree.copy names '../x', which is not in the project",
        ),
        (
            '[worktree]\ncopy = ["/etc/passwd"]',
            "adw.toml:2: worktree.copy names '/etc/passwd', which is not in the project",
        ),
        (
            '[worktree]\ncopy = [".git/config"]',
            "adw.toml:2: worktree.copy names '.git/config', which is not in the project",
        ),
        (
            "[worktree]\ntimeout_seconds = 0",
            "adw.toml:2: worktree.timeout_seconds must be a positive number, not 0",
        ),
        (
            "[worktree]\ntimeout_seconds = true",
            "adw.toml:2: worktree.timeout_seconds must be a positive number, not True",
        ),
    ],
)
def test_a_fault_of_the_table_is_told_with_its_line_before_a_run_begins(
    tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "adw.toml").write_text(table + "\n")
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {})
    assert str(caught.value) == f"{tmp_path}/{message}"


def test_a_right_table_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "adw.toml").write_text(
        '[worktree]\ncopy = [".env"]\nsetup = ["uv sync"]\nteardown = ["make down"]\ntimeout_seconds = 5\n'
    )
    config, faults = settings_of(read_configuration_file(tmp_path), {})
    assert (config.worktree, faults) == (WorktreeSettings((".env",), ("uv sync",), ("make down",), 5.0), [])
