"""The merge driver: two versions of a document are merged field by field.

git calls it with three files. A field that only one side changed takes that side; both sides' changes of
a set (labels, dependencies, paths) are both kept; a real conflict leaves git's own markers around the lines,
so that neither side is lost and ``validate`` points at them.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from gitbaton.errors import BatonError
from gitbaton.store.documents import edit_document
from gitbaton.store.layout import classify
from gitbaton.store.schemas import shape_for
from gitbaton.store.yamledit import Edit, RemoveField, SetField, edit_yaml
from gitbaton.store.yamlfile import VALUE, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

_SETS = ("depends_on", "labels", "paths", "context", "tasks")
_GONE = object()


def merge_files(base: Path, ours: Path, theirs: Path, path: str) -> bool:
    """Merge into ``ours``, as a git merge driver does. ``path`` is the file's name in the repository. True when
    it merged without conflict.
    """
    try:
        merged = merge_texts(base.read_bytes(), ours.read_bytes(), theirs.read_bytes(), path)
    except BatonError:
        merged = None  # one side can't be read as a document: lines are all there is
    if merged is not None:
        ours.write_bytes(merged)
        return True
    done = subprocess.run(
        ["git", "merge-file", "-L", "ours", "-L", "base", "-L", "theirs", str(ours), str(base), str(theirs)], check=False
    )  # fmt: skip
    return done.returncode == 0


def merge_texts(base: bytes, ours: bytes, theirs: bytes, path: str) -> bytes | None:
    """The merged text: ours, with theirs' changes spliced in. None for a real conflict; raises
    ``InvalidDocument`` when a side can't be read.
    """
    place = classify(path)
    shape = shape_for(place.kind) if place else VALUE
    old, mine, other = (parse_yaml(text, path, shape).value for text in (base, ours, theirs))
    edits = _merge_mapping(old, mine, other, ())
    if edits is None:
        return None
    if not edits:
        return ours
    return edit_document(ours, path, place.kind, edits) if place else edit_yaml(ours, path, edits)


def _merge_mapping(
    old: dict[str, Any], mine: dict[str, Any], other: dict[str, Any], at: tuple[str, ...]
) -> list[Edit] | None:
    edits: list[Edit] = []
    for name in dict.fromkeys([*other, *old]):
        before, a, b = (d.get(name, _GONE) for d in (old, mine, other))
        field = (*at, name)
        if _equal(b, before) or _equal(a, b):
            continue
        if _equal(a, before):
            edits.append(RemoveField(field) if b is _GONE else SetField(field, b))
        elif isinstance(a, dict) and isinstance(b, dict):
            inner = _merge_mapping(before if isinstance(before, dict) else {}, a, b, field)
            if inner is None:
                return None
            edits += inner
        elif name in _SETS and not at and isinstance(a, list) and isinstance(b, list):
            was = before if isinstance(before, list) else []
            merged = [x for x in a if not (x in was and x not in b)] + [
                x for x in b if x not in was and x not in a
            ]
            edits.append(SetField(field, merged))
        elif (
            isinstance(a, list)
            and isinstance(b, list)
            and _only_appended(before, a)
            and _only_appended(before, b)
        ):
            was = before if isinstance(before, list) else []
            edits.append(SetField(field, [*a, *(x for x in b[len(was) :] if x not in a)]))
        else:
            return None
    return edits


def _equal(a: object, b: object) -> bool:
    return a is b or (a is not _GONE and b is not _GONE and type(a) is type(b) and a == b)


def _only_appended(before: object, now: list[Any]) -> bool:
    was = before if isinstance(before, list) else []
    return now[: len(was)] == was
