"""The commands that the user's document names work as they are written there, from `automation/`.

They run in a copy of this clone with a tracker of its own, so that nothing reaches the clone itself.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from adw_state.clock import default_clock
from adw_state.trackers.bd import create_beads_database
from adws.tests.docs.pages import REPOSITORY
from adws.tests.samples import issues_in_use

NAMED_TESTS = (
    "test_concurrent_execution_creation",
    "test_checkpoint_persistence_across_restart",
    "test_foreign_key_cascade_deletes",
)


@pytest.fixture(scope="module")
def automation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `automation` of a copy of this clone, with a tracker beside it."""
    if shutil.which("uv") is None:
        pytest.skip("uv is not on the PATH, and the user's commands begin with `uv run`")
    top = tmp_path_factory.mktemp("copy") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).exists():
            (top / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, top / name, follow_symlinks=False)
    subprocess.run(["git", "init", "--quiet", str(top)], check=True)
    create_beads_database(top / ".beads" / "X.db", "X", issues_in_use(5), default_clock().now())
    lock = REPOSITORY / "automation" / "uv.lock"
    if lock.exists():
        shutil.copy2(lock, top / "automation" / "uv.lock")
    return top / "automation"


def shell(folder: Path, line: str) -> str:
    """What a command line prints; it must succeed."""
    environ = {name: value for name, value in os.environ.items() if name != "UV_PROJECT_ENVIRONMENT"}
    done = subprocess.run(line, shell=True, cwd=folder, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def tables(automation: Path) -> set[str]:
    """Our tables in the tracker's database."""
    with closing(sqlite3.connect(automation.parent / ".beads" / "X.db")) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'adw_%' AND type = 'table'")
        return {name for (name,) in rows}


def test_the_script_of_the_migrations(automation: Path) -> None:
    script = "uv run python adws/scripts/migrate_beads_schema.py"
    shell(automation, f"{script} --apply")
    assert {"adw_executions", "adw_checkpoints"} <= tables(automation)
    assert "000" in shell(automation, f"{script} --status")
    shell(automation, f"{script} --rollback --version 001")
    assert tables(automation) == set()
    shell(automation, f"{script} --apply --db ../.beads/X.db")
    assert {"adw_executions", "adw_checkpoints"} <= tables(automation)


def test_the_script_of_the_analysis(automation: Path) -> None:
    script = "uv run python adws/scripts/analyze_logs.py"
    shell(automation, "uv run python adws/scripts/migrate_beads_schema.py --apply")
    for backend in ("json", "database"):
        for kind in ("text", "json", "markdown"):
            words = f"--backend {backend} --hours 24 --env local --format {kind} --output stdout"
            assert shell(automation, f"{script} {words}")
        for export in ("json", "csv"):
            shell(automation, f"{script} --backend {backend} --output file --output-file F --export {export}")
            assert (automation / "F").read_text()


def test_the_script_of_the_benchmarks(automation: Path) -> None:
    printed = shell(
        automation,
        "uv run python adws/scripts/benchmark_queries.py --executions 100,500,1000 --iterations 10",
    )
    assert [size for size in ("100", "500", "1000") if f" {size} " not in printed] == []


def test_the_tests_have_the_names_that_the_document_gives_them(automation: Path) -> None:
    listed = shell(automation, "uv run pytest adws/tests/ -v --tb=short --collect-only")
    file = listed.partition("<Module test_beads_database.py>")[2].partition("<Module ")[0]
    assert [name for name in NAMED_TESTS if f"<Function {name}>" not in file] == []
    assert "<Module test_beads_state_manager.py>" in listed


def test_the_modules_compile_and_pass_the_types(automation: Path) -> None:
    shell(automation, "python3 -m py_compile adws/adw_modules/*.py adws/adw_phases/*.py")
    shell(automation, "uv run mypy adws/adw_modules/state.py --strict")


@pytest.mark.parametrize(
    "table", ["adw_executions", "adw_checkpoints", "recent_failures", "stale_checkpoints"]
)
def test_the_tables_can_be_asked_with_the_sqlite3_shell(automation: Path, table: str) -> None:
    if shutil.which("sqlite3") is None:
        pytest.skip("the sqlite3 shell is not installed")
    shell(automation, "uv run python adws/scripts/migrate_beads_schema.py --apply")
    shell(automation.parent, f"sqlite3 .beads/X.db 'SELECT * FROM {table} LIMIT 10;'")
