"""The board: effective states, what may be claimed, and in which order."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.strategies import NOW, ROWS, TIPS
from gitbaton.domain.board import Board, BrokenRow, EffectiveState, Entry, LiveRow, TaskRow, fold_board
from gitbaton.domain.queue import claimable_in_order, explain_reason, find_overlap, order_key
from gitbaton.errors import Problem


def row(task: str, **fields: Any) -> TaskRow:
    return TaskRow(id=task, path=f"tasks/{task}.yaml", title=task.title(), **fields)


def tip(task: str, status: Any, **fields: Any) -> LiveRow:
    return LiveRow(task=task, status=status, oid="1" * 40, **fields)


def fold(*rows: TaskRow, tips: list[LiveRow] | None = None, **options: Any) -> Board:
    live = {t.task: t for t in tips or []}
    return fold_board(rows, (), live, **{"now": NOW, "attempts_max": 3, **options})


def one(first: TaskRow, *others: TaskRow, tips: list[LiveRow] | None = None, **options: Any) -> Entry:
    return fold(first, *others, tips=tips, **options).entries[first.id]


# -- each state by itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "live", "state", "claimable", "why"),
    [
        ({}, None, "ready", True, "it depends on nothing"),
        ({"status": "draft"}, None, "draft", False, "it is a draft: set status=todo when it is meant"),
        ({"status": "done"}, None, "done", False, "it is done"),
        ({"status": "cancelled"}, None, "cancelled", False, "it was cancelled"),
        ({"hold": "wait for legal"}, None, "held", False, "on hold: wait for legal"),
        ({}, {"status": "open", "hold": "later"}, "held", False, "on hold: later"),
        ({}, {"status": "open"}, "ready", True, "it depends on nothing"),
        ({}, {"status": "in_progress", "holder": "ann"}, "in_progress", False, "ann is at it"),
        ({}, {"status": "in_progress", "lease": NOW + 1}, "in_progress", False, "somebody is at it"),
        (
            {},
            {"status": "in_progress", "lease": NOW},
            "stale",
            True,
            "somebody claimed it, but the lease has passed",
        ),
        (
            {},
            {"status": "in_progress", "lease": NOW, "attempt": 3},
            "stale",
            False,
            "somebody claimed it, but the lease has passed, and it was the last attempt: a person decides",
        ),
        (
            {"hold": "x"},
            {"status": "in_progress", "lease": NOW},
            "stale",
            False,
            "somebody claimed it, but the lease has passed",
        ),
        ({"hold": "x"}, {"status": "in_progress"}, "in_progress", False, "somebody is at it"),
        ({"status": "draft"}, {"status": "in_progress"}, "in_progress", False, "somebody is at it"),
        ({}, {"status": "needs_input", "question": "Which?"}, "needs_input", False, "the agent asks: Which?"),
        ({}, {"status": "needs_input"}, "needs_input", False, "the agent asks: see its handoff"),
        ({}, {"status": "in_review"}, "in_review", False, "its work waits for a review"),
        ({"hold": "x"}, {"status": "in_review"}, "in_review", False, "its work waits for a review"),
        ({}, {"status": "changes_requested"}, "changes_requested", True, "a reviewer wants more"),
        (
            {},
            {"status": "changes_requested", "attempt": 9},
            "changes_requested",
            True,
            "a reviewer wants more",
        ),
        ({}, {"status": "failed", "attempt": 1}, "failed", True, "the attempt failed"),
        ({}, {"status": "failed", "attempt": 3, "reason": "no"}, "failed", False, "no"),
        (
            {},
            {"status": "failed", "attempt": 1, "retry_at": NOW + 1},
            "failed",
            False,
            "the attempt failed; it is tried again later",
        ),
        ({}, {"status": "failed", "attempt": 1, "retry_at": NOW}, "failed", True, "the attempt failed"),
        ({}, {"status": "stopped"}, "stopped", False, "a person stopped it"),
        ({}, {"status": "closed"}, "closed", False, "its review was closed without merging"),
        ({}, {"status": "taken_over", "holder": "ann"}, "taken_over", False, "ann works on the branch"),
        (
            {},
            {"status": "merged", "merge": "m"},
            "done",
            False,
            "it is done",
        ),  # base has not got the merge yet
        ({}, {"status": "merged", "merge": "seen"}, "ready", True, "it depends on nothing"),  # reopened since
        ({"status": "draft"}, {"status": "merged", "merge": "m"}, "draft", False, None),
        ({"plan": "p"}, None, "ready", True, "it depends on nothing"),
        ({"plan": "q"}, None, "ready", False, "its plan q is not merged yet"),
        (
            {"local": "unmerged"},
            None,
            "ready",
            False,
            "it is only local: it can be claimed once it is merged into the base branch",
        ),
    ],
)
def test_states(
    fields: dict[str, Any], live: dict[str, Any] | None, state: str, claimable: bool, why: str | None
) -> None:
    entry = one(
        row("t", **fields), tips=[tip("t", **live)] if live else None, plans=["p"], merges_seen=["seen"]
    )
    assert (entry.state, entry.claimable) == (state, claimable)
    assert why is None or entry.why == why


UNDECIDED = ("in_progress", "in_review", "changes_requested")


@pytest.mark.parametrize("state", ["done", "cancelled"])
@given(ROWS, TIPS)
def test_what_the_file_calls_over_is_over(state: str, rows: list[TaskRow], tips: dict[str, LiveRow]) -> None:
    board = fold_board(rows, (), tips, now=NOW, attempts_max=3)
    for entry in board.entries.values():
        if state == "done" and entry.row.local and entry.live and entry.live.status in UNDECIDED:
            continue  # only this checkout says so; see below
        assert (entry.state == state) or entry.row.status != state


# -- dependencies and parents -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "seen"), [("in_review", "in_review"), ("in_progress", "in_progress"), ("merged", "done")]
)
def test_what_a_task_branch_calls_done_is_not_decided_yet(status: str, seen: str) -> None:
    """A person who looks from the branch of work in review sees what everybody sees."""
    mine, after = row("a", status="done", local="unmerged"), row("b", depends_on=("a",))
    board = fold(mine, after, tips=[tip("a", status, lease=NOW + 1)])
    assert (board.entries["a"].state, board.entries["b"].claimable) == (seen, seen == "done")


def test_a_dependency_blocks_until_it_is_done() -> None:
    board = fold(
        row("a", depends_on=("b", "c", "d", "gone", "b")),
        row("b"),
        row("c", status="cancelled"),
        row("d", status="done"),
    )
    entry = board.entries["a"]
    assert (entry.state, entry.blocked_by) == ("waiting", ("b", "c", "gone"))
    assert entry.why == "it waits for b, c, gone"


def test_a_dependency_that_is_a_broken_file_blocks() -> None:
    broken = BrokenRow("b", "tasks/b.yaml", (Problem("tasks/b.yaml", 1, 1, "", "empty", "empty"),))
    board = fold_board([row("a", depends_on=("b",))], [broken], {}, now=NOW, attempts_max=3)
    assert board.entries["a"].blocked_by == ("b",)
    assert board.broken == (broken,)


def test_a_part_that_is_a_broken_file_is_not_done() -> None:
    problem = Problem("tasks/b.yaml", 1, 1, "", "empty", "empty")
    broken = BrokenRow("b", "tasks/b.yaml", (problem,), parents=("p", "nowhere"))
    done = row("a", parent="p", status="done")
    for parts in ([done], []):
        board = fold_board([row("p"), *parts], [broken], {}, now=NOW, attempts_max=3)
        entry = board.entries["p"]
        assert (entry.state, entry.blocked_by, entry.claimable) == ("waiting", ("b",), False)
        assert entry.why == "its parts are not done: b"


@pytest.mark.parametrize("status", ["failed", "changes_requested"])
def test_new_dependencies_hold_back_a_retry(status: str) -> None:
    entry = one(row("a", depends_on=("b",)), row("b"), tips=[tip("a", status)])
    assert (entry.state, entry.blocked_by, entry.claimable) == (status, ("b",), False)


def test_a_parent_is_done_when_its_parts_are() -> None:
    parts = [row("x", parent="p"), row("y", parent="p")]
    parent, need = row("p", depends_on=("n",)), row("n")
    assert one(parent, need, *parts).why == "it waits for n; its parts are not done: x, y"
    x, y = parts[0]._replace(status="done"), parts[1]._replace(status="cancelled")
    half = one(parent, need, x, parts[1])
    assert (half.state, half.blocked_by, half.claimable) == ("waiting", ("n", "y"), False)
    whole = one(parent, need, x, y)
    assert (whole.state, whole.why) == ("done", "its parts are done")
    none = one(row("p"), x._replace(status="cancelled"), y)
    assert (none.state, none.blocked_by, none.why) == (
        "waiting",
        (),
        "its parts were cancelled: set it done or cancel it",
    )


def test_done_climbs_through_all_generations() -> None:
    board = fold(
        row("g"), row("p", parent="g"), row("c", parent="p", status="done"), row("after", depends_on=("g",))
    )
    assert {e.row.id: e.state for e in board.entries.values()} == {
        "g": "done",
        "p": "done",
        "c": "done",
        "after": "ready",
    }
    assert board.children == {"g": ("p",), "p": ("c",)}


@given(ROWS, TIPS)
def test_a_waiting_task_says_for_what(rows: list[TaskRow], tips: dict[str, LiveRow]) -> None:
    board = fold_board(rows, (), tips, now=NOW, attempts_max=3)
    for task, entry in board.entries.items():
        if entry.state == "waiting":
            kids = [board.entries[c].state for c in board.children.get(task, ())]
            assert entry.blocked_by or (kids and set(kids) == {"cancelled"})
            assert all(need in entry.why for need in entry.blocked_by)
        assert len(set(entry.blocked_by)) == len(entry.blocked_by)
        for need in entry.blocked_by:
            assert need not in board.entries or board.entries[need].state != "done"


# -- what may be claimed ----------------------------------------------------------------------------


@given(ROWS, TIPS)
def test_only_claimable_states_are_claimable(rows: list[TaskRow], tips: dict[str, LiveRow]) -> None:
    board = fold_board(rows, (), tips, now=NOW, attempts_max=3, plans=["plan"])
    for task, entry in board.entries.items():
        assert entry.state in get_args(EffectiveState)
        if not entry.claimable:
            continue
        assert entry.state in ("ready", "stale", "failed", "changes_requested")
        assert entry.row.status == "todo"
        assert not entry.blocked_by
        assert task not in board.children
        assert entry.row.plan in (None, "plan")
        assert entry.row.local is None
        assert not entry.row.hold
        assert not (entry.live and entry.live.hold)
        if entry.state in ("stale", "failed"):
            assert entry.attempts_left > 0


@pytest.mark.parametrize(
    ("granted", "of_task", "made", "left"),
    [(None, None, 0, 3), (None, None, 2, 1), (None, 5, 2, 3), (7, 5, 2, 5), (0, 5, 0, 0), (1, None, 4, 0)],
)
def test_a_person_grants_attempts_before_task_and_config(
    granted: int | None, of_task: int | None, made: int, left: int
) -> None:
    live = tip("t", "failed", attempt=made, attempt_limit=granted)
    assert one(row("t", attempts_max=of_task), tips=[live]).attempts_left == left


@pytest.mark.parametrize(
    ("status", "fields", "free"),
    [
        ("in_progress", {"lease": NOW + 1}, False),
        ("in_review", {}, False),
        ("in_review", {"hold": "x"}, False),
        ("in_progress", {"lease": NOW - 1, "attempt": 3}, True),  # nobody is at it any more
        ("failed", {"attempt": 3}, True),
    ],
)
def test_overlapping_paths_wait_for_work_under_way(status: str, fields: dict[str, Any], free: bool) -> None:
    board = fold(
        row("busy", paths=("src/api/**",)),
        row("near", paths=("docs", "src")),
        row("far", paths=("web",)),
        row("unset"),
        tips=[tip("busy", status, **fields)],
    )
    names = [e.row.id for e in claimable_in_order(board)]
    assert names == (["far", "near", "unset"] if free else ["far", "unset"])


def test_a_task_does_not_overlap_itself() -> None:
    board = fold(row("a", paths=("src",)), row("b", paths=("src",)))
    a, b = board.entries["a"], board.entries["b"]
    assert find_overlap(a.row, [a]) is None
    assert find_overlap(a.row, [a, b]) is b
    assert find_overlap(row("c"), [a, b]) is None


# -- order ------------------------------------------------------------------------------------------


def test_the_queue_is_in_the_order_that_is_promised() -> None:
    board = fold(
        row("low", priority="low"),
        row("old", created="2025-01-01"),
        row("new", created="2026-01-01"),
        row("undated-b"),
        row("undated-a"),
        row("key"),
        row("waits", depends_on=("key",)),
        row("more", depends_on=("waits",)),
        row("zz-high", priority="high"),
        row("critical", priority="critical"),
        row("again", priority="low"),
        row("stale", priority="high"),
        row("review", priority="low"),
        tips=[
            tip("again", "failed", attempt=1),
            tip("stale", "in_progress", lease=NOW - 1),
            tip("review", "changes_requested"),
        ],
    )
    assert [e.row.id for e in claimable_in_order(board)] == [
        "review", "stale", "again", "critical", "zz-high", "key", "old", "new", "undated-a", "undated-b", "low",
    ]  # fmt: skip
    reasons = {e.row.id: explain_reason(e) for e in claimable_in_order(board)}
    assert reasons["key"] == "medium priority, a chain of 2 tasks waits for it, it depends on nothing"
    assert reasons["review"] == "a reviewer asked for changes, low priority"
    assert reasons["again"] == "a retry is due, low priority"
    assert reasons["stale"] == "its claim went stale, high priority"


def test_a_cancelled_task_is_no_work_that_waits() -> None:
    board = fold(row("a"), row("b", depends_on=("a",), status="cancelled"), row("c", depends_on=("b",)))
    assert board.entries["a"].depth == 0


@given(ROWS, TIPS, st.randoms())
def test_the_order_is_total_and_the_same_everywhere(
    rows: list[TaskRow], tips: dict[str, LiveRow], random: Any
) -> None:
    first = fold_board(rows, (), tips, now=NOW, attempts_max=3)
    shuffled = list(rows)
    random.shuffle(shuffled)
    second = fold_board(shuffled, (), dict(reversed(tips.items())), now=NOW, attempts_max=3)
    assert [e.row.id for e in claimable_in_order(first)] == [e.row.id for e in claimable_in_order(second)]
    assert first.entries == second.entries
    keys = [order_key(e) for e in first.entries.values()]
    assert len(set(keys)) == len(keys)
