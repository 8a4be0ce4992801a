"""The merge driver: two versions of a document are merged field by field.

git calls it with three files. Where a merge of lines gives the same fields as a merge of fields, it is taken,
because it keeps everybody's layout. Else ours is taken, with theirs' fields spliced in: a field that only
one side changed takes that side; both sides' changes of a set (labels, dependencies, paths) are both kept.
A real conflict leaves git's own markers, so that neither side is lost and ``validate`` points at them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from gitbaton.errors import BatonError
from gitbaton.store.documents import edit_document
from gitbaton.store.git import Git
from gitbaton.store.layout import classify
from gitbaton.store.schemas import shape_for
from gitbaton.store.yamledit import Edit, RemoveField, SetField, edit_yaml
from gitbaton.store.yamlfile import VALUE, parse_yaml

if TYPE_CHECKING:
    from pathlib import Path

_SETS = ("depends_on", "labels", "paths", "context", "tasks")
_GONE = object()
#: Comments, roughly: what stands in a text field counts, too, and does no harm.
_COMMENT = re.compile(rb"(?:^|[ \t])#[ \t]*(\S[^\r\n]*)", re.MULTILINE)


def merge_files(base: Path, ours: Path, theirs: Path, path: str) -> bool:
    """Merge into ``ours``, as a git merge driver does. ``path`` is the file's name in the repository. True when
    it merged without conflict.
    """
    old, mine, other = base.read_bytes(), ours.read_bytes(), theirs.read_bytes()
    lines = Git(ours.parent).run(
        "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", ours.name, str(base.resolve()), str(theirs.resolve())
    )  # fmt: skip
    clean = lines.code == 0
    try:
        fields = _splice(old, mine, other, path)
        if fields is not None and clean and _read(lines.out, path) == _read(fields, path):
            ours.write_bytes(lines.out)
            return True
        if (merged := merge_texts(old, mine, other, path)) is not None:
            ours.write_bytes(merged)
            return True
        clean = False  # where the lines don't touch, the fields do: one key twice, say
        conflict = _mark(mine, other) if lines.code == 0 else lines.out
    except BatonError:  # one side can't be read as a document: lines are all there is
        conflict = lines.out
    if lines.code < _MERGE_FILE_FAILED:
        ours.write_bytes(conflict)
    return clean


_MERGE_FILE_FAILED = 128  # below: the number of conflicts


def _mark(mine: bytes, other: bytes) -> bytes:
    """Both texts whole, between git's markers."""
    ends = [text if text.endswith((b"\n", b"\r")) else text + b"\n" for text in (mine, other)]
    return b"<<<<<<< ours\n" + ends[0] + b"=======\n" + ends[1] + b">>>>>>> theirs\n"


def merge_texts(base: bytes, ours: bytes, theirs: bytes, path: str) -> bytes | None:
    """The merged text: ours with theirs' fields, or theirs with ours' where only that keeps all comments. None
    for a real conflict; raises ``InvalidDocument`` when a side can't be read. An empty ``base`` stands for a
    file that both sides added.
    """
    for first, second in ((ours, theirs), (theirs, ours)):
        merged = _splice(base, first, second, path)
        if merged is None or not (_comments(second) - _comments(base) - _comments(merged)):
            return merged
    return None


def _splice(base: bytes, ours: bytes, theirs: bytes, path: str) -> bytes | None:
    edits = _merge_mapping(_read(base, path), _read(ours, path), _read(theirs, path), ())
    if not edits:
        return None if edits is None else ours
    place = classify(path)
    return edit_document(ours, path, place.kind, edits) if place else edit_yaml(ours, path, edits)


def _read(text: bytes, path: str) -> dict[str, Any]:
    place = classify(path)
    return parse_yaml(text, path, shape_for(place.kind) if place else VALUE).value if text.strip() else {}


def _comments(text: bytes) -> Counter[bytes]:
    return Counter(found.rstrip() for found in _COMMENT.findall(text))


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
