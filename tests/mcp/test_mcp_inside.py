"""The tools inside an attempt: in the agent's private clone, with everything going to the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.store.outbox import read_outbox
from gitbaton.store.workplace import make_workplace
from gitbaton.wiring import open_project
from support.mcp_talk import MODES, Talk, talk
from support.repos import Checkout, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitbaton.domain.outbox import Collected

HANDOFF = "task: count\nattempt: 1\noutcome: checks_failed\nsummary: The first try.\nremaining: [the rest]\n"
FILES: dict[str, str | bytes | None] = {
    "tasks/count.yaml": "title: Count\ntype: spike\nresult_schema: {type: object, required: [n]}\ndepends_on: [before]\n",
    "tasks/before.yaml": "title: Before\nstatus: done\n",
    "tasks/other.yaml": "title: Other\n",
}


class Inside:
    """An agent in its private clone, which talks to the server there."""

    def __init__(self, clone: Checkout, outbox: Path, conversation: Talk) -> None:
        self.clone = clone
        self.outbox = outbox
        self.call = conversation.call
        self.fail = conversation.fail

    def handed_over(self) -> Collected:
        """What the runner would find."""
        collected = read_outbox(self.outbox)
        assert collected.complaints == ()
        return collected


@pytest.fixture(params=MODES)
def inside(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Inside]:
    checkout = make_repository(tmp_path, FILES, remote=True)
    checkout.git("switch", "--quiet", "--create", "baton/count")
    checkout.commit(
        {"count.py": "n = 1\n", "tasks/handoffs/count/20260101T000000000Z-r1.yaml": HANDOFF}, "First try"
    )
    start = checkout.head()
    checkout.git("switch", "--quiet", "main")
    place = make_workplace(project(checkout).repo, tmp_path / "place", start=start, branch="baton/count")
    environment = {
        "BATON_ATTEMPT": "2", "BATON_TASK": "count", "BATON_RUN": "r2", "BATON_OUTBOX": str(place.outbox), "HOME": str(place.home),
    }  # fmt: skip
    clone = Checkout(place.work)
    before = (clone.git("for-each-ref"), clone.status())
    with talk(lambda: open_project(place.work, environment), request.param, environment) as conversation:
        yield Inside(clone, place.outbox, conversation)
    assert (clone.git("for-each-ref"), clone.status()) == before, "a tool changed the private clone"
    assert clone.git("remote") == ""


def test_its_own_task_is_in_progress_and_nothing_else_can_be_taken(inside: Inside) -> None:
    own = {"id": "count", "title": "Count", "state": "in_progress", "priority": "medium"}
    reason = "this attempt is at count; nothing else can be taken until it ends"
    assert inside.call("next_task") == {"task": own, "reason": reason}
    assert inside.fail("next_task", claim=True).startswith(
        "inside-attempt: inside an attempt nobody can claim tasks"
    )
    assert inside.fail("next_task", claim=True, id="other").startswith("inside-attempt: ")
    listed = inside.call("list_tasks")
    assert [(t["id"], t["state"]) for t in listed["tasks"]] == [("count", "in_progress"), ("other", "ready")]
    assert listed["note"] == "as of the start of this attempt; who works on other tasks is not known here"


def test_it_reads_its_task_and_what_came_before_without_an_id(inside: Inside) -> None:
    text = inside.call("get_task")
    assert (text["id"], text["state"], text["why"]) == ("count", "in_progress", "this attempt is at it")
    assert text["handoff"]["summary"] == "The first try."
    assert inside.call("get_task", id="before")["state"] == "done"
    (handoff,) = inside.call("get_context")["handoffs"]
    assert (handoff["attempt"], handoff["remaining"]) == (1, ["the rest"])
    assert inside.call("get_context", id="other") == {"handoffs": []}


@pytest.mark.promise("attempt.commits-nothing")
def test_notes_questions_and_handoffs_go_to_the_outbox(inside: Inside) -> None:
    note = {"id": "count", "note": "handed over; the runner reads it when this attempt ends"}
    assert inside.call("save_context", note="It is slow") == note
    assert inside.call("save_context", id="count", question="How many?", summary="Half.") == note
    assert inside.call("save_context", blockers=["No key"], next_action="blocked") == note
    got = inside.handed_over()
    assert (got.question, got.handoff.summary, got.handoff.blockers, got.handoff.next_action) == (
        "How many?",
        "Half.",
        ("No key",),
        "blocked",
    )
    assert got.handoff.data == {"notes": ["It is slow"]}
    assert inside.fail("save_context").startswith("empty-context: ")


def test_it_speaks_for_no_other_task(inside: Inside) -> None:
    said = "inside-attempt: inside an attempt you speak for count alone, not for other"
    assert inside.fail("save_context", id="other", note="x").startswith(said)
    assert inside.fail("complete_task", id="other", summary="x").startswith(said)
    assert inside.fail("update_task", id="count", fields={"status": "done"}) == (
        "inside-attempt: inside an attempt nobody can edit task files\n"
        "hint: hand over a note with save_context; a person decides"
    )
    assert list(inside.outbox.iterdir()) == []


def test_completing_checks_the_result_before_it_is_too_late(inside: Inside) -> None:
    assert inside.fail("complete_task", summary="Done.").startswith(
        "bad-result: the result does not fit the task's result_schema: no structured result was handed over"
    )
    assert inside.fail("complete_task", summary="Done.", result={"m": 1}) == (
        "bad-result: the result does not fit the task's result_schema: n: 'n' is missing\n"
        "hint: nothing was handed over; correct the result and complete the task again"
    )
    assert list(inside.outbox.iterdir()) == []
    answer = inside.call("complete_task", summary="Done.", result={"n": 3}, decisions=["Counted twice"])
    assert answer == {"id": "count", "note": "handed over; the runner checks the work when you end"}
    got = inside.handed_over()
    assert (got.result, got.handoff.summary, got.handoff.next_action) == ({"n": 3}, "Done.", "complete")


def test_new_tasks_are_proposed_and_may_build_on_one_another(inside: Inside) -> None:
    first = inside.call("create_task", title="Count faster", depends_on=["oth"], priority="low")
    assert first == {"id": "count-faster", "note": "proposed; the review of this attempt decides on it"}
    second = inside.call("create_task", title="Count faster", depends_on=["count-faster"], parent="count")
    assert second["id"].startswith("count-faster-")
    proposed = inside.handed_over().tasks
    assert [(t.id, t.depends_on, t.parent) for t in proposed] == [
        ("count-faster", ("other",), None), (second["id"], ("count-faster",), "count"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"title": "X", "depends_on": ["nope"]}, "unknown-id: there is no task 'nope'"),
        ({"title": "X", "id": "other"}, "taken-id: there is a task 'other' already"),
        ({"title": "X", "labels": ["y"] * 101}, "bad-value: labels: "),
        ({"title": " "}, "bad-value: title: "),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused_at_once(
    inside: Inside, arguments: dict[str, Any], said: str
) -> None:
    assert inside.fail("create_task", **arguments).startswith(said)
    assert list(inside.outbox.iterdir()) == []


@pytest.mark.promise("attempt.commits-nothing")
def test_an_attempt_that_does_not_know_its_outbox_commits_nothing(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, FILES)
    environment = {"BATON_ATTEMPT": "1", "BATON_TASK": "count"}
    before = checkout.head()
    with talk(lambda: open_project(checkout.path, environment), environment=environment) as t:
        assert t.fail("save_context", note="x").startswith("not-writable: the outbox can't be written: ")
        assert t.fail("create_task", title="X").startswith("not-writable: ")
        assert t.call("get_task")["id"] == "count"
    assert checkout.head() == before
    assert checkout.status() == ""
