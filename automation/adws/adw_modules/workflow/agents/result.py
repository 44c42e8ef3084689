"""What an agent's output says.

Understood are Claude Code's headless formats: one JSON object, a JSON array of messages, or one message
per line; also with other text before or glued to the JSON. Rules, each from files that exist: the last
result counts; `is_error` counts more than `subtype`; the cost of the last result is the session's, so
nothing is summed; tokens come from `modelUsage`, and from `usage` only where that is missing; a stream
of messages without a result is no success, it is an agent that was cut off.

Any other text is a plain answer, from agents that are not known to speak JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from adws.adw_modules.errors import AgentOutputError
from adws.adw_modules.redaction import redact
from adws.adw_modules.store.json_values import JSON

# A whole file is read only up to this size; longer ones are understood line by line.
_MOST_WHOLE_BYTES = 8 * 1024 * 1024
_MOST_LINE_BYTES = 4 * 1024 * 1024
# How much of an answer is kept with the execution; all of it is in the output file.
MOST_TEXT = 20_000
# How many places of a text are tried for the beginning of a JSON value.
_MOST_STARTS = 200
_MESSAGE_TYPES = ("system", "assistant", "user", "stream_event", "result")


@dataclass(frozen=True, slots=True)
class AgentResult:
    """An agent's answer. `error` is what it reported as its failure, None when it reported success.

    Tokens that went in include those read from and written to the provider's cache.
    """

    text: str
    error: str | None = None
    session_id: str | None = None
    model: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None

    def to_json(self) -> dict[str, JSON]:
        """This result as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, JSON]) -> AgentResult:
        """The result that `to_json` was called on."""
        return cls(**{name: value.get(name) for name in cls.__slots__})  # type: ignore[arg-type]


def read_result(output: Path, *, structured: bool, secrets: Iterable[str] = ()) -> AgentResult:
    """Understand an agent's output file.

    `structured` says that the agent is known to answer in JSON, so plain text is not an answer. Raises
    `AgentOutputError` when there is no result. Texts come back masked, and cut to 20,000 characters.
    """
    messages = _Messages()
    with output.open("rb") as file:
        for line in iter(lambda: file.readline(_MOST_LINE_BYTES), b""):
            if b'"type"' in line:
                messages.note(_objects(line.decode("utf-8", "replace")))
    size = output.stat().st_size
    if messages.result is None and size <= _MOST_WHOLE_BYTES:
        messages.note(_objects(output.read_text(encoding="utf-8", errors="replace")))
    if messages.result is not None:
        return _masked(_from_message(messages.result, messages.model), secrets)
    if messages.seen:
        raise AgentOutputError(
            "the agent's output ends without a result, so it was cut off before it was done",
            hint=f"its messages are in {output}; resume to try again",
        )
    return _masked(_plain(output, size, structured=structured), secrets)


class _Messages:
    """What the messages of a stream have said so far."""

    def __init__(self) -> None:
        self.result: dict[str, JSON] | None = None
        self.model: str | None = None
        self.seen = False

    def note(self, values: Iterable[JSON]) -> None:
        for value in values:
            for message in value if isinstance(value, list) else [value]:
                if isinstance(message, dict) and message.get("type") in _MESSAGE_TYPES:
                    self._note_message(message)

    def _note_message(self, message: dict[str, JSON]) -> None:
        self.seen = True
        if message["type"] == "result":
            self.result = message
        elif message["type"] == "system" and isinstance(message.get("model"), str):
            self.model = str(message["model"])


def _objects(text: str) -> Iterator[JSON]:
    """The JSON objects and arrays in a text, whatever stands between them."""
    decoder = json.JSONDecoder()
    place = 0
    for _ in range(_MOST_STARTS):
        starts = [at for at in (text.find("{", place), text.find("[", place)) if at >= 0]
        if not starts:
            return
        try:
            value, place = decoder.raw_decode(text, min(starts))
        except (ValueError, RecursionError):
            place = min(starts) + 1
        else:
            yield value


def _from_message(message: dict[str, JSON], model: str | None) -> AgentResult:
    answer = message.get("result")
    text = (
        answer
        if isinstance(answer, str)
        else ""
        if answer is None
        else json.dumps(answer, ensure_ascii=False)
    )
    usage = message.get("modelUsage")
    per_model = (
        {name: use for name, use in usage.items() if isinstance(use, dict)} if isinstance(usage, dict) else {}
    )
    tokens = _tokens(list(per_model.values()), _MODEL_USAGE_FIELDS)
    if tokens == (None, None) and isinstance(message.get("usage"), dict):
        tokens = _tokens([message["usage"]], _USAGE_FIELDS)
    session = message.get("session_id")
    return AgentResult(
        text=text,
        error=_error(message, text),
        session_id=session if isinstance(session, str) else None,
        model=model or _costliest(per_model),
        input_tokens=tokens[0],
        output_tokens=tokens[1],
        cost_usd=_number(message.get("total_cost_usd")),
    )


_MODEL_USAGE_FIELDS = (("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens"), ("outputTokens",))
_USAGE_FIELDS = (
    ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    ("output_tokens",),
)


def _tokens(
    uses: list[JSON], fields: tuple[tuple[str, ...], tuple[str, ...]]
) -> tuple[int, int] | tuple[None, None]:
    if not uses:
        return (None, None)
    went_in, came_out = (
        sum(int(_number(use.get(name)) or 0) for use in uses if isinstance(use, dict) for name in names)
        for names in fields
    )
    return (went_in, came_out)


def _error(message: dict[str, JSON], text: str) -> str | None:
    subtype = str(message.get("subtype") or "")
    # Some versions end with a subtype such as error_max_turns and forget the flag.
    if message.get("is_error") is not True and not subtype.startswith("error"):
        return None
    return text.strip() or f"the agent reported {subtype or 'an error'} without a message"


def _costliest(per_model: dict[str, dict[str, JSON]]) -> str | None:
    """The model that did most of the work, by cost; the first by name where costs are equal."""
    ranked = sorted(per_model, key=lambda name: (-(_number(per_model[name].get("costUSD")) or 0.0), name))
    return ranked[0] if ranked else None


def _number(value: JSON) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return float(value)


def _plain(output: Path, size: int, *, structured: bool) -> AgentResult:
    with output.open("rb") as file:
        if structured:
            start = file.read(200).decode("utf-8", "replace").strip()[:60]
            raise AgentOutputError(
                f"the agent's output holds no result: it printed {repr(start) if start else 'nothing'}",
                hint=f"see {output}; resume to try again",
            )
        file.seek(max(0, size - 4 * MOST_TEXT))
        return AgentResult(text=file.read().decode("utf-8", "replace").strip())


def _masked(result: AgentResult, secrets: Iterable[str]) -> AgentResult:
    known = tuple(secrets)
    # The end of an answer says more than its beginning; of an error it is the other way round.
    text = _clean(result.text, known)[-MOST_TEXT:]
    return replace(result, text=text, error=result.error and _clean(result.error, known)[:MOST_TEXT])


def _clean(text: str, secrets: tuple[str, ...]) -> str:
    # Databases take neither NUL nor half a surrogate pair, and JSON can spell both.
    return redact(text.replace("\0", "").encode("utf-8", "replace").decode("utf-8"), secrets)
