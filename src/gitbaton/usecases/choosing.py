"""Which task comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.queue import claimable_in_order, explain_reason, find_overlap
from gitbaton.store.cache import open_cache
from gitbaton.store.cachemove import Wanted, ask_index, choose_from_index, keep_board
from gitbaton.store.ledger import GIT_LEDGER
from gitbaton.store.rows import pause_collector
from gitbaton.store.tips import States, list_tips
from gitbaton.usecases.project import load_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gitbaton.domain.board import Entry
    from gitbaton.store.cacheindex import BoardIndex, Stand
    from gitbaton.usecases.project import Project, View

_LOCAL_SHOWN = 5


class Choice(NamedTuple):
    """What ``next`` answers: an entry or none, and why."""

    entry: Entry | None
    reason: str


def choose_next(view: View, *, accept: Callable[[Entry], bool] = lambda _: True) -> Choice:
    """The best claimable task, from base and state refs alone."""
    found = next((e for e in claimable_in_order(view.board) if accept(e)), None)
    return Choice(found, explain_reason(found) if found else explain_nothing(view, accept))


def explain_nothing(view: View, accept: Callable[[Entry], bool] = lambda _: True) -> str:
    """Why nothing is ready, counted by state; of what ``accept`` likes, if there is any of that."""
    entries = [entry for entry in view.board.entries.values() if accept(entry)]
    if view.board.entries and not entries:
        return "no task is like that"
    counts: dict[str, int] = {}
    for entry in entries:
        state = "to be approved" if entry.gate == "approval" else entry.state
        counts[state] = counts.get(state, 0) + 1
    open_states = {s: n for s, n in counts.items() if s not in ("done", "cancelled")}
    if not entries and not view.board.broken:
        return "there are no tasks on the base branch yet"
    words = ", ".join(f"{n} {s.replace('_', ' ')}" for s, n in sorted(open_states.items()))
    broken = f"; {len(view.board.broken)} broken" if view.board.broken else ""
    if not open_states:
        return "all tasks are done" + broken
    return f"no task is ready: {words}{broken}{name_gated(entries)}"


def name_gated(entries: Iterable[Entry]) -> str:
    """Of tasks that nothing but their complexity keeps from being claimed, which, and what helps."""
    gated = sorted(e.row.id for e in entries if e.gate == "approval")
    if not gated:
        return ""
    shown = ", ".join(gated[:_LOCAL_SHOWN]) + (" …" if len(gated) > _LOCAL_SHOWN else "")
    return f"; a person must approve {shown} (baton approve {gated[0]})"


def name_local_tasks(project: Project, choice: Choice) -> Choice:
    """``choice``; where it is none, with the tasks that only this checkout has: nobody can claim those yet."""
    if choice.entry is not None:
        return choice
    rows = [entry.row for entry in load_view(project, local=True).board.entries.values()]
    local = sorted(row.id for row in rows if row.local and row.status == "todo")
    if not local:
        return choice
    where = project.repo.base.branch + (f" on {project.repo.remote}" if project.repo.remote else "")
    shown = ", ".join(local[:_LOCAL_SHOWN]) + (" …" if len(local) > _LOCAL_SHOWN else "")
    said = f"{choice.reason}; only in this checkout: {shown} (commit and push, or merge, to {where})"
    return Choice(None, said)


class Filters(NamedTuple):
    """Which tasks somebody wants: those that pass every filter that is set. ``labels``: at least one of them;
    ``ids``: one of these tasks; ``without``: none of these.
    """

    labels: tuple[str, ...] = ()
    plan: str | None = None
    service: str | None = None
    ids: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def accept(self, entry: Entry) -> bool:
        """Whether this one is wanted."""
        row = entry.row
        return (
            (not self.labels or any(label in row.labels for label in self.labels))
            and self.plan in (None, row.plan)
            and self.service in (None, row.service)
            and (not self.ids or row.id in self.ids)
            and row.id not in self.without
        )


#: Every task is wanted.
ANY = Filters()


def find_next(project: Project, accept: Callable[[Entry], bool]) -> Choice | None:
    """The next task from the kept index of the board; None where that doesn't know of one."""
    wanted = want(project)
    found = wanted and choose_from_index(
        open_cache(project.repo), wanted, project.refs.now().timestamp(), accept
    )
    return Choice(found.entry, explain_reason(found.entry)) if found and found.entry else None


def find_claimable(
    project: Project, text: str | None, accept: Callable[[Entry], bool]
) -> tuple[Entry, str | None] | None:
    """The task that ``text`` names (None: the next one that ``accept`` likes) from the kept index, if it can be claimed just so, and the id
    of its state tip; None where everything must be looked at.
    """
    wanted = want(project)
    if wanted is None:
        return None
    now = project.refs.now().timestamp()

    def find(index: BoardIndex, stand: Stand) -> Entry | None:
        if text is None:
            return index.choose(stand, now, accept)[0]
        entry = index.find(text, stand, now)
        is_free = entry and entry.claimable and not find_overlap(entry.row, index.list_busy(stand, now))
        return entry if is_free else None

    entry = ask_index(open_cache(project.repo), wanted, find)
    if entry is None or entry.state == "stale":  # of which somebody may have to be asked
        return None
    return entry, wanted.tips.get(entry.row.id)


def is_alone(project: Project, task: str) -> bool:
    """Whether the kept index knows that nobody works where the paths of ``task`` are."""
    wanted = want(project)
    now = project.refs.now().timestamp()

    def judge(index: BoardIndex, stand: Stand) -> bool:
        mine = index.look(task, stand, now)
        return mine is not None and find_overlap(mine.row, index.list_busy(stand, now)) is None

    return bool(wanted and ask_index(open_cache(project.repo), wanted, judge))


def keep_view(project: Project, view: View) -> None:
    """Keep the index of a board of base."""
    states = view.tips.states
    wanted = want(project, states.all_oids) if isinstance(states, States) else None
    if wanted:
        with pause_collector():
            keep_board(open_cache(project.repo), wanted, view.board, view.contents.plans)


def want(project: Project, known: Mapping[str, str] | None = None) -> Wanted | None:
    """The board that an answer from the index is asked for; None where the index can't answer. ``known`` are the ids of the
    state tips, if they were read already.
    """
    repo = project.repo
    if (
        repo.base.commit is None
        or project.own_task
        or project.ledger is not GIT_LEDGER
        or not repo.keeps_cache
    ):
        return None
    tips = list_tips(repo) if known is None else known
    return Wanted(
        str(repo.top), repo.base.commit, tips, repo.config_file.facts.attempts_max, project.refs.tolerance_s, repo.seen_prefix,
        repo.config_file.facts.gates, repo.state_prefix,
    )  # fmt: skip
