"""What holds work up: the chain that takes longest, checks that say now yes, now no, roles that are slow. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.experience import POOL_LEAST
from gitbaton.domain.stats import find_median
from gitbaton.domain.story import PAUSE, PEOPLE, iter_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gitbaton.domain.experience import Experience
    from gitbaton.domain.stats import AttemptRow
    from gitbaton.domain.story import OpenTask

#: A role is slow whose middle attempt takes so many times as long as that of the others.
SLOW = 1.5
#: A check that fails in so large a share of at least ``POOL_LEAST`` attempts is worth a look.
OFTEN = 0.3
_STORIES = 200


class Length(NamedTuple):
    """What a task still takes, in the mean: seconds of attempts, of waiting for people, and of pauses."""

    work_s: float
    people_s: float
    pauses_s: float

    @property
    def whole_s(self) -> float:
        """All of it."""
        return self.work_s + self.people_s + self.pauses_s


def measure_lengths(
    tasks: Iterable[OpenTask], lived: Experience, source: Callable[[str], Callable[[], float]]
) -> dict[str, Length]:
    """The mean of many stories of each task (see ``forecast``)."""
    lengths = {}
    for task in tasks:
        teller = iter_stories(task, lived, source(task.id))
        spent = [0.0] * 3
        for _ in range(_STORIES if task.tries else 0):
            for kind, seconds in next(teller):
                spent[1 if kind in PEOPLE else 2 if kind == PAUSE else 0] += seconds
        lengths[task.id] = Length(*(seconds / _STORIES for seconds in spent))
    return lengths


def find_critical_path(
    tasks: Sequence[OpenTask], lengths: Mapping[str, Length], goal: Iterable[str]
) -> list[str]:
    """The chain of tasks that takes longest until the last of ``goal`` is done, first what is done first. ``tasks`` stand so
    that each comes behind what it needs.
    """
    ends: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for task in tasks:
        latest = max(task.needs, key=lambda need: (ends.get(need, 0.0), need), default=None)
        before[task.id] = latest
        ends[task.id] = (ends.get(latest, 0.0) if latest else 0.0) + lengths[task.id].whole_s
    at: str | None = max(goal, key=lambda task: (ends[task], task), default=None)
    path = []
    while at is not None and at in ends:
        path.append(at)
        at = before[at]
    return path[::-1]


class CheckRun(NamedTuple):
    """How a check ended in an attempt; ``work`` tells the files apart that it looked at (None: not known)."""

    task: str
    attempt: int
    name: str
    passed: bool
    work: str | None = None


class CheckFigures(NamedTuple):
    """A check over all attempts. ``flips`` is how often it judged the very same files once so and once otherwise, in attempts at
    one task that followed each other; ``tasks`` are those.
    """

    name: str
    runs: int
    failed: int
    flips: int
    tasks: tuple[str, ...]

    @property
    def is_flaky(self) -> bool:
        """Whether it is known to say now yes, now no of the same work."""
        return self.flips > 0

    @property
    def fails_often(self) -> bool:
        """Whether so many attempts end at it that it is worth a look."""
        return self.runs >= POOL_LEAST and self.failed >= OFTEN * self.runs


def judge_checks(runs: Iterable[CheckRun]) -> list[CheckFigures]:
    """The checks, those first that changed their mind, then those that fail most."""
    by_name: dict[str, list[CheckRun]] = {}
    for run in runs:
        by_name.setdefault(run.name, []).append(run)
    found = []
    for name, every in by_name.items():
        ordered = sorted(every, key=lambda run: (run.task, run.attempt))
        flips = [
            b.task
            for a, b in pairwise(ordered)
            if a.task == b.task and b.attempt == a.attempt + 1 and a.passed != b.passed and a.work is not None and a.work == b.work
        ]  # fmt: skip
        found.append(
            CheckFigures(
                name, len(every), sum(not r.passed for r in every), len(flips), tuple(sorted(set(flips)))
            )
        )
    return sorted(found, key=lambda check: (-check.flips, -check.failed, check.name))


class SlowRole(NamedTuple):
    """A role whose middle attempt takes ``times`` as long as that of all other attempts."""

    role: str
    attempts: int
    median_s: float
    others_s: float

    @property
    def times(self) -> float:
        """How many times as long."""
        return self.median_s / self.others_s


def find_slow_roles(rows: Iterable[AttemptRow]) -> list[SlowRole]:
    """Roles that are slow, slowest first; of agents' attempts, and only where enough were measured on both sides."""
    told = [(row.role, d) for row in rows if row.kind == "agent" and (d := row.duration_s) is not None]
    found = []
    for role in {role for role, _ in told if role}:
        own = sorted(d for name, d in told if name == role)
        others = sorted(d for name, d in told if name != role)
        if len(own) >= POOL_LEAST and len(others) >= POOL_LEAST:
            slow = SlowRole(role, len(own), find_median(own), find_median(others))
            if slow.others_s > 0 and slow.times >= SLOW:
                found.append(slow)
    return sorted(found, key=lambda slow: (-slow.times, slow.role))
