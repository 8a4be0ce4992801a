"""``stats`` for people, and as one record for programs."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gitbaton.domain.durations import render_duration
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.report.terminal import fit, measure, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.domain.stats import Group, Measure
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.figures import Figures

#: What stands for attempts that have none of what they are counted by.
_NONE = {
    "role": "(no role)", "model": "(not known)", "complexity": "(not said)", "plan": "(no plan)", "outcome": "(closed by hand)",
}  # fmt: skip
_NAME_LEAST = 10
_SHORT = ((1e9, "G"), (1e6, "M"), (1e4, "k"))


def render_stats(told: Figures, style: Style) -> str:
    """A table by what was asked for, or all of it in a few lines."""
    if not told.rows:
        beside = f" ({told.elsewhere} elsewhere or earlier)" if told.elsewhere else ""
        return "\n".join([f"no attempt was made{_whose(told)} so far{beside}", *_warn(told, style)])
    text = _table(told, style) if told.by else _overview(told, style)
    return "\n".join([*text, *_warn(told, style)])


def _whose(told: Figures) -> str:
    words = f" of plan {told.plan}" if told.plan else ""
    return words + (f" since {_day(told.since)}" if told.since is not None else "")


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")


def _warn(told: Figures, style: Style) -> list[str]:
    if not told.unreadable:
        return []
    shown = ", ".join(told.unreadable[:3]) + (" …" if len(told.unreadable) > 3 else "")
    return [
        style.paint(
            f"not counted, because the live state can't be read: {printable(shown)}; see: baton doctor",
            "yellow",
        )
    ]


# -- a table -----------------------------------------------------------------------------------------------------


def _table(told: Figures, style: Style) -> list[str]:
    head = [told.by or "", "tasks", "attempts", "success", "median", "9 of 10", "turns", "tokens", "cost", "tools"]  # fmt: skip
    groups = [*told.stats.groups, told.stats.total]
    names = [g.name or _NONE.get(told.by or "", "(none)") for g in told.stats.groups] + ["all"]
    rows = [head, *([printable(name), *_cells(group)] for name, group in zip(names, groups, strict=True))]
    widths = [max(measure(row[i]) for row in rows) for i in range(len(head))]
    gap = "  " if sum(widths) + 2 * len(widths) <= style.width else " "
    room = max(_NAME_LEAST, style.width - sum(widths[1:]) - len(gap) * (len(widths) - 1))
    lines = []
    for row in rows:
        name = fit(row[0], min(room, widths[0]), end=style.symbol("…", "..."))
        padded = name + " " * (min(room, widths[0]) - measure(name))
        lines.append(gap.join([padded, *(c.rjust(widths[i]) for i, c in enumerate(row) if i)]))
    return [style.paint(lines[0], "bold"), *lines[1:-1], style.paint(lines[-1], "dim")]


def _cells(group: Group) -> list[str]:
    rate = group.success_rate
    tokens = group.input_tokens.total + group.output_tokens.total
    known = group.input_tokens.attempts or group.output_tokens.attempts
    return [
        str(group.tasks), str(group.attempts), "-" if rate is None else f"{rate * 100:.0f} %", _time(group.duration_s.median),
        _time(group.duration_s.p90), _number(group.turns), _shorten(tokens) if known else "-", _money(group.cost_usd),
        _number(group.tool_calls),
    ]  # fmt: skip


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else render_duration(seconds)


def _number(figure: Measure) -> str:
    return _shorten(figure.total) if figure.attempts else "-"


def _money(figure: Measure) -> str:
    return f"${figure.total:.2f}" if figure.attempts else "-"


def _shorten(number: float) -> str:
    for size, sign in _SHORT:
        if number >= size:
            return f"{number / (size if sign != 'k' else 1000):.1f}{sign}"
    return f"{number:.0f}"


# -- a few lines -------------------------------------------------------------------------------------------------


def _overview(told: Figures, style: Style) -> list[str]:
    total = told.stats.total
    parts = [
        f"{count} {words}"
        for count, words in (
            (total.good, "went to review"), (total.failed, "failed"), (total.asked, "ended with a question"),
            (total.set_aside, "set aside by a person"), (total.running, "running"),
            (total.attempts - total.good - total.failed - total.asked - total.set_aside - total.running, "closed by hand"),
        )
        if count
    ]  # fmt: skip
    head = f"{_count(total.attempts, 'attempt')} at {_count(total.tasks, 'task')}{_whose(told)}"
    rate, tries = total.success_rate, total.attempts_per_success
    rows = [["ended", ", ".join(parts)]]
    if rate is not None:
        rows.append(["success", f"{rate * 100:.0f} % of those that were judged" + (f"; {tries:.1f} attempts for each piece of work" if tries else "")])  # fmt: skip
    rows += [
        ["time", _spread(total.duration_s, total, render_duration)],
        ["turns", _spread(total.turns, total, _shorten, sums=True)],
        ["tokens", _say_tokens(total)],
        ["cost", _spread(total.cost_usd, total, lambda v: f"${v:.2f}", sums=True)],
        ["tool calls", _spread(total.tool_calls, total, _shorten, sums=True)],
        ["why", ", ".join(f"{OUTCOMES[Outcome(name)].words} {n}" for name, n in sorted(total.outcomes, key=lambda o: (-o[1], o[0])))],
    ]  # fmt: skip
    width = max(len(name) for name, words in rows if words) + 4
    lines = [style.paint(head, "bold")]
    for name, words in rows:
        if words:
            lines += textwrap.wrap(
                f"  {name.ljust(width - 2)}{words}", max(40, style.width), subsequent_indent=" " * width
            )
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _spread(figure: Measure, group: Group, say: Callable[[float], str], *, sums: bool = False) -> str:
    if figure.median is None or figure.p90 is None:
        return ""
    told = (
        "" if figure.attempts == group.attempts else f" ({figure.attempts} of {group.attempts} attempts told)"
    )
    whole = f"{say(figure.total)}; " if sums else ""
    return f"{whole}{say(figure.median)} in the middle, nine of ten up to {say(figure.p90)}{told}"


def _say_tokens(group: Group) -> str:
    if not (group.input_tokens.attempts or group.output_tokens.attempts):
        return ""
    return f"{_shorten(group.input_tokens.total)} sent, {_shorten(group.output_tokens.total)} received"


# -- for programs ------------------------------------------------------------------------------------------------


def stats_record(told: Figures) -> dict[str, Any]:
    """Figures of all, and of each group. What nobody reported is null."""
    return {
        "by": told.by, "plan": told.plan, "since": None if told.since is None else render_time(told.since),
        "total": group_record(told.stats.total), "groups": [{"name": g.name, **group_record(g)} for g in told.stats.groups],
        "tasks": dict(sorted(told.tasks.items())), "unreadable": list(told.unreadable),
    }  # fmt: skip


def group_record(group: Group) -> dict[str, Any]:
    """One group."""
    rate, tries = group.success_rate, group.attempts_per_success
    return {
        "tasks": group.tasks, "attempts": group.attempts, "good": group.good, "failed": group.failed, "asked": group.asked,
        "set_aside": group.set_aside, "running": group.running, "success_rate": None if rate is None else round(rate, 4),
        "attempts_per_success": None if tries is None else round(tries, 4), "outcomes": dict(group.outcomes),
        **{name: _measure_record(getattr(group, name)) for name in MEASURES},
    }  # fmt: skip


MEASURES = ("duration_s", "turns", "input_tokens", "output_tokens", "cost_usd", "tool_calls")


def _measure_record(figure: Measure) -> dict[str, Any] | None:
    if not figure.attempts:
        return None
    values = {"sum": figure.total, "median": figure.median, "p90": figure.p90}
    return {"attempts": figure.attempts, **{name: _plain(value) for name, value in values.items()}}


def _plain(value: float | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == int(value) else round(value, 6)


def render_time(moment: float) -> str:
    """``2026-01-31T09:00:00Z``."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def group_cells(groups: Sequence[Group], by: str) -> list[dict[str, Any]]:
    """Groups as flat rows, for tables of programs."""
    rows = []
    for group in groups:
        said = group_record(group)
        flat = {by: group.name, **{k: v for k, v in said.items() if k not in (*MEASURES, "outcomes")}}
        for name in MEASURES:
            for part in ("sum", "median", "p90"):
                flat[f"{name}_{part}"] = said[name][part] if said[name] else None
        rows.append(flat)
    return rows
