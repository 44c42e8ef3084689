"""An agent that follows a script instead of thinking: for demos, and for tests of everything around agents.

It reads the first line of the prompt, which our prompts write for machines, and works in the current
folder: to plan it writes the plan file, to change it writes a source file and notes it in CHANGES.md,
to judge it gives a verdict. It prints a result in the form of Claude Code's. The same prompt always
has the same effect.

    --fail PHASE:REASON     report an error in this phase, after half of the work
    --reject REASON         reject what is to be judged
    --hang PHASE            do the work, then never end
    --slow PHASE=SECONDS    wait before the work
    --garbage PHASE         print something that is no result, and do nothing
    --log FILE              append a line "PHASE EXECUTION" per call

More of the same can stand in the variable ADW_SCRIPTED_AGENT. This file uses nothing but the standard
library, because it is run by its path, in isolation.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from pathlib import Path

_HEADER_START, _HEADER_END = "<!-- adw: ", " -->"
# By the kind of phase.
_COST_USD = {"plan": 0.0421, "change": 0.1873, "verdict": 0.0312}
_TOKENS = {"plan": (5200, 640), "change": (18400, 2210), "verdict": (7300, 280)}


def main(arguments: list[str]) -> int:
    """Do one phase's work; the exit code is 0, 1 for a scripted failure, 2 for a prompt we cannot read."""
    options = _parser().parse_args([*shlex.split(os.environ.get("ADW_SCRIPTED_AGENT", "")), *arguments])
    header = _header(sys.stdin.readline())
    if header is None:
        sys.stderr.write("the first line of the prompt is not one of ours\n")
        return 2
    phase = header["phase"]
    if options.log:
        with Path(options.log).open("a", encoding="utf-8") as log:
            log.write(f"{phase} {header['execution_id']}\n")
    time.sleep(float(_pairs(options.slow, "=").get(phase, "0")))
    if phase in options.garbage:
        sys.stdout.write("}{ this is not a result\n")
        return 0
    return _work(header, options)


def _work(header: dict[str, str], options: argparse.Namespace) -> int:
    phase, kind = header["phase"], header["kind"]
    reason = _pairs(options.fail, ":").get(phase)
    if kind == "plan":
        text = _plan(header, half=reason is not None)
    elif kind == "change":
        text = _change(header, half=reason is not None)
    else:
        text = json.dumps(
            {
                "verdict": "reject" if options.reject else "approve",
                "reasons": [options.reject or "It does what the plan says."],
            }
        )
    while phase in options.hang:
        time.sleep(3600)
    sys.stdout.write(json.dumps(_result(header, reason or text, failed=reason is not None)) + "\n")
    return 1 if reason is not None else 0


def _plan(header: dict[str, str], *, half: bool) -> str:
    lines = [f"# Plan for {header['issue_id']}: {header['title']}", "", "## What", "", header["title"], ""]
    if not half:
        lines += ["## Steps", "", "1. Write the source file.", "2. Note it in CHANGES.md.", ""]
    _write(Path(header["plan_file"]), "\n".join(lines))
    return f"Wrote {header['plan_file']}."


def _change(header: dict[str, str], *, half: bool) -> str:
    source = Path("src") / f"{_word(header['worktree'])}.py"
    _write(source, f'"""{_plain(header["title"])}"""\n\nISSUE = {header["issue_id"]!r}\n')
    if half:
        return f"Wrote {source}."
    changes = Path("CHANGES.md")
    before = changes.read_text(encoding="utf-8") if changes.exists() else "# Changes\n\n"
    _write(changes, f"{before}* {header['issue_id']}: {_plain(header['title'])}\n")
    return f"Wrote {source} and noted it in {changes}."


def _result(header: dict[str, str], text: str, *, failed: bool) -> dict[str, object]:
    phase, kind = header["phase"], header["kind"]
    went_in, came_out = _TOKENS[kind]
    cost = _COST_USD[kind]
    return {
        "type": "result",
        "subtype": "success",
        "is_error": failed,
        "num_turns": 1,
        "result": text,
        "session_id": f"scripted-{phase}-{header['execution_id']}",
        "total_cost_usd": cost,
        "modelUsage": {"scripted-1": {"inputTokens": went_in, "outputTokens": came_out, "costUSD": cost}},
    }


def _header(line: str) -> dict[str, str] | None:
    line = line.strip()
    if not (line.startswith(_HEADER_START) and line.endswith(_HEADER_END)):
        return None
    values = json.loads(line[len(_HEADER_START) : -len(_HEADER_END)])
    return {name: str(value) for name, value in values.items()}


def _pairs(texts: list[str], separator: str) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition(separator) for text in texts)}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _word(text: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in text)


def _plain(text: str) -> str:
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripted", description="An agent that follows a script.")
    for name, shape in (
        ("fail", "PHASE:REASON"),
        ("hang", "PHASE"),
        ("slow", "PHASE=SECONDS"),
        ("garbage", "PHASE"),
    ):
        parser.add_argument(f"--{name}", action="append", default=[], metavar=shape)
    parser.add_argument("--reject", metavar="REASON")
    parser.add_argument("--log", metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
