"""``baton bottlenecks``: what holds the work up, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.attention import Want, list_wants
from gitbaton.domain.bottlenecks import (
    CheckFigures,
    CheckRun,
    Length,
    SlowRole,
    find_critical_path,
    find_slow_roles,
    judge_checks,
    measure_lengths,
)
from gitbaton.domain.experience import Experience, find_middle
from gitbaton.domain.outlook import OVER, count_below, look_ahead
from gitbaton.domain.queue import claimable_in_order
from gitbaton.domain.stats import find_quantile
from gitbaton.errors import Refusal
from gitbaton.store.git import read_objects
from gitbaton.store.live import list_past, parse_time
from gitbaton.store.plain import read_plain
from gitbaton.store.works import name_works
from gitbaton.usecases.forecasting import find_open_tasks, make_source
from gitbaton.usecases.measuring import Past, find_plan, read_past
from gitbaton.usecases.project import Project, View, load_view

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gitbaton.domain.board import Entry

#: So many of the newest handoffs are looked at: what checks did long ago is past mending.
_HANDOFFS_MAX = 500


class OnPath(NamedTuple):
    """A task of the critical path; ``length`` is None where too little is known to say how long it takes."""

    entry: Entry
    length: Length | None


class Gate(NamedTuple):
    """A task that others wait for: how many open ones can't be done before it is."""

    entry: Entry
    below: int
    remedy: str


class Waiting(NamedTuple):
    """A task that waits for a person: since when (seconds), who could act (None: anybody), how many tasks wait behind it."""

    want: Want
    age_s: float | None
    who: str | None
    below: int


class Reviews(NamedTuple):
    """How long reviews took (median, 90th percentile), the median attempt beside it, and those that take longer already."""

    ended: int
    median_s: float
    p90_s: float
    attempt_s: float | None
    overdue: tuple[Waiting, ...]


class Bottlenecks(NamedTuple):
    """Everything that is to be told. ``thin`` says why the path has no durations; ``lived`` is what they
    rest on.
    """

    plan: str | None
    open: int
    path: tuple[OnPath, ...]
    thin: str | None
    lived: Experience
    gates: tuple[Gate, ...]
    waiting: tuple[Waiting, ...]
    checks: tuple[CheckFigures, ...]
    roles: tuple[SlowRole, ...]
    reviews: Reviews | None


def find_bottlenecks(project: Project, plan: str | None = None) -> Bottlenecks:
    """What holds up the open tasks, or those of ``plan``. Raises ``Refusal`` (``unknown-id``)."""
    view = load_view(project, local=True)
    wanted = find_plan(view, plan) if plan else None
    past = read_past(project, view)
    lived = past.lived
    ours = _find_ours(view, wanted)
    below = count_below(view.board)
    path, thin = _find_path(project, view, lived, wanted)
    waiting = _list_waiting(project, view, ours, below)
    tasks = {row.task for row in past.rows if wanted is None or row.plan == wanted}
    rows = [row for row in past.rows if row.task in tasks]
    return Bottlenecks(
        wanted, len(ours), path, thin, lived, _list_gates(view, ours, below), waiting,
        tuple(judge_checks(_read_checks(project, view, tasks))), tuple(find_slow_roles(rows)),
        _judge_reviews(past, lived, tasks, waiting),
    )  # fmt: skip


def _find_ours(view: View, plan: str | None) -> set[str]:
    """The open tasks that were asked about, and all that they need."""
    entries = view.board.entries
    todo = [t for t, e in entries.items() if e.state not in OVER and (plan is None or e.row.plan == plan)]
    found: set[str] = set()
    while todo:
        task = todo.pop()
        if task not in found and task in entries:
            found.add(task)
            todo += entries[task].blocked_by
    return found


def _find_path(
    project: Project, view: View, lived: Experience, plan: str | None
) -> tuple[tuple[OnPath, ...], str | None]:
    ahead = look_ahead(view.board, lambda entry: plan is None or entry.row.plan == plan)
    if not ahead.goal:
        return (), None
    thin = None
    try:
        tasks, _ = find_open_tasks(project, view, lived, ahead.entries)
        lengths: Mapping[str, Length] = measure_lengths(tasks, lived, make_source("0"))
    except Refusal as error:
        thin = error.message
        tasks, _ = find_open_tasks(project, view, lived, ahead.entries, blind=True)
        lengths = {task.id: Length(1.0, 0.0, 0.0) for task in tasks}
    entries = view.board.entries
    path = find_critical_path(tasks, lengths, ahead.goal)
    return tuple(OnPath(entries[task], None if thin else lengths[task]) for task in path), thin


def _list_gates(view: View, ours: Collection[str], below: Mapping[str, int]) -> tuple[Gate, ...]:
    """What most others wait for, and what brings it on."""
    wants = {want.entry.row.id: want for want in list_wants(view.board)}
    queue = [entry.row.id for entry in claimable_in_order(view.board)]
    found = []
    for task in sorted(ours, key=lambda t: (-below.get(t, 0), t)):
        entry = view.board.entries[task]
        if not below.get(task):
            continue
        if task in wants:
            remedy = wants[task].remedy
        elif entry.running:
            remedy = f"baton logs {task}"
        elif entry.claimable:
            remedy = f"baton run {task}" if queue[:1] == [task] else f"baton queue first {task}"
        else:
            remedy = f"baton explain {task}"
        found.append(Gate(entry, below[task], remedy))
    return tuple(found)


def _list_waiting(
    project: Project, view: View, ours: Collection[str], below: Mapping[str, int]
) -> tuple[Waiting, ...]:
    """What waits for people: what most others wait behind, and what waits longest, first."""
    now = project.refs.now().timestamp()
    found = []
    for want in list_wants(view.board):
        task, live = want.entry.row.id, want.entry.live
        if task not in ours:
            continue
        since = parse_time(live.since) if live else None
        who = want.entry.row.assignee
        if want.kind == "held" and live and live.hold and task in view.tips.states:
            event = view.tips.states[task].state.event
            who = who or (event.by if event.name == "held" else None)
        found.append(Waiting(want, None if since is None else max(0.0, now - since), who, below.get(task, 0)))
    return tuple(sorted(found, key=lambda w: (-w.below, -(w.age_s or 0.0), w.want.entry.row.id)))


def _judge_reviews(
    past: Past, lived: Experience, tasks: Collection[str], waiting: Collection[Waiting]
) -> Reviews | None:
    ended = sorted(
        w.seconds for task, ws in past.waits.items() if task in tasks for w in ws if w.kind == "review"
    )
    if not ended:
        return None
    most = find_quantile(ended, 0.9)
    overdue = tuple(w for w in waiting if w.want.kind == "review" and (w.age_s or 0.0) > most)
    attempt = find_middle(one.seconds for one in lived.tries)
    return Reviews(len(ended), find_middle(ended) or 0.0, most, attempt, overdue)


def _read_checks(project: Project, view: View, tasks: Collection[str]) -> list[CheckRun]:
    """The checks of the newest attempts, from their handoffs; what this clone doesn't have is left out."""
    repo = project.repo
    told = [
        (one, task)
        for task in sorted(tasks)
        for one in list_past(view.tips, task)
        if one.get("handoff") and one.get("head") and one.get("ended")
    ]
    told = sorted(told, key=lambda pair: (pair[0]["ended"], pair[1]))[-_HANDOFFS_MAX:]
    texts = read_objects(repo.git, (f"{one['head']}:{one['handoff']}" for one, _ in told))
    missing = [n for n, text in enumerate(texts) if text is None]
    if missing and repo.base.commit:
        merged = read_objects(repo.git, (f"{repo.base.commit}:{told[n][0]['handoff']}" for n in missing))
        for n, text in zip(missing, merged, strict=True):
            texts[n] = text
    works = name_works(repo.git, (one["head"] for one, _ in told))
    runs = []
    for (one, task), text in zip(told, texts, strict=True):
        said = read_plain(repo, text, one["handoff"], "handoff") if text else None
        runs += [
            CheckRun(task, one["number"], check["name"], bool(check["passed"]), works.get(one["head"]))
            for check in (said or {}).get("checks") or ()
        ]
    return runs
