#!/usr/bin/env python3
"""Set up this clone and work in it. Needs Python 3.11 or newer, git and the package registry; no more.

    python3 dev.py demo      set up, then show the whole thing at work
    python3 dev.py test      set up, then run every test (arguments go to pytest)
    python3 dev.py check     set up, then format, lint, types, import rules and SQL
    python3 dev.py oldest    the quick tests with the oldest versions that pyproject.toml allows
    python3 dev.py pythons   list the Pythons of this machine that the tests are to pass with

`uv` is used where it is on the PATH, and is installed into `.tools/` of the clone where it is not.
Everything that is downloaded or built stays inside the clone.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent
PROJECT = CLONE / "automation"
TOOLS = CLONE / ".tools"
UV_REQUIREMENT = "uv>=0.8,<1"
OLDEST_PYTHON = (3, 11)

CHECKS = [
    ["ruff", "format", "--check", "."],
    ["ruff", "check", "."],
    ["mypy", "."],
    ["lint-imports"],
    ["sqlfluff", "lint", "adws"],
]


def main(words):
    """Carry out the job that the first word names; the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        return complain("Python {}.{} is too old; 3.11 or newer is needed.".format(*sys.version_info[:2]))
    if shutil.which("git") is None:
        return complain("git is not installed; it is needed for worktrees.")
    jobs = {"demo": demo, "test": test, "check": check, "oldest": oldest, "pythons": pythons}
    if not words or words[0] not in jobs:
        print(__doc__)
        return 0 if words[:1] in (["-h"], ["--help"]) else 2
    return jobs[words[0]](words[1:])


def demo(arguments):
    """Set up what the program needs, and run its demonstration in `.demo/` of the clone."""
    sync("--no-dev", "--inexact")
    command = [str(PROJECT / ".venv" / "bin" / "adw"), "demo", "--into", str(CLONE / ".demo"), *arguments]
    # With the user's own PATH, so that what the demonstration says to type next is what the user can type.
    return subprocess.run(command).returncode


def test(arguments):
    """Set up with the development tools, and run the tests."""
    sync()
    return run("pytest", "adws/tests", *arguments)


def check(arguments):
    """Set up with the development tools, and run every check that is not a test."""
    sync()
    failed = [words for words in CHECKS if run(*words, *arguments) != 0]
    for words in failed:
        print("failed: " + " ".join(words), file=sys.stderr)
    return 1 if failed else 0


def oldest(arguments):
    """Install the lower bound of every dependency apart from the rest, and run the quick tests with them."""
    place = CLONE / ".cache" / "oldest"
    shutil.rmtree(place, ignore_errors=True)
    uv("venv", "--quiet", "--python", sys.executable, str(place))
    uv("pip", "install", "--quiet", "--python", str(place / "bin" / "python"),
       "--resolution", "lowest-direct", "--group", "dev", "--editable", ".")
    tiers = ["adws/tests/unit", "adws/tests/commands", "adws/tests/migrations"]
    return run("pytest", *tiers, *arguments, place=place)


def pythons(_arguments):
    """Print the path of one Python of each version from 3.11 on that this machine has, oldest first."""
    found = {}
    for candidate in [sys.executable, *python_candidates()]:
        version = version_of(candidate)
        if version is not None and version >= OLDEST_PYTHON:
            found.setdefault(version, candidate)
    for version in sorted(found):
        print(found[version])
    return 0


def python_candidates():
    """Paths where Pythons may be: the PATH, and where pyenv keeps the versions that it installed."""
    for minor in range(OLDEST_PYTHON[1], 30):
        on_path = shutil.which(f"python3.{minor}")
        if on_path is not None:
            yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob("versions/*/bin/python3")))


def version_of(python):
    """The version of a Python as (3, minor); None where it does not run, as a shim of pyenv may not."""
    code = "import sys, venv; print(*sys.version_info[:2])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return tuple(map(int, done.stdout.split())) if done.returncode == 0 else None


def sync(*options):
    """Install the project and what it depends on into `automation/.venv`."""
    uv("sync", "--quiet", "--compile-bytecode", "--python", sys.executable, *options)


def uv(*words):
    """Run uv in the project's folder; without it nothing can go on.

    uv trusts the certificates it brings along. Where a company's own stand between this machine and the
    registry, only the system's will do, so what failed is tried again with those.
    """
    command, variables = [find_uv(), *words], environment()
    for trust in ({}, {"UV_SYSTEM_CERTS": "1", "UV_NATIVE_TLS": "1"}):
        if subprocess.run(command, cwd=PROJECT, env={**variables, **trust}).returncode == 0:
            return
        if not trust:
            print("dev.py: once more, with the system's certificates …", file=sys.stderr, flush=True)
    sys.exit(complain("The set-up failed; uv says why above. Is the package registry reachable?"))


def run(program, *arguments, place=PROJECT / ".venv"):
    """Run a program of a virtual environment in the project's folder; its exit code."""
    print("$ " + " ".join([program, *arguments]), flush=True)
    return subprocess.run([str(place / "bin" / program), *arguments], cwd=PROJECT, env=environment()).returncode


def environment():
    """The environment in which caches stay in the clone, are used, and the project's programs come first."""
    paths = [str(PROJECT / ".venv" / "bin"), str(TOOLS / "bin"), os.environ.get("PATH", "")]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **inherited,
        "PATH": os.pathsep.join(paths),
        "UV_CACHE_DIR": str(CLONE / ".cache" / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_PROJECT_ENVIRONMENT": str(PROJECT / ".venv"),
    }


def find_uv():
    """The path of uv: the machine's, else the clone's own, which is installed now if need be."""
    found = shutil.which("uv")
    if found:
        return found
    own = TOOLS / "bin" / "uv"
    if not own.exists():
        print("uv is not on the PATH; installing it into .tools/ of this clone …", flush=True)
        install_uv()
    return str(own)


def install_uv():
    """Install uv into `.tools/`: by a virtual environment, or by pip alone where venv is missing."""
    quiet = ["--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    attempts = [
        [[sys.executable, "-m", "venv", str(TOOLS)],
         [str(TOOLS / "bin" / "python"), "-m", "pip", "install", *quiet, UV_REQUIREMENT]],
        [[sys.executable, "-m", "pip", "install", *quiet, "--prefix", str(TOOLS), UV_REQUIREMENT]],
    ]
    for commands in attempts:
        shutil.rmtree(TOOLS, ignore_errors=True)
        if all(subprocess.run(command).returncode == 0 for command in commands):
            if (TOOLS / "bin" / "uv").exists():
                return
    sys.exit(complain("uv could not be installed; install it yourself (pip install uv) and try again."))


def complain(sentence):
    """Say what is wrong on standard error; the exit code for it."""
    print("dev.py: " + sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
