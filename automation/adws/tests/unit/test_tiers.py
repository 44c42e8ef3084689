"""The lines at the end of a test run."""

from __future__ import annotations

from dataclasses import dataclass

from adws.tests import tiers


@dataclass
class _Report:
    nodeid: str
    longrepr: object = None


def test_a_test_belongs_to_the_folder_it_lies_in_and_files_beside_the_folders_to_the_store() -> None:
    assert tiers.tier_of("adws/tests/migrations/test_apply.py::test_x") == "migrations"
    assert tiers.tier_of("automation/adws/tests/unit/deep/test_y.py::test_x[a/b::c]") == "unit"
    assert tiers.tier_of("adws/tests/test_beads_database.py::test_z") == "store"
    assert tiers.tier_of("test_beads_database.py::test_z") == "store"


def test_each_tier_has_one_line_and_one_more_per_reason_to_skip() -> None:
    skipped = ("file.py", 3, "Skipped: bd is not installed")
    stats = {
        "passed": [_Report("adws/tests/store/t.py::a"), _Report("adws/tests/unit/t.py::b")],
        "failed": [_Report("adws/tests/store/t.py::c")],
        "error": [_Report("adws/tests/store/t.py::a"), _Report("adws/tests/store/t.py::d")],
        "skipped": [
            _Report("adws/tests/unit/t.py::e", skipped),
            _Report("adws/tests/unit/t.py::f", skipped),
            _Report("adws/tests/unit/t.py::g", "as text"),
        ],
    }
    assert tiers.lines(stats) == [
        "tier store: 0 passed, 3 failed, 0 skipped",
        "tier unit: 1 passed, 0 failed, 3 skipped",
        "    1 skipped: as text",
        "    2 skipped: bd is not installed",
    ]


def test_no_tests_no_lines() -> None:
    assert tiers.lines({}) == []
