"""Changes inside ``[…]`` and ``{…}``, on one line or several, with or without a last comma"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from gitbaton.store.yamlblock import place_after
from gitbaton.store.yamllines import column, is_bare, line_break, line_end, line_start, opens_line
from gitbaton.store.yamlnodes import MappingNode, Node, SequenceNode
from gitbaton.store.yamlscalar import QUOTES
from gitbaton.store.yamlwrite import render_flow, render_pair

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Flow = MappingNode | SequenceNode

_FILLER: Final = re.compile(r"(?:[ \t\r\n]+(?:#[^\r\n]*)?)*")
_SEPARATOR: Final = re.compile(r",[ \t]*(?![ \t\r\n#])")


class _Slot(NamedTuple):
    """Where a child stands: key and value together in a mapping."""

    start: int
    end: int


def insert(
    text: str, tree: MappingNode, around: Flow, last: str | int, value: Any, *, order: Sequence[str]
) -> Iterator[str]:
    """A new pair (its place follows ``order``) or a new item in front of item ``last``."""
    slots = _slots(around)
    style = _style(around) or _style(tree)
    if isinstance(around, MappingNode):
        shown = render_pair(str(last), value, style=style)
        index = place_after([key.value for key, _ in around.entries], str(last), order) + 1
    else:
        shown = render_flow(value, style=style, flow=True)
        index = int(last)
    if not slots:
        yield from _fill(text, around, shown)
    elif index == 0:
        yield from _insert_first(text, slots, shown)
    else:
        yield from _insert_after(text, slots, index - 1, shown)


def replace(text: str, tree: MappingNode, around: Flow, index: int, value: Any) -> Iterator[str]:
    """Another value in place of the one that stands there."""
    node = around.items[index] if isinstance(around, SequenceNode) else around.entries[index][1]
    style = node.style if node.style in QUOTES else _style(around) or _style(tree)
    shown = render_flow(value, style=style, flow=True)
    at = node.start
    if isinstance(around, MappingNode) and node.start == node.end:
        key_end = around.entries[index][0].end
        announced = ":" in text[key_end:at]
        at = at if announced else key_end
        space = "" if text[at - 1] in " \t" else " "
        shown = f"{space}{shown}" if announced else f": {shown}"
    yield text[:at] + shown + text[max(at, node.end) :]


def delete(text: str, around: Flow, index: int) -> Iterator[str]:
    """A child and one comma, never the only child. Comments of its neighbours stay."""
    slots = _slots(around)
    slot = slots[index]
    comma = _comma(text, slot.end)
    own_line = opens_line(text, slot.start)
    if index < len(slots) - 1 and comma is not None:
        if own_line and is_bare(text, comma + 1):
            yield text[: line_start(text, slot.start)] + text[line_end(text, comma) :]
        yield text[: slot.start] + text[slots[index + 1].start :]
        return
    before = slots[index - 1]
    end = slot.end if comma is None else comma + 1
    previous = _comma(text, before.end)
    if own_line and is_bare(text, end):
        kept = text[: line_start(text, slot.start)]
        if comma is None and previous is not None:
            kept = kept[:previous] + kept[previous + 1 :]
        yield kept + text[line_end(text, end) :]
    if "#" not in text[before.end : slot.start]:
        yield text[: before.end] + text[slot.end :]
    if previous is not None:
        yield text[:previous] + text[previous + 1 : slot.start] + text[end:]


def _slots(around: Flow) -> list[_Slot]:
    if isinstance(around, SequenceNode):
        return [_Slot(item.start, item.end) for item in around.items]
    return [_Slot(key.start, max(key.end, value.end)) for key, value in around.entries]


def _style(around: Flow) -> str:
    """The quoting that all the keys or items in brackets have: JSON stays JSON."""
    if not around.flow:
        return ""
    shown: list[Node] = (
        around.items if isinstance(around, SequenceNode) else [key for key, _ in around.entries]
    )
    styles = {node.style for node in shown}
    return styles.pop() if len(styles) == 1 and styles <= QUOTES else ""


def _comma(text: str, index: int) -> int | None:
    """Where the comma behind a child stands, past space and comments."""
    found = _FILLER.match(text, index)
    at = found.end() if found else index
    return at if text[at : at + 1] == "," else None


def _fill(text: str, around: Flow, shown: str) -> Iterator[str]:
    """The first child of an empty collection."""
    inside = text[around.start + 1 : around.end - 1]
    if "#" not in inside:
        pad = " " if inside.startswith(" ") else ""
        yield text[: around.start + 1] + pad + shown + pad + text[around.end - 1 :]
    yield text[: around.end - 1] + shown + text[around.end - 1 :]


def _separator(text: str, slots: Sequence[_Slot]) -> str:
    """A comma and the space that follows the first one there is."""
    comma = _comma(text, slots[0].end) if len(slots) > 1 else None
    found = _SEPARATOR.match(text, comma) if comma is not None else None
    return found[0] if found else ", "


def _insert_first(text: str, slots: Sequence[_Slot], shown: str) -> Iterator[str]:
    start = slots[0].start
    if opens_line(text, start):
        gap = "," + line_break(text, start) + " " * column(text, start)
        yield text[:start] + shown + gap + text[start:]
    yield text[:start] + shown + _separator(text, slots) + text[start:]


def _insert_after(text: str, slots: Sequence[_Slot], index: int, shown: str) -> Iterator[str]:
    slot = slots[index]
    comma = _comma(text, slot.end)
    if opens_line(text, slot.start):
        line = " " * column(text, slot.start) + shown
        ending = line_break(text, slot.end)
        if comma is not None and is_bare(text, comma + 1):
            at = line_end(text, comma)
            yield text[:at] + line + "," + ending + text[at:]
        if comma is None and is_bare(text, slot.end):
            at = line_end(text, slot.end)
            yield text[: slot.end] + "," + text[slot.end : at] + line + ending + text[at:]
        if comma is None:
            yield text[: slot.end] + "," + ending + line + text[slot.end :]
    if comma is not None and index == len(slots) - 1:
        yield text[: comma + 1] + " " + shown + "," + text[comma + 1 :]
    yield text[: slot.end] + _separator(text, slots) + shown + text[slot.end :]
