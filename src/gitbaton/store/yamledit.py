"""Edits one YAML file by the smallest change of its text

An edit is a pure function on values; the difference between old and new value becomes a few single
changes (set, insert, delete one value), each spliced into the text at the parser's marks. After each
the text is read again: if it does not say exactly what it should, another way to write the change is
tried, and if none is right nothing is changed.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import InvalidDocument, Problem, Refusal
from gitbaton.store.yamlfile import VALUE, Shape, YamlFile, field_name, parse_tree
from gitbaton.store.yamlshape import as_read
from gitbaton.store.yamlsplice import Change, Delete, Insert, Layout, Replace, splice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence


class SetField(NamedTuple):
    """Give a field a value; it and the mappings above it are created where they are missing."""

    field: tuple[str | int, ...]
    value: object


class RemoveField(NamedTuple):
    """Remove a field or a list's item; nothing happens if it is missing."""

    field: tuple[str | int, ...]


class AddItem(NamedTuple):
    """Append to a list, which is created if it is missing; nothing happens if it holds an equal scalar."""

    field: tuple[str | int, ...]
    item: object


class RemoveItem(NamedTuple):
    """Remove every equal item of a list, and the field with the last one."""

    field: tuple[str | int, ...]
    item: object


Edit = SetField | RemoveField | AddItem | RemoveItem


def edit_yaml(
    data: bytes,
    path: str,
    edits: Sequence[Edit],
    *,
    order: Sequence[str] = (),
    shape: Shape = VALUE,
    spaced: Collection[str] = (),
) -> bytes:
    """The file's bytes after ``edits``, applied in order; all bytes that no edit needs to change stay.

    A missing top-level field goes in after its nearest predecessor in ``order``; the fields named in
    ``spaced`` stay, or are put, between blank lines. ``path`` is for messages, ``shape`` as for
    ``parse_yaml``.

    Raises ``InvalidDocument`` if the file cannot be read and ``Refusal``: ``edit-impossible`` if an edit
    makes no sense for the file's values, ``edit-refused`` if the text is written in a way that cannot be
    edited safely, ``not-storable`` for values that no file can hold.
    """
    file = _File(data, path, shape, Layout(tuple(order), frozenset(spaced)))
    for edit in edits:
        file.apply(edit)
    return (codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b"") + file.text.encode()


class _File:
    """The text of one file while it is edited, and the tree that was read from it."""

    def __init__(self, data: bytes, path: str, shape: Shape, layout: Layout) -> None:
        self._path = path
        self._shape = shape
        self._layout = layout
        self.text, self._tree = parse_tree(data, path, shape)

    def apply(self, edit: Edit) -> None:
        old = self._tree.value
        wanted = apply_edit(old, _typed(edit, self._shape), self._path)
        for change in _differences(old, wanted, ()):
            self._make(change)
        if not same_value(self._tree.value, wanted):
            raise self._refusal(edit.field)

    def _make(self, change: Change) -> None:
        """Take the first way of writing a change that reads back as it should."""
        wanted = _changed(self._tree.value, change)
        try:
            for candidate in splice(self.text, self._tree, change, self._layout):
                if self._take(candidate, wanted):
                    return
        except LookupError:
            pass  # the text is laid out in a way that the marks of its tree do not tell
        raise self._refusal(change.field)

    def _take(self, candidate: str, wanted: object) -> bool:
        try:
            text, tree = parse_tree(candidate.encode(), self._path, self._shape)
        except InvalidDocument as error:
            if error.problems[0].code == "too-large":
                raise Refusal(f"{self._path} would grow too large", code="edit-impossible") from None
            return False
        if not same_value(tree.value, wanted):
            return False
        self.text, self._tree = text, tree
        return True

    def _refusal(self, field: Sequence[str | int]) -> Refusal:
        line, column = YamlFile(self._path, self._tree.value, self.text).position(field)
        name = field_name(field)
        said = f"{name or 'the file'} is written in a way that cannot be changed safely"
        return Refusal(
            f"{self._path}: {said}",
            code="edit-refused",
            hint=f"nothing was changed; edit {self._path} by hand",
            problems=[Problem(self._path, line, column, name, "edit-refused", said)],
        )


def apply_edit(value: Mapping[str, Any], edit: Edit, path: str = "") -> dict[str, Any]:
    """The document's value after ``edit``; ``value`` itself stays as it is.

    Raises ``Refusal`` (``edit-impossible``) where a field on the way is no mapping or list.
    """
    copy: dict[str, Any] = _plain(value)
    if not edit.field:
        raise Refusal("an edit needs a field", code="edit-impossible")
    last = edit.field[-1]
    parent = _parent(copy, edit.field, path, create=isinstance(edit, SetField | AddItem))
    match edit:
        case SetField(_, new):
            parent[last] = _plain(new)
        case RemoveField() if parent is not None:
            del parent[last]
        case AddItem(field, item):
            items = _items(parent, field, path)
            new = _plain(item)
            if isinstance(new, dict | list) or not any(same_value(new, one) for one in items):
                parent[last] = [*items, new]
        case RemoveItem(field, item) if parent is not None:
            new = _plain(item)
            kept = [one for one in _items(parent, field, path) if not same_value(new, one)]
            if kept:
                parent[last] = kept
            elif parent[last]:
                del parent[last]
        case _:
            pass  # what is missing needs no removing
    return copy


def _typed(edit: Edit, shape: Shape) -> Edit:
    """The edit with its value as it will read: a number for a text field is text."""
    match edit:
        case SetField(field, value):
            return SetField(field, as_read(_plain(value), shape.inside(field)))
        case AddItem(field, item) | RemoveItem(field, item):
            return type(edit)(field, as_read(_plain(item), shape.inside((*field, 0))))
        case RemoveField():
            return edit


def same_value(one: object, other: object) -> bool:
    """Equality that tells 1 from 1.0 and from true, but not the order of a mapping's keys."""
    return _canonical(one) == _canonical(other)


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _plain(value: Any) -> Any:
    """A copy made of dict, list and JSON scalars only. Raises ``TypeError`` for anything else."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    raise TypeError(f"{type(value).__name__} is no value of a YAML document: {value!r}")


def _impossible(path: str, field: Sequence[str | int], said: str) -> Refusal:
    return Refusal(
        f"{path}: {field_name(field)} {said}", code="edit-impossible", hint=f"see what {path} holds"
    )


def _parent(document: Any, field: Sequence[str | int], path: str, *, create: bool) -> Any:
    """The mapping or list that holds the last part of ``field``; None if anything on the way is missing.
    With ``create`` mappings on the way come into being, and the last part need not be there yet.
    """
    here = document
    for i, part in enumerate(field):
        if isinstance(part, int):
            if not isinstance(here, list):
                raise _impossible(path, field[:i], "is no list")
            present = 0 <= part < len(here)
            if create and not present:
                raise _impossible(path, field[: i + 1], "does not exist")
        else:
            if not isinstance(here, dict):
                raise _impossible(path, field[:i], "holds no fields")
            present = part in here
        if i == len(field) - 1:
            return here if present or create else None
        below = here[part] if present else None
        if below is None:
            if not create:
                return None
            below = here[part] = {}
        here = below
    return None


def _items(parent: Any, field: Sequence[str | int], path: str) -> list[Any]:
    """The list under the last part of ``field``; empty where there is nothing."""
    last = field[-1]
    items = parent.get(last) if isinstance(parent, dict) else parent[last]
    if items is None:
        return []
    if not isinstance(items, list):
        raise _impossible(path, field, "is no list")
    return items


def _differences(old: Any, new: Any, at: tuple[str | int, ...]) -> Iterator[Change]:
    """The changes that make ``new`` of ``old``, in an order in which each finds its place."""
    if same_value(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict) and new:
        kept = [key for key in old if key in new]
        for key in kept:
            yield from _differences(old[key], new[key], (*at, key))
        for key in new:
            if key not in old:
                yield Insert((*at, key), new[key], tuple(new))
        for key in old:
            if key not in new:
                yield Delete((*at, key))
    elif isinstance(old, list) and isinstance(new, list) and new:
        yield from _list_differences(old, new, at)
    else:
        yield Replace(at, new) if at else Delete(())


def _list_differences(old: list[Any], new: list[Any], at: tuple[str | int, ...]) -> Iterator[Change]:
    """As ``_differences``; from the end, so that the indices before stay true. No list is empty in between:
    where nothing is equal, the first items are replaced.
    """
    matcher = SequenceMatcher(
        None, [_canonical(one) for one in old], [_canonical(one) for one in new], autojunk=False
    )
    for tag, i1, i2, j1, j2 in reversed(matcher.get_opcodes()):
        if tag == "equal":
            continue
        paired = min(i2 - i1, j2 - j1)
        for j in range(j2 - 1, j1 + paired - 1, -1):
            yield Insert((*at, i1 + paired), new[j])
        for i in range(i2 - 1, i1 + paired - 1, -1):
            yield Delete((*at, i))
        for k in range(paired):
            yield from _differences(old[i1 + k], new[j1 + k], (*at, i1 + k))


def _changed(value: Any, change: Change) -> Any:
    """The value after a single change."""
    if not change.field:
        return {}
    copy = _plain(value)
    here = copy
    for part in change.field[:-1]:
        here = here[part]
    last = change.field[-1]
    match change:
        case Delete(_):
            del here[last]
        case Insert(_, new) if isinstance(last, int):
            here.insert(last, new)
        case Insert(_, new) | Replace(_, new):
            here[last] = new
    return copy
