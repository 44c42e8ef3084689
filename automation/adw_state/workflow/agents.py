"""Which agent does each phase of a run.

The first of these that names an agent decides: the command line, the phase's table, the table of a label that
the issue has, the project's setting. A model is for the agent of its own table, or for one that is named
further down; one that is named further up has no use for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from adw_state.agents.agent import Agent
from adw_state.agents.choice import resolve_agent, seen_from_project
from adw_state.configuration.definitions import PhaseDefinition, WorkflowDefinition
from adw_state.configuration.labels import settings_for
from adw_state.trackers.tracker import Issue
from adw_state.workflow.requests import Request
from adw_state.workflow.settings import RunSettings


def new_request(settings: RunSettings, issue: Issue, workflow: WorkflowDefinition) -> Request:
    """What a run that begins now is asked to do, and by whom."""
    given = _given_agent(settings)
    if given is not None:
        return Request(issue, workflow, given)
    agent, model = _configured(settings, issue)
    return Request(issue, workflow, agent, configured=True, model=model)


def agents_of(settings: RunSettings, request: Request) -> Mapping[str, Agent]:
    """The agent of each phase, by its name.

    Raises `InvalidInputError` for a text that is no command line and for a model that an agent cannot be
    told, `AgentMissingError` for a program that is not there.
    """
    given = _given_agent(settings)
    is_told = given is not None or not request.configured
    run = request.agent_or(_configured(settings, request.issue)[0]) if given is None else given
    agents = {}
    for phase in request.workflow.phases:
        text, model = (run, None) if is_told else _of_phase(phase, run, request.model)
        agent = resolve_agent(text, directory=settings.location.project, environ=settings.environ)
        agents[phase.name] = agent if model is None else agent.with_model(model)
    return agents


def _of_phase(phase: PhaseDefinition, run: str, model: str | None) -> tuple[str, str | None]:
    if phase.agent is not None:
        return phase.agent, phase.model
    is_command = phase.kind == "command"
    return run, None if is_command else phase.model or model


def _configured(settings: RunSettings, issue: Issue) -> tuple[str, str | None]:
    """The agent for the issue, and its model, as the issue's labels and the project's settings say now."""
    found = settings_for(issue.labels, settings.config.labels)
    if found is None:
        return settings.config.agent, None
    return found.agent or settings.config.agent, found.model


def _given_agent(settings: RunSettings) -> str | None:
    """The agent that was given for this call, as the project sees it."""
    if settings.agent is None:
        return None
    return seen_from_project(settings.agent, directory=Path.cwd(), project=settings.location.project)
