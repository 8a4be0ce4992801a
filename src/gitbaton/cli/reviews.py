"""Commands of the review: review, accept, reject, retry, sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.report.records import record, task_record
from gitbaton.report.run_text import render_review
from gitbaton.report.terminal import Style
from gitbaton.usecases.board import show_task
from gitbaton.usecases.exchange import sync
from gitbaton.usecases.review import accept_task, reject_task, retry_task, review_task

if TYPE_CHECKING:
    import argparse


def _configure_id(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")


def _configure_review(p: argparse.ArgumentParser) -> None:
    _configure_id(p)
    p.add_argument("--stat", action="store_true", help="names of changed files only, without their content")


def _review(a: argparse.Namespace) -> Answer:
    view = review_task(open_here(), a.id)
    handoff = view.handoff.model_dump(mode="json", exclude_defaults=True) if view.handoff else None
    changes = [
        {
            "path": c.path,
            "kind": c.kind,
            "added": c.added,
            "removed": c.removed,
            **({} if a.stat else {"patch": c.patch}),
        }
        for c in view.changes
    ]
    fields = {
        "task": task_record(view.entry),
        "base": view.base,
        "head": view.head,
        "branch": view.state.branch,
        "handoff": handoff,
        "changes": changes,
    }
    return Answer(record("review", **fields), render_review(view, Style(), patch=not a.stat))


def _accept(a: argparse.Namespace) -> Answer:
    project = open_here()
    accepted = accept_task(project, a.id)
    text = f"{accepted.task} is merged ({accepted.merge[:10]})"
    if accepted.freed:
        text += f"; ready now: {', '.join(accepted.freed)}"
    entry = show_task(project.reread(), accepted.task).entry
    return Answer(
        record("accept", task=task_record(entry), merge=accepted.merge, ready=list(accepted.freed)), text
    )


def _configure_reject(p: argparse.ArgumentParser) -> None:
    _configure_id(p)
    p.add_argument("--guidance", required=True, metavar="TEXT", help="what the next attempt must change")


def _reject(a: argparse.Namespace) -> Answer:
    project = open_here()
    tip = reject_task(project, a.id, a.guidance)
    text = f"{tip.state.task} goes back: the next attempt continues its branch\n  start it with: baton run {tip.state.task}"
    return Answer(record("reject", task=task_record(show_task(project.reread(), tip.state.task).entry)), text)


def _configure_retry(p: argparse.ArgumentParser) -> None:
    _configure_id(p)
    p.add_argument("--guidance", metavar="TEXT", help="what the next attempt must heed")


def _retry(a: argparse.Namespace) -> Answer:
    project = open_here()
    tip = retry_task(project, a.id, a.guidance)
    entry = show_task(project.reread(), tip.state.task).entry
    text = (
        f"{tip.state.task} may be tried again: baton run {tip.state.task}"
        if entry.claimable
        else f"{tip.state.task} may be tried again, once it is ready: {entry.why}"
    )
    return Answer(record("retry", task=task_record(entry)), text)


def _configure_sync(p: argparse.ArgumentParser) -> None:
    p.add_argument("--push", action="store_true", default=None, help="push the commits of this branch, too")


def _sync(a: argparse.Namespace) -> Answer:
    synced = sync(open_here(), push=a.push)
    done = synced.exchange
    carried = [c for c in done.reapplied if c.new]
    lines = [str(n) for n in synced.noticed]
    lines += _tell("fetched", [s for _, s in done.fetched]) + _tell(
        "re-applied", [c.subject for c in carried]
    )
    lines += _tell("pushed", [s for _, s in done.pushed]) + ([done.kept] if done.kept else [])
    fields = {
        "events": [{"task": n.task, "event": n.event} for n in synced.noticed],
        "branch": done.branch,
        "fetched": [{"commit": c, "subject": s} for c, s in done.fetched],
        "reapplied": [{"commit": c.old, "as": c.new, "subject": c.subject} for c in done.reapplied],
        "pushed": [{"commit": c, "subject": s} for c, s in done.pushed],
        "note": done.kept or done.note,
    }
    return Answer(record("sync", **fields), "\n".join(lines) or "nothing new")


def _tell(what: str, subjects: list[str], shown: int = 5) -> list[str]:
    more = [f"  and {len(subjects) - shown} more"] if len(subjects) > shown else []
    return [f"{what}:", *(f"  {s}" for s in subjects[-shown:]), *more] if subjects else []


COMMANDS = {
    "review": Command("Look at the work published for a task: summary, checks, diff.", _configure_review, _review, ("baton review add-health", "baton review add-health --stat")),
    "accept": Command("Merge the work published for a task. That makes it done and frees what waits for it.", _configure_id, _accept, ("baton accept add-health",)),
    "reject": Command("Ask for changes: the next attempt continues the same branch with your guidance.", _configure_reject, _reject, ('baton reject add-health --guidance "answer 503 while the database is down"',)),
    "retry": Command("Allow another attempt at a task that failed, was stopped, closed or asked a question.", _configure_retry, _retry, ('baton retry add-health --guidance "use the client in src/db.py"',)),
    "sync": Command("Fetch; note what was merged or closed elsewhere; bring this branch and the remote's together. Unpushed commits of tasks are made anew on top of what others pushed, field by field.", _configure_sync, _sync, ("baton sync", "baton sync --push")),
}  # fmt: skip
