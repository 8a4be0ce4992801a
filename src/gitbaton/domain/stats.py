"""Figures of past attempts: what they came to, how long they took, what they cost. Pure: the same attempts give the
same figures, in whatever order they are told.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.outcome import OUTCOMES, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

By = Literal["role", "model", "complexity", "week", "agent", "plan", "outcome"]
BY: tuple[By, ...] = ("role", "model", "complexity", "week", "agent", "plan", "outcome")
#: What an attempt came to. ``set_aside``: a person stopped it or took it over, so it says nothing about the work.
End = Literal["good", "failed", "asked", "set_aside"]
_SET_ASIDE = (Outcome.STOPPED, Outcome.LOST_LEASE, Outcome.TAKEN_OVER)
_COMPLEXITIES = ("simple", "medium", "complex", "critical")


class AttemptRow(NamedTuple):
    """One attempt, with what its task's file says now. Times are seconds since the epoch. ``running`` says that
    somebody is at it; an attempt that neither runs nor ended was closed by hand. ``kind`` is ``agent``, ``person`` or
    ``session`` (through MCP).
    """

    task: str
    number: int
    run: str
    agent: str
    started: float
    ended: float | None = None
    outcome: str | None = None
    kind: str = "agent"
    model: str | None = None
    role: str | None = None
    complexity: str | None = None
    plan: str | None = None
    running: bool = False
    agent_s: float | None = None
    turns: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    tool_calls: int | None = None

    @property
    def end(self) -> End | None:
        """What it came to; None while it runs, or where nobody told."""
        if self.outcome is None:
            return None
        outcome = Outcome(self.outcome)
        if outcome in _SET_ASIDE:
            return "set_aside"
        if outcome is Outcome.NEEDS_INPUT:
            return "asked"
        return "good" if OUTCOMES[outcome].good else "failed"

    @property
    def duration_s(self) -> float | None:
        """From its claim to its end. A lost machine never told when it stopped."""
        if self.ended is None or self.outcome == Outcome.MACHINE_LOST:
            return None
        return max(0.0, self.ended - self.started)

    @property
    def week(self) -> str:
        """The week of ISO 8601 in which it began, in UTC: ``2026-W05``."""
        year, week, _ = datetime.fromtimestamp(self.started, UTC).isocalendar()
        return f"{year}-W{week:02}"


class Measure(NamedTuple):
    """A figure over the attempts that reported it."""

    attempts: int
    total: float
    median: float | None
    p90: float | None


class Group(NamedTuple):
    """The attempts that have something in common; ``name`` is None for those that have none. ``durations`` are those
    that were measured, shortest first.
    """

    name: str | None
    tasks: int
    attempts: int
    good: int
    failed: int
    asked: int
    set_aside: int
    running: int
    duration_s: Measure
    turns: Measure
    input_tokens: Measure
    output_tokens: Measure
    cost_usd: Measure
    tool_calls: Measure
    durations: tuple[float, ...] = ()
    outcomes: tuple[tuple[str, int], ...] = ()

    @property
    def success_rate(self) -> float | None:
        """Of the attempts that came to an end of their own, questions aside, the share whose work went to review."""
        judged = self.good + self.failed
        return self.good / judged if judged else None

    @property
    def attempts_per_success(self) -> float | None:
        """How many attempts it takes, in the mean, until work goes to review."""
        return (self.good + self.failed) / self.good if self.good else None


class Stats(NamedTuple):
    """All attempts together, and by what was asked for."""

    total: Group
    groups: tuple[Group, ...] = ()


def fold_stats(rows: Iterable[AttemptRow], by: By | None = None) -> Stats:
    """The figures of ``rows``; groups in the order in which people look for them."""
    every = list(rows)
    if by is None:
        return Stats(_fold(None, every))
    parts: dict[str | None, list[AttemptRow]] = {}
    for row in every:
        parts.setdefault(find_name(row, by), []).append(row)
    groups = [_fold(name, part) for name, part in parts.items()]
    return Stats(_fold(None, every), tuple(sorted(groups, key=lambda group: _rank(group, by))))


def find_name(row: AttemptRow, by: By) -> str | None:
    """What a row is counted under."""
    if by == "outcome":
        return row.outcome or ("running" if row.running else None)
    found: str | None = getattr(row, by)
    return found or None


def _rank(group: Group, by: By) -> tuple[object, ...]:
    name = group.name
    if name is None:
        return (1, 0, "")
    if by == "week":
        return (0, 0, name)
    if by == "complexity":
        return (0, _COMPLEXITIES.index(name) if name in _COMPLEXITIES else len(_COMPLEXITIES), name)
    return (0, -group.attempts, name)


def _fold(name: str | None, rows: Sequence[AttemptRow]) -> Group:
    ends = [row.end for row in rows]
    durations = tuple(sorted(d for row in rows if (d := row.duration_s) is not None))
    outcomes: dict[str, int] = {}
    for row in rows:
        if row.outcome:
            outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
    return Group(
        name, len({row.task for row in rows}), len(rows), ends.count("good"), ends.count("failed"), ends.count("asked"),
        ends.count("set_aside"), sum(row.running for row in rows), measure(durations), measure(row.turns for row in rows),
        measure(row.input_tokens for row in rows), measure(row.output_tokens for row in rows),
        measure(row.cost_usd for row in rows), measure(row.tool_calls for row in rows), durations, tuple(sorted(outcomes.items())),
    )  # fmt: skip


def measure(values: Iterable[float | None]) -> Measure:
    """Number, sum, median and 90th percentile. The sum is rounded once, so that no order of adding shows in it."""
    known = sorted(v for v in values if v is not None)
    if not known:
        return Measure(0, 0.0, None, None)
    return Measure(len(known), math.fsum(known), find_median(known), find_quantile(known, 0.9))


def find_quantile(ordered: Sequence[float], share: float) -> float:
    """The least value of ``ordered`` (not empty) that at least ``share`` of them don't exceed: one that was measured."""
    return ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]


def find_median(ordered: Sequence[float]) -> float:
    """The middle of ``ordered`` (not empty), or the mean of the middle two."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
