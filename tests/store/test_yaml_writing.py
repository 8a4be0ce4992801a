"""The canonical text of new files: one form, and every reader agrees on what it says"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.errors import Refusal
from gitbaton.store.yamlfile import parse_yaml
from gitbaton.store.yamlscalar import can_be_plain, literal_header, parse_plain, render_scalar
from gitbaton.store.yamlwrite import render_yaml
from strategies import FIELD_ORDER, any_text, documents, mappings, scalars, tempting_text, text


def canonical(value: object) -> str:
    """Tells 1 from true and 1.0."""
    return json.dumps(value, sort_keys=True)


def read_by_others(document: str) -> Any:
    """What PyYAML makes of it, with YAML 1.1's types; a wrong type is the point of asking."""
    return yaml.safe_load(document)


def test_a_new_file_has_one_form() -> None:
    value = {
        "labels": ["backend", "needs: review", {"a": 1, "b": [1, 2]}, [], ["x", ["z"]]],
        "status": "todo",
        "title": "Add a login endpoint",
        "description": 'First line.\n\nIt\'s the "second": # no comment\n  indented\n',
        "x-more": {"yes": "no", "empty": {}, "long": "word " * 30 + "end", "deep": {"number": 1.5}},
        "priority": 3,
        "hold": None,
        "done": True,
    }
    assert (
        render_yaml(value, order=["title", "description", "status"], header="# $schema=x", spaced=["status"])
        == f"""\
# $schema=x
title: Add a login endpoint
description: |
  First line.

  It's the "second": # no comment
    indented

status: todo

labels:
  - backend
  - "needs: review"
  - a: 1
    b:
      - 1
      - 2
  - []
  - - x
    - - z
x-more:
  "yes": "no"
  empty: {{}}
  long: |-
    {"word " * 30}end
  deep:
    number: 1.5
priority: 3
hold: null
done: true
"""
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("plain text, with (signs)", "plain text, with (signs)"),
        ("it's", "it's"),
        ("café 日本 😀", "café 日本 😀"),
        ("a: b", '"a: b"'),
        ("", '""'),
        ("true", '"true"'),
        ("No", '"No"'),
        ("1.10", '"1.10"'),
        ("012", '"012"'),
        ("2001-01-01", '"2001-01-01"'),
        ("12:30", '"12:30"'),
        ("- a", '"- a"'),
        ("*.md", '"*.md"'),
        ('"quoted" text', "'\"quoted\" text'"),
        ("C:\\new\\it's", "C:\\new\\it's"),
        ("'a\\b'", "'''a\\b'''"),
        ("a\tb", '"a\\tb"'),
        ("bell\x07", '"bell\\u0007"'),
        ("a\u2028b", '"a\\u2028b"'),
        ("a\nb", '"a\\nb"'),
        (1, "1"),
        (1.0, "1.0"),
        (1e100, "1.0e+100"),
        (-0.0, "-0.0"),
        (None, "null"),
        (False, "false"),
    ],
)
def test_scalars_are_quoted_where_a_reader_might_stumble(value: Any, written: str) -> None:
    assert render_scalar(value) == written


@pytest.mark.parametrize(
    ("value", "style", "flow", "written"),
    [
        ("done", "'", False, "'done'"),
        ("it's", "'", False, "'it''s'"),
        ("a\nb", "'", False, '"a\\nb"'),
        ("done", '"', False, '"done"'),
        ('say "hi"', '"', False, '"say \\"hi\\""'),
        ("a, b", "", False, "a, b"),
        ("a, b", "", True, '"a, b"'),
        ("[a", "", True, '"[a"'),
        (5, '"', False, "5"),
    ],
)
def test_a_wanted_style_is_kept_where_it_carries_the_value(
    value: Any, style: str, flow: bool, written: str
) -> None:
    assert render_scalar(value, style=style, flow=flow) == written


@pytest.mark.parametrize(
    ("value", "header"),
    [
        ("a", "|-"),
        ("a\nb\n", "|"),
        ("a\n\n", "|+"),
        ("  a\nb\n", "|2"),
        ("\n\n\ta", "|2-"),
        ("\na\n \n", "|"),
        ("", None),
        (" \n\n", None),
        ("a\rb", None),
        ("a\x85b", None),
        ("a\ufeffb", None),
    ],
)
def test_block_scalars_are_used_where_they_carry_text_exactly(value: str, header: str | None) -> None:
    assert literal_header(value) == header
    if header is not None:
        document = render_yaml({"a": [value, {"b": value}], "c": value, "d": 1})
        assert read_by_others(document) == parse_yaml(document.encode(), "f.yaml").value
        assert read_by_others(document)["a"] == [value, {"b": value}]


@pytest.mark.parametrize("value", ["a\0b", "\ud800", float("nan"), float("inf"), float("-inf")])
def test_what_no_file_can_hold_is_refused(value: Any) -> None:
    for document in ({"a": value}, {"a": [{"b": value}]}):
        with pytest.raises(Refusal) as caught:
            render_yaml(document)
        assert caught.value.code == "not-storable"


def test_text_that_keeps_blank_lines_sets_itself_off() -> None:
    document = render_yaml({"a": "x\n\n", "status": "todo", "b": "y\n\n\n"}, spaced=["status", "b"])
    assert document == "a: |+\n  x\n\nstatus: todo\n\nb: |+\n  y\n\n\n"
    assert parse_yaml(document.encode(), "f.yaml").value["a"] == "x\n\n"


def test_keys_beyond_a_parsers_patience_are_announced() -> None:
    value = {"k" * 2000: {"l" * 2000: ["m"]}, "flow": [{}, {"n" * 2000: 1}]}
    document = render_yaml(value)
    assert document.startswith("? kkk")
    assert read_by_others(document) == value == parse_yaml(document.encode(), "f.yaml").value


def test_an_empty_document_is_still_one() -> None:
    assert render_yaml({}, header="# h\n") == "# h\n{}\n"


@given(mappings, st.sets(text, max_size=3))
def test_what_is_written_is_read(value: dict[str, Any], spaced: set[str]) -> None:
    document = render_yaml(value, order=sorted(spaced), spaced=spaced | set(list(value)[:1]))
    assert canonical(parse_yaml(document.encode(), "f.yaml").value) == canonical(value)
    assert canonical(read_by_others(document)) == canonical(value)


@given(documents())
def test_documents_are_read_back_and_written_the_same_again(value: dict[str, Any]) -> None:
    document = render_yaml(value, order=FIELD_ORDER, spaced=["status"])
    read = parse_yaml(document.encode(), "f.yaml").value
    assert canonical(read) == canonical(value)
    assert render_yaml(read, order=FIELD_ORDER, spaced=["status"]) == document
    assert [name for name in read if name in FIELD_ORDER] == [name for name in FIELD_ORDER if name in value]


@given(st.one_of(text, st.from_regex(r"[-+0-9.:_exoaf]{1,8}", fullmatch=True)), st.booleans())
def test_plain_text_is_text_to_everybody(value: str, flow: bool) -> None:
    if can_be_plain(value, flow=flow):
        assert parse_plain(value) == value
        document = f"[{value}, {value}]" if flow else f"- {value}\n- {value}  # c\n"
        assert read_by_others(document) == [value, value]
        assert read_by_others(f"{value}: 1") == {value: 1}


@given(scalars, st.sampled_from(["", "'", '"']), st.booleans())
def test_every_style_carries_every_scalar(value: Any, style: str, flow: bool) -> None:
    shown = render_scalar(value, style=style, flow=flow)
    document = f"a: [{shown}]\n" if flow else f"a:\n- {shown}\n"
    assert canonical(parse_yaml(document.encode(), "f.yaml").value) == canonical({"a": [value]})
    assert canonical(read_by_others(document)) == canonical({"a": [value]})


@given(st.one_of(any_text, tempting_text))
def test_double_quotes_hold_what_json_holds(value: str) -> None:
    shown = render_scalar(value, style='"')
    assert json.loads(shown) == value
