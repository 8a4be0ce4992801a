"""Random JSON documents: ones that meet a schema, and ones that nearly do."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from hypothesis import strategies as st

from gitbaton.store.schemas import read_schema

#: What YAML can hold, and what trips over text: spaces, digits, dashes, letters beyond ASCII.
ALPHABET = " ab1.-_/\n\u00e9\u2003\u200b日"
_TEXT = st.text(alphabet=ALPHABET, max_size=8)
_NUMBERS = st.one_of(st.integers(-3, 10_001), st.sampled_from([0.5, -0.5, 1e-9, 101.5, 1e12]))
JUNK = st.one_of(
    st.none(), st.booleans(), _NUMBERS, _TEXT, st.sampled_from(["10m", "0s", "true", "done", "1.10", "x" * 201]),
    st.lists(_TEXT, max_size=2), st.dictionaries(st.sampled_from(["text", "x-own", "name"]), _TEXT, max_size=2),
)  # fmt: skip


@cache
def meeting(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Documents that meet the schema of ``kind``, as far as one can tell from it."""
    root = read_schema(kind)
    return _meeting(root, root)


def _meeting(node: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in node:
        return st.deferred(lambda: _meeting(root["$defs"][node["$ref"].rsplit("/", 1)[-1]], root))
    if "enum" in node:
        return st.sampled_from(node["enum"])
    if "const" in node:
        return st.just(node["const"])
    if "anyOf" in node:
        return st.one_of([_meeting(part, root) for part in node["anyOf"]])
    types = node.get("type", ["object", "string", "number", "null"])
    return st.one_of([_of_type(name, node, root) for name in ([types] if isinstance(types, str) else types)])


def _of_type(name: str, node: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    match name:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(node.get("minimum", -5), node.get("maximum", 10_000))
        case "number":
            least = node.get("minimum", node.get("exclusiveMinimum", -5) + 0.25)
            return st.integers(0, 40).map(lambda n: least + n * 2.5)
        case "array":
            return st.lists(_meeting(node["items"], root), min_size=node.get("minItems", 0), max_size=3)
        case "string":
            text = (
                st.from_regex(node["pattern"], fullmatch=True)
                if node.get("pattern", r"\S") != r"\S"
                else _TEXT
            )
            return text if "minLength" not in node else text.map(lambda t: t + "a")
        case _:
            return _objects(node, root)


def _objects(node: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    parts = {name: _meeting(part, root) for name, part in node.get("properties", {}).items()}
    needed = {name: parts.pop(name) for name in node.get("required", [])}
    if node.get("additionalProperties") is False:
        parts["x-own"] = JUNK
        return st.fixed_dictionaries(needed, optional=parts)
    other = node.get("additionalProperties")
    values = _meeting(other, root) if isinstance(other, dict) else JUNK
    return st.dictionaries(st.sampled_from(["a", "b", "x-c"]), values, max_size=2)


@st.composite
def nearly_meeting(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """A document that meets the schema but for up to two places that were removed, added or replaced."""
    document = copy.deepcopy(draw(meeting(kind)))
    for _ in range(draw(st.integers(0, 2))):
        here: Any = document
        while True:
            keys = list(here) if isinstance(here, dict) else list(range(len(here)))
            inner = [k for k in keys if isinstance(here[k], dict | list) and here[k]]
            if not inner or draw(st.booleans()):
                break
            here = here[draw(st.sampled_from(inner))]
        kind = draw(st.sampled_from(["replace", "remove", "add"] if keys else ["add"]))
        if kind == "add":
            if isinstance(here, dict):
                here[draw(st.sampled_from(["colour", "x-own", "titel"]))] = draw(JUNK)
            else:
                here.append(draw(JUNK))
        elif kind == "remove":
            del here[draw(st.sampled_from(keys))]
        else:
            here[draw(st.sampled_from(keys))] = draw(JUNK)
    return document
