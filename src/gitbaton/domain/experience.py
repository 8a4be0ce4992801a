"""What the past says about how long things take: attempts with their ends, and the times that tasks waited for people.
Pure.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.stats import AttemptRow, find_median

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Fewer finished attempts than this say nothing about the next one.
LEAST = 3
#: Fewer than this are said to be few.
ENOUGH = 10
#: Attempts of one role or complexity are looked at alone from this many on.
POOL_LEAST = 5


class Step(NamedTuple):
    """One event of a task's live state, at seconds since the epoch."""

    event: str
    at: float


class Wait(NamedTuple):
    """A time that a task waited. ``kind``: ``review``, ``answer`` and ``decision`` (whether to go on after failures, a
    stop or a closed review) are people's, ``hold`` too; ``pause`` lies between two attempts by itself. ``then`` is the event that ended it.
    """

    kind: Literal["review", "answer", "decision", "hold", "pause"]
    seconds: float
    then: str
    since: float


#: What a task waits for after an event.
_BEGINS: dict[str, Literal["review", "answer", "decision", "pause"]] = {
    "published": "review", "asked": "answer", "failed": "pause", "stopped": "decision", "closed": "decision",
}  # fmt: skip
#: What ends a wait so that its length tells something.
_ENDS = {
    "review": ("merged", "changes_requested", "closed"),
    "answer": ("answered", "retried"),
    "decision": ("retried", "changes_requested"),
    "pause": ("claimed", "retried"),
}
#: Events after which a task goes on waiting as before.
_MEANWHILE = ("held", "hold_released", "clarified", "reminded", "refreshed", "review_opened", "checkpointed")


def list_waits(steps: Iterable[Step]) -> list[Wait]:
    """The waits that ended, from the events of one task, oldest first."""
    waits: list[Wait] = []
    held: float | None = None
    kind: Literal["review", "answer", "decision", "pause"] | None = None
    since = 0.0
    for event, at in steps:
        if event == "held":
            held = at if held is None else held
        elif event == "hold_released" and held is not None:
            waits.append(Wait("hold", max(0.0, at - held), event, held))
            held = None
        if event in _MEANWHILE:
            continue
        if kind is not None and event in _ENDS[kind]:
            said = "decision" if kind == "pause" and event == "retried" else kind
            waits.append(Wait(said, max(0.0, at - since), event, since))
        kind, since = _BEGINS.get(event), at
    return waits


class Try(NamedTuple):
    """An attempt as a lot to be drawn: how long it took, and what it came to."""

    seconds: float
    end: Literal["good", "failed", "asked"]


class Review(NamedTuple):
    """A review as a lot to be drawn."""

    seconds: float
    then: Literal["merged", "changes_requested", "closed"]


class Basis(NamedTuple):
    """What a task's attempts are drawn from. ``words`` say which attempts these are; ``narrow`` that they are of its
    own role or complexity; ``estimated`` that there are none, and its estimate stands for them.
    """

    tries: tuple[Try, ...]
    words: str
    narrow: bool = False
    estimated: bool = False


class Experience:
    """All that was measured. Attempts that a person broke off say nothing about how long work takes. Where agents have
    made enough attempts, those of people are left aside.
    """

    def __init__(self, rows: Iterable[AttemptRow], waits: Iterable[Wait]) -> None:
        told = [(row, made) for row in rows if (made := _make_try(row))]
        agents = [pair for pair in told if pair[0].kind == "agent"]
        used = agents if len(agents) >= LEAST else told
        self.of_agents = len(agents) >= LEAST
        ordered = sorted(used, key=lambda pair: (pair[1], pair[0].task, pair[0].number))
        self.tries = tuple(made for _, made in ordered)
        self._pools: dict[tuple[str | None, str | None], list[Try]] = {}
        for row, made in ordered:
            for key in {(row.role, row.complexity), (row.role, None), (None, row.complexity)} - {
                (None, None)
            }:
                self._pools.setdefault(key, []).append(made)
        self._shared: dict[str, tuple[Try, ...]] = {}
        self._lots: tuple[tuple[float, ...], tuple[float, ...]] | None = None
        every = sorted(waits)
        self.reviews = tuple(sorted(Review(w.seconds, w.then) for w in every if w.kind == "review"))  # type: ignore[arg-type] # the ends of _ENDS
        self.answers = tuple(w.seconds for w in every if w.kind == "answer")
        self.decisions = tuple(w.seconds for w in every if w.kind == "decision")
        self.pauses = tuple(w.seconds for w in every if w.kind == "pause")

    def _share(self, words: str, pool: Sequence[Try]) -> tuple[Try, ...]:
        """The same tuple for all tasks that draw from a pool: there may be thousands of them."""
        if words not in self._shared:
            self._shared[words] = tuple(pool)
        return self._shared[words]

    def find_lots(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What decisions and answers are drawn from: where none was measured, people are taken to be as quick as elsewhere."""
        if self._lots is None:
            decisions = self.decisions or tuple(review.seconds for review in self.reviews)
            self._lots = decisions, self.answers or decisions
        return self._lots

    @property
    def is_thin(self) -> bool:
        """Whether there are too few attempts for more than a guess."""
        return len(self.tries) < ENOUGH

    def find_basis(self, role: str | None, complexity: str | None, estimate_s: float | None) -> Basis | None:
        """What to draw a task's attempts from: its own kind, else all, else its estimate; None where there is nothing.
        A pool in which no attempt ever succeeded is passed over: it has no end.
        """
        both = f"{complexity} work of role {role}"
        asked: list[tuple[tuple[str | None, str | None], str]] = []
        asked += [((role, complexity), both)] if role and complexity else []
        asked += [((role, None), f"role {role}")] if role else []
        asked += [((None, complexity), f"{complexity} work")] if complexity else []
        for key, words in asked:
            pool = self._pools.get(key, [])
            if len(pool) >= POOL_LEAST and _can_end(pool):
                return Basis(self._share(words, pool), words, narrow=True)
        if len(self.tries) >= LEAST and _can_end(self.tries):
            return Basis(self.tries, "all attempts")
        if estimate_s is not None:
            return Basis((Try(estimate_s, "good"),), "its estimate", estimated=True)
        return None


def _can_end(tries: Sequence[Try]) -> bool:
    return any(one.end == "good" for one in tries)


def _make_try(row: AttemptRow) -> Try | None:
    end = row.end
    if end is None or end == "set_aside" or row.ended is None:
        return None
    return Try(max(0.0, row.ended - row.started), end)


def measure_lanes(rows: Iterable[AttemptRow]) -> int | None:
    """How many attempts ran at once, in the mean over the time in which one ran at least; None where none did."""
    spans = [
        (r.started, r.ended)
        for r in rows
        if r.kind == "agent" and r.ended is not None and r.ended > r.started
    ]
    moments = sorted({moment for span in spans for moment in span})
    change: dict[float, int] = dict.fromkeys(moments, 0)
    for start, end in spans:
        change[start] += 1
        change[end] -= 1
    busy_s = 0.0
    running = 0
    for now, after in pairwise(moments):
        running += change[now]
        busy_s += after - now if running else 0.0
    if not busy_s:
        return None
    work_s = sum(end - start for start, end in spans)
    return max(1, round(work_s / busy_s))


def find_middle(values: Iterable[float]) -> float | None:
    """The median, or None of nothing."""
    ordered = sorted(values)
    return find_median(ordered) if ordered else None
