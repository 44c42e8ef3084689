"""Workflows in `adw.toml`: what they come to, and what is said about each thing that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from adw_state.configuration.definitions import BUILT_IN, PhaseDefinition, WorkflowDefinition
from adw_state.configuration.file import lines_of_keys, read_configuration_file
from adw_state.configuration.settings import Config
from adw_state.configuration.workflows import faults_of_default, find_workflow, read_workflows
from adw_state.errors import ConfigurationError

KEYS = "agent, at_most, kind, model, prompt, run, sends_back_to"
THOROUGH = """\
workflow = "thorough"

[workflows.thorough]
phases = ["plan", "build", "test", "review", "document"]

[phases.test]
run = "make test"
sends_back_to = "build"
at_most = 3

[phases.document]
prompt = "prompts/document.md"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a prompt of its own, and a file beside it that is none of its."""
    folder = tmp_path / "project"
    (folder / "prompts").mkdir(parents=True)
    (folder / "prompts" / "document.md").write_text("Document the change.\n")
    (folder / "prompts" / "empty.md").write_text("\n")
    (folder / "prompts" / "odd.md").write_text("Run it.\n\nIt costs $5 for $isue.\n")
    (tmp_path / "outside.md").write_text("Outside.\n")
    return folder


def faults(project: Path, text: str) -> list[str]:
    """What is wrong with a configuration, as it is told, without the project's folder."""
    (project / "adw.toml").write_text(text, encoding="utf-8")
    found = read_workflows(read_configuration_file(project)).faults
    return [str(fault).replace(f"{project}/", "") for fault in found]


def test_a_workflow_is_its_phases_in_order_each_with_its_kind(project: Path) -> None:
    assert faults(project, THOROUGH) == []

    assert find_workflow(project, "thorough") == WorkflowDefinition(
        "thorough",
        (
            PhaseDefinition("plan", "plan"),
            PhaseDefinition("build", "change"),
            PhaseDefinition("test", "command", run="make test", sends_back_to="build", at_most=3),
            PhaseDefinition("review", "verdict"),
            PhaseDefinition("document", "change", prompt="Document the change.\n"),
        ),
    )


def test_a_project_without_tables_has_the_built_in_workflow(project: Path) -> None:
    assert find_workflow(project, "adw_sdlc") == BUILT_IN
    assert BUILT_IN.names == ("plan", "build", "review")


def test_the_prompt_of_a_built_in_phase_is_replaced_and_its_kind_stays(project: Path) -> None:
    assert faults(project, '[phases.review]\nprompt = "prompts/document.md"\n') == []
    (project / "adw.toml").write_text(
        '[workflows.w]\nphases = ["plan", "review"]\n[phases.review]\nprompt = "prompts/document.md"\n'
    )

    assert find_workflow(project, "w").phases[1] == PhaseDefinition(
        "review", "verdict", prompt="Document the change.\n"
    )


def test_a_definition_comes_back_from_json_also_with_fields_of_a_later_version(project: Path) -> None:
    (project / "adw.toml").write_text(THOROUGH)
    found = find_workflow(project, "thorough")
    saved = found.to_json()
    saved["phases"][2]["patience"] = "great"

    assert WorkflowDefinition.from_json(saved) == found


def test_definitions_that_differ_have_different_sums(project: Path) -> None:
    (project / "adw.toml").write_text(THOROUGH)
    before = find_workflow(project, "thorough").sha256
    (project / "prompts" / "document.md").write_text("Document it well.\n")

    assert find_workflow(project, "thorough").sha256 != before
    assert BUILT_IN.sha256 == "5ad00480aa44ef371c83c44deb5a73475f5fc166084c109ba087a82b72c4e268"


WRONG = {
    "no phases": (
        "[workflows.w]\nphases = []",
        "adw.toml:2: workflows.w: a workflow has 1 to 100 phases, not 0",
    ),
    "phases missing": ("[workflows.w]", "adw.toml:1: workflows.w: phases must be a list of names, not None"),
    "phases of the wrong type": (
        "[workflows.w]\nphases = [1]",
        "adw.toml:2: workflows.w: phases must be a list of names, not [1]",
    ),
    "a phase twice": (
        '[workflows.w]\nphases = [\n  "plan",\n  "build",\n  "plan",\n]',
        "adw.toml:2: workflows.w: the phase 'plan' is there twice",
    ),
    "a phase nobody defines": (
        '[workflows.w]\nphases = ["plan", "biuld"]',
        "adw.toml:2: workflows.w: nothing defines the phase 'biuld'",
    ),
    "back to a later phase": (
        '[workflows.w]\nphases = ["plan", "t", "build"]\n'
        '[phases.t]\nrun = "true"\nsends_back_to = "build"\nat_most = 1',
        "adw.toml:2: workflows.w: t sends back to build, which does not come before it",
    ),
    "back to itself": (
        '[workflows.w]\nphases = ["plan", "t"]\n[phases.t]\nrun = "true"\nsends_back_to = "t"\nat_most = 1',
        "adw.toml:2: workflows.w: t sends back to t, which does not come before it",
    ),
    "back to a phase that is not in it": (
        '[workflows.w]\nphases = ["plan", "t"]\n'
        '[phases.t]\nrun = "true"\nsends_back_to = "bild"\nat_most = 1',
        "adw.toml:2: workflows.w: t sends back to 'bild', which is not in it",
    ),
    "back to a phase that changes nothing": (
        '[workflows.w]\nphases = ["plan", "s", "t"]\n[phases.s]\nrun = "true"\n'
        '[phases.t]\nrun = "true"\nsends_back_to = "s"\nat_most = 1',
        "adw.toml:2: workflows.w: t sends back to s, which is a command",
    ),
    "a circle without an end": (
        '[phases.test]\nrun = "make test"\nsends_back_to = "build"',
        "adw.toml:3: phases.test: sends_back_to without at_most could go round for ever",
    ),
    "at_most without a way back": (
        '[phases.test]\nrun = "make test"\nat_most = 2',
        "adw.toml:3: phases.test: at_most says how often it sends back, but sends_back_to is missing",
    ),
    "a change that sends back": (
        '[phases.build]\nsends_back_to = "plan"\nat_most = 2',
        "adw.toml:2: phases.build: a change phase sends nothing back",
    ),
    "at_most none": (
        "[phases.test]\nrun = 'x'\nsends_back_to = 'build'\nat_most = 0",
        "adw.toml:4: phases.test: at_most must be a whole number from 1 to 1000, not 0",
    ),
    "at_most true": (
        "[phases.test]\nrun = 'x'\nsends_back_to = 'build'\nat_most = true",
        "adw.toml:4: phases.test: at_most must be a whole number from 1 to 1000, not True",
    ),
    "a prompt that is missing": (
        '[phases.document]\n# what it says\nprompt = "prompts/documents.md"',
        "adw.toml:3: phases.document: the prompt 'prompts/documents.md' cannot be read: "
        "No such file or directory",
    ),
    "a prompt outside the project": (
        '[phases.document]\nprompt = "prompts/../../outside.md"',
        "adw.toml:2: phases.document: the prompt 'prompts/../../outside.md' lies outside the project",
    ),
    "a prompt through a link": (
        '[phases.document]\nprompt = "prompts/link.md"',
        "adw.toml:2: phases.document: the prompt 'prompts/link.md' lies outside the project",
    ),
    "a prompt that is empty": (
        '[phases.document]\nprompt = "prompts/empty.md"',
        "adw.toml:2: phases.document: the prompt 'prompts/empty.md' cannot be read: it is empty",
    ),
    "a prompt that is a folder": (
        '[phases.document]\nprompt = "prompts"',
        "adw.toml:2: phases.document: the prompt 'prompts' cannot be read: it is not a regular file",
    ),
    "neither run nor prompt": (
        "[phases.document]",
        "adw.toml:1: phases.document: it has neither run nor prompt",
    ),
    "both run and prompt": (
        '[phases.document]\nrun = "x"\nprompt = "prompts/document.md"',
        "adw.toml:3: phases.document: a command has no prompt",
    ),
    "a verdict that runs": (
        '[phases.audit]\nkind = "verdict"\nrun = "x"',
        "adw.toml:3: phases.audit: a verdict phase runs no command",
    ),
    "a command that runs nothing": (
        '[phases.test]\nkind = "command"',
        "adw.toml:2: phases.test: a command needs run",
    ),
    "an unknown kind": (
        '[phases.test]\nkind = "check"',
        "adw.toml:2: phases.test: 'check' is no kind of phase",
    ),
    "an unknown key of a phase": (
        '[phases.test]\nrun = "x"\nsend_back_to = "build"',
        "adw.toml:3: phases.test: 'send_back_to' is no key of a phase",
    ),
    "an unknown key of a workflow": (
        '[workflows.w]\nphases = ["plan"]\nphase = 1',
        "adw.toml:2: workflows.w: 'phase' is no key of a workflow",
    ),
    "run of the wrong type": ("[phases.test]\nrun = 3", "adw.toml:2: phases.test: run must be a text, not 3"),
    "run with a NUL": (
        '[phases.test]\nrun = "a\\u0000b"',
        "adw.toml:2: phases.test: run must be a text, not 'a\\x00b'",
    ),
    "a name with a space": (
        '[phases."my test"]\nrun = "x"',
        "adw.toml:1: 'my test' cannot be the name of a phase",
    ),
    "a name with a quote": (
        "[workflows.\"it's\"]\nphases = ['plan']",
        'adw.toml:1: "it\'s" cannot be the name of a workflow',
    ),
    "a name of 10,000 characters": (
        f'[phases.{"a" * 10_000}]\nrun = "x"',
        f"adw.toml:1: '{'a' * 59}… cannot be the name of a phase",
    ),
    "phases that are no tables": ("phases = 3", "adw.toml:1: phases must be tables, such as [phases.NAME]"),
    "a phase that is no table": ("[phases]\ntest = 3", "adw.toml:2: phases.test must be a table, not 3"),
    "a verdict on nothing": (
        '[workflows.w]\nphases = ["review", "plan"]',
        "adw.toml:2: workflows.w: review judges what was done, but no phase before it does anything",
    ),
    "a build without a plan": (
        '[workflows.w]\nphases = ["build"]',
        "adw.toml:2: workflows.w: build speaks of $plan_file, but no phase before it writes a plan",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_once_in_one_sentence_with_file_and_line(project: Path, what: str) -> None:
    (project / "prompts" / "link.md").symlink_to(project.parent / "outside.md")
    text, sentence = WRONG[what]

    assert faults(project, text) == [sentence]


def test_a_phase_with_a_fault_is_not_told_of_again_where_it_is_used(project: Path) -> None:
    text = '[workflows.w]\nphases = ["plan", "document"]\n[phases.document]\nprompt = "nowhere.md"\n'

    assert len(faults(project, text)) == 1


def test_a_wrong_placeholder_is_told_with_its_line_in_the_prompt(project: Path) -> None:
    assert faults(project, '[phases.document]\nprompt = "prompts/odd.md"\n') == [
        "prompts/odd.md:3: a lone $ means nothing",
        "prompts/odd.md:3: $isue is no placeholder of a change phase",
    ]


def test_all_faults_are_told_at_once_and_a_run_begins_with_none(project: Path) -> None:
    text = '[phases.test]\nkind = "check"\nruns = "x"\n[phases.other]\nrun = 1\n'

    assert len(faults(project, text)) == 3
    with pytest.raises(ConfigurationError, match=r"adw\.toml:3: phases\.test: 'runs' is no key of a phase"):
        find_workflow(project, "adw_sdlc")


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("send_back_to", f"did you mean sends_back_to? known are {KEYS}"),
        ("xyzzy", f"known are {KEYS}"),
    ],
)
def test_the_nearest_known_key_is_named(project: Path, key: str, hint: str) -> None:
    (project / "adw.toml").write_text(f'[phases.test]\nrun = "x"\n{key} = 1\n')

    assert [one.hint for one in read_workflows(read_configuration_file(project)).faults] == [hint]


def test_a_workflow_that_is_not_there_is_named_with_the_nearest(project: Path) -> None:
    (project / "adw.toml").write_text(THOROUGH.replace('"thorough"', '"through"', 1))
    workflows = read_workflows(read_configuration_file(project))
    (fault,) = faults_of_default(Config(workflow="through"), workflows)

    assert str(fault) == f"{project}/adw.toml:1: there is no workflow 'through'"
    assert fault.hint == "did you mean thorough? known are adw_sdlc, thorough"
    with pytest.raises(ConfigurationError, match="there is no workflow 'through'"):
        find_workflow(project, "through")


def test_the_line_of_a_key_is_found_however_the_file_is_written() -> None:
    text = "\n".join(
        (
            "# [phases.test]",
            'note = """',
            "[phases.test]",
            '"""',
            "phases.test.run = 'a'",
            "[[many]]",
            "x = 1",
            "[ phases . 'document' ] # a comment",
            "",
            "kind = [",
            "  1, # ]",
            "]",
            "inline = { deep = { er = 1 } }",
        )
    )

    assert lines_of_keys(text) == {
        ("note",): 2,
        ("phases",): 5,
        ("phases", "test"): 5,
        ("phases", "test", "run"): 5,
        ("many",): 6,
        ("many", "x"): 7,
        ("phases", "document"): 8,
        ("phases", "document", "kind"): 10,
        ("phases", "document", "inline"): 13,
        ("phases", "document", "inline", "deep"): 13,
        ("phases", "document", "inline", "deep", "er"): 13,
    }


def test_a_phase_names_its_agent_and_model_in_every_workflow_also_a_built_in_one(project: Path) -> None:
    text = (
        '[phases.review]\nagent = " codex --fast "\nmodel = "gpt-5.5"\n'
        '[workflows.w]\nphases = ["build", "review"]\n'
        '[phases.build]\nmodel = "opus"\nprompt = "prompts/document.md"\n'
    )
    assert faults(project, text.replace("phases = [", 'phases = ["plan", ')) == []

    reviewer = PhaseDefinition("review", "verdict", agent="codex --fast", model="gpt-5.5")
    assert find_workflow(project, "adw_sdlc").phases == (
        PhaseDefinition("plan", "plan"),
        PhaseDefinition("build", "change", model="opus"),
        reviewer,
    )
    assert find_workflow(project, "w").phases[2] == reviewer


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("agent = 1", "phases.review: agent must be a text, not 1"),
        ('agent = " "', "phases.review: agent must be a text, not ' '"),
        ('model = ["a"]', "phases.review: model must be a text, not ['a']"),
        (
            'model = "a\\nb"',
            "phases.review: model must be one line without control characters, not 'a\\nb'",
        ),
        ('model = "--yolo"', "phases.review: model must be a name, not the flag '--yolo'"),
        ('modle = "a"', "phases.review: 'modle' is no key of a phase"),
        ('agent = "codex"\nrun = "true"', "phases.review: a command has no agent"),
        ('model = "a"\nrun = "true"', "phases.review: a command has no model"),
    ],
)
def test_what_is_wrong_with_the_agent_of_a_phase_is_told_with_its_line(
    project: Path, table: str, told: str
) -> None:
    assert faults(project, f"[phases.review]\n{table}\n") == [f"adw.toml:2: {told}"]
