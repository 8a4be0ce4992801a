"""The tasks by which gitbaton itself is planned are valid, and worth reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitbaton.domain.plan import Plan
from gitbaton.domain.task import Task
from gitbaton.store.documents import judge_document
from gitbaton.store.layout import classify
from gitbaton.store.yamlfile import parse_yaml
from gitbaton.usecases.init import ATTRIBUTES

TOP = Path(__file__).parents[1]
FILES = sorted(p.relative_to(TOP).as_posix() for p in (TOP / "tasks").rglob("*.yaml"))


def read(path: str) -> object:
    place = classify(path)
    assert place is not None
    assert place.complaint is None
    document, problems = judge_document(parse_yaml((TOP / path).read_bytes(), path), place.kind)
    assert problems == []
    return document


@pytest.mark.parametrize("path", FILES)
def test_each_file_is_valid(path: str) -> None:
    assert read(path) is not None


def test_plans_and_tasks_name_each_other() -> None:
    tasks = {Path(p).stem: t for p in FILES if isinstance(t := read(p), Task)}
    plans = {Path(p).stem: t for p in FILES if isinstance(t := read(p), Plan)}
    assert {task.plan for task in tasks.values()} == plans.keys()
    for name, plan in plans.items():
        assert set(plan.tasks) == {i for i, task in tasks.items() if task.plan == name}
    for task in tasks.values():
        assert task.description
        assert task.acceptance
        assert {*task.depends_on} <= tasks.keys()
        assert task.status != "done" or all(tasks[need].status == "done" for need in task.depends_on)


def test_this_repository_is_set_up_as_init_sets_one_up() -> None:
    assert ATTRIBUTES in (TOP / ".gitattributes").read_text().splitlines()
    ours = {f.name: f.read_text() for f in (TOP / "tasks" / "schemas").iterdir()}
    shipped = {f.name: f.read_text() for f in (TOP / "schemas").glob("*.json")}
    del shipped["state.schema.json"]
    assert ours == shipped, "run: python scripts/write_schemas.py"
