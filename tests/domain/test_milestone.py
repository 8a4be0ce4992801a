"""Milestones: whose tasks they are, how far, and what they wait for."""

from __future__ import annotations

from datetime import date
from typing import Any

from gitbaton.domain.board import LiveRow, TaskRow, fold_board
from gitbaton.domain.config import Config
from gitbaton.domain.milestone import Progress, fold_milestones, list_bad_dates, parse_date

TODAY = date(2026, 3, 1)
LISTED = Config.model_validate(
    {
        "milestones": {
            "later": {"goal": "Everything."},
            "beta": {"due": "2026-02-27", "goal": "People try it."},
            "ga": {"due": "2026-03-31"},
            "past": {"due": "2026-01-01T12:00:00Z"},
        }
    }
)


def fold(*rows: dict[str, Any], plans: dict[str, str] | None = None) -> dict[str, Progress]:
    tasks = [TaskRow(**{"path": f"tasks/{row['id']}.yaml", "title": row["id"], **row}) for row in rows]
    tips = {"running": LiveRow("running", "in_progress", oid="x", holder="claude", lease=1e12)}
    board = fold_board(tasks, [], tips, now=0.0, attempts_max=3)
    found = fold_milestones(board, LISTED.milestones, plans or {}, TODAY)
    return {one.name: one for one in found}


def ids(entries: Any) -> list[str]:
    return [entry.row.id for entry in entries]


def test_a_task_belongs_to_its_own_its_parent_s_or_its_plan_s_milestone() -> None:
    found = fold(
        {"id": "own", "milestone": "beta", "plan": "p"},
        {"id": "story", "milestone": "beta"},
        {"id": "part", "parent": "story", "plan": "p"},
        {"id": "planned", "plan": "p"},
        {"id": "part-of-planned", "parent": "planned", "milestone": "v9"},
        {"id": "free"},
        plans={"p": "ga"},
    )
    assert {name: ids(one.tasks) for name, one in found.items()} == {
        "past": [], "beta": ["own"], "ga": ["part"], "later": [], "v9": ["part-of-planned"],
    }, "the work of a parent is in its parts; a plan is nearer than a parent"  # fmt: skip


def test_how_far_it_is() -> None:
    found = fold(
        {"id": "a", "milestone": "beta", "status": "done"},
        {"id": "b", "milestone": "beta", "status": "cancelled"},
        {"id": "c", "milestone": "beta", "depends_on": ("a", "x")},
        {"id": "x", "depends_on": ("running", "story")},
        {"id": "running"},
        {"id": "story"},
        {"id": "part", "parent": "story"},
        {"id": "d", "milestone": "past", "status": "done"},
        {"id": "e", "milestone": "ga"},
    )
    beta = found["beta"]
    assert (beta.done, beta.total, beta.finished, beta.days, beta.overdue) == (1, 2, False, -2, True)
    assert (ids(beta.left), ids(beta.blockers)) == (["c"], ["x", "running", "part"])
    past = found["past"]
    assert (past.finished, past.overdue, past.days) == (True, False, -59), "what is finished is not late"
    assert (found["ga"].days, found["ga"].overdue) == (30, False)
    later = found["later"]
    assert (later.total, later.finished, later.overdue, later.days) == (0, False, False, None)


def test_dates_come_first_then_the_order_of_the_config() -> None:
    assert list(fold({"id": "a", "milestone": "unlisted"})) == ["past", "beta", "ga", "later", "unlisted"]


def test_dates_as_people_write_them() -> None:
    assert parse_date(" 2026-03-31 (a Tuesday)") == date(2026, 3, 31)
    assert parse_date("end of March") is None
    odd = Config.model_validate({"milestones": {"a": {"due": "soon"}, "b": {"due": "2026-02-30"}, "c": {}}})
    assert [f.field for f in list_bad_dates("c", odd)] == [
        ("milestones", "a", "due"),
        ("milestones", "b", "due"),
    ]
