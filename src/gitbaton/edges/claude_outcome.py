"""What the end of a Claude Code process means, and what the run has used. Pure.

Success is an exit code of 0 *and* a result event *and* ``is_error`` false, nothing less: an error of the
model's service comes with the subtype ``success``, an interrupt with exit code 0, and a SIGTERM with no
result event at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.usage import Usage
from gitbaton.domain.wording import clean_text, shorten_to_line
from gitbaton.edges.claude_tokens import Tokens, parse_model_usage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.edges.claude_events import ClaudeStream
    from gitbaton.edges.process import ProcessEnd

SUBTYPES = {"error_max_turns": Outcome.TURNS, "error_max_budget_usd": Outcome.BUDGET}
STATUSES = {401: Outcome.AUTH, 402: Outcome.AUTH, 403: Outcome.AUTH, 429: Outcome.RATE_LIMITED}
#: Claude Code's words for an error that has no status.
ERROR_KINDS = {
    "authentication_failed": Outcome.AUTH,
    "billing_error": Outcome.AUTH,
    "rate_limit": Outcome.RATE_LIMITED,
    "server_error": Outcome.OVERLOADED,
}
#: The same told only in words, by versions that have no kinds.
ERROR_TEXTS = (
    (
        re.compile(r"not logged in|invalid api key|please run /login|credit balance", re.IGNORECASE),
        Outcome.AUTH,
    ),
    (re.compile(r"rate limit|usage limit|\(429\)", re.IGNORECASE), Outcome.RATE_LIMITED),
    (
        re.compile(r"overloaded|timed out|connection|ECONN|ENOTFOUND|EAI_AGAIN|fetch failed", re.IGNORECASE),
        Outcome.OVERLOADED,
    ),
)
SERVER_ERROR = 500  # and above
UNKNOWN_OPTION = re.compile(r"unknown option '([^']+)'")
MESSAGE_MAX = 4000
DENIALS_SHOWN = 5


def judge_end(stream: ClaudeStream, end: ProcessEnd) -> tuple[Outcome, str]:
    """The outcome, and what to tell a person about it."""
    outcome, message = _judge(stream, end)
    return outcome, "\n".join([clean_text(message[:MESSAGE_MAX]), *_remarks(stream)])


def _judge(stream: ClaudeStream, end: ProcessEnd) -> tuple[Outcome, str]:
    result = stream.result
    if end.stopped_by is not None:
        why = OUTCOMES[end.stopped_by].words
        last = f"; its last words: {shorten_to_line(stream.last_text)}" if stream.last_text else ""
        return end.stopped_by, f"Claude Code was ended after {end.seconds:.0f} s, because {why}{last}"
    if result is None:
        return Outcome.AGENT_ERROR, _explain_silence(end)
    said = _words(result)
    if _is_refusal(result):
        return Outcome.AGENT_REFUSED, said or "the model refused"
    if result.get("is_error") is not False:
        return _judge_error(stream, result, said), said or f"Claude Code ended with {result.get('subtype')}"
    if end.exit_code != 0:
        return (
            Outcome.AGENT_ERROR,
            f"Claude Code said it was finished, but ended with exit code {end.exit_code}",
        )
    return Outcome.SUCCEEDED, said or stream.last_text or "Claude Code finished without a word"


def _judge_error(stream: ClaudeStream, result: Mapping[str, Any], said: str) -> Outcome:
    if outcome := SUBTYPES.get(str(result.get("subtype"))):
        return outcome
    status = result.get("api_error_status")
    if isinstance(status, int):
        return Outcome.OVERLOADED if status >= SERVER_ERROR else STATUSES.get(status, Outcome.AGENT_ERROR)
    if outcome := ERROR_KINDS.get(stream.error_kind):
        return outcome
    if not stream.error_kind and result.get("subtype") == "success":  # an error of the model's service
        return next(
            (outcome for pattern, outcome in ERROR_TEXTS if pattern.search(said)), Outcome.AGENT_ERROR
        )
    return Outcome.AGENT_ERROR


def _is_refusal(result: Mapping[str, Any]) -> bool:
    return "refusal" in (result.get("stop_reason"), result.get("terminal_reason"))


def _words(result: Mapping[str, Any]) -> str:
    """What the result event says: its text, or on errors its list of them."""
    text = result.get("result")
    if isinstance(text, str) and text.strip():
        return text.strip()
    errors = result.get("errors")
    return "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""


def _explain_silence(end: ProcessEnd) -> str:
    said = end.stderr_tail.strip()
    if unknown := UNKNOWN_OPTION.search(said):
        return f"this Claude Code does not know the option {unknown[1]}; update it: claude update"
    how = f"signal {-end.exit_code}" if end.exit_code < 0 else f"exit code {end.exit_code}"
    return f"Claude Code ended with {how} and without a result" + (f": {said}" if said else "")


def _remarks(stream: ClaudeStream) -> list[str]:
    remarks = []
    if stream.denied:
        words = list(dict.fromkeys(stream.denied.values()))
        shown = ", ".join(words[:DENIALS_SHOWN]) + (", …" if len(words) > DENIALS_SHOWN else "")
        count = f"{len(stream.denied)} tool calls were" if len(stream.denied) > 1 else "One tool call was"
        remarks.append(f"{count} not allowed: {shown}. Rules in run.allowed_tools allow more.")
    if stream.failed_servers:
        remarks.append(f"These MCP servers did not start: {', '.join(stream.failed_servers)}.")
    return remarks


def measure_use(stream: ClaudeStream, end: ProcessEnd, before: Tokens | None, after: Tokens | None) -> Usage:
    """The use of this run alone: a resumed session counts on, and an ended one has no result event.

    ``before`` and ``after`` are what the session's transcript said at those times, None if nothing.
    """
    used = stream.own_tokens if stream.result else None
    if used is None and before is not None:
        whole = parse_model_usage(stream.result.get("modelUsage")) if stream.result else after
        # A transcript that says what it said before was not written to: the program was killed hard.
        used = whole - before if whole is not None and whole != before else None
    return Usage(
        seconds=round(end.seconds, 3),
        turns=stream.turns,
        input_tokens=used.input if used else None,
        output_tokens=used.output if used else None,
        cost_usd=round(used.cost_usd, 6) if used else None,
        tool_calls=stream.tool_calls,
        peak_memory_mb=round(end.peak_memory_mb, 1) if end.peak_memory_mb is not None else None,
    )
