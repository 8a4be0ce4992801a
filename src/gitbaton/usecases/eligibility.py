"""Whether a task that somebody wants may be claimed: by the board, and by what only the forge knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.conditions import Condition, find_decisive, list_conditions
from gitbaton.domain.durations import render_duration
from gitbaton.domain.gates import Gates
from gitbaton.domain.workflow_run import find_workflow_run
from gitbaton.errors import BatonError, Refusal
from gitbaton.store.live import render_time
from gitbaton.usecases.project import Project, View, find_entry, load_view

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry


#: A local clock that is further off the server's than this claims nothing.
SKEW_MAX_S = 120.0


def refuse_wrong_clock(project: Project) -> None:
    """Raises ``Refusal`` (``clock-skew``) when the local clock is known to be far off the server's: leases are
    judged by the server's time, but what this machine writes down and waits for would be wrong.
    """
    skew_s = project.refs.skew_s
    if skew_s is None or abs(skew_s) <= SKEW_MAX_S:
        return
    direction = "ahead of" if skew_s > 0 else "behind"
    raise Refusal(
        f"this machine's clock is {render_duration(round(abs(skew_s)))} {direction} the server's",
        code="clock-skew",
        hint="set it right, for example with: sudo timedatectl set-ntp true (macOS: sudo sntp -sS time.apple.com)",
        data={"skew_s": round(skew_s), "server_time": render_time(project.refs.now())},
    )


def get_claimable(project: Project, view: View, wanted: str) -> Entry:
    """The entry that ``wanted`` (an id or prefix) names. Raises ``Refusal`` when it can't be claimed, with the
    reason and what to do about it.
    """
    try:
        entry = find_entry(view, wanted)
    except Refusal as error:
        local = load_view(project, local=True).board.entries
        if error.code == "unknown-id" and any(i == wanted or i.startswith(wanted) for i in local):
            raise Refusal(
                f"{wanted} is only in this checkout: it can be claimed once it is on {project.repo.base.branch}"
                + (f" of {project.repo.remote}" if project.repo.remote else ""),
                code="only-local", hint="commit it and push it, or merge it, first",
            ) from None  # fmt: skip
        raise
    conditions = judge_task(project, view, entry)
    if refused := find_decisive(entry, conditions):
        if refused.code == "not-claimable":
            words = f"{entry.row.id} is {entry.state.replace('_', ' ')}: {entry.why}"
        else:
            words = f"{entry.row.id} {refused.words.removeprefix('it ')}"
        data = {"state": entry.state, "blocked_by": list(entry.blocked_by)}
        hint = refused.remedy
        if refused.code == "not-approved" and _is_approved_here(project, entry):
            hint = f"your approval is only in this checkout: push it, or: baton approve {entry.row.id} --base"
        raise Refusal(words, code=refused.code, hint=hint, data=data)
    return entry


def _is_approved_here(project: Project, entry: Entry) -> bool:
    mine = load_view(project, local=True).board.entries.get(entry.row.id)
    return mine is not None and mine.row.approval == "given"


def judge_task(project: Project, view: View, entry: Entry) -> list[Condition]:
    """How a task stands to every condition that the board can judge."""
    now = project.refs.now().timestamp()
    return list_conditions(
        view.board,
        entry,
        now=now,
        plans=view.contents.plans,
        gates=Gates(*project.repo.config_file.facts.gates),
    )


def explain_unended_run(project: Project, view: View, entry: Entry) -> str | None:
    """Why a claim whose lease has passed may not be taken over yet, or None. Whoever works in a workflow run may
    only be slow: the forge is asked whether that run has ended, and who can't be asked has not.
    """
    tip = view.tips.states.get(entry.row.id)
    if entry.state != "stale" or tip is None:
        return None
    holder = tip.state.claimed_by
    run = find_workflow_run(tip.state.watch_url, holder.host if holder else None)
    if run is None:
        return None
    try:
        ended = project.open_forge(project.repo).has_run_ended(run)
    except BatonError as error:
        return f"{run} holds {entry.row.id}, and it can't be asked whether that has ended: {error.message}"
    if ended:
        return None
    if ended is None:
        return f"{run} holds {entry.row.id}, and nobody here can say whether that has ended"
    return f"{run} holds {entry.row.id}, and has not ended"


def refuse_takeover(entry: Entry, reason: str) -> Refusal:
    """The error for somebody who wants a task that a workflow run may still be at."""
    task = entry.row.id
    return Refusal(
        f"{task} can't be taken over yet: {reason}",
        code="run-not-ended",
        hint=f"wait until it has, or end it: baton stop {task}, then baton retry {task}",
    )
