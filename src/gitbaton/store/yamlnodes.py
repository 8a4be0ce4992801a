"""A YAML document as a tree of values that know their place in the text

Built from the parser's events rather than its nodes: events show anchors, aliases and tags as they are
written, and reading them needs no recursion, so that no input can exhaust the stack.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from gitbaton.errors import Problem
from gitbaton.store.yamlscalar import NULLS, NumberTooLargeError, parse_plain
from gitbaton.store.yamlshape import VALUE, Shape
from gitbaton.store.yamlsyntax import PROBLEMS_MAX, explain, field_name, find_forbidden, find_place, shorten

if TYPE_CHECKING:
    from collections.abc import Callable

DEPTH_MAX: Final = 64


class Node:
    """A scalar. ``value`` is what it means, ``start`` and ``end`` are character indices into the text,
    ``style`` its quoting (``""`` plain, ``"'"``, ``'"'``, ``"|"``, ``">"``).
    """

    __slots__ = ("end", "start", "style", "value")

    def __init__(self, value: Any, start: int, end: int, style: str) -> None:
        self.value = value
        self.start = start
        self.end = end
        self.style = style


class SequenceNode(Node):
    """A list; ``flow`` tells ``[…]`` from a block. The end of a block is where the parser noticed it,
    behind comments and blank lines.
    """

    __slots__ = ("flow", "items")

    def __init__(self, start: int, end: int, flow: bool) -> None:
        super().__init__([], start, end, "")
        self.flow = flow
        self.items: list[Node] = []


class MappingNode(Node):
    """A mapping; the values of its keys are text."""

    __slots__ = ("entries", "flow")

    def __init__(self, start: int, end: int, flow: bool) -> None:
        super().__init__({}, start, end, "")
        self.flow = flow
        self.entries: list[tuple[Node, Node]] = []

    def find(self, key: str) -> tuple[Node, Node] | None:
        return next((entry for entry in self.entries if entry[0].value == key), None)


class PythonParser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser, for installations without libyaml."""

    def __init__(self, stream: str) -> None:
        yaml.reader.Reader.__init__(self, stream)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)

    def get_event(self) -> object:
        try:
            return super().get_event()  # type: ignore[no-untyped-call]
        except (ValueError, OverflowError):  # of the number in an escape or a directive
            raise yaml.scanner.ScannerError(None, None, "number out of range", self.get_mark()) from None


def _find_parser() -> Callable[[str], Any]:
    try:
        from yaml import cyaml
    except ImportError:  # PyYAML was built without libyaml
        return PythonParser
    parser: Callable[[str], Any] = cyaml.CParser  # type: ignore[attr-defined] # the stubs forget it
    return parser


#: Makes the source of events from text. A name of this module, so that tests can read with either.
make_parser = _find_parser()


def read_tree(text: str, path: str, shape: Shape = VALUE) -> tuple[Node | None, list[Problem]]:
    """The document in ``text`` (without a byte order mark) and everything wrong with it, in the order of
    the text. With problems the tree is incomplete and good for nothing but guesses; None without a
    document.
    """
    return _TreeReader(text, path, shape).read()


class _Open:
    """A collection that has begun and not ended. ``name`` is its key or index in the one around it,
    ``key`` the key of a mapping whose value comes next.
    """

    __slots__ = ("key", "name", "node", "shape")

    def __init__(self, node: MappingNode | SequenceNode, name: str | int, shape: Shape) -> None:
        self.node = node
        self.name = name
        self.shape = shape
        self.key: Node | None = None

    def awaits_key(self) -> bool:
        return self.key is None and self.node.__class__ is MappingNode

    def next_name(self) -> str | int:
        """Key or index of the value that comes next."""
        return len(self.node.value) if self.key is None else str(self.key.value)


class _TreeReader:
    """Follows the events of one text and adds each value to the innermost open collection."""

    def __init__(self, text: str, path: str, shape: Shape) -> None:
        self._text = text
        self._path = path
        self._shape = shape
        self._root: Node | None = None
        self._open: list[_Open] = []
        self._problems: list[Problem] = []
        self._documents = 0
        self._done = False

    def read(self) -> tuple[Node | None, list[Problem]]:
        follow: dict[type, Callable[[Any], None]] = {
            ScalarEvent: self._scalar,
            MappingStartEvent: self._begin_mapping,
            MappingEndEvent: self._end,
            SequenceStartEvent: self._begin_sequence,
            SequenceEndEvent: self._end,
            AliasEvent: self._alias,
            DocumentStartEvent: self._begin_document,
            StreamEndEvent: self._finish,
        }
        try:
            get_event = make_parser(self._text).get_event
            while not self._done and len(self._problems) < PROBLEMS_MAX:
                event = get_event()
                handle = follow.get(event.__class__)
                if handle is not None:
                    handle(event)
        except yaml.reader.ReaderError:
            self._problems += islice(find_forbidden(self._text, self._path), PROBLEMS_MAX)
        except yaml.MarkedYAMLError as error:
            self._problems.append(explain(error, self._text, self._path, self._field()))
        return self._root, self._problems

    # -- events --------------------------------------------------------------------------------------

    def _begin_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            self._refuse("multiple-documents", event, "a second document begins here; a file holds one")
            self._done = True

    def _finish(self, _: Any) -> None:
        self._done = True

    def _scalar(self, event: Any) -> None:
        style = event.style or ""  # None in PyYAML's own parser
        value = event.value
        start, end = event.start_mark.index, event.end_mark.index
        if event.tag is not None or event.anchor is not None:
            self._refuse_properties(event)
        if style == '"' and "\\" in self._text[start:end]:
            self._check_escapes(event)
        around = self._open[-1] if self._open else None
        if around is not None and around.awaits_key():
            around.key = Node(value, start, end, style)
            if value in around.node.value:
                self._refuse_duplicate(event, around.node)
            return
        if not style and (value in NULLS or not self._shape_here().text):
            try:
                value = parse_plain(value)
            except NumberTooLargeError as error:
                self._refuse("number", event, str(error))
                value = None
        self._add(Node(value, start, end, style))

    def _alias(self, event: Any) -> None:
        self._refuse("alias", event, f"*{shorten(event.anchor)} is an alias; write the value out")
        node = Node(None, event.start_mark.index, event.end_mark.index, "")
        if self._open and self._open[-1].awaits_key():
            node.value = f"*{event.anchor}"
            self._open[-1].key = node
        else:
            self._add(node)

    def _begin_mapping(self, event: Any) -> None:
        self._begin(event, MappingNode(event.start_mark.index, event.end_mark.index, bool(event.flow_style)))

    def _begin_sequence(self, event: Any) -> None:
        self._begin(event, SequenceNode(event.start_mark.index, event.end_mark.index, bool(event.flow_style)))

    def _begin(self, event: Any, node: MappingNode | SequenceNode) -> None:
        if event.tag is not None or event.anchor is not None:
            self._refuse_properties(event)
        around = self._open[-1] if self._open else None
        if around is None:
            self._add(node)
            self._open.append(_Open(node, "", self._shape))
        elif around.awaits_key():
            self._refuse("key", event, "a key must be text, not a list or a mapping")
            around.key = Node("?", node.start, node.end, "")
            self._open.append(_Open(node, "?", VALUE))
        else:
            opened = _Open(node, around.next_name(), self._shape_here())
            self._add(node)
            self._open.append(opened)
        if len(self._open) > DEPTH_MAX:
            said = f"nested more than {DEPTH_MAX} levels deep"
            self._refuse("too-deep", event, said, field_name([self._open[1].name]))
            self._done = True

    def _end(self, event: Any) -> None:
        self._open.pop().node.end = event.end_mark.index

    # -- values --------------------------------------------------------------------------------------

    def _shape_here(self) -> Shape:
        """The shape of the value that comes next."""
        if not self._open:
            return self._shape
        around = self._open[-1]
        if around.key is None:
            return around.shape.item or VALUE
        return around.shape.at(around.key.value)

    def _add(self, node: Node) -> None:
        if not self._open:
            self._root = node
            return
        around = self._open[-1]
        container = around.node
        if isinstance(container, SequenceNode):
            container.items.append(node)
            container.value.append(node.value)
        elif around.key is not None:
            container.entries.append((around.key, node))
            container.value[around.key.value] = node.value
            around.key = None

    # -- problems ------------------------------------------------------------------------------------

    def _refuse(self, code: str, event: Any, said: str, field: str | None = None) -> None:
        line, column = find_place(self._text, event.start_mark.index)
        name = self._field() if field is None else field
        self._problems.append(Problem(self._path, line, column, name, code, said))

    def _refuse_properties(self, event: Any) -> None:
        if event.anchor is not None:
            self._refuse(
                "alias", event, f"&{shorten(event.anchor)} is an anchor; write the value out where it is used"
            )
        if event.tag is not None:
            written = self._text[event.start_mark.index : event.end_mark.index].split()
            name = next((part for part in written if part.startswith("!")), event.tag)
            said = f"{shorten(name)} is a tag; leave it out, or put text that begins with ! in quotes"
            self._refuse("tag", event, said)

    def _refuse_duplicate(self, event: Any, mapping: Node) -> None:
        first = mapping.find(event.value) if isinstance(mapping, MappingNode) else None
        line = find_place(self._text, first[0].start)[0] if first else 1
        self._refuse("duplicate-key", event, f"the key stands in line {line} already; keep one of the two")

    def _check_escapes(self, event: Any) -> None:
        """Escapes can make text that cannot be stored or passed on."""
        if "\0" in event.value:
            said = "text cannot hold a NUL character, not even as an escape"
            self._refuse("control-character", event, said)
        if any("\ud800" <= char <= "\udfff" for char in event.value):
            self._refuse("encoding", event, "an escape for half of a surrogate pair is no character")

    def _field(self) -> str:
        """The field that is being read, as far as the parser has come."""
        if not self._open:
            return ""
        field = [around.name for around in self._open[1:]]
        if not self._open[-1].awaits_key():
            field.append(self._open[-1].next_name())
        return field_name(field)
