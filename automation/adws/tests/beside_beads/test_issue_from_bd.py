"""Where the store is Dolt, `bd` is asked; stand-ins answer as real ones do, and as broken ones might."""

from __future__ import annotations

from pathlib import Path

import pytest

from adws.adw_modules.beads import issue_command
from adws.adw_modules.beads.issues import Issue, read_issue
from adws.adw_modules.beads.locate import locate
from adws.adw_modules.errors import IssueNotFoundError, TrackerUnusableError

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
        ("exit 3", "(exit code 3): no words"),
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
    assert refusal.value.hint == "try it yourself: bd show --json -- 'tk-1'"


def test_a_bd_that_does_not_answer_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issue_command, "_TIMEOUT_SECONDS", 0.2)
    install_bd(project, "while :; do :; done")
    with pytest.raises(TrackerUnusableError, match="bd did not answer within"):
        read(project)


def test_a_bd_that_cannot_be_started_is_an_error(project: Path) -> None:
    (project / "bin" / "bd").write_bytes(b"\x7fELF, but no program")
    (project / "bin" / "bd").chmod(0o755)
    with pytest.raises(TrackerUnusableError, match="bd cannot be started: Exec format error"):
        read(project)


def test_without_bd_the_export_is_read(project: Path) -> None:
    (project / ".beads" / "issues.jsonl").write_text(SHOWN[1:-1])
    assert read(project).title == "First"


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
