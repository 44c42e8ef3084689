"""Whether bd and our rows came through a flow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from adws.tests.beside_beads.history import VIEWS, complaints, rows
from adws.tests.beside_beads.matrix.projects import BdRefusedError, Project
from adws.tests.beside_beads.matrix.schemas import Schema


@dataclass(frozen=True)
class Before:
    """What was there before the flow: every row, and the title of the issue of each execution."""

    everything: Counter[object]
    titles: dict[str, str]


@dataclass(frozen=True)
class After:
    """What became of it; `problems` is empty when all is well."""

    problems: tuple[str, ...]
    live: int
    archived: int
    reconciled: Counter[str]


def before(project: Project, schema: Schema) -> Before:
    """Look at a project before the flow."""
    titles = project.issues()
    found = {run: titles[issue] for run, issue in schema.live(project.database).items()}
    return Before(schema.everything(project.database), found)


def bd_works(project: Project, title: str) -> list[str]:
    """What bd's everyday commands have to complain about."""
    try:
        project.run("create", title, "-d", "To see whether bd still works.")
        issue = project.id_of(title)
        project.run("update", issue, "--status", "in_progress")
        project.run("show", issue)
        project.run("list")
        project.run("close", issue)
    except BdRefusedError as error:
        return [f"bd refuses: {error}"]
    return []


def _bd_opens(project: Project) -> list[str]:
    try:
        project.run("create", "First probe", "-d", "To see whether bd opens its file.")
        project.run("list")
    except BdRefusedError as error:
        return [f"bd refuses: {error}"]
    return []


def after(project: Project, schema: Schema, was: Before, *, refuses_until_reconciled: bool) -> After:
    """Use bd, open the database as our next command does, use bd again, and compare."""
    problems = [] if refuses_until_reconciled else _bd_opens(project)
    kept = schema.everything(project.database)
    if lost := was.everything - kept:
        problems.append(f"rows lost: {lost.total()} before our opening")
    reconciled = schema.opened(project.database)
    if schema.everything(project.database) != kept:
        problems.append("rows lost or changed by our opening")
    problems += _places(project, schema, was.titles | project.begun)
    problems += [f"sqlite complains: {found}" for found in complaints(project.database) if _of_ours(found)]
    problems += [f"a second opening reconciled {kind}" for kind in schema.opened(project.database)]
    problems += bd_works(project, "Probe")
    for view in VIEWS:
        rows(project.database, f"SELECT * FROM {view}")
    live, archived = schema.live(project.database), schema.archived(project.database)
    return After(tuple(problems), len(live), len(archived), reconciled)


def _of_ours(complaint: tuple[object, ...]) -> bool:
    """Whether it is about our tables; bd's own table of blocked issues keeps old ids after a rename."""
    return complaint[0] != "blocked_issues_cache"


def _places(project: Project, schema: Schema, titles: dict[str, str]) -> list[str]:
    """Executions that are not where they belong: at their issue, or archived where that is gone."""
    issues = project.issues()
    live, archived = schema.live(project.database), schema.archived(project.database)
    problems = []
    for run, title in titles.items():
        names = {title, project.new_titles.get(title, title)}
        lives = not names.isdisjoint(issues.values())
        if run in live and issues.get(live[run]) not in names:
            problems.append(f"wrong issue: a run of {title!r} is at {live[run]} ({issues.get(live[run])})")
        elif run not in live and run not in archived:
            problems.append(f"rows lost: a run of {title!r}")
        elif run not in live and lives:
            problems.append(f"not back: {title!r} lives, its run is archived")
    return problems
