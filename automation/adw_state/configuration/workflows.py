"""Workflows and phases as `adw.toml` defines them, and everything that is wrong with them.

    [workflows.thorough]
    phases = ["plan", "build", "test", "review"]

    [phases.test]
    run = "make test"
    sends_back_to = "build"
    at_most = 3

    [phases.review]
    agent = "codex"
    model = "gpt-5.5"

`plan`, `build` and `review` need no definition. All that a run needs is read here, the prompts too, so
a fault is told before anything begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from adw_state.built_in import HOW_TO_NAME, MOST_PHASES, NAME
from adw_state.configuration.definitions import (
    BUILT_IN,
    JUDGING_KINDS,
    KINDS,
    WORKING_KINDS,
    PhaseDefinition,
    WorkflowDefinition,
)
from adw_state.configuration.file import (
    ConfigurationFile,
    Fault,
    read_configuration_file,
    shown,
    unknown_name,
)
from adw_state.configuration.labels import wrong_choice
from adw_state.configuration.prompts import placeholders_in, template_of, wrong_placeholders
from adw_state.configuration.settings import Config
from adw_state.text_files import decode_text, read_small_file

_MOST_TIMES = 1000
_MOST_LETTERS = 20_000
_MOST_PROMPT_BYTES = 100_000
# Phases by name; None for one that is defined with a fault, which is told once.
_Phases: TypeAlias = dict[str, PhaseDefinition | None]
# A message, and what to do about it.
_Wrong: TypeAlias = tuple[str, str | None]
PHASE_KEYS = ("agent", "at_most", "kind", "model", "prompt", "run", "sends_back_to")
_WORKFLOW_KEYS = ("phases",)


def find_workflow(project: Path, name: str) -> WorkflowDefinition:
    """The workflow of this name. Raises `ConfigurationError` where there is none, or any fault."""
    workflows = read_workflows(read_configuration_file(project))
    if workflows.faults:
        raise workflows.faults[0].as_error()
    if name not in workflows.known:
        raise workflows.unknown(name).as_error()
    return workflows.known[name]


@dataclass(slots=True)
class Workflows:
    """The workflows of a project, by name, and what is wrong in their tables."""

    file: ConfigurationFile
    known: dict[str, WorkflowDefinition] = field(default_factory=lambda: {BUILT_IN.name: BUILT_IN})
    faults: list[Fault] = field(default_factory=list)

    def unknown(self, name: str) -> Fault:
        """That there is no workflow of this name."""
        return self.file.fault(
            ("workflow",), f"there is no workflow {shown(name)}", unknown_name(name, tuple(self.known))
        )


def read_workflows(file: ConfigurationFile) -> Workflows:
    """The workflows that a configuration file defines, beside the built-in one."""
    found = Workflows(file)
    phases: _Phases = {phase.name: phase for phase in BUILT_IN.phases}
    faults = found.faults
    for name, table in _tables(file, "phases", faults):
        phase, wrong = _Phase(file, name, table).read()
        faults += wrong
        phases[name] = None if wrong else phase
    found.known[BUILT_IN.name] = _with_agents(BUILT_IN, phases)
    for name, table in _tables(file, "workflows", faults):
        workflow, wrong = _read_workflow(file, name, table, phases)
        faults += wrong
        if not wrong:
            found.known[name] = workflow
    return found


def faults_of_default(config: Config, workflows: Workflows) -> Iterator[Fault]:
    """What is wrong with the choice of the project's default workflow."""
    tables = workflows.file.values.get("workflows")
    if config.workflow not in workflows.known and not (
        isinstance(tables, Mapping) and config.workflow in tables
    ):
        yield workflows.unknown(config.workflow)


def _tables(
    file: ConfigurationFile, group: str, faults: list[Fault]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables of a group under names that they can have."""
    tables = file.values.get(group, {})
    one = group.removesuffix("s")
    if not isinstance(tables, Mapping):
        faults.append(file.fault((group,), f"{group} must be tables, such as [{group}.NAME]"))
        return
    for name, table in tables.items():
        if not NAME.fullmatch(name):
            faults.append(
                file.fault((group, name), f"{shown(name)} cannot be the name of a {one}", HOW_TO_NAME)
            )
        elif not isinstance(table, Mapping):
            faults.append(file.fault((group, name), f"{group}.{name} must be a table, not {shown(table)}"))
        else:
            yield name, table


class _Phase:
    """The table of one phase, and what is found wrong while it is read."""

    def __init__(self, file: ConfigurationFile, name: str, table: Mapping[str, Any]) -> None:
        self._file = file
        self._name = name
        self._table = table
        self._faults: list[Fault] = []

    def read(self) -> tuple[PhaseDefinition, list[Fault]]:
        """The phase, as far as it can be read, and its faults."""
        for key in self._table:
            if key not in PHASE_KEYS:
                self._fault(key, f"{shown(key)} is no key of a phase", unknown_name(key, PHASE_KEYS))
        run, kind = self._text("run"), self._kind()
        prompt = self._prompt(kind)
        back, times = self._text("sends_back_to"), self._times()
        agent, model = self._choice("agent", kind), self._choice("model", kind)
        if not self._faults:
            self._check_work(kind, run, prompt)
            self._check_sending_back(kind, back, times)
        return PhaseDefinition(self._name, kind, prompt, run, back, times, agent, model), self._faults

    def _fault(self, key: str, message: str, hint: str | None = None) -> None:
        keys = ("phases", self._name, key)
        self._faults.append(self._file.fault(keys, f"phases.{self._name}: {message}", hint))

    def _text(self, key: str) -> str | None:
        value = self._table.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            self._fault(key, f"{key} must be a text, not {shown(value)}")
        elif len(value) > _MOST_LETTERS:
            self._fault(key, f"{key} has more than {_MOST_LETTERS:,} characters", "call a script of yours")
        else:
            return value.strip()
        return None

    def _choice(self, key: str, kind: str) -> str | None:
        """Who does the phase, as `agent` or `model`."""
        value = self._table.get(key)
        wrong = None if value is None else wrong_choice(key, value)
        if wrong:
            self._fault(key, wrong)
        elif value is not None and kind == "command":
            self._fault(key, f"a command has no {key}", f"leave out run, or {key}")
        return None if value is None or wrong else str(value).strip()

    def _kind(self) -> str:
        kind = self._table.get("kind")
        if kind is None:
            built_in = {phase.name: phase.kind for phase in BUILT_IN.phases}
            return "command" if "run" in self._table else built_in.get(self._name, "change")
        if kind not in KINDS:
            self._fault("kind", f"{shown(kind)} is no kind of phase", unknown_name(str(kind), KINDS))
        return str(kind)

    def _times(self) -> int | None:
        value = self._table.get("at_most")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_TIMES:
            self._fault(
                "at_most", f"at_most must be a whole number from 1 to {_MOST_TIMES}, not {shown(value)}"
            )
            return None
        return value

    def _prompt(self, kind: str) -> str | None:
        """The text of the prompt's file."""
        name = self._text("prompt")
        if name is None:
            return None
        project = self._file.path.parent
        try:
            path = (project / name).resolve()
            if not path.is_relative_to(project.resolve()):
                self._fault("prompt", f"the prompt {shown(name)} lies outside the project")
                return None
            text = _read_prompt(path)
        except (OSError, ValueError, RuntimeError) as error:  # the last for links that go round
            why = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self._fault("prompt", f"the prompt {shown(name)} cannot be read: {why}")
            return None
        for name, line in wrong_placeholders(text, kind):
            wrong = f"${name} is no placeholder of a {kind} phase" if name else "a lone $ means nothing"
            self._faults.append(Fault(wrong, "write $$ for a dollar sign", path, line))
        return text

    def _check_work(self, kind: str, run: str | None, prompt: str | None) -> None:
        if kind == "command":
            if prompt is not None:
                self._fault("prompt", "a command has no prompt", "give it either run or prompt")
            if run is None:
                self._fault("kind", "a command needs run", 'say what it runs, such as run = "make test"')
        elif run is not None:
            self._fault("run", f"a {kind} phase runs no command", "leave out kind, or run")
        elif prompt is None and self._name not in BUILT_IN.names:
            self._fault("", "it has neither run nor prompt", 'say what it does: run = "…" or prompt = "…"')

    def _check_sending_back(self, kind: str, back: str | None, times: int | None) -> None:
        if back is not None and kind not in JUDGING_KINDS:
            self._fault(
                "sends_back_to", f"a {kind} phase sends nothing back", "only verdicts and commands do"
            )
        elif back is not None and times is None:
            endless = "sends_back_to without at_most could go round for ever"
            self._fault("sends_back_to", endless, "say how often: at_most = 3")
        elif back is None and times is not None:
            self._fault("at_most", "at_most says how often it sends back, but sends_back_to is missing")


def _with_agents(workflow: WorkflowDefinition, phases: _Phases) -> WorkflowDefinition:
    """The workflow, each of its phases done by whom the table of that phase names."""
    told = [(phase, phases.get(phase.name) or phase) for phase in workflow.phases]
    done = (replace(phase, agent=table.agent, model=table.model) for phase, table in told)
    return replace(workflow, phases=tuple(done))


def _read_prompt(path: Path) -> str:
    text = decode_text(read_small_file(path, _MOST_PROMPT_BYTES))
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _read_workflow(
    file: ConfigurationFile, name: str, table: Mapping[str, Any], known: _Phases
) -> tuple[WorkflowDefinition, list[Fault]]:
    wrong: list[_Wrong] = [
        (f"{shown(key)} is no key of a workflow", unknown_name(key, _WORKFLOW_KEYS))
        for key in table
        if key not in _WORKFLOW_KEYS
    ]
    names = table.get("phases")
    wrong += _wrong_names(names, known)
    phases = [] if wrong else [known[phase] for phase in names or ()]
    workflow = WorkflowDefinition(name, tuple(phase for phase in phases if phase is not None))
    if None not in phases:
        wrong += _wrong_order(workflow)
    keys = ("workflows", name, "phases")
    return workflow, [file.fault(keys, f"workflows.{name}: {message}", hint) for message, hint in wrong]


def _wrong_names(names: object, known: _Phases) -> Iterator[_Wrong]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        yield f"phases must be a list of names, not {shown(names)}", 'such as phases = ["plan", "build"]'
        return
    if not 1 <= len(names) <= MOST_PHASES:
        yield f"a workflow has 1 to {MOST_PHASES} phases, not {len(names)}", None
    for place, name in enumerate(names):
        if name in names[:place]:
            yield f"the phase {shown(name)} is there twice", "to repeat a phase, send back to it"
        elif name not in known:
            yield f"nothing defines the phase {shown(name)}", unknown_name(name, tuple(known))


def _wrong_order(workflow: WorkflowDefinition) -> Iterator[_Wrong]:
    """What is wrong between phases that are right each by itself."""
    for phase in workflow.phases:
        before = {earlier.name: earlier.kind for earlier in workflow.phases_before(phase.name)}
        if phase.sends_back_to is not None:
            yield from _wrong_way_back(phase, before, workflow.names)
        if phase.kind == "verdict" and not set(before.values()) & set(WORKING_KINDS):
            yield f"{phase.name} judges what was done, but no phase before it does anything", None
        elif "plan" not in (phase.kind, *before.values()) and _speaks_of_a_plan(phase):
            yield (
                f"{phase.name} speaks of $plan_file, but no phase before it writes a plan",
                f"put a plan before it, or give it another prompt under [phases.{phase.name}]",
            )


def _wrong_way_back(
    phase: PhaseDefinition, before: Mapping[str, str], names: tuple[str, ...]
) -> Iterator[_Wrong]:
    back = str(phase.sends_back_to)
    if back not in names:
        yield f"{phase.name} sends back to {shown(back)}, which is not in it", unknown_name(back, names)
    elif back not in before:
        yield f"{phase.name} sends back to {back}, which does not come before it", None
    elif before[back] not in WORKING_KINDS:
        yield (
            f"{phase.name} sends back to {back}, which is a {before[back]}",
            "send back to a phase whose agent can change something",
        )


def _speaks_of_a_plan(phase: PhaseDefinition) -> bool:
    return "plan_file" in placeholders_in(template_of(phase))
