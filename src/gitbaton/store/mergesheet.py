"""A document cut into its top-level fields, each with the comments that hang on it."""

from __future__ import annotations

from typing import NamedTuple

from gitbaton.errors import BatonError
from gitbaton.store.yamlfile import VALUE, parse_tree
from gitbaton.store.yamlnodes import MappingNode, SequenceNode


class Sheet(NamedTuple):
    """A document's text in parts. ``fields`` are whole lines, without the blank lines behind them: their number
    is in ``blanks``. ``head`` is what stands above the first field, ``tail`` the comments below the last.
    """

    head: str
    fields: dict[str, str]
    blanks: dict[str, int]
    tail: str


def cut_sheet(text: str, path: str) -> Sheet | None:
    """Cut ``text`` (line ends are line feeds); None when its fields don't stand below each other. Raises
    nothing for an empty text: it has no fields.
    """
    if not text.strip():
        return Sheet("", {}, {}, "")
    if not text.endswith("\n"):
        text += "\n"
    try:
        plain, tree = parse_tree(text.encode(), path, VALUE)
    except BatonError:
        return None
    if tree.flow or not tree.entries or plain != text:
        return None
    names = [str(key.value) for key, _ in tree.entries]
    starts = [key.start for key, _ in tree.entries]
    if any(at and text[at - 1] != "\n" for at in starts):
        return None
    cuts = [starts[0]]
    for at, (_, value) in zip(starts[1:], tree.entries, strict=False):
        inside = isinstance(value, MappingNode | SequenceNode) and not value.flow
        cuts.append(_climb(text, at, cuts[-1] if inside or value.style in ("|", ">") else value.end))
    last = tree.entries[-1][1]
    exact = not (isinstance(last, MappingNode | SequenceNode) and not last.flow) and last.style not in (
        "|",
        ">",
    )
    end = _climb(text, len(text), max(cuts[-1], last.end if exact else 0), blank=True)
    end = max(end, text.find("\n", starts[-1]) + 1)
    head, tail = text[: starts[0]], text[end:]
    if any(line.strip() not in ("", "---") and line[0] != "#" for line in head.splitlines()):
        return None
    fields, blanks = {}, {}
    for name, start, stop in zip(names, cuts, [*cuts[1:], end], strict=True):
        piece = text[start:stop]
        kept = piece.rstrip("\n") + "\n"
        fields[name], blanks[name] = kept, len(piece) - len(kept)
    return Sheet(head, fields, blanks, tail)


def _climb(text: str, at: int, limit: int, *, blank: bool = False) -> int:
    """The start of the comment lines (with ``blank``, of blank lines, too) right above the line at ``at``."""
    while at > limit:
        above = text.rfind("\n", 0, at - 1) + 1
        line = text[above:at]
        if above < limit or not (line.startswith("#") or (blank and not line.strip())):
            break
        at = above
    return at
