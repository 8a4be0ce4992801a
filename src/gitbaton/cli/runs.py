"""Commands on attempts: claim, run, briefing, logs, stop. Each loads only what it needs itself."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import EXIT_ATTEMPT_FAILED, EXIT_INTERRUPTED, EXIT_NOTHING, Answer, Command, open_here
from gitbaton.cli.filters import add_filters, read_filters
from gitbaton.cli.given import count
from gitbaton.errors import UsageError
from gitbaton.report.records import record, task_record
from gitbaton.usecases.choosing import Choice

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.publish import Published
    from gitbaton.usecases.run import Ran


def _optional_id(p: argparse.ArgumentParser, what: str) -> None:
    p.add_argument("id", nargs="?", help=f"{what}; without one: the next ready task")


def _configure_claim(p: argparse.ArgumentParser) -> None:
    _optional_id(p, "task id, or an unambiguous beginning of one")
    add_filters(p)


def _claim(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.claim import claim_as_person

    claimed = claim_as_person(open_here(), a.id, among=read_filters(a))
    if isinstance(claimed, Choice):
        return _nothing("claim", claimed)
    task = claimed.entry.row.id
    text = f"{task} is yours: {claimed.entry.row.title}\n  {claimed.reason}\n  when it is finished: baton complete {task}; to give it back: baton stop {task}"
    return Answer(
        record("claim", task=task_record(claimed.held), reason=claimed.reason, run=claimed.run), text
    )


def _nothing(kind: str, choice: Choice) -> Answer:
    return Answer(record(kind, task=None, reason=choice.reason), choice.reason, EXIT_NOTHING)


def _task_now(project: Project, task: str) -> dict[str, Any]:
    from gitbaton.usecases.board import show_task

    return task_record(show_task(project.reread(), task).entry)


def _configure_run(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="task id, or an unambiguous beginning of one; without any: the next ready task",
    )
    p.add_argument("--max", type=count, metavar="N", help="start at most N attempts")
    p.add_argument(
        "--parallel",
        type=count,
        metavar="K",
        help="run K attempts at once (without more: K attempts in all)",
    )
    p.add_argument(
        "--until-empty", action="store_true", help="go on until nothing can be claimed and nothing runs"
    )
    p.add_argument("--keep-going", action="store_true", help="start others also after an attempt failed")
    p.add_argument(
        "--watch",
        action="store_true",
        help="wait for more work, and for retries that are due later; end with Ctrl-C",
    )
    add_filters(p)
    p.add_argument(
        "--agent", metavar="NAME", help="agent from tasks/config.yaml, instead of the task's or the default"
    )
    p.add_argument("--dry-run", action="store_true", help="say what would run, and claim nothing")
    p.add_argument(
        "--keep-workplace", action="store_true", help="leave the agent's folder in place afterwards"
    )


def _is_pool(a: argparse.Namespace) -> bool:
    """Whether the options ask for more than one attempt."""
    flags = (a.until_empty, a.keep_going, a.watch, a.max is not None, a.parallel is not None)
    return len(a.ids) > 1 or any(flags)


def _run(a: argparse.Namespace) -> Answer:
    project = open_here()
    if a.dry_run:
        return _preview(project, a)
    if _is_pool(a):
        from gitbaton.cli.pool import run_pool

        return run_pool(project, a)
    ran = run_here(
        project,
        a.ids[0] if a.ids else None,
        is_json=a.json,
        agent_name=a.agent,
        accept=read_filters(a).accept,
        keep_workplace=a.keep_workplace,
    )
    return _nothing("run", ran) if isinstance(ran, Choice) else answer_run(project, ran)


def run_here(project: Project, wanted: str | None, *, is_json: bool, **options: Any) -> Ran | Choice:
    """One attempt in this process, shown as it goes on; Ctrl-C ends it cleanly. ``options`` are those of ``run_task``."""
    from gitbaton.edges.interruption import Interruption
    from gitbaton.report.run_text import RunView
    from gitbaton.usecases.run import run_task

    interruption = Interruption(lambda: print("it is being published, which ends soon", file=sys.stderr))
    view = RunView(sys.stderr if is_json else sys.stdout)

    def follow(event: RunEvent) -> None:
        interruption.is_ending = event.kind in ("end", "publish", "review")
        if not is_json:
            view(event)

    with interruption:
        return run_task(project, wanted, follow, **options)


def answer_run(project: Project, ran: Ran) -> Answer:
    """What one attempt came to."""
    state, published = ran.tip.state, ran.published
    review = published.review if published else None
    fields = {
        "task": _task_now(project, ran.claim.entry.row.id), "reason": ran.claim.reason, "run": ran.claim.run, "attempt": state.attempt,
        "outcome": ran.verdict.outcome.value, "message": ran.verdict.message, "verified": ran.verdict.verified,
        "branch": state.branch, "head": state.head, "review": {"number": review.number, "url": review.url} if review else None,
        "kept_at": published.kept_at if published else None, "warning": published.warning if published else None,
        "merge": published.merge if published else None, "peer_review": _describe_review(published),
    }  # fmt: skip
    lines = []
    if published and published.merge:
        lines.append(f"{ran.claim.entry.row.id} is merged ({published.merge[:10]}), without asking a person")
    if published and published.warning:
        lines.append(f"warning: {published.warning}")
    if published and published.kept_at:
        lines.append(f"its work is kept as {published.kept_at}")
    if not ran.good:
        lines.append(_what_next(ran))
    code = EXIT_INTERRUPTED if ran.interrupted else 0 if ran.good else EXIT_ATTEMPT_FAILED
    return Answer(record("run", **fields), "\n".join(lines), code)


def _describe_review(published: Published | None) -> dict[str, Any] | None:
    review = published.handoff.peer_review if published else None
    return review.model_dump(mode="json", exclude_defaults=True) if review else None


def _what_next(ran: Ran) -> str:
    from gitbaton.domain.outcome import say_next_step

    task, state = ran.claim.entry.row.id, ran.tip.state
    next_step = say_next_step(ran.verdict.outcome, task)
    left = (state.attempt_limit or state.attempt) - state.attempt
    if state.status != "failed" or left <= 0:
        return next_step
    return f"{left} attempt{'s' if left > 1 else ''} left, the next from {state.retry_at}\n{next_step}"


def _preview(project: Project, a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.run import describe_settings, preview_run

    if _is_pool(a):
        raise UsageError(
            "--dry-run is about one task",
            code="usage",
            hint="baton run --dry-run; what could run at once: baton list --ready",
        )
    wanted = a.ids[0] if a.ids else None
    preview = preview_run(project, wanted, agent_name=a.agent, accept=read_filters(a).accept)
    if isinstance(preview, Choice):
        return _nothing("run", preview)
    lines = [f"{preview.entry.row.id}: {preview.entry.row.title}", f"  {preview.reason}"]
    if not preview.entry.claimable:
        lines.append(f"  it could not be claimed now: {preview.entry.why}")
    lines += [f"  {line}" for line in describe_settings(preview.settings)]
    lines.append(f"  briefing: {len(preview.briefing.split())} words (baton briefing {preview.entry.row.id})")
    settings = preview.settings
    fields = {
        "task": task_record(preview.entry), "reason": preview.reason, "dry_run": True, "agent": settings.agent_name, "model": settings.model,
        "timeout_s": settings.limits.timeout_s, "checks": [{"name": c.name, "run": c.run} for c in settings.checks],
    }  # fmt: skip
    return Answer(record("run", **fields), "\n".join(lines))


def _configure_briefing(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument("--agent", metavar="NAME", help="agent from tasks/config.yaml")


def _briefing(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.run import preview_run

    preview = preview_run(open_here(), a.id, agent_name=a.agent)
    assert not isinstance(preview, Choice), "with an id there is always an entry"
    return Answer(
        record("briefing", task=task_record(preview.entry), text=preview.briefing),
        preview.briefing.rstrip("\n"),
    )


def _configure_logs(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument(
        "-f", "--follow", action="store_true", help="go on as lines come, until the attempt has ended"
    )
    p.add_argument("--attempt", type=count, metavar="N", help="this attempt instead of the newest")
    p.add_argument(
        "--raw",
        action="store_true",
        help="the JSON lines as they were written, the agent's own events included",
    )


def _logs(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.logs import follow_log, read_log

    project = open_here()

    def show(event: dict[str, Any]) -> None:
        if not a.json and (a.raw or event.get("type") == "runner"):
            print(_word_event(event, raw=a.raw), flush=True)

    log = (
        follow_log(project, a.id, show, attempt=a.attempt)
        if a.follow
        else read_log(project, a.id, attempt=a.attempt)
    )
    shown = [e for e in log.events if a.raw or e.get("type") == "runner"]
    text = "\n".join(_word_event(e, raw=a.raw) for e in shown) or "the log is empty"
    answer = record("log", task=log.task, attempt=log.attempt, events=shown)
    return Answer(answer, "" if a.follow and shown else text)


def _word_event(event: dict[str, Any], *, raw: bool) -> str:
    if raw:
        return json.dumps(event, ensure_ascii=False)
    return f"{str(event.get('at', ''))[11:19]}  {event.get('kind', ''):<8} {event.get('text', '')}"


def _configure_takeover(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument("--yes", "-y", action="store_true", help="also from somebody who is at it right now")


def _takeover(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.takeover import takeover_task

    project = open_here()
    taken = takeover_task(project, a.id, sure=a.yes)
    task = taken.tip.state.task
    lines = [f"{task} is yours, and its branch {taken.branch}: {taken.checkout}"]
    if taken.fenced:
        lines.append(
            f"  {taken.fenced} can publish nothing any more; what it did stays on its machine, as its message says"
        )
    lines.append(
        f"  when it is finished there: baton finish {task}; to give it to agents again: baton retry {task}"
    )
    fields = {"branch": taken.branch, "checkout": taken.checkout, "fenced": taken.fenced}
    return Answer(record("takeover", task=_task_now(project, task), **fields), "\n".join(lines))


def _configure_stop(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help="task id, or an unambiguous beginning of one")
    p.add_argument("--reason", metavar="TEXT", help="why, for whoever comes next")


def _stop(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.claim import stop_task

    project = open_here()
    tip = stop_task(project, a.id, a.reason)
    task = tip.state.task
    if tip.state.status == "stopped":
        text = f"{task} is stopped; a running attempt ends within half a minute and keeps its work\n  go on with: baton retry {task}"
    else:
        text = f"{task} is given back"
    return Answer(record("stop", task=_task_now(project, task)), text)


COMMANDS = {
    "claim": Command("Take a task yourself. A person's claim has no time limit; give it back with stop. Exit code 3: nothing is ready.", _configure_claim, _claim, ("baton claim", "baton claim add-health", "baton claim --json")),
    "run": Command(
        "Let an agent work on a task: claim it, run the agent in a private clone, check what it left, publish it for review.\n"
        "With several ids, --max, --parallel, --until-empty, --keep-going or --watch: many attempts, each in a process of its own.\n"
        "Ctrl-C stops cleanly and keeps what was done, a second one stops at once.\n"
        "Exit codes: 0 in review, 3 nothing ready, 4 an attempt failed.",
        _configure_run, _run, ("baton run", "baton run add-health --agent claude", "baton run --dry-run", "baton run --parallel 4 --until-empty --keep-going", "baton run --only-label api --max 3"),
    ),
    "briefing": Command("Print what an agent would be told about a task.", _configure_briefing, _briefing, ("baton briefing add-health",)),
    "logs": Command("Print the log of a task's newest attempt on this machine.", _configure_logs, _logs, ("baton logs add-health", "baton logs last -f", "baton logs add-health --attempt 1 --raw")),
    "takeover": Command(
        "Take a task from whoever has it and work on its branch yourself. An agent that is at it can publish nothing any more.",
        _configure_takeover, _takeover, ("baton takeover add-health", "baton takeover add-health --yes"),
    ),
    "stop": Command("End what runs on a task, or give your own claim back.", _configure_stop, _stop, ("baton stop add-health", 'baton stop add-health --reason "the spec changes"')),
}  # fmt: skip
