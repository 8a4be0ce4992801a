"""Problems of one document: found all at once, at their place, in words that help."""

from __future__ import annotations

import pytest

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.errors import Problem
from gitbaton.store.documents import find_problems, find_schema_mistake, read_task, schema_errors
from gitbaton.store.layout import classify

PATH = "tasks/t.yaml"


def told(text: str | bytes, kind: str = "task") -> list[tuple[int, int, str, str, str]]:
    """Problems as (line, column, field, code, message)."""
    data = text if isinstance(text, bytes) else text.encode()
    found = find_problems(data, PATH, kind)
    assert {p.path for p in found} <= {PATH}
    return [(p.line, p.column, p.field, p.code, p.message) for p in found]


def test_a_valid_document_has_none() -> None:
    assert told("title: t\nx-own: {any: [1]}\nrun:\n  timeout: 10m\n  x-y: z\n") == []


def test_a_misspelt_field_is_named_once_with_the_right_one() -> None:
    assert told("# a task\nstatus: todo\ntitel: t\n") == [
        (1, 1, "title", "missing-field", "'title' is missing"),
        (3, 1, "titel", "unknown-field", "unknown field 'titel', did you mean 'title'?"),
    ]


def test_everything_wrong_is_told_at_once() -> None:
    text = """\
title: ""
status: over
priority: hgih
version: "1"
depends_on: [ok, Not-Ok]
acceptance:
  - fine
  - txt: not fine
labels: one
progress: {percent: 120}
run:
  max_turns: 0
  budget_usd: much
  timeout: soon
  checks:
    - name: tests
      comand: pytest
"""
    assert told(text) == [
        (1, 1, "title", "empty-text", "must not be empty"),
        (2, 1, "status", "not-allowed", "must be one of draft, todo, done, cancelled, not 'over'"),
        (
            3,
            1,
            "priority",
            "not-allowed",
            "must be one of critical, high, medium, low, not 'hgih'; did you mean 'high'?",
        ),
        (4, 1, "version", "wrong-type", "must be a whole number, not text"),
        (
            5,
            18,
            "depends_on[1]",
            "bad-id",
            "'Not-Ok' can't be an id: an id has 1 to 64 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit",
        ),
        (8, 5, "acceptance[1].text", "missing-field", "'text' is missing"),
        (8, 5, "acceptance[1].txt", "unknown-field", "unknown field 'txt', did you mean 'text'?"),
        (9, 1, "labels", "wrong-type", "must be a list, not text"),
        (10, 12, "progress.percent", "out-of-range", "must be at most 100"),
        (12, 3, "run.max_turns", "out-of-range", "must be at least 1"),
        (13, 3, "run.budget_usd", "wrong-type", "must be a number, not text"),
        (14, 3, "run.timeout", "bad-value", "'soon' is no duration: write 90s, 10m or 2h"),
        (16, 7, "run.checks[0].run", "missing-field", "'run' is missing"),
        (17, 7, "run.checks[0].comand", "unknown-field", "unknown field 'comand'; own fields start with x-"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("title: |\n  a\n  b\n", (1, 1, "title", "bad-format", "must be one line")),
        ('title: " \\n"\n', (1, 1, "title", "empty-text", "must not be empty")),
        ("title:\n", (1, 1, "title", "wrong-type", "must be text, not nothing")),
        ("title: [a]\n", (1, 1, "title", "wrong-type", "must be text, not a list")),
        ("title: t\nparent: {a: b}\n", (2, 1, "parent", "wrong-type", "must be text, not a mapping")),
        ("title: t\nstatus:\n", (2, 1, "status", "not-allowed", "must be one of draft, todo, done, cancelled, not nothing")),
        ("title: t\nrun: fast\n", (2, 1, "run", "wrong-type", "must be a mapping of fields, not text")),
        ("title: t\nimported: {data: [1]}\n", (2, 12, "imported.data", "wrong-type", "must be a mapping of fields, not a list")),
        ("title: t\nprogress: {percent: true}\n", (2, 12, "progress.percent", "wrong-type", "must be a whole number, not true")),
        ("title: t\nprogress: {percent: 1.5}\n", (2, 12, "progress.percent", "wrong-type", "must be a whole number, not the number 1.5")),
        ("title: t\nrun: {budget_usd: 0}\n", (2, 7, "run.budget_usd", "out-of-range", "must be more than 0")),
        (f"title: {'x' * 201}\n", (1, 1, "title", "too-long", "must have at most 200 characters")),
    ],
)  # fmt: skip
def test_wordings(text: str, expected: tuple[int, int, str, str, str]) -> None:
    assert told(text) == [expected]


def test_rules_over_several_fields_point_at_one() -> None:
    text = "agent: fast\nagents:\n  slow: {}\n  other:\n    adapter: command\n"
    assert told(text, "config") == [
        (4, 3, "agents.other.command", "bad-value", "adapter command needs command: [PROGRAM, ARG…]"),
    ]
    assert told("agents: {slow: {}}\nagent: fast\n", "config") == [
        (2, 1, "agent", "bad-value", "agent 'fast' is not among agents: slow"),
    ]


def test_a_list_of_a_workflow_is_counted() -> None:
    assert told("title: w\nsteps: []\n", "workflow") == [
        (2, 1, "steps", "too-short", "must have at least 1 items"),
    ]


def test_what_only_a_schema_sees_is_told_with_field_and_reason() -> None:
    from jsonschema import Draft202012Validator

    schema = {
        "type": "object",
        "required": ["a", "b"],
        "properties": {"a": {"type": "integer"}, "list": {"items": {"type": "string"}}},
        "patternProperties": {"^z": {}},
        "additionalProperties": False,
    }
    value = {"a": "1", "list": ["x", 2], "c": 1, "zed": 1}
    assert sorted(schema_errors(value, Draft202012Validator(schema))) == [
        (("a",), "'1' is not of type 'integer'"),
        (("b",), "'b' is missing"),
        (("c",), "unknown field 'c'"),
        (("list", 1), "2 is not of type 'string'"),
    ]


def test_a_schema_may_be_wrong_itself() -> None:
    assert find_schema_mistake({"type": "object"}) is None
    assert find_schema_mistake({"properties": {"a": {"type": "txt"}}}) == (
        ("properties", "a", "type"),
        "this is no JSON Schema: 'txt' is not valid under any of the given schemas",
    )


def test_a_row_keeps_what_the_board_needs() -> None:
    place = classify("tasks/api/add-login.yaml")
    assert place
    text = b"title: Add login\npriority: high\ndepends_on: [add-user]\npaths: [src]\nrun: {attempts: 2}\n"
    assert read_task(text, "tasks/api/add-login.yaml", place) == TaskRow(
        id="add-login",
        path="tasks/api/add-login.yaml",
        title="Add login",
        priority="high",
        depends_on=("add-user",),
        paths=("src",),
        attempts_max=2,
    )


def test_a_broken_file_keeps_its_place_on_the_board() -> None:
    place = classify(PATH)
    assert place
    assert read_task(b"titel: t\n", PATH, place) == BrokenRow(
        "t",
        PATH,
        (
            Problem(PATH, 1, 1, "titel", "unknown-field", "unknown field 'titel', did you mean 'title'?"),
            Problem(PATH, 1, 1, "title", "missing-field", "'title' is missing"),
        ),
    )
    wrong = classify("tasks/t.yml")
    assert wrong
    assert read_task(b"title: t\n", "tasks/t.yml", wrong) == BrokenRow(
        "t",
        "tasks/t.yml",
        (Problem("tasks/t.yml", 1, 1, "", "bad-file-name", "the file name must end in .yaml"),),
    )


@pytest.mark.parametrize(
    ("text", "parents"),
    [
        (b"title: t\nparent: big\nlabels: [\n", ("big",)),
        (b"<<<<<<< a\nparent: one\n=======\nparent:  'two'\n>>>>>>> b\n", ("one", "two")),
        (b'{"title": "t", "parent": "big", "x": 1}', ("big",)),
        (b"{title: t, parent: big, x: 1}", ("big",)),
        (b"parent:\n  big\n\xff", ("big",)),
        (b"title: grandparent: x\nparental: y\n\xff", ()),
        (b"\xff\xfe", ()),
    ],
)
def test_the_parents_that_a_broken_file_may_have(text: bytes, parents: tuple[str, ...]) -> None:
    place = classify(PATH)
    assert place
    found = read_task(text, PATH, place)
    assert isinstance(found, BrokenRow)
    assert found.parents == parents
