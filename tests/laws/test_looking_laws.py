"""What is told of the board agrees with the board, and what is told of changes agrees with what changed."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitbaton.domain.attention import COLUMNS, find_column, list_wants, measure_queue
from gitbaton.domain.board import LiveRow, TaskRow, fold_board
from gitbaton.domain.comparing import FieldChange, compare_values
from gitbaton.domain.conditions import find_decisive, list_conditions
from gitbaton.domain.cursor import digest_tips, find_position, make_cursor, parse_cursor, render_cursor
from gitbaton.domain.gates import Gates
from gitbaton.domain.queue import claimable_in_order
from strategies import boards, nested_documents

pytestmark = pytest.mark.promise("look.agrees")

#: A busy machine is no fault of a strategy.
SLOW = [HealthCheck.too_slow]
GATES = Gates(approval=("critical",), breakdown=("complex",))

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Board


def judge_all(board: Board) -> dict[str, list[str]]:
    """What stands in the way of each task, by name, after checking that the board says the same."""
    free = {entry.row.id for entry in claimable_in_order(board)}
    obstacles = {}
    for task, entry in board.entries.items():
        conditions = list_conditions(board, entry, now=100.0, plans={"merged"}, gates=GATES)
        own = [c for c in conditions if c.name != "paths"]
        assert all(c.met for c in own) == entry.claimable, (entry, conditions)
        assert all(c.met for c in conditions) == (task in free)
        decisive = find_decisive(entry, conditions)
        assert (decisive is None) == (task in free)
        assert decisive is None or (not decisive.met and decisive.words)
        obstacles[task] = [c.name for c in conditions if not c.met]
    return obstacles


@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=SLOW)
@given(boards())
def test_the_conditions_of_a_task_say_what_the_board_says(board: Board) -> None:
    judge_all(board)


@pytest.mark.parametrize(
    ("name", "file", "state"),
    [
        (None, {}, None),
        (None, {"plan": "merged", "paths": ("docs",)}, {"status": "failed", "retry_at": 50.0}),
        ("status", {"status": "draft"}, None),
        ("status", {"status": "done"}, None),
        ("status", {"status": "cancelled"}, None),
        ("hold", {"hold": "later"}, None),
        ("hold", {}, {"status": "changes_requested", "hold": "later"}),
        *((("claim", {}, {"status": s})) for s in ("in_progress", "in_review", "needs_input", "stopped", "closed", "taken_over")),
        ("dependencies", {"depends_on": ("b",)}, None),
        ("dependencies", {"depends_on": ("gone",)}, None),
        ("parts", {"id": "whole"}, None),
        ("plan", {"plan": "unmerged"}, None),
        ("base", {"local": "unmerged"}, None),
        ("approval", {"complexity": "critical"}, None),
        ("approval", {"complexity": "critical", "approval": "outdated"}, {"status": "changes_requested"}),
        (None, {"complexity": "critical", "approval": "given"}, None),
        ("breakdown", {"complexity": "complex"}, None),
        ("parts", {"id": "whole", "complexity": "critical"}, None),
        ("attempts", {"attempts_max": 1}, {"status": "failed", "attempt": 1}),
        ("attempts", {"attempts_max": 1}, {"status": "in_progress", "attempt": 1, "lease": 50.0}),
        ("back-off", {}, {"status": "failed", "retry_at": 150.0}),
        ("paths", {"paths": ("src/x.py",)}, None),
    ],
)  # fmt: skip
def test_one_thing_in_the_way_is_named_alone(
    name: str | None, file: dict[str, Any], state: dict[str, Any] | None
) -> None:
    task = file.get("id", "a")
    rows = [
        TaskRow(**{"id": task, "path": "tasks/a.yaml", "title": "A", **file}),
        TaskRow("b", "tasks/b.yaml", "B", paths=("src/**",), parent="whole"),
    ]
    tips = {"b": LiveRow("b", "in_progress", "oid")} | ({task: LiveRow(task, oid="oid", **state)} if state else {})  # fmt: skip
    board = fold_board(rows, (), tips, now=100.0, attempts_max=3, plans=["merged"], gates=GATES)
    assert judge_all(board)[task] == ([name] if name else [])


@settings(max_examples=80, derandomize=True, suppress_health_check=SLOW)
@given(boards())
def test_every_task_has_one_column_and_whoever_could_start_it_sees_it_there(board: Board) -> None:
    columns = {task: find_column(board, entry) for task, entry in board.entries.items()}
    assert set(columns.values()) <= set(COLUMNS)
    for task, entry in board.entries.items():
        assert (columns[task] == "running") == (entry.running or entry.state == "taken_over")
        assert (columns[task] == "ready") <= entry.claimable
    wanted = [want.entry.row.id for want in list_wants(board)]
    assert len(set(wanted)) == len(wanted)
    assert not {w for w in wanted if board.entries[w].claimable}, "what an agent may take wants nobody"
    queue = measure_queue(board)
    assert queue.waiting == sum(e.state == "waiting" for e in board.entries.values())
    for before, after in zip(queue.chain, queue.chain[1:], strict=False):
        assert before in board.entries[after].blocked_by


def compose(first: list[FieldChange], second: list[FieldChange]) -> dict[str, tuple[Any, Any]]:
    """(before, after) by field of two steps made one, without what is again as it was."""
    found = {change.field: (change.before, change.after) for change in first}
    for change in second:
        found[change.field] = (found.get(change.field, (change.before,))[0], change.after)
    return {field: pair for field, pair in found.items() if _text(pair[0]) != _text(pair[1])}


def _text(value: object) -> str:
    """As JSON has it: 1 is not true, and a field that says nothing is as good as none."""
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if item is not None}
    return json.dumps(value, sort_keys=True)


@settings(max_examples=120, derandomize=True, suppress_health_check=SLOW)
@given(nested_documents, nested_documents, nested_documents)
def test_changes_that_follow_each_other_add_up(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    before = copy.deepcopy((one, two))
    changes = compare_values(one, two)
    assert (one, two) == before, "looking changes nothing"
    assert compare_values(one, one) == []
    whole = {c.field: (c.before, c.after) for c in compare_values(one, three)}
    assert compose(changes, compare_values(two, three)) == whole
    assert all(word.strip() for change in changes for word in change.words)


@st.composite
def stories(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[tuple[str, int]]:
    """Events of a few tasks in the order in which they arrived: the task, and the time that its writer's clock said."""
    clock, story = 10_000, []
    for task in draw(st.lists(st.sampled_from("abcde"), max_size=30)):
        clock += draw(st.sampled_from([0, 0, 1, 60, 1000]))
        story.append((task, clock - draw(st.sampled_from([0, 0, 0, 1, 100]))))
    return story


@settings(max_examples=120, derandomize=True, suppress_health_check=SLOW)
@given(stories(), st.data())
def test_a_cursor_finds_its_place_again_whatever_came_since(story: list[tuple[str, int]], data: Any) -> None:
    """As long as clocks differ by less than the time in which tips are named."""
    place = data.draw(st.integers(0, len(story)))
    chains: dict[str, list[tuple[str, float | None]]] = {}
    for number, (task, at) in enumerate(story[:place]):
        chains.setdefault(task, []).insert(0, (f"{number:040x}"[::-1], at))
    known = {task: chain[0][0] for task, chain in chains.items()}
    cursor = parse_cursor(render_cursor(make_cursor("ab" * 20, {chain[0][0]: chain[0][1] for chain in chains.values()})))  # fmt: skip
    for number, (task, at) in enumerate(story[place:], place):
        chains.setdefault(task, []).insert(0, (f"{number:040x}"[::-1], at))
    found = {}
    for task, chain in chains.items():
        where = find_position(cursor, chain)
        if where is not None:
            found[task] = chain[where][0]
    assert found == known
    assert digest_tips(found.values()) == cursor.digest
