"""The board: effective states, folded from task files, state tips and the time. Pure and deterministic,
so that every machine that sees the same commits at the same time gives the same answer.

It works on light values; documents are validated where they are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.gates import GATES, Gates, find_gates, judge_split
from gitbaton.domain.graph import measure_depths

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterable, Mapping, Sequence

    from gitbaton.domain.lifecycle import LiveStatus
    from gitbaton.errors import Problem

EffectiveState = Literal[
    "draft", "held", "done", "cancelled", "waiting", "ready", "in_progress", "stale", "needs_input",
    "in_review", "changes_requested", "failed", "stopped", "closed", "taken_over",
]  # fmt: skip
_LONG_S = 86400.0  # who waits for longer is said to
#: Statuses in which nobody has decided yet that the work is good.
_UNDECIDED = ("in_progress", "in_review", "changes_requested")


class TaskRow(NamedTuple):
    """What the board needs of a task file. ``local`` says why the row is not (only) what base says:
    ``uncommitted`` or ``unmerged``; None = exactly what stands on base. ``approval``: ``given``, or ``outdated`` when
    what was approved has changed since.
    """

    id: str
    path: str
    title: str
    status: str = "todo"
    type: str = "task"
    priority: str = "medium"
    role: str | None = None
    depends_on: tuple[str, ...] = ()
    parent: str | None = None
    plan: str | None = None
    milestone: str | None = None
    paths: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    complexity: str | None = None
    service: str | None = None
    hold: str | None = None
    created: str | None = None
    attempts_max: int | None = None
    approval: str | None = None
    local: str | None = None


class BrokenRow(NamedTuple):
    """A task file that can't be read, and why. ``parents`` are the ids that its text may name as parent."""

    id: str
    path: str
    problems: tuple[Problem, ...]
    local: str | None = None
    parents: tuple[str, ...] = ()


class LiveRow(NamedTuple):
    """What the board needs of a state tip. Times are seconds since the epoch. ``workflow`` names the workflow
    run that holds the claim, if one does.
    """

    task: str
    status: LiveStatus
    oid: str
    run: str | None = None
    attempt: int = 0
    attempt_limit: int | None = None
    holder: str | None = None
    person: bool = False
    lease: float | None = None
    retry_at: float | None = None
    reason: str | None = None
    hold: str | None = None
    question: str | None = None
    guidance: tuple[str, ...] = ()
    outcome: str | None = None
    branch: str | None = None
    head: str | None = None
    merge: str | None = None
    pull_request: str | None = None
    cost_usd: float = 0.0
    since: str | None = None
    workflow: str | None = None


class Entry(NamedTuple):
    """One task on the board. ``claimable`` is True when only caps could still say no;
    ``why`` is the reason for the state in a sentence. ``running`` says that somebody is at it now, even
    where a person finished or cancelled the task meanwhile and ``state`` says so. ``gate`` names what its complexity
    demands (``approval``, ``breakdown``) where that alone keeps it from being claimed;
    ``split`` is ``required`` or ``advised`` for a task that its complexity makes one to split, and that has no parts.
    """

    row: TaskRow
    live: LiveRow | None
    state: EffectiveState
    blocked_by: tuple[str, ...]
    claimable: bool
    why: str
    attempts_left: int
    depth: int
    running: bool
    gate: str | None = None
    split: str | None = None

    @property
    def is_busy(self) -> bool:
        """Whether somebody's work on it occupies its paths."""
        return self.running or self.state == "in_review"


class Board(NamedTuple):
    """All tasks and all files that can't be read."""

    entries: dict[str, Entry]
    broken: tuple[BrokenRow, ...]
    children: dict[str, tuple[str, ...]]


def fold_board(
    rows: Iterable[TaskRow],
    broken: Iterable[BrokenRow],
    tips: Mapping[str, LiveRow],
    *,
    now: float,
    attempts_max: int,
    merges_seen: Iterable[str] = (),
    plans: Iterable[str] | None = None,
    gates: Gates = GATES,
) -> Board:
    """Fold task rows and state tips into the board.

    ``now`` is in seconds since the epoch; ``attempts_max`` the config's retries.attempts;
    ``merges_seen`` the merge commits (from tips) that base already holds; ``plans`` the ids of plans on
    base (None: don't check); ``gates`` what the config demands of levels of complexity.
    """
    by_id = {row.id: row for row in rows}
    broken_rows = tuple(broken)
    seen, known_plans = set(merges_seen), None if plans is None else set(plans)
    children: dict[str, list[str]] = {}
    for row in by_id.values():
        if row.parent and row.parent != row.id:
            children.setdefault(row.parent, []).append(row.id)
    for row_of_none in broken_rows:  # nobody can say that it is done, so neither is its parent
        for parent in row_of_none.parents:
            if row_of_none.id not in by_id and row_of_none.id not in children.get(parent, ()):
                children.setdefault(parent, []).append(row_of_none.id)
    for kids in children.values():
        kids.sort()  # files come in any order; the answer is the same
    finished = _finished(by_id, children, tips, seen)
    off = {row.id for row in by_id.values() if is_off(row)}
    edges = {row.id: list_needs(row, children.get(row.id, ())) for row in by_id.values()}
    depths = measure_depths(edges, finished | off)  # a cancelled task is no work, and lets none through
    entries = {
        row.id: fold_task(
            row, tips.get(row.id), children.get(row.id, ()), finished, off, depth=depths.get(row.id, 0), now=now,
            attempts_max=attempts_max, plans=known_plans, gates=gates,
        )
        for row in by_id.values()
    }  # fmt: skip
    return Board(entries, broken_rows, {k: tuple(v) for k, v in children.items()})


def list_needs(row: TaskRow, kids: Iterable[str]) -> tuple[str, ...]:
    """What must be over before a task can be: what it depends on, and its parts."""
    return tuple(dict.fromkeys((*row.depends_on, *kids)))


def fold_task(
    row: TaskRow,
    live: LiveRow | None,
    kids: Sequence[str],
    finished: Container[str],
    off: Container[str],
    *,
    depth: int,
    now: float,
    attempts_max: int,
    plans: Container[str] | None = None,
    gates: Gates = GATES,
) -> Entry:
    """One task on the board. ``kids`` are the tasks that name it as parent, by id; ``finished`` and ``off`` tell
    of the task itself and of what it needs.
    """
    parts = set(kids) - set(row.depends_on)
    blocked = tuple(n for n in list_needs(row, kids) if n not in finished and not (n in parts and n in off))
    left = _count_left(row, live, attempts_max)
    state, why = _effective(row, live, blocked, parts, left, is_done=row.id in finished, now=now)
    gate = None
    claimable = not kids and _is_claimable(row, live, state, blocked, left, now=now)
    if claimable and plans is not None and row.plan and row.plan not in plans:
        claimable, why = False, f"its plan {row.plan} is not merged yet"
    if claimable and row.local:
        claimable, why = (
            False,
            "it is only local: it can be claimed once it is merged into the base branch",
        )
    if claimable and (shut := find_gates(row, gates)):
        claimable, why, gate = False, shut[0].words, shut[0].name
    running = live is not None and is_held(live, now)
    split = None if kids or state in ("done", "cancelled") else judge_split(row, gates)
    return Entry(row, live, state, blocked, claimable, why, left, depth, running, gate, split)


def is_held(live: LiveRow, now: float) -> bool:
    """Whether somebody has it at ``now``; then nobody else can claim it."""
    return live.status == "in_progress" and (live.lease is None or live.lease > now)


def find_turn(live: LiveRow | None) -> float | None:
    """The moment at which a task's state may change by itself: the end of its lease, or of its back-off."""
    if live is None:
        return None
    return live.lease if live.status == "in_progress" else live.retry_at if live.status == "failed" else None


def _count_left(row: TaskRow, live: LiveRow | None, attempts_max: int) -> int:
    """Attempts that may still be made without a person: what a person granted comes before task and config."""
    granted = live.attempt_limit if live else None
    return max(
        0, (row.attempts_max or attempts_max if granted is None else granted) - (live.attempt if live else 0)
    )


def is_off(row: TaskRow) -> bool:
    """Whether nobody will do it."""
    return row.status == "cancelled"


def is_finished(row: TaskRow, live: LiveRow | None, seen: Container[str]) -> bool:
    """Whether a task is done by its file, or by a merge that this clone hasn't fetched yet (not among ``seen``). What
    only this checkout says while the work is still under way or in review is the work's own word: base decides.
    """
    if row.status == "done":
        return not (row.local and live and live.status in _UNDECIDED)
    merge = live.merge if live and live.status == "merged" else None
    return row.status == "todo" and bool(merge) and merge not in seen


def is_made_by_parts(
    row: TaskRow, kids: Collection[str], finished: Container[str], off: Container[str]
) -> bool:
    """Whether a parent is done because every part is done or cancelled and one at least is done."""
    return (
        row.status == "todo"
        and all(kid in finished or kid in off for kid in kids)
        and any(kid in finished for kid in kids)
    )


def _finished(
    by_id: Mapping[str, TaskRow],
    children: Mapping[str, list[str]],
    tips: Mapping[str, LiveRow],
    seen: set[str],
) -> set[str]:
    """Ids of the tasks that are done, by themselves or by their parts."""
    off = {row.id for row in by_id.values() if is_off(row)}
    done = {row.id for row in by_id.values() if is_finished(row, tips.get(row.id), seen)}
    parents = [by_id[p] for p in children if p in by_id]
    changed = True
    while changed:
        changed = False
        for parent in [p for p in parents if p.id not in done]:
            if is_made_by_parts(parent, children[parent.id], done, off):
                done.add(parent.id)
                changed = True
    return done


def _effective(
    row: TaskRow,
    live: LiveRow | None,
    blocked: tuple[str, ...],
    parts: set[str],
    left: int,
    *,
    is_done: bool,
    now: float,
) -> tuple[EffectiveState, str]:
    """State and reason. ``parts`` are the tasks that name this one as parent."""
    if row.status == "cancelled":
        return "cancelled", "it was cancelled"
    if is_done:
        return "done", "it is done" if row.status == "done" or not parts else "its parts are done"
    if live and live.status == "in_progress":  # a draft or a hold must not hide work that goes on
        who = live.holder or "somebody"
        if is_held(live, now):
            return "in_progress", f"{who} is at it"
        after = "" if left else ", and it was the last attempt: a person decides"
        if live.workflow and left:
            after = f"; it is free once {live.workflow} has ended"
        return "stale", f"{who} claimed it, but the lease has passed{after}"
    if row.status == "draft":
        return "draft", "it is a draft: set status=todo when it is meant"
    if live and live.status == "in_review":
        return "in_review", "its work waits for a review"
    hold = row.hold or (live and live.hold)
    if hold:
        return "held", f"on hold: {hold}"
    if live and live.status not in ("open", "merged"):
        return _live_state(live, now=now)
    if blocked:
        inside = [n for n in blocked if n in parts]
        outside = [n for n in blocked if n not in parts]
        words = [f"it waits for {', '.join(outside)}"] if outside else []
        words += [f"its parts are not done: {', '.join(inside)}"] if inside else []
        return "waiting", "; ".join(words)
    if parts:
        return "waiting", "its parts were cancelled: set it done or cancel it"
    return "ready", "all its dependencies are done" if row.depends_on else "it depends on nothing"


def _live_state(live: LiveRow, *, now: float) -> tuple[EffectiveState, str]:
    match live.status:
        case "needs_input":
            return (
                "needs_input",
                f"the agent asks{_say_age(live.since, now)}: {live.question or 'see its handoff'}",
            )
        case "changes_requested":
            return "changes_requested", "a reviewer wants more"
        case "failed":
            words = live.reason or "the attempt failed"
            if live.retry_at is not None and live.retry_at > now:
                words += "; it is tried again later"
            return "failed", words
        case "stopped":
            return "stopped", live.reason or "a person stopped it"
        case "closed":
            return "closed", "its review was closed without merging"
        case "taken_over":
            return "taken_over", f"{live.holder or 'a person'} works on the branch"
        case _:
            raise AssertionError(live.status)


def _say_age(since: str | None, now: float) -> str:
    """For how long somebody waits, where that is long."""
    from datetime import UTC, datetime

    from gitbaton.domain.durations import render_duration

    if not since:
        return ""
    moment = datetime.fromisoformat(since)
    age_s = now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return f", for {render_duration(age_s)}" if age_s >= _LONG_S else ""


def _is_claimable(
    row: TaskRow,
    live: LiveRow | None,
    state: EffectiveState,
    blocked: tuple[str, ...],
    left: int,
    *,
    now: float,
) -> bool:
    if blocked or row.status != "todo":
        return False
    if state == "failed":
        return left > 0 and (live is None or live.retry_at is None or live.retry_at <= now)
    if state == "stale":  # attempts that never report back count, too: a task may be what kills its machine
        return left > 0 and not (row.hold or (live and live.hold))
    return state in ("ready", "changes_requested")
