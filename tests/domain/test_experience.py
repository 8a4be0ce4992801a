"""What is read out of the past, and which open work can be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.board import LiveRow, TaskRow, fold_board
from gitbaton.domain.bottlenecks import CheckRun, find_slow_roles, judge_checks
from gitbaton.domain.estimate import parse_estimate
from gitbaton.domain.experience import Basis, Experience, Step, Try, Wait, list_waits, measure_lanes
from gitbaton.domain.forecast import find_meetings, forecast
from gitbaton.domain.outlook import count_below, look_ahead
from gitbaton.domain.scope import globs_overlap
from gitbaton.domain.stats import AttemptRow, fold_stats
from gitbaton.domain.story import OpenTask

HOUR = 3600.0


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2 days", 16), ("1.5 hours", 1.5), ("1,5h", 1.5), ("90m", 1.5), ("1d 4h", 12), ("1h30m", 1.5), ("2-3 days", 20), ("2 to 4 hours", 3),
        ("half a day", 4), ("an hour", 1), ("about two hours of work", 2), ("~1 week", 40), ("1 day, 2 hours", 10), ("2 Hours.", 2),
        ("5", None), ("M", None), ("3 points", None), ("", None), (None, None), ("0h", None), ("soon", None), ("2h or so", None),
        ("999999 weeks", None), ("2 days if all goes well", None),
    ],
)  # fmt: skip
def test_an_estimate_is_a_time_or_nothing(text: str | None, hours: float | None) -> None:
    assert parse_estimate(text) == (None if hours is None else hours * HOUR)


def row(
    task: str, start: float, end: float | None, outcome: str | None = "succeeded", **more: str
) -> AttemptRow:
    return AttemptRow(task, 1, task, "claude", start, end, outcome, **more)  # type: ignore[arg-type] # texts of fields


def test_waits_lie_between_events() -> None:
    told = [
        ("claimed", 0), ("published", 10), ("review_opened", 11), ("held", 12), ("changes_requested", 30), ("hold_released", 40),
        ("claimed", 50), ("failed", 60), ("claimed", 65), ("failed", 70), ("retried", 100), ("claimed", 101), ("asked", 110),
        ("reminded", 120), ("answered", 150), ("claimed", 151), ("published", 160), ("closed", 170), ("retried", 180), ("claimed", 181),
        ("stopped", 190), ("checkpointed", 191), ("retried", 200), ("claimed", 201), ("published", 210), ("taken_over", 220), ("merged", 230),
    ]  # fmt: skip
    waits = list_waits(Step(event, float(at)) for event, at in told)
    assert [(w.kind, w.seconds, w.then) for w in waits] == [
        ("review", 20, "changes_requested"), ("hold", 28, "hold_released"), ("pause", 5, "claimed"), ("decision", 30, "retried"),
        ("answer", 40, "answered"), ("review", 10, "closed"), ("decision", 10, "retried"), ("decision", 10, "retried"),
    ]  # fmt: skip


def test_lanes_are_counted_while_somebody_works() -> None:
    assert measure_lanes([]) is None
    assert measure_lanes([row("a", 0, 0), row("b", 5, None, None)]) is None
    assert measure_lanes([row("a", 0, 10), row("b", 1000, 1010)]) == 1
    assert measure_lanes([row("a", 0, 10), row("b", 0, 10), row("c", 0, 10), row("d", 500, 503)]) == 3
    assert measure_lanes([row("a", 0, 10), row("b", 0, 10, kind="person")]) == 1


def test_own_kind_first_then_all_then_the_estimate() -> None:
    rows = [row(f"t{n}", 0, 10, role="tester", complexity="simple") for n in range(5)]
    rows += [row(f"d{n}", 0, 90, "checks_failed", role="devops") for n in range(5)]
    rows += [row("x", 0, 5, "stopped"), row("y", 0, 5, "needs_input"), row("z", 0, None, None)]
    lived = Experience(rows, [])
    assert len(lived.tries) == 11, "what a person stopped, and what runs, says nothing"
    tester, devops, nobody = (lived.find_basis(role, None, 7.0) for role in ("tester", "devops", None))
    assert tester
    assert devops
    assert nobody
    assert (tester.words, len(tester.tries), tester.narrow) == ("role tester", 5, True)
    assert (devops.words, len(devops.tries)) == ("all attempts", 11), (
        "a pool in which nothing succeeds has no end"
    )
    assert nobody.tries is devops.tries
    assert (both := lived.find_basis("tester", "simple", None)) is not None
    assert both.words == "simple work of role tester"
    few = Experience(rows[:2], [])
    assert few.find_basis("tester", None, 7.0) == Basis((Try(7.0, "good"),), "its estimate", estimated=True)
    assert few.find_basis("tester", None, None) is None
    assert (few.is_thin, lived.is_thin) == (True, False)


def test_repeated_attempts_come_before_new_ones() -> None:
    """On one lane: when the second task is done, the first, which failed, is tried again, though the third is before
    it in the queue of those that are new.
    """
    lived = Experience([], [Wait("pause", 5.0, "claimed", 0.0)])
    tasks = [
        OpenTask("first", (), (1,), (Try(10.0, "failed"), Try(10.0, "good"))),
        OpenTask("second", (), (2,), (Try(20.0, "good"),)),
        OpenTask("third", ("second",), (0,), (Try(100.0, "good"),)),
    ]
    lots = {"first": iter([0.0, 0.0, 0.9] * 3), "second": iter([0.0] * 3), "third": iter([0.0] * 3)}
    found = forecast(tasks, ["first"], lived, lanes=1, runs=3, source=lambda name: lambda: next(lots[name]))
    assert found.ends_s == (40.0, 40.0, 40.0)


def test_what_can_be_told_and_what_waits_for_ever() -> None:
    rows = [
        TaskRow(task, f"tasks/{task}.yaml", task, status=status, depends_on=tuple(needs), parent=parent, hold=hold)
        for task, status, needs, parent, hold in (
            ("done", "done", "", None, None), ("a", "todo", ["done"], None, None), ("b", "todo", "a", None, None),
            ("c", "todo", "b", "whole", None), ("d", "todo", "a", "whole", None), ("whole", "todo", "", None, None), ("after", "todo", ["whole"], None, None),
            ("held", "todo", "", None, "why"), ("behind", "todo", ["held"], None, None), ("off", "cancelled", "", None, None),
            ("dead", "todo", ["off"], None, None), ("gone", "todo", ["nowhere"], None, None), ("x", "todo", "y", None, None), ("y", "todo", "x", None, None),
            ("far", "todo", "y", None, None), ("begun", "todo", ["held"], None, None),
        )
    ]  # fmt: skip
    tips = {"begun": LiveRow("begun", "in_progress", "oid", holder="claude")}
    board = fold_board(rows, [], tips, now=0.0, attempts_max=3)
    ahead = look_ahead(board, lambda _: True)
    assert [e.row.id for e in ahead.entries] == ["a", "begun", "b", "d", "c", "whole", "after"]
    assert ahead.goal == tuple(e.row.id for e in ahead.entries)
    assert {left.task: left.why for left in ahead.left_out} == {
        "held": "on hold: why", "behind": "it waits for held", "dead": "it waits for off, which was cancelled",
        "gone": "it waits for nowhere, which is not there",
        **dict.fromkeys(("x", "y", "far"), "it waits for itself, around a circle, or for tasks that do"),
    }  # fmt: skip
    below = count_below(board)
    assert {t: n for t, n in below.items() if n} == {"a": 5, "b": 3, "c": 2, "d": 2, "whole": 1, "held": 1}
    only = look_ahead(board, lambda entry: entry.row.id in ("b", "behind"))
    assert (only.goal, [left.task for left in only.left_out]) == (("b",), ["behind"])


def test_a_check_changes_its_mind_only_on_the_same_files() -> None:
    runs = [
        CheckRun("a", 1, "tests", False, "w1"), CheckRun("a", 2, "tests", True, "w1"), CheckRun("a", 3, "tests", False, "w1"),
        CheckRun("b", 1, "tests", False, "w2"), CheckRun("b", 2, "tests", True, "w3"),
        CheckRun("c", 1, "tests", False, None), CheckRun("c", 2, "tests", True, None),
        CheckRun("d", 1, "tests", False, "w4"), CheckRun("d", 3, "tests", True, "w4"),
        *(CheckRun(f"t{n}", 1, "lint", n > 1) for n in range(5)),
    ]  # fmt: skip
    tests, lint = judge_checks(reversed(runs))
    assert (tests.name, tests.runs, tests.failed, tests.flips, tests.tasks) == ("tests", 9, 5, 2, ("a",))
    assert tests.is_flaky
    assert (lint.is_flaky, lint.fails_often, lint.failed) == (False, True, 2)


def test_a_role_is_slow_beside_the_others() -> None:
    rows = [row(f"a{n}", 0, 10.0 + n, role="quick") for n in range(5)]
    rows += [row(f"b{n}", 0, 30.0 + n, role="slow") for n in range(5)]
    rows += [row(f"c{n}", 0, 900.0, role="rare") for n in range(4)]
    (slow,) = find_slow_roles(rows)
    assert (slow.role, slow.attempts, slow.median_s, slow.others_s) == ("slow", 5, 32.0, 14.0)
    assert find_slow_roles(rows[:9]) == []


def test_a_lost_machine_has_no_duration_and_a_question_is_no_failure() -> None:
    rows = [
        row("a", 0, 10),
        row("b", 0, 1e6, "machine_lost"),
        row("c", 0, 30, "needs_input"),
        row("d", 0, 50, "stopped"),
    ]
    total = fold_stats(rows).total
    assert (total.good, total.failed, total.asked, total.set_aside) == (1, 1, 1, 1)
    assert total.success_rate == 0.5
    assert total.durations == (10.0, 30.0, 50.0)
    assert (total.duration_s.median, total.duration_s.p90, total.duration_s.total) == (30.0, 50.0, 90.0)


_globs = st.lists(st.sampled_from(["src", "s*", "a", "**", "*.py", "sr?", "[ab]", ".", "", "./src"]), min_size=1, max_size=3).map("/".join)  # fmt: skip


@given(st.lists(_globs, min_size=1, max_size=6, unique=True))
def test_globs_meet_as_if_each_were_compared_with_each(globs: list[str]) -> None:
    found = find_meetings(globs)
    assert {g: sorted(others) for g, others in found.items()} == {
        g: sorted(o for o in globs if o == g or globs_overlap(g, o)) for g in globs
    }  # fmt: skip
