"""Globs of paths, as task files and guards write them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


@lru_cache(maxsize=1024)
def compile_glob(glob: str) -> re.Pattern[str]:
    """A regular expression for a glob over paths with ``/``: ``*`` and ``?`` stay within a segment, ``**``
    spans segments, ``[…]`` is a character class; a glob without wildcards also names everything below it
    (``src`` is ``src/**``).
    """
    text = glob.strip().removeprefix("./").rstrip("/")
    out, i = [], 0
    while i < len(text):
        if text.startswith("**/", i) and (i == 0 or text[i - 1] == "/"):
            out.append("(?:[^/]+/)*")
            i += 3
        elif text.startswith("**", i):
            out.append(".*")
            i += 2
        elif text[i] == "*":
            out.append("[^/]*")
            i += 1
        elif text[i] == "?":
            out.append("[^/]")
            i += 1
        elif text[i] == "[" and (end := text.find("]", i + 2)) > 0:
            body = text[i + 1 : end].replace("\\", r"\\")
            out.append("[" + ("^" + body[1:] if body[0] in "!^" else body) + "]")
            i = end + 1
        else:
            out.append(re.escape(text[i]))
            i += 1
    try:
        return re.compile("".join(out) + "(?:/.*)?", re.DOTALL)
    except re.error:  # a class like [z-a]: nothing but the very same name fits
        return re.compile(re.escape(text))


def is_matched(path: str, globs: Iterable[str]) -> bool:
    """Whether ``path`` (relative, with ``/``) is named by one of ``globs``."""
    return any(compile_glob(g).fullmatch(path) for g in globs)


def globs_overlap(first: str, second: str) -> bool:
    """Whether two globs may name one file. Errs on the side of yes: where both have wildcards, only the
    folders before the first wildcard are compared.
    """
    a, b = _fixed_folders(first), _fixed_folders(second)
    if a.exact and b.exact:
        return is_matched(first.rstrip("/"), [second]) or is_matched(second.rstrip("/"), [first])
    shorter = min(len(a.segments), len(b.segments))
    return a.segments[:shorter] == b.segments[:shorter]


class _Folders(NamedTuple):
    segments: list[str]
    exact: bool  # the glob has no wildcard


def _fixed_folders(glob: str) -> _Folders:
    segments: list[str] = []
    for part in glob.strip().removeprefix("./").split("/"):
        if any(c in part for c in "*?["):
            return _Folders(segments, exact=False)
        if part:
            segments.append(part)
    return _Folders(segments, exact=True)
