"""Where the store is Dolt, `bd` is asked; stand-ins answer as real ones do, and as broken ones might."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from adw_state.errors import IssueNotFoundError, TrackerUnusableError
from adw_state.trackers import bd_program
from adw_state.trackers.locate import locate
from adw_state.trackers.tracker import Issue, read_issue

SHOWN = """[{"id":"tk-1","title":"First","status":"open","priority":0,"issue_type":"bug","labels":["x"]}]"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project on Dolt, and a PATH with nothing but the shell's own folder of stand-ins."""
    (tmp_path / ".beads").mkdir()
    (tmp_path / ".beads" / "metadata.json").write_text('{"backend":"dolt"}')
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def install_bd(project: Path, script: str) -> None:
    program = project / "bin" / "bd"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def read(project: Path, issue_id: str = "tk-1") -> Issue:
    return read_issue(locate(cwd=project, environ={}), issue_id)


def test_the_issue_is_what_bd_shows(project: Path) -> None:
    install_bd(project, f"echo '{SHOWN}'")
    assert read(project) == Issue("tk-1", "First", "bug", 0, "open", labels=("x",))


def test_bd_is_asked_read_only_for_this_folder_with_the_id_as_no_option(project: Path) -> None:
    install_bd(project, f"""printf '%s|' "$@" "$BEADS_DIR" "$PWD" > "{project}/asked"; echo '{SHOWN}'""")
    with pytest.raises(IssueNotFoundError):
        read(project, "--help me")
    asked = (project / "asked").read_text().split("|")
    assert asked[:-1] == [
        "--readonly",
        "show",
        "--json",
        "--",
        "--help me",
        f"{project}/.beads",
        str(project),
    ]


def test_bd_is_asked_in_a_way_that_does_not_make_the_issue_the_one_last_touched(project: Path) -> None:
    install_bd(project, f"""printf '%s|' "$@" >> "{project}/asked"; echo '{SHOWN}'""")
    read(project)
    assert (project / "asked").read_text() == "--readonly|list|--json|--all|--limit=0|--id=tk-1|"


def test_an_issue_that_bd_does_not_list_is_shown(project: Path) -> None:
    install_bd(project, f"""case "$2" in list) echo '[]';; show) echo '{SHOWN}';; esac""")
    assert read(project).title == "First"


def test_an_id_that_bd_completed_is_not_taken_but_suggested(project: Path) -> None:
    install_bd(project, f"echo '{SHOWN}'")
    with pytest.raises(IssueNotFoundError, match="there is no issue '1'") as refusal:
        read(project, "1")
    assert refusal.value.hint == "did you mean tk-1?"


def test_an_issue_that_bd_does_not_have_is_not_found(project: Path) -> None:
    install_bd(project, """echo '{"error":"no issues found matching the provided IDs"}'; exit 1""")
    with pytest.raises(IssueNotFoundError, match="bd has no issue 'tk-1'"):
        read(project)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (
            "echo 'Error: unknown flag: --readonly' >&2; echo Usage >&2; exit 1",
            "(exit code 1): Error: unknown flag",
        ),
        ("""echo '{"error":"the store is locked"}'; exit 1""", "(exit code 1): the store is locked"),
        ("echo 'so many words'", "(exit code 0): so many words"),
        ("exit 3", "(exit code 3): it printed nothing"),
        ("echo '[]'", "(exit code 0): []"),
        ("""echo '[{"title":"no id"}]'""", "(exit code 0): "),
        ("printf '\\377\\376'", "(exit code 0): "),
    ],
)
def test_a_bd_that_fails_or_babbles_is_an_error_with_its_words(
    script: str, sentence: str, project: Path
) -> None:
    install_bd(project, script)
    with pytest.raises(TrackerUnusableError) as refusal:
        read(project)
    assert str(refusal.value).startswith("bd could not show issue 'tk-1'")
    assert sentence in str(refusal.value)
    assert refusal.value.hint == "try it yourself: `bd show --json -- tk-1`"


WARNED = "Warning: a newer version is available [run bd upgrade] {see 'bd help'}"


@pytest.mark.parametrize(
    "script",
    [
        f"""echo "{WARNED}"; echo '{SHOWN}'""",
        f"""echo '{SHOWN}'; echo "{WARNED}" """,
        f"""printf '%s ' "{WARNED}"; echo '{SHOWN}'""",
        f"""printf '%s' '{SHOWN}'; echo "{WARNED}" """,
        f"""printf '\\033[33m[1] [] {{}} \\033[0m'; echo '{SHOWN}'""",
        f"""echo '{{"level":"warning","id":"w-1","msg":"old"}}'; echo '{SHOWN}'""",
        f"""printf '\\357\\273\\277%s\\r\\n' '{SHOWN}'""",
        f"""echo '{{"id":"tk-2","title":"Second"}}'; echo '{SHOWN}'""",
        f"""echo "{WARNED}" >&2; echo '{SHOWN}'; exit 1""",
    ],
)
def test_the_issue_is_read_whatever_else_bd_prints(script: str, project: Path) -> None:
    install_bd(project, script)
    assert read(project) == Issue("tk-1", "First", "bug", 0, "open", labels=("x",))


def test_texts_may_hold_line_breaks_and_tabs_as_they_are(project: Path) -> None:
    install_bd(
        project, """printf '[{"id":"tk-1","title":"First","description":"one\\ntwo\\tthree\\r\\n"}]'"""
    )
    assert read(project).description == "one\ntwo\tthree\r\n"


OTHER_PROGRAMS = {
    "prints nothing": "exit 0",
    "prints a page": "echo '<html><script>var a = [1, {b: [2]}];</script></html>'",
    "prints JSON of another shape": """echo '{"id": 1, "title": "x"}'; echo '[{"id":"tk-1"}]'; echo '[[]]'""",
    "prints megabytes": "i=0; while [ $i -lt 9999 ]; do echo '[{ [{ \"unfinished [{ [{ [{'; i=$((i+1)); done",
    "fails": "echo 'unknown command: list' >&2; exit 2",
    "is killed": "kill -9 $$",
    "hangs": "while :; do :; done",
    "hangs with its output closed": "exec >&- 2>&-; while :; do :; done",
    "is of another version": "echo 'Error: unknown flag: --readonly' >&2; exit 1",
}


@pytest.mark.parametrize("kind", OTHER_PROGRAMS)
def test_where_another_program_is_called_bd_the_export_is_read_and_a_warning_says_so(
    kind: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind.startswith("hangs"):
        monkeypatch.setattr(bd_program, "_TIMEOUT_SECONDS", 0.5)
    export = project / ".beads" / "issues.jsonl"
    export.write_text(SHOWN[1:-1])
    install_bd(project, OTHER_PROGRAMS[kind])
    warnings: list[str] = []

    issue = read_issue(locate(cwd=project, environ={}), "tk-1", warnings.append)

    assert issue.title == "First"
    (warning,) = warnings
    assert warning.startswith(f"issue tk-1 was read from {export}, which may be out of date, because bd ")
    assert "\n" not in warning
    assert len(warning) < 500


def test_a_bd_that_prints_without_end_is_stopped(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bd_program, "_MOST_BYTES", 3 * 1024 * 1024)
    install_bd(project, "while :; do echo 'and so on, and so on, and so on, and so on, and so on'; done")
    with pytest.raises(TrackerUnusableError, match=r"^bd printed more than 3 MiB and was stopped$"):
        read(project)


def test_a_daemon_that_bd_leaves_running_is_not_waited_for(project: Path) -> None:
    os.mkfifo(project / "never")
    install_bd(
        project, f"""echo $$ > "{project}/group"; (read -r word < "{project}/never") & echo '{SHOWN}'"""
    )
    try:
        assert read(project).title == "First"
    finally:
        os.killpg(int((project / "group").read_text()), signal.SIGKILL)


def test_what_neither_bd_nor_the_export_has_is_one_error_that_names_both(project: Path) -> None:
    (project / ".beads" / "issues.jsonl").write_text(SHOWN[1:-1])
    install_bd(project, "exit 3")
    with pytest.raises(TrackerUnusableError) as refusal:
        read(project, "tk-9")
    assert str(refusal.value) == (
        "bd could not show issue 'tk-9' (exit code 3): it printed nothing; "
        f"{project}/.beads/issues.jsonl has no issue 'tk-9'"
    )


def test_an_issue_that_bd_says_it_does_not_have_is_not_taken_from_the_export(project: Path) -> None:
    (project / ".beads" / "issues.jsonl").write_text(SHOWN[1:-1])
    install_bd(project, """echo '{"error":"no issues found matching the provided IDs"}'; exit 1""")
    with pytest.raises(IssueNotFoundError, match="bd has no issue 'tk-1'"):
        read(project)


def test_a_bd_that_does_not_answer_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bd_program, "_TIMEOUT_SECONDS", 0.2)
    install_bd(project, "while :; do :; done")
    with pytest.raises(TrackerUnusableError, match="bd did not answer within"):
        read(project)


def test_a_bd_that_cannot_be_started_is_an_error(project: Path) -> None:
    (project / "bin" / "bd").write_bytes(b"\x7fELF, but no program")
    (project / "bin" / "bd").chmod(0o755)
    with pytest.raises(TrackerUnusableError, match="bd cannot be started: Exec format error"):
        read(project)


def test_without_bd_the_export_is_read_and_a_warning_says_so(project: Path) -> None:
    export = project / ".beads" / "issues.jsonl"
    export.write_text(SHOWN[1:-1])
    warnings: list[str] = []
    assert read_issue(locate(cwd=project, environ={}), "tk-1", warnings.append).title == "First"
    assert warnings == [
        f"issue tk-1 was read from {export}, which may be out of date, because the issues of"
        f" {project}/.beads are in Dolt, and there is no `bd` on the PATH to read them"
    ]


def test_with_bd_a_possibly_old_export_is_not_read(project: Path) -> None:
    (project / ".beads" / "issues.jsonl").write_text(SHOWN[1:-1].replace("First", "Old"))
    install_bd(project, f"echo '{SHOWN}'")
    assert read(project).title == "First"


def test_without_bd_and_export_the_user_is_told_what_is_missing(project: Path) -> None:
    with pytest.raises(TrackerUnusableError, match="there is no `bd` on the PATH to read them") as refusal:
        read(project)
    assert (
        refusal.value.hint == "install bd, or write an export beside it: `bd export -o .beads/issues.jsonl`"
    )
