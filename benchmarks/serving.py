"""Rows of the MCP server, seen by a client that speaks JSON-RPC over its standard input and output."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from generate import Form
from measure import Spread, run
from row import Figure, Row, Stage, change_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from generate import Repository

#: The least that a server with this SDK can be.
_MINIMAL = """
from mcp.server import MCPServer
server = MCPServer("minimal")
@server.tool()
def ping() -> str:
    return "pong"
server.run("stdio")
"""
_PROTOCOL = "2025-11-25"
#: Tokens are counted as bytes of compact JSON by this; what models use differs by some ten per cent.
_BYTES_PER_TOKEN = 4


class Server:
    """A server that was just started, as a context. ``start_s`` is the time from its start to the answer to
    ``initialize``.
    """

    def __init__(self, command: Sequence[str], top: Path, env: Mapping[str, str]) -> None:
        begun = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            cwd=top,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._asked = 0
        client = {"name": "bench", "version": "1"}
        self.ask("initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": client})
        self.start_s = time.perf_counter() - begun
        self._say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ask(self, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """The result of a request. Raises ``RuntimeError`` when the server says no, or nothing."""
        self._asked += 1
        self._say({"jsonrpc": "2.0", "id": self._asked, "method": method, "params": given})
        assert self._process.stdout
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._asked:
                if "error" in answer or answer["result"].get("isError"):
                    raise RuntimeError(f"{method}: {line.decode()}")
                found: dict[str, Any] = answer["result"]
                return found
        raise RuntimeError(f"{method}: the server ended: {self._process.communicate()[1].decode()}")

    def call(self, tool: str, **given: Any) -> dict[str, Any]:
        """The result of a tool."""
        return self.ask("tools/call", {"name": tool, "arguments": given})

    def memory(self) -> int:
        """The server's peak of resident memory, in bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024

    def _say(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


def _form(stage: Stage, tasks: int) -> Form:
    return Form(tasks, stage.layout)


def _forms(stage: Stage, tasks: int) -> list[Form]:
    return [_form(stage, tasks)]


def _serve(stage: Stage, repository: Repository) -> Server:
    return Server((stage.baton, "mcp"), repository.top, stage.env)


def _start(stage: Stage, tasks: int) -> tuple[list[tuple[float, float]], int]:
    repository = stage.repository(_form(stage, tasks))
    walls, memory = [], 0
    for _ in range(stage.rounds + 1 if stage.rounds > 1 else 1):
        with _serve(stage, repository) as ours:
            memory = ours.memory()
        with Server((stage.installed.python, "-c", _MINIMAL), repository.top, stage.env) as minimal:
            walls.append((ours.start_s, minimal.start_s))
    return walls[1:] or walls, memory


def _starts(name: str) -> Callable[[Stage, int], Figure]:
    def both(stage: Stage, tasks: int) -> Mapping[object, Figure]:
        walls, memory = _start(stage, tasks)
        mine, theirs = (Spread.of([wall * 1000 for wall in column]) for column in zip(*walls, strict=True))
        words = f"{mine.median:,.0f} ms ÷ {theirs.median:,.0f} ms"
        return {
            ("ratio", tasks): Figure(Spread.of([a / b for a, b in walls]), words, memory=memory),
            ("ms", tasks): Figure(mine, "from the start of the process", memory=memory),
        }

    def measure(stage: Stage, tasks: int) -> Figure:
        return stage.remember((name, tasks), lambda: both(stage, tasks))

    return measure


def _next(*, changed: bool) -> Callable[[Stage, int], Figure]:
    def measure(stage: Stage, tasks: int) -> Figure:
        repository = stage.repository(_form(stage, tasks))
        walls = []
        with _serve(stage, repository) as server:
            begun = time.perf_counter()
            server.call("next_task")
            first = time.perf_counter() - begun
            for number in range(stage.rounds):
                if changed:
                    change_line(repository, repository.ready[-1 - number % len(repository.ready)], number)
                    run(
                        ("git", "commit", "--quiet", "--all", "--message", "Change"),
                        repository.top,
                        stage.env,
                    )
                begun = time.perf_counter()
                server.call("next_task")
                walls.append((time.perf_counter() - begun) * 1000)
            memory = server.memory()
        return Figure(Spread.of(walls), f"first call {first * 1000:,.0f} ms", memory=memory)

    return measure


def _sizes(name: str) -> Callable[[Stage, int], Figure]:
    """What is offered and answered before anybody asks for more."""

    def all_of(stage: Stage, tasks: int) -> Mapping[object, Figure]:
        with _serve(stage, stage.repository(_form(stage, tasks))) as server:
            tools = server.ask("tools/list", {})["tools"]
            result = server.call("list_tasks")
        bare = [{key: value for key, value in tool.items() if key != "outputSchema"} for tool in tools]
        words = f"{_size({'tools': tools}) / 1000:.1f} kB with output schemas"
        size = len("".join(block["text"] for block in result["content"]).encode())
        return {
            ("bytes", tasks): Figure(Spread.of([_size({"tools": bare}) / 1000]), words),
            ("count", tasks): Figure(Spread.of([len(tools)]), ""),
            ("list", tasks): Figure(
                Spread.of([size / _BYTES_PER_TOKEN]), f"{size:,} bytes ÷ {_BYTES_PER_TOKEN}"
            ),
        }

    def measure(stage: Stage, tasks: int) -> Figure:
        return stage.remember((name, tasks), lambda: all_of(stage, tasks))

    return measure


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


ROWS = (
    Row(
        "mcp.initialize",
        "start of the MCP server to its answer to initialize ÷ a minimal server with the same SDK",
        "×",
        _starts("ratio"),
        _forms,
        goal=1.15,
    ),
    Row(
        "mcp.initialize.ms",
        "the same in milliseconds; the goal is what another tool's server takes",
        "ms",
        _starts("ms"),
        _forms,
        goal=240,
        cause="importing the SDK alone takes longer, see the second figure of mcp.initialize; only an answer given before that could be quicker",
    ),
    Row(
        "mcp.next.warm",
        "next_task, nothing changed since the last call",
        "ms",
        _next(changed=False),
        _forms,
        goals={10_000: 3, 100_000: 3},
        cause="our part is below one millisecond (settings and refs compared with the record); the rest is the SDK's handling of a call, and waiting for a processor",
    ),
    Row(
        "mcp.next.changed",
        "next_task, right after a commit that changed one task",
        "ms",
        _next(changed=True),
        _forms,
        goals={10_000: 12, 100_000: 12},
        cause="git is started twice, for what differs and for the changed text; and every task with a lease is read at each look, because the time may free it",
    ),
    Row("mcp.tools.bytes", "tools/list without output schemas", "kB", _sizes("bytes"), _forms, goal=12),
    Row("mcp.tools.count", "tools in tools/list", "", _sizes("count"), _forms, goal=12),
    Row(
        "mcp.list.tokens",
        "answer of list_tasks without arguments, in tokens (bytes ÷ 4)",
        "tokens",
        _sizes("list"),
        _forms,
        goal=2_000,
    ),
)
