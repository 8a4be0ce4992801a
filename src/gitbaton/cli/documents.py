"""Commands that write documents for people: docs, synthesize."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.cli.commissions import add_author, describe_usage, following, usage_record
from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import EXIT_ATTEMPT_FAILED, EXIT_INTERRUPTED, Answer, Command, open_here
from gitbaton.cli.states import describe_edit
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.documenting import Documented

_PROBLEMS_SHOWN = 5


def _configure_docs(p: argparse.ArgumentParser) -> None:
    p.add_argument("ids", nargs="*", metavar="TASK", help="task id, or an unambiguous beginning of one")
    p.add_argument("--all", action="store_true", help="all tasks that are not over and have none")
    p.add_argument("--force", action="store_true", help="write those anew that are there already")
    p.add_argument(
        "--working-directory", metavar="DIR", help="folder that they are about, instead of the task's working_directory"
    )  # fmt: skip
    add_author(p)
    add_delivery(p)


def _docs(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.documenting import Asked, write_docs

    project = open_here()
    asked = Asked(a.force, a.working_directory, a.model, a.agent)
    with following(is_json=a.json) as follow:
        done = write_docs(project, a.ids, asked, everything=a.all, to=read_delivery(a), on_progress=follow)
    lines = _tell_docs(done)
    if done.edited:
        lines += describe_edit(done.edited, project)
    fields: dict[str, Any] = {
        "written": [
            {"task": d.task, "path": d.path, "replaced": d.replaced, "rounds": list(d.rounds), "usage": usage_record(d.usage)}
            for d in done.written
        ],
        "kept": [{"task": k, "path": f"tasks/docs/{k}.md"} for k in done.kept],
        "refused": [
            {"task": r.task, "message": r.message, "problems": list(r.complaints), "log": r.log} for r in done.refused
        ],
        "usage": usage_record(done.usage), **delivery_record(done.edited),
    }  # fmt: skip
    return Answer(record("docs", **fields), "\n".join(lines), _find_exit(done))


def _find_exit(done: Documented) -> int:
    if done.interrupted:
        return EXIT_INTERRUPTED
    if any(r.log for r in done.refused):
        return EXIT_ATTEMPT_FAILED
    return 1 if done.refused else 0


def _tell_docs(done: Documented) -> list[str]:
    lines = []
    for doc in done.written:
        used = describe_usage(doc.usage)
        lines.append(f"wrote {doc.path}" + (f" ({used})" if used else ""))
    lines += [f"kept tasks/docs/{task}.md; to write it anew: --force" for task in done.kept]
    for refused in done.refused:
        lines.append(f"refused {refused.task}: {refused.message}")
        lines += [f"  {problem}" for problem in refused.complaints[:_PROBLEMS_SHOWN]]
        if len(refused.complaints) > _PROBLEMS_SHOWN:
            lines.append(f"  and {len(refused.complaints) - _PROBLEMS_SHOWN} more")
        lines += [f"  what its author did: {refused.log}"] if refused.log else []
    if not lines:
        return ["every task that is not over has its document"]
    if len(done.written) + len(done.refused) > 1 and (used := describe_usage(done.usage)):
        lines.append(f"in all: {used}")
    return lines


def _configure_synthesize(p: argparse.ArgumentParser) -> None:
    p.add_argument("plan", metavar="PLAN", help="plan id, or an unambiguous beginning of one")
    p.add_argument("--partial", action="store_true", help="also while tasks are open; the text says which")
    p.add_argument("--force", action="store_true", help="replace a text that says something else")
    p.add_argument("--agent", metavar="NAME", help="let this agent from tasks/config.yaml find the words")
    p.add_argument("--model", metavar="MODEL", help="let the default agent find the words, with this model")
    add_delivery(p)


def _synthesize(a: argparse.Namespace) -> Answer:
    from gitbaton.domain.synthesis import add_rows
    from gitbaton.usecases.synthesis import Asked, synthesize_plan

    project = open_here()
    asked = Asked(a.partial, a.force, a.agent, a.model)
    with following(is_json=a.json) as follow:
        done = synthesize_plan(project, a.plan, asked, to=read_delivery(a), on_progress=follow)
    facts, total = done.facts, add_rows(done.facts)
    used = describe_usage(done.usage)
    lines = (
        [f"wrote {done.path}" + (f" ({used})" if used else "")]
        if done.edited
        else [f"{done.path} says so already"]
    )
    if facts.open:
        lines.append(f"  still open: {', '.join(t.id for t in facts.open)}")
    fields: dict[str, Any] = {
        "plan": facts.id, "path": done.path, "complete": not facts.open, "open": [t.id for t in facts.open],
        "tasks": {t.id: t.state for t in facts.tasks}, "attempts": total.attempts, "totals": usage_record(total.usage),
        "rounds": list(done.rounds), "usage": usage_record(done.usage), "text": done.text, **delivery_record(done.edited),
    }  # fmt: skip
    return Answer(record("synthesize", **fields), "\n".join([*lines, *describe_edit(done.edited, project)]))


COMMANDS = {
    "docs": Command(
        "Let an agent write implementation notes and acceptance tests of tasks. It reads the repository\n"
        "in a private clone and hands them in. They are checked, and written to tasks/docs/ in one commit.\n"
        "Attempts at a task are told to read them first. A document that is there is kept.\n"
        "Exit code 4: what was handed in for a task was refused; the others are written all the same.",
        _configure_docs, _docs, ("baton docs add-health", "baton docs --all --propose", "baton docs add-health --force --model opus"),
    ),
    "synthesize": Command(
        "Write what came of a plan, to tasks/plans/PLAN.md: what was built, artifacts, decisions,\n"
        "follow-ups and what it took, from the handoffs and states of its tasks.\n"
        "With --agent or --model an agent finds the words; the numbers are always counted.",
        _configure_synthesize, _synthesize, ("baton synthesize user-accounts", "baton synthesize user-accounts --propose", "baton synthesize user-accounts --model opus"),
    ),
}  # fmt: skip
