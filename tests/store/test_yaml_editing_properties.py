"""Every edit changes what it says, and no byte that it need not change"""

from __future__ import annotations

import codecs
import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.errors import Refusal
from gitbaton.store.yamledit import AddItem, Edit, RemoveField, RemoveItem, SetField, apply_edit, edit_yaml
from gitbaton.store.yamlfile import parse_yaml
from gitbaton.store.yamlscalar import can_be_plain
from strategies import FIELD_ORDER, edits, garbled, hand_written

if TYPE_CHECKING:
    from support.handwriting import HandWritten


pytestmark = pytest.mark.promise("edit.smallest-change")


@st.composite
def edited_files(draw: Any) -> tuple[HandWritten, Edit]:
    file = draw(hand_written())
    return file, draw(edits(file.value))


def edited(file: HandWritten, edit: Edit) -> bytes:
    return edit_yaml(file.data, "f.yaml", [edit], order=FIELD_ORDER)


def canonical(value: object) -> str:
    """Tells 1 from true and 1.0, but not the order of keys."""
    return json.dumps(value, sort_keys=True)


def expected(value: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """What the edit says, written down a second time."""
    new = copy.deepcopy(value)
    *way, last = edit.field
    here: Any = new
    for part in way:
        if isinstance(here, dict) and part not in here and isinstance(edit, SetField):
            here[part] = {}
        elif isinstance(here, dict) and part not in here:
            return new
        here = here[part]
    if isinstance(edit, SetField):
        here[last] = edit.value
    elif isinstance(edit, RemoveField):
        if last in here or isinstance(last, int):
            del here[last]
    elif isinstance(edit, AddItem):
        items = here.get(last) or []
        here[last] = items if edit.item in items else [*items, edit.item]
    elif edit.item in (here.get(last) or []):
        here[last].remove(edit.item)
        if not here[last]:
            del here[last]
    return new


def untouched(file: HandWritten, edit: Edit, new: bytes) -> bool:
    """Whether only the edited field's own lines differ; blank lines beside a removed field may go."""
    old, name = file.data, str(edit.field[0])
    if not file.spans or (len(file.value) == 1 and isinstance(edit, RemoveField | RemoveItem)):
        return True  # one {…}, before or after: no lines of its own
    if name not in file.spans:
        return is_insertion(old, new)
    begin, end = file.spans[name]
    if name in parse_yaml(new, "f.yaml").value:
        body, tail = old[:begin], old[end:]
        # The edited field may stand last without a line break, before and after.
        return new.startswith(body) and new[begin:].endswith(tail)
    kept_before, kept_after = old[:begin].rstrip(b" \r\n"), old[end:]
    while not new.endswith(kept_after) and kept_after:
        line, _, kept_after = kept_after.partition(b"\n")
        if line.strip() and not line.strip().startswith(b"#"):
            return False
    return new.startswith(kept_before) and len(new) - len(kept_after) <= begin


def is_insertion(old: bytes, new: bytes) -> bool:
    """Whether ``new`` is ``old`` with one piece put in somewhere."""
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), len(old))
    return any(new.endswith(old[at:]) for at in range(same + 1) if len(new) >= len(old))


@given(edited_files())
def test_an_edit_says_what_it_should_and_touches_nothing_else(drawn: tuple[HandWritten, Edit]) -> None:
    file, edit = drawn
    new = edited(file, edit)
    wanted = expected(file.value, edit)
    assert canonical(parse_yaml(new, "f.yaml").value) == canonical(wanted)
    if canonical(wanted) == canonical(file.value):
        assert new == file.data
    assert untouched(file, edit, new)
    assert new.startswith(codecs.BOM_UTF8) == file.data.startswith(codecs.BOM_UTF8)
    assert edit_yaml(new, "f.yaml", [edit], order=FIELD_ORDER) == new or isinstance(edit.field[-1], int)


@pytest.mark.promise("edit.place-of-new-fields")
@given(hand_written(), st.sampled_from(FIELD_ORDER), st.sampled_from(["a", "b: c", 1, ["x"], {"y": "z"}]))
def test_a_field_put_in_and_taken_out_leaves_no_trace(file: HandWritten, name: str, new: object) -> None:
    if name in file.value:
        return
    there = edit_yaml(file.data, "f.yaml", [SetField((name,), new)], order=FIELD_ORDER)
    assert edit_yaml(there, "f.yaml", [RemoveField((name,))], order=FIELD_ORDER) == file.data


@given(hand_written())
def test_words_on_one_line_go_and_come_back(file: HandWritten) -> None:
    """Whatever the quoting, the comment behind it, the ending of the line: not a byte differs."""
    for name, (begin, end) in file.spans.items():
        old = file.value[name]
        if isinstance(old, str) and file.data[begin:end].count(b"\n") <= 1 and can_be_plain(old):
            there = edit_yaml(file.data, "f.yaml", [SetField((name,), "other words")])
            back = edit_yaml(there, "f.yaml", [SetField((name,), old)])
            assert back == file.data or b'"' in file.data[begin:end]  # escapes need not come back


@given(hand_written(), st.data())
def test_several_edits_are_one_after_the_other(file: HandWritten, data: st.DataObject) -> None:
    """In one call or in several; with a field between blank lines, too."""
    some = data.draw(st.lists(edits(file.value), max_size=4))
    wanted, one_by_one = file.value, file.data
    possible = []
    for edit in some:
        try:
            wanted = apply_edit(wanted, edit)
        except Refusal:
            continue  # an edit before it took away what it needs
        possible.append(edit)
        one_by_one = edit_yaml(one_by_one, "f.yaml", [edit], order=FIELD_ORDER, spaced=["status"])
    at_once = edit_yaml(file.data, "f.yaml", possible, order=FIELD_ORDER, spaced=["status"])
    assert at_once == one_by_one
    assert canonical(parse_yaml(at_once, "f.yaml").value) == canonical(wanted)


@pytest.mark.promise("edit.safe-or-refused")
@given(garbled(), st.data())
def test_an_edit_of_a_damaged_file_is_right_or_refused(damaged: bytes, data: st.DataObject) -> None:
    try:
        old = parse_yaml(damaged, "f.yaml").value
        edit = data.draw(edits(old))
        new = edit_yaml(damaged, "f.yaml", [edit], order=FIELD_ORDER)
    except Refusal:
        return
    assert canonical(parse_yaml(new, "f.yaml").value) == canonical(apply_edit(old, edit))
