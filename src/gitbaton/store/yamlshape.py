"""What a schema says about where text stands, for a reader that must not guess

A plain ``1.10`` in YAML is a number unless somebody knows that the field is text. The schema knows.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: The JSON Schema type list that ``domain/document.py`` gives free text.
_TEXT_TYPES: Final = frozenset({"string", "number", "boolean"})
_COMBINATORS: Final = ("anyOf", "oneOf", "allOf")


class Shape:
    """How the values of one place in a document are read; not changed once it is built.

    ``text``: a plain scalar here is taken from its source text. ``item``: the shape of a list's items.
    ``fields``: the shapes of a mapping's named values; any other key has the first shape of
    ``patterns`` whose expression is found in it, else ``other``. None stands for ``VALUE``.
    """

    __slots__ = ("fields", "item", "other", "patterns", "text")

    def __init__(
        self,
        *,
        text: bool = False,
        item: Shape | None = None,
        fields: Mapping[str, Shape] | None = None,
        other: Shape | None = None,
        patterns: Sequence[tuple[re.Pattern[str], Shape]] = (),
    ) -> None:
        self.text = text
        self.fields = dict(fields or {})
        self.patterns = tuple(patterns)
        self.item = item
        self.other = other

    def at(self, key: str) -> Shape:
        """The shape of the value under ``key`` of a mapping that has this shape."""
        found = self.fields.get(key)
        if found is not None:
            return found
        for pattern, shape in self.patterns:
            if pattern.search(key):
                return shape
        return self.other or VALUE

    def inside(self, field: Iterable[str | int]) -> Shape:
        """The shape of the value at a path."""
        shape = self
        for part in field:
            shape = (shape.item or VALUE) if isinstance(part, int) else shape.at(part)
        return shape


#: Nothing is known: JSON scalars are read as JSON says.
VALUE: Final = Shape()
#: Text, whatever a plain scalar looks like.
TEXT: Final = Shape(text=True)


def as_read(value: Any, shape: Shape) -> Any:
    """``value`` as it reads from a file of this shape: where text stands, numbers and booleans are text."""
    if isinstance(value, dict):
        return {key: as_read(item, shape.at(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [as_read(item, shape.item or VALUE) for item in value]
    if shape.text and isinstance(value, int | float):
        return json.dumps(value)
    return value


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """The shape that a JSON Schema describes, as pydantic emits them.

    Understood: ``$ref`` into the schema itself (recursive ones too), ``anyOf``, ``oneOf``, ``allOf``,
    ``type``, ``enum``, ``const``, ``items``, ``prefixItems``, ``properties``, ``patternProperties``,
    ``additionalProperties``. A place is text if its schema takes strings and neither numbers nor
    booleans of their own; the type list string, number, boolean counts as text.
    """
    return _Compiler(schema).shape([schema])


class _Compiler:
    """Compiles alternatives (a place may have several) to one shape; remembers what it has begun,
    because a schema may refer to itself.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._begun: dict[tuple[int, ...], Shape] = {}

    def shape(self, schemas: Iterable[Any]) -> Shape:
        alternatives = self._resolve(schemas)
        if not alternatives:
            return VALUE
        known = tuple(sorted({id(one) for one in alternatives}))
        if known in self._begun:
            return self._begun[known]
        shape = self._begun[known] = Shape(text=_is_text(alternatives))
        items: list[Any] = []
        others: list[Any] = []
        fields: dict[str, list[Any]] = {}
        patterns: dict[str, list[Any]] = {}
        for one in alternatives:
            items += [one["items"]] if "items" in one else []
            items += one.get("prefixItems", [])
            others += [one["additionalProperties"]] if "additionalProperties" in one else []
            for name, value in one.get("properties", {}).items():
                fields.setdefault(name, []).append(value)
            for pattern, value in one.get("patternProperties", {}).items():
                patterns.setdefault(pattern, []).append(value)
        shape.item = self.shape(items)
        shape.other = self.shape(others)
        shape.fields.update({name: self.shape(values) for name, values in fields.items()})
        shape.patterns = tuple(
            (re.compile(pattern), self.shape(values)) for pattern, values in patterns.items()
        )
        return shape

    def _resolve(self, schemas: Iterable[Any]) -> list[Mapping[str, Any]]:
        """The schemas without references and combinators, each once."""
        found: dict[int, Mapping[str, Any]] = {}
        followed: set[str] = set()
        waiting = list(schemas)
        while waiting:
            one = waiting.pop(0)
            if not isinstance(one, dict):
                continue  # true and false say nothing about text
            found[id(one)] = one
            reference = one.get("$ref")
            if reference is not None and reference not in followed:
                followed.add(reference)
                waiting.append(self._target(reference))
            for combinator in _COMBINATORS:
                waiting += one.get(combinator, [])
        return list(found.values())

    def _target(self, reference: str) -> Any:
        """What a reference within this document points to. Raises ``ValueError`` for any other."""
        if not reference.startswith("#"):
            raise ValueError(f"cannot follow the schema reference {reference!r}")
        target: Any = self._root
        for part in reference[1:].split("/")[1:]:
            target = target[part.replace("~1", "/").replace("~0", "~")]
        return target


def _is_text(alternatives: Iterable[Mapping[str, Any]]) -> bool:
    text = False
    for one in alternatives:
        if "const" in one or "enum" in one:
            types = {_type_name(value) for value in one.get("enum", [one.get("const")])}
        else:
            declared = one.get("type", [])
            types = {declared} if isinstance(declared, str) else set(declared)
            if types - {"null"} == _TEXT_TYPES:
                types = {"string"}
        if types & {"number", "integer", "boolean"}:
            return False
        text = text or "string" in types
    return text


def _type_name(value: object) -> str:
    if isinstance(value, str):
        return "string"
    return "null" if value is None else "number"
