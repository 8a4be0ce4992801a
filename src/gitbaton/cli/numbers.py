"""Commands that say how it goes in figures: forecast, bottlenecks, stats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.face import EXIT_NOTHING, Answer, Command, open_here
from gitbaton.cli.given import count
from gitbaton.errors import UsageError
from gitbaton.report.records import record

if TYPE_CHECKING:
    import argparse

    from gitbaton.usecases.project import Project

#: Of fewer runs nobody can say what 19 of 20 came to.
_RUNS_LEAST, _RUNS_MOST = 20, 100_000


def _add_fetch(p: argparse.ArgumentParser) -> None:
    p.add_argument("--fetch", action="store_true", help="ask the remote first")


def _open(a: argparse.Namespace) -> Project:
    project = open_here()
    return project.fetched() if a.fetch else project


def _configure_forecast(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "plan", nargs="?", metavar="PLAN", help="only tasks of this plan; without one: all open tasks"
    )
    p.add_argument(
        "--lanes",
        type=count,
        metavar="N",
        help="how many agents work at once (default: caps.running, else as many as so far)",
    )
    p.add_argument(
        "--by", metavar="DATE", help="also say how likely it is done by then: 2026-03-31, or 2w from now"
    )
    p.add_argument(
        "--runs",
        type=int,
        metavar="N",
        help="how often to play it through (default: as many as take a second or two)",
    )
    p.add_argument(
        "--seed",
        default="0",
        metavar="TEXT",
        help="other lots; the same seed gives the same answer (default: 0)",
    )
    _add_fetch(p)


def _forecast(a: argparse.Namespace) -> Answer:
    from gitbaton.report.forecast_text import forecast_record, render_forecast
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.forecasting import forecast_work
    from gitbaton.usecases.measuring import parse_day

    if a.runs is not None and not _RUNS_LEAST <= a.runs <= _RUNS_MOST:
        raise UsageError(
            f"--runs is a number from {_RUNS_LEAST} to {_RUNS_MOST}",
            code="usage",
            hint="baton forecast --runs 1000",
        )
    project = _open(a)
    now = project.refs.now().timestamp()
    by = parse_day(a.by, now, "--by", ahead=True) if a.by else None
    if by is not None and by <= now:
        raise UsageError(
            f"--by {a.by} is over", code="bad-value", hint="a date to come, or a length of time: --by 2w"
        )
    told = forecast_work(project, a.plan, lanes=a.lanes, runs=a.runs, seed=a.seed)
    if by is not None:
        told = told._replace(by_s=by - told.now, by_said=a.by)
    code = EXIT_NOTHING if told.open and told.forecast is None else 0
    return Answer(record("forecast", **forecast_record(told)), render_forecast(told, Style()), code)


def _configure_bottlenecks(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "plan",
        nargs="?",
        metavar="PLAN",
        help="only tasks of this plan, and what they need; without one: all",
    )
    _add_fetch(p)


def _bottlenecks(a: argparse.Namespace) -> Answer:
    from gitbaton.report.bottlenecks_text import bottlenecks_record, render_bottlenecks
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.bottlenecks import find_bottlenecks

    told = find_bottlenecks(_open(a), a.plan)
    return Answer(record("bottlenecks", **bottlenecks_record(told)), render_bottlenecks(told, Style()))


def _configure_stats(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--by", choices=("role", "model", "complexity", "week", "agent", "plan", "outcome"),
        help="a line for each (week: the one in which an attempt began, UTC)",
    )  # fmt: skip
    p.add_argument("--since", metavar="DATE", help="only attempts that began since then: 2026-01-31, or 30d")
    p.add_argument("--plan", metavar="ID", help="only tasks of this plan")
    p.add_argument(
        "--format", choices=("table", "json", "csv", "jsonl", "prometheus"), default="table",
        help="csv: a row for each --by, else for each attempt; jsonl: a line for each attempt; prometheus: counters, as text (default: table)",
    )  # fmt: skip
    _add_fetch(p)


def _stats(a: argparse.Namespace) -> Answer:
    import json

    from gitbaton.report.stats_formats import render_csv, render_lines, render_prometheus
    from gitbaton.report.stats_text import render_stats, stats_record
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.figures import tell_figures

    if a.json and a.format not in ("table", "json"):
        raise UsageError(
            f"--json and --format {a.format} are two forms",
            code="usage",
            hint=f"baton stats --format {a.format}",
        )
    if a.format == "prometheus" and a.since:
        raise UsageError(
            "counters for Prometheus count from the beginning: they take no --since", code="usage",
            hint="baton stats --format prometheus; ask Prometheus for increase(…[7d])",
        )  # fmt: skip
    if a.format == "jsonl" and a.by:
        raise UsageError(
            "--format jsonl has a line for each attempt, so it takes no --by", code="usage",
            hint=f"baton stats --by {a.by} --format csv",
        )  # fmt: skip
    told = tell_figures(_open(a), by=a.by, plan=a.plan, since=a.since)
    said = record("stats", **stats_record(told))
    match a.format:
        case "json":
            return Answer(said, json.dumps(said, ensure_ascii=False))
        case "csv":
            return Answer(said, render_csv(told))
        case "jsonl":
            return Answer(said, render_lines(told))
        case "prometheus":
            return Answer(said, render_prometheus(told))
        case _:
            return Answer(said, render_stats(told, Style()))


COMMANDS = {
    "forecast": Command(
        "Say when the open work will be done: it is played through many times, with the durations, failures and waits of the past.",
        _configure_forecast, _forecast,
        ("baton forecast", "baton forecast user-accounts --lanes 4", "baton forecast --by 2026-03-31", "baton forecast --json"),
    ),
    "bottlenecks": Command(
        "Say what holds the work up, and what to do about it: the longest chain, what most tasks wait for, people, reviews, checks, roles.",
        _configure_bottlenecks, _bottlenecks, ("baton bottlenecks", "baton bottlenecks user-accounts", "baton bottlenecks --json"),
    ),
    "stats": Command(
        "Show figures of all attempts: success, durations, turns, tokens, cost, tool calls; as a table, or for other programs.",
        _configure_stats, _stats,
        ("baton stats", "baton stats --by role", "baton stats --by week --since 30d", "baton stats --format csv > attempts.csv", "baton stats --by model --format prometheus"),
    ),
}  # fmt: skip
