"""Test modules share code through modules of helpers, never by importing each other."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_no_module_imports_a_test_module() -> None:
    importers = [
        f"{path.relative_to(TESTS)}: {found.module}"
        for path in sorted(TESTS.rglob("*.py"))
        for found in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(found, ast.ImportFrom) and (found.module or "").rpartition(".")[2].startswith("test_")
    ]
    assert importers == []
