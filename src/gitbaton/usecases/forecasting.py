"""``baton forecast``: when the open work will be done, from what was measured."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.estimate import parse_estimate
from gitbaton.domain.experience import LEAST, Basis, Experience, measure_lanes
from gitbaton.domain.forecast import Forecast, forecast
from gitbaton.domain.outlook import LeftOut, find_needs, look_ahead
from gitbaton.domain.queue import order_key
from gitbaton.domain.story import Begin, OpenTask, has_outlasted
from gitbaton.errors import Refusal
from gitbaton.store.live import list_past, parse_time
from gitbaton.store.plain import read_plain
from gitbaton.store.snapshots import read_source
from gitbaton.usecases.measuring import Past, find_plan, read_past
from gitbaton.usecases.project import Project, View, load_view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gitbaton.domain.board import Entry

#: So many tasks times runs take a second or two; more runs say the same with more digits.
_WORK_MAX = 120_000
RUNS_MIN, RUNS_MAX = 50, 1_000


class Lanes(NamedTuple):
    """How many attempts run at once, and who says so: ``asked``, ``cap``, ``measured`` or ``assumed``."""

    number: int
    says: str


class Outlined(NamedTuple):
    """What is to be told. ``open`` counts the open tasks asked about; ``forecast`` is None where none of them can be told.
    ``bases`` says from what attempts are drawn, with how many tasks; ``local`` are tasks of this checkout alone; ``outlasting`` those that
    take longer already than anything before.
    """

    plan: str | None
    open: int
    forecast: Forecast | None
    left_out: tuple[LeftOut, ...]
    lanes: Lanes
    runs: int
    seed: str
    now: float
    lived: Experience
    bases: Mapping[str, int]
    estimated: int
    local: int
    played: int
    outlasting: int
    by_s: float | None = None
    by_said: str = ""


def forecast_work(
    project: Project,
    plan: str | None = None,
    *,
    lanes: int | None = None,
    runs: int | None = None,
    seed: str = "0",
) -> Outlined:
    """When all open tasks, or those of ``plan``, will be done. Raises ``Refusal``: ``unknown-id``, and
    ``too-little-data`` where neither attempts nor estimates say how long tasks take.
    """
    view = load_view(project, local=True)
    wanted = find_plan(view, plan) if plan else None
    past = read_past(project, view)
    return foresee(project, view, past, wanted, lanes=lanes, runs=runs, seed=seed)


def foresee(
    project: Project, view: View, past: Past, plan: str | None, *, lanes: int | None = None, runs: int | None = None,
    seed: str = "0",
) -> Outlined:  # fmt: skip
    """As ``forecast_work``, from what was read already."""
    lived, now = past.lived, project.refs.now().timestamp()
    ahead = look_ahead(view.board, lambda entry: plan is None or entry.row.plan == plan)
    tasks, bases = find_open_tasks(project, view, lived, ahead.entries)
    width = choose_lanes(project, past, lanes)
    number = runs or max(RUNS_MIN, min(RUNS_MAX, _WORK_MAX // max(1, len(tasks))))
    found = None
    if ahead.goal:
        found = forecast(
            tasks,
            set(ahead.goal),
            lived,
            lanes=width.number,
            runs=number,
            source=make_source(seed),
            reviews_max=None if project.repo.config_problems else project.repo.config.caps.open_reviews,
        )
    told = {task: basis for task, basis in bases.items() if task in set(ahead.goal)}
    counts: dict[str, int] = {}
    for basis in told.values():
        counts[basis.words] = counts.get(basis.words, 0) + 1
    entries = view.board.entries
    return Outlined(
        plan, len(ahead.goal) + len(ahead.left_out), found, ahead.left_out, width, number, seed, now, lived,
        dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))), sum(b.estimated for b in told.values()),
        sum(bool(entries[task].row.local) for task in ahead.goal), len(tasks),
        sum(has_outlasted(task, lived) for task in tasks),
    )  # fmt: skip


def find_open_tasks(
    project: Project, view: View, lived: Experience, entries: Sequence[Entry], *, blind: bool = False
) -> tuple[list[OpenTask], dict[str, Basis]]:
    """``entries`` as tasks to be played, and what their attempts are drawn from. Raises ``Refusal`` (``too-little-data``)
    where nothing says how long some take; ``blind``: they are described all the same.
    """
    bases = {} if blind else _find_bases(project, view, lived, entries)
    without = [e.row.id for e in entries if e.row.id not in bases and not _is_parent(view, e)]
    if without and not blind:
        raise _refuse_thin(lived, without)
    now = project.refs.now().timestamp()
    return [_describe(view, entry, bases.get(entry.row.id), now) for entry in entries], bases


def make_source(seed: str) -> Callable[[str], Callable[[], float]]:
    """Numbers for each task: the same for one seed and one id, whatever else there is."""
    return lambda name: random.Random(f"{seed}:{name}").random  # noqa: S311 lots, no secrets


def choose_lanes(project: Project, past: Past, asked: int | None = None) -> Lanes:
    """What was asked for, else the cap, else what was measured."""
    if asked is not None:
        return Lanes(asked, "asked")
    cap = None if project.repo.config_problems else project.repo.config.caps.running
    if cap is not None:
        return Lanes(cap, "cap")
    measured = measure_lanes(past.rows)
    return Lanes(measured, "measured") if measured else Lanes(1, "assumed")


def _refuse_thin(lived: Experience, tasks: Sequence[str]) -> Refusal:
    """Nothing says how long ``tasks`` take."""
    number = len(lived.tries)
    done = f"{number} attempt{'s' if number != 1 else ''} ended so far"
    if number >= LEAST:
        done += ", and none of them successfully"
    return Refusal(
        f"there is too little to forecast from: {done}, and {len(tasks)} open task{'s have' if len(tasks) != 1 else ' has'} no"
        " estimate that names a time",
        code="too-little-data",
        hint=f'let some work be done first: baton run; or say how long it takes: baton set {tasks[0]} "estimate=2 hours"',
        data={"attempts": number, "least": LEAST, "without_estimate": list(tasks)},
    )  # fmt: skip


def _is_parent(view: View, entry: Entry) -> bool:
    return bool(view.board.children.get(entry.row.id))


def _find_bases(
    project: Project, view: View, lived: Experience, entries: Iterable[Entry]
) -> dict[str, Basis]:
    """By task: what its attempts are drawn from. Files are read only where attempts are too few."""
    bases: dict[str, Basis] = {}
    unknown = []
    for entry in entries:
        if _is_parent(view, entry):
            continue
        basis = lived.find_basis(entry.row.role, entry.row.complexity, None)
        if basis:
            bases[entry.row.id] = basis
        else:
            unknown.append(entry)
    for entry, text in zip(unknown, _read_files(project, unknown), strict=True):
        estimate = parse_estimate((text or {}).get("estimate"))
        if found := lived.find_basis(entry.row.role, entry.row.complexity, estimate):
            bases[entry.row.id] = found
    return bases


def _read_files(project: Project, entries: Sequence[Entry]) -> list[dict[str, Any] | None]:
    """The task files: what is committed from git, at once, and what is only here from here."""
    from gitbaton.store.git import read_objects

    repo = project.repo
    there = [e for e in entries if not e.row.local and repo.base.commit]
    texts = dict(zip((e.row.id for e in there), read_objects(repo.git, (f"{repo.base.commit}:{e.row.path}" for e in there)), strict=True))  # fmt: skip
    found = []
    for entry in entries:
        text = texts.get(entry.row.id)
        if text is None and (source := read_source(repo.top / entry.row.path)):
            text = source.known
        found.append(read_plain(repo, text, entry.row.path, "task") if text else None)
    return found


def _describe(view: View, entry: Entry, basis: Basis | None, now: float) -> OpenTask:
    """An entry of the board as a task to be played."""
    live = entry.live
    since = parse_time(live.since) if live else None
    begins: Begin = "ready"
    match entry.state:
        case "in_progress":
            begins = "by_hand" if live and live.person else "running"
            past = list_past(view.tips, entry.row.id)
            since = parse_time(past[-1]["started"]) if past else since
        case "taken_over":
            begins = "by_hand"
        case "in_review":
            begins = "review"
        case "needs_input":
            begins = "answer"
        case "stopped" | "closed":
            begins = "decision"
        case "failed" | "stale":
            begins = "ready" if entry.attempts_left else "decision"
        case _ if entry.gate:  # what complexity demands of a person first
            begins = "approval"
        case _:
            pass
    pause = (live.retry_at or 0.0) - now if live and entry.state == "failed" and begins == "ready" else 0.0
    is_waiting = begins != "ready" and since is not None
    return OpenTask(
        entry.row.id, find_needs(entry), order_key(entry), basis.tries if basis else (), begins,
        max(0.0, now - since) if is_waiting and since is not None else 0.0, max(0.0, pause), max(1, entry.attempts_left),
        entry.row.paths,
    )  # fmt: skip
