"""``bottlenecks``: what holds the work up, each with what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.durations import render_duration
from gitbaton.domain.experience import POOL_LEAST
from gitbaton.report.board_text import words
from gitbaton.report.forecast_text import round_up
from gitbaton.report.moments import render_age
from gitbaton.report.terminal import STATE_COLORS, align, fit, printable

if TYPE_CHECKING:
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.bottlenecks import Bottlenecks, OnPath, Waiting

_SHOWN = 5
_PATH_SHOWN = 8
_KIND_COLORS = {"question": "yellow", "failed": "red", "review": "magenta", "stuck": "red", "set aside": "yellow", "held": "yellow"}  # fmt: skip


def render_bottlenecks(told: Bottlenecks, style: Style) -> str:
    """What matters most first; nothing is said about what is well."""
    sections = [s for s in (_path(told, style), _gates(told, style), _people(told, style), _reviews(told, style), _checks(told, style), _roles(told, style)) if s]  # fmt: skip
    whose = f"plan {told.plan}: " if told.plan else ""
    if not told.open:
        sections = [[f"{whose}no task is open"], *sections]
    elif not sections:
        sections = [[f"{whose}nothing stands out"]]
    return "\n\n".join("\n".join(section) for section in sections)


def _path(told: Bottlenecks, style: Style) -> list[str]:
    if not told.path:
        return []
    whole = sum(step.length.whole_s for step in told.path if step.length)
    people = sum(step.length.people_s for step in told.path if step.length)
    about = (
        f", about {_length(whole)}, {people / whole * 100:.0f} % of it waiting for people" if whole else ""
    )
    title = f"The chain that takes longest ({len(told.path)}{about})"
    shown = told.path if len(told.path) <= _PATH_SHOWN else told.path[: _PATH_SHOWN - 1]
    rows = [["  " + fit(step.entry.row.id, 48), _say_length(step), words(step.entry.state)] for step in shown]
    colors = [[None, None, STATE_COLORS.get(step.entry.state)] for step in shown]
    lines = [style.paint(title, "bold"), *align(rows, style, colors).splitlines()]
    if len(shown) < len(told.path):
        lines.append(
            f"  … {len(told.path) - len(shown) - 1} more, then {printable(told.path[-1].entry.row.id)}"
        )
    if told.thin:
        lines.append(style.paint(f"  counted in tasks, not in time: {printable(told.thin)}", "dim"))
    elif is_guess(told):
        lived = told.lived
        lines.append(
            style.paint(
                f"  a guess: so far {_count(len(lived.tries), 'attempt')} and {_count(len(lived.reviews), 'review')} ended",
                "dim",
            )
        )
    return lines


def is_guess(told: Bottlenecks) -> bool:
    """Whether the lengths of the path rest on little."""
    return told.lived.is_thin or not told.lived.reviews


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _say_length(step: OnPath) -> str:
    length = step.length
    if length is None:
        return ""
    if not length.whole_s:
        return "its parts"
    parts = [(length.work_s, "work"), (length.people_s, "people")]
    said = ", ".join(f"{_length(seconds)} {what}" for seconds, what in parts if seconds >= 30)
    return f"{_length(length.whole_s)} ({said})" if "," in said else _length(length.whole_s)


def _length(seconds: float) -> str:
    return render_duration(max(60.0, round_up(seconds)))


def _gates(told: Bottlenecks, style: Style) -> list[str]:
    if not told.gates:
        return []
    rows = [
        ["  " + fit(g.entry.row.id, 48), f"{g.below} task{'s' if g.below != 1 else ''}", words(g.entry.state), f"{_arrow(style)} {g.remedy}"]
        for g in told.gates[:_SHOWN]
    ]  # fmt: skip
    colors = [[None, None, STATE_COLORS.get(g.entry.state), "dim"] for g in told.gates[:_SHOWN]]
    return [style.paint("Most others wait for", "bold"), *align(rows, style, colors).splitlines(), *_more(len(told.gates), "baton graph --open", style)]  # fmt: skip


def _arrow(style: Style) -> str:
    return style.symbol("→", "->")


def _more(number: int, where: str, style: Style) -> list[str]:
    hidden = number - _SHOWN
    return [style.paint(f"  and {hidden} more: {where}", "dim")] if hidden > 0 else []


def _people(told: Bottlenecks, style: Style) -> list[str]:
    if not told.waiting:
        return []
    rows, colors = [], []
    for w in told.waiting[:_SHOWN]:
        age = "" if w.age_s is None else render_age(w.age_s)
        behind = f"{w.below} behind it" if w.below else ""
        rows.append(["  " + fit(w.want.entry.row.id, 48), age, _say_who(w), behind, fit(w.want.words, 60), f"{_arrow(style)} {w.want.remedy}"])  # fmt: skip
        colors.append([_KIND_COLORS.get(w.want.kind), None, None, None, None, "dim"])
    title = f"Wait for people ({len(told.waiting)})"
    return [
        style.paint(title, "bold"),
        *align(rows, style, colors).splitlines(),
        *_more(len(told.waiting), "baton board", style),
    ]


def _say_who(waiting: Waiting) -> str:
    return waiting.who or ("whoever merges" if waiting.want.kind == "review" else "anybody")


def _reviews(told: Bottlenecks, style: Style) -> list[str]:
    found = told.reviews
    if found is None:
        return []
    slow = found.ended >= POOL_LEAST and found.attempt_s is not None and found.median_s > found.attempt_s
    if not (slow or found.overdue):
        return []
    lines = [style.paint("Slow reviews", "bold")]
    said = f"  {found.ended} ended: {_length(found.median_s)} in the middle, nine of ten within {_length(found.p90_s)}"
    if found.attempt_s is not None:
        said += f"; an attempt takes {_length(found.attempt_s)}"
    lines.append(said)
    late = ", ".join(f"{w.want.entry.row.id} ({render_age(w.age_s or 0)})" for w in found.overdue[:_SHOWN])
    lines += [f"  longer than nine of ten already: {printable(late)}"] if late else []
    oldest = next((w.want.remedy for w in told.waiting if w.want.kind == "review"), None)
    lines.append(style.paint(f"  {_arrow(style)} {oldest or 'smaller tasks make shorter reviews: see what is large with baton stats --by complexity'}", "dim"))  # fmt: skip
    return lines


def _checks(told: Bottlenecks, style: Style) -> list[str]:
    found = [check for check in told.checks if check.is_flaky or check.fails_often]
    if not found:
        return []
    rows = []
    for check in found[:_SHOWN]:
        rate = f"failed {check.failed} of {check.runs} times"
        task = check.tasks[0] if check.tasks else None
        if check.is_flaky:
            said = f"judged the same files differently {check.flips} time{'s' if check.flips != 1 else ''}"
            rows.append([f"  {check.name}", "flaky", rate, said, f"{_arrow(style)} baton log {task}"])
        else:
            rows.append(
                [f"  {check.name}", "fails often", rate, "", f"{_arrow(style)} baton stats --by outcome"]
            )
    colors: list[list[str | None]] = [[None, "red", None, None, "dim"]] * len(rows)
    return [style.paint("Checks", "bold"), *align(rows, style, colors).splitlines()]


def _roles(told: Bottlenecks, style: Style) -> list[str]:
    if not told.roles:
        return []
    rows = [
        [f"  {r.role}", f"{render_duration(r.median_s)} in the middle of {r.attempts}", f"{r.times:.1f} times as long as the others ({render_duration(r.others_s)})"]
        for r in told.roles[:_SHOWN]
    ]  # fmt: skip
    advice = f"  {_arrow(style)} give it smaller tasks, or another model: baton stats --by role"
    return [style.paint("Slow roles", "bold"), *align(rows, style).splitlines(), style.paint(advice, "dim")]


def bottlenecks_record(told: Bottlenecks) -> dict[str, Any]:
    """The same for programs; lengths in seconds, null where too little is known."""
    reviews = told.reviews
    return {
        "plan": told.plan, "open": told.open, "thin": told.thin, "guess": is_guess(told),
        "critical_path": [
            {
                "task": step.entry.row.id, "state": step.entry.state, "seconds": round(step.length.whole_s) if step.length else None,
                "work_s": round(step.length.work_s) if step.length else None, "people_s": round(step.length.people_s) if step.length else None,
            }
            for step in told.path
        ],
        "blocking": [
            {"task": g.entry.row.id, "state": g.entry.state, "tasks_behind": g.below, "remedy": g.remedy} for g in told.gates
        ],
        "waiting_for_people": [
            {
                "task": w.want.entry.row.id, "kind": w.want.kind, "words": w.want.words, "seconds": None if w.age_s is None else round(w.age_s),
                "who": w.who, "tasks_behind": w.below, "remedy": w.want.remedy,
            }
            for w in told.waiting
        ],
        "reviews": None if reviews is None else {
            "ended": reviews.ended, "median_s": round(reviews.median_s), "p90_s": round(reviews.p90_s),
            "attempt_s": None if reviews.attempt_s is None else round(reviews.attempt_s), "overdue": [w.want.entry.row.id for w in reviews.overdue],
        },
        "checks": [
            {"name": c.name, "runs": c.runs, "failed": c.failed, "flips": c.flips, "flaky": c.is_flaky, "tasks": list(c.tasks)} for c in told.checks
        ],
        "slow_roles": [
            {"role": r.role, "attempts": r.attempts, "median_s": round(r.median_s), "others_s": round(r.others_s), "times": round(r.times, 2)}
            for r in told.roles
        ],
    }  # fmt: skip
