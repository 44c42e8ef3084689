"""What `adw_state` itself offers to other programs, and that importing it costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import adw_state

PUBLIC = [
    "ADWState",
    "AdwError",
    "Attempt",
    "BeadsStateManager",
    "Checkpoint",
    "DatabaseError",
    "Execution",
    "ExecutionNotFoundError",
    "IllegalTransitionError",
    "IssueClaimedError",
    "OwnershipLostError",
    "get_failure_distribution",
    "get_phase_funnel",
    "get_success_rate_by_issue_type",
    "open_state",
]


def test_these_names_are_public_and_are_what_they_are_called() -> None:
    assert adw_state.__all__ == PUBLIC
    assert [getattr(adw_state, name).__name__ for name in PUBLIC] == PUBLIC


def test_dir_names_them_before_they_are_imported() -> None:
    script = "import adw_state; print(*set(adw_state.__all__) - set(dir(adw_state)))"
    assert _printed(script) == "\n"


def test_importing_the_package_imports_nothing_else_of_it_and_no_driver() -> None:
    script = (
        "import sys, adw_state\n"
        "print([name for name in sys.modules if name.startswith(('adw_state.', 'sqlite3', 'click'))])\n"
    )
    assert _printed(script) == "[]\n"


def test_a_name_is_imported_when_it_is_asked_for() -> None:
    script = (
        "import sys, adw_state\n"
        "adw_state.AdwError\n"
        "print([name for name in sys.modules if name.startswith(('adw_state.', 'sqlite3'))])\n"
    )
    assert _printed(script) == "['adw_state.errors']\n"


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    name = "nothing"
    with pytest.raises(AttributeError, match=r"^module 'adw_state' has no attribute 'nothing'$"):
        getattr(adw_state, name)


def test_the_type_checker_sees_each_name_where_it_is_loaded_from() -> None:
    tree = ast.parse(Path(adw_state.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: found.module
        for found in block.body
        if isinstance(found, ast.ImportFrom)
        for alias in found.names
    }
    assert seen == {name: f"adw_state.{home}" for name, home in adw_state._HOMES.items()}


def test_the_door_of_a_project_leads_to_the_same_names() -> None:
    from adws.adw_modules import state

    shared = [name for name in state.__all__ if name in PUBLIC]
    assert [getattr(state, name) for name in shared] == [getattr(adw_state, name) for name in shared]
    assert len(shared) == 8


def test_the_command_of_a_clone_that_was_set_up_before_the_move_runs() -> None:
    script = "from adws.cli import main; import sys; sys.argv = ['adw', '--version']; main()"
    assert _printed(script).startswith("adw, version ")


def _printed(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
