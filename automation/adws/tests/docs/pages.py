"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import adws

REPOSITORY = Path(adws.__file__).resolve().parents[2]
AUTOMATION = REPOSITORY / "automation"
LIBRARY = AUTOMATION / "adw_state"
PAGES = [
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    AUTOMATION / "adws" / "README.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
]
_BLOCK = re.compile(r"^```(?P<language>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its page, its language as it stands behind the fence, its text."""

    page: Path
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}: {self.text.splitlines()[0][:60]}"


def blocks(*languages: str) -> list[Block]:
    """Every block in one of these languages, in the order of the pages."""
    found = [
        Block(page, match["language"].strip(), match["text"])
        for page in PAGES
        for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]
    return [block for block in found if block.language in languages]
