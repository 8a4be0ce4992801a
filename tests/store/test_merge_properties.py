"""Whatever two people do to one document: what goes together is merged, and nothing that either said is lost"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.merge import Merged, merge_documents
from gitbaton.store.threeway import compare_three
from gitbaton.store.yamledit import Edit, edit_yaml, same_value
from gitbaton.store.yamlfile import parse_yaml
from strategies import FIELD_ORDER, edits, garbled, hand_written
from support.nasty import SOAK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.promise("merge.none-lost")

PATH = "f.yaml"
slow_to_draw = settings(max_examples=800 if SOAK else 40, deadline=None)
_HUNK = re.compile(r"<{7} ours\r?\n(.*?)={7}\r?\n(.*?)>{7} theirs\r?\n", re.DOTALL)


def values(text: bytes) -> dict[str, Any]:
    return parse_yaml(text, PATH).value if text.strip() else {}


def edited(text: bytes, made: Sequence[Edit]) -> bytes:
    for edit in made:
        try:
            text = edit_yaml(text, PATH, [edit], order=FIELD_ORDER)
        except Refusal:
            continue  # it makes no sense any more
    return text


@st.composite
def versions(draw: Any) -> tuple[bytes, list[Edit], list[Edit]]:
    """A document, and what two people do to it."""
    file = draw(hand_written())
    some = st.lists(edits(file.value), min_size=1, max_size=3)
    return file.data, draw(some), draw(some)


def sides(merged: bytes) -> list[bytes]:
    """The text with every conflict settled one way, and the other way."""
    text = merged.decode()
    return [_HUNK.sub(rf"\{n}", text).encode() for n in (1, 2)]


def leaves(value: object) -> Iterator[str]:
    """What a document says, in words."""
    if isinstance(value, dict):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    else:
        yield from (line for line in str(value).splitlines() if line)


@slow_to_draw
@given(versions())
def test_one_side_that_did_nothing_takes_the_other(case: tuple[bytes, list[Edit], list[Edit]]) -> None:
    base, made, _ = case
    side = edited(base, made)
    for one, other in ((side, base), (base, side), (side, side)):
        assert merge_documents(base, one, other, PATH) == Merged(side)


@pytest.mark.promise("merge.fields")
@slow_to_draw
@given(versions())
def test_edits_of_different_fields_never_conflict(case: tuple[bytes, list[Edit], list[Edit]]) -> None:
    base, mine, other = case
    assume(not {e.field[0] for e in mine} & {e.field[0] for e in other})
    ours, theirs = edited(base, mine), edited(base, other)
    merged = merge_documents(base, ours, theirs, PATH)
    assert merged.conflicts == ()
    found, old, a, b = (values(t) for t in (merged.text, base, ours, theirs))
    absent = object()
    for name in {*old, *a, *b, *found}:
        changed = a if not same(a.get(name, absent), old.get(name, absent)) else b
        assert same(found.get(name, absent), changed.get(name, absent)), name


def same(one: object, other: object) -> bool:
    return one is other or (type(one) is not object and type(other) is not object and same_value(one, other))


@slow_to_draw
@given(versions())
def test_nothing_is_lost_and_both_directions_agree(case: tuple[bytes, list[Edit], list[Edit]]) -> None:
    base, mine, other = case
    ours, theirs = edited(base, mine), edited(base, other)
    assume(b"=======" not in base + ours + theirs)  # text that looks like a marker
    merged = merge_documents(base, ours, theirs, PATH)
    assert bool(merged.conflicts) == bool(merge_documents(base, theirs, ours, PATH).conflicts)
    assert bool(merged.conflicts) == (b"<<<<<<< ours" in merged.text)
    if merged.conflicts:
        with pytest.raises(InvalidDocument) as seen:
            values(merged.text)
        assert {p.code for p in seen.value.problems} == {"conflict-markers"}
    before = set(leaves(values(base)))
    settled = {leaf for text in sides(merged.text) for leaf in leaves(values(text))}
    for side in (ours, theirs):
        assert set(leaves(values(side))) - before <= settled


@pytest.mark.promise("merge.lines")
@slow_to_draw
@given(garbled(), garbled(), garbled())
def test_rubbish_is_refused_and_never_a_crash(base: bytes, ours: bytes, theirs: bytes) -> None:
    with contextlib.suppress(InvalidDocument):
        merge_documents(base, ours, theirs, PATH)


@given(*(st.lists(st.sampled_from("abcd"), max_size=6) for _ in range(3)))
def test_regions_put_together_are_the_three_versions(
    base: list[str], ours: list[str], theirs: list[str]
) -> None:
    regions = compare_three(base, ours, theirs)
    assert [x for r in regions for x in r.base] == base
    assert [x for r in regions for x in r.ours] == ours
    assert [x for r in regions for x in r.theirs] == theirs
    mirrored = compare_three(base, theirs, ours)
    assert [r.merged is None for r in regions] == [r.merged is None for r in mirrored]
