"""Projects for the workflow's tests, each a copy of one template."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from adw_state.agents.calls import stop_leftovers
from adws.tests.phases.projects import GIT_ENVIRONMENT, Project, git

# Also for the git commands of the product, which inherit this process's environment.
os.environ.update(GIT_ENVIRONMENT)


@pytest.fixture(scope="session")
def repository_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git repository with one commit and nobody's name in its configuration. Copy it."""
    path = tmp_path_factory.mktemp("repository-template") / "shop"
    path.mkdir()
    git(path, "init", "--quiet", "--initial-branch=main")
    (path / "README.md").write_text("# Shop\n")
    (path / ".gitignore").write_text("*.tmp\n.beads/*.db*\n")
    git(path, "add", ".")
    git(
        path, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "--quiet", "-m", "First commit"
    )
    return path


@pytest.fixture
def bare_project(tmp_path: Path, repository_template: Path) -> Path:
    """A repository without a tracker."""
    path = tmp_path / "shop"
    shutil.copytree(repository_template, path)
    return path


@pytest.fixture
def project(tmp_path: Path, bare_project: Path, beads_template: Path) -> Iterator[Project]:
    """A repository with a migrated tracker's database; agents that a test leaves behind are stopped."""
    database = bare_project / ".beads" / "beads.db"
    database.parent.mkdir()
    shutil.copyfile(beads_template, database)
    yield Project(bare_project, database, tmp_path / "calls.log")
    for run in (bare_project / ".adw" / "agents").glob("*/"):
        stop_leftovers(run, 0.1)
