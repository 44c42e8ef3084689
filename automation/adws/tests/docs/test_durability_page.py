"""The tests that `docs/durability.md` names are there."""

from __future__ import annotations

import re
from pathlib import Path

from adws.tests.docs.pages import REPOSITORY

PAGE = REPOSITORY / "docs" / "durability.md"
TESTS = Path(__file__).resolve().parents[1]
_NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def test_each_test_that_a_claim_names_is_there() -> None:
    named = _NAMED.findall(PAGE.read_text(encoding="utf-8"))
    missing = [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (TESTS / file).read_text("utf-8")
    ]
    assert missing == []


def test_each_row_of_claims_names_a_test() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    claims = [row for row in rows if row not in ("| claim | test |", "| --- | --- |")]
    assert [row for row in claims if len(_NAMED.findall(row)) != 1] == []
    assert len(claims) == 20
