"""Figures don't depend on the order in which the past is told, and a forecast keeps to what is known for sure."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitbaton.domain.experience import Experience, Review, Step, Try, Wait, list_waits, measure_lanes
from gitbaton.domain.forecast import SHARES, Forecast, forecast
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.stats import BY, AttemptRow, find_quantile, fold_stats
from gitbaton.domain.story import LANE, Begin, OpenTask, iter_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RUNS = 8
#: A busy machine is no fault of a strategy.
SLOW = [HealthCheck.too_slow]

# -- the past ----------------------------------------------------------------------------------------------------

_figures = st.one_of(st.none(), st.floats(0, 1e6), st.sampled_from([0.1, 0.2, 0.3, 1e15]))
_counts = st.one_of(st.none(), st.integers(0, 10**7))


@st.composite
def attempts(draw: st.DrawFn) -> AttemptRow:
    """An attempt in any state, of few tasks, roles and models, so that groups meet."""
    started = draw(st.integers(1_700_000_000, 1_703_000_000))
    ended = draw(st.one_of(st.none(), st.integers(started - 5, started + 10**6)))
    return AttemptRow(
        draw(st.sampled_from("abc")), draw(st.integers(1, 3)), draw(st.sampled_from("xyz")), draw(st.sampled_from(["claude", "Ann"])),
        float(started), None if ended is None else float(ended), None if ended is None else draw(st.sampled_from([None, *Outcome])),
        draw(st.sampled_from(["agent", "agent", "person", "session"])), draw(st.sampled_from([None, "opus", "haiku"])),
        draw(st.sampled_from([None, "tester", "implementer"])), draw(st.sampled_from([None, "simple", "critical"])),
        draw(st.sampled_from([None, "p"])), running=ended is None and draw(st.booleans()), agent_s=draw(_figures), turns=draw(_counts),
        input_tokens=draw(_counts), output_tokens=draw(_counts), cost_usd=draw(_figures), tool_calls=draw(_counts),
    )  # fmt: skip


pasts = st.lists(attempts(), max_size=12)


@pytest.mark.promise("figures.order")
@settings(max_examples=60, suppress_health_check=SLOW)
@given(pasts, st.randoms(use_true_random=False), st.sampled_from([None, *BY]))
def test_figures_are_the_same_in_any_order(
    rows: list[AttemptRow], chance: random.Random, by: str | None
) -> None:
    """To the last digit, sums of floats included; and what is drawn from is the same, too."""
    other = list(rows)
    chance.shuffle(other)
    told = fold_stats(rows, by)  # type: ignore[arg-type] # one of BY
    assert fold_stats(other, by) == told  # type: ignore[arg-type] # as above
    waits = [Wait("review", row.started, "merged", 0.0) for row in rows]
    here, there = Experience(rows, waits), Experience(other, waits[::-1])
    assert (here.tries, here.reviews, here.find_basis("tester", "simple", 5.0)) == (
        there.tries, there.reviews, there.find_basis("tester", "simple", 5.0),
    )  # fmt: skip
    assert measure_lanes(rows) == measure_lanes(other)


@pytest.mark.promise("figures.order")
@settings(max_examples=60, suppress_health_check=SLOW)
@given(pasts, st.sampled_from(BY))
def test_groups_share_out_what_there_is(rows: list[AttemptRow], by: str) -> None:
    told = fold_stats(rows, by)  # type: ignore[arg-type] # one of BY
    total = told.total
    for count in ("attempts", "good", "failed", "asked", "set_aside", "running"):
        assert sum(getattr(g, count) for g in told.groups) == getattr(total, count)
    assert sum(g.turns.total for g in told.groups) == total.turns.total
    assert sorted(d for g in told.groups for d in g.durations) == list(total.durations)
    assert len({g.name for g in told.groups}) == len(told.groups)
    for group in (total, *told.groups):
        assert group.success_rate is None or 0 <= group.success_rate <= 1
        if group.duration_s.median is not None and group.duration_s.p90 is not None:
            assert group.durations[0] <= group.duration_s.median <= group.durations[-1]
            assert (
                sum(d <= group.duration_s.p90 for d in group.durations) >= 0.9 * len(group.durations) - 1e-6
            )


_EVENTS = (
    "claimed", "published", "failed", "asked", "answered", "stopped", "changes_requested", "retried", "merged", "closed", "held",
    "hold_released", "taken_over", "checkpointed", "released",
)  # fmt: skip


@pytest.mark.promise("figures.order")
@settings(max_examples=60, suppress_health_check=SLOW)
@given(st.lists(st.tuples(st.sampled_from(_EVENTS), st.integers(-3, 100)), max_size=20))
def test_waits_of_any_history_are_within_it(told: list[tuple[str, int]]) -> None:
    """Clocks may go back; no wait is shorter than nothing, or longer than the whole."""
    at = 0.0
    steps = []
    for event, seconds in told:
        at += seconds
        steps.append(Step(event, at))
    moments = [step.at for step in steps] or [0.0]
    for wait in list_waits(steps):
        assert 0 <= wait.seconds <= max(moments) - min(moments)


# -- the time to come --------------------------------------------------------------------------------------------

lots = st.lists(
    st.builds(Try, st.integers(1, 50).map(float), st.sampled_from(["good", "good", "failed", "asked"])), max_size=6
).map(lambda tries: (*tries, Try(7.0, "good")))  # fmt: skip
reviews = st.lists(
    st.builds(Review, st.integers(0, 90).map(float), st.sampled_from(["merged", "merged", "changes_requested", "closed"])), max_size=4
).map(lambda found: (*found, Review(3.0, "merged")) if found else ())  # fmt: skip


_BEGINS: st.SearchStrategy[Begin] = st.sampled_from(
    ["ready", "ready", "ready", "ready", "running", "by_hand", "review", "answer", "decision"]
)


@st.composite
def plans(draw: st.DrawFn, *, needs: bool = True, paths: bool = True) -> list[OpenTask]:
    """Open tasks, some under way, each after some of those before it."""
    tasks: list[OpenTask] = []
    for n in range(draw(st.integers(1, 7))):
        before = [t.id for t in tasks]
        wanted = draw(st.lists(st.sampled_from(before), unique=True, max_size=3)) if before and needs else []
        begins = draw(_BEGINS)
        tries = () if wanted and draw(st.integers(0, 5)) == 0 else draw(lots)
        tasks.append(OpenTask(
            f"t{n}", tuple(wanted), (draw(st.integers(0, 3)), n), tries, begins if tries else "ready", float(draw(st.integers(0, 60))),
            0.0, draw(st.integers(1, 3)), tuple(draw(st.lists(st.sampled_from(["src/a", "src/**", "docs/*.md"]), max_size=2))) if paths else (),
        ))  # fmt: skip
    return tasks


@st.composite
def pasts_of_people(draw: st.DrawFn) -> Experience:
    """What was measured of people; attempts stand with the tasks."""
    lived = Experience([], [])
    lived.reviews = tuple(sorted(draw(reviews)))
    lived.answers = tuple(draw(st.lists(st.integers(0, 90).map(float), max_size=2)))
    lived.decisions = tuple(draw(st.lists(st.integers(0, 90).map(float), max_size=2)))
    lived.pauses = tuple(draw(st.lists(st.integers(0, 9).map(float), max_size=2)))
    return lived


def source(name: str) -> Callable[[], float]:
    return random.Random(name).random


def play(tasks: Sequence[OpenTask], lived: Experience, lanes: int, goal: Sequence[str] = ()) -> Forecast:
    return forecast(tasks, goal or [t.id for t in tasks], lived, lanes=lanes, runs=RUNS, source=source)


def play_each(tasks: Sequence[OpenTask], lived: Experience, lanes: int) -> tuple[float, ...]:
    """The end of each run: those of two forecasts can be compared one by one, because each task draws the same."""
    return play(tasks, lived, lanes).runs_s


@pytest.mark.promise("figures.forecast")
@settings(max_examples=40, suppress_health_check=SLOW)
@given(plans(), pasts_of_people(), st.integers(1, 4))
def test_quantiles_never_fall_and_every_run_ends(
    tasks: list[OpenTask], lived: Experience, lanes: int
) -> None:
    found = play(tasks, lived, lanes)
    quantiles = [found.find_quantile_s(share) for share in (0.01, *SHARES, 1.0)]
    assert quantiles == sorted(quantiles)
    assert len(found.ends_s) == RUNS
    assert found.find_share(found.ends_s[-1]) == 1
    assert found.find_share(found.find_quantile_s(0.8)) >= 0.8
    assert abs(sum(found.shares.values()) - 1) < 1e-9 or found.ends_s[-1] == 0
    assert all(share >= 0 for share in found.shares.values())
    assert sum(chance.share for chance in found.lasts) == pytest.approx(1)
    assert play(list(reversed(tasks)), lived, lanes) == found, (
        "the order in which tasks are told says nothing"
    )


@pytest.mark.promise("figures.forecast")
@settings(max_examples=40, suppress_health_check=SLOW)
@given(plans(), pasts_of_people(), st.data())
def test_with_lanes_for_all_more_work_is_never_done_earlier(
    tasks: list[OpenTask], lived: Experience, data: st.DataObject
) -> None:
    """Run by run: one more task, one more dependency, or a longer attempt never makes the end come earlier."""
    tasks = [t._replace(paths=()) for t in tasks]
    many = len(tasks) + 1
    before = play_each(tasks, lived, many)
    ids = [t.id for t in tasks]
    extra = OpenTask(
        "extra", tuple(data.draw(st.lists(st.sampled_from(ids), max_size=2))), (9,), data.draw(lots)
    )
    assert all(a <= b for a, b in zip(before, play_each([*tasks, extra], lived, many), strict=True))
    n = data.draw(st.integers(0, len(tasks) - 1))
    more = tuple(
        dict.fromkeys(
            (
                *tasks[n].needs,
                *data.draw(st.lists(st.sampled_from(ids[:n]), max_size=2) if n else st.just([])),
            )
        )
    )
    tied = [*tasks[:n], tasks[n]._replace(needs=more), *tasks[n + 1 :]]
    assert all(a <= b for a, b in zip(before, play_each(tied, lived, many), strict=True))
    slower = [
        t._replace(tries=tuple(Try(one.seconds * 2, one.end) for one in t.tries), since_s=0.0) for t in tasks
    ]
    as_fresh = [t._replace(since_s=0.0) for t in tasks]
    assert all(
        a <= b for a, b in zip(play_each(as_fresh, lived, many), play_each(slower, lived, many), strict=True)
    )


@pytest.mark.promise("figures.forecast")
@settings(max_examples=40, suppress_health_check=SLOW)
@given(plans(needs=False, paths=False), st.integers(1, 4))
def test_of_tasks_that_need_nothing_fewer_lanes_or_more_tasks_are_never_earlier(
    tasks: list[OpenTask], lanes: int
) -> None:
    """Run by run, where each is one attempt. (Where tasks need each other a scheduler may be unlucky with more lanes.)"""
    alone = [
        t._replace(tries=tuple(one for one in t.tries if one.end == "good"), begins="ready") for t in tasks
    ]
    lived = Experience([], [])
    narrow, wide = play_each(alone, lived, lanes), play_each(alone, lived, lanes + 1)
    assert all(a >= b for a, b in zip(narrow, wide, strict=True))
    if len(alone) > 1:
        assert all(a >= b for a, b in zip(narrow, play_each(alone[:-1], lived, lanes), strict=True))


@pytest.mark.promise("figures.forecast")
@settings(max_examples=40, suppress_health_check=SLOW)
@given(plans(paths=False), pasts_of_people(), st.integers(1, 4))
def test_no_run_beats_the_longest_chain_or_the_lanes(
    tasks: list[OpenTask], lived: Experience, lanes: int
) -> None:
    """Each run takes at least its longest chain and its work shared out, and at most both together: no lane stands idle while
    an attempt waits for one.
    """
    chain = play_each(tasks, lived, 10**6)
    tellers = {t.id: iter_stories(t, lived, source(t.id)) for t in tasks}
    running = sum(t.begins == "running" for t in tasks)
    for longest, end in zip(chain, play_each(tasks, lived, lanes), strict=True):
        work = sum(s for teller in tellers.values() for kind, s in next(teller) if kind == LANE) / lanes
        assert end >= longest
        assert end >= work - 1e-9 or running > lanes, "what runs already may be more than the lanes"
        assert end <= work + longest + 1e-9


# -- what can be worked out by hand ------------------------------------------------------------------------------


def fixed(number: int, seconds: float, *, chained: bool = True) -> list[OpenTask]:
    return [
        OpenTask(f"t{n:03}", (f"t{n - 1:03}",) if n and chained else (), (n,), (Try(seconds, "good"),)) for n in range(number)
    ]  # fmt: skip


@pytest.mark.promise("figures.forecast")
def test_a_chain_of_fixed_lengths_takes_their_sum() -> None:
    lived = Experience([], [])
    for lanes in (1, 5):
        assert set(play(fixed(40, 30.0), lived, lanes).ends_s) == {1200.0}
    assert set(play(fixed(40, 30.0, chained=False), lived, 4).ends_s) == {300.0}
    assert set(play(fixed(41, 30.0, chained=False), lived, 4).ends_s) == {330.0}
    lived.reviews = (Review(100.0, "merged"),)
    found = play(fixed(3, 30.0), lived, 1)
    assert set(found.ends_s) == {390.0}
    assert found.shares == pytest.approx({"work": 90 / 390, "people": 300 / 390, "pauses": 0, "lanes": 0})
    assert [(c.task, c.share) for c in found.chains] == [("t000", 1), ("t001", 1), ("t002", 1)]
    assert [(c.task, c.share) for c in found.lasts] == [("t002", 1)]
    wide = play(fixed(4, 30.0, chained=False), lived, 2)
    assert set(wide.ends_s) == {160.0}, "a review takes no lane"
    assert wide.shares["lanes"] == pytest.approx(30 / 160)


@pytest.mark.promise("figures.forecast")
def test_lots_of_two_lengths_come_out_as_the_binomial_distribution_says() -> None:
    """Each of ten tasks in a row takes 1 or 3 hours, with a chance of one half: 10 + 2·B(10, ½) hours."""
    from math import comb

    lived = Experience([], [])
    tasks = [t._replace(tries=(Try(1.0, "good"), Try(3.0, "good"))) for t in fixed(10, 1.0)]
    found = forecast(tasks, [t.id for t in tasks], lived, lanes=1, runs=4000, source=source)
    chances = [comb(10, k) / 2**10 for k in range(11)]
    for k in range(11):
        assert found.find_share(10.0 + 2 * k) == pytest.approx(sum(chances[: k + 1]), abs=0.025)
    for share, hours in ((0.5, 20.0), (0.8, 22.0), (0.95, 26.0)):
        assert found.find_quantile_s(share) == hours


@pytest.mark.promise("figures.forecast")
def test_attempts_are_repeated_as_often_as_failures_say() -> None:
    """One in two fails: the number of attempts is geometric, 2 in the mean; after ``tries_left`` failures a person decides."""
    lived = Experience([], [])
    lived.decisions, lived.pauses = (1000.0,), (5.0,)
    task = OpenTask("a", (), (0,), (Try(10.0, "good"), Try(10.0, "failed")), tries_left=2)
    found = forecast([task], ["a"], lived, lanes=1, runs=4000, source=source)
    ends = found.ends_s
    assert {ends[0], find_quantile(ends, 0.6)} == {10.0, 25.0}
    for tries, end in ((1, 10.0), (2, 25.0), (3, 1035.0), (4, 2045.0)):
        assert found.find_share(end) == pytest.approx(1 - 0.5**tries, abs=0.025)


@pytest.mark.promise("figures.forecast")
@settings(max_examples=20, suppress_health_check=SLOW)
@given(st.integers(0, 100))
def test_what_has_begun_takes_what_is_left_of_it(since: int) -> None:
    lived = Experience([], [])
    task = OpenTask("a", (), (0,), (Try(40.0, "good"), Try(80.0, "good")), "running", float(since))
    ends = set(play([task], lived, 1).ends_s)
    left = {end - since for end in (40.0, 80.0) if end > since} or {40.0, 80.0}
    assert ends <= left


@pytest.mark.promise("figures.forecast")
def test_with_enough_work_in_review_nobody_begins() -> None:
    lived = Experience([], [])
    lived.reviews = (Review(100.0, "merged"),)
    tasks = fixed(4, 10.0, chained=False)
    ids = [t.id for t in tasks]
    found = forecast(tasks, ids, lived, lanes=2, runs=3, source=source, reviews_max=2)
    assert set(found.ends_s) == {220.0}
    assert set(play(tasks, lived, 2).ends_s) == {120.0}
    waiting = [tasks[0]._replace(begins="review"), *tasks[1:2]]
    assert set(forecast(waiting, ids[:2], lived, lanes=2, runs=3, source=source, reviews_max=1).ends_s) == {
        210.0
    }


@pytest.mark.promise("figures.forecast")
def test_tasks_whose_paths_overlap_take_turns_until_the_review_is_over() -> None:
    lived = Experience([], [])
    lived.reviews = (Review(100.0, "merged"),)
    apart = [OpenTask(n, (), (n,), (Try(10.0, "good"),), paths=(f"src/{n}/**",)) for n in "ab"]
    assert set(play(apart, lived, 2).ends_s) == {110.0}
    together = [apart[0], apart[1]._replace(paths=("src/**",))]
    assert set(play(together, lived, 2).ends_s) == {220.0}
    assert set(play(together, lived, 2, ["a"]).ends_s) == {110.0}, "what comes behind it doesn't matter"
    assert set(play([apart[0]._replace(begins="review"), together[1]], lived, 2).ends_s) == {210.0}
