"""Commands by which a person works on a task: start, finish, abandon; and refresh, for work that waits."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import EXIT_NOTHING, Answer, Command, open_here
from gitbaton.cli.given import read_bytes
from gitbaton.cli.states import find_now
from gitbaton.report.records import record, task_record
from gitbaton.usecases.choosing import Choice

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.refreshing import Refreshed


def _configure_start(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "id", nargs="?", help="task id, or an unambiguous beginning of one; without one: the next ready task"
    )
    p.add_argument(
        "--worktree", nargs="?", const="", metavar="PATH",
        help="have its branch in a folder of its own, beside this checkout unless PATH names another",
    )  # fmt: skip


def _start(a: argparse.Namespace) -> Answer:
    from gitbaton.report.start_text import render_essentials
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.ownwork import start_task

    project = open_here()
    folder = Path(a.worktree).absolute() if a.worktree else None
    started = start_task(project, a.id, folder=folder, beside=a.worktree is not None)
    if isinstance(started, Choice):
        return Answer(record("start", task=None, reason=started.reason), started.reason, EXIT_NOTHING)
    task, m = started.claim.entry.row.id, started.material
    here = started.folder == project.repo.top
    where = f"you are on {started.branch}" if here else f"{started.branch} is in {started.folder}"
    lines = [
        f"{task} is yours{' already' if started.resumed else ''}; {where}",
        "",
        render_essentials(m, Style()),
        "",
    ]
    if not here:
        lines.append(f"go there: cd {os.path.relpath(started.folder)}")
    lines.append("commit as you go; when it is finished: baton finish; to give it back: baton abandon")
    fields = {
        "task": task_record(find_now(project, task, local=False)), "run": started.claim.run, "branch": started.branch,
        "folder": os.fspath(started.folder), "resumed": started.resumed, "guidance": list(m.guidance),
        "checks": [{"name": name, "run": run} for name, run in m.checks],
        "handoffs": [h.model_dump(mode="json", exclude_defaults=True) for h in m.earlier],
    }  # fmt: skip
    return Answer(record("start", **fields), "\n".join(lines))


def _configure_own(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "id",
        nargs="?",
        help="task id, or an unambiguous beginning of one; without one: the task whose branch you are on",
    )


def _configure_finish(p: argparse.ArgumentParser) -> None:
    _configure_own(p)
    p.add_argument("--summary", metavar="TEXT", help="what was done (default: the subjects of your commits)")
    for name, what in (
        ("decision", "a choice that was made"), ("remaining", "something that is not finished"), ("next-step", "what to do next"),
    ):  # fmt: skip
        p.add_argument(
            f"--{name}", action="append", default=[], metavar="TEXT", help=f"{what}; may be repeated"
        )
    p.add_argument(
        "--because",
        metavar="TEXT",
        help="why protected files, or files outside of the task's paths, are changed all the same",
    )
    p.add_argument(
        "--result",
        metavar="FILE",
        help="JSON file with the result, where the task wants one; - is standard input",
    )
    p.add_argument(
        "--fresh", action="store_true", help="run the checks in a clean clone instead of your checkout"
    )


def _finish(a: argparse.Namespace) -> Answer:
    from gitbaton.report.run_text import RunView
    from gitbaton.usecases.finishing import finish_task

    project = open_here()
    view = RunView(sys.stderr if a.json else sys.stdout)

    def follow(event: RunEvent) -> None:
        if not a.json:
            view(event)

    said = {
        "summary": a.summary,
        "decisions": a.decision,
        "remaining": a.remaining,
        "next_steps": a.next_step,
    }
    done = finish_task(
        project, a.id, said, follow, because=a.because, result=_read_result(a.result), fresh=a.fresh
    )  # fmt: skip
    published = done.published
    task, review = published.tip.state.task, published.review
    lines = [f"warning: {published.warning}"] if published.warning else []
    lines += [f"published all the same: {words}" for words in done.overridden]
    verdict = published.verdict
    fields: dict[str, Any] = {
        "task": task_record(find_now(project, task, local=False)), "message": verdict.message, "verified": verdict.verified,
        "branch": done.branch, "head": done.head, "review": {"number": review.number, "url": review.url} if review else None,
        "overridden": list(done.overridden), "warning": published.warning,
    }  # fmt: skip
    lines.append(f"{task} is in review: {verdict.message}")
    return Answer(record("finish", **fields), "\n".join(lines))


def _read_result(file: str | None) -> object:
    import json

    from gitbaton.errors import UsageError

    if file is None:
        return None
    data, name = read_bytes(file, "a JSON file")
    try:
        return json.loads(data)
    except ValueError as error:
        raise UsageError(f"{name} is no JSON: {error}", code="bad-value", hint="give a JSON file") from error


def _abandon(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.ownwork import abandon_task

    project = open_here()
    gone = abandon_task(project, a.id)
    task = gone.tip.state.task
    lines = [f"{task} is given back"]
    if gone.kept:
        lines[0] += (
            f"; your work stays on {gone.branch} ({gone.kept[:10]}), and whoever comes next goes on from there"
        )
    if gone.back:
        lines.append(f"  you are on {gone.back} again")
    if gone.why_not:
        lines.append(f"  {gone.why_not}")
    fields = {
        "task": task_record(find_now(project, task, local=False)), "branch": gone.branch, "kept": gone.kept, "checked_out": gone.back,
        "note": gone.why_not,
    }  # fmt: skip
    return Answer(record("abandon", **fields), "\n".join(lines))


def _configure_refresh(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument(
        "--later", action="store_true", help="run no agent here: the next `baton run` resolves the conflicts"
    )


def _refresh(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.refreshing import refresh_task

    project = open_here()
    done = refresh_task(project, a.id, here=not a.later)
    if done.conflicts:
        return _resolve(project, done, a)
    base = project.repo.base.branch
    text = f"{done.task} has all of {base} already"
    if done.merge:
        text = f"{done.task} has {base} in it now ({done.merge[:10]}), and stays where it was; no check has run on that"
    fields: dict[str, Any] = {
        "task": task_record(find_now(project, done.task, local=False)),
        "head": done.head,
        "merge": done.merge,
        "conflicts": [],
        "attempt": None,
    }
    return Answer(record("refresh", **fields), text)


def _resolve(project: Project, done: Refreshed, a: argparse.Namespace) -> Answer:
    """Let an agent resolve the conflicts, here and now unless somebody else is to do that later."""
    from gitbaton.cli.runs import answer_run, run_here

    task, base, files = done.task, project.repo.base.branch, ", ".join(done.conflicts)
    fields: dict[str, Any] = {"head": done.head, "merge": None, "conflicts": list(done.conflicts)}
    if a.later:
        text = f"{task} conflicts with {base} in {files}\n  the next attempt resolves that: baton run {task}"
        now = task_record(find_now(project, task, local=False))
        return Answer(record("refresh", task=now, **fields, attempt=None), text)
    if not a.json:
        print(f"{task} conflicts with {base} in {files}: an agent resolves that now", flush=True)
    ran = run_here(project, task, is_json=a.json)
    assert not isinstance(ran, Choice), "with an id it is claimed, or refused"
    answer = answer_run(project, ran)
    attempt = {k: v for k, v in answer.record.items() if k not in ("kind", "version", "task")}
    if ran.good:
        fields.update(head=ran.tip.state.head)
    return answer._replace(record=record("refresh", task=answer.record["task"], **fields, attempt=attempt))


COMMANDS = {
    "start": Command(
        "Work on a task yourself: it is claimed for you, its branch checked out, and you are told what an agent would be told.\n"
        "Exit code 3: nothing is ready.",
        _configure_start, _start, ("baton start add-health", "baton start", "baton start add-health --worktree"),
    ),
    "finish": Command(
        "Publish what you committed on a task's branch: the same guards and checks as for an agent, a handoff, a review. The\n"
        "checks run in your checkout, which must hold nothing that is not committed. Exit code 4: a guard or a check says no.",
        _configure_finish, _finish, ("baton finish", 'baton finish add-health --summary "GET /health answers 200"', "baton finish --fresh"),
    ),
    "abandon": Command("Give a task back that you started. What you committed stays for whoever comes next.", _configure_own, _abandon, ("baton abandon", "baton abandon add-health")),
    "refresh": Command(
        "Merge the base branch into published work, which stays in review.\n"
        "Where they conflict, an agent resolves that in an attempt of its own, on the same branch.\n"
        "What only a person can resolve is named, and nothing has changed then.\n"
        "Exit code 4: the attempt failed.",
        _configure_refresh, _refresh, ("baton refresh add-health", "baton refresh add-health --later"),
    ),
}  # fmt: skip
