"""What CONTRIBUTING tells a newcomer is there."""

from __future__ import annotations

import re

from adws.tests.docs.pages import AUTOMATION, LIBRARY, REPOSITORY

PAGE = REPOSITORY / "CONTRIBUTING.md"
# Files and folders are told from other code by a slash, or by how they end.
_NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w.-]+\.(?:py|sql|md|toml))`")
_OF_A_PROJECT = {"adw.toml"}


def named() -> list[str]:
    """The files and folders that the page names in code."""
    return [name for name in _NAMED.findall(PAGE.read_text(encoding="utf-8")) if name not in _OF_A_PROJECT]


def test_every_file_that_is_named_is_there() -> None:
    files = named()
    assert len(files) > 30
    tops = (LIBRARY, REPOSITORY, AUTOMATION / "adws" / "tests" / "reports")
    assert [name for name in files if not any((top / name).exists() for top in tops)] == []


def test_each_list_is_as_long_as_its_heading_says() -> None:
    lists = PAGE.read_text(encoding="utf-8").split("\n### ")[1:]
    counted = {}
    for one in lists:
        heading = one.partition("\n")[0]
        if said := re.search(r": (\d) files$", heading):
            counted[heading] = (int(said[1]), sum(line.startswith("| `") for line in one.splitlines()))
    assert len(counted) >= 6
    assert {heading: pair for heading, pair in counted.items() if pair[0] != pair[1]} == {}


def test_the_promised_lists_are_short() -> None:
    text = PAGE.read_text(encoding="utf-8")
    most = {
        "a column on executions": 5,
        "a kind of agent": 2,
        "a tracker": 2,
        "a section of the report": 4,
        "a sub-command": 3,
    }
    for what, files in most.items():
        (said,) = re.findall(rf"^### {what}: (\d) files$", text, re.MULTILINE)
        assert int(said) <= files, what
