"""The words of ``--help``: the overview of all commands, and the help of one. The same on every version of Python,
and never wider than the terminal.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from gitbaton.cli import Listed

#: Wider lines are hard to read.
WIDTH = 100
_NAME_MAX = 24
_ROOM_MIN = 24
_MORE = (
    "baton COMMAND --help explains one command, with examples; with --json it answers for programs.",
    "An id may be shortened; `last` is the task you had last.",
    "Before the command: --no-pager, --color auto|always|never.",
)


def find_width() -> int:
    """How wide text for a person may be."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else WIDTH
    except (OSError, ValueError):
        columns = WIDTH
    return min(columns or WIDTH, WIDTH)


def render_overview(
    commands: Mapping[str, Listed], everyday: Collection[str] = (), width: int | None = None
) -> str:
    """All commands by group, or those for ``everyday`` alone."""
    width = width or find_width()
    usage = ["usage: baton COMMAND …", "(or: git baton COMMAND …)"]
    lines = ["        ".join(usage)] if width >= 54 else usage
    lines += ["", "Tasks for coding agents, kept in git."]
    shown = {name: listed for name, listed in commands.items() if not everyday or name in everyday}
    room = max(len(name) for name in shown) + 1
    for group in dict.fromkeys(listed.group for listed in shown.values()):
        mine = [(name, listed.summary) for name, listed in shown.items() if listed.group == group]
        lines += ["", f"{group}:", *_table(mine, width, room)]
    more = ["baton help --all lists every command."] if len(shown) < len(commands) else []
    return "\n".join([*lines, "", *(line for text in (*more, *_MORE) for line in wrap(text, width))])


def render_command(parser: argparse.ArgumentParser, examples: Sequence[str], width: int | None = None) -> str:
    """The help of one command, as its parser has it."""
    width = width or find_width()
    actions = [a for a in parser._actions if a.help != "==SUPPRESS=="]  # noqa: SLF001 argparse has no public list
    values = [(_name_value(a), _tell(a)) for a in actions if not a.option_strings]
    flags = [(_name_flag(a), _tell(a)) for a in actions if a.option_strings and a.dest != "help"]
    flags.append(("-h, --help", "show this help"))
    usage = f"usage: {parser.prog} {_name_call(actions)}"
    lines = [*wrap(usage, width, indent=7), ""]
    lines += [line for text in (parser.description or "").split("\n") for line in wrap(text, width)]
    for title, rows in (("arguments", values), ("options", flags)):
        if rows:
            lines += ["", f"{title}:", *_table(rows, width)]
    if examples:
        lines += ["", "examples:", *(f"  {example}" for example in examples)]
    return "\n".join(lines) + "\n"


def _name_call(actions: Iterable[argparse.Action]) -> str:
    words = []
    for action in actions:
        if action.option_strings:
            if action.required:
                words.append(_name_flag(action).rpartition(", ")[2])
        else:
            name = _name_value(action)
            words.append(f"[{name}]" if action.nargs in ("?", "*") else name)
    return " ".join([*words, "[OPTION …]"])


def _name_value(action: argparse.Action) -> str:
    name = action.metavar or action.dest.upper()
    if action.choices is not None and action.metavar is None:
        name = "|".join(map(str, action.choices))
    return f"{name} …" if action.nargs in ("*", "+") else str(name)


def _name_flag(action: argparse.Action) -> str:
    flags = ", ".join(action.option_strings)
    return flags if action.nargs == 0 else f"{flags} {_name_value(action)}"


def _tell(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")


def _table(rows: Sequence[tuple[str, str]], width: int, room: int | None = None) -> list[str]:
    """Names and what they mean, side by side, or one below the other where there is no place for that."""
    room = room or min(max(len(name) for name, _ in rows), _NAME_MAX) + 1
    if width - room - 3 < _ROOM_MIN:
        return [
            line
            for name, text in rows
            for line in (f"  {name}", *(f"      {part}" for part in wrap(text, width - 6)))
        ]
    lines = []
    for name, text in rows:
        parts = wrap(text, width - room - 3) or [""]
        if len(name) > room:
            lines.append(f"  {name}")
        else:
            lines.append(f"  {name:<{room}} {parts.pop(0)}".rstrip())
        lines += [f"  {'':<{room}} {part}" for part in parts]
    return lines


def wrap(text: str, width: int, *, indent: int = 0) -> list[str]:
    """``text`` in lines of at most ``width`` letters, where its words allow that."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line.strip() and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = " " * indent + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines
