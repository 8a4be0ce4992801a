"""When a pool starts the next attempt, and when it is over; without any process."""

from __future__ import annotations

import pytest

from gitbaton.errors import Refusal, TryAgain
from gitbaton.usecases.choosing import Filters
from gitbaton.usecases.pool import End, Idle, Pool, Wishes

EMPTY = Idle("no task is ready: 3 waiting")


def start(pool: Pool, *tasks: str) -> None:
    for task in tasks:
        assert pool.wants_look(0.0), task
        pool.began_look()
        assert not pool.wants_look(0.0), "one looks at a time"
        pool.claimed(task)


def look(pool: Pool, found: Idle, now: float) -> str | None:
    assert pool.wants_look(now)
    pool.began_look()
    return pool.found_nothing(found, now)


@pytest.mark.parametrize(
    ("wishes", "bound"),
    [
        (Wishes(parallel=3), 3),
        (Wishes(parallel=3, attempts_max=7), 7),
        (Wishes(Filters(ids=("a", "b")), parallel=4), 2),
        (Wishes(Filters(ids=("a", "b")), parallel=4, until_empty=True), None),
        (Wishes(watch=True), None),
        (Wishes(watch=True, attempts_max=2), 2),
    ],
)
def test_as_many_as_were_asked_for(wishes: Wishes, bound: int | None) -> None:
    assert wishes.bound == bound
    pool = Pool(wishes)
    now = 0.0
    for n in range(20):
        if not pool.wants_look(now):
            break
        pool.began_look()
        pool.claimed(f"t{n}")
        pool.ended(End.GOOD, now)
    assert pool.started == (20 if bound is None else bound)
    assert pool.is_over is (bound is not None)


def test_a_free_place_is_filled() -> None:
    pool = Pool(Wishes(parallel=2, until_empty=True))
    start(pool, "a", "b")
    assert not pool.wants_look(9.0)
    pool.ended(End.GOOD, 10.0)
    assert pool.wants_look(10.0)


def test_named_tasks_are_run_once_each_and_again_only_until_empty() -> None:
    once, often = Wishes(Filters(ids=("a", "b"))), Wishes(Filters(ids=("a", "b")), until_empty=True)
    for wishes, left_out in ((once, ("a",)), (often, ())):
        pool = Pool(wishes)
        start(pool, "a")
        assert pool.filters.without == left_out


@pytest.mark.parametrize("keep_going", [False, True])
def test_after_a_failure_others_start_only_if_that_was_asked_for(keep_going: bool) -> None:
    pool = Pool(Wishes(parallel=2, until_empty=True, keep_going=keep_going))
    start(pool, "a", "b")
    pool.ended(End.FAILED, 1.0)
    assert pool.wants_look(1.0) is keep_going
    assert not pool.is_over, "the other one runs"
    pool.ended(End.GOOD, 2.0)
    assert pool.is_over is not keep_going


def test_a_question_is_no_failure() -> None:
    pool = Pool(Wishes(until_empty=True))
    start(pool, "a")
    pool.ended(End.PERSON, 1.0)
    assert pool.wants_look(1.0)


def test_it_looks_less_and_less_often_until_something_happens() -> None:
    pool = Pool(Wishes(parallel=2, until_empty=True))
    start(pool, "a")
    now, waits = 0.0, []
    for _ in range(6):
        look(pool, EMPTY, now)
        at = pool.next_look()
        assert at is not None
        waits.append(at - now)
        now = at
    assert waits == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    look(pool, EMPTY, now)
    pool.hurry(now + 1)
    assert pool.wants_look(now + 1)
    look(pool, EMPTY, now + 1)
    assert pool.next_look() == now + 3


def test_a_back_off_is_waited_for_to_the_point() -> None:
    pool = Pool(Wishes(watch=True))
    look(pool, Idle("a retry is due later", 0.5), 10.0)
    assert pool.next_look() == 10.5


@pytest.mark.parametrize(
    ("watch", "until_empty", "wait_s", "goes_on"),
    [
        (False, False, None, False),
        (False, True, None, False),
        (False, True, 5.0, False),  # back-offs are waited for only with --watch
        (True, True, None, False),
        (True, True, 5.0, True),
        (True, False, None, True),
    ],
)
def test_when_there_is_nothing(watch: bool, until_empty: bool, wait_s: float | None, goes_on: bool) -> None:
    pool = Pool(Wishes(watch=watch, until_empty=until_empty))
    look(pool, Idle("nothing", wait_s), 0.0)
    assert pool.is_over is not goes_on
    assert pool.halt == ("" if goes_on else "nothing")


def test_what_keeps_it_waiting_is_said_once() -> None:
    pool = Pool(Wishes(watch=True))
    assert look(pool, Idle("the next try is in 20 s", 20.0), 0.0)
    assert look(pool, Idle("the next try is in 18 s", 18.0), 2.0) is None
    assert look(pool, EMPTY, 6.0) == EMPTY.reason
    assert look(pool, EMPTY, 14.0) is None
    pool.began_look()
    pool.claimed("a")
    pool.ended(End.GOOD, 20.0)
    assert look(pool, EMPTY, 20.0) is None
    assert look(pool, Idle("the next try is in 9 s", 9.0), 25.0), "that had passed, and is back"
    busy = Pool(Wishes(parallel=2, until_empty=True))
    start(busy, "a")
    assert look(busy, EMPTY, 0.0) is None, "that others run is no news"
    assert look(busy, Idle("as many run as may", is_blocked=True), 2.0) == "as many run as may"


def test_a_look_that_is_older_than_an_end_decides_nothing() -> None:
    pool = Pool(Wishes(parallel=2, until_empty=True))
    start(pool, "a")
    pool.began_look()
    pool.ended(End.GOOD, 1.0)  # its paths are free now, which that look may not have seen
    assert pool.found_nothing(EMPTY, 1.5) is None
    assert pool.wants_look(1.5)
    look(pool, EMPTY, 1.5)
    assert pool.is_over


def test_a_task_that_cannot_be_run_is_left_alone() -> None:
    pool = Pool(Wishes(until_empty=True))
    pool.began_look()
    assert pool.look_failed(Refusal("its role is broken", code="x"), 0.0, "a") == "its role is broken"
    assert pool.filters.without == ("a",)
    assert pool.wants_look(0.0)


def test_what_no_task_gets_past_ends_it() -> None:
    pool = Pool(Wishes(until_empty=True))
    for n in range(3):
        pool.began_look()
        pool.look_failed(Refusal("the program claude was not found", code="program-missing"), 0.0, f"t{n}")
    assert pool.is_over
    assert pool.error is not None


def test_a_remote_that_cannot_be_reached_is_tried_again_for_a_while() -> None:
    pool, now, said = Pool(Wishes(until_empty=True)), 0.0, []
    while pool.wants_look(now):
        pool.began_look()
        said.append(pool.look_failed(TryAgain("the remote did not answer", code="x"), now))
        now = pool.next_look() or now
    assert (len(said), said[1], now) == (3, None, 6.0)
    assert pool.error is not None
    assert pool.error.exit_code == 75
    watching = Pool(Wishes(watch=True))
    for _ in range(9):
        watching.began_look()
        watching.look_failed(TryAgain("the remote did not answer", code="x"), 0.0)
    assert not watching.is_over


def test_a_person_who_says_stop_ends_it_when_nothing_runs() -> None:
    pool = Pool(Wishes(watch=True))
    start(pool, "a")
    pool.stop()
    assert not pool.wants_look(99.0)
    assert not pool.is_over
    pool.ended(End.PERSON, 1.0)
    assert pool.is_over
