"""Every tool against a real repository, in both eras of the protocol: answers, commits and bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.mcp_talk import MODES, Talk, talk
from support.repos import Clock, make_repository, project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.repos import Checkout

SCHEMA = "# yaml-language-server: $schema=./schemas/task.schema.json\n"
FILES: dict[str, str | bytes | None] = {
    "README.md": "Shop\n",
    "tasks/add-cart.yaml": "# the cart comes first\ntitle: Add a cart\n\nstatus: todo\n\npriority: high\nlabels: [shop]\n",
    "tasks/add-checkout.yaml": (
        "title: Add the checkout   # after the cart\n"
        "description: |\n  Pay by card.\n  Nothing else yet.\n"
        "acceptance:\n  - A card is charged once\n  - {text: A receipt is sent, checked: true}\n"
        "depends_on: [add-cart]\n"
    ),
    "tasks/old-thing.yaml": "title: Done long ago\nstatus: done\n",
}


class Shop:
    """A repository with three tasks, and somebody who talks to the server in it."""

    def __init__(self, checkout: Checkout, conversation: Talk, clock: Clock) -> None:
        self.checkout = checkout
        self.call = conversation.call
        self.fail = conversation.fail
        self.clock = clock

    def new_commits(self) -> list[str]:
        """Subjects of the commits since the first, oldest first."""
        return self.checkout.git("log", "--reverse", "--format=%s").splitlines()[1:]

    def changed_files(self) -> list[str]:
        """What the last commit touched."""
        return self.checkout.git("show", "--format=", "--name-status", "HEAD").splitlines()


@pytest.fixture(params=MODES)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    checkout = make_repository(tmp_path, FILES)
    clock = Clock()
    with talk(lambda: project(checkout, clock=clock), request.param) as conversation:
        yield Shop(checkout, conversation, clock)


def test_next_task_says_which_and_why_and_changes_nothing(shop: Shop) -> None:
    before = shop.checkout.git("for-each-ref")
    answer = shop.call("next_task")
    assert answer == {
        "task": {"id": "add-cart", "title": "Add a cart", "state": "ready", "priority": "high"},
        "reason": "high priority, one task waits for it, it depends on nothing",
    }
    assert shop.checkout.git("for-each-ref") == before


def test_next_task_claims_for_a_person_without_a_commit_on_the_branch(shop: Shop) -> None:
    answer = shop.call("next_task", claim=True)
    assert answer["claimed"] is True
    assert answer["task"] == {
        "id": "add-cart",
        "title": "Add a cart",
        "state": "in_progress",
        "priority": "high",
    }
    assert answer["note"] == "to give it back: baton stop add-cart"
    assert shop.new_commits() == []
    state = shop.checkout.git("show", "refs/baton/tasks/add-cart:state.yaml")
    assert "status: in_progress" in state
    assert "kind: person" in state
    assert "lease" not in state
    assert shop.call("next_task", claim=True) == {"reason": "no task is ready: 1 in progress, 1 waiting"}
    assert shop.fail("next_task", claim=True, id="add-cart") == (
        "not-claimable: add-cart is in progress: Tess Author is at it\nhint: end it with: "
        "baton stop add-cart; to work on it yourself: baton takeover add-cart"
    )


def test_next_task_narrows_by_label_plan_and_id(shop: Shop) -> None:
    assert "task" not in shop.call("next_task", label="office")
    assert shop.call("next_task", label="shop")["task"]["id"] == "add-cart"
    assert "task" not in shop.call("next_task", claim=True, plan="nothing")
    assert shop.fail("next_task", id="add-cart").startswith("usage: an id only goes with claim")
    refused = shop.fail("next_task", claim=True, id="add-checkout")
    assert (
        refused == "not-claimable: add-checkout is waiting: it waits for add-cart\nhint: do first: add-cart"
    )
    assert shop.call("next_task", claim=True, id="add-ca")["task"]["id"] == "add-cart"


def test_list_tasks_hides_what_is_finished_unless_asked(shop: Shop) -> None:
    cart = {"id": "add-cart", "title": "Add a cart", "state": "ready", "priority": "high"}
    checkout = {
        "id": "add-checkout", "title": "Add the checkout", "state": "waiting", "priority": "medium", "blocked_by": ["add-cart"],
    }  # fmt: skip
    old = {"id": "old-thing", "title": "Done long ago", "state": "done", "priority": "medium"}
    assert shop.call("list_tasks") == {"tasks": [cart, checkout]}
    assert shop.call("list_tasks", state=["done"]) == {"tasks": [old]}
    assert shop.call("list_tasks", state=["done", "ready"]) == {"tasks": [cart, old]}
    assert shop.call("list_tasks", ready=True) == {"tasks": [cart]}
    assert shop.call("list_tasks", label="shop") == {"tasks": [cart]}
    assert shop.call("list_tasks", role="tester") == {"tasks": []}


def test_list_tasks_turns_pages(shop: Shop) -> None:
    first = shop.call("list_tasks", limit=1)
    assert [t["id"] for t in first["tasks"]] == ["add-cart"]
    assert (first["more"], first["after"]) == (1, "add-cart")
    second = shop.call("list_tasks", limit=1, after=first["after"])
    assert [t["id"] for t in second["tasks"]] == ["add-checkout"]
    assert "more" not in second
    assert shop.fail("list_tasks", after="old-thing").startswith(
        "lost-place: 'old-thing' is not in this list any more"
    )


def test_list_tasks_names_files_that_cannot_be_read(shop: Shop) -> None:
    shop.checkout.write({"tasks/bad.yaml": "title: [\n", "tasks/worse.yaml": "titel: x\n"})
    broken = shop.call("list_tasks")["broken"]
    assert len(broken) == 2
    assert broken[0].startswith("tasks/bad.yaml:")
    assert "did you mean 'title'?" in broken[1]
    refused = shop.fail("get_task", id="worse")
    assert refused.startswith("broken-task: the file of worse can't be read\n- tasks/worse.yaml:1:1: ")
    assert (
        refused.count("\n- ") == 2
    )  # every problem of the file: the unknown field, and the one that is missing
    assert "hint: fix tasks/worse.yaml" in refused


def test_get_task_has_the_whole_text(shop: Shop) -> None:
    assert shop.call("get_task", id="add-che") == {
        "id": "add-checkout",
        "title": "Add the checkout",
        "state": "waiting",
        "why": "it waits for add-cart",
        "priority": "medium",
        "path": "tasks/add-checkout.yaml",
        "type": "task",
        "description": "Pay by card.\nNothing else yet.\n",
        "acceptance": [{"text": "A card is charged once"}, {"text": "A receipt is sent", "checked": True}],
        "depends_on": ["add-cart"],
        "blocked_by": ["add-cart"],
    }
    assert shop.fail("get_task", id="add-car-t") == (
        "unknown-id: there is no task 'add-car-t'\nhint: did you mean add-cart?"
    )
    assert shop.fail("get_task").startswith("no-task: which task?")


def test_create_task_writes_one_file_in_one_commit(shop: Shop) -> None:
    answer = shop.call(
        "create_task", title="Send receipts", description="By mail.\nAt once.\n", acceptance=["One mail per order"],
        depends_on=["add-che"], priority="low", labels=["mail"], paths=["src/mail/**"],
    )  # fmt: skip
    assert answer == {
        "id": "send-receipts",
        "path": "tasks/send-receipts.yaml",
        "commit": shop.checkout.head(),
        "branch": "main",
    }
    assert shop.new_commits() == ["Add task send-receipts: Send receipts"]
    assert shop.changed_files() == ["A\ttasks/send-receipts.yaml"]
    assert shop.checkout.read("tasks/send-receipts.yaml") == (
        SCHEMA + "title: Send receipts\n\nstatus: todo\n\npriority: low\ndescription: |\n  By mail.\n  At once.\n"
        "acceptance:\n  - One mail per order\ndepends_on:\n  - add-checkout\npaths:\n  - src/mail/**\nlabels:\n  - mail\n"
        'created: "2026-01-31T09:00:00Z"\n'
    )  # fmt: skip
    assert shop.checkout.status() == ""


def test_create_task_takes_text_that_looks_like_json_for_text(shop: Shop) -> None:
    shop.call("create_task", title="[1, 2]", description='{"a": 1}', id="json")
    text = shop.call("get_task", id="json")
    assert (text["title"], text["description"]) == ("[1, 2]", '{"a": 1}')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"title": "X", "depends_on": ["nope"]}, "unknown-id: there is no task 'nope'"),
        ({"title": "X", "id": "add-cart"}, "taken-id: there is a task 'add-cart' already"),
        ({"title": "X", "id": "Not An Id"}, "bad-id: "),
        ({"title": "X", "plan": "p"}, "unknown-id: there is no plan 'p'\nhint: there is none at all"),
        ({"title": "  "}, "bad-value: title: must not be empty"),
        ({"title": "X", "priority": "urgent"}, "bad-argument: priority: input should be 'critical', 'high'"),
        ({"title": "x" * 300}, "bad-value: title: must have at most 200 characters"),
        ({}, "bad-argument: title: field required"),
    ],
)
def test_create_task_that_is_refused_commits_nothing(
    shop: Shop, arguments: dict[str, Any], said: str
) -> None:
    assert shop.fail("create_task", **arguments).startswith(said)
    assert shop.new_commits() == []
    assert shop.checkout.status() == ""


def test_update_task_changes_only_what_it_must(shop: Shop) -> None:
    answer = shop.call(
        "update_task", id="add-ch", fields={"priority": "critical", "run.timeout": "30m", "description": None},
        add={"labels": ["shop", "pay"]}, remove={"depends_on": ["add-ca"]},
    )  # fmt: skip
    assert answer == {
        "id": "add-checkout",
        "path": "tasks/add-checkout.yaml",
        "commit": shop.checkout.head(),
        "branch": "main",
    }
    assert shop.new_commits() == [
        "Set priority, run.timeout, description, labels, depends_on of add-checkout"
    ]
    assert shop.checkout.read("tasks/add-checkout.yaml") == (
        "title: Add the checkout   # after the cart\npriority: critical\n"
        "acceptance:\n  - A card is charged once\n  - {text: A receipt is sent, checked: true}\n"
        "labels:\n  - shop\n  - pay\nrun:\n  timeout: 30m\n"
    )
    again = shop.call("update_task", id="add-checkout", fields={"priority": "critical"})
    assert again["note"] == "nothing changed: it said so already"
    assert "commit" not in again


def test_update_task_changes_the_status(shop: Shop) -> None:
    shop.call("update_task", id="old-thing", fields={"status": "todo"})
    shop.call("update_task", id="add-cart", fields={"status": "cancelled"})
    states = {
        t["id"]: t["state"] for t in shop.call("list_tasks", state=["ready", "cancelled", "waiting"])["tasks"]
    }
    assert states == {"add-cart": "cancelled", "add-checkout": "waiting", "old-thing": "ready"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"fields": {"titel": "x"}}, "unknown-field: a task has no field 'titel'\nhint: did you mean title?"),
        (
            {"fields": {"priority": "hgih"}},
            "bad-value: priority: must be one of critical",
        ),
        (
            {"fields": {"depends_on": ["add-checkout"]}},
            "dependency-cycle: that would be a circle: add-cart → add-checkout",
        ),
        ({"fields": {"parent": "add-cart"}}, "parent-loop: "),
        ({"add": {"title": ["x"]}}, "bad-assignment: title is no list"),
        ({"remove": {"depends_on": ["add-checkout"]}}, "unknown-id: there is no dependency 'add-checkout'"),
        ({"fields": {"version": 2}}, "unknown-field: "),
        ({}, "no-changes: there is nothing to change"),
    ],
)
def test_update_task_that_is_refused_commits_nothing(
    shop: Shop, arguments: dict[str, Any], said: str
) -> None:
    assert shop.fail("update_task", id="add-cart", **arguments).startswith(said)
    assert shop.new_commits() == []
    assert shop.checkout.status() == ""


def test_complete_task_writes_status_and_handoff_in_one_commit(shop: Shop) -> None:
    shop.call("next_task", claim=True)
    answer = shop.call(
        "complete_task", id="add-cart", summary="The cart works.", decisions=["Kept in the session, because it is small"],
        remaining=["Taxes"], next_steps=["Add the checkout"], tests_passing=True,
    )  # fmt: skip
    path = answer["path"]
    assert answer == {"id": "add-cart", "path": path, "commit": shop.checkout.head(), "branch": "main"}
    assert shop.new_commits() == ["Complete add-cart: Add a cart"]
    assert shop.changed_files() == ["M\ttasks/add-cart.yaml", f"A\t{path}"]
    assert shop.checkout.read("tasks/add-cart.yaml") == (
        "# the cart comes first\ntitle: Add a cart\n\nstatus: done\n\npriority: high\nlabels: [shop]\n"
    )
    assert shop.checkout.read(path) == (
        "# yaml-language-server: $schema=../../schemas/handoff.schema.json\n"
        "task: add-cart\nagent: Tess Author\n"
        'created: "2026-01-31T09:00:00Z"\noutcome: succeeded\nverified: false\nsummary: The cart works.\n'
        "remaining:\n  - Taxes\ndecisions:\n  - decision: Kept in the session, because it is small\n"
        "next_steps:\n  - Add the checkout\ntests_passing: true\nnext_action: complete\n"
    )
    assert shop.call("next_task")["task"]["id"] == "add-checkout"
    assert shop.fail("complete_task", id="add-cart", summary="Again.") == (
        "already-finished: add-cart is done already\nhint: to open it again: update_task add-cart status=todo"
    )


def test_complete_task_checks_a_result_by_the_schema_of_the_task(shop: Shop) -> None:
    schema = {"type": "object", "required": ["files"], "properties": {"files": {"type": "integer"}}}
    shop.call("create_task", title="Count files", id="count", type="spike")
    shop.call("update_task", id="count", fields={"result_schema": schema})
    assert shop.call("get_task", id="count")["result_schema"] == schema
    before = shop.checkout.head()
    refused = shop.fail("complete_task", id="count", summary="Counted.", result={"files": "many"})
    assert refused.startswith(
        "bad-result: the result does not fit the task's result_schema: files: 'many' is not of type"
    )
    assert shop.fail("complete_task", id="add-cart", summary="x", result=[1]).startswith(
        "bad-result: add-cart declares no"
    )
    assert shop.checkout.head() == before
    path = shop.call("complete_task", id="count", summary="Counted.", result={"files": 3})["path"]
    assert shop.checkout.read(path).endswith("result:\n  files: 3\n")


def test_save_context_leaves_a_handoff_of_a_task_or_a_session(shop: Shop) -> None:
    answer = shop.call(
        "save_context", id="add-cart", note="The API is slow", question="Which currency?", summary="Half way."
    )
    assert shop.new_commits() == ["Save context of add-cart"]
    assert shop.changed_files() == [f"A\t{answer['path']}"]
    assert shop.checkout.read(answer["path"]).endswith(
        "summary: Half way.\nquestions:\n  - Which currency?\nnext_action: needs_input\ndata:\n  notes:\n    - The API is slow\n"
    )
    shop.clock.advance(0.001)
    session = shop.call("save_context", next_steps=["Read the docs"])
    assert "id" not in session
    assert session["path"].startswith("tasks/handoffs/sessions/20260131T090000001Z-")
    assert shop.fail("save_context", id="add-cart").startswith("empty-context: there is nothing to save")


def test_get_context_tells_the_newest_first(shop: Shop) -> None:
    assert shop.call("get_context") == {"handoffs": []}
    for text in ("one", "two"):
        shop.call("save_context", id="add-cart", summary=text)
        shop.clock.advance(0.001)
    shop.call("save_context", summary="three")
    found = shop.call("get_context")["handoffs"]
    assert [(h.get("task"), h["summary"]) for h in found] == [
        (None, "three"),
        ("add-cart", "two"),
        ("add-cart", "one"),
    ]
    assert [h["summary"] for h in shop.call("get_context", id="add-cart", limit=1)["handoffs"]] == ["two"]
    assert found[1] == {
        "path": found[1]["path"], "task": "add-cart", "agent": "Tess Author", "created": "2026-01-31T09:00:00Z", "summary": "two",
    }  # fmt: skip
    assert shop.call("get_task", id="add-cart")["handoff"]["summary"] == "two"


def test_get_context_shortens_a_long_history_and_names_the_files(shop: Shop) -> None:
    for n in range(8):
        shop.call(
            "save_context", id="add-cart", summary=f"{n} " + "x" * 5000, completed=["a step"] * 30, decisions=[f"way {n}"],
            blockers=["y" * 500],
        )  # fmt: skip
        shop.clock.advance(0.001)
    newest, *older = shop.call("get_context", id="add-cart", limit=2)["handoffs"]
    assert [len(h["summary"]) for h in (newest, *older)] == [5002, 5002], "what fits is told whole"
    assert "shortened" not in newest
    told = shop.call("get_context", id="add-cart", budget=3000)
    newest, *older = told["handoffs"]
    assert (len(newest["summary"]), len(newest["completed"]), "shortened" in newest) == (5002, 30, False)
    assert all(h["shortened"] and "completed" not in h for h in older)
    assert [h["decisions"][0]["decision"] for h in (newest, *older)] == [f"way {n}" for n in range(7, -1, -1)]
    assert "x" * 5000 in shop.checkout.read(older[-1]["path"])
    assert told["note"] == "7 of 8 shortened to stay within 3,000 tokens; path has all"
    assert len(json.dumps(told, separators=(",", ":"))) <= 3000 * 3.5
    least = shop.call("get_context", id="add-cart", budget=1)["handoffs"]
    assert [h["blockers"] for h in least] == [["y" * 119 + "…"]] * 8
    assert shop.call("get_context", id="add-cart", limit=1)["note"] == "there are older ones: raise limit"


def test_what_others_change_is_seen_at_once(shop: Shop) -> None:
    assert len(shop.call("list_tasks")["tasks"]) == 2
    shop.checkout.write({"tasks/fresh.yaml": "title: Just written\n"})
    assert shop.call("get_task", id="fresh")["local"] == "uncommitted"
    shop.checkout.commit(message="Add a task by hand")
    assert "local" not in shop.call("get_task", id="fresh")


def test_a_commit_on_another_branch_is_announced_as_such(shop: Shop) -> None:
    shop.checkout.git("config", "baton.base", "main")
    shop.checkout.git("switch", "--quiet", "--create", "feature")
    answer = shop.call("create_task", title="Later")
    assert answer["branch"] == "feature"
    assert answer["note"] == "others see it once feature is merged"
    assert shop.call("next_task", label="none")["reason"].endswith(
        "only in this checkout: later (commit and push, or merge, to main)"
    )


def test_a_persons_own_work_is_left_alone(shop: Shop) -> None:
    shop.checkout.write({"README.md": "Shop, edited\n", "new.txt": "n\n", "staged.txt": "s\n"})
    shop.checkout.git("add", "staged.txt")
    before = shop.checkout.status()
    shop.call("update_task", id="add-cart", fields={"priority": "low"})
    shop.call("save_context", id="add-cart", note="x")
    assert shop.checkout.status() == before
