"""The quick way of adding a task writes what the usual way writes, or leaves it to that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.task import Task
from gitbaton.errors import Refusal, UsageError
from gitbaton.store.documents import parse_document, render_document
from gitbaton.store.scan import scan_task
from gitbaton.store.schemas import field_order
from gitbaton.store.yamlwrite import render_yaml
from gitbaton.usecases import adding
from gitbaton.usecases.adding import PLAIN, add_task
from gitbaton.usecases.delivery import HERE
from gitbaton.usecases.tasks import add_any_task
from support.repos import make_repository, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.repos import Checkout

FILES = {"tasks/config.yaml": "version: 1\nbase: main\n", "tasks/old.yaml": "title: Old\n"}
WORDS = st.sampled_from(["A line, with: more", "x" * 120, "two\nlines\n", "yes", "é", "- a", "# b", " c", "12", "null", "src/**"])  # fmt: skip


def test_the_order_of_fields_is_the_schemas() -> None:
    assert tuple(name for name in field_order("task") if name in PLAIN) == PLAIN


@given(
    st.dictionaries(st.sampled_from(["role", "description", "title", "status", "type", "priority"]), WORDS),
    st.dictionaries(st.sampled_from(["acceptance", "paths", "labels"]), st.lists(WORDS, min_size=1)),
)
def test_both_ways_write_the_same(texts: dict[str, str], lists: dict[str, list[str]]) -> None:
    value: dict[str, Any] = {"created": "2026-01-31T09:00:00Z", "title": "A", **texts, **lists}
    text = render_document(value, "tasks/a.yaml", "task")
    header = "# yaml-language-server: $schema=./schemas/task.schema.json"
    assert render_yaml(value, order=PLAIN, header=header, spaced=("status",)).encode() == text
    if scan_task(text, "tasks/a.yaml", "a"):
        parse_document(text, "tasks/a.yaml", Task, "task")


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Look at it", "acceptance": ["It is seen"], "priority": "high", "labels": ["api"], "role": "tester"},
        {"title": " Look  at\tit ", "description": "What\n\nand why\n", "paths": ["src/**"], "type": "bug", "status": "draft"},
    ],
)  # fmt: skip
def test_a_plain_task_goes_the_quick_way(tmp_path: Path, fields: dict[str, Any]) -> None:
    quick, usual = (make_repository(tmp_path / name, FILES) for name in ("quick", "usual"))
    done = add_any_task(project(usual), fields)
    said = adding.add_plain(project(quick), fields, None, HERE)
    assert said
    assert said[:2] == done[:2] == ("look-at-it", "tasks/look-at-it.yaml")
    assert quick.read(said.path) == usual.read(said.path)
    assert quick.git("log", "--format=%s", "-1") == usual.git("log", "--format=%s", "-1")
    assert quick.status() == usual.status() == ""


def track(work: Checkout) -> None:
    work.commit({"tasks/deep/fresh.yaml": "title: Fresh\n"})


def leave_untracked(work: Checkout) -> None:
    work.write({"tasks/deep/fresh.yaml": "title: Fresh\n"})


def misname(work: Checkout) -> None:
    work.commit({"tasks/fresh.YML": "title: Fresh\n"})


def spoil(work: Checkout) -> None:
    work.commit({"tasks/fresh.yaml": "title: [\n"})


def leave_only_a_state(work: Checkout) -> None:
    work.git("update-ref", "refs/baton/tasks/fresh", "HEAD")


def go_elsewhere(work: Checkout) -> None:
    work.git("switch", "--quiet", "--create", "other")
    work.git("switch", "--quiet", "main")
    track(work)
    work.git("switch", "--quiet", "other")


def make_sparse(work: Checkout) -> None:
    track(work)
    work.git("sparse-checkout", "set", "--cone", "--sparse-index", "tasks/none")


@pytest.mark.parametrize(
    "take", [track, leave_untracked, misname, spoil, leave_only_a_state, go_elsewhere, make_sparse]
)
def test_an_id_that_stands_anywhere_is_left_to_the_board(
    tmp_path: Path, take: Callable[[Checkout], None]
) -> None:
    work = make_repository(tmp_path, {**FILES})
    take(work)
    assert adding.add_plain(project(work), {"title": "Fresh"}, None, HERE) is None
    if take is not leave_only_a_state:  # that one can't be read, so that it takes no id
        with pytest.raises(Refusal, match="already"):
            add_task(project(work), {"title": "Other"}, task_id="fresh")


def test_what_does_not_fit_is_refused_as_ever(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {**FILES})
    with pytest.raises(UsageError, match="priority"):
        add_task(project(work), {"title": "A", "priority": "huge"})
    with pytest.raises(Refusal, match="no task"):
        add_task(project(work), {"title": "A", "depends_on": ["nobody"]})
    with pytest.raises(Refusal, match="can't be an id"):
        add_task(project(work), {"title": "A"}, task_id="../a")
    assert add_task(project(work), {"title": "A", "depends_on": ["ol"]}).edited
    assert "depends_on:\n  - old\n" in work.read("tasks/a.yaml")
