"""Nothing that an agent wrote is lost or slips in: commits of unusual work, in unusual repositories."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from adw_state.errors import RepositoryError
from adw_state.git.commits import commit_step, rehearse_commit
from adw_state.git.leftovers import Leftovers, set_aside_leftovers
from adw_state.git.tree_state import note_checkout
from adw_state.git.worktrees import Worktree, ensure_worktree
from adws.tests.phases.projects import Project, acting_agent, git, worktree_for
from adws.tests.processes import run_as_ordinary_user

NAMED = ("-c", "user.name=T", "-c", "user.email=t@e.org")


def commit_in(project: Project, message: str = "more") -> None:
    """Commit everything in the project by the user."""
    project.git("add", "--all")
    project.git(*NAMED, "commit", "--quiet", "--message", message)


def tree_of(project: Project, branch: str | None) -> dict[str, str]:
    """Mode and path of every file on a branch."""
    rows = project.git("ls-tree", "-r", str(branch)).splitlines()
    return {row.partition("\t")[2]: row.split()[0] for row in rows}


def built(project: Project, build: str) -> dict[str, str]:
    """The files that the build of a completed run changed, with their modes (empty: deleted)."""
    outcome = project.act(build=build)
    assert outcome.status == "completed", str(outcome.error)
    branch = str(outcome.execution.branch_name)
    changed = project.git("diff", "--name-only", "--no-renames", f"{branch}~", branch).splitlines()
    return {path: tree_of(project, branch).get(path, "") for path in changed}


def test_a_file_added_by_force_is_committed_although_the_project_ignores_it(project: Project) -> None:
    assert built(project, "echo data > result.tmp; git add --force result.tmp") == {"result.tmp": "100644"}


def test_an_ignored_file_that_the_agent_committed_by_itself_is_committed(project: Project) -> None:
    build = "echo data > result.tmp; git add -f result.tmp; git commit -qm mine; echo x > made.txt"
    assert built(project, build) == {"made.txt": "100644", "result.tmp": "100644"}


@pytest.mark.parametrize(
    "way",
    [
        "git add tool.sh; git update-index --chmod=+x tool.sh",
        "git add --chmod=+x tool.sh",
        "chmod +x tool.sh",
        "git config core.fileMode false; git add tool.sh; git update-index --chmod=+x tool.sh",
    ],
)
def test_an_executable_bit_that_the_agent_set_in_files_or_index_is_committed(
    project: Project, way: str
) -> None:
    assert built(project, f"echo '#!/bin/sh' > tool.sh; {way}") == {"tool.sh": "100755"}


def test_an_executable_bit_that_the_agent_took_away_is_committed(project: Project) -> None:
    tool = project.path / "tool.sh"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    commit_in(project)
    assert built(project, "chmod -x tool.sh") == {"tool.sh": "100644"}


def test_a_file_that_the_agent_took_out_of_git_and_ignores_now_is_no_longer_committed(
    project: Project,
) -> None:
    (project.path / "local.cfg").write_text("x\n")
    commit_in(project)
    build = "git rm -q --cached local.cfg; echo local.cfg >> .gitignore"
    assert built(project, build) == {".gitignore": "100644", "local.cfg": ""}


def test_a_folder_in_the_place_of_a_file_and_a_link_in_the_place_of_a_folder_are_committed(
    project: Project,
) -> None:
    (project.path / "thing").write_text("x\n")
    (project.path / "folder").mkdir()
    (project.path / "folder" / "a").write_text("a\n")
    commit_in(project)
    build = (
        "rm thing; mkdir thing; echo 1 > thing/one; "
        "rm -r folder; mkdir real; echo a > real/a; ln -s real folder"
    )
    assert built(project, build) == {
        "folder": "120000",
        "folder/a": "",
        "real/a": "100644",
        "thing": "",
        "thing/one": "100644",
    }


def test_a_submodule_is_committed_with_its_entry(project: Project, tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    git(library, *NAMED, "commit", "--quiet", "--allow-empty", "--message", "x")
    build = f"git -c protocol.file.allow=always submodule --quiet add {shlex.quote(str(library))} vendor/lib"
    assert built(project, build) == {".gitmodules": "100644", "vendor/lib": "160000"}


def test_changes_inside_a_submodule_that_are_not_committed_there_fail_the_build(
    project: Project, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "--quiet")
    git(library, *NAMED, "commit", "--quiet", "--allow-empty", "--message", "x")
    add = f"git -c protocol.file.allow=always submodule --quiet add {shlex.quote(str(library))} vendor/lib"
    failed = project.act(build=f"{add}; echo precious > vendor/lib/new.txt")
    assert str(failed.error) == (
        "the agent changed files inside the submodule vendor/lib and did not commit them there, so no commit "
        "of the run can hold them"
    )
    resumed = project.act_again()
    assert resumed.status == "completed"
    assert "vendor/lib" not in tree_of(project, resumed.execution.branch_name)
    kept = project.path / ".adw" / "agents" / "run-1" / "build" / "attempt-2" / "leftovers"
    assert (kept / "vendor" / "lib" / "new.txt").read_text() == "precious\n"


def test_no_empty_patch_is_kept_for_changes_inside_a_submodule(project: Project, tmp_path: Path) -> None:
    library = tmp_path / "library"
    shutil.copytree(project.path, library)
    allowed = ("-c", "protocol.file.allow=always")
    project.git(*allowed, "submodule", "--quiet", "add", str(library), "vendor/lib")
    commit_in(project)
    update = "git -c protocol.file.allow=always submodule --quiet update --init"
    project.act(build=f"{update}; echo precious > vendor/lib/new.txt")
    assert project.act_again().status == "completed"
    folder = project.path / ".adw" / "agents" / "run-1" / "build" / "attempt-2"
    assert not (folder / "leftovers.patch").exists()
    assert (folder / "leftovers" / "vendor" / "lib" / "new.txt").read_text() == "precious\n"


def test_a_repository_that_the_agent_made_fails_the_build_and_is_kept(project: Project) -> None:
    failed = project.act(build="mkdir app; cd app; git init -q; echo precious > a.txt; echo x > ../made.txt")
    assert (failed.status, str(failed.error)) == (
        "failed",
        "the agent made a git repository in app, and no commit of the run can hold its files",
    )
    resumed = project.act_again()
    assert resumed.status == "completed"
    kept = project.path / ".adw" / "agents" / "run-1" / "build" / "attempt-2" / "leftovers"
    assert (kept / "app" / "a.txt").read_text() == "precious\n"
    assert (kept / "app" / ".git").is_dir()
    assert not (project.path / ".adw" / "trees" / "demo-1-run-1" / "app").exists()


@pytest.mark.parametrize(
    ("refused", "damage"),
    [("README.md", "rm README.md; mkfifo README.md"), ("odd.txt", "echo no UTF-16 > odd.txt")],
)
def test_what_git_refuses_to_store_is_kept_as_it_is_and_the_run_goes_on(
    project: Project, refused: str, damage: str
) -> None:
    (project.path / ".gitattributes").write_text("odd.txt working-tree-encoding=UTF-16\n")
    commit_in(project)
    failed = project.act(build=f"{damage}; for n in 1 2 3 4 5; do echo precious > made$n.txt; done")
    assert f"{refused}" in str(failed.error)
    resumed = project.act_again()
    assert resumed.status == "completed"
    assert set(tree_of(project, resumed.execution.branch_name)) >= {"README.md", "made.txt"}
    folder = project.path / ".adw" / "agents" / "run-1" / "build" / "attempt-2"
    assert (folder / "leftovers.patch").read_text().count("+precious") == 5
    assert [path.name for path in (folder / "leftovers").iterdir()] == [refused]


def test_what_is_left_out_of_a_commit_is_named_with_its_reason_in_the_result(project: Project) -> None:
    build = "echo k > .env; mkdir -p .beads; echo x > .beads/issues.jsonl; echo x > made.txt"
    assert built(project, build) == {"made.txt": "100644"}
    saved = project.ask(lambda state: state.load_checkpoint("run-1", "build", "build_committed"))
    assert saved.data["left_out"] == {
        ".beads/issues.jsonl": "it belongs to the tracker",
        ".env": "it may hold secrets",
    }
    assert project.warnings() == [
        ".beads/issues.jsonl is left out of the commit, because it belongs to the tracker",
        ".env is left out of the commit, because it may hold secrets",
    ]


def test_a_secret_in_the_name_of_a_file_is_shown_to_nobody(project: Project) -> None:
    environ = {"PATH": os.environ["PATH"], "SHOP_TOKEN": "s3cret-value-123"}

    def said(build: str, adw_id: str) -> str:
        project.events.clear()
        agent = acting_agent(project.path.parent, build=build)
        outcome = project.run("demo-1", adw_id=adw_id, agent=agent, environ=environ, force=True)
        hint = outcome.error.hint if outcome.error else ""
        return " ".join([str(outcome.error), str(hint), *(event.text for event in project.events)])

    nested = said("git init -q s3cret-value-123", "run-1")
    left_out = said("mkdir s3cret-value-123; echo k > s3cret-value-123/.env; echo x > made.txt", "run-2")
    assert "s3cret-value-123" not in nested + left_out
    assert "or remove [masked]/.git by hand" in nested
    assert "[masked]/.env is left out of the commit, because it may hold secrets" in left_out


def test_secrets_that_the_agent_committed_by_itself_are_left_out(project: Project) -> None:
    assert built(project, "echo k > .env; git add -f .env; git commit -qm x; echo x > made.txt") == {
        "made.txt": "100644"
    }


class TestFilesModifiedSinceTheCheckout:
    """Files that count as modified although nobody changed them are nobody's work."""

    @pytest.fixture(autouse=True)
    def with_dos_files(self, project: Project) -> None:
        """Three files whose line ends an attribute would convert."""
        for number in (1, 2, 3):
            (project.path / f"dos{number}.txt").write_bytes(b"a\r\nb\r\n")
        commit_in(project)
        (project.path / ".gitattributes").write_text("*.txt text\n")
        project.git("add", ".gitattributes")
        project.git(*NAMED, "commit", "--quiet", "--message", "attributes")

    @pytest.mark.parametrize(
        "touch",
        [
            "",
            "touch dos1.txt dos2.txt",
            "git status > /dev/null",
            "git add --all",
            "git commit -qam mine",
            "git add --renormalize .",
        ],
    )
    def test_the_commit_holds_what_the_agent_changed_and_nothing_else(
        self, project: Project, touch: str
    ) -> None:
        outcome = project.run(
            "demo-1", adw_id="run-1", allow_dirty=True, agent=acting(project, f"echo x > made.py; {touch}")
        )
        branch = str(outcome.execution.branch_name)
        assert project.git("diff", "--name-only", f"{branch}~", branch) == "made.py\n"

    def test_a_change_to_one_of_them_is_committed(self, project: Project) -> None:
        agent = acting(project, "printf 'c\\r\\n' >> dos2.txt")
        outcome = project.run("demo-1", adw_id="run-1", allow_dirty=True, agent=agent)
        branch = str(outcome.execution.branch_name)
        assert project.git("diff", "--name-only", f"{branch}~", branch) == "dos2.txt\n"

    def test_an_agent_that_did_nothing_is_told_so(self, project: Project) -> None:
        outcome = project.run("demo-1", allow_dirty=True, agent=acting(project, "touch dos1.txt"))
        assert str(outcome.error) == "the agent ended without changing a file"

    def test_they_are_no_leftovers(self, project: Project, tmp_path: Path) -> None:
        tree = worktree_for(project.path, "demo-1", "run-1")
        base = project.git("rev-parse", "main").strip()
        ensure_worktree(tree, base)
        note_checkout(tree)
        (tree.path / "dos1.txt").touch()
        assert set_aside_leftovers(tree, base, tmp_path / "kept") == Leftovers()


def acting(project: Project, build: str) -> str:
    """An agent that runs a shell command in build."""
    return acting_agent(project.path.parent, build=build)


class TestUnusualRepositories:
    """Settings of the user that would stop a commit after the agent was paid."""

    def test_a_sparse_checkout(self, project: Project) -> None:
        for folder in ("app", "lib"):
            (project.path / folder).mkdir()
            (project.path / folder / "m.py").write_text("1\n")
        commit_in(project)
        project.git("sparse-checkout", "set", "app")
        build = "echo 2 >> app/m.py; mkdir -p docs; echo d > docs/d; mkdir -p lib; echo new > lib/m.py"
        assert built(project, build) == {"app/m.py": "100644", "docs/d": "100644", "lib/m.py": "100644"}
        assert "lib/m.py" in tree_of(project, "adw/demo-1-run-1")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("core.safecrlf", "true"),
            ("user.name", ""),
            ("user.name", " .,;<>"),
            ("user.email", ""),
            ("user.email", "<>"),
            ("author.name", ""),
            ("committer.email", "<>"),
            ("user.useConfigOnly", "true"),
            ("commit.gpgSign", "true"),
            ("commit.template", "/nowhere"),
            ("i18n.commitEncoding", "latin-1"),
            ("core.hooksPath", "/nowhere"),
            ("log.showSignature", "true"),
            ("core.quotePath", "true"),
            ("status.showUntrackedFiles", "no"),
            ("status.submoduleSummary", "true"),
            ("diff.ignoreSubmodules", "all"),
            ("core.attributesFile", "/nowhere"),
            ("color.ui", "always"),
            ("core.commentChar", "B"),
            ("commit.cleanup", "strip"),
            ("trailer.separators", "="),
            ("submodule.recurse", "true"),
            ("index.sparse", "true"),
            ("core.splitIndex", "true"),
            ("core.untrackedCache", "true"),
            ("safe.bareRepository", "explicit"),
            ("extensions.worktreeConfig", "true"),
            ("core.logAllRefUpdates", "always"),
        ],
    )
    def test_no_setting_fails_the_commit(self, project: Project, key: str, value: str) -> None:
        project.git("config", key, value)
        build = "printf 'a\\r\\nb\\n' > mixed.txt; echo '# not a comment' > made.txt"
        assert built(project, build) == {"made.txt": "100644", "mixed.txt": "100644"}

    def test_an_unusable_name_is_replaced_and_a_usable_address_kept(self, project: Project) -> None:
        project.git("config", "user.name", " .,;")
        project.git("config", "user.email", "kim@example.org")
        built(project, "echo x > made.txt")
        log = project.git("log", "-1", "--format=%an <%ae> %cn <%ce>", "adw/demo-1-run-1")
        assert log == "ADW <kim@example.org> ADW <kim@example.org>\n"

    def test_a_repository_that_takes_no_commit_is_found_before_the_agent_is_asked(
        self, repository_template: Path, open_folder: Path
    ) -> None:
        project = open_folder / "shop"
        shutil.copytree(repository_template, project)
        tree = worktree_for(project, "demo-1", "run-1")
        ensure_worktree(tree, git(project, "rev-parse", "main").strip())
        for path in [project, *project.rglob("*")]:
            path.chmod(0o555 if path.is_dir() else 0o444)

        def rehearse() -> str:
            try:
                rehearse_commit(tree)
            except RepositoryError as error:
                return f"{error}; {error.hint}"
            return "it took the commit"

        assert run_as_ordinary_user(rehearse) == (
            f"git commit-tree failed in {tree.path}: insufficient permission for adding an object to "
            f"repository database {project}/.git/objects; give yourself write access to the repository, then "
            "try again"
        )


class TestModesThatCloseFiles:
    """Modes that git does not keep, as an agent may set them, cost nobody the work."""

    @pytest.fixture
    def project(self, repository_template: Path, open_folder: Path) -> Path:
        """A repository that an ordinary user owns."""
        project = open_folder / "shop"
        shutil.copytree(repository_template, project)
        for path in [project, *project.rglob("*")]:
            path.chmod(0o777 if path.is_dir() else 0o666)
        git(project, "config", "core.sharedRepository", "0666")
        return project

    @staticmethod
    def as_user(project: Path, build: str, work: Callable[[Worktree, str], Any]) -> Any:
        """What some work in a worktree comes to, in which an agent has run a command; not as root."""
        base = git(project, "rev-parse", "main").strip()

        def all_of_it() -> Any:
            os.environ.update(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
            tree = worktree_for(project, "demo-1", "run-1")
            ensure_worktree(tree, base)
            subprocess.run(["/bin/sh", "-c", build], cwd=tree.path, check=True)
            return work(tree, base)

        return run_as_ordinary_user(all_of_it)

    @pytest.mark.parametrize(
        "close", ["chmod 000 new/deep/a.txt", "chmod 000 new/deep; chmod 000 new", "chmod 000 ."]
    )
    def test_closed_files_and_folders_are_committed(self, project: Path, close: str) -> None:
        def commit(tree: Worktree, base: str) -> tuple[str, ...]:
            return commit_step(tree, base=base, execution_id="r", step="s", message="m").files

        build = f"mkdir -p new/deep; echo a > new/deep/a.txt; {close}"
        assert self.as_user(project, build, commit) == ("new/deep/a.txt",)

    def test_leftovers_in_protected_folders_are_kept_and_do_not_stay(self, project: Path) -> None:
        def set_aside(tree: Worktree, base: str) -> tuple[str, str]:
            kept = set_aside_leftovers(tree, base, project / "kept")
            assert kept.patch is not None
            status = git(tree.path, "status", "--porcelain", "--untracked-files=all")
            return kept.patch.read_text(), status

        build = "mkdir -p new; echo precious > new/a.txt; echo 2 >> README.md; chmod 555 new ."
        patch, status = self.as_user(project, build, set_aside)
        assert ("+precious" in patch, status) == (True, "")


class TestLeftovers:
    """The patch of leftovers can be applied, whatever the user's diff settings, and is never overwritten."""

    @pytest.fixture
    def tree(self, project: Project) -> Worktree:
        """A worktree with work in it."""
        tree = worktree_for(project.path, "demo-1", "run-1")
        ensure_worktree(tree, self.base(project))
        (tree.path / "README.md").write_text("# Shop\nprecious\n")
        (tree.path / "new file.txt").write_text("new\n")
        return tree

    @staticmethod
    def base(project: Project) -> str:
        """The commit that the worktree began at."""
        return project.git("rev-parse", "main").strip()

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("diff.external", "echo pretty"),
            ("color.diff", "always"),
            ("color.ui", "always"),
            ("diff.noprefix", "true"),
            ("diff.mnemonicPrefix", "true"),
            ("diff.srcPrefix", "x/"),
            ("diff.renames", "copies"),
            ("diff.context", "0"),
            ("diff.interHunkContext", "9"),
            ("diff.wordRegex", "."),
            ("diff.orderFile", "/nowhere"),
            ("diff.relative", "true"),
            ("diff.submodule", "diff"),
            ("diff.wsErrorHighlight", "all"),
            ("diff.suppressBlankEmpty", "true"),
            ("diff.algorithm", "minimal"),
            ("core.pager", "delta"),
            ("pager.diff", "delta"),
            ("diff.md.textconv", "echo"),
            ("diff.md.command", "echo"),
            ("diff.md.binary", "true"),
        ],
    )
    def test_the_patch_applies_under_every_diff_setting(
        self, project: Project, tree: Worktree, tmp_path: Path, key: str, value: str
    ) -> None:
        project.git("config", key, value)
        (project.path / ".git" / "info").mkdir(exist_ok=True)
        (project.path / ".git" / "info" / "attributes").write_text("*.md diff=md\n")
        kept = set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        assert git(tree.path, "status", "--porcelain") == ""
        git(tree.path, "apply", str(kept.patch))
        assert (tree.path / "README.md").read_text() == "# Shop\nprecious\n"
        assert (tree.path / "new file.txt").read_text() == "new\n"

    def test_files_that_only_the_agent_ignored_do_not_stay_for_the_next_commit(
        self, project: Project, tree: Worktree, tmp_path: Path
    ) -> None:
        (tree.path / ".gitignore").write_text("*.out\n")
        (tree.path / "data.out").write_text("precious\n")
        kept = set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        assert kept == Leftovers(tmp_path / "kept" / "leftovers.patch", tmp_path / "kept" / "leftovers")
        assert (tmp_path / "kept" / "leftovers" / "data.out").read_text() == "precious\n"
        assert git(tree.path, "status", "--porcelain") == ""

    def test_later_leftovers_do_not_overwrite_earlier_ones(
        self, project: Project, tree: Worktree, tmp_path: Path
    ) -> None:
        first = set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        (tree.path / "second.txt").write_text("second\n")
        second = set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        assert (first.patch, second.patch) == (
            tmp_path / "kept" / "leftovers.patch",
            tmp_path / "kept" / "leftovers-2.patch",
        )
        assert "+precious" in (tmp_path / "kept" / "leftovers.patch").read_text()

    def test_a_file_added_by_force_is_in_the_patch(
        self, project: Project, tree: Worktree, tmp_path: Path
    ) -> None:
        (tree.path / "data.tmp").write_text("forced\n")
        git(tree.path, "add", "--force", "data.tmp")
        kept = set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        assert "+forced" in (kept.patch or tmp_path).read_text()
        assert not (tree.path / "data.tmp").exists()

    def test_a_tracked_file_with_secrets_is_kept_as_it_is_and_not_in_the_patch(
        self, project: Project, tmp_path: Path
    ) -> None:
        (project.path / ".mcp.json").write_text("{}\n")
        project.git("add", "--force", ".mcp.json")
        project.git(*NAMED, "commit", "--quiet", "--message", "configure")
        tree = worktree_for(project.path, "demo-1", "run-1")
        ensure_worktree(tree, self.base(project))
        (tree.path / ".mcp.json").write_text('{"token": "abc"}\n')
        git(tree.path, "add", ".mcp.json")
        kept = set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        assert kept == Leftovers(None, tmp_path / "kept" / "leftovers")
        assert (tmp_path / "kept" / "leftovers" / ".mcp.json").read_text() == '{"token": "abc"}\n'
        assert (tree.path / ".mcp.json").read_text() == "{}\n"

    def test_a_bad_patch_folder_loses_nothing(self, project: Project, tree: Worktree, tmp_path: Path) -> None:
        (tmp_path / "kept").write_text("a file is in the way")
        with pytest.raises(RepositoryError, match="cannot be kept"):
            set_aside_leftovers(tree, self.base(project), tmp_path / "kept")
        assert (tree.path / "README.md").read_text() == "# Shop\nprecious\n"
