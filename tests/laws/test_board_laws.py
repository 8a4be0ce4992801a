"""What the board says of merges and reopened tasks, whatever the order in which files and tips come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbaton.domain.board import LiveRow, TaskRow, fold_board
from gitbaton.domain.lifecycle import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.promise("claim.always-one")
IDS = ("a", "b", "c", "d", "e")
MERGES = ("m1", "m2", "m3")


@st.composite
def repositories(
    draw: Callable[[st.SearchStrategy[Any]], Any],
) -> tuple[list[TaskRow], dict[str, LiveRow], set[str]]:
    """Task files, tips, and the merges that base holds."""
    rows = [
        TaskRow(
            task, f"tasks/{task}.yaml", task, status=draw(st.sampled_from(["todo", "todo", "done", "cancelled", "draft"])),
            depends_on=tuple(draw(st.lists(st.sampled_from(IDS[:number]), unique=True, max_size=2)) if number else ()),
            parent=draw(st.sampled_from([None, None, None, *IDS[:number]])),
        )
        for number, task in enumerate(IDS)
    ]  # fmt: skip
    tips = {
        task: LiveRow(
            task, draw(st.sampled_from(ALL)), f"oid of {task}", merge=draw(st.sampled_from([None, *MERGES])),
            lease=draw(st.sampled_from([None, 50.0, 150.0])), attempt=draw(st.integers(0, 4)),
        )
        for task in draw(st.lists(st.sampled_from(IDS), unique=True))
    }  # fmt: skip
    return rows, tips, draw(st.sets(st.sampled_from(MERGES)))


def fold(rows: list[TaskRow], tips: dict[str, LiveRow], seen: set[str]) -> Any:
    return fold_board(rows, (), tips, now=100.0, attempts_max=3, merges_seen=seen, plans=())


@settings(max_examples=200, derandomize=True)
@given(repositories(), st.randoms(use_true_random=False))
def test_every_order_gives_the_same_board(
    repository: tuple[list[TaskRow], dict[str, LiveRow], set[str]], random: Any
) -> None:
    rows, tips, seen = repository
    board = fold(rows, tips, seen)
    mixed_rows, mixed_tips = rows[:], list(tips.items())
    random.shuffle(mixed_rows)
    random.shuffle(mixed_tips)
    other = fold(mixed_rows, dict(mixed_tips), set(seen))
    assert dict(board.entries.items()) == dict(other.entries.items())


@settings(max_examples=300, derandomize=True)
@given(repositories())
def test_done_is_what_base_says_or_a_merge_that_base_lacks(
    repository: tuple[list[TaskRow], dict[str, LiveRow], set[str]],
) -> None:
    """A merge that base holds, with a file that says todo, was taken back: the task is open again. A merge that
    base doesn't hold yet (it was not fetched) counts.
    """
    rows, tips, seen = repository
    board = fold(rows, tips, seen)
    parents = {row.parent for row in rows}
    for row in rows:
        entry, live = board.entries[row.id], tips.get(row.id)
        merged = live is not None and live.status == "merged" and live.merge is not None
        waits = merged and live is not None and live.merge not in seen
        if row.id not in parents:
            assert (entry.state == "done") == (row.status == "done" or (row.status == "todo" and waits))
        if merged and not waits and row.status == "todo" and row.id not in parents:
            assert entry.state in ("ready", "waiting")
        if entry.claimable:
            assert row.status == "todo"
            assert entry.state in ("ready", "failed", "changes_requested", "stale")
