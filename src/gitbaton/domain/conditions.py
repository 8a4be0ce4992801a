"""What must hold before somebody may claim a task, as one list: a refused claim names the condition that decides,
``explain`` shows them all.

The board folds the same rules into one answer for each of many tasks (``board.fold_task``); that both agree is a law
that the tests check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.durations import render_duration
from gitbaton.domain.gates import GATES, Gates, find_gates, needs_approval
from gitbaton.domain.queue import find_overlap

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from gitbaton.domain.board import Board, Entry

#: The condition that a state is about; of all others the first that doesn't hold decides.
_DECIDES = {
    "draft": "status",
    "done": "status",
    "cancelled": "status",
    "held": "hold",
    "waiting": "dependencies",
}
_SHOWN = 6


class Condition(NamedTuple):
    """One thing that must hold. ``words`` say how it stands, ``remedy`` what to do where it doesn't hold."""

    name: str
    met: bool
    words: str
    remedy: str | None = None
    code: str = "not-claimable"


def list_conditions(
    board: Board, entry: Entry, *, now: float, plans: Container[str] | None = None, gates: Gates = GATES
) -> list[Condition]:
    """How ``entry`` stands to each condition that the board can judge; caps and the forge are asked elsewhere.
    ``plans`` are the ids of plans on base (None: don't check); ``gates`` what the config demands of levels of complexity.
    """
    kids = board.children.get(entry.row.id, ())
    return [
        _judge_status(entry),
        _judge_hold(entry),
        _judge_claim(entry, now),
        _judge_needs(board, entry),
        _judge_parts(board, entry, kids),
        _judge_plan(entry, plans),
        *_judge_gates(entry, kids, gates),
        _judge_place(entry),
        _judge_attempts(entry),
        _judge_back_off(entry, now),
        _judge_paths(board, entry),
    ]


def find_decisive(entry: Entry, conditions: Sequence[Condition]) -> Condition | None:
    """The condition to name when the task can't be claimed; None when all hold."""
    unmet = [c for c in conditions if not c.met]
    wanted = _DECIDES.get(entry.state, "claim")
    return next((c for c in unmet if c.name == wanted), unmet[0] if unmet else None)


def _judge_status(entry: Entry) -> Condition:
    task = entry.row.id
    match entry.state:
        case "done":
            return Condition("status", False, entry.why, f"if there is more to do: baton reopen {task}")
        case "cancelled":
            return Condition("status", False, "it was cancelled", f"if it is wanted after all: baton reopen {task}")  # fmt: skip
        case _ if entry.row.status == "draft":
            return Condition("status", False, "it is a draft", f"baton set {task} status=todo")
        case _:
            return Condition("status", True, "it is to be done")


def _judge_hold(entry: Entry) -> Condition:
    written, live = entry.row.hold, entry.live.hold if entry.live else None
    if written:
        return Condition("hold", False, f"on hold: {written}", f"baton release {entry.row.id}")
    if live:
        return Condition("hold", False, f"on hold: {live}", f"baton release {entry.row.id}")
    return Condition("hold", True, "it is not on hold")


def _judge_claim(entry: Entry, now: float) -> Condition:
    live, task = entry.live, entry.row.id
    if live is None or live.status in ("open", "merged", "failed"):
        return Condition("claim", True, "nobody has it")
    who = live.holder or "somebody"
    match live.status:
        case "in_progress" if entry.running:
            until = "" if live.lease is None else f", for {render_duration(max(1, live.lease - now))} at most"
            words = f"{who} is at it (attempt {live.attempt}){until}"
            remedy = f"end it with: baton stop {task}; to work on it yourself: baton takeover {task}"
            return Condition("claim", False, words, remedy)
        case "in_progress":
            return Condition("claim", True, f"{who} had it, but the lease has passed")
        case "changes_requested":
            return Condition("claim", True, "nobody has it, and a reviewer wants more")
        case "in_review":
            where = f": {live.pull_request}" if live.pull_request else ""
            return Condition("claim", False, f"its work waits for a review{where}", f"look at it with: baton review {task}")  # fmt: skip
        case "needs_input":
            words = f"the agent asks: {live.question or 'see its handoff'}"
            return Condition("claim", False, words, f'answer it: baton answer {task} "…"')
        case "taken_over":
            words = f"{live.holder or 'a person'} works on the branch"
        case "closed":
            words = "its review was closed without merging"
        case _:
            words = live.reason or "a person stopped it"
    return Condition("claim", False, words, f"start over with: baton retry {task}")


def _judge_needs(board: Board, entry: Entry) -> Condition:
    needs, task = entry.row.depends_on, entry.row.id
    unmet = [n for n in needs if n in entry.blocked_by]
    if not unmet:
        words = "it depends on nothing" if not needs else "all its dependencies are done"
        return Condition("dependencies", True, words)
    states = {n: board.entries[n].state if n in board.entries else None for n in unmet}
    words = f"it waits for {_name(unmet, {n: _say_need(state) for n, state in states.items()})}"
    dead = [n for n, state in states.items() if state in ("cancelled", None)]
    if dead:
        off = " ".join(f"--off {n}" for n in dead[:_SHOWN])
        return Condition("dependencies", False, words, f"nobody will do {', '.join(dead[:_SHOWN])}; if {task} can do without: baton depend {task} {off}")  # fmt: skip
    return Condition("dependencies", False, words, f"do first: {', '.join(entry.blocked_by)}")


def _say_need(state: str | None) -> str:
    if state is None:
        return "which can't be read, or is not there"
    return "cancelled, so it is never done" if state == "cancelled" else state.replace("_", " ")


def _judge_parts(board: Board, entry: Entry, kids: Sequence[str]) -> Condition:
    if not kids:
        return Condition("parts", True, "it has no parts")
    states = {k: _say_need(board.entries[k].state if k in board.entries else None) for k in kids}
    unmet = [k for k in kids if k in entry.blocked_by]
    words = f"its parts are worked on, not it: {_name(kids, states)}"
    if not unmet and entry.state not in ("done", "cancelled"):
        return Condition("parts", False, "its parts were cancelled", f"baton done {entry.row.id}, or baton cancel {entry.row.id}")  # fmt: skip
    return Condition("parts", False, words, f"do first: {', '.join(unmet)}" if unmet else None)


def _name(ids: Sequence[str], notes: dict[str, str]) -> str:
    named = ", ".join(f"{i} ({notes[i]})" for i in ids[:_SHOWN])
    return named + (f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else "")


def _judge_plan(entry: Entry, plans: Container[str] | None) -> Condition:
    plan = entry.row.plan
    if plan is None:
        return Condition("plan", True, "it belongs to no plan")
    if plans is None or plan in plans:
        return Condition("plan", True, f"its plan {plan} is merged")
    return Condition(
        "plan", False, f"its plan {plan} is not merged yet", f"merge tasks/plans/{plan}.yaml into the base branch"
    )  # fmt: skip


def _judge_gates(entry: Entry, kids: Sequence[str], gates: Gates) -> list[Condition]:
    """Approval and, where the config requires it, splitting. Of a parent the parts are worked on, not it."""
    row = entry.row
    shut = {} if kids else {gate.name: gate for gate in find_gates(row, gates)}
    named = {"approval": "a person approved it" if needs_approval(row, gates) else "it needs no approval"}
    if entry.split == "advised":
        named["breakdown"] = (
            f"it is {row.complexity}, so it had better be split (baton plan split {row.id}); it need not be"
        )
    elif gates.breakdown:
        named["breakdown"] = "it is split" if kids else "it needs no splitting"
    return [
        Condition(name, False, shut[name].words, shut[name].remedy, code=_GATE_CODES[name])
        if name in shut
        else Condition(name, True, "it has parts" if kids and name == "approval" else words)
        for name, words in named.items()
    ]


_GATE_CODES = {"approval": "not-approved", "breakdown": "not-split"}


def _judge_place(entry: Entry) -> Condition:
    if entry.row.local:
        return Condition(
            "base", False, f"it is only in this checkout ({entry.row.local})", "commit it and push it, or merge it, first",
            code="only-local",
        )  # fmt: skip
    return Condition("base", True, "it stands on the base branch")


def _judge_attempts(entry: Entry) -> Condition:
    """Attempts count where the last one failed or never reported back; what a person asked for needs none."""
    live, left = entry.live, entry.attempts_left
    if live is None or not live.attempt:
        return Condition("attempts", True, f"it was not tried yet ({left} attempt{'s' * (left != 1)} without a person)")  # fmt: skip
    made = f"{live.attempt} attempt{'s were' if live.attempt != 1 else ' was'} made"
    if live.status not in ("failed", "in_progress") or entry.running or left:
        return Condition("attempts", True, f"{made}, {left} {'is' if left == 1 else 'are'} left")
    reason = f" ({live.reason})" if live.reason else ""
    remedy = f'say what to do better: baton retry {entry.row.id} --guidance "…"'
    return Condition("attempts", False, f"{made}, none is left{reason}", remedy)


def _judge_back_off(entry: Entry, now: float) -> Condition:
    live = entry.live
    if live is None or live.status != "failed" or live.retry_at is None or live.retry_at <= now:
        return Condition("back-off", True, "nothing to wait for")
    words = f"the last attempt failed; the next may start in {render_duration(max(1, live.retry_at - now))}"
    return Condition("back-off", False, words, f"start over with: baton retry {entry.row.id}")


def _judge_paths(board: Board, entry: Entry) -> Condition:
    if not entry.row.paths:
        return Condition("paths", True, "it names no paths")
    other = find_overlap(entry.row, [e for e in board.entries.values() if e.is_busy])
    if other is None:
        return Condition("paths", True, "nobody is at the same files")
    where = "in progress" if other.running else "in review"
    return Condition(
        "paths", False, f"it touches the same paths as {other.row.id}, which is {where}",
        f"wait for {other.row.id}, or narrow paths", code="paths-overlap",
    )  # fmt: skip
