"""The configuration: defaults, the file, the environment, and what is wrong with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from adw_state.configuration.labels import LabelSettings
from adw_state.configuration.settings import Config, load_config
from adw_state.errors import ConfigurationError


def _write(folder: Path, text: str) -> Path:
    (folder / "adw.toml").write_text(text, encoding="utf-8")
    return folder


def test_without_a_file_and_variables_the_defaults_hold(tmp_path: Path) -> None:
    assert load_config(tmp_path, {}) == Config(
        agent="claude",
        environment="local",
        agent_timeout_seconds=3600.0,
        heartbeat_seconds=10.0,
        lease_seconds=60.0,
        stale_hours=24.0,
        use_beads_state=None,
    )


def test_the_file_sets_what_it_names_and_the_environment_overrides_it(tmp_path: Path) -> None:
    _write(tmp_path, 'agent = " my-agent --fast "\nstale_hours = 12\nuse_beads_state = true\n')
    config = load_config(tmp_path, {"ADW_STALE_HOURS": "0.5", "ADW_USE_BEADS_STATE": "Off", "OTHER": "1"})
    assert (config.agent, config.stale_hours, config.use_beads_state) == ("my-agent --fast", 0.5, False)
    assert config.lease_seconds == 60.0


@pytest.mark.parametrize(
    ("word", "truth"), [("TRUE", True), ("1", True), ("yes", True), ("on", True), ("0", False)]
)
def test_truth_is_said_in_several_words(tmp_path: Path, word: str, truth: bool) -> None:
    assert load_config(tmp_path, {"ADW_USE_BEADS_STATE": word}).use_beads_state is truth


def test_an_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert load_config(tmp_path, {"ADW_AGENT": " ", "ADW_USE_BEADS_STATE": ""}) == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("agents = 'x'", "adw.toml:1: 'agents' is not a setting"),
        (
            r'run_folder = "a\u0000b"',
            "adw.toml:1: run_folder must be one line without control characters, not 'a\\x00b'",
        ),
        ("agent = 3", "adw.toml:1: agent must be a text, not 3"),
        ("agent = ' '", "adw.toml:1: agent must be a text, not ' '"),
        ("stale_hours = 'soon'", "adw.toml:1: stale_hours must be a positive number, not 'soon'"),
        ("stale_hours = 0", "adw.toml:1: stale_hours must be a positive number, not 0"),
        ("lease_seconds = inf", "adw.toml:1: lease_seconds must be a positive number, not inf"),
        ("lease_seconds = nan", "adw.toml:1: lease_seconds must be a positive number, not nan"),
        ("lease_seconds = true", "adw.toml:1: lease_seconds must be a positive number, not True"),
        ("use_beads_state = 'maybe'", "adw.toml:1: use_beads_state must be true or false, not 'maybe'"),
        ("[agent]\nname = 'x'", "adw.toml:1: agent must be a text, not {'name': 'x'}"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file_and_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(_write(tmp_path, text), {})
    assert str(caught.value) == f"{tmp_path}/{message}"
    assert caught.value.exit_code == 2


def test_a_wrong_variable_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {"ADW_HEARTBEAT_SECONDS": "-1"})
    assert str(caught.value) == "ADW_HEARTBEAT_SECONDS must be a positive number, not '-1'"


def test_a_file_that_is_no_toml_or_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"adw\.toml cannot be read"):
        load_config(_write(tmp_path, "agent ="), {})
    (tmp_path / "adw.toml").write_bytes(b"agent = '\xff'")
    with pytest.raises(ConfigurationError, match=r"adw\.toml cannot be read"):
        load_config(tmp_path, {})
    (tmp_path / "adw.toml").unlink()
    (tmp_path / "adw.toml").mkdir()
    with pytest.raises(ConfigurationError, match=r"adw\.toml cannot be read"):
        load_config(tmp_path, {})


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("pipe", "it is not a regular file"),
        ("device", "it is not a regular file"),
        ("folder", "it is not a regular file"),
        ("nested", "it is nested too deeply"),
        ("large", "it has more than 1,048,576 bytes"),
    ],
)
def test_a_file_that_has_no_end_or_no_bottom_is_refused(tmp_path: Path, kind: str, why: str) -> None:
    file = tmp_path / "adw.toml"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "device":
        file.symlink_to("/dev/zero")
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_text(f"agent = {'[' * 100_000}" if kind == "nested" else "#" * 1_048_577)

    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {})

    assert str(caught.value) == f"{file} cannot be read: {why}"


def test_labels_name_agents_and_models_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "adw.toml").write_text(
        '[labels."needs care"]\nagent = "claude"\nmodel = " opus "\n[labels.area]\nmodel = "m"\n'
    )
    assert load_config(tmp_path, {}).labels == (
        LabelSettings("needs care", "claude", "opus"),
        LabelSettings("area", None, "m"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("labels = 3", "1: labels must be tables, such as [labels.NAME]"),
        ("[labels]\nhard = 3", "2: labels.hard must be a table, not 3"),
        ('[labels.hard]\nagnet = "x"', "2: labels.hard: 'agnet' is no key of a label"),
        ("[labels.hard]\nmodel = true", "2: labels.hard: model must be a text, not True"),
        ('[labels.hard]\nagent = "-x"', "2: labels.hard: agent must be a name, not the flag '-x'"),
    ],
)
def test_what_is_wrong_with_a_label_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "adw.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, {})
    assert str(caught.value) == f"{tmp_path}/adw.toml:{told}"
