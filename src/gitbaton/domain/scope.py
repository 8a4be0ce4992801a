"""Globs of paths, as task files and guards write them.

Paths are relative to the repository's top and have ``/``. ``*``, ``?`` and ``[…]`` stay within a segment,
``**`` spans segments. A glob that ends in a plain name also names everything below it (``src`` is ``src``
and ``src/**``), and so does one that ends in ``/``; ``src/*`` is what stands directly in ``src``. ``.`` is
everything. Folders may really be called ``[id]``, so a class also names its own text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_WILD = frozenset("*?[")
_DEEP = "**"
_TOKEN = re.compile(
    r"(?P<deep>\*\*+)|(?P<star>\*)|(?P<one>\?)|(?P<class>\[[!^]?.[^\]]*\])|(?P<plain>.)", re.DOTALL
)


@lru_cache(maxsize=4096)
def compile_glob(glob: str) -> re.Pattern[str]:
    """A regular expression whose ``fullmatch`` says whether the glob names a path."""
    segments, below = _split(glob)
    if not segments:
        return re.compile(".+", re.DOTALL)
    parts = [
        "(?:[^/]+/)*" if segment == _DEEP else _render_segment(segment) + "/" for segment in segments[:-1]
    ]
    parts.append(".+" if segments[-1] == _DEEP else _render_segment(segments[-1]))
    return re.compile("".join(parts) + ("(?:/.+)?" if below else ""), re.DOTALL)


def is_matched(path: str, globs: Iterable[str]) -> bool:
    """Whether ``path`` (relative, with ``/``) is named by one of ``globs``."""
    return any(compile_glob(g).fullmatch(path) for g in globs)


def globs_overlap(first: str, second: str) -> bool:
    """Whether two globs may name one file. Never says no when they do; errs on the side of yes only where
    wildcards meet within one segment, or ``**`` stands within one.
    """
    return _meet(_spread(first), _spread(second))


def find_beginning(glob: str) -> str:
    """What every path begins with that a glob names. Globs of which neither's beginning begins the other's name no
    file in common.
    """
    text = "/".join(part for part in glob.strip().split("/") if part not in ("", "."))
    return text[: min((at for sign in _WILD if (at := text.find(sign)) >= 0), default=len(text))]


def _split(glob: str) -> tuple[list[str], bool]:
    """The segments of a glob, and whether it also names what is below them."""
    text = glob.strip()
    segments = [part for part in text.split("/") if part not in ("", ".")]
    return segments, text.endswith("/") or not segments or not _WILD & set(segments[-1])


@lru_cache(maxsize=4096)
def _spread(glob: str) -> tuple[str, ...]:
    """Segments for comparing: whatever spans segments is ``**``, and so is what is below."""
    segments, below = _split(glob)
    spread = [_DEEP if _DEEP in segment else segment for segment in segments]
    return (*spread, _DEEP) if below else tuple(spread)


@lru_cache(maxsize=65536)
def _meet(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether some path fits both lists of segments (``**`` may stand for none)."""
    if not first or not second:
        return all(segment == _DEEP for segment in first + second)
    if first[0] == _DEEP:
        return _meet(first[1:], second) or _meet(first, second[1:])
    if second[0] == _DEEP:
        return _meet(second, first)
    return _segments_meet(first[0], second[0]) and _meet(first[1:], second[1:])


def _segments_meet(first: str, second: str) -> bool:
    """Whether one name may fit both segments: exact unless both have wildcards; then their beginnings up to
    the first wildcard and their ends after the last one decide.
    """
    first_is_wild, second_is_wild = bool(_WILD & set(first)), bool(_WILD & set(second))
    if not first_is_wild and not second_is_wild:
        return first == second
    if not first_is_wild or not second_is_wild:
        name, wild = (second, first) if first_is_wild else (first, second)
        return re.fullmatch(_render_segment(wild), name, re.DOTALL) is not None
    (head, tail), (other_head, other_tail) = _plain_ends(first), _plain_ends(second)
    return (head.startswith(other_head) or other_head.startswith(head)) and (
        tail.endswith(other_tail) or other_tail.endswith(tail)
    )


def _plain_ends(segment: str) -> tuple[str, str]:
    head = re.split(r"[*?\[]", segment, maxsplit=1)[0]
    return head, re.split(r"[*?\]]", segment)[-1]


def _render_segment(segment: str) -> str:
    """The regular expression of one segment."""
    out = []
    for token in _TOKEN.finditer(segment):
        match token.lastgroup:
            case "deep":
                out.append(".*")
            case "star":
                out.append("[^/]*")
            case "one":
                out.append("[^/]")
            case "class":
                out.append(_render_class(token[0]))
            case _:
                out.append(re.escape(token[0]))
    return "".join(out)


def _render_class(text: str) -> str:
    """The regular expression of ``[…]``. A range that runs backwards is empty."""
    body = text[1:-1]
    negated = len(body) > 1 and body[0] in "!^"
    body = body[1:] if negated else body
    items = []
    for low, high, single in re.findall(r"(.)-(.)|(.)", body, re.DOTALL):
        if single:
            items.append(re.escape(single))
        elif low <= high:
            items.append(f"{re.escape(low)}-{re.escape(high)}")
    members = "".join(items)
    rule = f"[^/{members}]" if negated else f"(?!/)[{members}]" if members else "(?!)"
    return f"(?:{rule}|{re.escape(text)})"
