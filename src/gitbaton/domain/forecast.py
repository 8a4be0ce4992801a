"""When open work will be done: many runs through the graph of tasks, each with lots drawn from what was measured. Pure:
randomness comes in as a source of numbers for each task.

Theory of operation. A task's *story* is what happens to it once nothing holds it back: attempts, each in one of the
lanes; reviews, answers and decisions of people, and pauses, which take no lane. In each run every task draws a story
from its own source, so a story depends on the task and the number of the run alone, never on the other tasks or on the
lanes: two forecasts that differ in one thing differ by that thing, not by luck. Then the stories are played: a task
begins when all it needs is done; free lanes go to attempts that are repeated, then by the order of the queue; tasks whose
paths overlap don't run, or wait for review, at the same time.
"""

from __future__ import annotations

from bisect import bisect_right
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.scope import find_beginning, globs_overlap
from gitbaton.domain.stats import find_quantile
from gitbaton.domain.story import LANE, PAUSE, PEOPLE, REVIEW, iter_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from gitbaton.domain.experience import Experience
    from gitbaton.domain.story import OpenTask, Story

#: What a forecast tells: so large a share of the runs had ended by then.
SHARES = (0.5, 0.8, 0.95)


class Chance(NamedTuple):
    """Something about a task, as the share of runs in which it was so."""

    task: str
    share: float


class Forecast(NamedTuple):
    """What the runs came to. ``runs_s`` is when the work was done in each of them, ``ends_s`` the same, earliest first. Of the time on the chain that
    ended last, ``shares`` says what it went into: ``work``, ``people``, ``pauses``, ``lanes`` (waiting for a free one, or for
    overlapping paths). ``chains`` are the tasks that were on it most often, ``lasts`` those that ended it.
    """

    runs_s: tuple[float, ...]
    ends_s: tuple[float, ...]
    shares: Mapping[str, float]
    chains: tuple[Chance, ...]
    lasts: tuple[Chance, ...]

    def find_quantile_s(self, share: float) -> float:
        """The time by which the work was done in that share of the runs."""
        return find_quantile(self.ends_s, share)

    def find_share(self, by_s: float) -> float:
        """The share of the runs in which the work was done by that time."""
        return bisect_right(self.ends_s, by_s) / len(self.ends_s)


def forecast(
    tasks: Sequence[OpenTask],
    goal: Collection[str],
    lived: Experience,
    *,
    lanes: int,
    runs: int,
    source: Callable[[str], Callable[[], float]],
    reviews_max: int | None = None,
) -> Forecast:
    """Play ``runs`` runs of all ``tasks`` until those of ``goal`` (at least one) are done. Their needs are among
    them and make no cycle. ``source`` gives each task its own numbers; with
    ``reviews_max`` tasks in review nobody begins another attempt.
    """
    graph = _Graph(tasks, goal)
    tellers = [iter_stories(task, lived, source(task.id)) for task in graph.tasks]
    ends: list[float] = []
    spent = [0.0] * 4
    chains, lasts = [0] * len(tasks), [0] * len(tasks)
    for _ in range(runs):
        stories = [next(teller) for teller in tellers]
        played = _play(graph, stories, lanes, reviews_max or len(tasks) + 1)
        ends.append(played.end_s)
        lasts[played.last] += 1
        at = played.last
        known = [0.0] * 3
        while at >= 0:
            chains[at] += 1
            for kind, seconds in stories[at]:
                known[1 if kind in PEOPLE else 2 if kind == PAUSE else 0] += seconds
            at = played.causes[at]
        for n, seconds in enumerate([*known, max(0.0, played.end_s - sum(known))]):
            spent[n] += seconds
    whole = sum(spent)
    shares = {
        name: seconds / whole if whole else 0.0
        for name, seconds in zip(("work", "people", "pauses", "lanes"), spent, strict=True)
    }
    return Forecast(
        tuple(ends), tuple(sorted(ends)), shares, _rank(graph, chains, runs), _rank(graph, lasts, runs)
    )


# -- playing -----------------------------------------------------------------------------------------------------


class _Graph:
    """The tasks in the order of the queue, by number, and the globs of their paths, by number. What has begun waits for
    nothing any more.
    """

    def __init__(self, tasks: Sequence[OpenTask], goal: Collection[str]) -> None:
        self.tasks = sorted(tasks, key=lambda task: task.rank)
        number = {task.id: n for n, task in enumerate(self.tasks)}
        self.unmet = [0] * len(tasks)
        self.below: list[list[int]] = [[] for _ in tasks]
        self.begun = [bool(t.tries) and t.begins not in ("ready", "approval") for t in self.tasks]
        for n, task in enumerate(self.tasks):
            for need in () if self.begun[n] else dict.fromkeys(task.needs):
                self.below[number[need]].append(n)
                self.unmet[n] += 1
        globs = {glob: g for g, glob in enumerate(sorted({glob for t in self.tasks for glob in t.paths}))}
        self.paths = [[globs[glob] for glob in dict.fromkeys(task.paths)] for task in self.tasks]
        self.meets = [
            [globs[other] for other in others] for _, others in sorted(find_meetings(globs).items())
        ]
        self.occupies = [t.begins in ("running", "by_hand", "review") and bool(t.tries) for t in self.tasks]
        self.goal = [task.id in goal for task in self.tasks]


def find_meetings(globs: Collection[str]) -> dict[str, list[str]]:
    """By glob: those that may name a file of its own, itself included. Globs that begin differently before their first
    wildcard can't meet, so only those are compared that may.
    """
    meetings = {glob: [glob] for glob in globs}
    before: list[tuple[str, str]] = []  # (beginning, glob) of those that may meet the next one
    for start, glob in sorted((find_beginning(glob), glob) for glob in meetings):
        before = [pair for pair in before if start.startswith(pair[0])]
        for _, other in before:
            if globs_overlap(glob, other):
                meetings[glob].append(other)
                meetings[other].append(glob)
        before.append((start, glob))
    return meetings


class _Played(NamedTuple):
    """One run: when the goal was reached, by which task, and for each task the one that it had waited for longest."""

    end_s: float
    last: int
    causes: list[int]


def _play(graph: _Graph, stories: Sequence[Story], lanes: int, reviews_max: int) -> _Played:  # noqa: PLR0912, PLR0915 the hot loop: what it called, it would call a million times
    """Until the goal is reached. In the queue, attempts that are repeated have their number, first ones come behind
    all of those; a moment at which an attempt ends has the complement of it.
    """
    number, below, goal, paths = len(stories), graph.below, graph.goal, graph.paths
    unmet, begun = list(graph.unmet), list(graph.begun)
    at, causes, held = [0] * number, [-1] * number, [False] * number
    area = _Area(graph)
    queue: list[int] = []
    moments: list[tuple[float, int]] = []
    coming: list[int] = []
    left, last, free, room, now = sum(goal), -1, lanes, reviews_max, 0.0
    for n, story in enumerate(stories):
        if graph.occupies[n] and story:
            kind, seconds = story[0]
            at[n], held[n] = 1, area.take(n)
            free -= kind == LANE
            room -= kind == REVIEW
            heappush(moments, (seconds, ~n if kind == LANE else n))
        elif not unmet[n]:
            coming.append(n)
    while True:
        while (
            coming
        ):  # each waits for a lane, enters its next phase, or is done, and so may be what waits for it
            n = coming.pop()
            story, step = stories[n], at[n]
            if step < len(story):
                kind, seconds = story[step]
                if held[n] and kind != REVIEW:
                    held[n] = area.leave(n, queue)
                if kind == LANE:
                    heappush(queue, n if begun[n] else number + n)
                else:
                    at[n] = step + 1
                    room -= kind == REVIEW
                    heappush(moments, (now + seconds, n))
                continue
            if held[n]:
                held[n] = area.leave(n, queue)
            if goal[n]:
                left -= 1
                last = n
            for other in below[n]:
                unmet[other] -= 1
                if not unmet[other]:
                    causes[other] = n
                    coming.append(other)
        if not left:
            return _Played(now, last, causes)
        while free > 0 and room > 0 and queue:
            code = heappop(queue)
            n = code - number if code >= number else code
            if paths[n]:
                if area.park(n, code):
                    continue
                held[n] = area.take(n)
            begun[n] = True
            free -= 1
            heappush(moments, (now + stories[n][at[n]][1], ~n))
            at[n] += 1
        now = moments[0][0]
        while moments and moments[0][0] <= now:
            n = heappop(moments)[1]
            if n < 0:
                n = ~n
                free += 1
            elif stories[n][at[n] - 1][0] == REVIEW:
                room += 1
            coming.append(n)


class _Area:
    """Which paths are occupied, and which attempts wait for them."""

    def __init__(self, graph: _Graph) -> None:
        self._paths, self._meets = graph.paths, graph.meets
        self._users = [0] * len(graph.meets)
        self._parked: dict[int, list[int]] = {}

    def take(self, n: int) -> bool:
        """A task occupies its paths; whether it has any."""
        for g in self._paths[n]:
            self._users[g] += 1
        return bool(self._paths[n])

    def leave(self, n: int, queue: list[int]) -> bool:
        """It leaves them, and what waited for them may be looked at again; False."""
        for g in self._paths[n]:
            self._users[g] -= 1
            if not self._users[g] and g in self._parked:
                for code in self._parked.pop(g):
                    heappush(queue, code)
        return False

    def park(self, n: int, code: int) -> bool:
        """Whether a task has to wait for paths, until somebody leaves them."""
        for g in self._paths[n]:
            for other in self._meets[g]:
                if self._users[other]:
                    self._parked.setdefault(other, []).append(code)
                    return True
        return False


def _rank(graph: _Graph, counts: Sequence[int], runs: int) -> tuple[Chance, ...]:
    """Tasks by how often, most often first."""
    found = [Chance(task.id, count / runs) for task, count in zip(graph.tasks, counts, strict=True) if count]
    return tuple(sorted(found, key=lambda chance: (-chance.share, chance.task)))
