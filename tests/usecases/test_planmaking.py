"""Plans from lists: what is wrong is said by line, nothing is half-written, and what is taken is valid."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitbaton.edges.local_forge import LocalForge
from gitbaton.errors import BatonError, InvalidDocument, Refusal
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.planchanging import revise_plan, split_task
from gitbaton.usecases.planlist import read_list
from gitbaton.usecases.planmaking import make_plan
from gitbaton.usecases.validate import validate_repository
from strategies import text
from support.github_story import open_story
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.usecases.planfiles import Planned
    from gitbaton.usecases.planlist import TaskList

BASE = {"tasks/config.yaml": "base: main\n", "tasks/old.yaml": "title: Old\nplan: first\n", "tasks/plans/first.yaml": "title: First\n"}  # fmt: skip
BAD = "- titel: A\n- title: B\n  priority: hihg\n- Mail: it\n"
WORSE = "- title: A\n  depends_on: [9, nosuch]\n  id: a..b\n- title: B\n  plan: x\n- {}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, BASE)


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        (BAD, {(1, "unknown-field"), (3, "not-allowed"), (4, "bad-value")}),
        (WORSE, {(2, "unknown-id"), (3, "bad-id"), (5, "not-here"), (6, "missing-field")}),
        ("- title: A\n  depends_on: [2]\n- title: B\n  depends_on: [1]\n", {(2, "dependency-cycle")}),
        ("- title: A\n  run: {agent: ghost}\n", {(2, "unknown-agent")}),
        ("", {(1, "empty")}),
        ("[]", {(1, "too-short")}),
        ("just words", {(1, "not-a-mapping")}),
        ("- a\n\t- b\n", {(2, "tab")}),
        ("goal: x\n", {(1, "missing-field")}),
        ("- [ ] Draw\n- [x] Paint\n", {(1, "checklist")}),
        ("- A\n- B\n  - C\n", {(3, "nested")}),
        ("- title: A\n  subtasks: [B]\n", {(2, "unknown-field")}),
        ("\n".join(["- x"] * 501), {(1, "too-long")}),
    ],
)
def test_a_list_with_mistakes_writes_nothing(
    checkout: Checkout, words: str, codes: set[tuple[int, str]]
) -> None:
    here = project(checkout)
    before = checkout.git("for-each-ref")
    acts: list[Callable[[TaskList], Planned]] = [
        lambda tasks: make_plan(here, {"title": "X"}, tasks),
        lambda tasks: make_plan(here, {"title": "X"}, tasks, to=Delivery("proposal")),
        lambda tasks: revise_plan(here, "first", tasks),
        lambda tasks: split_task(here, "old", tasks),
    ]
    for act in acts:
        with pytest.raises(InvalidDocument) as error:
            act(read_list(words.encode(), "list.yaml"))
        assert {(p.line, p.code) for p in error.value.problems} == codes
    assert (checkout.git("for-each-ref"), checkout.status()) == (before, "")


def test_an_id_that_is_taken_only_on_disk_stops_everything(checkout: Checkout) -> None:
    checkout.write({"tasks/plans/sub/x.yaml": "title: X\n", "tasks/b.yaml": "title: B\n"})
    here = project(checkout)
    before = checkout.git("for-each-ref")
    with pytest.raises(InvalidDocument, match="there is a task 'b' already"):
        make_plan(here, {"title": "X"}, read_list(b"- A\n- {title: C, id: b}\n", "list"))
    with pytest.raises(Refusal, match="there is a plan 'first' already"):
        make_plan(here, {"title": "X"}, read_list(b"- A\n", "list"), plan_id="first")
    assert checkout.git("for-each-ref") == before
    assert checkout.status() == "?? tasks/b.yaml\n?? tasks/plans/sub/x.yaml"


#: Now and then without a word in it.
words = st.one_of(text, text.map(lambda said: f"{said}…"), text.map(lambda said: f"a {said}"))
NAMES = st.one_of(st.sampled_from(["A", "B", "1", "2", "3", "old", "x"]), words)
TASKS = st.fixed_dictionaries(
    {"title": st.one_of(st.sampled_from(["A", "B", "Old"]), words)},
    optional={
        "id": st.sampled_from(["x", "y", "old", "con"]),
        "depends_on": st.lists(NAMES, max_size=2),
        "parent": st.sampled_from(["A", "1", "old"]),
        "description": words,
        "acceptance": st.lists(words, max_size=2),
        "paths": st.lists(words, max_size=2),
        "role": words,
        "estimate": words,
        "status": st.sampled_from(["todo", "draft", "done", "cancelled"]),
        "priority": st.sampled_from(["low", "high"]),
        "labels": st.lists(words, max_size=2),
        "x-own": words,
    },
)
LISTS: st.SearchStrategy[list[Any]] = st.lists(st.one_of(TASKS, words), max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LISTS)
def test_what_is_taken_is_valid_and_what_is_refused_leaves_nothing(
    checkout: Checkout, tasks: list[Any]
) -> None:
    """Whatever stands in a list: a valid plan, or nothing at all."""
    before = checkout.head()
    here = project(checkout)
    try:
        done = make_plan(
            here, {"title": "Goal"}, read_list(json.dumps(tasks, ensure_ascii=False).encode(), "list")
        )
    except BatonError:
        assert (checkout.head(), checkout.status()) == (before, "")
        return
    assert len(done.added) == len(tasks)
    assert validate_repository(here) == []
    assert checkout.status() == ""
    checkout.git("reset", "--quiet", "--hard", before)


def test_a_pull_request_tells_the_plan(tmp_path: Path) -> None:
    tasks = read_list(b"goal: People sign in.\ntasks:\n- Store\n- {title: Form, depends_on: [1]}\n", "list")
    with open_story(tmp_path) as story:
        forge = story.forge()
        here = project(Checkout(story.checkout), open_forge=lambda _: forge)
        done = make_plan(here, {"title": "Build auth"}, tasks, to=Delivery("proposal"), by="Proposed by claude.")  # fmt: skip
        [pull] = story.hosted.pulls.values()
        assert (done.edited.url is not None, pull.title) == (True, "Plan build-auth: Build auth (2 tasks)")
        assert pull.body is not None
        assert pull.body.startswith(
            "<!-- baton:begin -->\nProposed by claude.\n\nPeople sign in.\n\n| task | title |"
        )
        assert '```mermaid\ngraph LR\n  t0["store"]\n  t1["form"]\n  t0 --> t1\n```' in pull.body
        assert "Merging this approves the plan: its tasks can be worked on from then on." in pull.body


@pytest.mark.parametrize("where", ["base", "proposal"])
def test_what_goes_elsewhere_is_decided_on_base_alone(tmp_path: Path, where: Literal["base", "proposal"]) -> None:  # fmt: skip
    work = make_repository(tmp_path, {**BASE, "tasks/plans/first.yaml": "title: First\ntasks: [old]\n"}, remote=True)  # fmt: skip
    work.git("switch", "--quiet", "-c", "feature")
    mine = {"tasks/plans/first.yaml": "title: Mine\nstatus: closed\ntasks: [old, mine]\n", "tasks/old.yaml": "title: Old\nplan: first\nrole: tester\n"}  # fmt: skip
    work.commit({**mine, "tasks/mine.yaml": "title: Mine\nplan: first\n"}, "Mine")
    made = project(work, open_forge=lambda repo: LocalForge(repo, made.refs))
    done = split_task(made, "old", read_list(b"- A\n", "list"), to=Delivery(where))
    commit = str(done.edited.commit)
    assert work.git("show", f"{commit}:tasks/plans/first.yaml") == "title: First\ntasks: [old, a]"
    assert "role" not in work.git("show", f"{commit}:tasks/a.yaml")
    done = revise_plan(made, "first", read_list(b"- B\n", "list"), to=Delivery(where))
    assert work.git("show", f"{done.edited.commit}:tasks/plans/first.yaml").startswith("title: First\n")
    assert work.status() == ""
