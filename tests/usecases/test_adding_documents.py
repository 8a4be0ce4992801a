"""Several new files become one commit, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import Refusal
from gitbaton.usecases.adding import NewDocument, add_documents
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.writing import open_target
from support.repos import make_repository, project

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.store.edits import Edited
    from support.repos import Checkout

PLAN = NewDocument("plan", "login", {"title": "Login", "tasks": ["build", "tell"]})
BUILD = NewDocument("task", "build", {"title": "Build", "plan": "login", "depends_on": ["old"]})
TELL = NewDocument("task", "tell", {"title": "Tell", "plan": "login", "depends_on": ["build"], "labels": []})


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {"tasks/old.yaml": "title: Old\n", "tasks/plans/p.yaml": "title: P\n"})


def write(repo: Checkout, *documents: NewDocument, to: Delivery = HERE) -> Edited:
    here, view, to = open_target(project(repo), to)
    return add_documents(here, view, documents, "Add several", to=to)


def test_plan_and_tasks_come_in_one_commit(repo: Checkout) -> None:
    before = repo.head()
    done = write(repo, PLAN, BUILD, TELL)
    assert repo.git("rev-parse", "HEAD^").strip() == before
    assert done.commit == repo.head()
    assert repo.read("tasks/plans/login.yaml") == (
        "# yaml-language-server: $schema=../schemas/plan.schema.json\ntitle: Login\n\nstatus: active\n\n"
        'tasks:\n  - build\n  - tell\ncreated: "2026-01-31T09:00:00Z"\n'
    )
    assert "depends_on:\n  - build\n" in repo.read("tasks/tell.yaml")
    assert "labels" not in repo.read("tasks/tell.yaml")


@pytest.mark.parametrize(
    ("documents", "code", "said"),
    [
        ([BUILD, NewDocument("task", "old", {"title": "x"})], "taken-id", ["there is a task 'old' already"]),
        ([NewDocument("plan", "p", {"title": "x"})], "taken-id", ["there is a plan 'p' already"]),
        ([TELL._replace(fields={"title": "x"})] * 2, "taken-id", ["there is a task 'tell' already"]),
        ([TELL._replace(id="../x")], "bad-id", ["can't be an id"]),
        (
            [PLAN, BUILD._replace(fields={"title": "B", "depends_on": ["tell"], "paths": ["", "x"]}), TELL], "bad-documents",
            ["tasks/build.yaml:9:5: paths[0]: must not be empty"],
        ),
        (
            [PLAN, TELL], "bad-documents",
            [
                "tasks/plans/login.yaml:7:5: tasks[0]: there is no task 'build'",
                "tasks/tell.yaml:7:5: depends_on[0]: there is no task 'build'",
            ],
        ),
        (
            [PLAN, BUILD._replace(fields={"title": "B", "plan": "login", "depends_on": ["tell"]}), TELL], "bad-documents",
            ["tasks/build.yaml:7:5: depends_on[0]: dependencies in a circle: build → tell → build"],
        ),
    ],
)  # fmt: skip
def test_one_that_doesn_t_fit_spoils_them_all(
    repo: Checkout, documents: list[NewDocument], code: str, said: list[str]
) -> None:
    before, files = repo.head(), repo.git("status", "--porcelain", "--untracked-files=all")
    with pytest.raises(Refusal) as caught:
        write(repo, *documents)
    assert caught.value.code == code
    told = [str(p) for p in caught.value.problems] or [caught.value.message]
    assert [len(told), *(wanted in found for wanted, found in zip(said, told, strict=False))] == [len(said), *([True] * len(said))], told  # fmt: skip
    assert (repo.head(), repo.git("status", "--porcelain", "--untracked-files=all")) == (before, files)
