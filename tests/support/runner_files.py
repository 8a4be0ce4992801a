"""How a step talks to GitHub's runner: the files it appends to and the commands it prints.

The forms are those of "Workflow commands for GitHub Actions" in GitHub's documentation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

Level = Literal["error", "warning", "notice", "debug"]
LEVELS: tuple[Level, ...] = ("error", "warning", "notice", "debug")

_COMMAND = re.compile(r"\s*::(?P<name>[a-z-]+)(?: (?P<properties>.*?))?::(?P<text>.*)")


class Annotation(NamedTuple):
    """A ``::error file=…,line=…::text`` line. Lines and columns as the step wrote them; 0 = none given."""

    level: Level
    text: str
    file: str = ""
    line: int = 0
    column: int = 0
    title: str = ""


class RunnerFileError(Exception):
    """A file that GitHub's runner would refuse, which fails the step."""


@dataclass
class StepLog:
    """What a step printed. ``lines`` has no commands in it and masked values as ``***``."""

    annotations: list[Annotation] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def parse_assignments(text: str) -> dict[str, str]:
    """``name=value`` lines and ``name<<MARK … MARK`` blocks, as in ``$GITHUB_OUTPUT``. Raises
    :class:`RunnerFileError` for what the runner refuses.
    """
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip():
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, _, mark = line.partition("<<")
            found[name] = _read_block(lines, mark)
            continue
        name, assigned, value = line.partition("=")
        if not assigned or not name:
            raise RunnerFileError(f"Invalid format '{line}'")
        found[name] = value
    return found


def _read_block(lines: Iterator[str], mark: str) -> str:
    block: list[str] = []
    for line in lines:
        if line == mark:
            return "\n".join(block)
        block.append(line)
    raise RunnerFileError(f"Matching delimiter not found '{mark}'")


def read_log(text: str, masks: list[str]) -> StepLog:
    """Take a step's output apart. ``masks`` are values to hide from its beginning on."""
    log = StepLog(masks=list(masks))
    stopped = ""
    for line in text.splitlines():
        if stopped:
            if line.strip() == f"::{stopped}::":
                stopped = ""
            else:  # shown as it is
                log.lines.append(hide(line, log.masks))
            continue
        command = _COMMAND.fullmatch(line)
        if command is None:
            log.lines.append(hide(line, log.masks))
            continue
        name, said = command["name"], _decode(command["text"])
        if name in LEVELS:
            log.annotations.append(_read_annotation(name, hide(said, log.masks), command["properties"] or ""))
        elif name == "add-mask":
            log.masks.append(said)
        elif name == "stop-commands":
            stopped = said
        else:  # groups and whatever comes later: shown, without effect
            log.lines.append(hide(line, log.masks))
    return log


def hide(text: str, masks: list[str]) -> str:
    """``text`` as a log shows it."""
    for mask in sorted(filter(None, masks), key=len, reverse=True):
        text = text.replace(mask, "***")
    return text


def _read_annotation(name: str, text: str, properties: str) -> Annotation:
    given: dict[str, str] = {}
    for pair in filter(None, properties.split(",")):
        key, _, value = pair.partition("=")
        given[key.strip()] = _decode(value, more=True)
    return Annotation(
        cast("Level", name),
        text,
        given.get("file", ""),
        int(given.get("line") or 0),
        int(given.get("col") or 0),
        given.get("title", ""),
    )


def _decode(text: str, *, more: bool = False) -> str:
    """Undo the escapes of commands; properties escape ``:`` and ``,`` too (``more``)."""
    pairs = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if more else []), ("%25", "%")]
    for escape, character in pairs:
        text = text.replace(escape, character)
    return text
