"""Commands on agents: agents."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import Answer, Command, open_here
from gitbaton.domain.reviewtext import render_usage
from gitbaton.domain.wording import shorten_to_line
from gitbaton.errors import UsageError
from gitbaton.report.records import record
from gitbaton.report.terminal import Style, align, printable

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.agents import Checked, Listed


def _configure(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "action", choices=("list", "check"), nargs="?", default="list", help="what to do (default: list)"
    )
    p.add_argument("agent", nargs="?", metavar="NAME", help="only this agent")
    p.add_argument(
        "--live", action="store_true", help="also ask the agent a trial question, which costs a few tokens"
    )


def _agents(a: argparse.Namespace) -> Answer:
    if a.action == "list":
        if a.agent or a.live:
            raise UsageError("list takes no more words", code="usage", hint="baton agents check NAME --live")
        return _list()
    from gitbaton.usecases.agents import check_agents

    if a.live and not a.json:
        print("asking …", file=sys.stderr)
    checked = check_agents(open_here(), a.agent, live=a.live)
    style = Style()
    text = "\n".join(_describe(c, style) for c in checked)
    return Answer(
        record("agents", agents=[_record(c) for c in checked]), text, 0 if all(c.good for c in checked) else 1
    )


def _list() -> Answer:
    from gitbaton.usecases.agents import list_agents

    found = list_agents(open_here())
    rows = [
        [a.name, "default" if a.chosen else "", a.adapter, a.model or "", " ".join(a.command)] for a in found
    ]
    return Answer(record("agents", agents=[_name(a) for a in found]), align(rows, Style()))


def _name(agent: Listed) -> dict[str, Any]:
    return {
        "name": agent.name,
        "adapter": agent.adapter,
        "command": list(agent.command),
        "model": agent.model,
        "default": agent.chosen,
    }


def _record(checked: Checked) -> dict[str, Any]:
    error, report = checked.error, checked.report
    return {
        **_name(checked.agent),
        "ok": checked.good,
        "program": checked.program,
        "version": checked.version,
        "keys": list(checked.keys),
        "error": {"code": error.code, "message": error.message, "hint": error.hint} if error else None,
        "live": {
            "outcome": report.outcome.value, "message": report.message, "seconds": report.usage.seconds, "cost_usd": report.usage.cost_usd,
        } if report else None,
    }  # fmt: skip


def _describe(checked: Checked, style: Style) -> str:
    """One line with the verdict, then what stands behind it."""
    mark = style.paint("ok", "green") if checked.good else style.paint("can't run", "red")
    lines = [f"{checked.agent.name}: {mark}"]
    if checked.program:
        lines.append(f"  program: {checked.program}" + (f" ({checked.version})" if checked.version else ""))
    if checked.keys:
        lines.append(f"  key: {', '.join(checked.keys)}")
    if checked.error:
        lines += [f"  {checked.error.message}", f"  hint: {checked.error.hint}"]
    if report := checked.report:
        said = shorten_to_line(printable(report.message))
        lines.append(
            f"  trial: {report.outcome.value.replace('_', ' ')}: {said}  ({', '.join(render_usage(report.usage))})"
        )
    return "\n".join(lines)


COMMANDS = {
    "agents": Command(
        "Say which agents the settings name, or check whether they could run here: program, version, key. With --live each\n"
        "is asked a trial question in an empty folder. Exit code 1: one can't run.",
        _configure, _agents, ("baton agents", "baton agents check", "baton agents check claude --live"),
    ),
}  # fmt: skip
