"""A client that talks to our MCP server in this process, in both eras of the protocol."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from anyio.from_thread import start_blocking_portal
from mcp.client import Client
from mcp_types import CallToolResult, TextContent, Tool

from gitbaton.mcp_server import build_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from anyio.from_thread import BlockingPortal

    from gitbaton.usecases.project import Project

#: The handshake of 2025-11-25 and before, and what clients of 2026-07-28 negotiate.
MODES = ("legacy", "auto")


class Talk:
    """A conversation that goes on until its context ends."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self.client = client

    def try_call(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Whatever the server answers."""
        result: CallToolResult = self._portal.call(self.client.call_tool, tool, dict(arguments))
        return result

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a call that succeeds; its text says the same."""
        result = self.try_call(tool, arguments)
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert not result.is_error, block.text
        assert isinstance(result.structured_content, dict)
        assert json.loads(block.text) == result.structured_content
        return result.structured_content

    def fail(self, tool: str, **arguments: Any) -> str:
        """The text of an error; errors carry no structured content, because clients check that by the schema."""
        result = self.try_call(tool, arguments)
        (block,) = result.content
        assert isinstance(block, TextContent)
        assert result.is_error, block.text
        assert result.structured_content is None
        return block.text

    def call_at_once(self, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[CallToolResult]:
        """The answers to ``calls`` (tool, arguments) that are all under way at the same time."""
        futures = [
            self._portal.start_task_soon(self.client.call_tool, tool, dict(given)) for tool, given in calls
        ]
        return [future.result(timeout=120) for future in futures]

    def list_tools(self) -> list[Tool]:
        """All tools."""
        return self._portal.call(self.client.list_tools).tools


@contextlib.contextmanager
def talk(
    open_project: Callable[[], Project], mode: str = "auto", environment: Mapping[str, str] | None = None
) -> Iterator[Talk]:
    """Talk to a server whose tools work on what ``open_project`` opens."""
    server = build_server(open_project, environment or {})
    with start_blocking_portal() as portal:
        opened = portal.wrap_async_context_manager(Client(server, mode=mode))
        client = opened.__enter__()
        try:
            yield Talk(portal, client)
        finally:  # what failed in the test is shown as it is, not inside the client's groups of exceptions
            opened.__exit__(None, None, None)
