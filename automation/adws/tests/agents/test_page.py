"""What docs/agents.md says of the agents is so."""

from __future__ import annotations

import re
from pathlib import Path

from adw_state.agents.kinds import KINDS
from adw_state.agents.prices import read_prices
from adw_state.agents.reading import MOST_LINE_BYTES
from adw_state.agents.result import AgentResult
from adws.tests.docs.pages import REPOSITORY, blocks

PAGE = REPOSITORY / "docs" / "agents.md"


def table(heading: str) -> dict[str, list[str]]:
    """The cells of the first table below a heading, by the agent in the first one."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows}


def test_every_kind_of_agent_has_its_row_with_its_words() -> None:
    rows = table("How each is called")
    assert rows.keys() == KINDS.keys()
    for name, (edits, reads, always, begins, resumes) in rows.items():
        agent = KINDS[name].agent(name, [])
        changing, judging = (" ".join(agent.command_for(kind)) for kind in ("change", "verdict"))
        for cell, command in ((edits, changing), (reads, judging), (always, changing), (always, judging)):
            for said in re.findall(r"`([^`]+)`", cell):
                assert all(part in command for part in said.split(" … ")), (name, said, command)
        assert (begins == "chooses it") == (not agent.chooses_session)
        assert f"{resumes.strip('`').removesuffix(' ID')} ID" in " ".join(
            agent.command_for("change", resume="ID")
        )


def test_every_kind_of_agent_has_a_row_on_tokens_and_on_its_sandbox() -> None:
    assert table("What its own sandbox gives").keys() == KINDS.keys()
    assert table("Tokens and cost").keys() == KINDS.keys()


def test_the_price_file_on_the_page_is_right(tmp_path: Path) -> None:
    (block,) = [block for block in blocks("toml") if block.page == PAGE]
    (tmp_path / "prices.toml").write_text(block.text)
    used = AgentResult("", model="gpt-5.5", input_tokens=1_000_000, cache_read_tokens=0, output_tokens=0)
    assert read_prices(tmp_path, "prices.toml").estimate(used).cost_usd == 1.25


def test_the_length_of_a_line_on_the_page_is_right() -> None:
    assert "more than 4 MiB" in " ".join(PAGE.read_text(encoding="utf-8").split())
    assert MOST_LINE_BYTES == 4 * 1024 * 1024
