"""Lines of a text and what stands on them: where entries begin and end, what belongs to whom

All places are character indices. A line start is 0 or the place behind a line break; line breaks are
LF, CRLF and CR, also mixed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gitbaton.store.yamlnodes import MappingNode, Node, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BLOCK_SCALAR: Final = frozenset("|>")

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_BREAK_AT_END: Final = re.compile(r"(?:\r\n|\r|\n)\Z")
_BLANK: Final = re.compile(r"[ \t]*(?=[\r\n]|\Z)")
_BARE: Final = re.compile(r"(?:[ \t]+#[^\r\n]*|[ \t]*)(?=[\r\n]|\Z)")
_COMMENT: Final = re.compile(r"([ \t]*)#")
_EXPLICIT: Final = re.compile(r"\?[ \t]+\Z")
_KEEPS: Final = re.compile(r"[|>][0-9]?\+")
#: Comments that programs look for at the top of a file.
_MODELINE: Final = re.compile(r"#.*(?:yaml-language-server:|-\*-|\bvim?:)")


def line_start(text: str, index: int) -> int:
    """Where the line with the character ``index`` (no line break) begins."""
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def line_end(text: str, index: int) -> int:
    """Where the line after the one with ``index`` begins."""
    found = _BREAK.search(text, index)
    return found.end() if found else len(text)


def line_above(text: str, start: int) -> int:
    """The start of the line above the one that starts at ``start`` (not 0)."""
    return line_start(text, start - len(_break_before(text, start)))


def line_break(text: str, index: int) -> str:
    """The line break for a new line beside the one with ``index``: that line's own, else that of the line
    above, else a line feed.
    """
    found = _BREAK.search(text, index)
    return found[0] if found else _break_before(text, line_start(text, index)) or "\n"


def _break_before(text: str, index: int) -> str:
    """The line break that ends at ``index``, if one does."""
    found = _BREAK_AT_END.search(text, max(0, index - 2), index)
    return found[0] if found else ""


def is_line_start(text: str, index: int) -> bool:
    return index == 0 or text[index - 1] in "\r\n"


def is_blank(text: str, index: int) -> bool:
    """Whether nothing but space follows ``index`` on its line."""
    return _BLANK.match(text, index) is not None


def is_bare(text: str, index: int) -> bool:
    """Whether nothing but space and perhaps a comment follows ``index``, the end of a token."""
    return _BARE.match(text, index) is not None


def is_comment(text: str, start: int) -> bool:
    """Whether the line that starts at ``start`` holds a comment alone."""
    return _COMMENT.match(text, start) is not None


def column(text: str, index: int) -> int:
    """Characters before ``index`` on its line."""
    return index - line_start(text, index)


def opens_line(text: str, index: int) -> bool:
    """Whether nothing but spaces stands before ``index`` on its line."""
    return not text[line_start(text, index) : index].strip(" ")


def content_end(text: str, node: Node) -> int:
    """Where the last character that says something about ``node`` ends. For block scalars that is the
    line break of their last line (behind the blank lines that a ``+`` keeps).
    """
    while isinstance(node, MappingNode | SequenceNode):
        if node.flow:
            return node.end
        node = node.entries[-1][1] if isinstance(node, MappingNode) else node.items[-1]
    if node.style not in BLOCK_SCALAR:
        return node.end
    content = text[node.start : node.end].rstrip(" \t\r\n")
    said = str(node.value).rstrip("\n")
    if _KEEPS.match(content) or said != said.rstrip(" \t"):
        return node.end  # blank lines are part of the text, or its last line is made of spaces
    return line_end(text, node.start + len(content))


def lines_end(text: str, node: Node) -> int:
    """Where the first line starts that says nothing about ``node``."""
    end = content_end(text, node)
    return end if is_line_start(text, end) else line_end(text, end)


def skip_inner_comments(text: str, start: int, outer: int, limit: int) -> int:
    """From the line start ``start`` past comments that are indented deeper than the column ``outer``:
    they belong to what stands above them. Blank lines are passed only on the way to such a comment.
    """
    end = here = start
    while here < limit:
        comment = _COMMENT.match(text, here)
        if comment and len(comment[1]) > outer:
            end = line_end(text, here)
        elif not is_blank(text, here):
            break
        here = line_end(text, here)
    return end


def skip_blank(text: str, start: int) -> int:
    """From the line start ``start`` past blank lines."""
    while start < len(text) and is_blank(text, start):
        start = line_end(text, start)
    return start


def above_comments(text: str, start: int) -> int:
    """From the line start ``start`` up past the comment lines that stand directly on it. The comments at
    the very top of a document are its header and stay above everything.
    """
    here = start
    while here > 0:
        above = line_above(text, here)
        if not is_comment(text, above) or _MODELINE.search(text, above, here):
            return here
        here = above
    return start


def is_set_off(text: str, start: int) -> bool:
    """Whether a blank line stands above the line ``start`` and the comments on it."""
    top = above_comments(text, start)
    return top > 0 and is_blank(text, line_above(text, top))


def heads(text: str, node: MappingNode | SequenceNode) -> list[int]:
    """Where the entries of a block collection begin: at the key, its ``?``, or the dash."""
    if isinstance(node, MappingNode):
        return [_key_head(text, key.start) for key, _ in node.entries]
    dash = re.compile(rf"(?<![^\r\n]) {{{column(text, node.start)}}}-(?![^ \t\r\n])")
    found = [node.start]
    for item in node.items[:-1]:
        # Between two items there is nothing but comments and space.
        match = dash.search(text, content_end(text, item))
        if match is None:
            raise LookupError("a list's dash is not where it was expected")
        found.append(match.end() - 1)
    return found


def _key_head(text: str, index: int) -> int:
    explicit = _EXPLICIT.search(text, line_start(text, index), index)
    return explicit.start() if explicit else index


def with_lines(text: str, begin: int, end: int, lines: Sequence[str]) -> Iterator[str]:
    """``text`` with whole lines in place of those from ``begin`` to ``end``; a text without a final line
    break stays one where that is possible (a block scalar may need it: the second answer).
    """
    unfinished = end == len(text) and not is_line_start(text, end)
    below = end
    while lines and not lines[-1] and below < len(text) and is_blank(text, below):
        # Text that keeps its last blank lines makes those its own that are there.
        lines, below = lines[:-1], line_end(text, below)
    if not lines:
        if unfinished:
            yield text[: begin - len(_break_before(text, begin))]
        yield text[:begin] + text[end:]
        return
    ending = _break_before(text, begin) or line_break(text, begin)
    joined = ending.join(lines)
    before = text[:begin] if is_line_start(text, begin) else text[:begin] + ending
    if unfinished:
        yield before + joined
    yield before + joined + ending + text[end:]
