"""The wheel: what is in it, and that a project with a package `adws` of its own can use it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import click
import pytest

import adws

PROJECT = Path(adws.__file__).resolve().parents[1]
OWN_STATE = 'OWNER = "the project"\n'
OWN_SCRIPT = """
import adw_state
from adw_state import BeadsStateManager
from adws.adw_modules.state import OWNER

print(OWNER, BeadsStateManager.__module__, adw_state.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this clone."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        check=True,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python3.*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return folder / "bin" / "python"


def run(python: Path, folder: Path, *words: str) -> str:
    """What this Python prints; it finds click, but no package of this clone."""
    done = subprocess.run(
        [str(python), *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(click.__file__).parents[1])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_the_wheel_holds_the_library_and_nothing_beside_it(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"adw_state", "adw_state-0.1.0.dist-info"}
    assert [name for name in names if "/tests/" in name or "bench" in name] == []


def test_the_wheel_holds_every_file_that_the_library_reads(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    kinds = (".py", ".sql", ".md", ".typed")
    library = PROJECT / "adw_state"
    files = {str(path.relative_to(PROJECT)) for path in library.rglob("*") if path.suffix in kinds}
    assert files == {name for name in packed if name.startswith("adw_state/")} | {"adw_state/py.typed"}


def test_a_project_with_a_package_adws_of_its_own_imports_both(python: Path, tmp_path: Path) -> None:
    modules = tmp_path / "adws" / "adw_modules"
    modules.mkdir(parents=True)
    (modules / "state.py").write_text(OWN_STATE, encoding="utf-8")
    (tmp_path / "script.py").write_text(OWN_SCRIPT, encoding="utf-8")
    owner, home, file = run(python, tmp_path, "script.py").strip().rsplit(" ", 2)
    assert (owner, home) == ("the project", "adw_state.state")
    assert Path(file).is_relative_to(python.parents[1])


def test_the_installed_command_makes_its_tables_and_reads_them(python: Path, tmp_path: Path) -> None:
    adw = ("-m", "adw_state.cli")
    run(python, tmp_path, *adw, "init")
    assert json.loads(run(python, tmp_path, *adw, "list", "--json"))["executions"] == []
