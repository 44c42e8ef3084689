"""What tokens cost, where an agent does not say: the user's price file, named by `prices` in adw.toml.

    [models."gpt-5.5"]        # US dollars for a million tokens
    input = 1.25
    cache_read = 0.125
    cache_write = 1.25
    output = 10               # reasoning is a part of it

    [models."qwen*"]          # a pattern; a name that fits exactly goes before it, then the longest pattern
    input = 0
    output = 0

A kind of tokens that was used and has no price leaves the cost unknown: nothing is guessed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

from adw_state.agents.result import AgentResult, dollars
from adw_state.errors import ConfigurationError
from adw_state.text_files import decode_text, read_small_file

_PER = 1_000_000
_KINDS = ("input", "cache_read", "cache_write", "output")
_MOST_BYTES = 1024 * 1024
_FORM = 'it must hold tables such as [models."gpt-5.5"] with input = 1.25 and output = 10'


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens of each kind, by the name or the pattern of a model."""

    by_model: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def estimate(self, result: AgentResult) -> AgentResult:
        """`result` with an estimated cost, where it reports none and all that was used has a price."""
        price = self._price_of(result.model)
        if result.cost_usd is not None or price is None:
            return result
        counts = {kind: getattr(result, f"{kind}_tokens") for kind in _KINDS}
        is_known = counts["input"] is not None and counts["output"] is not None
        used = {kind: count for kind, count in counts.items() if count}
        if not is_known or not used.keys() <= price.keys():
            return result
        cost = sum(count * price[kind] for kind, count in used.items()) / _PER
        return replace(result, cost_usd=cost, cost_kind="estimated")

    def _price_of(self, model: str | None) -> Mapping[str, float] | None:
        if model is None:
            return None
        fitting = [name for name in self.by_model if name == model or fnmatchcase(model, name)]
        best = max(fitting, key=lambda name: (name == model, len(name)), default=None)
        return None if best is None else self.by_model[best]


def read_prices(project: Path, name: str) -> Prices:
    """The prices in the file that is named so from the project; none without a name.

    Raises `ConfigurationError`.
    """
    if not name:
        return Prices()
    path = project / name
    try:
        values = tomllib.loads(decode_text(read_small_file(path, _MOST_BYTES)))
    except OSError as error:
        raise ConfigurationError(
            f"the price file {path} cannot be read: {error.strerror}", hint="check `prices` in adw.toml"
        ) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"the price file {path} cannot be read: {error}", hint=_FORM) from error
    models = values.get("models")
    if set(values) != {"models"} or not isinstance(models, dict):
        raise ConfigurationError(f"the price file {path} is no list of models", hint=_FORM)
    return Prices({name: _checked(price, f"{path}: models.{name}") for name, price in models.items()})


def _checked(price: object, place: str) -> Mapping[str, float]:
    if not isinstance(price, dict) or not price.keys() <= set(_KINDS):
        raise ConfigurationError(f"{place} may have {', '.join(_KINDS)}, and nothing else", hint=_FORM)
    checked = {kind: dollars(value) for kind, value in price.items()}
    if None in checked.values():
        raise ConfigurationError(f"{place} must have amounts of dollars", hint=_FORM)
    return {kind: value for kind, value in checked.items() if value is not None}
