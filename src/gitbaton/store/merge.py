"""Merging documents field by field: as git's merge driver, and wherever an edit meets somebody else's.

What only one side changed is that side's, comments and layout included: a document is cut into its top-level
fields, and each is taken from where it was changed. A field that both changed is merged by its value: sets as
sets, lists in order, texts by lines, mappings by their fields. What then is left is a conflict: both sides
stand between git's markers, so that neither is lost and ``validate`` points at them.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import BatonError, Refusal
from gitbaton.store.documents import edit_document
from gitbaton.store.git import Git
from gitbaton.store.layout import classify
from gitbaton.store.mergesheet import Sheet, cut_sheet
from gitbaton.store.mergevalues import GONE, is_same, join_parts, merge_values
from gitbaton.store.schemas import shape_for
from gitbaton.store.threeway import compare_three
from gitbaton.store.yamledit import Edit, RemoveField, SetField, edit_yaml, same_value
from gitbaton.store.yamlfile import VALUE, field_name, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gitbaton.store.threeway import Region
    from gitbaton.store.yamlfile import Shape

#: Comments, roughly: what stands in a text field counts, too, and does no harm.
_COMMENT = re.compile(r"(?:^|[ \t])#[ \t]*(\S[^\r\n]*)", re.MULTILINE)
_HUNK = re.compile(r"^<{7} ours\n(.*?)^={7}\n(.*?)^>{7} theirs\n", re.DOTALL | re.MULTILINE)
_MERGE_FILE_FAILED = 128  # below: the number of conflicts


class Merged(NamedTuple):
    """A merged text. ``conflicts`` names the fields whose two versions stand between markers in it; with none,
    the text is a document that says what both sides wanted.
    """

    text: bytes
    conflicts: tuple[str, ...] = ()


def merge_files(base: Path, ours: Path, theirs: Path, path: str) -> bool:
    """Merge into ``ours``, as a git merge driver does. ``path`` is the file's name in the repository. True when
    it merged without conflict. What can't be read as a document is merged by its lines.
    """
    if classify(path):
        try:
            merged = merge_documents(base.read_bytes(), ours.read_bytes(), theirs.read_bytes(), path)
        except BatonError:
            pass
        else:
            ours.write_bytes(merged.text)
            return not merged.conflicts
    lines = Git(ours.parent).run(
        "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", ours.name, str(base.resolve()), str(theirs.resolve())
    )  # fmt: skip
    if not 0 <= lines.code < _MERGE_FILE_FAILED:  # nothing was merged: ours stays as it is
        raise Refusal(
            f"{path} can't be merged by its lines: {lines.err.strip() or f'git ended with {lines.code}'}",
            code="not-mergeable",
            hint=f"choose a side: git checkout --ours (or --theirs) -- '{path}'",
        )
    ours.write_bytes(lines.out)
    return lines.code == 0


def merge_texts(base: bytes, ours: bytes, theirs: bytes, path: str) -> bytes | None:
    """The merged text, or None for a real conflict. Raises as ``merge_documents``."""
    merged = merge_documents(base, ours, theirs, path)
    return None if merged.conflicts else merged.text


def merge_documents(base: bytes, ours: bytes, theirs: bytes, path: str) -> Merged:
    """Merge two versions of a document. An empty ``base`` stands for a file that both sides added. Raises
    ``InvalidDocument`` when a side can't be read.
    """
    if theirs in (ours, base):
        return Merged(ours)
    if base == ours:
        return Merged(theirs)
    place = classify(path)
    shape = shape_for(place.kind) if place else VALUE
    values = [parse_yaml(t, path, shape).value if t.strip() else {} for t in (base, ours, theirs)]
    conflicts: list[tuple[str, ...]] = []
    wanted = merge_values(values[0], values[1], values[2], (), conflicts)
    ending = _choose_ending(base, ours, theirs)
    texts = [t.decode().removeprefix("\ufeff").replace("\r\n", "\n") for t in (base, ours, theirs)]
    found = _merge_sheets(texts, wanted, {c[0] for c in conflicts}, path, shape)
    if found is None and not conflicts:
        found = _splice(texts, values, wanted, path)
    if found is None:
        ends = [t if t.endswith("\n") else t + "\n" for t in texts]
        found = _mark(ends[1], ends[2]), ("",)
    text, clashing = found
    mark = "\ufeff" if ours.startswith(b"\xef\xbb\xbf") else ""
    named = [field_name(c) for c in conflicts] or [c or "the whole file" for c in clashing]
    return Merged((mark + text).replace("\n", ending).encode(), tuple(named) if clashing else ())


def _choose_ending(base: bytes, ours: bytes, theirs: bytes) -> str:
    """The line ending of the side that changed it; ours where in doubt."""
    was, mine, other = (b"\r\n" in text for text in (base, ours, theirs))
    return "\r\n" if (other if mine == was and base else mine) else "\n"


# -- texts -------------------------------------------------------------------------------------------------

#: A merged text, and the fields in it that stand between markers.
_Found = tuple[str, tuple[str, ...]]


def _merge_sheets(
    texts: Sequence[str], wanted: dict[str, Any], clashing: set[str], path: str, shape: Shape
) -> _Found | None:
    """The document put together from its fields. None when a side can't be cut into fields, when the whole
    doesn't say what its parts say, or when choosing a side would leave something unreadable.
    """
    old, mine, other = (cut_sheet(text, path) for text in texts)
    if old is None or mine is None or other is None:
        return None
    sheets = (old, mine, other)
    head, tail = (
        _merge_remarks(old.head, mine.head, other.head),
        _merge_remarks(old.tail, mine.tail, other.tail),
    )
    if head is None or tail is None:
        return None
    parts, marked = [head], []
    known = _comments(texts[0])
    for name in _order(old, mine, other):
        pieces = [sheet.fields.get(name) for sheet in sheets]
        part = _merge_piece(
            pieces, name, wanted.get(name, GONE), path, shape, clashes=name in clashing, known=known
        )
        if part is None:
            part = _mark_piece(*(p or "" for p in pieces))
            marked.append(name)
        if part:
            blanks = [sheet.blanks.get(name) for sheet in sheets]
            parts += [part, "\n" * _choose_blanks(*blanks)]
    text = "".join([*parts, tail])
    sound = (
        all(_is_readable(s, path, shape) for s in _settle(text))
        if marked
        else _says(text, wanted, path, shape)
    )
    return (text, tuple(marked)) if sound else None


def _order(old: Sheet, mine: Sheet, other: Sheet) -> list[str]:
    """Our order of the fields, theirs where only they changed it; what only one side has goes in after its
    predecessor there.
    """
    shared = [n for n in old.fields if n in mine.fields and n in other.fields]
    kept, theirs = ([n for n in side.fields if n in shared] == shared for side in (mine, other))
    first, second = (other, mine) if kept and not theirs else (mine, other)
    order = list(first.fields)
    at = 0
    for name in second.fields:
        if name in order:
            at = order.index(name) + 1
            continue
        while at < len(order) and order[at] not in second.fields and order[at] not in old.fields:
            at += 1  # behind what the other side put in at the same place
        order.insert(at, name)
        at += 1
    return order


def _choose_blanks(old: int | None, mine: int | None, other: int | None) -> int:
    if mine is None or other is None:
        return mine or other or 0
    return other if mine == old else mine


def _merge_piece(
    pieces: Sequence[str | None],
    name: str,
    wanted: object,
    path: str,
    shape: Shape,
    *,
    clashes: bool,
    known: Counter[str],
) -> str | None:
    """One field's text; empty when it goes, None for a conflict. ``known`` are all comments of the common base."""
    old, mine, other = pieces
    if other in (mine, old):
        return mine or ""
    if old == mine:
        return other or ""
    if clashes:
        return None
    if wanted is GONE or mine is None or other is None:
        added = _comments(mine or "") + _comments(other or "") - _comments(old or "")
        return _keep_moved(mine or other or "", added, known) if wanted is GONE else None
    lines = join_parts([r.merged for r in _compare_lines(old or "", mine, other)])
    if lines is not None and _says(lines, {name: wanted}, path, shape):
        return lines
    for first, second in ((mine, other), (other, mine)):
        try:
            text = edit_yaml(first.encode(), path, [SetField((name,), wanted)], shape=shape).decode()
        except BatonError:
            continue
        if not (_comments(second) - _comments(old or "") - _comments(text)):
            return text
    return None


def _keep_moved(text: str, added: Counter[str], known: Counter[str]) -> str | None:
    """What stays of a field that goes: comments that came to it because the field above them went, too. None where
    somebody wrote a new comment on it.
    """
    lines = [
        line for line in text.splitlines(keepends=True) if line.startswith("#") and _comments(line) & added
    ]
    return None if added - known or added - _comments("".join(lines)) else "".join(lines)


def _merge_remarks(old: str, mine: str, other: str) -> str | None:
    """Comments above and below all fields: both sides' are kept. None where something else is among them."""
    lines: list[str] = []
    for region in _compare_lines(old, mine, other):
        merged = region.merged
        if merged is None:
            merged = [*region.ours, *(x for x in region.theirs if x not in region.ours)]
            if any(line.strip() and not line.startswith("#") for line in merged):
                return None
        lines += merged
    return "".join(lines)


def _mark_piece(old: str, mine: str, other: str) -> str:
    regions = _compare_lines(old, mine, other)
    if all(r.merged is not None for r in regions):
        return _mark(mine, other)
    return "".join(
        "".join(r.merged) if r.merged is not None else _mark("".join(r.ours), "".join(r.theirs))
        for r in regions
    )


def _mark(mine: str, other: str) -> str:
    return f"<<<<<<< ours\n{mine}=======\n{other}>>>>>>> theirs\n"


def _settle(text: str) -> list[str]:
    """The text with every conflict decided for us, and for them."""
    return [_HUNK.sub(rf"\{side}", text) for side in (1, 2)]


def _is_readable(text: str, path: str, shape: Shape) -> bool:
    try:
        parse_yaml(text.encode(), path, shape)
    except BatonError:
        return False
    return True


def _compare_lines(*texts: str) -> list[Region]:
    return compare_three(*(text.splitlines(keepends=True) for text in texts))


def _says(text: str, wanted: dict[str, Any], path: str, shape: Shape) -> bool:
    try:
        return same_value(parse_yaml(text.encode(), path, shape).value if text.strip() else {}, wanted)
    except BatonError:
        return False


def _comments(text: str) -> Counter[str]:
    return Counter(found.rstrip() for found in _COMMENT.findall(text))


def _splice(
    texts: Sequence[str], values: Sequence[dict[str, Any]], wanted: dict[str, Any], path: str
) -> _Found | None:
    """One side's text with the other's changes put in: for documents that can't be cut into fields. None where
    that would lose a comment.
    """
    place = classify(path)
    for first, second in ((1, 2), (2, 1)):
        edits: list[Edit] = [
            SetField((n,), v) for n, v in wanted.items() if not is_same(v, values[first].get(n, GONE))
        ]
        edits += [RemoveField((n,)) for n in values[first] if n not in wanted]
        data = texts[first].encode()
        text = (
            edit_document(data, path, place.kind, edits) if place else edit_yaml(data, path, edits)
        ).decode()
        if not (_comments(texts[second]) - _comments(texts[0]) - _comments(text)):
            return text, ()
    return None
