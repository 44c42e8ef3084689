"""What people do with bd, version by version."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from adws.tests.beside_beads.matrix.projects import TITLES, BdRefusedError, Project, write_lines
from adws.tests.beside_beads.matrix.schemas import Schema
from adws.tests.beside_beads.trackers import git_repository

VERSIONS = ("0.17.7", "0.29.0", "0.30.6", "0.34.0", "0.49.6")
HASH_IDS = VERSIONS[1:]
TOMBSTONES = VERSIONS[2:]
ONE, TWO, THREE, FOUR, FIVE = TITLES
_FUTURE = "2099-01-01T00:00:00Z"


@dataclass(frozen=True)
class Flow:
    """One thing that is done with bd, and with which versions of it."""

    name: str
    action: Callable[[Project, Schema], None]
    versions: tuple[str, ...] = VERSIONS
    made_by: str | None = None
    """The version that made the tracker's file, if not the one that is used."""
    refuses_until_reconciled: bool = False
    """bd itself may not open the file between the flow and our next opening (multi-repo mode)."""


def create(project: Project, schema: Schema) -> None:
    project.run("create", "Issue six", "-d", "More.")
    project.run("dep", "add", project.id_of(THREE), project.id_of(TWO))
    project.run("label", "add", project.id_of(THREE), "later")


def update(project: Project, schema: Schema) -> None:
    issue = project.id_of(ONE)
    project.run("update", issue, "--status", "in_progress", "--priority", "0", "--title", "Issue 1")
    project.new_titles[ONE] = "Issue 1"


def close(project: Project, schema: Schema) -> None:
    project.run("close", project.id_of(ONE))
    project.run("close", project.id_of(TWO))
    project.run("reopen", project.id_of(ONE))


def delete(project: Project, schema: Schema) -> None:
    project.run("delete", project.id_of(TWO), "--force")


def delete_several(project: Project, schema: Schema) -> None:
    project.run("delete", project.id_of(ONE), project.id_of(FIVE), "--force")
    project.run("delete", project.id_of(THREE), "--force", "--cascade")


def delete_hard(project: Project, schema: Schema) -> None:
    project.run("delete", project.id_of(TWO), "--force", "--hard")


def delete_and_import_again(project: Project, schema: Schema) -> None:
    lines = project.exported()
    project.run("delete", project.id_of(FOUR), "--force")
    for manifest in project.top.glob(".beads/deletions.jsonl"):
        manifest.unlink()
    later = [line | {"updated_at": _FUTURE} for line in lines]
    write_lines(project.top / "again.jsonl", later)
    project.run("import", "-i", "again.jsonl")


def rename_prefix(project: Project, schema: Schema) -> None:
    project.run("rename-prefix", "zz-")


def rename_prefix_there_and_on(project: Project, schema: Schema) -> None:
    project.run("rename-prefix", "zz-")
    project.run("create", "Issue six", "-d", "More.")
    project.run("rename-prefix", "yy-")


def rename_between_runs(project: Project, schema: Schema) -> None:
    project.run("rename-prefix", "zz-")
    _begin(project, schema, ONE)
    project.run("rename-prefix", "yy-")


def rename_one(project: Project, schema: Schema) -> None:
    project.run("rename", project.id_of(ONE), "tk-renamed")


def rename_swap(project: Project, schema: Schema) -> None:
    one, two = project.id_of(ONE), project.id_of(TWO)
    project.run("rename", one, "tk-between")
    project.run("rename", two, one)
    project.run("rename", "tk-between", two)


def renumber(project: Project, schema: Schema) -> None:
    project.run("delete", project.id_of(ONE), "--force")
    project.run("renumber", "--force")


def migrate_hash_ids(project: Project, schema: Schema) -> None:
    if project.version == "0.49.6":
        project.run("migrate-hash-ids", stdin="y\n")
    else:
        project.run("migrate", "--to-hash-ids", "--yes")


def import_changed(project: Project, schema: Schema) -> None:
    lines = project.exported()
    lines[0] |= {"title": "Issue 1", "updated_at": _FUTURE}
    project.new_titles[ONE] = "Issue 1"
    write_lines(project.top / "changed.jsonl", lines)
    collisions = ["--resolve-collisions"] if project.version == "0.17.7" else []
    project.run("import", "-i", "changed.jsonl", *collisions)


def import_reidentified(project: Project, schema: Schema) -> None:
    lines = project.exported()
    lines[3]["id"] = "tk-900" if project.version == "0.17.7" else "tk-zz9"
    write_lines(project.export, lines)
    project.run("import", "-i", str(project.export))


def import_tombstone(project: Project, schema: Schema) -> None:
    lines = project.exported()
    lines[3] |= {"status": "tombstone", "deleted_at": _FUTURE, "updated_at": _FUTURE}
    write_lines(project.top / "gone.jsonl", lines)
    project.run("import", "-i", "gone.jsonl")


def auto_import(project: Project, schema: Schema) -> None:
    lines = project.exported()
    more = dict(lines[4]) | {"id": "tk-77", "title": "Issue seven", "description": "New."}
    lines[2] |= {"title": "Issue 3", "updated_at": _FUTURE}
    lines[3]["id"] = "tk-901" if project.version == "0.17.7" else "tk-zz8"
    project.new_titles[THREE] = "Issue 3"
    write_lines(project.export, [*lines[:4], more])
    project.run("create", "Issue six", "-d", "More.")


def purge_by_manifest(project: Project, schema: Schema) -> None:
    lines = project.exported()
    entry = {"id": lines[4]["id"], "ts": "2026-01-01T00:00:00Z", "by": "somebody"}
    (project.top / ".beads" / "deletions.jsonl").write_text(json.dumps(entry) + "\n", encoding="utf-8")
    write_lines(project.export, lines[:4])
    project.run("import", "-i", str(project.export))


def compact(project: Project, schema: Schema) -> None:
    issue = project.id_of(FOUR)
    project.run("close", issue)
    project.run(*_administration(project, "compact"), "--stats")
    if project.version != "0.17.7":
        (project.top / "summary.txt").write_text("Short.", encoding="utf-8")
        apply = ("--apply", "--id", issue, "--summary", "summary.txt", "--force")
        project.run(*_administration(project, "compact"), *apply)


def cleanup(project: Project, schema: Schema) -> None:
    project.run("close", project.id_of(FOUR))
    project.run(*_administration(project, "cleanup"), "--force")


def migrate(project: Project, schema: Schema) -> None:
    project.run("migrate", "--yes")
    project.run("migrate", "--cleanup", "--yes")


def migrate_under_a_run(project: Project, schema: Schema) -> None:
    # bd deletes the write-ahead log here. What the workflow had only in it goes with it; but neither may
    # the workflow, when it ends, undo what bd did since.
    with schema.at_work(project.database, project.id_of(ONE)):
        project.run("migrate", "--yes")
        project.run("create", "Issue six", "-d", "More.")
    if "Issue six" not in project.issues().values():
        raise BdRefusedError("the issue that bd made during the workflow is gone")


def doctor(project: Project, schema: Schema) -> None:
    _whatever_it_says(project, "doctor")


def doctor_fix(project: Project, schema: Schema) -> None:
    _whatever_it_says(project, "doctor", "--fix", "--yes")


def repair(project: Project, schema: Schema) -> None:
    project.run("rename-prefix", "zz-")
    project.run("repair")


def merge_duplicates(project: Project, schema: Schema) -> None:
    project.run("create", ONE, "-t", "bug", "-p", "0", "-d", "About issue one.")
    project.run("duplicates", "--auto-merge")
    if project.version == "0.17.7":
        project.run("merge", project.id_of(FIVE), "--into", project.id_of(FOUR))


def make_over_tombstone(project: Project, schema: Schema) -> None:
    issue = project.id_of(FOUR)
    project.run("delete", issue, "--force", "--hard")
    project.run("create", "Issue 4", "--id", issue, "--force", "-d", "Made anew.")
    project.new_titles[FOUR] = "Issue 4"


def export_and_flush(project: Project, schema: Schema) -> None:
    project.run("update", project.id_of(ONE), "--priority", "3")
    project.run("sync", "--flush-only")
    project.run("sync", "--import-only")


def hydrate(project: Project, schema: Schema) -> None:
    _add_repository(project)
    project.run("create", "Issue six", "-d", "More.")


def hydrate_after_rename(project: Project, schema: Schema) -> None:
    # bd's own table of blocked issues keeps the old ids, at which bd itself would stumble.
    project.run("dep", "remove", project.id_of(TWO), project.id_of(ONE))
    hydrate(project, schema)
    project.run("rename-prefix", "zz-")


def beside_daemon(project: Project, schema: Schema) -> None:
    with project.daemon():
        project.run("create", "Issue six", "-d", "More.")
        _begin(project, schema, ONE)
        project.run("update", project.id_of(TWO), "--status", "in_progress")
        project.run("rename-prefix", "zz-")
        project.run("delete", project.id_of(FIVE), "--force")
        _begin(project, schema, TWO)
        project.run("close", project.id_of(TWO))
        project.run("list")


def upgrade(project: Project, schema: Schema) -> None:
    project.run("create", "Issue six", "-d", "More.")
    project.run("migrate", "--yes")
    project.run("update", project.id_of(ONE), "--status", "in_progress")


def _begin(project: Project, schema: Schema, title: str) -> None:
    """A workflow of ours begins on an issue."""
    project.begun[schema.begin(project.database, project.id_of(title))] = title


def _administration(project: Project, command: str) -> tuple[str, ...]:
    return ("admin", command) if project.version == "0.49.6" else (command,)


def _whatever_it_says(project: Project, *arguments: str) -> None:
    """bd's doctor fails for reasons of its own, such as a repository without an upstream."""
    try:
        project.run(*arguments)
    except BdRefusedError as error:
        if "failed to open" in str(error):
            raise


def _add_repository(project: Project) -> None:
    """A second repository whose issues bd reads along with its own."""
    other = git_repository(project.top.with_name(f"{project.top.name}-other"))
    (other / ".beads").mkdir()
    issue = {
        "id": "tk-foreign",
        "title": "Of another repository",
        "status": "open",
        "priority": 2,
        "issue_type": "task",
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    write_lines(other / ".beads" / "issues.jsonl", [issue])
    settings = f'repos:\n  primary: "."\n  additional:\n    - "{other}"\n'
    (project.top / ".beads" / "config.yaml").write_text(settings, encoding="utf-8")


def _upgrades() -> list[Flow]:
    pairs = [(old, new) for new in VERSIONS for old in VERSIONS if old < new]
    return [Flow(f"upgrade from {old}", upgrade, (new,), made_by=old) for old, new in pairs]


FLOWS = (
    Flow("create", create),
    Flow("update", update),
    Flow("close and reopen", close),
    Flow("delete", delete),
    Flow("delete several", delete_several),
    Flow("delete --hard", delete_hard, TOMBSTONES),
    Flow("delete, import again", delete_and_import_again),
    Flow("rename-prefix", rename_prefix),
    Flow("rename-prefix twice", rename_prefix_there_and_on),
    Flow("run between two renames", rename_between_runs),
    Flow("rename", rename_one, ("0.49.6",)),
    Flow("rename: two swap ids", rename_swap, ("0.49.6",)),
    Flow("renumber after a delete", renumber, ("0.17.7",)),
    Flow("migrate-hash-ids", migrate_hash_ids, HASH_IDS, made_by="0.17.7"),
    Flow("import changed line", import_changed),
    Flow("import re-identified line", import_reidentified),
    Flow("import tombstone", import_tombstone, TOMBSTONES),
    Flow("auto-import", auto_import),
    Flow("purge by manifest", purge_by_manifest, ("0.29.0",)),
    Flow("compact", compact),
    Flow("cleanup", cleanup, HASH_IDS),
    Flow("migrate", migrate),
    Flow("migrate under a run", migrate_under_a_run, HASH_IDS, made_by="0.17.7"),
    Flow("doctor", doctor, HASH_IDS),
    Flow("doctor --fix", doctor_fix, HASH_IDS),
    Flow("repair", repair, ("0.49.6",)),
    Flow("merge duplicates", merge_duplicates),
    Flow("create over a tombstone", make_over_tombstone, ("0.49.6",)),
    Flow("export and sync", export_and_flush),
    Flow("multi-repo", hydrate, HASH_IDS),
    Flow("multi-repo, rename-prefix", hydrate_after_rename, HASH_IDS, refuses_until_reconciled=True),
    Flow("beside the daemon", beside_daemon),
    *_upgrades(),
)


def flow(name: str) -> Flow:
    """The flow of this name."""
    return next(found for found in FLOWS if found.name == name)
