"""``stats`` for other programs: CSV, JSON lines, and the text format of Prometheus
(https://prometheus.io/docs/instrumenting/exposition_formats/).
"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from gitbaton.domain.stats import AttemptRow
from gitbaton.report.stats_text import group_cells, render_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gitbaton.domain.stats import Group
    from gitbaton.usecases.figures import Figures

#: Upper ends of the duration's buckets: a minute to a day.
BUCKETS_S = (60, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 86400)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def attempt_record(row: AttemptRow) -> dict[str, Any]:
    """One attempt, with all fields, in this order; what is not known is null."""
    duration = row.duration_s
    return {
        "task": row.task, "attempt": row.number, "run": row.run, "agent": row.agent, "kind": row.kind, "model": row.model,
        "role": row.role, "complexity": row.complexity, "plan": row.plan, "started": render_time(row.started),
        "ended": None if row.ended is None else render_time(row.ended), "week": row.week, "running": row.running,
        "outcome": row.outcome, "end": row.end, "duration_s": None if duration is None else round(duration, 3), "agent_s": row.agent_s,
        "turns": row.turns, "input_tokens": row.input_tokens, "output_tokens": row.output_tokens, "cost_usd": row.cost_usd,
        "tool_calls": row.tool_calls,
    }  # fmt: skip


def render_lines(told: Figures) -> str:
    """One JSON object for each attempt, oldest first."""
    return "\n".join(json.dumps(attempt_record(row), ensure_ascii=False) for row in in_order(told.rows))


def render_csv(told: Figures) -> str:
    """A row for each group, or, where nothing was asked for, for each attempt."""
    if told.by:
        rows = group_cells([*told.stats.groups], told.by)
        fields = list(group_cells([told.stats.total], told.by)[0])
    else:
        rows = [attempt_record(row) for row in in_order(told.rows)]
        fields = list(attempt_record(AttemptRow("", 1, "", "", 0.0)))
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _say(value) for name, value in row.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def _say(value: Any) -> Any:
    """A cell. Text that a spreadsheet would take for a formula gets an apostrophe: names of models come from outside."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return str(value).lower() if isinstance(value, bool) else value


def in_order(rows: Iterable[AttemptRow]) -> list[AttemptRow]:
    """Oldest first; the same on every machine."""
    return sorted(rows, key=lambda row: (row.started, row.task, row.number))


# -- Prometheus --------------------------------------------------------------------------------------------------


def render_prometheus(told: Figures) -> str:
    """Counters since the first attempt, with what was asked for as their label."""
    label = told.by
    groups = told.stats.groups if label else (told.stats.total,)
    lines: list[str] = []

    def add(
        name: str, kind: str, words: str, samples: Iterable[tuple[str, Mapping[str, str], float]]
    ) -> None:
        lines.extend([f"# HELP {name} {words}", f"# TYPE {name} {kind}"])
        lines.extend(f"{name}{part}{_labels(labels)} {_value(value)}" for part, labels, value in samples)

    def mark(group: Group) -> dict[str, str]:
        return {label: group.name or ""} if label else {}

    ends = ("good", "failed", "asked", "set_aside")
    add(
        "gitbaton_attempts_total", "counter", "Attempts that ended, by what they came to.",
        (("", {**mark(g), "end": end}, getattr(g, end)) for g in groups for end in ends),
    )  # fmt: skip
    add("gitbaton_attempts_running", "gauge", "Attempts that run now.", (("", mark(g), g.running) for g in groups))  # fmt: skip
    add(
        "gitbaton_attempt_duration_seconds", "histogram", "Time from the claim to the end of an attempt.",
        (sample for g in groups for sample in _histogram(g, mark(g))),
    )  # fmt: skip
    for field, name, words in (
        ("turns", "gitbaton_turns_total", "Turns of agents."),
        ("tool_calls", "gitbaton_tool_calls_total", "Tool calls of agents."),
        ("cost_usd", "gitbaton_cost_usd_total", "Cost in US dollars as agents report it."),
    ):
        add(name, "counter", words, (("", mark(g), getattr(g, field).total) for g in groups))
    add(
        "gitbaton_tokens_total", "counter", "Tokens that agents sent and received.",
        (
            ("", {**mark(g), "direction": way}, getattr(g, f"{way}_tokens").total)
            for g in groups
            for way in ("input", "output")
        ),
    )  # fmt: skip
    add("gitbaton_tasks", "gauge", "Tasks by state.", (("", {"state": s}, n) for s, n in sorted(told.tasks.items())))  # fmt: skip
    return "\n".join(lines)


def _histogram(group: Group, labels: Mapping[str, str]) -> Iterable[tuple[str, Mapping[str, str], float]]:
    for most in BUCKETS_S:
        yield "_bucket", {**labels, "le": str(most)}, sum(d <= most for d in group.durations)
    yield "_bucket", {**labels, "le": "+Inf"}, len(group.durations)
    yield "_sum", labels, group.duration_s.total
    yield "_count", labels, len(group.durations)


def _labels(labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{name}="{_escape(value)}"' for name, value in labels.items())
    return f"{{{inside}}}" if inside else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _value(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(round(float(value), 6))
