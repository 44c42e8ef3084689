"""Who works on issues with a label: the tables `[labels.NAME]` of `adw.toml`.

[labels.hard]
agent = "claude"
model = "opus"

Where an issue has several of these labels, the first one in the file counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from adw_state.configuration.file import ConfigurationFile, Fault, shown, unknown_name

_KEYS = ("agent", "model")


class LabelSettings(NamedTuple):
    """Who works on the issues with a label: an agent, a model, or both."""

    label: str
    agent: str | None = None
    model: str | None = None


def settings_for(labels: Collection[str], known: Iterable[LabelSettings]) -> LabelSettings | None:
    """What is said of an issue with these labels."""
    return next((one for one in known if one.label in labels), None)


def read_label_settings(file: ConfigurationFile) -> tuple[tuple[LabelSettings, ...], list[Fault]]:
    """The settings of the labels in the order of the file, and what is wrong with them."""
    tables = file.values.get("labels", {})
    if not isinstance(tables, Mapping):
        return (), [file.fault(("labels",), "labels must be tables, such as [labels.NAME]")]
    found, faults = list[LabelSettings](), list[Fault]()
    for label, table in tables.items():
        wrong = _faults_of(file, label, table)
        faults += wrong
        if not wrong:
            found.append(LabelSettings(label, **{key: value.strip() for key, value in table.items()}))
    return tuple(found), faults


def wrong_choice(key: str, value: object) -> str | None:
    """What is wrong with an agent or a model, None where nothing is."""
    if not isinstance(value, str) or not value.strip():
        return f"{key} must be a text, not {shown(value)}"
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value.strip()):
        return f"{key} must be one line without control characters, not {shown(value)}"
    if value.strip().startswith("-"):
        return f"{key} must be a name, not the flag {shown(value)}"
    return None


def _faults_of(file: ConfigurationFile, label: str, table: object) -> list[Fault]:
    name = f"labels.{label}"
    if not isinstance(table, Mapping):
        return [file.fault(("labels", label), f"{name} must be a table, not {shown(table)}")]
    faults = []
    for key, value in table.items():
        unknown = key not in _KEYS
        wrong = f"{shown(key)} is no key of a label" if unknown else wrong_choice(key, value)
        if wrong:
            hint = unknown_name(key, _KEYS) if unknown else None
            faults.append(file.fault(("labels", label, key), f"{name}: {wrong}", hint))
    return faults
