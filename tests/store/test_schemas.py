"""The shipped schemas: up to date, helpful in an editor, and of one mind with the models."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from gitbaton.domain.document import WrongField
from gitbaton.domain.durations import parse_duration
from gitbaton.domain.task import Task
from gitbaton.store.documents import find_problems, parse_document, read_schema_validator
from gitbaton.store.schemagen import generate_schema, render_schema
from gitbaton.store.schemas import KINDS, field_order, model_of, read_schema, schema_file
from store.json_documents import meeting, nearly_meeting

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).parents[2] / "scripts" / "write_schemas.py"
each_kind = pytest.mark.parametrize("kind", KINDS)


# -- drift ------------------------------------------------------------------------------------------


@each_kind
def test_what_ships_is_what_the_models_say(kind: str) -> None:
    assert read_schema(kind) == generate_schema(kind), "run: python scripts/write_schemas.py"


def test_the_script_finds_nothing_to_write() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_script_sees_what_lags_behind(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("write_schemas", SCRIPT)
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for kind in KINDS:
        (tmp_path / schema_file(kind)).write_text(render_schema(kind), encoding="utf-8")
    assert script.find_stale(tmp_path) == {}
    (tmp_path / "task.schema.json").write_text("{}", encoding="utf-8")
    (tmp_path / "plan.schema.json").unlink()
    (tmp_path / "old.schema.json").write_text("{}", encoding="utf-8")
    assert script.find_stale(tmp_path) == {
        "old.schema.json": None,
        "plan.schema.json": render_schema("plan"),
        "task.schema.json": render_schema("task"),
    }


# -- what an editor shows ---------------------------------------------------------------------------


def iter_properties(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, schema) of every property, those that are only a reference filled in from what they refer to."""
    schema = read_schema(kind)
    definitions = schema.get("$defs", {})
    for owner, node in [(kind, schema), *definitions.items()]:
        for name, part in {**node.get("properties", {}), **node.get("patternProperties", {})}.items():
            target = definitions[part["$ref"].rsplit("/", 1)[-1]] if "$ref" in part else {}
            yield f"{owner}.{name}", {**target, **part}


@each_kind
def test_every_field_is_explained(kind: str) -> None:
    for name, part in iter_properties(kind):
        assert part.get("title", "").strip(), name
        assert part.get("description", "").endswith("."), name


@each_kind
def test_texts_speak_to_people_who_write_yaml(kind: str) -> None:
    schema = read_schema(kind)
    texts = [part["description"] for _, part in iter_properties(kind)]
    texts += [node["description"] for node in (schema, *schema.get("$defs", {}).values())]
    for text in texts:
        assert "`" not in text
        assert "Pydantic" not in text
        assert len(text) <= 160
    for name, part in iter_properties(kind):
        assert "_" not in part["title"], name
        assert part.get("default", "something") not in (None, [], {}), name


@each_kind
def test_documents_carry_examples_that_are_valid(kind: str) -> None:
    schema = read_schema(kind)
    assert schema["examples"]
    assert schema["description"]
    for example in schema["examples"]:
        assert list(Draft202012Validator(schema).iter_errors(example)) == []
        model_of(kind).model_validate(example)
        assert find_problems(json.dumps(example).encode(), "x.yaml", kind) == []  # JSON is YAML


@each_kind
def test_examples_and_defaults_of_fields_are_valid(kind: str) -> None:
    schema = read_schema(kind)
    for name, part in iter_properties(kind):
        validator = Draft202012Validator({**part, "$defs": schema.get("$defs", {})})
        values = [*part.get("examples", []), *([part["default"]] if "default" in part else [])]
        assert [list(validator.iter_errors(value)) for value in values] == [[] for _ in values], name


@each_kind
def test_the_schema_is_one_of_its_draft(kind: str) -> None:
    schema = read_schema(kind)
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"urn:gitbaton:{kind}:1"
    assert list(schema)[:4] == ["$schema", "$id", "title", "description"]


def test_durations_read_as_people_write_them() -> None:
    limits = read_schema("config")["$defs"]["Timeouts"]["properties"]
    assert {name: part["default"] for name, part in limits.items()} == {
        "attempt": "1h", "idle": "15m", "check": "15m", "queue": "10m", "grace": "30m", "reminder": "1d",
    }  # fmt: skip


def test_new_fields_go_where_the_model_has_them() -> None:
    assert field_order("task") == tuple(Task.model_fields)


def test_criteria_may_be_short_in_model_schema_and_reader() -> None:
    text = b"title: 1.10\nacceptance:\n  - 1.20\n  - text: 010\n    checked: true\n  - yes\n"
    task = parse_document(text, "tasks/t.yaml", Task, "task")
    assert task.title == "1.10"
    assert [(a.text, a.checked) for a in task.acceptance] == [("1.20", False), ("010", True), ("yes", False)]
    assert find_problems(text, "tasks/t.yaml", "task") == []
    schema = read_schema("task")["properties"]["acceptance"]["items"]
    assert [sorted(part) for part in schema["anyOf"]] == [["$ref"], ["minLength", "pattern", "type"]]


# -- model and schema agree -------------------------------------------------------------------------

#: All there is that the models refuse and the schemas let pass, one example each.
DIFFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "a rule over two fields: the agent is one of the agents": ("config", {"agent": "x", "agents": {"y": {}}}),
    "a rule over two fields: a command for adapter command": (
        "config",
        {"agents": {"y": {"adapter": "command"}}},
    ),
    "a rule over two fields: no command for Claude Code": ("config", {"agents": {"y": {"command": ["x"]}}}),
    "a rule over two fields: a route's checks are among the checks": (
        "config",
        {"routing": {"simple": {"checks": ["x"]}}},
    ),
    "a rule over two fields: the reviewer is one of the agents": ("config", {"routing": {"reviewer": "x"}}),
    "a rule over two fields: a purpose for a role that extends no other": ("role", {}),
    "a duration that is written as text and longer than 100 days": ("config", {"timeouts": {"idle": "101d"}}),
    "a whole number with a fraction of zero, which JSON Schema takes": (
        "task",
        {"title": "t", "version": 1.0},
    ),
    "a number too large for any machine's": ("task", {"title": "t", "run": {"budget_usd": 10**400}}),
    "data of a handoff that is too large as a whole": ("handoff", {"data": {"k": "x" * 70_000}}),
}


def is_known_difference(error: Any) -> bool:
    """Whether a model's error is one of those above."""
    given, reason = error["input"], error.get("ctx", {}).get("error")
    if isinstance(reason, WrongField) or "larger than 64 KiB" in str(reason):
        return True
    if error["type"] == "missing" and error["msg"] == "a role that extends no other needs a purpose":
        return True
    if isinstance(given, str) and "at most 100 days" in str(reason):
        return given.strip("0.smhd") != ""  # but zero is for both
    if error["type"] == "float_type" and type(given) is int:
        return abs(given) > sys.float_info.max
    return error["type"] == "int_type" and isinstance(given, float) and given.is_integer()


def judge(kind: str, value: object) -> tuple[bool, bool, list[Any]]:
    """(the model takes it, the schema takes it, what the model says)."""
    errors: list[Any] = []
    try:
        model_of(kind).model_validate(value)
    except ValidationError as error:
        errors = error.errors()
    return not errors, read_schema_validator(kind).is_valid(value), errors


@pytest.mark.parametrize("why", DIFFERENCES)
def test_where_they_can_t_agree(why: str) -> None:
    model, schema, errors = judge(*DIFFERENCES[why])
    assert (model, schema) == (False, True)
    assert [e for e in errors if not is_known_difference(e)] == []


def agree(kind: str, value: object) -> None:
    model, schema, errors = judge(kind, value)
    if model != schema:
        assert schema, f"only the schema refuses {value!r}"
        assert [e for e in errors if not is_known_difference(e)] == [], f"only the model refuses {value!r}"


slow_to_draw = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@each_kind
@slow_to_draw
@given(st.data())
def test_they_agree_on_what_is_right(kind: str, data: st.DataObject) -> None:
    value = data.draw(meeting(kind))
    assert read_schema_validator(kind).is_valid(value)
    agree(kind, value)


@each_kind
@slow_to_draw
@given(st.data())
def test_they_agree_on_what_is_wrong(kind: str, data: st.DataObject) -> None:
    agree(kind, data.draw(nearly_meeting(kind)))


@pytest.mark.parametrize("text", ["a\n", "\n", "a b", "A", "0" * 65, "é"])
def test_they_agree_on_the_ends_of_patterns(text: str) -> None:
    model, schema, _ = judge("task", {"title": "t", "parent": text})
    assert (model, schema) == (False, False)


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, 5e-324, 2**63], ids=range(5))
def test_they_agree_on_extreme_numbers(value: float) -> None:
    for field in ({"budget_usd": value}, {"timeout": value}, {"max_turns": value}):
        agree("task", {"title": "t", "run": field})


def test_zero_is_no_duration_for_either() -> None:
    for text in ("0", "0s", "0.0d"):
        assert judge("config", {"timeouts": {"idle": text}})[:2] == (False, False)
        with pytest.raises(ValueError, match="more than 0"):
            parse_duration(text)
