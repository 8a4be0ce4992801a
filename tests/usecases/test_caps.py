"""Bounds on the fleet: attempts, reviews, money, and the circuit breaker."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.store.live import render_time
from gitbaton.usecases.choosing import Choice
from gitbaton.usecases.claim import Claim, claim_as_person
from gitbaton.usecases.transitions import advance
from support.team import CONFIG, Team, claim, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.state import State
    from gitbaton.usecases.project import Project


pytestmark = pytest.mark.promise("cap.never-passed")


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """Six tasks, a to f, in this order; without a remote, so that everybody sees everything at once."""
    return Team(tmp_path, {f"tasks/{n}.yaml": f"title: {n}\n" for n in "abcdef"}, remote=False)


def bound(team: Team, text: str) -> None:
    team.first.commit({"tasks/config.yaml": CONFIG + text})


def end(who: Project, claimed: Claim, outcome: Outcome, *, cost: float | None = None) -> None:
    """The attempt ends in ``outcome``."""

    def change(old: State | None) -> dict[str, Any]:
        assert old
        usage = None if cost is None else Usage(cost_usd=cost)
        update = {
            "ended": render_time(who.clock()),
            "outcome": outcome,
            "usage": usage,
            "message": "no answer",
        }
        return {
            "attempts": (*old.attempts[:-1], old.attempts[-1].model_copy(update=update)),
            "lease": None,
            "attempt_limit": 99,
        }

    event = "published" if outcome is Outcome.SUCCEEDED else "failed"
    advance(who, claimed.entry.row.id, event, change, run=claimed.run)  # type: ignore[arg-type] # one of two literals


def reason(who: Project) -> str:
    """Why nothing is to be had."""
    answer = claim(who)
    assert isinstance(answer, Choice), "a claim went through"
    return answer.reason


@pytest.mark.promise("cap.off")
def test_without_bounds_there_are_none(team: Team) -> None:
    who = team.join()
    assert [take(who).entry.row.id for _ in "abcdef"] == list("abcdef")


def test_attempts_that_run(team: Team) -> None:
    bound(team, "caps: {running: 2}\n")
    who = team.join()
    first = take(who)
    assert isinstance(claim_as_person(who, None), Claim), "a person counts"
    assert reason(who) == "as many attempts run as may (caps.running: 2)"
    assert isinstance(claim_as_person(who, None), Choice)
    assert refuse(lambda: claim(who, "c")).code == "cap-reached"
    end(who, first, Outcome.SUCCEEDED)
    last = take(who)
    team.first.commit({last.entry.row.path: "title: Dropped\nstatus: cancelled\n"})
    assert reason(who.reread()) == "as many attempts run as may (caps.running: 2)", "it runs all the same"


def test_a_claim_gone_stale_takes_no_place(team: Team) -> None:
    bound(team, "caps: {running: 1}\n")
    who = team.join()
    take(who, "a", lease_s=60)
    team.clock.advance(61)
    take(who, "b")


def test_tasks_in_review(team: Team) -> None:
    bound(team, "caps: {open_reviews: 1}\n")
    who = team.join()
    end(who, take(who), Outcome.SUCCEEDED)
    assert reason(who) == "as many tasks wait for review as may (caps.open_reviews: 1)"


def test_money_per_day(team: Team) -> None:
    bound(team, "caps: {cost_per_day_usd: 10}\n")
    who = team.join()
    end(who, take(who), Outcome.CHECKS_FAILED, cost=6.0)
    end(who, take(who), Outcome.CHECKS_FAILED, cost=4.0)
    assert reason(who) == "$10.00 were spent today (caps.cost_per_day_usd: 10.0)"
    assert isinstance(claim_as_person(who, "f"), Claim), "a person costs nothing"
    team.clock.time += timedelta(days=1)
    take(who)


@pytest.mark.promise("cap.money")
def test_an_attempt_that_runs_counts_with_its_whole_budget(team: Team) -> None:
    bound(team, "caps: {cost_per_day_usd: 10}\nrun: {budget_usd: 4}\n")
    who = team.join()
    assert isinstance(claim_as_person(who, "f"), Claim)
    take(who)
    last = take(who)
    words = "$8.00 were spent today, and one attempt may cost $4.00 (caps.cost_per_day_usd: 10.0)"
    assert reason(who) == words
    end(who, last, Outcome.CHECKS_FAILED, cost=0.5)
    take(who)


def test_money_per_task(team: Team) -> None:
    bound(team, "caps: {cost_per_task_usd: 5}\n")
    who = team.join()
    end(who, take(who, "a"), Outcome.CHECKS_FAILED, cost=6.0)
    assert refuse(lambda: claim(who, "a")).message == (
        "a can't be claimed now: $6.00 were spent on a (caps.cost_per_task_usd: 5.0)"
    )
    assert take(who).entry.row.id == "b", "the others go on, although a retry comes first"
    for _ in "cdef":
        take(who)
    assert reason(who) == "$6.00 were spent on a (caps.cost_per_task_usd: 5.0)"


BREAKER = "breaker: {failures: 3, cooldown: 10m}\n"


def break_down(team: Team, who: Project) -> None:
    """Three attempts in a row fail for reasons outside the tasks."""
    for task in "abc":
        team.clock.advance(1)
        end(who, take(who, task), Outcome.OVERLOADED)


@pytest.mark.promise("cap.breaker")
def test_the_breaker_opens_probes_and_closes(team: Team) -> None:
    bound(team, BREAKER)
    who = team.join()
    break_down(team, who)
    assert reason(who) == (
        "3 attempts in a row failed for reasons outside the tasks (no answer); the next try is in 600 s"
    )
    assert isinstance(claim_as_person(who, "f"), Claim), "a person needs no model"
    team.clock.advance(600)
    probe = take(who, "d")
    assert reason(who) == "one attempt probes whether the trouble outside the tasks has passed"
    end(who, probe, Outcome.OVERLOADED)
    assert "the next try is in 600 s" in reason(who)
    team.clock.advance(600)
    end(who, take(who, "e"), Outcome.CHECKS_FAILED)
    take(who)
    take(who)


@pytest.mark.promise("cap.breaker")
def test_a_probe_whose_machine_was_lost_does_not_block_for_ever(team: Team) -> None:
    bound(team, BREAKER)
    who = team.join()
    break_down(team, who)
    team.clock.advance(600)
    take(who, "d", lease_s=60)
    team.clock.advance(60)
    assert take(who, "e").entry.row.id == "e"


@pytest.mark.promise("cap.breaker")
def test_ends_that_say_nothing_don_t_close_the_breaker(team: Team) -> None:
    bound(team, BREAKER)
    who = team.join()
    break_down(team, who)
    team.clock.advance(1)
    stopped = take_despite(team, who, "d")
    end(who, stopped, Outcome.STOPPED)
    assert "failed for reasons outside the tasks" in reason(who)


def take_despite(team: Team, who: Project, task: str) -> Claim:
    """A claim made before the others failed."""
    team.clock.advance(600)
    claimed = take(who, task)
    team.clock.advance(-600)
    return claimed


@pytest.mark.promise("cap.breaker")
def test_a_failure_of_the_task_itself_ends_the_row(team: Team) -> None:
    bound(team, BREAKER)
    who = team.join()
    for task, outcome in zip(
        "abcd", [Outcome.OVERLOADED, Outcome.CHECKS_FAILED, Outcome.OVERLOADED, Outcome.CRASHED], strict=True
    ):
        team.clock.advance(1)
        end(who, take(who, task), outcome)
    take(who)
