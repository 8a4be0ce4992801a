"""The quick way of setting a field writes what the usual way writes, or leaves it to that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import edit_document, parse_document, render_document
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.setting import replace_lines, set_fields
from support.repos import make_repository, project

if TYPE_CHECKING:
    from pathlib import Path

PATH = "tasks/a.yaml"
WORDS = st.sampled_from(
    [
        "high",
        "todo",
        "Yes",
        "on",
        "null",
        "Rita",
        "A line, with more",
        "x" * 201,
        "spike",
        "No. 5",
        "finished",
    ]
)
FIELDS = st.sampled_from(["title", "status", "type", "priority", "role", "assignee", "hold", "complexity"])


@given(
    st.dictionaries(FIELDS, WORDS),
    FIELDS,
    WORDS,
    st.sampled_from(["", "# mine\n", "description: |\n  status: todo\n"]),
)
def test_both_ways_write_the_same(value: dict[str, str], name: str, word: str, end: str) -> None:
    old = render_document({"title": "A", **value}, PATH, "task") + end.encode()
    quick = replace_lines(old, PATH, "a", {name: word})
    if quick is None:
        return
    assert quick == edit_document(old, PATH, "task", [SetField((name,), word)])
    parse_document(quick, PATH, Task, "task")


def test_a_plain_line_goes_the_quick_way() -> None:
    old = b"title: A\n\nstatus: todo\n\npriority: low\ndescription: |\n  priority: low\n"
    new = replace_lines(old, PATH, "a", {"priority": "high", "status": "done"})
    assert new == old.replace(b"\npriority: low", b"\npriority: high").replace(b"todo", b"done")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        (b"title: A\npriority: low # why\n", "priority", "high"),
        (b"title: A\n", "priority", "high"),
        (b"title: A\npriority: low\n", "priority", "highest"),
        (b"title: A\nrole: tester\n", "role", "yes"),
        (b"title: 'A'\n", "title", "B"),
        (b"title: A\nnonsense: 1\n", "title", "B"),
        (None, "title", "B"),
    ],
)
def test_what_the_quick_way_leaves_alone(text: bytes | None, field: str, value: str) -> None:
    assert replace_lines(text, PATH, "a", {field: value}) is None


def test_ids_and_files_that_need_a_closer_look(tmp_path: Path) -> None:
    text = "title: A\npriority: low\n"
    work = make_repository(
        tmp_path,
        {
            "tasks/aa.yaml": text,
            "tasks/x/twice.yaml": text,
            "tasks/twice.yaml": text,
            "tasks/wrong.yaml": text + "no: 1\n",
        },
    )
    assert set_fields(project(work), "a", ["priority=high"]).task == "aa"
    assert set_fields(project(work), "AA", ["priority=critical"]).task == "aa"
    with pytest.raises(Refusal):
        set_fields(project(work), "twice", ["priority=high"])
    with pytest.raises(InvalidDocument):
        set_fields(project(work), "wrong", ["priority=high"])
    with pytest.raises(UsageError, match="must be one of"):
        set_fields(project(work), "aa", ["priority=highest"])
    with pytest.raises(Refusal) as unknown:
        set_fields(project(work), "nobody", ["priority=high"])
    assert unknown.value.code == "unknown-id"
    work.write({"tasks/typed.yaml": text})
    assert set_fields(project(work), "typed", ["priority=high"]).edited == (
        None, "main", (), ("tasks/typed.yaml",), False, False, False, None, None,
    )  # fmt: skip
