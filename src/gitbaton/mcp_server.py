"""``baton mcp``: the tools for Claude Code and other clients of the Model Context Protocol, over stdio.

The SDK is imported here and nowhere else. Failures of all tools meet in one place, ``BatonServer.call_tool``.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from gitbaton import __version__
from gitbaton.domain.ids import MARK, find_similar
from gitbaton.errors import BatonError, explain_os_error
from gitbaton.mcp_tools import Tools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mcp.server.mcpserver import Context
    from mcp_types import InputRequiredResult

    from gitbaton.usecases.project import Project

_PROBLEMS_SHOWN = 20
_INSTRUCTIONS = """\
Tasks of this git repository, kept as files under tasks/. To work on one: next_task with claim, get_task, do the \
work, complete_task. save_context leaves notes and questions for whoever goes on; get_context reads them. Each \
writing tool makes one commit on the branch that is checked out and pushes nothing. Ids may be shortened to an \
unambiguous beginning."""
_INSIDE = """\
You are inside an attempt at the task {task}: its id may be left out everywhere. Nothing is committed by these \
tools; what you hand over is read when you end. Finish with complete_task, or ask with save_context and question."""

_COMMISSIONED = """\
You are to write something and hand it in: call complete_task with a summary and with the result that you were asked \
for, then end. Nothing else that you do with these tools is kept."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_CHANGES = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
#: Every tool with what it does to the repository. ``update_task`` replaces what a person wrote; git keeps it.
ANNOTATIONS: dict[str, ToolAnnotations] = {
    "next_task": _ADDS,
    "list_tasks": _READS,
    "get_task": _READS,
    "create_task": _ADDS,
    "update_task": _CHANGES,
    "complete_task": _ADDS,
    "save_context": _ADDS,
    "get_context": _READS,
}
#: Commands that hints name, and the tool that does the same here.
_COMMANDS = {
    "show": "get_task", "list": "list_tasks", "next": "next_task", "set": "update_task", "add": "create_task",
    "complete": "complete_task", "depend": "update_task", "priority": "update_task",
}  # fmt: skip
_COMMAND = re.compile(rf"\bbaton ({'|'.join(_COMMANDS)})\b(?: --help)?")


def serve() -> None:
    """Serve the repository of the current folder until the client closes standard input."""
    from gitbaton.wiring import open_here

    if sys.stdin.isatty():
        sys.stderr.write(
            "serving MCP on standard input and output, for a client to talk to; Ctrl-D ends it\n"
        )
    build_server(open_here, os.environ, quick=True).run("stdio")


def build_server(
    open_project: Callable[[], Project], environment: Mapping[str, str], *, quick: bool = False
) -> BatonServer:
    """The server. ``open_project`` is asked anew for every call; ``environment`` tells whether this is inside an
    attempt; ``quick`` says that it is the current folder's, so that answers kept for that may be given.
    """
    tools = Tools(open_project, quick=quick)
    task, inside = environment.get("BATON_TASK", ""), ""
    if environment.get("BATON_ATTEMPT"):
        inside = _COMMISSIONED if task.startswith(MARK) else _INSIDE.format(task=task)
    return BatonServer(
        [_make_tool(getattr(tools, name), annotations) for name, annotations in ANNOTATIONS.items()],
        instructions=f"{_INSTRUCTIONS}\n{inside}".strip(),
    )


def _make_tool(function: Callable[..., Any], annotations: ToolAnnotations) -> Tool:
    tool = Tool.from_function(
        function, description=" ".join((function.__doc__ or "").split()), annotations=annotations
    )
    tool.parameters = {**slim_schema(tool.parameters), "additionalProperties": False}
    tool.fn_metadata.output_schema = slim_schema(tool.fn_metadata.output_schema or {})
    return tool


def slim_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema without what only costs its reader: titles made from names, empty defaults, null as a choice."""
    options = schema.get("anyOf", [])
    kept = [o for o in options if o != {"type": "null"}]
    slim = {
        k: v
        for k, v in schema.items()
        if not (k == "title" or (k == "default" and v in (None, "", [], False)))
    }
    if len(kept) == 1 and len(options) > 1:
        del slim["anyOf"]
        slim = {**kept[0], **slim}
        slim.pop("title", None)
    for key, value in slim.items():
        if key in ("properties", "$defs"):
            slim[key] = {name: slim_schema(part) for name, part in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            slim[key] = slim_schema(value)
    return slim


class BatonServer(MCPServer[Any]):
    """The server with our tools. Answers carry compact JSON beside the structured content; errors say a code, a
    sentence and a hint, and never a traceback.
    """

    def __init__(self, tools: list[Tool], *, instructions: str) -> None:
        super().__init__(
            "gitbaton", version=__version__, instructions=instructions, tools=tools, log_level="WARNING"
        )
        self._arguments = {tool.name: list(tool.parameters["properties"]) for tool in tools}

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool; whatever goes wrong becomes an error result that a model can act on."""
        known = self._arguments.get(name)
        if known is None:
            return _refuse(f"unknown-tool: there is no tool '{name}'", _suggest(name, list(self._arguments)))
        if unknown := [a for a in arguments if a not in known]:
            return _refuse(f"unknown-argument: {name} takes no '{unknown[0]}'", _suggest(unknown[0], known))
        given = {key: value for key, value in arguments.items() if value is not None}
        try:
            result = await super().call_tool(name, given, context)
        except UnexpectedToolError as error:
            return _explain(name, error.__cause__ or error)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                return _refuse(_explain_arguments(error.__cause__), f"see the schema of {name}")
            return _refuse(str(error), None)
        if isinstance(result, CallToolResult) and result.structured_content is not None:
            text = json.dumps(result.structured_content, ensure_ascii=False, separators=(",", ":"))
            return CallToolResult(
                content=[TextContent(type="text", text=text)], structured_content=result.structured_content
            )
        return result


def _suggest(name: str, known: list[str]) -> str:
    near = find_similar(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"there is: {', '.join(known)}"


def _explain_arguments(error: ValidationError) -> str:
    said = [
        f"{'.'.join(map(str, e['loc']))}: {e['msg'][:1].lower()}{e['msg'][1:]}"
        for e in error.errors(include_url=False)
    ]
    return "bad-argument: " + "; ".join(said[:_PROBLEMS_SHOWN])


def _explain(name: str, error: BaseException) -> CallToolResult:
    error = explain_os_error(error) or error
    if not isinstance(error, BatonError):
        traceback.print_exception(error, file=sys.stderr)
        what = f"bug: gitbaton itself failed in {name}: {type(error).__name__}: {error}"
        return _refuse(what, "don't try again; the details are on the server's standard error")
    problems = [str(p) for p in error.problems if str(p) != error.message]
    lines = [f"{error.code}: {error.message}", *(f"- {p}" for p in problems[:_PROBLEMS_SHOWN])]
    if len(problems) > _PROBLEMS_SHOWN:
        lines.append(f"- and {len(problems) - _PROBLEMS_SHOWN} more")
    return _refuse("\n".join(lines), error.hint)


def _refuse(text: str, hint: str | None) -> CallToolResult:
    if hint:
        text += "\nhint: " + _COMMAND.sub(lambda found: _COMMANDS[found[1]], hint)
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
