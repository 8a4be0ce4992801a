"""Reads one YAML file of the repository as plain values, strictly, and knows where each field stands

The rules are DESIGN.md's (Trust, Reading): JSON scalars only, text fields from their source text, no
anchors, aliases, tags or duplicate keys, and every problem of a file named at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.yamlnodes import MappingNode, Node, SequenceNode, read_tree
from gitbaton.store.yamlshape import TEXT, VALUE, Shape, shape_of
from gitbaton.store.yamlsyntax import (
    decode,
    field_name,
    find_conflicts,
    find_directives,
    find_inner_mark,
    find_place,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TEXT", "VALUE", "Shape", "YamlFile", "field_name", "parse_tree", "parse_yaml", "shape_of"]

SIZE_MAX: Final = 1_048_576
#: After these there is no telling what the rest of the file means.
_ENDING: Final = frozenset(
    {"syntax", "tab", "control-character", "conflict-markers", "multiple-documents", "too-deep"}
)


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The value of one file; ``path`` is relative to the repository, for problems. ``_whole`` is the name of the list
    that the whole file is.
    """

    path: str
    value: dict[str, Any]
    _text: str = field(default="", repr=False, compare=False)
    _whole: str = ""
    _trees: list[Node] = field(default_factory=list, repr=False, compare=False)

    def position(self, field: Sequence[str | int]) -> tuple[int, int]:
        """Line and column, both from 1, of a field: of its key, or of the item in a list. A field that
        is missing has the place of the nearest one above it that is there, the whole file (1, 1).
        """
        if not self._trees:
            tree, _ = read_tree(self._text, self.path)
            self._trees.append(tree or Node(None, 0, 0, ""))
        here = self._trees[0]
        start = 0
        for part in field[1:] if self._whole and field[:1] == (self._whole,) else field:
            if isinstance(here, MappingNode) and (entry := here.find(str(part))):
                start, here = entry[0].start, entry[1]
            elif isinstance(here, SequenceNode) and isinstance(part, int) and 0 <= part < len(here.items):
                here = here.items[part]
                start = here.start
            else:
                break
        return find_place(self._text, start)


def parse_yaml(data: bytes, path: str, shape: Shape = VALUE, *, size_max: int = SIZE_MAX) -> YamlFile:
    """Read the bytes of a file. ``shape`` tells where text stands (``shape_of`` a schema).

    Raises ``InvalidDocument`` with every problem found: ``too-large``, ``encoding``, ``empty``,
    ``conflict-markers``, ``control-character``, ``tab``, ``syntax`` stop the reading; ``duplicate-key``,
    ``alias``, ``tag``, ``key``, ``number``, ``not-a-mapping``, ``multiple-documents`` and ``too-deep``
    are reported together.
    """
    text, tree = parse_tree(data, path, shape, size_max=size_max)
    return YamlFile(path, tree.value, text)


def parse_list(data: bytes, path: str, shape: Shape, name: str) -> YamlFile:
    """As ``parse_yaml``, for a file that may as well hold nothing but the list that is called ``name``."""
    inner = Shape(fields=shape.fields, item=shape.at(name).item, patterns=shape.patterns, other=shape.other)
    text, tree = _read(data, path, inner, (MappingNode, SequenceNode), SIZE_MAX)
    if isinstance(tree, SequenceNode):
        return YamlFile(path, {name: tree.value}, text, _whole=name)
    return YamlFile(path, tree.value, text)


def parse_tree(
    data: bytes, path: str, shape: Shape = VALUE, *, size_max: int = SIZE_MAX
) -> tuple[str, MappingNode]:
    """As ``parse_yaml``, but the text without its byte order mark and the tree of nodes into it."""
    text, tree = _read(data, path, shape, (MappingNode,), size_max)
    assert isinstance(tree, MappingNode)
    return text, tree


def _read(
    data: bytes, path: str, shape: Shape, wanted: tuple[type[Node], ...], size_max: int
) -> tuple[str, Node]:
    if len(data) > size_max:
        said = f"the file has {len(data):,} bytes; {size_max:,} are allowed"
        raise InvalidDocument([Problem(path, 1, 1, "", "too-large", said)])
    text = decode(data, path)
    if isinstance(text, Problem):
        raise InvalidDocument([text])
    unreadable = find_conflicts(text, path) or find_directives(text, path) or find_inner_mark(text, path)
    if unreadable:
        raise InvalidDocument(unreadable)
    tree, problems = read_tree(text, path, shape)
    if tree is None or (tree.value is None and not tree.style):
        problems = problems or [
            Problem(path, 1, 1, "", "empty", "the file says nothing; 'key: value' lines are wanted")
        ]
    elif not isinstance(tree, wanted) and not (problems and problems[-1].code in _ENDING):
        line, column = find_place(text, tree.start)
        said = "a list or text at the top level; 'key: value' lines are wanted"
        problems = [Problem(path, line, column, "", "not-a-mapping", said), *problems]
    if problems or tree is None:
        raise InvalidDocument(problems)
    return text, tree
