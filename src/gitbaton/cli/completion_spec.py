"""What commands take, for completing it: flags, and what kind of value stands where. It is worked out once from the
parsers and kept in the person's cache folder; a changed command line has another file there.
"""

from __future__ import annotations

import os
import zlib

from gitbaton.store.stamp import MARK, read_kept, write_kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def read_spec() -> dict[str, Any]:
    """The flags and values of every command, as kept, else worked out and kept."""
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    here = os.path.dirname(__file__)
    stamp = sum(entry.stat().st_mtime_ns for entry in os.scandir(here) if entry.name.endswith(".py"))
    file = os.path.join(folder, "gitbaton", f"completion-{MARK}-{zlib.crc32(f'{here}:{stamp}'.encode()):08x}")
    kept: dict[str, Any] | None = read_kept(file)
    if kept is None:
        kept = build_spec()
        write_kept(file, kept)
    return kept


def build_spec() -> dict[str, Any]:
    """By command: ``flags`` (what kind of value each takes, and its meaning), ``values`` (kinds, by place), whether the
    last one ``repeats``.
    """
    from importlib import import_module

    from gitbaton.cli import COMMANDS
    from gitbaton.cli.face import build_parser

    spec: dict[str, Any] = {}
    for name, listed in COMMANDS.items():
        parser = build_parser(name, import_module(f"gitbaton.cli.{listed.module}").COMMANDS[name])
        flags: dict[str, tuple[Any, str]] = {}
        values, repeats = [], False
        for action in parser._actions:  # noqa: SLF001 argparse has no public list of them
            if action.option_strings:
                kind = None if action.nargs == 0 else _find_kind(action)
                meaning = " ".join((action.help or "").replace("%%", "%").split())
                flags |= dict.fromkeys(action.option_strings, (kind, meaning))
            else:
                values.append(_find_kind(action))
                repeats = action.nargs in ("*", "+")
        spec[name] = {"flags": flags, "values": values, "repeats": repeats}
    for name, kind in (("set", "task"), ("config", "config")):
        spec[name] |= _list_fields(kind)
    from gitbaton.store.library import read_builtin
    from gitbaton.store.roles import builtin_roles

    spec["set"]["roles"] = list(builtin_roles())
    spec["role"]["values"][1] = list(builtin_roles())
    spec["workflow"]["values"][1] = list(read_builtin("workflows"))
    spec["config"]["values"][1:] = [list(spec["config"]["fields"]), "value"]
    return spec


def _find_kind(action: argparse.Action) -> Any:
    """What can stand there: a list of words, or a kind; "" for text of any kind."""
    from typing import get_args

    from gitbaton.cli.face import takes_task
    from gitbaton.domain.board import EffectiveState
    from gitbaton.domain.choices import PRIORITIES

    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if takes_task(action) or action.metavar == "TASK[/N]":
        return "task"
    if action.dest == "action":
        return f"task|{action.metavar}"
    if action.metavar in ("FILE", "FOLDER", "PATH"):
        return "file"
    if action.metavar == "FIELD=VALUE":
        return "field"
    known: dict[str, Any] = {
        "state": list(get_args(EffectiveState)),
        "level": list(PRIORITIES),
        "priority": list(PRIORITIES),
    }
    if action.dest in known:
        return known[action.dest]
    return (
        action.dest.removeprefix("only_")
        if action.dest.removeprefix("only_") in ("plan", "role", "agent", "label")
        else ""
    )


def _list_fields(kind: str) -> dict[str, Any]:
    """The dotted fields of a kind of document with their meanings, and the words that some choose from."""
    from gitbaton.store.schemas import read_schema

    schema = read_schema(kind)
    fields: dict[str, str] = {}
    choices: dict[str, list[str]] = {}

    def visit(node: dict[str, Any], above: str) -> None:
        for name, part in node.get("properties", {}).items():
            options = [_resolve(o) for o in _resolve(part).get("anyOf", [_resolve(part)])]
            words = [str(w) for o in options for w in o.get("enum", ()) if w is not None]
            inner = next((o for o in options if o.get("properties")), None)
            if inner is not None:
                visit(inner, f"{above}{name}.")
            elif name != "version":
                fields[above + name] = str(_resolve(part).get("description", ""))
                if words:
                    choices[above + name] = words

    def _resolve(node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        return {
            **schema["$defs"][node["$ref"].rsplit("/", 1)[-1]],
            **{k: v for k, v in node.items() if k != "$ref"},
        }

    visit(schema, "")
    return {"fields": fields, "choices": choices}
