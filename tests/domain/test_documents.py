"""The models: what each document takes, refuses and fills in."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gitbaton.domain.config import Config
from gitbaton.domain.handoff import DATA_BYTES_MAX, Handoff
from gitbaton.domain.plan import Plan
from gitbaton.domain.role import Role
from gitbaton.domain.state import State
from gitbaton.domain.task import Acceptance, Task
from gitbaton.domain.workflow import Workflow

if TYPE_CHECKING:
    from gitbaton.domain.document import Document

EVENT = {"name": "claimed", "id": "e", "at": "2026-01-31T09:00:00Z", "by": "ann"}
SMALLEST: list[tuple[type[Document], dict[str, Any]]] = [
    (Task, {"title": "t"}),
    (Plan, {"title": "p"}),
    (Handoff, {}),
    (Config, {}),
    (Role, {"purpose": "p"}),
    (Workflow, {"title": "w", "steps": [{"id": "a", "title": "a"}]}),
    (State, {"task": "t", "status": "in_progress", "event": EVENT}),
]
each = pytest.mark.parametrize(("model", "smallest"), SMALLEST)


def refused(model: type[Document], value: object) -> list[tuple[tuple[str | int, ...], str]]:
    """(location, type) of every error, or [] if it is taken."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        return [(e["loc"], e["type"]) for e in error.errors()]
    return []


@each
def test_little_is_needed(model: type[Document], smallest: dict[str, Any]) -> None:
    document = model.model_validate(smallest)
    assert document.version == 1
    assert document.model_fields_set == set(smallest)
    for name in smallest:
        rest = {k: v for k, v in smallest.items() if k != name}
        assert refused(model, rest) == [((name,), "missing")]


@each
def test_unknown_fields_are_refused_but_for_one_s_own(
    model: type[Document], smallest: dict[str, Any]
) -> None:
    assert refused(model, {**smallest, "colour": 1}) == [(("colour",), "extra_forbidden")]
    assert model.model_validate({**smallest, "x-colour": {"any": 1}}) == model.model_validate(smallest)


@each
def test_only_version_1_is_known(model: type[Document], smallest: dict[str, Any]) -> None:
    assert refused(model, {**smallest, "version": 2}) == [(("version",), "less_than_equal")]
    assert refused(model, {**smallest, "version": "1"}) == [(("version",), "int_type")]


def test_a_documents_is_a_value() -> None:
    task = Task(title="t")
    with pytest.raises(ValidationError, match="frozen"):
        task.title = "u"


def test_what_a_task_says_by_default() -> None:
    task = Task(title="t")
    said = (task.status, task.type, task.priority, task.acceptance, task.depends_on, task.run)
    assert said == ("todo", "task", "medium", (), (), None)


def test_criteria_may_be_written_short() -> None:
    task = Task.model_validate(
        {"title": "t", "acceptance": ["a", {"text": "b", "checked": True}, 1.5, False]}
    )
    assert task.acceptance == (
        Acceptance(text="a"),
        Acceptance(text="b", checked=True),
        Acceptance(text="1.5"),
        Acceptance(text="false"),
    )
    assert Task.model_validate(task.model_dump()) == task


@pytest.mark.parametrize(
    ("field", "value", "where", "kind"),
    [
        ("title", "", ("title",), "string_too_short"),
        ("title", " \n", ("title",), "string_pattern_mismatch"),
        ("title", "x" * 201, ("title",), "string_too_long"),
        ("title", "one\ntwo", ("title",), "string_pattern_mismatch"),
        ("title", "one\n", ("title",), "string_pattern_mismatch"),
        ("title", None, ("title",), "string_type"),
        ("title", ["t"], ("title",), "string_type"),
        ("status", "doing", ("status",), "literal_error"),
        ("depends_on", "a", ("depends_on",), "tuple_type"),
        ("depends_on", ["a", "B"], ("depends_on", 1), "string_pattern_mismatch"),
        ("depends_on", ["a\n"], ("depends_on", 0), "string_pattern_mismatch"),
        ("acceptance", [None], ("acceptance", 0, "text"), "string_type"),
        ("acceptance", [{"txt": "a", "text": "b"}], ("acceptance", 0, "txt"), "extra_forbidden"),
        ("acceptance", [{"text": "b", "checked": "yes"}], ("acceptance", 0, "checked"), "bool_type"),
        ("progress", {"percent": 101}, ("progress", "percent"), "less_than_equal"),
        ("progress", {"percent": True}, ("progress", "percent"), "int_type"),
        ("run", {"max_turns": 0}, ("run", "max_turns"), "greater_than_equal"),
        ("run", {"budget_usd": "5"}, ("run", "budget_usd"), "float_type"),
        ("run", {"timeout": "soon"}, ("run", "timeout"), "value_error"),
        ("run", {"timeout": 10**400}, ("run", "timeout"), "value_error"),
        ("labels", [""], ("labels", 0), "string_too_short"),
    ],
)
def test_what_a_task_refuses(field: str, value: object, where: tuple[str | int, ...], kind: str) -> None:
    assert refused(Task, {"title": "t", field: value}) == [(where, kind)]


def test_numbers_and_booleans_are_taken_for_text() -> None:
    task = Task.model_validate({"title": 2026, "estimate": 1.5, "assignee": True, "depends_on": [404]})
    assert (task.title, task.estimate, task.assignee, task.depends_on) == ("2026", "1.5", "true", ("404",))


@pytest.mark.parametrize(
    ("config", "field", "words"),
    [
        ({"agent": "x", "agents": {"y": {}}}, ("agent",), "agent 'x' is not among agents: y"),
        (
            {"agents": {"y": {"adapter": "command"}}},
            ("command",),
            "adapter command needs command: [PROGRAM, ARG…]",
        ),
        (
            {"agents": {"y": {"command": ["x"]}}},
            ("command",),
            "command is for adapter command; Claude Code's path goes into program",
        ),
    ],
)
def test_config_fields_fit_together(config: dict[str, Any], field: tuple[str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(config)
    [error] = caught.value.errors()
    wrong = error["ctx"]["error"]
    assert (wrong.field, str(wrong)) == (field, words)


def test_an_agent_that_no_table_lists_is_for_other_rules() -> None:
    assert Config(agent="claude").agent == "claude"


@pytest.mark.parametrize("prefix", ["baton/", "team/baton/", "b", "a.b_c-d/"])
def test_branch_prefixes(prefix: str) -> None:
    assert Config(prefix=prefix).prefix == prefix


@pytest.mark.parametrize(
    "prefix", ["", "/", "a//b", "a b/", "a:", "b\n", "-b/", "a..b/", ".a/", "a./b", "a."]
)
def test_what_is_no_branch_prefix(prefix: str) -> None:
    assert refused(Config, {"prefix": prefix}) == [(("prefix",), "string_pattern_mismatch")]


@settings(max_examples=60)
@given(st.text(alphabet="aB0-_./ ", max_size=8))
def test_every_branch_prefix_makes_a_branch(prefix: str) -> None:
    if refused(Config, {"prefix": prefix}) == [] and ".lock" not in prefix:
        command = ["git", "check-ref-format", "--branch", f"{prefix}add-login"]
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_handoff_keeps_its_data_small() -> None:
    fits = {"k": "x" * (DATA_BYTES_MAX - 9)}
    assert Handoff(data=fits).data == fits
    assert refused(Handoff, {"data": {"k": "x" * (DATA_BYTES_MAX - 8)}}) == [(("data",), "value_error")]
    assert refused(Handoff, {"completed": ["x"] * 501}) == [(("completed",), "too_long")]


def test_a_workflow_has_a_step() -> None:
    assert refused(Workflow, {"title": "w", "steps": []}) == [(("steps",), "too_short")]
