"""Claude Code's stream of events, folded into progress and into what a report needs. Pure.

The stream is that of ``claude -p --output-format stream-json --verbose``. Nothing about it is taken for
granted: events are recognised by their type, never by their place; unknown ones and fields of another
shape than expected are passed over; there can be several ``init`` and several ``result`` events (one
each time something that ran in the background wakes the agent), or none.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gitbaton.domain.wording import shorten_to_line
from gitbaton.edges.claude_tokens import Tokens, parse_model_usage
from gitbaton.ports import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What a tool does, as a verb, and the field of its input that says to what.
TOOL_WORDS = {
    "Bash": ("runs", "command"),
    "Edit": ("edits", "file_path"),
    "MultiEdit": ("edits", "file_path"),
    "NotebookEdit": ("edits", "notebook_path"),
    "Write": ("writes", "file_path"),
    "Read": ("reads", "file_path"),
    "Glob": ("looks for", "pattern"),
    "Grep": ("searches for", "pattern"),
    "WebFetch": ("fetches", "url"),
    "WebSearch": ("searches the web for", "query"),
    "Agent": ("starts a subagent:", "description"),
    "Task": ("starts a subagent:", "description"),
    "Skill": ("uses the skill", "skill"),
    "TodoWrite": ("updates its to-do list", ""),
}
RETRY_WORDS = {429: "rate limit reached", 529: "model overloaded"}


@dataclass
class ClaudeStream:
    """All that was seen so far. ``feed`` is the only way to change it.

    ``result`` is the last result event; ``turns`` and ``own_tokens`` are summed over all of them, the
    latter None as soon as one does not tell; ``error_kind`` is Claude Code's word for the last error of
    the model's service (``rate_limit``, ``server_error``, ``authentication_failed`` …); ``resets_at`` when a limit that
    was reached is lifted, in seconds since the epoch, which only subscriptions tell.
    """

    session: str | None = None
    version: str = ""
    cwd: str = ""
    model: str = ""
    failed_servers: tuple[str, ...] = ()
    result: Mapping[str, Any] | None = None
    turns: int | None = None
    own_tokens: Tokens | None = field(default_factory=Tokens)
    error_kind: str = ""
    resets_at: float | None = None
    last_text: str = ""
    denied: dict[str, str] = field(default_factory=dict)
    _calls: dict[str, str] = field(default_factory=dict)
    _messages: set[str] = field(default_factory=set)

    @property
    def tool_calls(self) -> int:
        return len(self._calls)

    def feed(self, event: object) -> list[Progress]:
        """Take one event; return what it means to somebody who watches."""
        return list(self._feed(event)) if isinstance(event, dict) else []

    def _feed(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        match event.get("type"), event.get("subtype"):
            case "assistant", _:
                yield from self._feed_assistant(event)
            case "user", _:
                yield from self._feed_tool_results(event)
            case "result", _:
                yield self._feed_result(event)
            case "rate_limit_event", _:
                self._feed_limit(event.get("rate_limit_info"))
            case "system", "init":
                yield from self._feed_init(event)
            case "system", "api_retry":
                yield self._progress("retry", _describe_retry(event))
            case "system", "permission_denied":
                yield from self._feed_denial(event)
            case "system", "informational":
                yield self._progress("note", _text(event, "content"))
            case "system", "compact_boundary":
                yield self._progress("note", "summarised its conversation to make room")
            case _:
                pass

    def _progress(self, kind: Any, text: str, cost_usd: float | None = None) -> Progress:
        return Progress(kind, shorten_to_line(text), turns=len(self._messages), cost_usd=cost_usd)

    def _feed_init(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        is_first = self.session is None
        self.session = _text(event, "session_id") or self.session
        self.version = _text(event, "claude_code_version")
        self.cwd = _text(event, "cwd")
        self.model = _text(event, "model")
        servers = [server for server in _list(event, "mcp_servers") if isinstance(server, dict)]
        self.failed_servers = tuple(
            _text(server, "name")
            for server in servers
            if server.get("status") not in {"connected", "pending"}
        )
        if is_first:
            yield self._progress("started", f"Claude Code {self.version}, model {self.model}")
            for name in self.failed_servers:
                yield self._progress("note", f"its MCP server {name} did not start")

    def _feed_assistant(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        message = event.get("message")
        if not isinstance(message, dict):
            return
        by_subagent = bool(event.get("parent_tool_use_id"))
        is_error = bool(event.get("error")) or message.get("model") == "<synthetic>"
        if is_error:
            self.error_kind = _text(event, "error")
        elif not by_subagent:
            self._messages.add(_text(message, "id"))
        who = "its subagent " if by_subagent else ""
        for block in _list(message, "content"):
            if not isinstance(block, dict):
                continue
            if block.get("type") == "text" and _text(block, "text").strip():
                text = _text(block, "text")
                if is_error:
                    yield self._progress("note", text)
                    continue
                if not by_subagent:
                    self.last_text = text
                yield self._progress("text", f"{who}says: {text}")
            elif block.get("type") == "tool_use":
                words = self._describe_call(block)
                self._calls[_text(block, "id") or f"unnamed {len(self._calls)}"] = words
                yield self._progress("tool", who + words)

    def _feed_limit(self, info: object) -> None:
        if isinstance(info, dict) and info.get("status") == "rejected":
            at = info.get("resetsAt")
            self.resets_at = float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None

    def _feed_denial(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        call = _text(event, "tool_use_id")
        words = self._calls.get(call) or f"uses {_text(event, 'tool_name')}"
        if call not in self.denied:
            self.denied[call] = words
            yield self._progress("note", f"was not allowed: {words}")

    def _feed_tool_results(self, event: Mapping[str, Any]) -> Iterator[Progress]:
        message = event.get("message")
        for block in _list(message, "content") if isinstance(message, dict) else ():
            if (
                isinstance(block, dict)
                and block.get("type") == "tool_result"
                and block.get("is_error") is True
            ):
                call = _text(block, "tool_use_id")
                if call in self._calls and call not in self.denied:
                    yield self._progress("note", f"{_plain(block.get('content'))} ({self._calls[call]})")

    def _feed_result(self, event: Mapping[str, Any]) -> Progress:
        self.result = event
        self.session = _text(event, "session_id") or self.session
        turns = event.get("num_turns")
        if isinstance(turns, int) and turns > 0:
            self.turns = turns + (self.turns or 0)
        own = parse_model_usage(event.get("model_usage_since_last_result"))
        self.own_tokens = self.own_tokens + own if self.own_tokens is not None and own is not None else None
        for denial in _list(event, "permission_denials"):
            if isinstance(denial, dict):
                self.denied.setdefault(_text(denial, "tool_use_id"), self._describe_denial(denial))
        words = "finished" if event.get("is_error") is False else "ended with an error"
        # Not total_cost_usd: that counts earlier runs of a resumed session, too.
        return self._progress("ended", words, self.own_tokens.cost_usd if self.own_tokens else None)

    def _describe_denial(self, denial: Mapping[str, Any]) -> str:
        given = {"name": denial.get("tool_name"), "input": denial.get("tool_input")}
        return self._describe_call(given)

    def _describe_call(self, call: Mapping[str, Any]) -> str:
        name = _text(call, "name")
        given = call.get("input")
        verb, key = TOOL_WORDS.get(name, ("", ""))
        if name.startswith("mcp__"):
            server, _, tool = name.removeprefix("mcp__").partition("__")
            return f"calls {tool} of {server}"
        if not verb:
            return f"uses {name}"
        what = _text(given, key) if isinstance(given, dict) else ""
        if key.endswith("_path") and what.startswith(f"{self.cwd}/"):
            what = os.path.relpath(what, self.cwd)
        return shorten_to_line(f"{verb} {what}", 120)


def _describe_retry(event: Mapping[str, Any]) -> str:
    status = event.get("error_status")
    why = RETRY_WORDS.get(status, "") if isinstance(status, int) else ""
    why = why or (
        f"the model's service answered {status}" if status else "the model's service can't be reached"
    )
    delay = event.get("retry_delay_ms")
    soon = f" in {delay / 1000:.2g} s" if isinstance(delay, int | float) else ""
    return f"{why}, retry {event.get('attempt', '?')} of {event.get('max_retries', '?')}{soon}"


def _plain(content: object) -> str:
    """The first line with words of a tool's answer, which is a text or a list of blocks with texts."""
    if isinstance(content, list):
        content = "\n".join(_text(block, "text") for block in content if isinstance(block, dict))
    text = str(content).replace("<tool_use_error>", "").replace("</tool_use_error>", "")
    return shorten_to_line(next((line for line in text.splitlines() if line.strip()), "a tool failed"), 100)


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    return found if isinstance(found, str) else ""


def _list(value: Mapping[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []
