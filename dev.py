#!/usr/bin/env python3
"""Set up this clone and work in it. Needs Python 3.11 or newer, git and the package registry; no more.

    python3 dev.py demo      set up, then show the whole thing at work
    python3 dev.py test      set up, then run every test (arguments go to pytest)
    python3 dev.py check     set up, then format, lint, types, import rules and SQL
    python3 dev.py oldest    the quick tests with the oldest versions that pyproject.toml allows
    python3 dev.py pythons   every test with each other Python from 3.11 on that this machine has
    python3 dev.py shifted   every test with the clock 45 days and 3 years ahead and a year back
                             (or one shift: `shifted +1095d`); needs Debian's `faketime` and a C compiler

`uv` is used where it is on the PATH, and is installed into `.tools/` of the clone where it is not.
Everything that is downloaded or built stays inside the clone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

CLONE = Path(__file__).resolve().parent
PROJECT = CLONE / "automation"
VENV = PROJECT / ".venv"
TOOLS = CLONE / ".tools"
UV_REQUIREMENT = "uv>=0.8,<1"
OLDEST_PYTHON = (3, 11)
EXPECTED_PYTHONS = ["3.11", "3.12", "3.13"]
CLOCK_SHIFTS = ["+45d", "+1095d", "-365d"]
# One process of tests for each core; a process without work takes tests from one that has some left.
TESTS = ["pytest", "-n", "auto", "--dist", "worksteal"]
REAL_SLEEP = """
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left)
{
    return syscall(SYS_clock_nanosleep, clock, flags, until, left) == 0 ? 0 : errno;
}
"""

WITH_THIS_FILE = ["--config", "pyproject.toml", ".", "../dev.py"]
CHECKS = [
    ["ruff", "format", *WITH_THIS_FILE, "--check"],
    ["ruff", "check", *WITH_THIS_FILE],
    ["mypy", ".", "../dev.py"],
    ["lint-imports"],
    ["sqlfluff", "lint", "adw_state", "benchmarks"],
]


def main(words: list[str]) -> int:
    """Carry out the job that the first word names; the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        return complain("Python {}.{} is too old; 3.11 or newer is needed.".format(*sys.version_info[:2]))
    if shutil.which("git") is None:
        return complain("git is not installed; it is needed for worktrees.")
    jobs = {
        "demo": demo,
        "test": test,
        "check": check,
        "oldest": oldest,
        "pythons": pythons,
        "shifted": shifted,
    }
    if not words or words[0] not in jobs:
        print(__doc__)
        return 0 if words[:1] in (["-h"], ["--help"]) else 2
    return jobs[words[0]](words[1:])


def demo(arguments: list[str]) -> int:
    """Set up what the program needs, and run its demonstration in `.demo/` of the clone."""
    sync("--no-dev", "--inexact")
    command = [str(VENV / "bin" / "adw"), "demo", "--into", str(CLONE / ".demo"), *arguments]
    # With the user's own PATH, so that what the demonstration says to type next is what the user can type.
    return subprocess.run(command).returncode


def test(arguments: list[str]) -> int:
    """Set up with the development tools, and run the tests."""
    sync()
    return run(*TESTS, "adws/tests", *arguments)


def check(arguments: list[str]) -> int:
    """Set up with the development tools, and run every check that is not a test."""
    sync()
    failed = [words for words in CHECKS if run(*words, *arguments) != 0]
    for words in failed:
        print("failed: " + " ".join(words), file=sys.stderr)
    return 1 if failed else 0


def oldest(arguments: list[str]) -> int:
    """Install the lower bound of every dependency apart from the rest, and run the quick tests with them."""
    place = CLONE / ".cache" / "oldest"
    shutil.rmtree(place, ignore_errors=True)
    uv("venv", "--quiet", "--python", sys.executable, str(place))
    uv(
        "pip",
        "install",
        "--quiet",
        "--python",
        str(place / "bin" / "python"),
        "--resolution",
        "lowest-direct",
        "--group",
        "dev",
        "--editable",
        ".",
    )
    tiers = ["adws/tests/unit", "adws/tests/commands", "adws/tests/migrations"]
    return run(*TESTS, *tiers, *arguments, place=place)


def pythons(arguments: list[str]) -> int:
    """Run the tests with each Python that the machine has, other than this one, and count them."""
    found = find_pythons()
    outcomes = [f"{release(sys.version_info)}: this one; `dev.py test` runs the tests with it"]
    outcomes += [
        f"{name}: skipped, it is not on this machine" for name in EXPECTED_PYTHONS if name not in found
    ]
    failed = 0
    for name, program in found.items():
        if name == release(sys.version_info):
            continue
        place = CLONE / ".cache" / "pythons" / name
        sync(python=program, place=place)
        code, count = run_and_count(*TESTS, "adws/tests", *arguments, place=place)
        failed += code != 0
        outcomes.append(f"{name} ({program}): {count}")
    print(*(f"Python {line}" for line in sorted(outcomes)), sep="\n")
    return 1 if failed else 0


def find_pythons() -> dict[str, str]:
    """The path of one interpreter for each release from the oldest on: on the PATH, of pyenv or of uv."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [
        *map(Path, os.get_exec_path()),
        *sorted(pyenv.glob("versions/*/bin")),
        *sorted(Path.home().glob(".local/share/uv/python/*/bin")),
    ]
    question = "import sqlite3, ssl, sys; print('{}.{}'.format(*sys.version_info))"
    found: dict[str, str] = {}
    for program in [
        sys.executable,
        *(str(path) for folder in folders for path in sorted(folder.glob("python3.*"))),
    ]:
        if not Path(program).name.removeprefix("python3.").isdecimal() and program != sys.executable:
            continue  # python3.12-config
        # A shim of pyenv is there for every release and runs none of those that are not switched on.
        answer = subprocess.run([program, "-c", question], capture_output=True, text=True)
        name = answer.stdout.strip()
        if answer.returncode == 0 and tuple(map(int, name.split("."))) >= OLDEST_PYTHON:
            found.setdefault(name, program)
    return dict(sorted(found.items(), key=lambda entry: [int(part) for part in entry[0].split(".")]))


def release(version: Sequence[object]) -> str:
    """The name of a release, without its patches."""
    return "{}.{}".format(*version[:2])


def shifted(arguments: list[str]) -> int:
    """Run the tests with other clocks than the machine's."""
    shifts = CLOCK_SHIFTS
    if arguments and arguments[0][0] in "+-" and arguments[0][1:2].isdigit():
        shifts, arguments = arguments[:1], arguments[1:]
    if not (shutil.which("faketime") and shutil.which("cc")):
        print("shifted clocks: skipped, they need Debian's faketime and a C compiler")
        return 0
    sync()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:  # not in the clone: LD_PRELOAD takes no path with a space
        for shift in shifts:
            code, count = run_and_count(*TESTS, "adws/tests", *arguments, also=shift_of(shift, Path(folder)))
            outcomes.append((f"clock {shift}: {count}", code))
    print(*(line for line, _ in outcomes), sep="\n")
    return 1 if any(code for _, code in outcomes) else 0


def shift_of(shift: str, folder: Path) -> dict[str, str]:
    """The variables that shift the clock of a process and of those that it starts.

    The command `faketime` also shifts the monotonic clock, but not all that waits by it: a wait for a lock
    then ends at once or never. So that clock stays as it is, and with it the deadlines of clock_nanosleep,
    by which Python sleeps.
    """
    source, library = folder / "sleep.c", folder / "sleep.so"
    source.write_text(REAL_SLEEP)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
    answer = subprocess.run(["faketime", "-f", shift, "env"], capture_output=True, text=True, check=True)
    preload = [line for line in answer.stdout.splitlines() if line.startswith("LD_PRELOAD=")]
    return {
        "LD_PRELOAD": f"{library}:{preload[0].partition('=')[2]}",
        "FAKETIME": shift,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKE_UTIME": "1",
    }


def sync(*options: str, python: str = sys.executable, place: Path = VENV) -> None:
    """Install the project and what it depends on into a virtual environment."""
    uv("sync", "--quiet", "--compile-bytecode", "--python", python, *options, place=place)


def uv(*words: str, place: Path = VENV) -> None:
    """Run uv in the project's folder; without it nothing can go on.

    uv trusts the certificates it brings along. Where a company's own stand between this machine and the
    registry, only the system's will do, so what failed is tried again with those.
    """
    command, variables = [find_uv(), *words], {**environment(place), "UV_PROJECT_ENVIRONMENT": str(place)}
    for trust in ({}, {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}):
        if subprocess.run(command, cwd=PROJECT, env={**variables, **trust}).returncode == 0:
            return
        if not trust:
            print("dev.py: once more, with the system's certificates …", file=sys.stderr, flush=True)
    sys.exit(complain("The set-up failed; uv says why above. Is the package registry reachable?"))


def run(program: str, *arguments: str, place: Path = VENV) -> int:
    """Run a program of a virtual environment in the project's folder; its exit code."""
    print("$ " + " ".join([program, *arguments]), flush=True)
    command = [str(place / "bin" / program), *arguments]
    return subprocess.run(command, cwd=PROJECT, env=environment(place)).returncode


def run_and_count(
    program: str, *arguments: str, place: Path = VENV, also: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run as `run` does, with some more variables; the exit code, and the last line that was printed."""
    print("$ " + " ".join([program, *arguments]), flush=True)
    command, last = [str(place / "bin" / program), *arguments], ""
    with subprocess.Popen(
        command, cwd=PROJECT, env={**environment(place), **(also or {})}, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    return process.returncode, last


def environment(place: Path = VENV) -> dict[str, str]:
    """The environment in which caches stay in the clone, are used, and the project's programs come first."""
    paths = [str(place / "bin"), str(TOOLS / "bin"), os.environ.get("PATH", "")]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PATH": os.pathsep.join(paths),
        "UV_CACHE_DIR": str(CLONE / ".cache" / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
    }


def find_uv() -> str:
    """The path of uv: the machine's, else the clone's own, which is installed now if need be."""
    found = shutil.which("uv")
    if found:
        return found
    own = TOOLS / "bin" / "uv"
    if not own.exists():
        print("uv is not on the PATH; installing it into .tools/ of this clone …", flush=True)
        install_uv()
    return str(own)


def install_uv() -> None:
    """Install uv into `.tools/`: by a virtual environment, or by pip alone where venv is missing."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    attempts = [
        [
            [sys.executable, "-m", "venv", str(TOOLS)],
            [str(TOOLS / "bin" / "python"), "-m", "pip", "install", *quiet, UV_REQUIREMENT],
        ],
        [[sys.executable, "-m", "pip", "install", *quiet, "--prefix", str(TOOLS), UV_REQUIREMENT]],
    ]
    for commands in attempts:
        shutil.rmtree(TOOLS, ignore_errors=True)
        installed = all(subprocess.run(command).returncode == 0 for command in commands)
        if installed and (TOOLS / "bin" / "uv").exists():
            return
    sys.exit(complain("uv could not be installed; install it yourself (pip install uv) and try again."))


def complain(sentence: str) -> int:
    """Say what is wrong on standard error; the exit code for it."""
    print("dev.py: " + sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
