"""What is committed for an agent, and what never is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adw_state.errors import PhaseFailedError
from adw_state.git.commits import StepCommit, commit_step, may_be_committed
from adw_state.git.leftovers import Leftovers, set_aside_leftovers
from adw_state.git.worktrees import Worktree, ensure_worktree, head_of
from adws.tests.phases.projects import git, worktree_for


@pytest.fixture
def tree(bare_project: Path) -> Worktree:
    """A worktree to commit in."""
    made = worktree_for(bare_project, "i-1", "r-1")
    ensure_worktree(made, git(bare_project, "rev-parse", "HEAD").strip())
    return made


def base(tree: Worktree) -> str:
    """The commit that the worktree began at."""
    return git(tree.common_dir, "rev-parse", "main").strip()


def commit(tree: Worktree, only: str | None = None) -> StepCommit:
    """Commit a step."""
    return commit_step(
        tree, base=base(tree), execution_id="r 1", step="build_committed", message="Build it", only=only
    )


def write(tree: Worktree, path: str, text: str = "text\n") -> None:
    """Write a file into the worktree."""
    file = tree.path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_new_changed_and_deleted_files_are_one_commit_with_trailers(tree: Worktree) -> None:
    write(tree, "src/new file.py")
    write(tree, "README.md", "changed\n")
    (tree.path / ".gitignore").unlink()
    made = commit(tree)
    assert made == StepCommit(head_of(tree), (".gitignore", "README.md", "src/new file.py"), 3)
    assert git(tree.path, "log", "-1", "--format=%B").rstrip() == (
        "Build it\n\nAdw-Execution: r 1\nAdw-Step: build_committed"
    )
    assert git(tree.path, "rev-parse", "HEAD^").strip() == base(tree)
    assert git(tree.path, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ("", "ADW <adw@localhost> ADW <adw@localhost>"),
        ("[user]\n\tname = Kim\n\temail = k@e.org\n", "Kim <k@e.org> Kim <k@e.org>"),
        ("[user]\n\tname = Old\n\tname = Kim\n", "Kim <adw@localhost> Kim <adw@localhost>"),
        ("[user]\n\tname =\n\temail = .\n", "ADW <adw@localhost> ADW <adw@localhost>"),
        ("[user]\n\tname = Kim\n[author]\n\tname = Ann\n", "Ann <adw@localhost> Kim <adw@localhost>"),
        ("[user]\n\tname = Kim\n[committer]\n\tname = ' '\n", "Kim <adw@localhost> Kim <adw@localhost>"),
    ],
)
def test_a_commit_is_the_users_where_git_takes_the_name(config: str, named: str, tree: Worktree) -> None:
    with (tree.common_dir / "config").open("a") as file:
        file.write(config)
    write(tree, "new.py")
    made = commit(tree)
    assert git(tree.path, "log", "-1", "--format=%an <%ae> %cn <%ce>", made.commit).strip() == named


def test_a_step_that_was_committed_is_not_committed_again(tree: Worktree) -> None:
    write(tree, "new.py")
    first = commit(tree)
    git(tree.path, "config", "user.name", "Another, so that another commit would have another hash")
    assert commit(tree) == first
    assert git(tree.path, "rev-list", "--count", f"{base(tree)}..HEAD").strip() == "1"


@pytest.mark.parametrize(
    "trailers", ["Adw-Execution: r 2\nAdw-Step: build_committed", "Adw-Execution: r 1\nAdw-Step: x"]
)
def test_a_commit_of_another_run_or_step_is_not_taken_for_ours(tree: Worktree, trailers: str) -> None:
    write(tree, "new.py")
    git(tree.path, "add", ".")
    git(tree.path, "-c", "user.name=T", "-c", "user.email=t@e.org", "commit", "-qm", f"Other\n\n{trailers}")
    other = head_of(tree)
    assert commit(tree).commit != other


def test_what_an_agent_committed_by_itself_becomes_the_one_commit_of_the_step(tree: Worktree) -> None:
    for name in ("one.py", "two.py"):
        write(tree, name)
        git(tree.path, "add", ".")
        git(tree.path, "-c", "user.name=T", "-c", "user.email=t@e.org", "commit", "-qm", name)
    write(tree, "three.py")
    made = commit(tree)
    assert made.files == ("one.py", "three.py", "two.py")
    assert git(tree.path, "rev-list", "--count", f"{base(tree)}..HEAD").strip() == "1"


def test_an_agent_that_left_the_branch_is_brought_back_with_its_work(tree: Worktree) -> None:
    git(tree.path, "checkout", "-q", "-b", "elsewhere")
    write(tree, "new.py")
    git(tree.path, "add", ".")
    made = commit(tree)
    assert git(tree.common_dir, "rev-parse", tree.branch).strip() == made.commit
    assert git(tree.path, "symbolic-ref", "--short", "HEAD").strip() == tree.branch


@pytest.mark.parametrize(
    "name",
    [
        ".env",
        "app/.env.local",
        ".mcp.json",
        "deploy/id_rsa",
        "server.pem",
        "TLS.KEY",
        ".npmrc",
        ".beads/issues.jsonl",
    ],
)
def test_files_that_hold_secrets_by_custom_and_the_trackers_are_left_out(tree: Worktree, name: str) -> None:
    write(tree, name, "secret\n")
    write(tree, "new.py")
    made = commit(tree)
    assert made.files == ("new.py",)
    assert list(made.left_out) == [name]
    assert (tree.path / name).read_text() == "secret\n"


def test_a_tracked_file_that_holds_secrets_is_left_out_too_even_if_the_agent_staged_it(
    bare_project: Path,
) -> None:
    (bare_project / ".mcp.json").write_text("{}\n")
    git(bare_project, "add", "-f", ".mcp.json")
    git(bare_project, "-c", "user.name=T", "-c", "user.email=t@e.org", "commit", "-qm", "Configure")
    tree = worktree_for(bare_project, "i-1", "r-1")
    ensure_worktree(tree, base(tree))
    write(tree, ".mcp.json", '{"headers": {"Authorization": "Bearer abc"}}\n')
    write(tree, "new.py")
    git(tree.path, "add", "--all")
    made = commit(tree)
    assert (made.files, made.left_out) == (("new.py",), {".mcp.json": "it may hold secrets"})
    assert git(tree.path, "show", "HEAD:.mcp.json") == "{}\n"


def test_ignored_files_stay_out_and_stay_there(tree: Worktree) -> None:
    write(tree, "cache.tmp")
    write(tree, "new.py")
    assert commit(tree).files == ("new.py",)
    assert (tree.path / "cache.tmp").exists()


def test_a_name_that_is_not_utf8_is_committed_and_reported_readably(tree: Worktree) -> None:
    (tree.path / os.fsdecode(b"caf\xe9.py")).write_text("x\n")
    assert commit(tree).files == ("caf\ufffd.py",)


def test_names_that_look_like_options_or_patterns_are_taken_literally(tree: Worktree) -> None:
    names = ("*.py", "--all", ":(top)x", "two\nlines")
    for name in names:
        write(tree, name)
    assert sorted(commit(tree).files) == sorted(names)


def test_nothing_changed_is_no_commit(tree: Worktree) -> None:
    with pytest.raises(PhaseFailedError, match=r"^the agent ended without changing a file$"):
        commit(tree)
    write(tree, ".env")
    with pytest.raises(
        PhaseFailedError, match=r"^the agent changed nothing but \.env, which is never committed$"
    ):
        commit(tree)
    assert head_of(tree) == base(tree)


def test_one_file_alone_is_committed_even_where_it_is_ignored(tree: Worktree) -> None:
    write(tree, "plan.tmp")
    write(tree, "other.py")
    assert commit(tree, only="plan.tmp").files == ("plan.tmp",)
    assert git(tree.path, "status", "--porcelain") == "?? other.py\n"


def test_one_file_that_is_as_it_was_needs_no_commit(tree: Worktree) -> None:
    assert commit(tree, only="README.md") == StepCommit(base(tree), (), 0)


def test_one_file_that_is_missing_is_a_failure(tree: Worktree) -> None:
    with pytest.raises(PhaseFailedError, match=r"^the agent ended without writing plan\.md$"):
        commit(tree, only="plan.md")


def test_leftovers_are_saved_as_a_patch_that_applies_and_the_worktree_is_as_before(
    tree: Worktree, tmp_path: Path
) -> None:
    write(tree, "new.py", "left over\n")
    write(tree, "README.md", "changed\n")
    write(tree, ".env", "secret\n")
    (tree.path / "picture.bin").write_bytes(bytes(range(256)))
    git(tree.path, "add", "new.py")
    git(tree.path, "-c", "user.name=T", "-c", "user.email=t@e.org", "commit", "-qm", "By itself")
    patch = tmp_path / "run" / "leftovers.patch"
    assert set_aside_leftovers(tree, base(tree), patch.parent) == Leftovers(patch)
    assert head_of(tree) == base(tree)
    assert git(tree.path, "status", "--porcelain") == "?? .env\n"
    assert b"secret" not in patch.read_bytes()
    git(tree.path, "apply", str(patch))
    assert (tree.path / "new.py").read_text() == "left over\n"
    assert (tree.path / "picture.bin").read_bytes() == bytes(range(256))


def test_a_clean_worktree_leaves_no_patch(tree: Worktree, tmp_path: Path) -> None:
    assert set_aside_leftovers(tree, base(tree), tmp_path / "run") == Leftovers()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "path", [".env.example", "docs/.env.sample", "environment.py", "keys.md", "a/b.keyboard"]
)
def test_files_that_only_sound_like_secrets_may_be_committed(path: str) -> None:
    assert may_be_committed(path)
