"""The command line: ``baton`` and ``git baton``. A face translates and never decides: each command parses
its words, calls one use-case and prints the answer.
"""

from __future__ import annotations

from gitbaton import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from gitbaton.cli.face import Command


class Listed:
    """A command in the table: its module is loaded only when it is used."""

    __slots__ = ("group", "module", "summary")

    def __init__(self, module: str, group: str, summary: str) -> None:
        self.module = module
        self.group = group
        self.summary = summary


COMMANDS: dict[str, Listed] = {
    "demo": Listed("demo", "Start", "watch a small project being worked off, with nothing to set up"),
    "init": Listed("setup", "Start", "set up this repository"),
    "validate": Listed("setup", "Start", "check every file under tasks/"),
    "plan": Listed("plans", "Plan", "break a goal down into tasks, and see how far it is"),
    "workflow": Listed("workflows", "Plan", "make tasks by a recipe: feature, bugfix, release …"),
    "role": Listed("roles", "Plan", "show the specialists that tasks can name, or describe one"),
    "milestone": Listed("milestones", "Plan", "say how far each milestone is, and what is left"),
    "complexity": Listed("difficulty", "Plan", "say how hard tasks are, and which to split"),
    "route": Listed("difficulty", "Plan", "say what an attempt at a task would get"),
    "approve": Listed("difficulty", "Plan", "let a task be started that needs a person's word"),
    "docs": Listed("documents", "Plan", "let an agent write notes and acceptance tests of tasks"),
    "synthesize": Listed("documents", "Plan", "write what came of a plan"),
    "add": Listed("tasks", "Write", "write a new task"),
    "set": Listed("tasks", "Write", "change fields of a task"),
    "edit": Listed("editing", "Write", "change a task's text in your editor"),
    "priority": Listed("tasks", "Write", "change a task's priority"),
    "depend": Listed("tasks", "Write", "change what a task depends on"),
    "hold": Listed("states", "Write", "keep everybody from starting a task"),
    "release": Listed("states", "Write", "lift a hold"),
    "clarify": Listed("states", "Write", "settle something about a task"),
    "note": Listed("states", "Write", "leave a note on a task"),
    "done": Listed("states", "Write", "set a task done by hand"),
    "cancel": Listed("states", "Write", "let nobody do a task any more"),
    "reopen": Listed("states", "Write", "open a finished task again"),
    "rename": Listed("names", "Write", "give a task another id"),
    "rm": Listed("names", "Write", "remove a task's file"),
    "list": Listed("tasks", "Look", "list tasks with their states"),
    "show": Listed("tasks", "Look", "show one task"),
    "next": Listed("tasks", "Look", "say which task is next, and why"),
    "queue": Listed("queue", "Look", "list what is claimed next, and change the order"),
    "status": Listed("looking", "Look", "show the project on one screen"),
    "board": Listed("looking", "Look", "show all tasks in columns, live with --watch"),
    "explain": Listed("looking", "Look", "say why a task can't be claimed, or where it stands"),
    "graph": Listed("looking", "Look", "show what depends on what"),
    "log": Listed("history", "Look", "tell a task's whole history"),
    "diff": Listed("history", "Look", "say what changed on tasks between two versions"),
    "changes": Listed("history", "Look", "say what is new since you looked last"),
    "context": Listed("context", "Look", "tell where things stand; leave and get context"),
    "forecast": Listed("numbers", "Look", "say when the open work will be done"),
    "bottlenecks": Listed("numbers", "Look", "say what holds the work up, and what to do about it"),
    "stats": Listed("numbers", "Look", "show figures of all attempts"),
    "start": Listed("persons", "Work yourself", "take a task, and have its branch checked out"),
    "finish": Listed("persons", "Work yourself", "check what you did on it, and publish it"),
    "abandon": Listed("persons", "Work yourself", "give it back; your work stays"),
    "claim": Listed("runs", "Work yourself", "take a task yourself"),
    "takeover": Listed("runs", "Work yourself", "take a task from whoever has it, and work on its branch"),
    "handoff": Listed("handoffs", "Work yourself", "leave a handoff, read one whole, list them"),
    "complete": Listed("context", "Work yourself", "mark a task done, with a handoff"),
    "run": Listed("runs", "Run", "let an agent work on the next ready task"),
    "briefing": Listed("runs", "Run", "print what an agent would be told"),
    "logs": Listed("runs", "Run", "print the log of an attempt"),
    "agents": Listed("agents", "Run", "list agents, and check whether they could run"),
    "stop": Listed("runs", "Run", "end an attempt, or give your claim back"),
    "review": Listed("reviews", "Review", "look at published work"),
    "accept": Listed("reviews", "Review", "merge published work"),
    "reject": Listed("reviews", "Review", "ask for changes"),
    "refresh": Listed("persons", "Review", "bring published work up to date with the base branch"),
    "retry": Listed("reviews", "Review", "allow another attempt"),
    "answer": Listed("answering", "Review", "answer what an agent asked"),
    "sync": Listed("reviews", "Review", "exchange with the remote; note what was merged or closed"),
    "config": Listed("settings", "Set up and keep tidy", "show and change the settings"),
    "archive": Listed("upkeep", "Set up and keep tidy", "move finished tasks out of the way"),
    "doctor": Listed("upkeep", "Set up and keep tidy", "find what is broken, and mend it"),
    "mcp": Listed("server", "Set up and keep tidy", "serve the tools to Claude Code over stdio"),
    "completion": Listed("completion", "Set up and keep tidy", "print a script for bash, zsh or fish"),
    "merge-file": Listed("setup", "Set up and keep tidy", "git's merge driver for task files"),
}


#: What the overview shows; the rest with ``baton help --all``.
EVERYDAY = (
    "demo", "init", "plan", "add", "edit", "set", "done", "list", "show", "next", "status", "board", "context", "start",
    "finish", "run", "logs", "stop", "review", "accept", "reject", "retry", "answer", "config", "doctor", "mcp",
)  # fmt: skip
#: Flags that stand before the command.
GLOBAL_FLAGS = ("--no-pager", "--color")
#: What people type out of habit → what is meant here.
HABITS = {
    "ls": "list", "tasks": "list", "todo": "list --ready", "ready": "list --ready", "new": "add", "create": "add",
    "view": "show", "cat": "show", "get": "show", "info": "show", "update": "set", "change": "set", "modify": "set",
    "label": "set ID labels+=WORD", "assign": "set ID assignee=NAME", "delete": "rm", "remove": "rm", "move": "rename", "mv": "rename",
    "take": "claim", "begin": "start", "work": "run", "exec": "run", "check": "validate", "lint": "validate",
    "merge": "accept", "finished": "done", "close": "done", "fix": "doctor --fix", "settings": "config show",
    "plans": "plan list", "expand": "plan split ID", "split": "plan split ID", "breakdown": "plan new", "decompose": "plan new",
    "push": "sync", "pull": "sync", "fetch": "sync", "output": "logs", "history": "log", "pause": "hold", "resume": "release",
    "workflows": "workflow list", "recipe": "workflow", "template": "workflow", "roles": "role list", "milestones": "milestone list",
    "kill": "stop", "unclaim": "stop", "why": "explain", "document": "docs", "summarize": "synthesize", "eta": "forecast",
    "predict": "forecast", "metrics": "stats", "statistics": "stats", "handover": "handoff show", "checkpoint": "handoff save",
    "memory": "context", "install": "init", "setup": "init",
}  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    if list(argv[:1]) == ["__complete"]:
        from gitbaton.cli.completion import print_completions

        return print_completions(argv[1] if len(argv) > 1 else "", argv[2:])
    as_json = "--json" in argv
    try:
        words, paging = _take_globals(list(argv))
    except BaseException as error:  # noqa: BLE001 the same boundary as for a command
        return _report(error, as_json=as_json)
    if not words or words[0] in ("-h", "--help", "help"):
        if len(words) > 1 and words[0] == "help" and not words[1].startswith("-"):
            return main([words[1], "--help"])
        _print_overview(everything="--all" in words, paging=paging and bool(words))
        return 0 if words else 2
    if words[0] in ("--version", "version"):
        print(f"baton {__version__}")
        return 0
    name, rest = words[0], words[1:]
    from gitbaton.cli.face import build_parser, carry_out

    try:
        command = _load(name, rest)
        arguments = build_parser(name, command).read_words(rest)
    except BaseException as error:  # noqa: BLE001 as above
        return _report(error, as_json=as_json)
    return carry_out(command, arguments, as_json=as_json, paging=paging)


def _print_overview(*, everything: bool, paging: bool) -> None:
    import sys

    from gitbaton.cli.helptext import render_overview

    text = render_overview(COMMANDS, () if everything else EVERYDAY)
    if sys.stdout.isatty():
        from gitbaton.cli.face import show

        show(text, paging=paging)
    else:
        print(text)


def _take_globals(words: list[str]) -> tuple[list[str], bool]:
    """The words from the command on, and whether long answers may be paged."""
    import os

    paging = True
    while words and words[0].startswith("--"):
        name, has_value, value = words[0].partition("=")
        if name == "--no-pager":
            paging = False
        elif name == "--color":
            value = value if has_value else words.pop(1) if len(words) > 1 else ""
            _choose_color(os.environ, value)
        else:
            break
        words = words[1:]
    return words, paging


def _choose_color(environment: MutableMapping[str, str], when: str) -> None:
    """Say it in the variables that this and other programs heed."""
    if when not in ("auto", "always", "never"):
        from gitbaton.errors import UsageError

        raise UsageError(f"--color takes no '{when}'", code="bad-value", hint="one of: auto, always, never")
    for variable, meant in (("NO_COLOR", "never"), ("FORCE_COLOR", "always")):
        if when == meant:
            environment[variable] = "1"
        else:
            environment.pop(variable, None)


def _report(error: BaseException, *, as_json: bool) -> int:
    from gitbaton.cli.face import report

    return report(error, as_json=as_json)


def _load(name: str, rest: Sequence[str]) -> Command:
    """The command of that name; its module is imported only now."""
    from importlib import import_module

    if name in COMMANDS:
        found: Command = import_module(f"gitbaton.cli.{COMMANDS[name].module}").COMMANDS[name]
        return found

    from gitbaton.errors import UsageError

    raise UsageError(f"there is no command '{name}'", code="unknown-command", hint=_find_meant(name, rest))


def _find_meant(name: str, rest: Sequence[str]) -> str:
    """What somebody probably wanted who typed ``name``."""
    import shlex

    from gitbaton.cli.last import is_task_here
    from gitbaton.domain.ids import find_similar

    if name.startswith("-"):
        return f"options come after the command: baton COMMAND {name}"
    meant = HABITS.get(name)
    said = " ".join(shlex.quote(word) for word in rest if word != "--json")
    if meant and meant.split()[0] in COMMANDS:
        return f"did you mean: baton {meant}{' ' + said if said and meant in COMMANDS else ''}?"
    if is_task_here(name):
        return f"that is a task: baton show {name}"
    first = name.split("-", maxsplit=1)[0]
    near = [first] if first in COMMANDS else find_similar(name, COMMANDS, 1)
    return (
        f"did you mean: baton {near[0]}{' ' + said if said else ''}?"
        if near
        else "see all commands with: baton help --all"
    )
