"""Workflows of a repository: which count, what is wrong with them, and the tasks that they give."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.ids import make_slug
from gitbaton.domain.instantiate import instantiate
from gitbaton.domain.recipe import check_workflow, list_unused
from gitbaton.domain.role import normalize_role
from gitbaton.domain.rules import check_graph
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow
from gitbaton.edges.local_forge import LocalForge
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import judge_document, parse_document, render_document, row_of
from gitbaton.store.library import read_builtin
from gitbaton.store.roles import builtin_roles
from gitbaton.store.yamlfile import parse_yaml
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.roles import add_role
from gitbaton.usecases.validate import judge_repository
from gitbaton.usecases.workflows import add_workflow, find_recipe, list_recipes, run_workflow
from support.repos import make_repository, project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.repos import Checkout

OWN = """\
title: Our way
parameters:
  name: {required: true}
  stage: {}
steps:
  - {id: build, title: 'Build {{name}}', role: implementer, milestone: '{{stage}}'}
  - {id: tell, title: 'Tell of {{name}}', role: herald, depends_on: [build]}
"""


# -- those that ship -------------------------------------------------------------------------------------------


def builtin(name: str) -> Workflow:
    volume = read_builtin("workflows")[name]
    return parse_document(volume.text, volume.path, Workflow, "workflow")


def list_choices(workflow: Workflow) -> Iterator[dict[str, str]]:
    """Values of every kind: each choice, each switch on and off, free ones given and not."""
    options: dict[str, list[str]] = {}
    free = {}
    for name, p in workflow.parameters.items():
        if p.one_of:
            options[name] = list(p.one_of)
        elif p.default in ("yes", "no"):
            options[name] = ["yes", "no"]
        elif p.required:
            options[name] = ["this, that"]
        elif p.default is None:
            free[name] = "a/b"
    for values in itertools.product(*options.values()):
        chosen = dict(zip(options, values, strict=True))
        yield chosen
        yield {**chosen, **free}


@pytest.mark.parametrize("name", read_builtin("workflows"))
def test_what_ships_gives_valid_work_whatever_is_chosen(name: str) -> None:
    workflow = builtin(name)
    assert [*check_workflow(name, workflow), *list_unused(name, workflow)] == []
    assert workflow.description
    for step in workflow.steps:
        assert step.type == "story" or normalize_role(step.role or "") in builtin_roles()
        assert step.acceptance, step.id
    for values in list_choices(workflow):
        made = instantiate(workflow, values, make_id=lambda title, taken: f"{make_slug(title)}-{len(taken)}")
        rows = []
        for task in made:
            path = f"tasks/{task.id}.yaml"
            text = render_document(task.fields, path, "task")
            assert judge_document(parse_yaml(text, path), "task")[1] == []
            assert "{{" not in text.decode()
            rows.append(row_of(parse_document(text, path, Task, "task"), path, task.id))
        assert list(check_graph(rows)) == []
        last = [row.id for row in rows if not row.parent and not any(row.id in r.depends_on for r in rows)]
        assert len(last) == 1, "one task is the end, to which all others lead"


def test_the_list_of_those_that_ship() -> None:
    assert list(read_builtin("workflows")) == [
        "bugfix", "code-review", "documentation", "feature", "incremental-delivery", "legacy-integration", "refactoring",
        "refinement", "release",
    ]  # fmt: skip


def test_nobody_may_touch_the_tests_while_code_is_rebuilt() -> None:
    values = {
        "what": "x",
        "goal": "y",
        "where": "src",
        "tests": "tests/a, tests/b",
        "check": "make test",
        "parts": "p,q",
    }
    made = {
        t.step: t.fields
        for t in instantiate(builtin("refactoring"), values, make_id=lambda t, _: make_slug(t))
    }
    assert {step: fields.get("paths") for step, fields in made.items()} == {
        "characterize": ["tests/a", "tests/b"], "part-1": ["src"], "part-2": ["src"], "compare": None, "review": None,
    }  # fmt: skip
    for step in ("characterize", "part-1", "part-2", "compare"):
        assert made[step]["run"] == {"checks": [{"name": "what it does", "run": "make test"}]}


# -- those of a repository -------------------------------------------------------------------------------------


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path,
        {
            "tasks/workflows/feature.yaml": OWN,
            "tasks/workflows/odd.yaml": "title: x\nsteps:\n  - {id: a, title: a, role: implementor, when: b}\n",
            "tasks/build-it.yaml": "title: Build it\n",
        },
    )


def test_own_ones_come_first_and_broken_ones_are_told(repo: Checkout) -> None:
    found = {one.name: one for one in list_recipes(project(repo))}
    assert (found["feature"].replaces, found["feature"].builtin, found["bugfix"].builtin) == (
        True,
        False,
        True,
    )
    assert [str(n) for n in found["feature"].notes] == [
        "tasks/workflows/feature.yaml:7:43: steps[1].role: nobody described the role 'herald', so it adds no guidance"
    ]
    assert [str(p) for p in found["odd"].problems] == [
        "tasks/workflows/odd.yaml:3:23: steps[0].role: unknown role 'implementor', did you mean 'implementer'?",
        "tasks/workflows/odd.yaml:3:42: steps[0].when: there is no parameter 'b'",
    ]
    with pytest.raises(InvalidDocument, match="2 problems"):
        run_workflow(project(repo), "odd", {})
    assert find_recipe(project(repo), "Code_Rev").name == "code-review"
    for name, hint in (("featrue", "did you mean feature?"), ("zzz", "there is: bugfix, ")):
        with pytest.raises(Refusal) as caught:
            find_recipe(project(repo), name)
        assert caught.value.code == "unknown-id"
        assert str(caught.value.hint).startswith(hint)


def test_tasks_and_their_plan_come_in_one_commit(repo: Checkout) -> None:
    before = repo.head()
    dry = run_workflow(project(repo), "feature", {"name": "it"}, plan="Our plan", dry_run=True)
    assert (repo.head(), dry.edited, dry.plan, dry.new_plan) == (before, None, "our-plan", True)
    ran = run_workflow(project(repo), "feature", {"name": "it", "stage": "v1"}, plan="Our plan")
    assert ran.edited is not None
    assert repo.git("log", "--format=%s", f"{before}..HEAD") == "Add 2 tasks by the workflow feature"
    built, told = (task.id for task in ran.tasks)
    assert built.startswith("build-it-"), "build-it is taken"
    assert ran.unlisted == ("v1",)
    assert "title: Our plan\n" in repo.read("tasks/plans/our-plan.yaml")
    assert "workflow: feature\n" in repo.read("tasks/plans/our-plan.yaml")
    more = run_workflow(project(repo), "feature", {"name": "more"}, plan="our-plan", prefix="two")
    assert [task.id for task in more.tasks] == ["two-build", "two-tell"]
    assert f"tasks:\n  - {built}\n  - {told}\n  - two-build\n  - two-tell\n" in repo.read(
        "tasks/plans/our-plan.yaml"
    )
    left = [p for p in judge_repository(project(repo)).problems if "odd.yaml" not in p.path]
    assert left == []


def test_all_or_nothing(repo: Checkout) -> None:
    repo.commit({"tasks/plans/over.yaml": "title: Over\nstatus: closed\n"})
    before, files = repo.head(), repo.git("status", "--porcelain", "--untracked-files=all")
    tries: list[tuple[dict[str, str], str | None, str]] = [
        ({}, None, "bad-parameters"),
        ({"name": "x", "nmae": "y"}, None, "bad-parameters"),
        ({"name": "x" * 300}, None, "bad-value"),
        ({"name": "x"}, "over", "closed-plan"),
        ({"name": "x"}, "../over", "bad-value"),
    ]
    for values, plan, code in tries:
        with pytest.raises((Refusal, UsageError)) as caught:
            run_workflow(project(repo), "feature", values, plan=plan)
        assert caught.value.code == code
    assert (repo.head(), repo.git("status", "--porcelain", "--untracked-files=all")) == (before, files)


def test_on_the_base_branch_the_base_branch_decides(tmp_path: Path) -> None:
    remote = make_repository(tmp_path, {"tasks/workflows/ours.yaml": OWN}, remote=True)
    remote.git("switch", "--quiet", "--create", "topic")
    remote.write({"tasks/workflows/ours.yaml": OWN.replace("Build {{name}}", "Hack {{name}}")})
    ran = run_workflow(project(remote), "ours", {"name": "it"}, to=Delivery("base"))
    assert [task.id for task in ran.tasks] == ["build-it", "tell-of-it"]
    assert "tasks/build-it.yaml" in remote.git("ls-tree", "-r", "--name-only", "origin/main")
    here = project(remote, open_forge=lambda repo: LocalForge(repo, here.refs))
    proposed = run_workflow(here, "ours", {"name": "two"}, plan="ours", to=Delivery("proposal"))
    assert proposed.edited is not None
    assert proposed.edited.proposed
    said = remote.git("show", "--stat", "--format=", f"origin/{proposed.edited.branch}")
    assert [line.split("|")[0].strip() for line in said.splitlines()[:-1]] == [
        "tasks/build-two.yaml", "tasks/plans/ours.yaml", "tasks/tell-of-two.yaml",
    ]  # fmt: skip


def test_a_new_one_begins_as_a_copy(repo: Checkout) -> None:
    for name, like, said in (
        ("bugfix", None, "title: Mend a bug"),
        ("ours", "feature", "title: Our way"),
        ("new", None, "title: What"),
    ):
        chosen, path, edited = add_workflow(project(repo), name, like=like)
        assert (chosen, edited.commit) == (name, repo.head())
        header, _, rest = repo.read(path).partition("\n")
        assert header == "# yaml-language-server: $schema=../schemas/workflow.schema.json"
        assert rest.startswith(said)
        assert find_recipe(project(repo), name).problems == ()
    with pytest.raises(Refusal, match="exists already"):
        add_workflow(project(repo), "feature")


def test_inside_an_attempt_nothing_is_written(repo: Checkout, tmp_path: Path) -> None:
    inside = replace(project(repo), outbox=tmp_path)
    for action in (
        lambda: run_workflow(inside, "feature", {"name": "x"}),
        lambda: add_workflow(inside, "mine"),
        lambda: add_role(inside, "mine", purpose="Mine."),
    ):
        with pytest.raises(Refusal) as caught:
            action()
        assert caught.value.code == "inside-attempt"
