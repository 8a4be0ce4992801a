"""Milestones: what belongs to one, how far it is, and whether its date has passed. Pure."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitbaton.domain.board import Board, Entry
    from gitbaton.domain.config import Config, Milestone

_OVER = ("done", "cancelled")


class Progress(NamedTuple):
    """How far a milestone is. ``tasks`` are those that belong to it, without parents, whose work is in their parts;
    ``left`` are those that are not over; ``blockers`` are unfinished tasks of elsewhere that these wait for, nearest
    first. ``listed``: the config has it. ``days``: until it is due, below 0 once that has passed.
    """

    name: str
    listed: bool
    goal: str | None
    due: str | None
    days: int | None
    tasks: tuple[Entry, ...]
    left: tuple[Entry, ...]
    blockers: tuple[Entry, ...]

    @property
    def done(self) -> int:
        """How many are done; cancelled ones don't count at all."""
        return sum(entry.state == "done" for entry in self.tasks)

    @property
    def total(self) -> int:
        """How many were ever to be done."""
        return sum(entry.state != "cancelled" for entry in self.tasks)

    @property
    def finished(self) -> bool:
        """Whether nothing is left of it."""
        return bool(self.tasks) and not self.left

    @property
    def overdue(self) -> bool:
        """Whether something is left although its date has passed."""
        return self.days is not None and self.days < 0 and not self.finished


def parse_date(text: str) -> date | None:
    """The day that ``text`` begins with, as 2026-03-31; None if it doesn't."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def list_bad_dates(path: str, config: Config) -> Iterator[Finding]:
    """Due dates that nobody can compare with today."""
    for name, milestone in config.milestones.items():
        if milestone.due and parse_date(milestone.due) is None:
            said = f"'{milestone.due}' is no date like 2026-03-31, so nobody is told when it has passed"
            yield Finding(path, ("milestones", name, "due"), "unclear-date", said)


def fold_milestones(
    board: Board, listed: Mapping[str, Milestone], plans: Mapping[str, str], today: date
) -> list[Progress]:
    """Every milestone that the config lists or a task names: dated ones by date, then the others as listed, then those
    that are only named. ``plans``: plan → the milestone that it names.
    """
    members: dict[str, list[Entry]] = {name: [] for name in listed}
    for entry in board.entries.values():
        name = find_milestone(board, entry, plans)
        if name is not None and not board.children.get(entry.row.id):
            members.setdefault(name, []).append(entry)
        elif name is not None:
            members.setdefault(name, [])
    found = [_measure(board, name, listed.get(name), entries, today) for name, entries in members.items()]
    order = list(members)
    return sorted(found, key=lambda p: (p.days is None, p.days or 0, not p.listed, order.index(p.name)))


def find_milestone(board: Board, entry: Entry, plans: Mapping[str, str]) -> str | None:
    """The milestone of a task: its own, else its nearest parent's, else its plan's."""
    seen: set[str] = set()
    here: Entry | None = entry
    while here is not None and here.row.id not in seen:
        if here.row.milestone:
            return here.row.milestone
        if here.row.plan and here.row.plan in plans:
            return plans[here.row.plan]
        seen.add(here.row.id)
        here = board.entries.get(here.row.parent) if here.row.parent else None
    return None


def _measure(
    board: Board, name: str, milestone: Milestone | None, entries: list[Entry], today: date
) -> Progress:
    due = parse_date(milestone.due) if milestone and milestone.due else None
    left = [entry for entry in entries if entry.state not in _OVER]
    return Progress(
        name,
        milestone is not None,
        milestone.goal if milestone else None,
        milestone.due if milestone else None,
        (due - today).days if due else None,
        tuple(entries),
        tuple(left),
        tuple(_find_blockers(board, left)),
    )


def _find_blockers(board: Board, left: list[Entry]) -> Iterator[Entry]:
    inside = {entry.row.id for entry in left}
    seen = set(inside)
    queue = [need for entry in left for need in entry.blocked_by]
    while queue:
        name = queue.pop(0)
        other = board.entries.get(name)
        if name in seen or other is None or other.state == "done":
            continue
        seen.add(name)
        if not board.children.get(name):  # a parent only waits for its parts
            yield other
        queue += other.blocked_by
