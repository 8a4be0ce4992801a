"""A scripted Anthropic Messages API on loopback: it drives the real Claude Code without any model.

    with ModelServer() as server:
        script = server.script("edit", [
            {"tool": "Write", "input": {"file_path": "{cwd}/a.txt", "content": "x"}},
            {"status": 529},
            {"text": "done"},
        ])
        # run Claude Code with ANTHROPIC_BASE_URL=script.url and any ANTHROPIC_API_KEY
        assert script.unplayed == 0

One server holds many independent scripts, each behind a base URL of its own, so that tests may run
at once. Every request for a message that offers tools takes the next step, retries included; requests
without tools (titles, warm-ups) are answered with a constant and take none. A script that has run out
answers with a text that says so and counts it in ``exhausted``.

Waiting steps (``delay``, ``hang``, ``stall``) end at once when the server is closed.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ERROR_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}
DEFAULT_USAGE = {
    "input_tokens": 100,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 20,
}
EXHAUSTED = "[the script has no more steps]"
#: How Claude Code tells the model where it works: in the system prompt, or in the first messages.
WORKING_DIRECTORY = re.compile(r"^\s*(?:-\s*)?(?:Primary w|W)orking directory: (.+?)\s*$", re.MULTILINE)


class ToolCall(TypedDict, total=False):
    """One call of a tool: its name and what it is given."""

    name: str
    input: Mapping[str, object]


class Step(TypedDict, total=False):
    """One answer of the model. In ``text`` and in every string of an ``input``, ``{cwd}`` stands for the
    working directory that Claude Code named in this very request.

    text, thinking: a block of that kind. tool + input, or tools: calls, made in this order.
    stop_reason, usage: override what follows from the blocks; usage drives the cost Claude Code counts.
    times: how often the step is played (1; -1 = for ever).
    status, error, message, headers: an HTTP error instead of an answer (headers also on a good one).
    delay: seconds before anything is sent. hang: say nothing for so many seconds, then close.
    stall: go silent for so many seconds in the middle of the first block.
    drop: close the connection before the answer, or in the middle of the stream.
    sse_error: an error event of that type inside a stream that began well.
    """

    text: str
    thinking: str
    tool: str
    input: Mapping[str, object]
    tools: Sequence[ToolCall]
    stop_reason: str
    usage: Mapping[str, int]
    times: int
    status: int
    error: str
    message: str
    headers: Mapping[str, str]
    delay: float
    hang: float
    stall: float
    drop: Literal["before", "mid"]
    sse_error: str


class Request(NamedTuple):
    """What the client sent. ``body`` is the parsed JSON, ``headers`` have lower-case names."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    takes_step: bool


class Script:
    """The steps of one conversation, and every request that was seen in it."""

    def __init__(self, url: str, steps: Sequence[Step]) -> None:
        self.url = url
        self.exhausted = 0
        self._left = [(step, step.get("times", 1)) for step in steps]
        self._seen: list[Request] = []
        self._changed = threading.Condition()

    @property
    def requests(self) -> list[Request]:
        """The requests that took a step, in order of arrival."""
        with self._changed:
            return [request for request in self._seen if request.takes_step]

    @property
    def unplayed(self) -> int:
        """How many steps still wait to be played (an endless one counts while it is the next)."""
        with self._changed:
            return sum(abs(times) for _, times in self._left)

    def wait_for_requests(self, count: int, timeout_s: float = 30) -> None:
        """Return once ``count`` requests took a step; AssertionError when they don't in time."""
        with self._changed:
            arrived = self._changed.wait_for(
                lambda: sum(r.takes_step for r in self._seen) >= count, timeout_s
            )
        assert arrived, f"fewer than {count} requests within {timeout_s} s"

    def take(self, request: Request) -> Step:
        """Record ``request`` and return the step that answers it."""
        with self._changed:
            self._seen.append(request)
            self._changed.notify_all()
            if not request.takes_step:
                return {"text": "ok"}
            if not self._left:
                self.exhausted += 1
                return {"text": EXHAUSTED}
            step, times = self._left[0]
            if times == 1:
                del self._left[0]
            elif times > 1:
                self._left[0] = (step, times - 1)
            return step


class ModelServer:
    """The server; a context manager. Closing it ends all waiting answers."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _exchange_type(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def script(self, name: str, steps: Sequence[Step]) -> Script:
        """Put ``steps`` behind a base URL of their own; a script of the same name is replaced."""
        script = Script(f"http://127.0.0.1:{self._http.server_address[1]}/scripts/{name}", steps)
        self.scripts[name] = script
        return script


class _Gone(Exception):
    pass


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_of_scripts: ModelServer

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        pass

    def do_HEAD(self) -> None:
        self._answer({})

    def do_GET(self) -> None:
        if self._place()[1] == "/v1/models":
            self._answer({"data": [], "has_more": False, "first_id": None, "last_id": None})
        else:
            self._refuse({"status": 404})

    def do_POST(self) -> None:
        name, path = self._place()
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        script = self.server_of_scripts.scripts.get(name)
        if path == "/v1/messages/count_tokens":
            self._answer({"input_tokens": max(1, len(raw) // 4)})
        elif path != "/v1/messages" or script is None:
            self._refuse({"status": 404})
        else:
            body: dict[str, Any] = json.loads(raw)
            headers = {key.lower(): value for key, value in self.headers.items()}
            step = script.take(Request(path, headers, body, bool(body.get("tools"))))
            try:
                self._play(step, body)
            except (_Gone, BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    def _place(self) -> tuple[str, str]:
        found = re.match(r"/scripts/([^/?]+)([^?]*)", self.path)
        return (found[1], found[2]) if found else ("", self.path)

    def _wait(self, seconds: float) -> None:
        if self.server_of_scripts.closing.wait(seconds):
            raise _Gone

    def _play(self, step: Step, body: Mapping[str, Any]) -> None:
        self._wait(step.get("delay", 0))
        if "hang" in step:
            self._wait(step["hang"])
            raise _Gone
        if step.get("drop") == "before":
            raise _Gone
        if step.get("status", 200) != 200:
            self._refuse(step)
            return
        blocks = _blocks(step, body)
        calls = any(block["type"] == "tool_use" for block in blocks)
        stop_reason = step.get("stop_reason") or ("tool_use" if calls else "end_turn")
        usage = {**DEFAULT_USAGE, **step.get("usage", {})}
        message = {
            "id": f"msg_{uuid.uuid4().hex[:20]}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "unknown"),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**usage, "output_tokens": 1},
        }
        if body.get("stream"):
            self._stream(step, message, blocks, stop_reason, usage)
        elif "drop" in step or "sse_error" in step:
            raise _Gone  # Claude Code asks again without a stream after a broken one: break that too
        else:
            final = {**message, "content": blocks, "stop_reason": stop_reason, "usage": usage}
            self._answer(final, headers=step.get("headers", {}))

    def _stream(
        self,
        step: Step,
        message: Mapping[str, object],
        blocks: Sequence[Mapping[str, Any]],
        stop_reason: str,
        usage: Mapping[str, int],
    ) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("connection", "close")
        for key, value in step.get("headers", {}).items():
            self.send_header(key, value)
        self.end_headers()
        self.close_connection = True
        self._event("message_start", message=message)
        if "sse_error" in step:
            self._event(
                "error", error={"type": step["sse_error"], "message": "scripted error inside the stream"}
            )
            return
        for index, block in enumerate(blocks):
            opening, deltas = _stream_parts(block)
            self._event("content_block_start", index=index, content_block=opening)
            for delta in deltas:
                self._event("content_block_delta", index=index, delta=delta)
            if step.get("drop") == "mid":
                return
            if index == 0:
                self._wait(step.get("stall", 0))
            self._event("content_block_stop", index=index)
        self._event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None}, usage=usage)
        self._event("message_stop")

    def _event(self, kind: str, **data: object) -> None:
        self.wfile.write(f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode())
        self.wfile.flush()

    def _refuse(self, step: Step) -> None:
        status = step["status"]
        kind = step.get("error") or ERROR_KINDS.get(status, "api_error")
        problem = {"type": kind, "message": step.get("message", f"scripted {status} {kind}")}
        self._answer({"type": "error", "error": problem}, status=status, headers=step.get("headers", {}))

    def _answer(self, body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _exchange_type(server: ModelServer) -> type[_Exchange]:
    return type("Exchange", (_Exchange,), {"server_of_scripts": server})


def _blocks(step: Step, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if "thinking" in step:
        blocks.append({"type": "thinking", "thinking": step["thinking"], "signature": "c2lnbmVk"})
    if "text" in step:
        blocks.append({"type": "text", "text": _filled(step["text"], body)})
    calls = list(step.get("tools", ()))
    if "tool" in step:
        calls.insert(0, {"name": step["tool"], "input": step.get("input", {})})
    for call in calls:
        given = _filled(call.get("input", {}), body)
        blocks.append(
            {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": call["name"], "input": given}
        )
    return blocks


def _stream_parts(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The opening of a content block and its deltas, as the streaming API sends them."""
    if block["type"] == "text":
        deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
        return {"type": "text", "text": ""}, deltas
    if block["type"] == "thinking":
        opening = {"type": "thinking", "thinking": "", "signature": ""}
        return opening, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    pieces = _pieces(json.dumps(block["input"]))
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _pieces(text: str, size: int = 200) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def _filled(value: Any, body: Mapping[str, Any]) -> Any:
    """``value`` with ``{cwd}`` replaced in every string of it."""
    if isinstance(value, str):
        return value.replace("{cwd}", _working_directory(body)) if "{cwd}" in value else value
    if isinstance(value, dict):
        return {key: _filled(item, body) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, body) for item in value]
    return value


def _working_directory(body: Mapping[str, Any]) -> str:
    for text in _texts([body.get("system"), body.get("messages")]):
        if found := WORKING_DIRECTORY.search(text):
            return found[1]
    raise AssertionError("this request does not say where the client works, so {cwd} can't be filled in")


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return _texts(list(value.values()))
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
