"""What a simulation writes down of itself: figures, and what must hold at every push and every start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.scope import globs_overlap
from gitbaton.store.live import parse_time
from support.state_history import check_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import TaskRow
    from gitbaton.domain.config import Config
    from gitbaton.domain.state import State
    from gitbaton.usecases.claim import Claim
    from support.simulation.world import World

#: Clocks that are this far off at most agree with each other about leases, thanks to the tolerance.
SANE_S = 60.0
DAY_S = 86400.0


class Working(NamedTuple):
    """A runner at work: the claim that it was told is its own."""

    run: str
    row: TaskRow
    sane: bool


@dataclass
class Books:
    """Counters by name, and the checks made."""

    world: World
    config: Config
    is_over: Callable[[str], bool]
    counts: dict[str, int] = field(default_factory=dict)
    checks: int = 0
    peak_running: int = 0
    peak_reviews: int = 0
    peak_spent: float = 0.0
    tips: dict[str, State] = field(default_factory=dict)
    working: dict[str, Working] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    _event_ids: set[str] = field(default_factory=set)
    _runs: set[str] = field(default_factory=set)
    _reviews: int = 0

    def count(self, what: str, by: int = 1) -> None:
        """One more of ``what``."""
        self.counts[what] = self.counts.get(what, 0) + by

    def watch(self, before: State | None, after: State) -> None:
        """A push brings ``after``: it must follow what is there, which must be ``before``."""
        self.checks += 1
        assert self.tips.get(after.task) is before, "a push went past the tip"
        check_step(before, after)
        event = after.event
        assert event.id not in self._event_ids, f"{event.name} of {after.task} happened twice"
        self._event_ids.add(event.id)
        if event.name == "claimed":
            assert after.run
            assert after.run not in self._runs
            self._runs.add(after.run)
            if before and before.status == "in_progress":
                passed = (parse_time(before.lease) or 0.0) <= self.world.time.timestamp()
                self.count(
                    "takeovers after the lease" if passed else "takeovers from the living (a clock far off)"
                )
        if event.name == "merged":
            self.merged.add(after.task)
        self.count(event.name)
        self._reviews += (after.status == "in_review") - bool(before and before.status == "in_review")
        self.peak_reviews = max(self.peak_reviews, self._reviews)
        self.tips[after.task] = after

    def begin(self, claim: Claim, *, sane: bool) -> None:
        """A runner was told that a claim is its own, and begins. Among clocks that are right no cap is passed and no
        paths meet; attempts whose task was finished under them by a person don't count, see ``test_moot_attempts``.
        """
        self.checks += 1
        row = claim.entry.row
        mine = Working(claim.run, row, sane)
        self.working[row.id] = mine
        if not sane:
            return
        held = [w for t, w in self.working.items() if t != row.id and w.sane and self._holds(t, w)]
        others = [w for w in held if not self.is_over(w.row.id)]
        self.count("starts beside an attempt whose task is done already", len(others) < len(held))
        limit = self.config.caps.running
        self.peak_running = max(self.peak_running, len(others) + 1)
        assert limit is None or len(others) < limit, f"{len(others) + 1} run, {limit} may"
        for other in others:
            meet = any(globs_overlap(a, b) for a in row.paths for b in other.row.paths)
            assert not meet, f"{row.id} and {other.row.id} run at once and touch the same paths"
        if SANE_S < self.world.time.timestamp() % DAY_S < DAY_S - SANE_S:  # else clocks disagree on the day
            self.peak_spent = max(self.peak_spent, self._spent_today())

    def _holds(self, task: str, working: Working) -> bool:
        tip = self.tips[task]
        lease = parse_time(tip.lease)
        held = tip.run == working.run and tip.status == "in_progress"
        return held and (lease is None or lease > self.world.time.timestamp())

    def _spent_today(self) -> float:
        """What attempts that began today have cost; those at work count with their whole budget."""
        midnight = self.world.time.strftime("%Y-%m-%dT00:00:00Z")
        most, spent = self.config.run.budget_usd or 0.0, 0.0
        at_work = {w.run for w in self.working.values()}
        for tip in self.tips.values():
            for attempt in tip.attempts:
                if attempt.started >= midnight and attempt.usage:
                    spent += attempt.usage.cost_usd or 0.0
                elif attempt.started >= midnight and attempt.ended is None and attempt.run in at_work:
                    spent += most
        return spent

    def check_words(self) -> None:
        """What people said is in the attempt that heard it, or waits for the next one."""
        for task, words in self.said:
            self.checks += 1
            tip = self.tips[task]
            heard = words in (*tip.guidance, *(g for a in tip.attempts for g in a.guidance))
            assert heard or task in self.merged, f"'{words}' was said about {task}, and nobody will hear it"
