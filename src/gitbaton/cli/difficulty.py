"""Commands about difficulty: complexity, route, approve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.delivery import add_delivery, delivery_record, read_delivery
from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.cli.states import ID, describe_edit, find_now
from gitbaton.report.board_text import words
from gitbaton.report.records import record, task_record
from gitbaton.report.terminal import Style

if TYPE_CHECKING:
    import argparse


def _configure_complexity(p: argparse.ArgumentParser) -> None:
    p.add_argument("ids", nargs="*", metavar="ID", help=f"{ID}; without one: all open tasks")
    p.add_argument("--format", choices=("table", "json", "md"), default="table", help="how to print it")


def _complexity(a: argparse.Namespace) -> Answer:
    import json

    from gitbaton.report.routing_text import judgement_record, render_complexity, render_complexity_markdown
    from gitbaton.usecases.judging import judge_tasks

    found = judge_tasks(open_here(), a.ids)
    tasks = [
        {"id": one.entry.row.id, "title": one.entry.row.title, "state": one.entry.state, **judgement_record(one.judgement)}
        for one in found
    ]  # fmt: skip
    said = record("complexity", tasks=tasks)
    if a.format == "md":
        return Answer(said, render_complexity_markdown(found))
    text = json.dumps(said, ensure_ascii=False) if a.format == "json" else render_complexity(found, Style())
    return Answer(said, text)


def _configure_route(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    p.add_argument(
        "--explain", action="store_true", help="say where each comes from, and why it is taken for that hard"
    )
    p.add_argument("--agent", metavar="NAME", help="as if this agent from tasks/config.yaml were asked for")


def _route(a: argparse.Namespace) -> Answer:
    from gitbaton.report.routing_text import render_route, route_record
    from gitbaton.usecases.routing import route_task

    route = route_task(open_here(), a.id, agent_name=a.agent)
    said = record("route", task=task_record(route.entry), **route_record(route))
    return Answer(said, render_route(route, Style(), explain=a.explain))


def _configure_approve(p: argparse.ArgumentParser) -> None:
    p.add_argument("id", help=ID)
    p.add_argument("--withdraw", action="store_true", help="take an approval back")
    add_delivery(p)


def _approve(a: argparse.Namespace) -> Answer:
    from gitbaton.usecases.approving import approve_task, withdraw_approval

    project, to = open_here(), read_delivery(a)
    done = (withdraw_approval if a.withdraw else approve_task)(project, a.id, to=to)
    now = find_now(project, done.task, local=to.where == "here")
    if a.withdraw:
        first = (
            f"the approval of {done.task} is withdrawn" if done.edited else f"{done.task} was not approved"
        )
    elif done.edited is None:
        first = f"{done.task} is approved already, as it is"
    else:
        again = " again" if done.before == "outdated" else ""
        first = f"{done.task} is approved{again} by {project.actor}, as it is now"
        if to.where == "here" and not done.edited.off_base:
            first += f"; {words(now.state)}: {now.why}"
    lines = [first, *describe_edit(done.edited, project)]
    fields = {
        "task": task_record(now),
        "approved": not a.withdraw,
        "before": done.before,
        **delivery_record(done.edited),
    }
    return Answer(record("approve", **fields), "\n".join(lines))


COMMANDS = {
    "complexity": Command(
        "Say how hard tasks are, why, and which to split into how many parts. What the task file says counts;\n"
        "without that it is judged from words, size and history, which decides nothing unless routing.judge is set.",
        _configure_complexity, _complexity, ("baton complexity", "baton complexity add-health", "baton complexity --format md > complexity.md"),
    ),
    "route": Command(
        "Say what an attempt at a task would get: agent, model, limits, checks, peer review, approval, merging.",
        _configure_route, _route, ("baton route add-health", "baton route add-health --explain"),
    ),
    "approve": Command(
        "Approve a task that nobody may start without a person: critical ones, unless routing says otherwise.\n"
        "It stands in the task file, and counts for what the file says now: a later change needs a new approval.",
        _configure_approve, _approve, ("baton approve delete-old-accounts", "baton approve delete-old-accounts --base", "baton approve delete-old-accounts --withdraw"),
    ),
}  # fmt: skip
