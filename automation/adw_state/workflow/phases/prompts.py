"""What the agents are told: the templates of their phases, filled in, also with the failures so far.

Placeholders are replaced in one pass: text that is filled in is never looked through again, so an issue that
talks about `$plan` stays as it is. The first line of every prompt is for machines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from string import Template

from adw_state.prompt_templates import complete, template_of
from adw_state.state import Attempt
from adw_state.trackers.tracker import Issue
from adw_state.workflow.next_place import is_against_earlier_work, newest_attempt, way_back
from adw_state.workflow_definitions import PhaseDefinition, WorkflowDefinition


def build_prompt(phase: PhaseDefinition, header: Mapping[str, str], values: Mapping[str, str]) -> str:
    """The prompt of a phase; `values` must have every placeholder of its template."""
    template = Template(complete(template_of(phase), phase.kind))
    words = {"phase": phase.name, "kind": phase.kind, **header}
    # "-->" would end the comment that the header stands in.
    line = json.dumps(words, ensure_ascii=True).replace("-->", "--\\u003e")
    return f"<!-- adw: {line} -->\n{template.substitute(values)}"


def issue_as_text(issue: Issue) -> str:
    """The issue as Markdown, with the sections that it has."""
    facts = [f"Issue: {issue.id}"]
    if issue.issue_type:
        facts.append(f"Type: {issue.issue_type}")
    if issue.priority is not None:
        facts.append(f"Priority: {issue.priority} (0 is the most urgent)")
    if issue.labels:
        facts.append(f"Labels: {', '.join(issue.labels)}")
    parts = [f"# {issue.title}", "\n".join(facts)]
    for name, text in (
        ("Description", issue.description),
        ("Design", issue.design),
        ("Acceptance criteria", issue.acceptance_criteria),
        ("Notes", issue.notes),
    ):
        if text.strip():
            parts.append(f"## {name}\n\n{text.strip()}")
    return "\n\n".join(parts)


def feedback_for(workflow: WorkflowDefinition, phase: str, attempts: Sequence[Attempt]) -> str:
    """What has gone wrong and is not made good yet, as sections of a prompt; empty where nothing is.

    That is the phase's own last attempt, and those of later phases that send the run back to it.
    """
    failures = _open_failures(workflow, phase, attempts)
    return "".join(
        f"\nAn earlier attempt at {old.phase} failed, for this reason:\n\n{_quoted(old.error_message)}\n"
        for old in failures
    )


def _open_failures(
    workflow: WorkflowDefinition, phase: str, attempts: Sequence[Attempt]
) -> Iterator[Attempt]:
    ended = [old for old in attempts if old.status in ("completed", "failed")]
    own = newest_attempt(ended, phase)
    if own is not None and own.status == "failed":
        yield own
    for later in workflow.names[workflow.names.index(phase) + 1 :]:
        newest = newest_attempt(ended, later)
        if newest is not None and is_against_earlier_work(newest) and way_back(workflow, later) == phase:
            yield newest


def _quoted(message: str | None) -> str:
    return "\n".join(f"> {line}".rstrip() for line in (message or "it left no message").strip().splitlines())
