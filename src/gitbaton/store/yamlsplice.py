"""Single changes of a YAML text, spliced in at the marks of its tree

``splice`` offers one or more texts for a change, the best first; it promises nothing about their
meaning. The caller reads each and takes the first that says what it should.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.store import yamlblock, yamlflow
from gitbaton.store.yamlnodes import MappingNode, SequenceNode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.store.yamlnodes import Node

Field = tuple[str | int, ...]


class Replace(NamedTuple):
    """Another value for what stands at ``field``."""

    field: Field
    value: Any


class Insert(NamedTuple):
    """A key that a mapping lacks (its place follows ``order``), or an item in front of the one that has
    its index now.
    """

    field: Field
    value: Any
    order: tuple[str, ...] = ()


class Delete(NamedTuple):
    """A key or item that is not the last one of its collection; all keys if ``field`` is empty."""

    field: Field


Change = Replace | Insert | Delete


class Layout(NamedTuple):
    """What is wanted of the top level: the order of its fields, and those between blank lines."""

    order: tuple[str, ...] = ()
    spaced: frozenset[str] = frozenset()


def splice(text: str, tree: MappingNode, change: Change, layout: Layout) -> Iterator[str]:
    """Texts that may be the result of ``change``, the best first."""
    if not change.field:
        return yamlblock.replace_root(text, tree)
    around = _container(tree, change.field)
    last = change.field[-1]
    match change:
        case Insert(_, value, order):
            wanted = layout if around is tree else Layout(order)
            return _insert(text, tree, around, last, value, layout=wanted)
        case Replace(_, value) if around.flow:
            return yamlflow.replace(text, tree, around, _index(around, last), value)
        case Replace(_, value):
            return yamlblock.replace(text, tree, around, _index(around, last), value)
        case Delete():
            delete = yamlflow.delete if around.flow else yamlblock.delete
            return delete(text, around, _index(around, last))


def _insert(
    text: str,
    tree: MappingNode,
    around: MappingNode | SequenceNode,
    last: str | int,
    value: Any,
    *,
    layout: Layout,
) -> Iterator[str]:
    if around.flow:
        flow = yamlflow.insert(text, tree, around, last, value, order=layout.order)
        # An empty document has no style yet.
        return chain(yamlblock.fill_root(text, tree, str(last), value), flow) if tree is around else flow
    if isinstance(around, SequenceNode):
        return yamlblock.insert_item(text, tree, around, int(last), value)
    return yamlblock.insert_entry(
        text, tree, around, str(last), value, order=layout.order, spaced=layout.spaced
    )


def _container(tree: MappingNode, field: Field) -> MappingNode | SequenceNode:
    here: Node = tree
    for part in field[:-1]:
        if isinstance(here, MappingNode | SequenceNode):
            here = yamlblock.values(here)[_index(here, part)]
    if isinstance(here, MappingNode | SequenceNode):
        return here
    raise LookupError(f"a scalar stands at {field[:-1]}")


def _index(around: MappingNode | SequenceNode, last: str | int) -> int:
    if isinstance(around, SequenceNode):
        return int(last)
    return next(i for i, (key, _) in enumerate(around.entries) if key.value == last)
