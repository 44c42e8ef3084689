"""What tokens cost by the user's price file, where an agent does not say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from adw_state.agents.prices import Prices, read_prices
from adw_state.agents.result import AgentResult
from adw_state.errors import ConfigurationError

USED = AgentResult(
    "done", model="gpt-demo", input_tokens=1_000_000, cache_read_tokens=400_000, output_tokens=100_000,
    reasoning_tokens=25_000,
)  # fmt: skip


def prices(tmp_path: Path, text: str) -> Prices:
    """The prices in a file with this text."""
    (tmp_path / "prices.toml").write_text(text)
    return read_prices(tmp_path, "prices.toml")


def cost(known: Prices, result: AgentResult = USED) -> tuple[float | None, str | None]:
    """The cost of a result and its kind."""
    found = known.estimate(result)
    return found.cost_usd, found.cost_kind


def test_a_cost_is_estimated_from_every_kind_of_tokens_and_reasoning_is_output(tmp_path: Path) -> None:
    known = prices(tmp_path, '[models."gpt-demo"]\ninput = 2\ncache_read = 0.5\noutput = 10\n')
    assert cost(known) == (2 + 0.2 + 1, "estimated")


def test_a_price_of_nothing_is_a_price(tmp_path: Path) -> None:
    known = prices(tmp_path, '[models."*"]\ninput = 0\ncache_read = 0\noutput = 0\n')
    assert cost(known) == (0.0, "estimated")


def test_a_reported_cost_is_not_estimated(tmp_path: Path) -> None:
    known = prices(tmp_path, '[models."*"]\ninput = 2\ncache_read = 1\noutput = 10\n')
    assert cost(known, AgentResult("", model="gpt-demo", cost_usd=0.5)) == (0.5, None)


@pytest.mark.parametrize(
    "result",
    [
        AgentResult("", model="other", input_tokens=1, output_tokens=1),
        AgentResult("", model=None, input_tokens=1, output_tokens=1),
        AgentResult("", model="gpt-demo", input_tokens=None, output_tokens=1),
        AgentResult("", model="gpt-demo", input_tokens=1, output_tokens=None),
        AgentResult("", model="gpt-demo", input_tokens=1, output_tokens=1, cache_read_tokens=1),
    ],
)
def test_where_a_count_or_a_price_is_missing_the_cost_is_not_known(
    tmp_path: Path, result: AgentResult
) -> None:
    known = prices(tmp_path, '[models."gpt-demo"]\ninput = 2\noutput = 10\n')
    assert cost(known, result) == (None, None)
    assert cost(Prices(), result) == (None, None)


def test_the_name_that_fits_best_has_the_price(tmp_path: Path) -> None:
    text = "".join(
        f'[models."{name}"]\ninput = {price}\ncache_read = 0\noutput = 0\n'
        for name, price in (("*", 1), ("gpt-*", 2), ("gpt-d*", 3), ("gpt-demo-mini", 4))
    )
    known = prices(tmp_path, text)
    for model, price in (("claude", 1), ("gpt-5", 2), ("gpt-demo", 3), ("gpt-demo-mini", 4)):
        assert cost(known, AgentResult("", model=model, input_tokens=1_000_000, output_tokens=0))[0] == price


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models = 1", "is no list of models"),
        ("", "is no list of models"),
        ("[models]\n[other]\n", "is no list of models"),
        ('[models]\n"gpt" = 3\n', "models.gpt may have input, cache_read, cache_write, output"),
        ("[models.gpt]\nouput = 3\n", "models.gpt may have input, cache_read, cache_write, output"),
        ("[models.gpt]\ninput = -3\n", "models.gpt must have amounts of dollars"),
        ("[models.gpt]\ninput = true\n", "models.gpt must have amounts of dollars"),
        ("[models.gpt]\ninput = nan\n", "models.gpt must have amounts of dollars"),
        ("[models.gpt\n", "cannot be read"),
        ("\x00", "cannot be read"),
    ],
)
def test_a_price_file_that_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        prices(tmp_path, text)
    assert said in str(caught.value)
    assert str(tmp_path / "prices.toml") in str(caught.value)
    assert caught.value.hint


def test_a_project_without_a_price_file_has_no_prices(tmp_path: Path) -> None:
    assert read_prices(tmp_path, "") == Prices()
    with pytest.raises(ConfigurationError, match="No such file"):
        read_prices(tmp_path, "gone.toml")
