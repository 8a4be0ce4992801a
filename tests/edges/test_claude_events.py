"""The stream of events without any process: recorded ones, and ones nobody should have to expect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbaton.domain.outcome import Outcome
from gitbaton.edges.claude_events import ClaudeStream
from gitbaton.edges.claude_outcome import judge_end, measure_use
from gitbaton.edges.claude_tokens import Tokens, parse_model_usage, read_session_tokens
from gitbaton.edges.process import ProcessEnd

if TYPE_CHECKING:
    from gitbaton.ports import Progress

RECORDINGS = Path(__file__).parent / "recordings"


def end(exit_code: int = 0, stopped_by: Outcome | None = None, stderr: str = "") -> ProcessEnd:
    return ProcessEnd(exit_code, stopped_by, stderr, seconds=12.3, peak_memory_mb=None, survivors=0)


def read(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (RECORDINGS / f"{name}.jsonl").read_text().splitlines()]


def fold(events: list[Any]) -> tuple[ClaudeStream, list[Progress]]:
    stream = ClaudeStream()
    return stream, [progress for event in events for progress in stream.feed(event)]


def result(**fields: Any) -> dict[str, Any]:
    return {"type": "result", "subtype": "success", "is_error": False, "result": "Done.", **fields}


def test_a_run_reads_like_a_story() -> None:
    stream, told = fold(read("works"))
    assert [(progress.kind, progress.text, progress.turns) for progress in told] == [
        ("started", "Claude Code 2.1.329, model claude-opus-5-5", 0),
        ("text", "says: I will write the file.", 1),
        ("tool", "writes src/a.py", 1),
        ("tool", "runs cat src/a.py", 2),
        ("tool", "runs cat src/none.py", 2),
        ("tool", "runs curl http://localhost", 2),
        ("note", "Exit code 1 (runs cat src/none.py)", 2),
        ("note", "was not allowed: runs curl http://localhost", 2),
        ("text", "says: All done.", 3),
        ("ended", "finished", 3),
    ]
    assert told[-1].cost_usd == 0.0183
    assert (stream.tool_calls, stream.turns) == (4, 5)
    outcome, message = judge_end(stream, end())
    assert outcome is Outcome.SUCCEEDED
    assert message.splitlines() == [
        "All done.",
        "One tool call was not allowed: runs curl http://localhost. Rules in run.allowed_tools allow more.",
    ]


@pytest.mark.parametrize(
    ("recording", "outcome", "words"),
    [
        ("overloaded", Outcome.OVERLOADED, "529"),
        ("rate-limited", Outcome.RATE_LIMITED, "429"),
        ("unauthorized", Outcome.AUTH, "401"),
        ("not-logged-in", Outcome.AUTH, "Not logged in"),
        ("dropped", Outcome.OVERLOADED, "Connection dropped"),
        ("refused", Outcome.AGENT_REFUSED, "safeguards"),
        ("turns", Outcome.TURNS, "maximum number of turns (2)"),
        ("budget", Outcome.BUDGET, "maximum budget"),
    ],
)
def test_each_end_has_its_outcome(recording: str, outcome: Outcome, words: str) -> None:
    stream, told = fold(read(recording))
    judged, message = judge_end(stream, end(exit_code=1))
    assert judged is outcome
    assert words in message
    assert told[-1][:2] == ("ended", "ended with an error")


def test_retries_are_told_in_words() -> None:
    _, told = fold(read("overloaded"))
    retries = [progress.text for progress in told if progress.kind == "retry"]
    assert len(retries) == 1
    assert retries[0].startswith("model overloaded, retry 1 of 1 in 0.")


def test_what_subagents_do_is_told_as_theirs_and_counts_no_turns() -> None:
    stream, told = fold(read("subagent"))
    assert [progress.text for progress in told[1:-1]] == [
        "starts a subagent: look around",
        "its subagent runs ls",
        "says: It saw nothing.",
    ]
    assert told[-1].turns == 2
    assert stream.tool_calls == 2


def test_the_last_of_several_results_counts_and_their_use_is_added_up() -> None:
    stream, told = fold(read("woken-again"))
    assert [progress.kind for progress in told].count("started") == 1
    assert judge_end(stream, end()) == (Outcome.SUCCEEDED, "Really done.")
    assert stream.turns == 3
    assert stream.own_tokens is not None
    assert stream.own_tokens.input == 4500
    assert stream.own_tokens.output == 300
    assert stream.result is not None
    assert stream.own_tokens == parse_model_usage(stream.result["modelUsage"])


def test_a_server_that_did_not_start_is_named() -> None:
    stream, told = fold(read("failed-mcp-server"))
    assert told[1][:2] == ("note", "its MCP server tasks did not start")
    assert judge_end(stream, end()) == (
        Outcome.SUCCEEDED,
        "ok\nThese MCP servers did not start: tasks.",
    )


@pytest.mark.parametrize(
    ("event", "exit_code", "outcome"),
    [
        (result(), 0, Outcome.SUCCEEDED),
        (result(), 1, Outcome.AGENT_ERROR),
        (result(), 143, Outcome.AGENT_ERROR),
        (result(is_error=True), 0, Outcome.AGENT_ERROR),
        (result(is_error=None), 0, Outcome.AGENT_ERROR),
        ({"type": "result"}, 0, Outcome.AGENT_ERROR),
        (result(stop_reason="refusal"), 0, Outcome.AGENT_REFUSED),
        (result(is_error=True, api_error_status=500), 1, Outcome.OVERLOADED),
        (result(is_error=True, api_error_status=503), 1, Outcome.OVERLOADED),
        (result(is_error=True, api_error_status=403), 1, Outcome.AUTH),
        (result(is_error=True, api_error_status=400), 1, Outcome.AGENT_ERROR),
        (result(is_error=True, api_error_status=413), 1, Outcome.AGENT_ERROR),
        (result(is_error=True, result="Request timed out"), 1, Outcome.OVERLOADED),
        (result(is_error=True, result="Not logged in"), 1, Outcome.AUTH),
        (result(is_error=True, result="usage limit reached"), 1, Outcome.RATE_LIMITED),
        (result(is_error=True, result="ECONNREFUSED"), 1, Outcome.OVERLOADED),
        (
            result(is_error=True, subtype="error_during_execution", result="connection"),
            0,
            Outcome.AGENT_ERROR,
        ),
    ],
)
def test_success_needs_exit_code_and_result_and_no_error(
    event: dict[str, Any], exit_code: int, outcome: Outcome
) -> None:
    stream, _ = fold([event])
    assert judge_end(stream, end(exit_code))[0] is outcome


@pytest.mark.parametrize("kind", ["server_error", "rate_limit", "authentication_failed", "billing_error"])
def test_the_kind_of_error_is_believed_before_its_words(kind: str) -> None:
    error = {"type": "assistant", "error": kind, "message": {"model": "<synthetic>", "content": []}}
    stream, _ = fold([error, result(is_error=True, result="usage limit, overloaded, not logged in")])
    expected = {"server_error": Outcome.OVERLOADED, "rate_limit": Outcome.RATE_LIMITED}
    assert judge_end(stream, end(1))[0] is expected.get(kind, Outcome.AUTH)


def test_an_error_that_retries_overcame_does_not_count() -> None:
    stream, _ = fold([*read("overloaded")[:-1], result()])
    assert judge_end(stream, end())[0] is Outcome.SUCCEEDED


@pytest.mark.parametrize("stopped_by", [Outcome.TIMEOUT, Outcome.IDLE, Outcome.STOPPED, Outcome.LOST_LEASE])
def test_who_ended_it_says_what_it_is(stopped_by: Outcome) -> None:
    stream, _ = fold(read("works")[:2])
    outcome, message = judge_end(stream, end(143, stopped_by))
    assert outcome is stopped_by
    assert message.startswith("Claude Code was ended after 12 s, because ")
    assert message.endswith("; its last words: I will write the file.")


def test_silence_is_explained_by_what_stood_on_stderr() -> None:
    stream, _ = fold([])
    assert judge_end(stream, end(1, stderr="boom\n")) == (
        Outcome.AGENT_ERROR,
        "Claude Code ended with exit code 1 and without a result: boom",
    )
    assert judge_end(stream, end(-9)) == (
        Outcome.AGENT_ERROR,
        "Claude Code ended with signal 9 and without a result",
    )
    assert judge_end(stream, end(1, stderr="error: unknown option '--permission-prompts'")) == (
        Outcome.AGENT_ERROR,
        "this Claude Code does not know the option --permission-prompts; update it: claude update",
    )


def test_words_of_an_agent_cannot_do_anything_to_a_terminal() -> None:
    evil = "\x1b[2J\x1b]0;title\x07red\u202eder\r\n" + "x" * 5000 + "\ud800"
    message = {"id": "m", "content": [{"type": "text", "text": evil}]}
    stream, told = fold([{"type": "assistant", "message": message}, result(result=evil)])
    assert told[0].text.startswith("says: redder xxx")
    assert len(told[0].text) == 160
    _, said = judge_end(stream, end())
    assert said.startswith("redder\nxxx")
    assert len(said) < 4001
    said.encode()  # can be kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
FIELDS = [
    "session_id", "claude_code_version", "cwd", "mcp_servers", "message", "error", "parent_tool_use_id",
    "tool_use_id", "tool_name", "status", "is_error", "result", "errors", "num_turns", "permission_denials",
    "api_error_status", "stop_reason", "terminal_reason", "modelUsage", "model_usage_since_last_result",
    "attempt", "retry_delay_ms", "error_status", "content",
]  # fmt: skip
BLOCK = st.dictionaries(
    st.sampled_from(["type", "text", "id", "name", "input", "tool_use_id", "is_error", "content"]),
    json_values
    | st.sampled_from(["text", "tool_use", "tool_result", "Bash", "Edit", "mcp__a__b"])
    | st.just(True),
)
MESSAGE = st.dictionaries(
    st.sampled_from(["id", "model", "content"]), json_values | st.lists(BLOCK, max_size=3)
)
EVENT = st.builds(
    lambda kind, fields: {**fields, **kind},
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["system", "assistant", "user", "result", "new_kind"]),
            "subtype": st.sampled_from(
                ["init", "api_retry", "permission_denied", "informational", "success", None]
            ),
        }
    ),
    st.dictionaries(st.sampled_from(FIELDS), json_values | MESSAGE | st.lists(BLOCK, max_size=2), max_size=8),
)


@settings(max_examples=400)
@given(st.lists(EVENT | json_values, max_size=5), st.sampled_from([0, 1, -15]))
def test_no_event_however_odd_is_too_much(events: list[Any], exit_code: int) -> None:
    stream, told = fold(events)
    outcome, message = judge_end(stream, end(exit_code))
    assert message.encode() is not None
    assert outcome is not Outcome.SUCCEEDED or exit_code == 0
    assert all("\n" not in progress.text for progress in told)
    assert measure_use(stream, end(exit_code), Tokens(), None).seconds == 12.3


MODEL = {
    "inputTokens": 10,
    "cacheReadInputTokens": 3,
    "cacheCreationInputTokens": 2,
    "outputTokens": 7,
    "costUSD": 0.5,
}


def test_tokens_of_all_models_are_added_up() -> None:
    assert parse_model_usage({"a": MODEL, "b": MODEL, "c": "?"}) == Tokens(30, 14, 1.0)
    assert (
        parse_model_usage({"a": {"inputTokens": "7", "costUSD": float("nan"), "outputTokens": -1}})
        == Tokens()
    )
    assert parse_model_usage(None) is None


def test_the_use_of_a_run_is_what_came_on_top_of_earlier_ones() -> None:
    new, _ = fold([result(modelUsage={"a": MODEL}, model_usage_since_last_result={"a": MODEL})])
    old, _ = fold([result(modelUsage={"a": MODEL, "b": MODEL})])
    silent, _ = fold([])
    one = Tokens(15, 7, 0.5)

    def cost(stream: ClaudeStream, before: Tokens | None, after: Tokens | None) -> float | None:
        return measure_use(stream, end(), before, after).cost_usd

    assert cost(new, None, None) == 0.5
    assert cost(old, one, None) == 0.5
    assert cost(old, Tokens(), None) == 1.0
    assert cost(old, None, one) is None  # nobody knows what was there before, and nothing is guessed
    assert cost(silent, one, one + one) == 0.5
    assert cost(silent, Tokens(), None) is None
    assert cost(silent, one, one) is None  # killed before it could write down what it had used
    assert measure_use(new, end(), None, None).input_tokens == 15


def test_a_session_is_read_from_the_last_record_in_its_transcript(tmp_path: Path) -> None:
    folder = tmp_path / "projects" / "-some-place"
    folder.mkdir(parents=True)
    records: list[Any] = [
        {"type": "cost-state", "modelUsage": {"a": MODEL}},
        {"type": "user", "text": '"cost-state"'},
        {"type": "cost-state", "modelUsage": {"a": MODEL, "b": MODEL}},
    ]
    lines = [json.dumps(record) for record in records]
    (folder / "s1.jsonl").write_text("\n".join([*lines, '{"type":"cost-state", broken', "5"]))
    (folder / "s2.jsonl").write_text('{"type":"user"}\n')
    assert read_session_tokens(tmp_path, "s1") == Tokens(30, 14, 1.0)
    assert read_session_tokens(tmp_path, "s2") is None
    assert read_session_tokens(tmp_path, "none") is None
