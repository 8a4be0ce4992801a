"""Three versions of a document's value merged: sets as sets, lists in order, texts by lines, mappings by fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gitbaton.store.threeway import compare_three
from gitbaton.store.yamledit import same_value

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Top-level lists whose order means nothing.
_SETS = ("depends_on", "labels", "paths", "context", "tasks")
#: The value of a field that is not there.
GONE = object()
_Field = tuple[str, ...]


def merge_values(old: Any, mine: Any, other: Any, at: _Field, conflicts: list[_Field]) -> Any:
    """The merged value of the field ``at`` (``GONE`` = it goes). Where there is none: our own, and an entry in
    ``conflicts``.
    """
    if is_same(mine, other) or is_same(old, other):
        return mine
    if is_same(old, mine):
        return other
    if isinstance(mine, dict) and isinstance(other, dict):
        was = old if isinstance(old, dict) else {}
        fields = {
            name: merge_values(
                was.get(name, GONE), mine.get(name, GONE), other.get(name, GONE), (*at, name), conflicts
            )
            for name in dict.fromkeys([*mine, *other])
        }
        return {name: value for name, value in fields.items() if value is not GONE}
    if isinstance(mine, list) and isinstance(other, list):
        before = old if isinstance(old, list) else []
        is_set = len(at) == 1 and at[0] in _SETS
        items = _merge_sets(before, mine, other) if is_set else _merge_lists(before, mine, other)
        if items is not None:
            return items or GONE
    if isinstance(mine, str) and isinstance(other, str) and isinstance(old, str):
        regions = compare_three(*(text.splitlines(keepends=True) for text in (old, mine, other)))
        if (text := join_parts([r.merged for r in regions])) is not None:
            return text
    conflicts.append(at)
    return mine


def is_same(one: object, other: object) -> bool:
    """Equality of values, of which either may be ``GONE``."""
    return one is other or (one is not GONE and other is not GONE and same_value(one, other))


def join_parts(parts: Sequence[list[str] | None]) -> str | None:
    """The lines of all parts; None if one of them is missing."""
    return None if None in parts else "".join(line for part in parts for line in part or ())


def _merge_sets(was: list[Any], mine: list[Any], other: list[Any]) -> list[Any]:
    kept = [x for x in mine if not (x in was and x not in other)]
    return kept + [x for x in other if x not in was and x not in mine]


def _merge_lists(was: list[Any], mine: list[Any], other: list[Any]) -> list[Any] | None:
    """Both sides' additions, ours first where they meet; None where both changed the same items."""
    found: list[str] = []
    texts = ([json.dumps(item, sort_keys=True) for item in side] for side in (was, mine, other))
    for region in compare_three(*texts):
        merged = region.merged
        if merged is None and not region.base:
            merged = [*region.ours, *(x for x in region.theirs if x not in region.ours)]
        if merged is None:
            return None
        found += merged
    return [json.loads(item) for item in found]
