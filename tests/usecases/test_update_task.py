"""Changing a task: the words of the command line and structured values come to the same edits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.errors import BatonError, InvalidDocument, Refusal, UsageError
from gitbaton.store.yamledit import AddItem, RemoveField, RemoveItem, SetField
from gitbaton.usecases.assignments import list_edits, parse_assignment
from gitbaton.usecases.tasks import add_task, set_fields, update_task
from support.repos import make_repository, project

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.store.yamledit import Edit
    from support.repos import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path,
        {
            "tasks/add-cart.yaml": "title: Cart\n",
            "tasks/add-cash.yaml": "title: Cash\n",
            "tasks/pay.yaml": "title: Pay\ndepends_on: [add-cart]\n",
            "tasks/shop.yaml": "title: Shop\ntype: epic\n",
            "tasks/plans/spring.yaml": "title: Spring\n",
        },
    )


@pytest.mark.parametrize(
    ("words", "fields", "add", "remove", "edits"),
    [
        (["priority=high"], {"priority": "high"}, {}, {}, [SetField(("priority",), "high")]),
        (["hold="], {"hold": None}, {}, {}, [RemoveField(("hold",))]),
        (["run.max-turns=5"], {"run.max_turns": 5}, {}, {}, [SetField(("run", "max_turns"), 5)]),
        (["labels=a,b"], {"labels": ["a", "b"]}, {}, {}, [SetField(("labels",), ["a", "b"])]),
        (
            ["labels+=a,b"],
            {},
            {"labels": ["a", "b"]},
            {},
            [AddItem(("labels",), "a"), AddItem(("labels",), "b")],
        ),
        (["paths-=src/**"], {}, {}, {"paths": ["src/**"]}, [RemoveItem(("paths",), "src/**")]),
        (["x-my-field=1"], {"x-my-field": 1}, {}, {}, [SetField(("x-my-field",), 1)]),
        (["progress.percent=40"], {"progress.percent": 40}, {}, {}, [SetField(("progress", "percent"), 40)]),
    ],
)
def test_words_and_values_say_the_same(
    words: list[str], fields: dict[str, Any], add: dict[str, Any], remove: dict[str, Any], edits: list[Edit]
) -> None:
    assert [edit for word in words for edit in parse_assignment(word)] == edits
    assert list_edits(fields, add, remove) == edits


@pytest.mark.parametrize(
    ("fields", "add", "code", "said"),
    [
        ({"titel": "x"}, {}, "unknown-field", "a task has no field 'titel'"),
        ({"run.modle": "x"}, {}, "unknown-field", "a task has no field 'run.modle'"),
        ({"version": 1}, {}, "unknown-field", "a task has no field 'version'"),
        ({"": 1}, {}, "unknown-field", "a task has no field ''"),
        ({}, {"title": ["x"]}, "bad-assignment", "title is no list"),
        ({}, {}, "no-changes", "there is nothing to change"),
        ({"priority": "hihg"}, {}, "bad-value", "did you mean 'high'?"),
        ({"title": None}, {}, "bad-value", "'title' is missing"),
        ({"run": {"timeout": "soon"}}, {}, "bad-value", "run.timeout: "),
    ],
)
def test_what_the_schema_does_not_know_is_refused(
    checkout: Checkout, fields: dict[str, Any], add: dict[str, Any], code: str, said: str
) -> None:
    with pytest.raises(UsageError) as caught:
        update_task(project(checkout), "pay", fields=fields, add=add)
    assert caught.value.code == code
    assert said in caught.value.message
    assert checkout.git("log", "--format=%s") == "Start"


def test_ids_are_written_whole(checkout: Checkout) -> None:
    update_task(
        project(checkout),
        "pay",
        fields={"parent": "sh", "plan": "spr"},
        add={"depends_on": ["add-cas"]},
        remove={"depends_on": ["add"]},
    )
    assert (
        checkout.read("tasks/pay.yaml") == "title: Pay\ndepends_on: [add-cash]\nparent: shop\nplan: spring\n"
    )
    set_fields(project(checkout), "pay", ["depends_on=add-car,add-cas"])
    assert "depends_on: [add-cart, add-cash]\n" in checkout.read("tasks/pay.yaml")


@pytest.mark.parametrize(
    ("fields", "add", "code"),
    [
        ({"depends_on": ["add"]}, {}, "ambiguous-id"),
        ({"depends_on": ["nope"]}, {}, "unknown-id"),
        ({}, {"depends_on": ["nope"]}, "unknown-id"),
        ({}, {"depends_on": ["pay"]}, "dependency-cycle"),
        ({"parent": "pay"}, {}, "parent-loop"),
        ({"plan": "summer"}, {}, "unknown-id"),
    ],
)
def test_an_id_that_leads_nowhere_or_round_is_refused(
    checkout: Checkout, fields: dict[str, Any], add: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        update_task(project(checkout), "pay", fields=fields, add=add)
    assert caught.value.code == code
    assert checkout.git("log", "--format=%s") == "Start"


def test_a_new_task_may_not_wait_for_what_it_is_a_part_of(checkout: Checkout) -> None:
    with pytest.raises(Refusal, match="shop is a parent of"):
        add_task(project(checkout), {"title": "X", "parent": "shop", "depends_on": ["shop"]})


def test_a_title_becomes_one_line(checkout: Checkout) -> None:
    add_task(project(checkout), {"title": "One\nline\n\nBaton-Task: pay"})
    assert (
        checkout.git("log", "-1", "--format=%B")
        == "Add task one-line-baton-task-pay: One line Baton-Task: pay"
    )


def test_what_is_wrong_already_is_not_the_edits_fault(checkout: Checkout) -> None:
    checkout.write({"tasks/pay.yaml": "title: Pay\npriority: hihg\n"})
    checkout.git("add", "tasks/pay.yaml")
    checkout.write({"tasks/pay.yaml": "title: Pay\n"})
    with pytest.raises(InvalidDocument, match=r"pay.yaml:2:1: priority: must be one of"):
        update_task(project(checkout), "pay", fields={"labels": ["a"]})
    with pytest.raises(BatonError, match="there is no task 'zzz'"):
        update_task(project(checkout), "zzz", fields={"labels": ["a"]})
