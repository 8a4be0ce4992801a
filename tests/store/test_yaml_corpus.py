"""Files as found in the wild, swept with every edit that fits

For each file and each of its top-level fields: set it to text, to a list, to nothing; remove it; and
for each field that is missing: put it in. Whatever the layout, the value is right and all that changed
is one region between the lines of the field's neighbours.
"""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from gitbaton.store.yamledit import AddItem, Edit, RemoveField, RemoveItem, SetField, apply_edit, edit_yaml
from gitbaton.store.yamlfile import YamlFile, parse_yaml
from strategies import FIELD_ORDER

CORPUS = sorted(Path(__file__).with_name("corpus").glob("*.yaml"))
NEW_VALUES: tuple[Any, ...] = (
    "done",
    "yes",
    "two\nlines\n",
    "kept\n\n",
    ["a", "b"],
    {"a": {"b": [1]}},
    None,
    7,
    [],
    {},
)


def sweep(value: dict[str, Any]) -> list[Edit]:
    edits: list[Edit] = []
    for name in [*value, *(name for name in FIELD_ORDER if name not in value), "x-new"]:
        edits += [SetField((name,), new) for new in NEW_VALUES]
        edits.append(RemoveField((name,)))
    for field, item in leaves(value, ()):
        edits += [
            SetField(field, "done"),
            SetField(field, "two\nlines"),
            SetField(field, [1]),
            RemoveField(field),
        ]
        if isinstance(field[-1], int):
            edits += [AddItem(field[:-1], "new"), AddItem(field[:-1], {"a": 1}), RemoveItem(field[:-1], item)]
    return edits


def leaves(value: Any, field: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    """Everything below the top level, with where it stands."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [((*field, key), item) for key, item in inner] if field else []
    return found + [leaf for key, item in inner for leaf in leaves(item, (*field, key))]


def lines_of(file: YamlFile, text: str, name: str) -> tuple[int, int]:
    """First line of a top-level field and the line of the next field, from 0."""
    starts = sorted(file.position((other,))[0] - 1 for other in file.value)
    start = file.position((name,))[0] - 1
    later = [other for other in starts if other > start]
    return start, later[0] if later else len(text.splitlines(keepends=True))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_every_edit_fits_every_file(path: Path) -> None:
    data = path.read_bytes()
    file = parse_yaml(data, path.name)
    text = data.decode("utf-8-sig")
    old = text.splitlines(keepends=True)
    braces = text[: text.find(":")].count("{") > 0
    for edit in sweep(file.value):
        new_data = edit_yaml(data, path.name, [edit], order=FIELD_ORDER)
        wanted = apply_edit(file.value, edit)
        assert json.dumps(parse_yaml(new_data, path.name).value, sort_keys=True) == json.dumps(
            wanted, sort_keys=True
        )
        if wanted == file.value:
            assert new_data == data
        if new_data == data or braces:
            continue
        new = new_data.decode("utf-8-sig").splitlines(keepends=True)
        same_above = len(
            list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
        )
        rest = zip(reversed(old[same_above:]), reversed(new[same_above:]), strict=False)
        same_below = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], rest)))
        name = str(edit.field[0])
        if name in file.value:
            start, end = lines_of(file, text, name)
            above = "".join(old[same_above:start])
            assert not above.strip() or same_above >= start - 1, edit
            assert len(old) - same_below <= end, edit
        else:
            # Nothing goes; without a final line break the last line gets one.
            assert len(old) - same_below - same_above <= (0 if text.endswith("\n") else 1), edit


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_what_is_put_in_can_be_taken_out(path: Path) -> None:
    data = path.read_bytes()
    value = parse_yaml(data, path.name).value
    for name in FIELD_ORDER:
        if name not in value:
            for new in ("x", ["a"], "two\nlines"):
                there = edit_yaml(data, path.name, [SetField((name,), new)], order=FIELD_ORDER)
                assert edit_yaml(there, path.name, [RemoveField((name,))], order=FIELD_ORDER) == data
    for name, old in value.items():
        if old and isinstance(old, list):
            there = edit_yaml(data, path.name, [AddItem((name,), "n e w")])
            assert edit_yaml(there, path.name, [RemoveItem((name,), "n e w")]) == data


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_words_go_and_come_back(path: Path) -> None:
    """A word in quotes or without is replaced and put back: not a byte differs."""
    data = path.read_bytes()
    value = parse_yaml(data, path.name).value
    fields = [((name,), item) for name, item in value.items()] + leaves(value, ())
    for field, old in fields:
        if (
            isinstance(old, str)
            and old.isidentifier()
            and old.isascii()
            and len(old) > 1
            and old not in {"no", "yes"}
        ):
            there = edit_yaml(data, path.name, [SetField(field, "other")])
            assert there != data
            assert edit_yaml(there, path.name, [SetField(field, old)]) == data
