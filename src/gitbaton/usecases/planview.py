"""Looking at plans: all of them, and one at length."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.board import list_needs
from gitbaton.domain.estimate import parse_estimate
from gitbaton.domain.queue import order_key
from gitbaton.domain.waves import Work, find_longest, plan_waves
from gitbaton.errors import UsageError
from gitbaton.usecases.planreading import (
    PlanFile,
    PlanFiles,
    Progress,
    get_plan,
    list_members,
    measure,
)
from gitbaton.usecases.project import Project, View, load_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitbaton.domain.board import Board, Entry
    from gitbaton.domain.plan import Plan
    from gitbaton.usecases.planapproval import Approval
    from gitbaton.usecases.planpast import Moment

_OVER = ("done", "cancelled")
_NAMED = 6


class Summary(NamedTuple):
    """A plan in a line."""

    file: PlanFile
    progress: Progress


class Chain(NamedTuple):
    """The tasks that take longest one after another, and how much work that is: by estimates (``guessed`` are those
    without one, which count as ``each_s``), or by what attempts took, where nothing is estimated. ``seconds`` is None
    where nobody knows, and tasks are counted.
    """

    tasks: tuple[str, ...]
    seconds: float | None
    guessed: tuple[str, ...] = ()
    each_s: float | None = None
    is_measured: bool = False


class Shown(NamedTuple):
    """A plan at length. ``waves`` are tasks that can run at once, wave after wave, with unfinished ones of elsewhere
    that they wait for (``outside``); ``stuck`` can never start as things are; ``broken`` are listed, but can't be read.
    """

    file: PlanFile
    plan: Plan
    progress: Progress
    members: Sequence[Entry]
    board: Board
    waves: Sequence[Sequence[str]]
    outside: frozenset[str]
    stuck: Sequence[str]
    broken: Sequence[str]
    chain: Chain
    approval: Approval
    burn_up: Sequence[Moment]


def list_plans(project: Project) -> list[Summary]:
    """Every plan: those worked on first."""
    view = load_view(project, local=True)
    if not view.contents.plans:
        return []
    files = PlanFiles(project)
    found = []
    for plan in view.contents.plans:
        file = files.find_plan(plan)
        found.append(Summary(file, measure(view.board, list_members(view.board, plan))))
    order = ("active", "draft", "closed")
    return sorted(found, key=lambda s: (order.index(s.file.plan.status) if s.file.plan else -1, s.file.id))


def show_plan(project: Project, text: str | None) -> Shown:
    """One plan; None: the only one that is worked on. Raises ``Refusal`` as ``get_plan``, ``UsageError``
    (``which-plan``).
    """
    from gitbaton.usecases.planapproval import find_approval
    from gitbaton.usecases.planpast import tell_past

    view = load_view(project, local=True)
    files = PlanFiles(project)
    file, plan = get_plan(project, view, files, text or _choose(view, files))
    members = list_members(view.board, file.id, plan.tasks)
    values = files.read_values(members)
    work, outside = _list_work(view.board, members)
    waves, left = plan_waves(work)
    broken = [b.id for b in view.board.broken if b.id in plan.tasks and b.id not in view.board.entries]
    stuck = [e.row.id for e in members if e.row.id in left and e.state not in _OVER]
    return Shown(
        file, plan, measure(view.board, members), members, view.board, waves, outside, stuck, broken, _measure_chain(view, work, values),
        find_approval(project, files, file, members), tell_past(project, file, [e for e in members if not view.board.children.get(e.row.id)]),
    )  # fmt: skip


def _choose(view: View, files: PlanFiles) -> str:
    there = sorted(view.contents.plans)
    active = [p for p in there if (plan := files.find_plan(p).plan) and plan.status == "active"]
    for found in (there, active):
        if len(found) == 1:
            return found[0]
    hint = (
        f"one of: {', '.join((active or there)[:_NAMED])}"
        if there
        else 'write one with: baton plan new "Title"'
    )
    raise UsageError("which plan?", code="which-plan", hint=hint)


def _list_work(board: Board, members: Sequence[Entry]) -> tuple[dict[str, Work], frozenset[str]]:
    """What is left to do, best first, with everything unfinished that it waits for; and what of that is no member."""
    work: dict[str, Work] = {}
    mine = {e.row.id for e in members}
    waiting = [e.row.id for e in members if e.state not in _OVER]
    while waiting:
        task = waiting.pop()
        if task in work:
            continue
        entry = board.entries.get(task)
        if entry is None or entry.state == "cancelled":
            work[task] = Work((task,))  # gone, or never done: what waits for it waits for ever
            continue
        kids = [k for k in board.children.get(task, ()) if k in board.entries]
        needs = [n for n in list_needs(entry.row, kids) if n in entry.blocked_by]
        work[task] = Work(tuple(needs), entry.row.paths, bool(kids))
        waiting += needs
    known = {t: board.entries[t] for t in work if t in board.entries}
    ordered = sorted(
        work, key=lambda t: (t not in known, order_key(known[t]) if t in known else (9, 9, 0, "", t))
    )
    return {t: work[t] for t in ordered}, frozenset(work) - mine


def _measure_chain(view: View, work: Mapping[str, Work], values: Mapping[str, Mapping[str, Any]]) -> Chain:  # fmt: skip
    """The chain that takes longest."""
    told = {t: parse_estimate(values.get(t, {}).get("estimate")) for t, w in work.items() if not w.is_sum}
    known = [seconds for seconds in told.values() if seconds is not None]
    measured = {} if known else _measure_tasks(view, list(told))
    each = median(known) if known else 1.0
    weights = {t: each if seconds is None else seconds for t, seconds in told.items()} | measured
    tasks, weight = find_longest({t: w.needs for t, w in work.items()}, weights)
    tasks = [t for t in tasks if not work[t].is_sum]
    if not known:
        return Chain(tuple(tasks), weight if measured else None, is_measured=bool(measured))
    guessed = tuple(t for t in tasks if told[t] is None)
    return Chain(tuple(tasks), weight, guessed, each if guessed else None)


def _measure_tasks(view: View, tasks: Sequence[str]) -> dict[str, float]:
    """How long attempts at such tasks took, in the middle; nothing where that isn't known of all."""
    from gitbaton.domain.experience import Experience
    from gitbaton.usecases.measuring import list_attempts

    lived = Experience(list_attempts(view), ())
    found: dict[str, float] = {}
    for task in tasks:
        entry = view.board.entries.get(task)
        basis = lived.find_basis(entry.row.role, entry.row.complexity, None) if entry else None
        if basis is None:
            return {}
        found[task] = median(one.seconds for one in basis.tries)
    return found
