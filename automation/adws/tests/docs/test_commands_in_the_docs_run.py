from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest

from adws.tests.docs.pages import AUTOMATION, LIBRARY, PAGES, REPOSITORY, Block, blocks
from adws.tests.project import Project

# Run by .ci/run on every change, outside the tests that they would call again.
RUN_BY_CI = ("python3 dev.py demo", "python3 dev.py test", "uv run pytest adws/tests/ -v --tb=short")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project as the pages assume it, with two runs in it, and the scripts where they are called."""
    made = Project(tmp_path_factory.mktemp("reader") / "project")
    assert made.adw("init").code == 0
    assert made.adw("run", "bd-43").code == 0
    (made.folder / "automation").mkdir(exist_ok=True)
    (made.folder / "automation" / "adws").symlink_to(AUTOMATION / "adws")
    return made


def commands(block: Block) -> list[str]:
    """The commands of a console block, without their comments."""
    lines = [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]
    return [shlex.join(shlex.split(line, comments=True)) for line in lines]


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_every_command_on_a_page_does_what_it_says(block: Block, project: Project) -> None:
    for command in commands(block):
        if command in RUN_BY_CI:
            continue
        words = shlex.split(command)
        if words[0] == "sqlite3" and shutil.which("sqlite3") is None:
            pytest.skip("the sqlite3 shell is not installed")
        from_automation = words[:2] == ["uv", "run"]
        words = words[2:] if from_automation else words
        newest = project.adw("list", "--json").json["executions"][0]["id"]
        ran = project.run(
            [newest if word == "ADW_ID" else word for word in words],
            cwd=project.folder / "automation" if from_automation else None,
        )
        assert ran.code == 0, f"{command}\n{ran.out}\n{ran.err}"


def test_ci_runs_what_this_test_leaves_to_it() -> None:
    ci = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")

    assert "python3 dev.py demo" in ci
    assert "python3 dev.py test" in ci


def test_every_link_to_a_file_has_its_file() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        targets = [part.partition(")")[0] for part in text.split("](")[1:]]
        for target in targets:
            if not target.startswith(("http", "#")):
                assert (page.parent / target.partition("#")[0]).exists(), f"{page.name} links to {target}"


def test_no_page_names_a_file_of_the_package_that_is_not_there() -> None:
    text = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith(("| How", "| W"))]
    named = [part for row in rows for part in row.split("`")[1::2] if "/" in part]

    missing = [name for name in named if not any((top / name).exists() for top in (LIBRARY, AUTOMATION))]
    assert len(named) > 10
    assert missing == []


def test_the_two_set_up_commands_are_exactly_two() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    section = text.partition("## Two commands")[2].partition("\n## ")[0]

    assert [line for line in section.splitlines() if line.startswith("$ ")] == [
        "$ python3 dev.py demo",
        "$ python3 dev.py test",
    ]


def test_the_set_up_program_explains_itself() -> None:
    done = subprocess.run(
        ["python3", str(REPOSITORY / "dev.py"), "--help"], capture_output=True, text=True, check=True
    )

    assert "dev.py demo" in done.stdout
