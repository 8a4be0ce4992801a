"""Markdown that an agent wrote, to stand below headings of ours in a file of the repository. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_TICKS = re.compile(r"`+")
_HEADING = re.compile(r"^ {0,3}(#{1,6})(?:\s|$)")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+)\s*$")
_LINK = re.compile(r"\]\(\s*<?([^)\s>]*)|^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?\s*$", re.MULTILINE)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
#: All such files stand in a folder like this one, from which relative links start.
_FOLDER = "tasks/docs"


def judge_prose(text: str, place: str, level: int) -> Iterator[str]:
    """What is wrong with ``text``, which is to stand at ``place`` below headings of one level less than ``level``: what
    would break the file, what a reader would not see, links that lead out.
    """
    plain = _drop_code(text)
    if plain is None:
        yield f"{place}: a block of code is never closed"
        return
    lines = plain.splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        heading = _HEADING.match(line)
        underlined = bool(_UNDERLINE.match(line)) and bool(before.strip())
        if (heading and len(heading[1]) < level) or underlined:
            yield (
                f"{place}: the heading '{(before if underlined else line).strip()}' must begin with {'#' * level} or more"
                if level < 7
                else f"{place}: no headings here"
            )
    if "<!--" in plain:
        yield f"{place}: it has an HTML comment, which nobody sees who reads it"
    for found in _LINK.finditer(plain):
        target = found[1] or found[2] or ""
        if problem := _judge_link(target):
            yield f"{place}: the link to '{target}' {problem}"


def _drop_code(text: str) -> str | None:
    """``text`` without its blocks of code and code spans; None when a block isn't closed."""
    kept: list[str] = []
    ticks = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if ticks:
            if mark and mark[1].startswith(ticks) and not line.strip().strip(ticks[0]):
                ticks = ""
        elif mark:
            ticks = mark[1]
            kept.append("")
        else:
            kept.append(line)
    return None if ticks else "\n".join(map(_drop_spans, kept))


def _drop_spans(line: str) -> str:
    """``line`` without its code spans: from a run of ticks to the next one of the same length."""
    runs = [found.span() for found in _TICKS.finditer(line)]
    later: dict[int, list[tuple[int, int]]] = {}
    for start, end in reversed(runs):
        later.setdefault(end - start, []).append((start, end))
    kept, at = [], 0
    for start, end in runs:
        same = later[end - start]
        while same and same[-1][0] <= start:
            same.pop()
        if start >= at and same:
            kept.append(line[at:start])
            at = same[-1][1]
    return "".join([*kept, line[at:]])


def _judge_link(target: str) -> str | None:
    scheme = _SCHEME.match(target)
    if scheme:
        return None if scheme[0].lower() in ("https:", "http:", "mailto:") else "is not one to a page"
    path = target.partition("#")[0].partition("?")[0]
    if path.startswith(("/", "\\")):
        return "is not relative"
    whole = posixpath.normpath(posixpath.join(_FOLDER, path.replace("\\", "/")))
    return "leads out of the repository" if whole == ".." or whole.startswith("../") else None


def tidy_prose(text: str) -> str:
    """``text`` without blanks at the ends of lines, and without empty lines around it."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
