"""Processes that try to outlive the call that started them, as those of real agents do."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from adws.tests.phases.processes import wait_until

# It says that it is there when it has become what it is to be, and waits for ever.
_DAEMON = """
import os, signal, sys
there, *options = sys.argv[1:]
if "again" not in options:
    if "orphan" in options and os.fork():
        os._exit(0)
    os.setsid()
    if "orphan" in options and os.fork():
        os._exit(0)
    environ = {} if "clean" in options else os.environ
    os.execve(sys.executable, [sys.executable, __file__, *sys.argv[1:], "again"], environ)
if "stubborn" in options:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(there + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(there + ".new", there)
while True:
    signal.pause()
"""


class Daemon:
    """A process that a shell command starts, in a session of its own.

    Options: `orphan` (a double fork), `clean` (an empty environment), `stubborn` (SIGTERM is ignored).
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._there = folder / "daemon.pid"
        program = folder / "daemon.py"
        program.write_text(_DAEMON)
        words = shlex.join([sys.executable, str(program), str(self._there), *options])
        there = shlex.quote(str(self._there))
        self.start = f"{words} & until [ -e {there} ]; do sleep 0.01; done"
        """The shell command; it is over when the process is there."""

    @property
    def is_there(self) -> bool:
        """Whether it has begun."""
        return self._there.exists()

    @property
    def pid(self) -> int:
        """Its number, once it is there."""
        wait_until(lambda: self.is_there)
        return int(self._there.read_text())
