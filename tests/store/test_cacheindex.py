"""The index of the board: moved step by step it says what folding everything says."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from domain.strategies import IDS, NOW, ROWS, TIPS
from gitbaton.domain.board import Board, BrokenRow, LiveRow, TaskRow, find_turn, fold_board
from gitbaton.domain.gates import Gates
from gitbaton.domain.queue import claimable_in_order
from gitbaton.store.cacheindex import BoardIndex, Change, Stand, Unusual
from gitbaton.store.cachetable import SCHEMA

PLANS = ("plan",)
MERGES = st.sets(st.sampled_from(["m1", "m2"]))
World = tuple[dict[str, TaskRow | BrokenRow], dict[str, LiveRow], set[str]]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """All that a board is folded from."""
    rows: dict[str, TaskRow | BrokenRow] = {r.id: r._replace(local=None) for r in draw(ROWS)}
    for task in draw(st.lists(IDS, max_size=1)):
        rows[task] = BrokenRow(task, f"tasks/{task}.yaml", ())
    return rows, draw(TIPS), draw(MERGES)


@st.composite
def histories(draw: st.DrawFn) -> list[World]:
    """Worlds of which each keeps most of the one before."""
    found = [draw(worlds())]
    for _ in range(draw(st.integers(1, 5))):
        rows, tips, seen = (dict(found[-1][0]), dict(found[-1][1]), found[-1][2])
        other_rows, other_tips, other_seen = draw(worlds())
        for task in draw(st.sets(IDS, max_size=2)):
            for mine, other in ((rows, other_rows), (tips, other_tips)):
                if draw(st.booleans()):
                    mine.pop(task, None)
                    if task in other:
                        mine[task] = other[task]  # type: ignore[assignment] # of the same kind
        found.append((rows, tips, draw(st.sampled_from([seen, other_seen]))))
    return found


def fold(world: World, now: float) -> Board:
    rows, tips, seen = world
    whole = [r for r in rows.values() if isinstance(r, TaskRow)]
    broken = [r for r in rows.values() if isinstance(r, BrokenRow)]
    return fold_board(whole, broken, tips, now=now, attempts_max=3, merges_seen=seen, plans=PLANS)


def differences(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {task: new.get(task) for task in {**old, **new} if old.get(task) != new.get(task)}


def new_index() -> tuple[sqlite3.Connection, BoardIndex]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.executescript(SCHEMA)
    return db, BoardIndex(db)


def stand(n: int) -> Stand:
    return Stand(f"commit-{n}", 3, 0.0, "refs/baton/tasks/", tuple(Gates()), PLANS)


def oids(world: World) -> dict[str, str]:
    return {task: str(hash(tip)) for task, tip in world[1].items()}


def check(db: sqlite3.Connection, world: World, where: Stand) -> None:
    """The index, read by a process that knows nothing yet, says at each moment what folding says."""
    turns = [turn for tip in world[1].values() if (turn := find_turn(tip)) is not None]
    moments = {NOW, *(t - 0.5 for t in turns), *turns}
    assert BoardIndex(db).read_stand() == where
    assert BoardIndex(db).read_tips() == oids(world)
    for now in moments:
        board = fold(world, now)
        index = BoardIndex(db)
        for task, entry in board.entries.items():
            assert index.look(task, where, now) == entry
        order = claimable_in_order(board)
        best, until = index.choose(where, now)
        assert best == (order[0] if order else None)
        assert until is None or until > now
        second = index.choose(where, now, lambda e, first=best: e != first)[0]  # type: ignore[misc] # first is this one
        assert second == (order[1] if len(order) > 1 else None)
        if until is not None:  # nothing turns before
            assert [e.row.id for e in claimable_in_order(fold(world, (now + until) / 2))] == [
                e.row.id for e in order
            ]


@settings(max_examples=50, deadline=None)
@given(histories())
def test_step_by_step_is_as_all_at_once(history: list[World]) -> None:
    db, index = new_index()
    index.build(stand(0), fold(history[0], NOW), oids(history[0]))
    check(db, history[0], stand(0))
    for n, (old, new) in enumerate(pairwise(history), 1):
        db.execute("BEGIN")
        try:
            rows = differences(old[0], new[0])
            lives = {**differences(old[1], new[1]), **{task: new[1].get(task) for task in rows}}
            change = Change(rows, lives, new[2])
            BoardIndex(db).move(stand(n), change, oids(new))
            db.execute("COMMIT")
            event("moved")
        except Unusual:
            db.execute("ROLLBACK")
            BoardIndex(db).build(stand(n), fold(new, NOW), oids(new))
            event("built anew")
        check(db, new, stand(n))


def task(name: str, **fields: Any) -> TaskRow:
    return TaskRow(id=name, path=f"tasks/{name}.yaml", title=name, **fields)


def test_two_files_of_one_id_are_not_indexed() -> None:
    db, index = new_index()
    twice = fold_board([task("a")], [BrokenRow("b", "tasks/b.yaml", ()), BrokenRow("B", "tasks/x/B.yaml", ())], {}, now=0, attempts_max=3)  # fmt: skip
    index.build(stand(0), twice, {})
    assert BoardIndex(db).read_stand() is None


@pytest.mark.parametrize(
    "row",
    [task("a", depends_on=("c",)), task("c", parent="a", depends_on=("b",)), task("a", depends_on=("a",))],
    ids=["dependencies", "a part that waits for its whole", "itself"],
)
def test_a_circle_is_unusual(row: TaskRow) -> None:
    db, index = new_index()
    rows = [task("a"), task("b", depends_on=("a",)), task("c", depends_on=("b",))]
    index.build(stand(0), fold_board(rows, [], {}, now=0, attempts_max=3), {})
    with pytest.raises(Unusual):
        BoardIndex(db).move(stand(1), Change({row.id: row}, {}, ()), {})


def test_a_long_chain_grows_by_one() -> None:
    db, index = new_index()
    rows = [task("t0"), *(task(f"t{n}", depends_on=(f"t{n - 1}",)) for n in range(1, 200))]
    index.build(stand(0), fold_board(rows, [], {}, now=0, attempts_max=3), {})
    last = task("t200", depends_on=("t199",))
    BoardIndex(db).move(stand(1), Change({"t200": last}, {}, ()), {})
    best, _ = BoardIndex(db).choose(stand(1), 0)
    assert best is not None
    assert (best.row.id, best.depth) == ("t0", 200)
