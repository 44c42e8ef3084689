"""`adw config check`: what is wrong in the configuration, before a run finds out."""

from __future__ import annotations

import os
import sys

import click

from adw_state.commands.options import json_option
from adw_state.commands.output import print_json, print_line
from adw_state.configuration.definitions import PhaseDefinition, WorkflowDefinition
from adw_state.configuration.file import ConfigurationFile, Fault, read_configuration_file
from adw_state.configuration.settings import settings_of
from adw_state.configuration.workflows import Workflows, faults_of_default, read_workflows
from adw_state.errors import ConfigurationError
from adw_state.trackers.locate import locate_for_run


@click.group()
def config() -> None:
    """Look at the configuration of the project: adw.toml, and the variables that override it."""


@config.command()
@json_option
def check(as_json: bool) -> None:
    """Say everything that is wrong in the configuration, with file and line, and begin nothing.

    Exits with 0 when all is right, else with 2.
    """
    file = read_configuration_file(locate_for_run(None).project)
    settings, faults = settings_of(file, os.environ)
    workflows = read_workflows(file)
    faults = [*faults, *workflows.faults, *faults_of_default(settings, workflows)]
    if as_json:
        print_json(
            "adw.config/1",
            file=file.path if file.text else None,
            faults=[
                {"file": one.file, "line": one.line, "error": str(one), "hint": one.hint} for one in faults
            ],
            default=settings.workflow,
            workflows=[{**flow.to_json(), "sha256": flow.sha256} for flow in workflows.known.values()],
        )
    else:
        _tell(file, settings.workflow, workflows, faults)
    sys.exit(ConfigurationError.exit_code if faults else 0)


def _tell(file: ConfigurationFile, default: str, workflows: Workflows, faults: list[Fault]) -> None:
    for fault in faults:
        print_line(str(fault))
        if fault.hint:
            print_line(f"  What to do: {fault.hint}")
    if faults:
        return
    print_line(f"{file.path} is right." if file.text else f"There is no {file.path}; the defaults hold.")
    for workflow in workflows.known.values():
        chosen = " (default)" if workflow.name == default else ""
        print_line(f"{workflow.name}{chosen}: {_phases(workflow)}")


def _phases(workflow: WorkflowDefinition) -> str:
    return ", ".join(_phase(phase) for phase in workflow.phases)


def _phase(phase: PhaseDefinition) -> str:
    said = [] if phase.agent is None else [f"by {phase.agent}"]
    said += [] if phase.model is None else [f"model {phase.model}"]
    if phase.sends_back_to is not None:
        times = "once" if phase.at_most == 1 else f"{phase.at_most} times"
        said.append(f"back to {phase.sends_back_to}, at most {times}")
    return f"{phase.name} ({', '.join(said)})" if said else phase.name
