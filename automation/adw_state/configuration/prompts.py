"""What agents are told: templates, which lie in `prompts/` or replace those in a project, filled in.

Placeholders are `$name`; `$$` is a dollar sign. What every agent of a kind must know is added to a template
that leaves it out, so a project's prompt need not say more than what is special about its phase. Placeholders
are replaced in one pass: text that is filled in is never looked through again, so an issue that talks about
`$plan` stays as it is. The first line of every prompt is for machines.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from adw_state.configuration.definitions import PhaseDefinition
from adw_state.trackers.tracker import Issue

_FOLDER = Path(__file__).parents[1] / "prompts"
_ALWAYS = ("branch", "feedback", "issue", "plan_file")
PLACEHOLDERS = {
    "plan": _ALWAYS,
    "change": _ALWAYS,
    "verdict": (*_ALWAYS, "base", "diff", "diff_note", "verdict_format"),
}
# What is added where a template does not say it, in this order.
_ADDED = {
    "plan": ("plan_file", "feedback", "issue"),
    "change": ("feedback", "issue"),
    "verdict": ("verdict_format", "feedback", "issue", "diff"),
}
_ADDITIONS = {
    "plan_file": "\nWrite the file `$plan_file` and change no other. Do not commit; that is done for you.\n",
    "verdict_format": "\n$verdict_format\n",
    "feedback": "$feedback\n",
    "issue": "---\n\n$issue\n",
    "diff": "\n---\n\nThe change$diff_note:\n\n```diff\n$diff\n```\n",
}

# An agent that resumes its session believes that its files are as it left them.
_RESUMED = """
You have worked on this in this conversation before, and were interrupted or sent back since. What you had
changed and was not committed is no longer in the files. Look at them again, then do what is asked above.
"""


def template_of(phase: PhaseDefinition) -> str:
    """The template of a phase's prompt as its author wrote it; empty for a command."""
    if phase.kind == "command":
        return ""
    return read_built_in(phase.name) if phase.prompt is None else phase.prompt


def read_built_in(name: str) -> str:
    """The text of a file in `prompts/`."""
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8")


def build_prompt(
    phase: PhaseDefinition, header: Mapping[str, str], values: Mapping[str, str], *, resumed: bool = False
) -> str:
    """The prompt of a phase; `values` must have every placeholder of its template.

    `resumed` says that its agent resumes a session.
    """
    written = template_of(phase)
    said = placeholders_in(written)
    added = "".join(_ADDITIONS[name] for name in _ADDED[phase.kind] if name not in said)
    template = Template(written.rstrip("\n") + "\n" + added)
    words = {"phase": phase.name, "kind": phase.kind, **header}
    # "-->" would end the comment that the header stands in.
    line = json.dumps(words, ensure_ascii=True).replace("-->", "--\\u003e")
    return f"<!-- adw: {line} -->\n{template.substitute(values)}{_RESUMED if resumed else ''}"


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


def placeholders_in(template: str) -> set[str]:
    """The names of the placeholders of a template."""
    return {name for name, _ in _found_in(template) if name}


def wrong_placeholders(template: str, kind: str) -> Iterator[tuple[str, int]]:
    """The placeholders that a prompt of this kind cannot have, with their lines; "" is a lone `$`.

    None for a kind that has no prompt.
    """
    known = PLACEHOLDERS.get(kind)
    return ((name, line) for name, line in _found_in(template) if known and name not in known)


def _found_in(template: str) -> Iterator[tuple[str, int]]:
    for found in Template.pattern.finditer(template):
        if found["escaped"] is None:
            name = found["named"] or found["braced"] or ""
            yield name, template.count("\n", 0, found.start()) + 1
