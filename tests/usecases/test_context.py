"""Leaving context and finding it again, and saying that a task is complete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.errors import BatonError, Refusal, UsageError
from gitbaton.usecases.board import show_task
from gitbaton.usecases.claim import claim_as_person
from gitbaton.usecases.context import complete_task, get_context, save_context
from support.repos import Clock, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.usecases.project import Project
    from support.repos import Checkout

FILES: dict[str, str | bytes | None] = {
    "tasks/add-cart.yaml": "title: Cart\n",
    "tasks/pay.yaml": "title: Pay\ndepends_on: [add-cart]\n",
}
DEEP = json.loads("[" * 80 + "]" * 80)
HANDOFF = "task: pay\nsummary: {}\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES, remote=True)


@pytest.fixture
def opened(checkout: Checkout) -> Callable[[], Project]:
    """The project as it is now; a second passes each time it is asked for."""
    clock = Clock()

    def open_it() -> Project:
        clock.advance(1)
        return project(checkout, clock=clock)

    return open_it


def test_handoffs_of_several_tasks_stand_side_by_side(opened: Callable[[], Project]) -> None:
    save_context(opened(), "pay", {}, note="x")
    done = complete_task(opened(), "add-cart", {"summary": "Done."})
    assert done.edited is not None
    assert [h.task for _, h in get_context(opened(), None).handoffs] == ["add-cart", "pay"]


def test_context_is_found_wherever_this_clone_has_it(
    opened: Callable[[], Project], checkout: Checkout
) -> None:
    def leave(name: str, summary: str) -> dict[str, str | bytes | None]:
        return {f"tasks/handoffs/pay/{name}.yaml": HANDOFF.format(summary)}

    checkout.commit(leave("20260101T000000000Z-a", "on base"), push=True)
    checkout.git("switch", "--quiet", "--create", "feature")
    checkout.commit(leave("20260104T000000000Z-d", "on this branch"))
    checkout.write(leave("20260103T000000000Z-c", "not committed"))
    checkout.write(
        {
            "tasks/handoffs/pay/20260105T000000000Z-e.yaml": "summary: [\n",
            "tasks/handoffs/pay/notes.txt": "no handoff",
        }
    )
    (checkout.path / "tasks/handoffs/pay/20260106T000000000Z-f.yaml").symlink_to("/dev/zero")
    found = [h.summary for _, h in get_context(opened(), "pay").handoffs]
    assert found == ["on this branch", "not committed", "on base"]
    assert [h.summary for _, h in get_context(opened(), None, limit=2).handoffs] == [
        "on this branch",
        "not committed",
    ]
    newest = show_task(opened(), "pay").handoff
    assert newest is not None
    assert newest.summary == "on this branch"


def test_questions_make_a_handoff_that_waits_for_a_person(
    opened: Callable[[], Project], checkout: Checkout
) -> None:
    saved = save_context(opened(), "pay", {"questions": ["Cards?"]}, question="Or invoices?")
    assert saved.path is not None
    assert checkout.read(saved.path).endswith(
        "questions:\n  - Cards?\n  - Or invoices?\nnext_action: needs_input\n"
    )


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"decisions": [{"reason": "none"}], "summary": ["x"]}, "bad-field", "summary: input should be a valid string; decisions.0.decision: field required"),
        ({"titel": "x"}, "bad-field", "titel: extra inputs are not permitted"),
        ({"data": {"a": "x" * 70_000}}, "bad-field", "data: value error, data is larger than 64 KiB"),
        ({"summary": "x" * 300_000}, "too-large", "a handoff has at most 256 KiB, this one 293"),
        ({"summary": "a\0b"}, "not-storable", "NUL"),
        ({"data": {"deep": DEEP}}, "bad-field", "nested more than 64"),
    ],
)  # fmt: skip
def test_what_could_not_be_read_back_is_not_written(
    opened: Callable[[], Project], checkout: Checkout, fields: dict[str, Any], code: str, said: str
) -> None:
    before = checkout.head()
    with pytest.raises(BatonError) as caught:
        save_context(opened(), "pay", fields)
    assert caught.value.code == code
    assert said in caught.value.message
    assert (checkout.head(), checkout.status()) == (before, "")


def test_nobody_completes_what_is_over_or_what_an_agent_is_at(
    opened: Callable[[], Project], checkout: Checkout
) -> None:
    checkout.commit({"tasks/old.yaml": "title: Old\nstatus: cancelled\n"}, push=True)
    with pytest.raises(Refusal, match="old is cancelled already"):
        complete_task(opened(), "old", {"summary": "x"})
    with pytest.raises(UsageError, match="which task"):
        complete_task(opened(), None, {"summary": "x"})


def test_a_person_completes_what_they_claimed(opened: Callable[[], Project], checkout: Checkout) -> None:
    claim_as_person(opened(), "add-cart")
    complete_task(opened(), "add-cart", {"summary": "x"})
    checkout.git("push", "--quiet")
    assert show_task(opened(), "pay").entry.state == "ready"
