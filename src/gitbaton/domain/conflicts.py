"""Conflict markers in files: whether all of them are gone, and what an agent is told about them. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.guards import ChangedFile


class Conflict(NamedTuple):
    """A file in which both sides stand between markers of ``size`` characters. ``dividers`` are the lines of so many
    equals signs that it has besides, as the line below a heading may be.
    """

    path: str
    size: int
    dividers: int


def find_conflict(path: str, data: bytes | None, sides: Sequence[str]) -> Conflict | None:
    """What a merge left in the file ``data``, or None: it holds no markers that name the commits ``sides``."""
    opened = _marker(sides[:1]).findall(data) if data else []
    if not data or not opened:
        return None
    size = len(opened[0])
    return Conflict(path, size, max(0, _count_dividers(data, size) - len(opened)))


def find_unresolved(
    conflicts: Iterable[Conflict], changes: Sequence[ChangedFile], sides: Sequence[str]
) -> tuple[str, ...]:
    """The files in which markers are left, wherever they stand by now; ``changes`` are those to what the merge left.
    Markers that name other commits are a file's own matter.
    """
    if not sides:
        return ()
    changed = {c.path: c.data for c in changes}
    marker = _marker(sides)
    found = {path for path, data in changed.items() if data and marker.search(data)}
    for conflict in conflicts:
        data = changed.get(conflict.path, b"") or b""
        if conflict.path not in changed or _count_dividers(data, conflict.size) > conflict.dividers:
            found.add(conflict.path)
    return tuple(sorted(found))


def _marker(sides: Sequence[str]) -> re.Pattern[bytes]:
    """The lines that begin or end a conflict between ``sides``."""
    names = b"|".join(re.escape(side.encode()) for side in sides)
    return re.compile(rb"^(<+|>+) (?:" + names + rb")", re.MULTILINE)


def _count_dividers(data: bytes, size: int) -> int:
    return len(re.findall(rb"^={%d}\r?$" % size, data, re.MULTILINE))


def render_conflicts(base: str, paths: Sequence[str]) -> str:
    """The section of a briefing that tells an agent to resolve what a merge of ``base`` left."""
    files = "\n".join(f"- `{path}`" for path in paths)
    return (
        "## Resolve these conflicts\n\n"
        f"The branch `{base}` has moved on. It is merged into your folder; in these files the two sides conflict:\n\n"
        f"{files}\n\n"
        f"Between `<<<<<<<` and `=======` stands what this task's work has, between `=======` and `>>>>>>>` what `{base}` "
        "has. Write what serves both, and take every marker out; the attempt fails while one is left. "
        "`git show HEAD^1:FILE` and `git show HEAD^2:FILE` show each side whole, `git log -p HEAD^1..HEAD^2 -- FILE` what "
        f"`{base}` changed, and why. All other files are merged already."
    )
