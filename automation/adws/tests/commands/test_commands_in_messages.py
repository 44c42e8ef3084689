"""A command that a message prints can be copied into a shell, whatever the ids in it are."""

from __future__ import annotations

import re

import pytest

from adws.tests.project import Project

ODD = ("-x", "--force", "two words", "it's", 'a"b', "$HOME", "~", "a;b", "*", "#1", "ü", "a&b")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("odd-ids") / "project")
    assert made.adw("init").code == 0
    return made


def printed_command(text: str) -> str:
    """The command between the last backticks of a text."""
    return str(re.findall("`([^`]+)`", text)[-1])


def shell(project: Project, command: str) -> tuple[int, str]:
    done = project.run(["sh", "-c", command])
    return done.code, done.out + done.err


@pytest.mark.parametrize("name", ODD)
def test_a_command_with_an_odd_id_does_what_the_message_says(project: Project, name: str) -> None:
    begun = project.adw(
        "run",
        "bd-42",
        "--title",
        "T",
        f"--adw-id={name}",
        "--until",
        "plan",
        "--agent",
        "scripted --fail build",
    )
    assert begun.code == 0, begun.err
    refused = project.adw("run", "bd-42", "--title", "T")
    resume = printed_command(begun.out)
    assert resume.startswith("adw resume ")

    assert refused.code == 5
    assert resume in refused.err
    code, said = shell(project, resume)
    assert code == 1
    assert "build: failed" in said
    code, said = shell(project, printed_command(said))
    assert "build: started" in said
    assert project.adw("resume", "--agent", "scripted", "--", name).code == 0


def test_the_end_of_a_run_names_a_command_that_shows_it(project: Project) -> None:
    done = project.adw("run", "bd-43", "--adw-id=-last one")

    code, said = shell(project, printed_command(done.out))

    assert code == 0, said
    assert said.startswith("Execution  -last one\n")
