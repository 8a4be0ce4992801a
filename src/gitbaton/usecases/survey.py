"""The whole project at a glance: who runs what, what wants a person, what is next, what holds the rest up."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.attention import Queue, Want, list_wants, measure_queue
from gitbaton.domain.queue import claimable_in_order, explain_reason
from gitbaton.errors import BatonError
from gitbaton.store.live import list_past, parse_time
from gitbaton.usecases.caps import find_reached_cap
from gitbaton.usecases.checkup import CHECKS
from gitbaton.usecases.choosing import explain_nothing
from gitbaton.usecases.project import Project, View, load_view

if TYPE_CHECKING:
    from gitbaton.domain.board import Board, Entry

_LOCAL_SHOWN = 3
#: What doctor knows that somebody who only looks should hear of, though nothing is wrong.
_TELLING_NOTES = ("not-pushed",)


class Running(NamedTuple):
    """A task that somebody is at: since when (seconds since the epoch), and where to watch."""

    entry: Entry
    who: str
    attempt: int
    since: float
    watch_url: str | None


class Survey(NamedTuple):
    """Everything that ``status`` and ``board`` show. ``next`` are all claimable tasks, best first, with the reason
    for each; ``nothing`` says why there are none. ``hints`` are problems, each with what helps.
    """

    board: Board
    branch: str
    remote: str | None
    now: float
    running: list[Running]
    wants: list[Want]
    next: list[tuple[Entry, str]]
    nothing: str | None
    queue: Queue
    totals: dict[str, int]
    cost_usd: float
    hints: list[tuple[str, str | None]]

    def elapsed_s(self, running: Running) -> float:
        """Seconds for which somebody is at a task."""
        return max(0.0, self.now - running.since)

    def age_s(self, entry: Entry) -> float | None:
        """Seconds since the last event of a task; None where there is none."""
        since = parse_time(entry.live.since) if entry.live else None
        return max(0.0, self.now - since) if since is not None else None


def survey_project(project: Project, *, fetch: bool = False, checkup: bool = True) -> Survey:
    """Look at everything, as of the last fetch, or, with ``fetch``, as of now. A remote that can't be reached is one
    of the hints. ``checkup``: what doctor sees at once is among them, too.
    """
    hints: list[tuple[str, str | None]] = []
    if fetch:
        try:
            project = project.fetched()
        except BatonError as error:
            hints.append((f"{error.message}; this is as of the last fetch", error.hint))
    view = load_view(project, local=True)
    local = [e.row.id for e in view.board.entries.values() if e.row.local]
    base = load_view(project, local=False) if local else view
    queue = claimable_in_order(base.board)
    totals: dict[str, int] = {}
    for entry in view.board.entries.values():
        totals[entry.state] = totals.get(entry.state, 0) + 1
    live = (e.live for e in view.board.entries.values() if e.live)
    return Survey(
        board=view.board, branch=project.repo.base.branch, remote=project.repo.remote,
        now=project.refs.now().timestamp(), running=_list_running(project, view), wants=list_wants(view.board),
        next=[(e, explain_reason(e)) for e in queue], nothing=None if queue else explain_nothing(base),
        queue=measure_queue(view.board), totals=totals, cost_usd=sum(row.cost_usd for row in live),
        hints=hints + _list_hints(project, view, local, checkup=checkup),
    )  # fmt: skip


def _list_running(project: Project, view: View) -> list[Running]:
    """Who is at what, longest first."""
    found = []
    now = project.refs.now().timestamp()
    for entry in view.board.entries.values():
        live = entry.live
        if live is None or not (entry.running or entry.state == "taken_over"):
            continue
        past = list_past(view.tips, entry.row.id)
        started = past[-1]["started"] if entry.running and past else live.since
        tip = view.tips.states.get(entry.row.id)
        watch = tip.state.watch_url if tip and entry.running else None
        since = parse_time(started) or now
        found.append(Running(entry, live.holder or "somebody", live.attempt, since, watch))
    return sorted(found, key=lambda r: (r.since, r.entry.row.id))


def _list_hints(
    project: Project, view: View, local: list[str], *, checkup: bool
) -> list[tuple[str, str | None]]:
    hints: list[tuple[str, str | None]] = []
    for broken in view.board.broken:
        said = str(broken.problems[0]) if broken.problems else f"{broken.path} can't be read"
        hints.append((said, "baton validate"))
    unreadable = sorted(view.tips.unreadable)
    hints += [(f"the live state of {task} can't be read", "baton doctor") for task in unreadable]
    if not project.repo.config_problems:
        reached = find_reached_cap(view, project.repo.config, now=project.refs.now())
        if reached:
            hints.append((f"no agent can start now: {reached.words}", None))
    if local:
        shown = ", ".join(sorted(local)[:_LOCAL_SHOWN]) + (" …" if len(local) > _LOCAL_SHOWN else "")
        where = project.repo.base.branch + (f" of {project.repo.remote}" if project.repo.remote else "")
        hints.append((f"changed only in this checkout: {shown}", f"commit and push, or merge, to {where}"))
    if checkup:
        found = (f for check in CHECKS for f in check(project))
        hints += [
            (f.message, "baton doctor --fix" if f.fix else f.remedy)
            for f in found
            if f.severity != "note" or f.code in _TELLING_NOTES
        ]
    return hints
