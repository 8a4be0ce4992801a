"""Texts with ``{{name}}`` in them, and conditions on what such names stand for."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What may stand between the braces, and so be the name of a parameter.
NAME = r"[A-Za-z][A-Za-z0-9_-]*"
_PLACE = re.compile(r"\{\{[ \t]*(" + NAME + r")[ \t]*\}\}")
_CONDITION = re.compile(rf"(?P<no>!)?\s*(?P<name>{NAME})\s*(?:(?P<how>==|!=)\s*(?P<value>.*\S))?", re.DOTALL)
#: Words by which people say that something is not wanted.
OFF = ("no", "false", "off", "0")


def iter_names(text: str) -> Iterator[str]:
    """The names that a text asks for, in its order."""
    yield from _PLACE.findall(text)


def fill_line(text: str, values: Mapping[str, str]) -> str | None:
    """``text`` as one line with the values filled in; None when one of them isn't set, or nothing is left."""
    filled = _fill(text, values)
    return (" ".join(filled.split()) or None) if filled is not None else None


def fill_text(text: str, values: Mapping[str, str]) -> str | None:
    """``text`` without the lines that name something that isn't set, and with the values filled in. A value of
    several lines stands as far to the right as the line it is put in. None when nothing is left.
    """
    lines = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        spread = {name: value.replace("\n", f"\n{indent}") for name, value in values.items()}
        filled = _fill(line, spread)
        if filled is not None:
            lines.append(filled)
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    return whole + "\n" * text.endswith("\n") if whole.strip() else None


def fill_command(text: str, values: Mapping[str, str]) -> str | None:
    """A shell command with each value quoted as one word, unless it is the whole command."""
    if _PLACE.fullmatch(text.strip()):
        return fill_line(text, values)
    return fill_line(text, {name: shlex.quote(value) for name, value in values.items()})


def _fill(text: str, values: Mapping[str, str]) -> str | None:
    if any(not values.get(name, "").strip() for name in iter_names(text)):
        return None
    return _PLACE.sub(lambda found: values[found[1]], text)


class Condition(NamedTuple):
    """``name``, ``!name``, ``name == value`` or ``name != value``."""

    name: str
    wanted: bool
    value: str | None = None

    def holds(self, values: Mapping[str, str]) -> bool:
        """Whether it does, for what is set."""
        given = values.get(self.name, "").strip()
        met = given == self.value if self.value is not None else bool(given) and given.lower() not in OFF
        return met is self.wanted

    @property
    def needs_it(self) -> bool:
        """Whether it holds only if its name stands for something."""
        return self.wanted


def parse_condition(text: str) -> Condition:
    """The condition that a text says. Raises ``ValueError`` with the reason."""
    found = _CONDITION.fullmatch(text.strip())
    if not found or (found["no"] and found["how"]):
        raise ValueError("a condition is: name, !name, name == value or name != value")
    value = found["value"]
    if value and len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    if value == "":
        raise ValueError(
            f"to ask whether it is set, write: {'' if found['how'] == '!=' else '!'}{found['name']}"
        )
    return Condition(found["name"], not found["no"] and found["how"] != "!=", value)
