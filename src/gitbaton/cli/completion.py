"""Completion in the shell: ``baton completion SHELL`` prints a script, which asks ``baton __complete SHELL WORD …`` at
every Tab. That answer must be quick: it loads neither parsers nor models. What commands there are, with their flags
and values, is worked out once for each version and kept in the person's cache folder; names come from the checkout.
"""

from __future__ import annotations

import os

from gitbaton.cli.completion_spec import read_spec
from gitbaton.store.names import list_agents, list_documents, list_tasks
from gitbaton.store.stamp import find_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence
    from typing import Any

    from gitbaton.cli.face import Answer, Command
    from gitbaton.store.names import Known
    from gitbaton.store.stamp import Place

#: A completion: the word, and what it means.
Found = tuple[str, str]
FILES = ":files"
SHELLS = ("bash", "zsh", "fish")
#: Which tasks a command is about, by what the index knows: live statuses, or ``claimable``, ``finished``, ``tried``,
#: ``any``. All open ones for other commands.
_ABOUT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("claim", "run", "start"), ("claimable",)),
    **dict.fromkeys(("review", "accept", "reject"), ("in_review",)),
    **dict.fromkeys(("stop", "finish", "abandon"), ("in_progress", "needs_input")),
    **dict.fromkeys(("logs", "takeover"), ("tried",)),
    **dict.fromkeys(
        ("show", "explain", "log", "diff", "graph", "context", "handoff", "briefing", "rename", "rm"),
        ("any",),
    ),
    "answer": ("needs_input",),
    "retry": ("failed", "stopped", "closed", "needs_input", "changes_requested", "taken_over", "in_review"),
    "reopen": ("finished",),
}


def print_completions(shell: str, words: Sequence[str]) -> int:
    """Answer a shell: one line for each completion of the last word, with what it means behind a tab where the shell
    shows that; or ``:files``.
    """
    told = list(words)
    cut = ""
    if shell == "bash":  # the line up to the cursor, because bash cuts words at = and :
        told = split_line(words[0] if words else "")
        last = told[-1] if told else ""
        cut = last[: max(last.rfind("="), last.rfind(":")) + 1]
    for word, meaning in complete(told):
        said = word.removeprefix(cut)
        print(said if shell == "bash" or not meaning else f"{said}\t{meaning}")
    return 0


def split_line(line: str) -> list[str]:
    """The words of a command line that isn't finished, quotes taken off; the last one is being typed."""
    words, word, quote, begun = [], "", "", False
    for letter in line:
        if quote:
            if letter == quote:
                quote = ""
            else:
                word += letter
        elif letter in "'\"":
            quote, begun = letter, True
        elif letter.isspace():
            if begun:
                words.append(word)
            word, begun = "", False
        elif letter != "\\":
            word, begun = word + letter, True
    return [*words, word]


def complete(line: Sequence[str]) -> list[Found]:
    """The completions of the last of the words, of which the first (two, for ``git baton``) are the program."""
    words = list(line[1:])
    if line and os.path.basename(line[0]) == "git" and words[:1] == ["baton"]:
        words = words[1:]
    while len(words) > 1 and words[0].startswith("--"):
        words = words[2:] if words[0] == "--color" and len(words) > 2 else words[1:]
    if not words:
        return []
    if len(words) == 1:
        return _complete_command(words[0])
    name, *typed, now = words
    if name == "help":
        return _complete_command(now)
    spec = read_spec().get(name)
    if spec is None:
        return []
    place = find_place(os.environ)
    flags: dict[str, tuple[Any, str]] = spec["flags"]
    flag, has_value, value = now.partition("=")
    if now.startswith("--") and has_value:
        kind = flags.get(flag, (None, ""))[0]
        return [(f"{flag}={w}", m) for w, m in _complete_kind(kind, value, name, place) if w != FILES]
    at, waiting = _walk(typed, flags)
    if waiting is not None:
        return _complete_kind(waiting, now, name, place)
    if now.startswith("-"):
        return [(f, meaning) for f, (_, meaning) in flags.items() if f.startswith(now) and f.startswith("--")]
    values: list[Any] = spec["values"]
    kind = values[min(at, len(values) - 1)] if values and (at < len(values) or spec["repeats"]) else None
    if name == "config" and kind == "value":
        kind = spec["choices"].get(typed[-1])
    return _complete_kind(kind, now, name, place)


def _walk(typed: Sequence[str], flags: dict[str, tuple[Any, str]]) -> tuple[int, Any]:
    """How many values stand there already, and what kind of value the last word must be because of a flag."""
    at, waiting = 0, None
    for word in typed:
        if waiting is not None:
            waiting = None
        elif word.startswith("-") and word != "-":
            waiting = None if "=" in word else flags.get(word, (None, ""))[0]
        else:
            at += 1
    return at, waiting


def _complete_command(start: str) -> list[Found]:
    from gitbaton.cli import COMMANDS, GLOBAL_FLAGS

    if start.startswith("-"):
        return [(flag, "") for flag in ("--help", "--version", *GLOBAL_FLAGS) if flag.startswith(start)]
    return [(name, listed.summary) for name, listed in COMMANDS.items() if name.startswith(start)]


def _complete_kind(kind: Any, start: str, command: str, place: Place | None) -> list[Found]:
    """The completions of ``start`` as one of that kind."""
    if isinstance(kind, list | tuple):
        return _choose(kind, start)
    if kind == "file":
        return [(FILES, "")]
    if kind and kind.startswith("task|"):  # a word of its own, or else a task
        words = _choose(kind.split("|")[1:], start)
        return [*words, *(_complete_task(place, start, command) if place else ())]
    if place is None or not kind:
        return []
    if kind == "task":
        return _complete_task(place, start, command)
    if kind == "label":
        labels = {label for known in list_tasks(place, "").values() if known for label in known.labels}
        return _choose(sorted(labels), start)
    if kind == "agent":
        return _choose(list_agents(place), start)
    if kind == "field":
        return _complete_field(place, start)
    if kind == "role":
        return _choose(dict.fromkeys([*read_spec()["set"]["roles"], *list_documents(place, "roles")]), start)
    return _choose(list_documents(place, f"{kind}s"), start)


def _choose(words: Iterable[str], start: str) -> list[Found]:
    return [(word, "") for word in words if word.startswith(start) and not any(c.isspace() for c in word)]


def _complete_task(place: Place, start: str, command: str) -> list[Found]:
    tasks = list_tasks(place, start)
    fitting = {
        task: known for task, known in tasks.items() if known is None or _fits(known, _ABOUT.get(command))
    }
    found = [(task, known.title if known else "") for task, known in (fitting or tasks).items()]
    return [*found, ("last", "the task you had last")] if start and "last".startswith(start) else found


def _fits(known: Known, wanted: tuple[str, ...] | None) -> bool:
    if wanted is None:
        return not known.finished
    told = {
        "any": True,
        "claimable": known.claimable,
        "finished": known.finished,
        "tried": bool(known.status),
    }
    return known.status in wanted or any(told.get(word, False) for word in wanted)


def _complete_field(place: Place, start: str) -> list[Found]:
    """``FIELD=VALUE``, also ``LIST+=ITEM``."""
    spec = read_spec()["set"]
    name, has_value, value = start.partition("=")
    if not has_value:
        return [
            (f"{field}=", meaning) for field, meaning in spec["fields"].items() if field.startswith(start)
        ]
    field = name.rstrip("+-").replace("-", "_")
    kinds = {
        "depends_on": "task",
        "parent": "task",
        "labels": "label",
        "role": "role",
        "plan": "plan",
        "run.agent": "agent",
    }
    kind = spec["choices"].get(field) or kinds.get(field)
    return [(f"{name}={w}", m) for w, m in _complete_kind(kind, value, "set", place)]


# -- the command ---------------------------------------------------------------------------------------------------


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument("shell", choices=SHELLS, help="for which shell")


def _completion(a: argparse.Namespace) -> Answer:
    from gitbaton.cli.completion_scripts import SCRIPTS
    from gitbaton.cli.face import Answer
    from gitbaton.report.records import record

    script = SCRIPTS[a.shell]
    return Answer(record("completion", shell=a.shell, script=script), script.rstrip("\n"))


def _make_commands() -> dict[str, Command]:
    from gitbaton.cli.face import Command

    return {
        "completion": Command(
            "Print a script that completes commands, flags, ids and values at every Tab.",
            _configure,
            _completion,
            ("baton completion bash", "baton completion zsh", "baton completion fish"),
        )
    }


def __getattr__(name: str) -> Any:
    """``COMMANDS``, made when it is asked for: a Tab must not wait for what only the command needs."""
    if name == "COMMANDS":
        return _make_commands()
    raise AttributeError(name)
