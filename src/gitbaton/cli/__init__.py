"""The command line: ``baton`` and ``git baton``. A face translates and never decides: each command parses
its words, calls one use-case and prints the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.cli.face import Command


class Listed(NamedTuple):
    """A command in the table: its module is loaded only when it is used."""

    module: str
    group: str
    summary: str


COMMANDS: dict[str, Listed] = {
    "demo": Listed("demo", "Try it", "watch a small project being worked off, with nothing to set up"),
    "init": Listed("setup", "Start", "set up this repository"),
    "validate": Listed("setup", "Start", "check every file under tasks/"),
    "add": Listed("tasks", "Write and look", "write a new task"),
    "list": Listed("tasks", "Write and look", "list tasks with their states"),
    "show": Listed("tasks", "Write and look", "show one task"),
    "next": Listed("tasks", "Write and look", "say which task is next, and why"),
    "status": Listed("looking", "Write and look", "show the project on one screen"),
    "board": Listed("looking", "Write and look", "show all tasks in columns, live with --watch"),
    "explain": Listed("looking", "Write and look", "say why a task can't be claimed, or where it stands"),
    "graph": Listed("looking", "Write and look", "show what depends on what"),
    "log": Listed("history", "Write and look", "tell a task's whole history"),
    "diff": Listed("history", "Write and look", "say what changed on tasks between two versions"),
    "changes": Listed("history", "Write and look", "say what is new since you looked last"),
    "set": Listed("tasks", "Write and look", "change fields of a task"),
    "priority": Listed("tasks", "Write and look", "change a task's priority"),
    "depend": Listed("tasks", "Write and look", "change what a task depends on"),
    "complete": Listed("context", "Write and look", "mark a task done, with a handoff"),
    "context": Listed("context", "Write and look", "leave and read handoffs"),
    "claim": Listed("runs", "Run", "take a task yourself"),
    "run": Listed("runs", "Run", "let an agent work on the next ready task"),
    "briefing": Listed("runs", "Run", "print what an agent would be told"),
    "logs": Listed("runs", "Run", "print the log of an attempt"),
    "takeover": Listed("runs", "Run", "take a task from whoever has it, and work on its branch"),
    "stop": Listed("runs", "Run", "end an attempt, or give your claim back"),
    "review": Listed("reviews", "Review", "look at published work"),
    "accept": Listed("reviews", "Review", "merge published work"),
    "reject": Listed("reviews", "Review", "ask for changes"),
    "retry": Listed("reviews", "Review", "allow another attempt"),
    "sync": Listed("reviews", "Review", "exchange with the remote; note what was merged or closed"),
    "archive": Listed("upkeep", "Keep tidy", "move finished tasks out of the way"),
    "doctor": Listed("upkeep", "Keep tidy", "find what is broken, and mend it"),
    "mcp": Listed("server", "Connect", "serve the tools to Claude Code over stdio"),
    "merge-file": Listed("setup", "Connect", "git's merge driver for task files"),
}


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        if len(argv) > 1 and argv[0] == "help":
            return main([argv[1], "--help"])
        print(render_help())
        return 0 if argv else 2
    if argv[0] in ("--version", "version"):
        print(f"baton {__version__}")
        return 0
    name, rest = argv[0], list(argv[1:])
    from gitbaton.cli.face import build_parser, carry_out, report

    as_json = "--json" in rest
    try:
        command = _load(name)
        arguments = build_parser(name, command).parse_args(rest)
    except BaseException as error:  # noqa: BLE001 the same boundary as for the command itself
        return report(error, as_json=as_json)
    return carry_out(command, arguments, as_json=as_json)


def _load(name: str) -> Command:
    """The command of that name; its module is imported only now."""
    from importlib import import_module

    from gitbaton.domain.ids import find_similar
    from gitbaton.errors import UsageError

    if name in COMMANDS:
        found: Command = import_module(f"gitbaton.cli.{COMMANDS[name].module}").COMMANDS[name]
        return found

    near = find_similar(name, COMMANDS, 1)
    hint = f"did you mean: baton {near[0]}?" if near else "see all commands with: baton --help"
    raise UsageError(f"there is no command '{name}'", code="unknown-command", hint=hint)


def render_help() -> str:
    """The overview of all commands."""
    lines = [
        "usage: baton COMMAND …        (or: git baton COMMAND …)",
        "",
        "Tasks for coding agents, kept in git.",
        "",
    ]
    group = ""
    for name, listed in COMMANDS.items():
        if listed.group != group:
            group = listed.group
            lines.append(f"{group}:")
        lines.append(f"  {name:<11} {listed.summary}")
    lines += [
        "",
        "baton COMMAND --help explains one command, with examples. --json on any command answers for programs.",
    ]
    return "\n".join(lines)
