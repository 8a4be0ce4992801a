"""``baton stats``: figures of all attempts, folded from the state tips."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.stats import AttemptRow, By, Stats, fold_stats
from gitbaton.usecases.measuring import find_plan, list_attempts, parse_day
from gitbaton.usecases.project import Project, load_view

if TYPE_CHECKING:
    from collections.abc import Mapping


class Figures(NamedTuple):
    """The attempts that were asked about, their figures, and what stands beside them: ``tasks`` counts tasks by state; tasks whose
    live state can't be read are ``unreadable``.
    """

    rows: tuple[AttemptRow, ...]
    stats: Stats
    by: By | None
    plan: str | None
    since: float | None
    tasks: Mapping[str, int]
    unreadable: tuple[str, ...]
    elsewhere: int


def tell_figures(
    project: Project, *, by: By | None = None, plan: str | None = None, since: str | None = None
) -> Figures:
    """Figures of the attempts at tasks of ``plan`` that began ``since`` then. Raises ``Refusal`` (``unknown-id``) and ``UsageError``."""
    view = load_view(project, local=True)
    wanted = find_plan(view, plan) if plan else None
    start = parse_day(since, project.refs.now().timestamp(), "--since") if since else None
    every = list_attempts(view)
    rows = tuple(
        row for row in every if (wanted is None or row.plan == wanted) and (start is None or row.started >= start)
    )  # fmt: skip
    states: dict[str, int] = {}
    for entry in view.board.entries.values():
        if wanted is None or entry.row.plan == wanted:
            states[entry.state] = states.get(entry.state, 0) + 1
    unreadable = tuple(sorted(view.tips.unreadable))
    return Figures(rows, fold_stats(rows, by), by, wanted, start, states, unreadable, len(every) - len(rows))
