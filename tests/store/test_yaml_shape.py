"""Where a schema says text, a reader must not guess"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field

from gitbaton.domain.document import Part, Text
from gitbaton.store.yamlfile import TEXT, VALUE, parse_yaml, shape_of

Slug = Annotated[str, Field(pattern="^[a-z]+$")]


class Tree(Part):
    name: Text
    weight: float = 1
    children: list[Tree] = Field(default_factory=list)
    by_name: dict[str, Tree] = Field(default_factory=dict)


class Sample(Part):
    model_config = ConfigDict(json_schema_extra={"patternProperties": {"^x-": {}}})

    text: Text
    maybe: Text | None = None
    timeout: int | str = 0
    count: int | None = None
    kind: Literal["a", "1"] = "a"
    level: Literal[1, "high"] = 1
    labels: list[Text] | None = None
    env: dict[str, Text] = Field(default_factory=dict)
    slugs: dict[Slug, Text] = Field(default_factory=dict)
    either: Text | list[Text] = ""
    pair: tuple[Text, int] = ("", 0)
    tree: Tree | None = None
    anything: Any = None


def test_text_of_a_model_is_taken_letter_by_letter() -> None:
    data = b"""\
text: 1.10
maybe: 012
timeout: 10
count: 5
kind: 1
level: 1
labels: [1.0, true, ~, 'x']
env: {A: 1, B: false, C: null}
slugs: {a: 1}
either: 1.0
pair: [1.0, 2]
tree:
  name: 1
  weight: 1
  children: [{name: 2, children: [{name: true, weight: 2}]}]
  by_name: {a: {name: 1e3}}
anything: {b: 1.10}
x-more: 1.10
"""
    assert parse_yaml(data, "f.yaml", shape_of(Sample.model_json_schema())).value == {
        "text": "1.10",
        "maybe": "012",
        "timeout": 10,
        "count": 5,
        "kind": "1",
        "level": 1,
        "labels": ["1.0", "true", None, "x"],
        "env": {"A": "1", "B": "false", "C": None},
        "slugs": {"a": "1"},
        "either": "1.0",
        "pair": [1.0, 2],  # items share one shape, and not all of these are text
        "tree": {
            "name": "1",
            "weight": 1,
            "children": [{"name": "2", "children": [{"name": "true", "weight": 2}]}],
            "by_name": {"a": {"name": "1e3"}},
        },
        "anything": {"b": 1.1},
        "x-more": 1.1,
    }


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, True),
        ({"type": ["string", "null"]}, True),
        ({"type": ["string", "number", "boolean"]}, True),
        ({"type": ["string", "number", "boolean", "null"]}, True),
        ({"type": ["string", "integer"]}, False),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, True),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, False),
        ({"oneOf": [{"const": "a"}, {"const": None}]}, True),
        ({"allOf": [{"$ref": "#/$defs/T"}], "$defs": {"T": {"type": "string"}}}, True),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"enum": ["x", "y"]}}}, True),
        ({"enum": ["x", 1]}, False),
        ({"const": True}, False),
        ({"type": "boolean"}, False),
        ({}, False),
    ],
)
def test_what_counts_as_text(schema: dict[str, Any], text: bool) -> None:
    assert shape_of(schema).text is text


def test_a_schema_may_refer_to_itself() -> None:
    shape = shape_of(
        {"$ref": "#", "type": "object", "properties": {"me": {"$ref": "#"}, "s": {"type": "string"}}}
    )
    assert shape.at("me").at("me").at("s").text
    endless = {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}
    assert not shape_of(endless).text


def test_a_reference_to_elsewhere_is_no_shape() -> None:
    with pytest.raises(ValueError, match="cannot follow"):
        shape_of({"$ref": "other.json"})


def test_what_nothing_is_said_about_is_read_as_json() -> None:
    assert VALUE.at("x") is VALUE
    assert TEXT.at("x") is VALUE
