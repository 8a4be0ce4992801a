"""Changes of block collections: lines go in and out, what stands on other lines stays"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gitbaton.store.yamllines import (
    above_comments,
    column,
    content_end,
    heads,
    is_bare,
    is_blank,
    is_line_start,
    line_end,
    line_start,
    lines_end,
    opens_line,
    skip_inner_comments,
    with_lines,
)
from gitbaton.store.yamlnodes import MappingNode, Node, SequenceNode
from gitbaton.store.yamlscalar import literal_header, render_scalar
from gitbaton.store.yamlwrite import entry_lines, item_lines, literal_lines, render_flow, value_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

Block = MappingNode | SequenceNode

_COLON: Final = re.compile(r"\s*:(?=[ \t\r\n]|\Z)")
_HEADER: Final = re.compile(r"[|>][-+0-9]*")
_GAP: Final = re.compile(r"-( +)(?=[^ \r\n#])")


def values(around: Block) -> list[Node]:
    return around.items if isinstance(around, SequenceNode) else [value for _, value in around.entries]


def replace_root(text: str, tree: MappingNode) -> Iterator[str]:
    """An empty mapping for the whole document."""
    if tree.flow:
        yield text[: tree.start] + "{}" + text[tree.end :]
    else:
        yield from with_lines(text, line_start(text, tree.start), lines_end(text, tree), ["{}"])


# -- inserting ---------------------------------------------------------------------------------------


def insert_entry(
    text: str,
    tree: MappingNode,
    around: MappingNode,
    key: str,
    value: Any,
    order: Sequence[str],
    spaced: Collection[str],
) -> Iterator[str]:
    """A new key after its nearest predecessor in ``order``, else before its first successor, else at
    the end. Where that changes what a neighbour says: at the end, at the beginning."""
    names = [name.value for name, _ in around.entries]
    after = place_after(names, key, order)
    at_column = column(text, around.entries[0][0].start)
    for literal in (True, False):
        lines = entry_lines(key, value, at_column, dash=_dash_indent(text, tree), literal=literal)
        for index in dict.fromkeys((after, len(names) - 1, -1)):
            if index < 0:
                yield from _insert_first(text, around, lines, apart=key in spaced)
            else:
                apart = key in spaced or names[index] in spaced
                yield from _insert_after(text, around, index, lines, new_apart=key in spaced, apart=apart)


def place_after(names: Sequence[str], key: str, order: Sequence[str]) -> int:
    """The index of the entry that a new one follows; -1 for the front."""
    if key not in order:
        return len(names) - 1
    rank = order.index(key)
    for before in reversed(order[:rank]):
        if before in names:
            return names.index(before)
    followers = [names.index(name) for name in order[rank + 1 :] if name in names]
    # The first successor in the order of the schema, wherever it stands in the file.
    return followers[0] - 1 if followers else len(names) - 1


def insert_item(text: str, tree: MappingNode, around: SequenceNode, index: int, value: Any) -> Iterator[str]:
    """A new item in front of item ``index``, or at the end, written like its neighbour."""
    at_column = column(text, around.start)
    model = around.items[min(index, len(around.items) - 1)]
    gap = _GAP.match(text, heads(text, around)[around.items.index(model)])
    width = gap[1] if gap else " "
    for literal in (True, False):
        lines = item_lines(value, at_column, gap=width, dash=_dash_indent(text, tree), literal=literal)
        if isinstance(value, str) and len(lines) == 1:
            style = model.style if model.style in ("'", '"') else ""
            lines = [f"{' ' * at_column}-{width}{render_scalar(value, style=style)}"]
        if index == 0:
            yield from _insert_first(text, around, lines, apart=False)
        else:
            yield from _insert_after(text, around, index - 1, lines, new_apart=False, apart=False)


def _insert_after(
    text: str, around: Block, index: int, lines: list[str], *, new_apart: bool, apart: bool
) -> Iterator[str]:
    begins = heads(text, around)
    is_last = index == len(begins) - 1
    limit = len(text) if is_last else begins[index + 1]
    at = lines_end(text, values(around)[index])
    at = skip_inner_comments(text, at, column(text, around.start), limit)
    above = line_start(text, begins[index])
    alone = index > 0 and not is_last and above > 0 and is_blank(text, line_start(text, above - 1))
    following_blank = at < len(text) and is_blank(text, at)
    if following_blank and not is_last and (apart or alone):
        # The neighbour stands alone between blank lines and goes on doing so.
        while is_blank(text, at):
            at = line_end(text, at)
        yield from with_lines(text, at, at, [*lines, ""] if new_apart else lines)
    elif apart:
        ends_here = is_last or following_blank
        yield from with_lines(text, at, at, ["", *lines] if ends_here else ["", *lines, ""])
    yield from with_lines(text, at, at, lines)


def _insert_first(text: str, around: Block, lines: list[str], *, apart: bool) -> Iterator[str]:
    head = heads(text, around)[0]
    if opens_line(text, head):
        at = line_start(text, head)
        if isinstance(around, MappingNode):
            at = above_comments(text, at, 0)
        if apart:
            yield from with_lines(text, at, at, [*lines, ""])
        yield from with_lines(text, at, at, lines)
    else:
        # The first entry shares its line with a dash: the new one takes its place there.
        indent = " " * column(text, head)
        for candidate in with_lines(text, line_end(text, head), line_end(text, head), lines[1:]):
            rest = candidate[head:]
            yield text[:head] + lines[0].lstrip(" ") + "\n" + indent + rest if len(lines) == 1 else text


# -- replacing ---------------------------------------------------------------------------------------


def replace(text: str, tree: MappingNode, around: Block, index: int, value: Any) -> Iterator[str]:
    """Another value; a comment on the line of the key or dash stays."""
    node = values(around)[index]
    after = _behind_mark(text, around, index)
    if after is None:
        return
    at_column = column(text, around.start)
    for lines in _renderings(text, tree, node, value, at_column):
        head, body = lines[0], lines[1:]
        if isinstance(node, Block) and not node.flow:
            yield from _replace_block(text, node, after, head, body)
        elif node.style in ("|", ">"):
            yield from _replace_literal(text, node, after, head, body)
        else:
            yield from _replace_inline(text, node, after, head, body)


def _renderings(text: str, tree: MappingNode, node: Node, value: Any, at_column: int) -> Iterator[list[str]]:
    """Ways to write a value behind a colon or dash: the rest of that line, then the lines below."""
    if isinstance(value, str) and node.style in ("|", ">"):
        first_line = line_end(text, node.start)
        found = re.compile(r"(?:[ ]*(?:\r\n|\r|\n))*([ ]+)").match(text, first_line, node.end)
        indent = len(found[1]) - at_column if found and 0 < len(found[1]) - at_column < 10 else 2
        header = literal_header(value, indent=indent)
        if header is not None:
            if node.style == ">" and "\n" not in value:
                header = ">" + header[1:]
            yield [" " + header, *literal_lines(value, at_column + indent)]
    inline = isinstance(value, str) and "\n" not in value
    if inline or not isinstance(value, str | dict | list):
        yield [" " + render_scalar(value, style=node.style if node.style in ("'", '"') else "")]
        return
    for literal in (True, False):
        yield value_lines("", value, at_column, dash=_dash_indent(text, tree), literal=literal)


def _replace_inline(text: str, node: Node, after: int, head: str, body: list[str]) -> Iterator[str]:
    end = node.end
    if head and node.start < node.end:
        begin, head = node.start, head[1:]
    else:
        begin = after
    below = line_end(text, end)
    for candidate in with_lines(text, below, below, body) if body else [text]:
        yield candidate[:begin] + head + candidate[end:]


def _replace_literal(text: str, node: Node, after: int, head: str, body: list[str]) -> Iterator[str]:
    header = _HEADER.match(text, node.start)
    header_end = header.end() if header else node.start
    begin = node.start if head else after
    for candidate in with_lines(text, line_end(text, node.start), content_end(text, node), body):
        yield candidate[:begin] + head.removeprefix(" ") + candidate[header_end:]


def _replace_block(text: str, node: Block, after: int, head: str, body: list[str]) -> Iterator[str]:
    below = line_end(text, after)
    if node.start < below:  # it begins behind a dash, on the same line
        end = content_end(text, node)
        joined = "\n".join(body)
        yield text[:after] + head + ("\n" + joined if body else "") + text[end:]
        return
    for candidate in with_lines(text, below, lines_end(text, node), body):
        yield candidate[:after] + head + candidate[after:]


def _behind_mark(text: str, around: Block, index: int) -> int | None:
    """The place behind the colon or the dash that announces a value; None if there is no colon."""
    if isinstance(around, SequenceNode):
        return heads(text, around)[index] + 1
    found = _COLON.match(text, around.entries[index][0].end)
    return found.end() if found else None


# -- deleting ----------------------------------------------------------------------------------------


def delete(text: str, around: Block, index: int) -> Iterator[str]:
    """An entry's lines; comments above and below stay, unless what stands above would swallow them."""
    begins = heads(text, around)
    node = values(around)[index]
    head, end = begins[index], lines_end(text, node)
    is_last = index == len(begins) - 1
    if not opens_line(text, head):
        if is_last:
            return
        following = begins[index + 1]
        if is_blank(text, end) or not text[content_end(text, node) : following].strip():
            yield text[:head] + text[following:]
        stop = content_end(text, node)
        while not is_blank(text, stop):
            stop += 1
        yield text[:head] + text[stop:]
        return
    begin = line_start(text, head)
    if is_last and end == len(text):
        # The blank line that set the last entry off would be left at the end of the file.
        above = begin
        while above > 0 and is_blank(text, line_start(text, above - 1)):
            above = line_start(text, above - 1)
        if above < begin:
            yield from with_lines(text, above, end, [])
    yield from with_lines(text, begin, end, [])
    limit = len(text) if is_last else begins[index + 1]
    further = skip_inner_comments(text, end, column(text, around.start), limit)
    yield from with_lines(text, begin, further, [])
    while further < limit and is_blank(text, further):
        further = line_end(text, further)
    yield from with_lines(text, begin, further, [])


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
