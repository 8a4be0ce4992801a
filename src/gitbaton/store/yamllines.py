"""Lines of a text and what stands on them: where entries begin and end, what belongs to whom"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from gitbaton.store.yamlnodes import MappingNode, Node, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BREAK: Final = re.compile(r"\r\n|\r|\n")
_SPACE: Final = re.compile(r"[ \t]*")
_COMMENT: Final = re.compile(r"[ \t]*#")
_EXPLICIT: Final = re.compile(r"\?[ \t]+\Z")
#: Comments that editors look for at the top of a file.
_MODELINE: Final = re.compile(r"[ \t]*#.*(?:yaml-language-server:|-\*-|\bvim?:)")


def line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1


def line_end(text: str, index: int) -> int:
    """Where the line after the one with ``index`` begins."""
    found = _BREAK.search(text, index)
    return found.end() if found else len(text)


def line_break(text: str, index: int) -> str:
    """The line break to use for a new line beside the one with ``index``: that line's own, else that of
    the line before it, else ``\\n``."""
    found = _BREAK.search(text, index)
    if found:
        return found[0]
    start = line_start(text, index)
    return "\r\n" if text[start - 2 : start] == "\r\n" else text[start - 1 : start] or "\n"


def is_line_start(text: str, index: int) -> bool:
    return index == 0 or text[index - 1] in "\r\n"


def is_blank(text: str, index: int) -> bool:
    """Whether nothing but space follows ``index`` on its line."""
    found = _SPACE.match(text, index)
    at = found.end() if found else index
    return at >= len(text) or text[at] in "\r\n"


def is_bare(text: str, index: int) -> bool:
    """Whether nothing, or nothing but a comment, follows ``index`` on its line."""
    return is_blank(text, index) or (
        _COMMENT.match(text, index) is not None and (text[index] in " \t" or is_line_start(text, index))
    )


def column(text: str, index: int) -> int:
    """Characters before ``index`` on its line."""
    return index - line_start(text, index)


def opens_line(text: str, index: int) -> bool:
    """Whether nothing but spaces stands before ``index`` on its line."""
    return not text[line_start(text, index) : index].strip(" ")


def content_end(text: str, node: Node) -> int:
    """Where the last character that says something about ``node`` ends. For block scalars that is the
    line break of their last line (behind the blank lines that a ``+`` keeps)."""
    while isinstance(node, MappingNode | SequenceNode):
        if node.flow:
            return node.end
        node = node.entries[-1][1] if isinstance(node, MappingNode) else node.items[-1]
    if node.style not in ("|", ">"):
        return node.end
    header = text[node.start : line_end(text, node.start)].split("#")[0]
    if "+" in header:
        return node.end
    kept = len(text[node.start : node.end].rstrip(" \t\r\n")) + node.start
    return line_end(text, kept)


def lines_end(text: str, node: Node) -> int:
    """Where the first line begins that says nothing about ``node``."""
    end = content_end(text, node)
    return end if is_line_start(text, end) else line_end(text, end)


def skip_inner_comments(text: str, index: int, outer: int, limit: int) -> int:
    """From the line start ``index`` past comments that are indented deeper than the column ``outer``:
    they belong to what stands above them. Blank lines are passed only on the way to such a comment."""
    end = here = index
    while here < limit:
        found = _SPACE.match(text, here)
        at = found.end() if found else here
        if text[at : at + 1] == "#" and at - here > outer:
            end = line_end(text, at)
        elif not is_blank(text, here):
            break
        here = line_end(text, here)
    return end


def above_comments(text: str, index: int, top: int) -> int:
    """From the line start ``index`` up past the comment lines that stand directly on it, not above
    ``top``. The comments that open a document are its header and stay above everything."""
    here = index
    while here > top:
        before = line_start(text, here - 1 if text[here - 2 : here] != "\r\n" else here - 2)
        if before < top or not _COMMENT.match(text, before) or _MODELINE.match(text, before):
            break
        here = before
    return index if is_header(text, here) else here


def is_header(text: str, index: int) -> bool:
    """Whether the line at ``index`` is the first of its document."""
    above = text[:index].strip()
    return not above or above.startswith(("---", "%"))


def heads(text: str, node: MappingNode | SequenceNode) -> list[int]:
    """Where the entries of a block collection begin: at the key, its ``?``, or the dash."""
    if isinstance(node, MappingNode):
        return [_key_head(text, key.start) for key, _ in node.entries]
    dash = re.compile(rf"(?<![^\r\n]) {{{column(text, node.start)}}}-(?![^ \t\r\n])")
    found = [node.start]
    for item in node.items[:-1]:
        match = dash.search(text, content_end(text, item))
        if match is None:
            raise LookupError("a list's dash is not where it was expected")
        found.append(match.end() - 1)
    return found


def _key_head(text: str, index: int) -> int:
    explicit = _EXPLICIT.search(text, line_start(text, index), index)
    return explicit.start() if explicit else index


def with_lines(text: str, begin: int, end: int, lines: Sequence[str]) -> Iterator[str]:
    """``text`` with whole lines in place of those between ``begin`` and ``end``; a text without a final
    line break stays one if that is possible (a block scalar may need it: the second answer)."""
    unfinished = end == len(text) and not is_line_start(text, end)
    if not lines:
        if unfinished:
            yield text[: begin - len(line_break(text, begin - 1))] if begin else ""
        yield text[:begin] + text[end:]
        return
    line_ending = line_break(text, max(begin - 1, 0) if is_line_start(text, begin) else begin)
    joined = line_ending.join(lines)
    before = text[:begin] if is_line_start(text, begin) else text[:begin] + line_ending
    if unfinished:
        yield before + joined + text[end:]
    yield before + joined + line_ending + text[end:]
