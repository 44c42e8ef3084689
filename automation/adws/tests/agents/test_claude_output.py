"""What is understood of Claude Code's output, and of any command's."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from adw_state.agents.any_command import AnyReading
from adw_state.agents.claude import ClaudeReading
from adw_state.agents.reading import PlainReading, Reading, read_output
from adw_state.agents.result import MOST_TEXT, AgentResult


def result(**fields: Any) -> str:
    """A result line."""
    return json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "done", **fields})


def understood(tmp_path: Path, output: str | bytes, *, read: type[Reading] = ClaudeReading) -> AgentResult:
    """What is understood of this output."""
    path = tmp_path / "output"
    path.write_bytes(output.encode() if isinstance(output, str) else output)
    return read_output(path, read()).result()


def complaint(tmp_path: Path, output: str, *, read: type[Reading] = ClaudeReading) -> str:
    """The sentence with which this output is refused: the agent was cut off."""
    found = understood(tmp_path, output, read=read)
    assert (found.text, found.error_class) == ("", "cut_off")
    return str(found.error)


def test_a_result_object_is_understood(tmp_path: Path) -> None:
    use = {
        "big": {"inputTokens": 10, "cacheReadInputTokens": 5, "outputTokens": 7, "costUSD": 0.2},
        "small": {"inputTokens": 1, "cacheCreationInputTokens": 2, "outputTokens": 3, "costUSD": 0.1},
    }
    text = result(session_id="s1", total_cost_usd=0.3, modelUsage=use, usage={"output_tokens": 999})
    assert understood(tmp_path, text) == AgentResult("done", None, "s1", "big", 11, 5, 2, 10, 0.3)


def test_tokens_come_from_usage_only_where_there_is_no_model_usage(tmp_path: Path) -> None:
    use = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 4,
        "cache_read_input_tokens": 5,
        "output_tokens": 6,
    }
    found = understood(tmp_path, result(usage=use))
    assert (found.input_tokens, found.cache_read_tokens, found.cache_write_tokens) == (3, 5, 4)
    assert (found.output_tokens, found.cost_usd) == (6, None)


def test_tokens_of_two_kinds_of_count_are_not_mixed(tmp_path: Path) -> None:
    """What a result says per model is all that it says; its other count may be of the last turn only."""
    use = {"input_tokens": 3, "cache_read_input_tokens": 5, "output_tokens": 6}
    found = understood(tmp_path, result(usage=use, modelUsage={"m": {"outputTokens": 7}}))
    assert (found.input_tokens, found.cache_read_tokens, found.output_tokens) == (None, None, 7)


def test_what_is_not_said_is_not_known(tmp_path: Path) -> None:
    assert understood(tmp_path, '{"type": "result", "is_error": false}') == AgentResult("")


def test_the_error_flag_counts_more_than_the_subtype(tmp_path: Path) -> None:
    found = understood(tmp_path, result(is_error=True, result="Usage limit reached"))
    assert found.error == "Usage limit reached"


def test_an_error_without_text_is_named_by_its_subtype(tmp_path: Path) -> None:
    found = understood(tmp_path, result(subtype="error_max_turns", result=None))
    assert found.error == "the agent reported error_max_turns without a message"


def test_the_last_result_counts_and_costs_are_not_summed(tmp_path: Path) -> None:
    text = "\n".join(
        [result(total_cost_usd=0.1, result="first"), result(total_cost_usd=0.25, result="second")]
    )
    found = understood(tmp_path, text)
    assert (found.text, found.cost_usd) == ("second", 0.25)


@pytest.mark.parametrize("cost", [True, "0.1", -1, float("nan"), float("inf"), None, 10**30, 10**400])
def test_a_cost_that_is_no_amount_is_not_known(tmp_path: Path, cost: object) -> None:
    assert understood(tmp_path, result(total_cost_usd=cost)).cost_usd is None


def test_a_cost_of_zero_is_known(tmp_path: Path) -> None:
    assert understood(tmp_path, result(total_cost_usd=0)).cost_usd == 0.0


def test_the_model_of_a_stream_is_the_one_it_began_with(tmp_path: Path) -> None:
    begin = json.dumps({"type": "system", "subtype": "init", "model": "the-model"})
    use = {"helper": {"costUSD": 9.0}, "the-model": {"costUSD": 1.0}}
    assert understood(tmp_path, f"{begin}\n{result(modelUsage=use)}\n").model == "the-model"


@pytest.mark.parametrize(
    "around",
    [
        ("", ""),
        ("Warning: slow network\n", "\n"),
        ("loading...", ""),
        ("[1, 2] is {not} it\n", "\ngoodbye\n"),
        ('[{"type": "system"}, ', "]"),
        ("\ufeff", "\r\n"),
    ],
)
def test_a_result_is_found_wherever_it_stands(tmp_path: Path, around: tuple[str, str]) -> None:
    pretty = json.dumps(json.loads(result()), indent=2)
    for form in (result(), pretty):
        assert understood(tmp_path, form.join(around)).text == "done"


@pytest.mark.parametrize(
    "stream",
    [
        '{"type": "system", "model": "m"}\n{"type": "assistant", "message": {}}\n',
        '{"type": "assistant", "message": {"type": "message"}}\n{"type": "resul',
    ],
)
@pytest.mark.parametrize("read", [ClaudeReading, AnyReading])
def test_a_stream_without_a_result_was_cut_off(tmp_path: Path, stream: str, read: type[Reading]) -> None:
    said = "the agent's output ends without a result, so it was cut off before it was done"
    assert complaint(tmp_path, stream, read=read) == said


@pytest.mark.parametrize(
    ("output", "seen"), [("", "nothing"), ("[]", "'[]'"), ("hello", "'hello'"), ('{"a": 1}', "'{\"a\": 1}'")]
)
def test_an_agent_that_speaks_json_must_give_a_result(tmp_path: Path, output: str, seen: str) -> None:
    assert complaint(tmp_path, output) == f"the agent's output holds no result: it printed {seen}"


def test_any_text_is_the_answer_of_a_plain_agent(tmp_path: Path) -> None:
    assert understood(tmp_path, "  all done\n", read=PlainReading) == AgentResult("all done")
    assert understood(tmp_path, '{"type": "note"}', read=PlainReading) == AgentResult('{"type": "note"}')
    assert understood(tmp_path, "", read=PlainReading) == AgentResult("")


def test_an_answer_is_understood_as_it_was_said(tmp_path: Path) -> None:
    said = "x" * 200_000 + " password=hunter2222"
    assert understood(tmp_path, said, read=PlainReading).text == said
    assert understood(tmp_path, result(result=said)).text == said


def test_of_an_answer_the_end_is_stored_and_of_an_error_the_beginning() -> None:
    stored = AgentResult("x" * 200_000 + "the end", "the start" + "x" * 200_000).for_record(())
    assert (len(stored.text), stored.text[-7:]) == (MOST_TEXT, "the end")
    assert (len(stored.error or ""), (stored.error or "")[:9]) == (MOST_TEXT, "the start")


def test_what_no_database_takes_is_not_stored() -> None:
    assert AgentResult("a\0b\ud800c", "\0d").for_record(()) == AgentResult("ab?c", "d")


def test_every_text_is_masked_before_it_is_stored() -> None:
    said = AgentResult("used swordfish-7", "no swordfish-7", "swordfish-7", "m-swordfish-7")
    stored = AgentResult("used [masked]", "no [masked]", "[masked]", "m-[masked]")
    assert said.for_record(["swordfish-7"]) == stored


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_credential_that_is_cut_is_masked_first(cut: int) -> None:
    token = "ghp_" + "a1B2" * 9
    stored = AgentResult(
        f"{token} {'x' * (MOST_TEXT - cut)}", f"{'x' * (MOST_TEXT - cut)} {token}"
    ).for_record(())
    assert "a1B2" not in stored.text
    assert "a1B2" not in (stored.error or "")


def test_a_credential_in_an_output_without_a_result_is_masked(tmp_path: Path) -> None:
    output = "started with ghp_" + "a1B2" * 9
    assert complaint(tmp_path, output) == (
        "the agent's output holds no result: it printed 'started with [masked]'"
    )


def test_a_long_stream_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "output"
    line = json.dumps({"type": "assistant", "message": {"content": "x" * 5000}}) + "\n"
    with path.open("w") as file:
        for _ in range(4000):
            file.write(line)
        file.write(result() + "\n")
    tracemalloc.start()
    found = read_output(path, ClaudeReading()).result()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.text == "done"
    assert path.stat().st_size > 20_000_000
    assert peak < 2_000_000


PLAIN = [
    'The endpoint answers {"type": "user", "id": 1} now.',
    'It answers:\n{"type": "result", "is_error": true, "result": "no", "session_id": "s"}\nAll tests pass.',
    '{"type": "user", "id": 1}',
    '{"type": "result", "value": 3}',
    '[{"type": "user", "id": 1}]',
    "[]",
    '{"type": "assistant", "message": {}} is what it prints.',
    '{"type": "result", "is_error": true}\nis what it prints.',
    '{"type": "user", "message": {}}\n\nis what it prints.',
    '{"type": "note"}\n' + result(session_id="s"),
    '```json\n{"type": "result", "is_error": true}\n```',
    'It prints:\n{"type": "thread.started", "thread_id": "t"}\n{"type": "turn.completed"}',
    '{"type": "init"}\n{"type": "result", "status": "error"}',
]


@pytest.mark.parametrize("answer", PLAIN)
def test_a_plain_answer_may_quote_the_protocol(tmp_path: Path, answer: str) -> None:
    for read in (AnyReading, PlainReading):
        assert understood(tmp_path, answer, read=read) == AgentResult(answer)


@pytest.mark.parametrize("answer", [result(), result(session_id="s") + "\nbye", '[{"type": "system"}]'])
def test_an_agent_that_is_known_to_be_plain_is_plain(tmp_path: Path, answer: str) -> None:
    assert understood(tmp_path, answer, read=PlainReading) == AgentResult(answer)


SYSTEM = '{"type": "system", "subtype": "init", "model": "m"}'


@pytest.mark.parametrize(
    "output",
    [
        result(),
        "\n\n  " + result() + "\n\n",
        "\ufeff" + result(),
        json.dumps(json.loads(result()), indent=2),
        f"[{SYSTEM}, {result()}]",
        f"[\n{SYSTEM},\n{result()}\n]",
        json.dumps([json.loads(SYSTEM), json.loads(result())], indent=2),
        f"{SYSTEM}\n{result()}",
        result(session_id="s") + "\nthe wrapper has ended\n",
        SYSTEM.replace("{", '{"session_id": "s", ') + "\na warning\n" + result(),
        f"{SYSTEM}\n\n" + json.dumps({"type": "new", "x": 1}) + f"\n{result()}",
    ],
)
def test_a_wrapper_whose_output_is_the_protocol_is_understood(tmp_path: Path, output: str) -> None:
    assert understood(tmp_path, output, read=AnyReading).text == "done"


def test_an_error_that_a_wrapper_passes_on_is_one(tmp_path: Path) -> None:
    found = understood(tmp_path, result(is_error=True, result="no credit"), read=AnyReading)
    assert found.error == "no credit"


@pytest.mark.parametrize("flag", ["true", 1, "yes", {}])
def test_an_error_flag_of_another_type_is_still_one(tmp_path: Path, flag: object) -> None:
    assert understood(tmp_path, result(is_error=flag, result="no")).error == "no"


@pytest.mark.parametrize("flag", [None, 0, "false"])
def test_no_error_may_be_said_in_other_words(tmp_path: Path, flag: object) -> None:
    assert understood(tmp_path, result(is_error=flag)).error is None


def test_what_a_message_quotes_is_no_message(tmp_path: Path) -> None:
    quoted = {"type": "tool_use", "input": {"type": "result", "result": "quoted", "is_error": False}}
    line = json.dumps({"type": "assistant", "message": {"content": [quoted]}})
    said = "the agent's output ends without a result, so it was cut off before it was done"
    assert complaint(tmp_path, f"{SYSTEM}\n{line}") == said
    assert complaint(tmp_path, f"{SYSTEM}\n{line[:-3]}") == said
    assert complaint(tmp_path, line[:-3]) == said
    pretty = json.dumps(json.loads(line), indent=1)
    assert complaint(tmp_path, pretty[:-9]) == said


def test_a_last_result_that_cannot_be_read_is_not_replaced_by_an_earlier_one(tmp_path: Path) -> None:
    said = "the agent's output ends without a result, so it was cut off before it was done"
    for broken in (
        result()[:-2],
        result().replace('"done"', '"a\nb"'),
        result()[:-1] + ', "result": "twice"}',
    ):
        assert complaint(tmp_path, f"{result()}\n{broken}") == said
    assert understood(tmp_path, f"{result()[:-2]}\n{result()}").text == "done"


@pytest.mark.parametrize(
    "odd",
    [None, 7, 1.5, True, [], {}, "", "a\nb", "\x1b[31m", "\ud800", "a\0b", "x" * 10_000, "\u202e"],
)
def test_an_odd_session_or_model_is_not_known(tmp_path: Path, odd: object) -> None:
    begin = json.dumps({"type": "system", "subtype": "init", "model": odd})
    assert understood(tmp_path, begin + "\n" + result(session_id=odd)) == AgentResult("done")
    assert understood(tmp_path, result(modelUsage={str(odd) * 300: {}}, session_id=odd)).model is None


@pytest.mark.parametrize(
    "odd", [-1, 1.5, "7", True, [], {}, float("nan"), float("inf"), 2**63, 10**30, 10**400]
)
def test_an_odd_count_of_tokens_is_not_known(tmp_path: Path, odd: object) -> None:
    found = understood(tmp_path, result(usage={"input_tokens": odd, "output_tokens": 3}))
    assert (found.text, found.input_tokens, found.output_tokens) == ("done", None, 3)


def test_counts_that_no_database_takes_together_are_not_known(tmp_path: Path) -> None:
    use = {"a": {"inputTokens": 2**62, "outputTokens": 2**62}, "b": {"inputTokens": 2**62}}
    found = understood(tmp_path, result(modelUsage=use))
    assert (found.input_tokens, found.output_tokens) == (None, 2**62)


def test_a_number_of_thousands_of_digits_does_not_spoil_an_answer(tmp_path: Path) -> None:
    text = result(usage={"input_tokens": 7, "output_tokens": 3}, total_cost_usd=5).replace("7", "7" * 9000)
    found = understood(tmp_path, text.replace("5}", "5" * 9000 + "}"))
    assert (found.text, found.input_tokens, found.output_tokens, found.cost_usd) == ("done", None, 3, None)


def test_results_go_into_json_and_back() -> None:
    found = AgentResult("t", "e", "s", "m", 1, 2, 3, 4, 0.5)
    assert AgentResult.from_json(json.loads(json.dumps(found.to_json()))) == found
    more = AgentResult(
        "t", None, "s", "m", 1, 2, 3, 4, 0.5, 2, "estimated", None, ("Bash",), True, {"a": [1]}
    )
    back = AgentResult.from_json(json.loads(json.dumps(more.to_json())))
    assert (back, back.usage) == (more, {"a": [1]})


def test_real_results_are_understood(shared: Path) -> None:
    folder = shared / "data" / "claude-results"
    costs = {
        path.name: read_output(path, ClaudeReading()).result().cost_usd for path in folder.glob("*.json")
    }
    assert costs == {
        "result-initializer-a.json": 0.026034550000000004,
        "result-initializer-b.json": 0.02590055,
        "result-iteration.json": 0.6330625999999999,
    }


@pytest.mark.parametrize("name", ["raw_output.json", "raw_output.jsonl"])
def test_a_real_stream_is_understood_in_both_of_its_forms(shared: Path, name: str) -> None:
    path = shared / "data/adw-json/catalyst/agents/3a881d92/issue_classifier" / name
    assert read_output(path, ClaudeReading()).result() == AgentResult(
        text="/feature",
        session_id="a62d520e-175a-44c4-9126-7e8081dcdc73",
        model="claude-sonnet-4-5-20250929",
        input_tokens=0,
        cache_read_tokens=0,
        cache_write_tokens=0,
        output_tokens=316,
        cost_usd=0.0032500000000000003,
    )
