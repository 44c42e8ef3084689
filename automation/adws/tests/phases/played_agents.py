"""Programs that play a known agent: they print what it prints, keep its sessions, and count like it.

Each call of a phase does its work and then, unless the test wrote a shell script for it, prints a success.
The model is charged 1,000 tokens a call, of which the cache gave 400, and 100 come out.
"""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROGRAM = r"""#!{python} -IS
import json, os, pathlib, subprocess, sys
here = pathlib.Path(__file__).resolve().parent
name = pathlib.Path(__file__).name
prompt = sys.stdin.read()
head = json.loads(prompt.splitlines()[0][len("<!-- adw: "):-len(" -->")])
phase, words = head["phase"], sys.argv[1:]
calls = here / "calls.jsonl"
before = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
number = 1 + sum(call["phase"] == phase for call in before)
resumed = next((words[at + 1] for at, word in enumerate(words) if word in ("resume", "-s", "--resume")
                and at + 1 < len(words) and words[at + 1].startswith("session-")), None)
session = resumed or "session-%s-%d" % (phase, number)
seen = {{"phase": phase, "words": words, "pwd": os.environ.get("PWD"), "cwd": os.getcwd(),
        "resumed": resumed, "told": "You have worked on this" in prompt}}
with calls.open("a") as file:
    file.write(json.dumps(seen) + "\n")
if head["kind"] == "plan":
    pathlib.Path(head["plan_file"]).parent.mkdir(exist_ok=True)
    pathlib.Path(head["plan_file"]).write_text("# Plan\n")
elif head["kind"] == "change":
    with open("made.txt", "a") as file:
        file.write("%d\n" % number)
answer = json.dumps({{"verdict": "approve", "reasons": ["fine"]}}) if head["kind"] == "verdict" else "done"
script = here / ("%s-%d.sh" % (phase, number))
if script.exists():
    sys.exit(subprocess.run(["sh", str(script), session], stdin=subprocess.DEVNULL).returncode)
total = here / (session + ".total")
count = 1 + int(total.read_text()) if total.exists() else 1
total.write_text(str(count))
def show(event):
    print(json.dumps(event), flush=True)
if name == "codex":
    show({{"type": "thread.started", "thread_id": session}})
    show({{"type": "item.completed", "item": {{"id": "i", "type": "agent_message", "text": answer}}}})
    usage = {{"input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 100,
             "reasoning_output_tokens": 25}}
    show({{"type": "turn.completed", "usage": {{kind: count * n for kind, n in usage.items()}}}})
else:
    tokens = {{"input": 600, "output": 75, "reasoning": 25, "cache": {{"read": 400, "write": 0}}}}
    show({{"type": "step_start", "sessionID": session, "part": {{}}}})
    show({{"type": "text", "sessionID": session, "part": {{"text": answer}}}})
    done = {{"reason": "stop", "cost": 0.25, "tokens": tokens}}
    show({{"type": "step_finish", "sessionID": session, "part": done}})
"""


@dataclass(frozen=True)
class Played:
    """A program of this name that plays the agent; `command` is its command line."""

    folder: Path
    name: str

    @property
    def command(self) -> str:
        """What `--agent` is given."""
        return shlex.quote(str(self.folder / self.name))

    def script(self, phase: str, number: int, text: str) -> None:
        """Let a call of a phase, counted from 1, be ended by this shell script; its session is `$1`."""
        (self.folder / f"{phase}-{number}.sh").write_text(text)

    def calls(self) -> list[dict[str, Any]]:
        """What each call saw, in order."""
        file = self.folder / "calls.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def resumed(self) -> list[tuple[str, str | None]]:
        """Phase and session that was gone on with, of each call."""
        return [(call["phase"], call["resumed"]) for call in self.calls()]


def played(folder: Path, name: str) -> Played:
    """Make a program that plays the agent of this name."""
    folder.mkdir()
    program = folder / name
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    return Played(folder, name)
