"""Changes of block collections: lines go in and out, what stands on other lines stays"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gitbaton.store.yamllines import (
    BLOCK_SCALAR,
    above_comments,
    column,
    content_end,
    heads,
    is_blank,
    is_line_start,
    is_set_off,
    line_above,
    line_break,
    line_end,
    line_start,
    lines_end,
    opens_line,
    skip_blank,
    skip_inner_comments,
    with_lines,
)
from gitbaton.store.yamlnodes import MappingNode, Node, SequenceNode
from gitbaton.store.yamlscalar import QUOTES, literal_header, render_scalar
from gitbaton.store.yamlwrite import entry_lines, item_lines, literal_lines, value_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

Block = MappingNode | SequenceNode

_COLON: Final = re.compile(r"\s*:(?=[ \t\r\n]|\Z)")
_HEADER: Final = re.compile(r"[|>][-+0-9]*")
_GAP: Final = re.compile(r"-( +)(?=[^ \r\n#])")
_BODY_INDENT: Final = re.compile(r"(?:[ ]*(?:\r\n|\r|\n))*([ ]+)")
#: A block scalar's indentation indicator is one digit, https://yaml.org/spec/1.2.2/#8111-block-indentation-indicator
_INDENT_MAX: Final = 9


def values(around: Block) -> list[Node]:
    """What a collection holds, without its keys."""
    return around.items if isinstance(around, SequenceNode) else [value for _, value in around.entries]


def replace_root(text: str, tree: MappingNode) -> Iterator[str]:
    """An empty mapping for the whole document."""
    if tree.flow:
        yield text[: tree.start] + "{}" + text[tree.end :]
    else:
        yield from with_lines(text, line_start(text, tree.start), lines_end(text, tree), ["{}"])


def fill_root(text: str, tree: MappingNode, key: str, value: Any) -> Iterator[str]:
    """A first key for a document that is an empty pair of braces."""
    if not tree.entries and opens_line(text, tree.start):
        ending = line_break(text, tree.end)
        lines = entry_lines(key, value, column(text, tree.start))
        yield text[: tree.start] + ending.join(lines).lstrip(" ") + text[tree.end :]


# -- inserting ---------------------------------------------------------------------------------------


def insert_entry(
    text: str, tree: MappingNode, around: MappingNode, key: str, value: Any, *, order: Sequence[str],
    spaced: Collection[str],
) -> Iterator[str]:  # fmt: skip
    """A new key after its nearest predecessor in ``order``, else before its first successor, else at
    the end; where that would change what a neighbour says, at the nearest place above or below.
    """
    names = [name.value for name, _ in around.entries]
    after = place_after(names, key, order)
    indent = column(text, heads(text, around)[0])
    for literal in (True, False):
        lines = entry_lines(key, value, indent, dash=_dash_indent(text, tree), literal=literal)
        for index in dict.fromkeys((*range(after, -2, -1), *range(after + 1, len(names)))):
            if index < 0:
                yield from _insert_first(text, around, lines, apart=key in spaced)
            else:
                alone = names[index] in spaced
                yield from _insert_after(text, around, index, lines, alone=alone, apart=key in spaced)


def place_after(names: Sequence[str], key: str, order: Sequence[str]) -> int:
    """The index of the entry that a new one follows; -1 for the front."""
    if key not in order:
        return len(names) - 1
    rank = order.index(key)
    before = next((name for name in reversed(order[:rank]) if name in names), None)
    if before is not None:
        return names.index(before)
    behind = next((name for name in order[rank + 1 :] if name in names), None)
    return names.index(behind) - 1 if behind is not None else len(names) - 1


def insert_item(text: str, tree: MappingNode, around: SequenceNode, index: int, value: Any) -> Iterator[str]:
    """A new item in front of item ``index``, or at the end, written like its neighbour."""
    begins = heads(text, around)
    model = min(index, len(begins) - 1)
    gap = _GAP.match(text, begins[model])
    width = gap[1] if gap else " "
    style = around.items[model].style
    indent = column(text, around.start)
    for literal in (True, False):
        lines = item_lines(value, indent, gap=width, dash=_dash_indent(text, tree), literal=literal)
        if isinstance(value, str) and len(lines) == 1 and style in QUOTES:
            lines = [f"{' ' * indent}-{width}{render_scalar(value, style=style)}"]
        if index == 0:
            yield from _insert_first(text, around, lines, apart=False)
        else:
            yield from _insert_after(text, around, index - 1, lines, alone=False, apart=False)


def _insert_after(
    text: str, around: Block, index: int, lines: list[str], *, alone: bool, apart: bool
) -> Iterator[str]:
    """Lines behind entry ``index``. ``alone``: that entry is to stand between blank lines, ``apart``: the
    new one is. An entry of a mapping that does stand between blank lines goes on doing so.
    """
    begins = heads(text, around)
    last = index == len(begins) - 1
    at = lines_end(text, values(around)[index])
    at = skip_inner_comments(text, at, column(text, around.start), len(text) if last else begins[index + 1])
    gap_follows = at < len(text) and is_blank(text, at)
    gap_precedes = at > 0 and is_line_start(text, at) and is_blank(text, line_above(text, at))
    above = [] if gap_precedes else [""]
    is_entry = isinstance(around, MappingNode) and not last
    if is_entry and gap_follows and (alone or is_set_off(text, line_start(text, begins[index]))):
        there = skip_blank(text, at)
        yield from with_lines(text, there, there, [*lines, ""] if apart else lines)
    if apart and not last and not gap_follows:
        yield from with_lines(text, at, at, [*above, *lines, ""])
    elif apart or alone:
        yield from with_lines(text, at, at, [*above, *lines])
    yield from with_lines(text, at, at, lines)


def _insert_first(text: str, around: Block, lines: list[str], *, apart: bool) -> Iterator[str]:
    head = heads(text, around)[0]
    at = line_start(text, head)
    if not opens_line(text, head):
        # The first entry shares its line with a dash: the new one takes its place there.
        ending = line_break(text, head)
        yield text[:head] + ending.join([*lines, " " * (head - at)]).lstrip(" ") + text[head:]
        return
    if isinstance(around, MappingNode):
        at = above_comments(text, at)
    if apart:
        yield from with_lines(text, at, at, [*lines, ""])
    yield from with_lines(text, at, at, lines)


# -- replacing ---------------------------------------------------------------------------------------


def replace(text: str, tree: MappingNode, around: Block, index: int, value: Any) -> Iterator[str]:
    """Another value; a comment on the line of the key or dash stays."""
    node = values(around)[index]
    after = _behind_mark(text, around, index)
    if after is None:
        return
    for head, *body in _renderings(text, tree, around, node, value):
        if isinstance(node, Block) and not node.flow:
            yield from _replace_block(text, node, after, head, body)
        elif node.style in BLOCK_SCALAR:
            yield from _replace_literal(text, node, after, head, body)
        else:
            yield from _replace_inline(text, node, after, head, body)


def _behind_mark(text: str, around: Block, index: int) -> int | None:
    """The place behind the colon or the dash that announces a value; None if there is no colon."""
    if isinstance(around, SequenceNode):
        return heads(text, around)[index] + 1
    found = _COLON.match(text, around.entries[index][0].end)
    return found.end() if found else None


def _renderings(text: str, tree: MappingNode, around: Block, node: Node, value: Any) -> Iterator[list[str]]:
    """Ways to write a value: what follows colon or dash on that line, then the lines below. The style of
    the scalar that stands there is kept as far as it carries the value.
    """
    outer = column(text, around.start)
    if isinstance(value, str) and node.style in BLOCK_SCALAR:
        body = _BODY_INDENT.match(text, line_end(text, node.start), node.end)
        indent = len(body[1]) - outer if body else 2
        indent = indent if 0 < indent <= _INDENT_MAX else 2
        header = literal_header(value, indent=indent)
        if header is not None:
            folds = node.style == ">" and "\n" not in value  # one line is the same folded
            yield [f" {'>' if folds else '|'}{header[1:]}", *literal_lines(value, outer + indent)]
    if not isinstance(value, dict | list) and "\n" not in str(value):
        yield [" " + render_scalar(value, style=node.style if node.style in QUOTES else "")]
        return
    dash = _dash_indent(text, tree)
    for literal in (True, False):
        if isinstance(around, SequenceNode):
            first, *rest = item_lines(value, outer, dash=dash, literal=literal)
            yield [first[outer + 1 :], *rest]
        else:
            yield value_lines("", value, outer, dash=dash, literal=literal)


def _replace_inline(text: str, node: Node, after: int, head: str, body: list[str]) -> Iterator[str]:
    begin = after
    if head and node.start < node.end:
        begin, head = node.start, head[1:]
    below = line_end(text, node.end)
    for candidate in with_lines(text, below, below, body) if body else [text]:
        yield candidate[:begin] + head + candidate[node.end :]


def _replace_literal(text: str, node: Node, after: int, head: str, body: list[str]) -> Iterator[str]:
    header = _HEADER.match(text, node.start)
    end = header.end() if header else node.start
    begin = node.start if head else after
    for candidate in with_lines(text, line_end(text, node.start), content_end(text, node), body):
        yield candidate[:begin] + head.removeprefix(" ") + candidate[end:]


def _replace_block(text: str, node: Block, after: int, head: str, body: list[str]) -> Iterator[str]:
    below = line_end(text, after)
    if node.start < below:  # it begins behind a dash, on the same line
        end = content_end(text, node)
        ending = line_break(text, after)
        finish = ending if is_line_start(text, end) else ""
        yield text[:after] + ending.join([head, *body]) + finish + text[end:]
        return
    for candidate in with_lines(text, below, lines_end(text, node), body):
        yield candidate[:after] + head + candidate[after:]


# -- deleting ----------------------------------------------------------------------------------------


def delete(text: str, around: Block, index: int) -> Iterator[str]:
    """An entry's lines, never the only entry. Comments above and below stay, unless what stands above
    would swallow them.
    """
    begins = heads(text, around)
    node = values(around)[index]
    head, end = begins[index], lines_end(text, node)
    last = index == len(begins) - 1
    if not opens_line(text, head):
        yield from _delete_behind_dash(text, head, content_end(text, node), begins[index + 1])
        return
    begin = line_start(text, head)
    if last and end == len(text):
        # The blank lines that set the last entry off would be left at the end of the file.
        top = begin
        while top > 0 and is_blank(text, line_above(text, top)):
            top = line_above(text, top)
        yield from with_lines(text, top, end, [])
    yield from with_lines(text, begin, end, [])
    further = skip_inner_comments(
        text, end, column(text, around.start), len(text) if last else begins[index + 1]
    )
    yield from with_lines(text, begin, further, [])
    yield from with_lines(text, begin, skip_blank(text, further), [])


def _delete_behind_dash(text: str, head: int, end: int, following: int) -> Iterator[str]:
    """The first entry of a collection that begins on the line of a dash: the second one moves up, or,
    if comments stand between them, stays below an empty dash.
    """
    if "#" not in text[end:following]:
        yield text[:head] + text[following:]
    rest = line_end(text, end) if not is_line_start(text, end) else end
    ending = line_break(text, head)
    yield text[:head].rstrip(" ") + ending + text[rest:]


def _dash_indent(text: str, tree: MappingNode) -> int:
    """How far this file indents the items of a list below their key."""
    waiting: list[Node] = [tree]
    while waiting:
        node = waiting.pop(0)
        for child in values(node) if isinstance(node, Block) and not node.flow else ():
            if isinstance(child, SequenceNode) and not child.flow and isinstance(node, MappingNode):
                return max(0, column(text, child.start) - column(text, node.start))
            waiting.append(child)
    return 2
