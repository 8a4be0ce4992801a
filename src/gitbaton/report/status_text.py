"""``status``: one screen that says who is at what, what wants a person, and what is next."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.attention import find_column
from gitbaton.report.moments import render_age
from gitbaton.report.records import task_record
from gitbaton.report.terminal import align, fit, measure, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.attention import Column
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.survey import Survey

_NEXT_TOLD = 3


class _Limits(NamedTuple):
    """Lines a section may have before the rest is only counted."""

    running: int
    wants: int
    next: int
    hints: int


#: From roomy to tight: the first that fits the terminal is taken.
_LIMITS = (
    _Limits(6, 8, 3, 5),
    _Limits(4, 5, 3, 3),
    _Limits(3, 4, 2, 2),
    _Limits(2, 2, 2, 1),
    _Limits(1, 1, 1, 1),
)
_TOLD: tuple[tuple[Column, str], ...] = (
    ("running", "running"), ("review", "in review"), ("person", "waiting for a person"), ("ready", "ready"), ("waiting", "waiting"),
    ("done", "over"),
)  # fmt: skip
_WANT_COLORS = {
    "question": "yellow", "failed": "red", "review": "magenta", "approval": "magenta", "stuck": "red", "set aside": "yellow", "held": "yellow",
}  # fmt: skip


def render_status(seen: Survey, style: Style, *, height: int | None = None) -> str:
    """The screen, in at most ``height`` lines where that can be; with blank lines between the sections where there is
    room for them.
    """
    head = _totals(seen, style)
    sections: list[list[str]] = []
    for limits in _LIMITS:
        sections = [section for section in (
            _running(seen, style, limits), _wants(seen, style, limits), _next(seen, style, limits), _queue(seen, style),
            _hints(seen, style, limits),
        ) if section]  # fmt: skip
        if height is None or sum(map(len, sections)) + len(head) <= height:
            break
    airy = sum(map(len, sections)) + len(sections) + len(head) <= (height or 10_000)
    lines = list(head)
    for section in sections:
        lines += ["", *section] if airy else section
    return "\n".join(lines)


def _totals(seen: Survey, style: Style) -> list[str]:
    entries = seen.board.entries.values()
    if not entries:
        return ['There are no tasks yet. Write one with: baton add "Title"']
    start, *parts = tell_totals(seen)
    start = printable(start)
    text = textwrap.wrap(f"{start}: {', '.join(parts)}", min(style.width, 1000))
    return (
        [style.paint(start, "bold") + text[0][len(start) :], *text[1:]] if text[0].startswith(start) else text
    )


def tell_totals(seen: Survey) -> list[str]:
    """How many tasks there are and where; then how many in which column, and what they cost."""
    entries = seen.board.entries.values()
    where = seen.branch + (f" of {seen.remote}" if seen.remote else "")
    counts: dict[str, int] = {}
    for entry in entries:
        column = find_column(seen.board, entry)
        counts[column] = counts.get(column, 0) + 1
    parts = [f"{counts[column]} {said}" for column, said in _TOLD if column in counts]
    parts += [f"${seen.cost_usd:.2f} spent"] if seen.cost_usd else []
    return [f"{len(entries)} task{'s' if len(entries) != 1 else ''} on {where}", *parts]


def _section(title: str, rows: list[list[str]], colors: list[list[str | None]], style: Style, most: int, more: str) -> list[str]:  # fmt: skip
    if not rows:
        return []
    hidden = len(rows) - most
    if hidden == 1:  # its own line takes no more room than saying that it is there
        most, hidden = most + 1, 0
    shown = [["  " + printable(row[0]), *row[1:]] for row in rows[:most]]
    text = align(shown, style, colors[:most]).splitlines()
    rest = [style.paint(f"  and {hidden} more: {more}", "dim")] if hidden > 0 else []
    return [style.paint(title, "bold"), *text, *rest]


def _id(task: str, style: Style) -> str:
    """An id that leaves room for what is said about it."""
    return fit(task, max(16, min(48, style.width * 2 // 5)))


def _running(seen: Survey, style: Style, limits: _Limits) -> list[str]:
    rows = []
    for r in seen.running:
        person = r.entry.live and r.entry.live.person
        how = f"{r.who}, by hand" if person else f"attempt {r.attempt} by {r.who}"
        how = how if r.entry.running else f"{r.who} works on the branch"
        rows.append([_id(r.entry.row.id, style), render_age(seen.elapsed_s(r)), how + (f"  {r.watch_url}" if r.watch_url else "")])  # fmt: skip
    colors: list[list[str | None]] = [["cyan", None, None]] * len(rows)
    return _section(
        f"Running ({len(rows)})", rows, colors, style, limits.running, "baton list --state in_progress"
    )


def _wants(seen: Survey, style: Style, limits: _Limits) -> list[str]:
    rows, colors = [], []
    for want in seen.wants:
        age = seen.age_s(want.entry)
        rows.append([_id(want.entry.row.id, style), render_age(age) if age is not None else "", want.words])
        colors.append([_WANT_COLORS[want.kind], None, None])
    title = f"Needs a person ({len(rows)})"
    lines = _section(title, rows, colors, style, limits.wants, "baton board")
    if seen.wants:
        lines[0] += style.paint(fit(f"  {seen.wants[0].remedy}", max(10, style.width - len(title))), "dim")
    return lines


def _next(seen: Survey, style: Style, limits: _Limits) -> list[str]:
    if seen.nothing:
        return [style.paint("Next", "bold"), fit(f"  {seen.nothing}", style.width)] if seen.totals else []
    rows = [[_id(e.row.id, style), reason] for e, reason in seen.next]
    colors: list[list[str | None]] = [["green", None]] * len(rows)
    return _section(f"Next ({len(rows)})", rows, colors, style, limits.next, "baton list --ready")


def _queue(seen: Survey, style: Style) -> list[str]:
    queue = seen.queue
    if not queue.waiting:
        return []
    arrow = style.symbol(" → ", " -> ")
    lines = [style.paint(f"Waiting ({queue.waiting})", "bold")]
    if len(queue.chain) > 1:
        lines.append(
            fit(f"  longest chain ({len(queue.chain)}): {_shorten(queue.chain, arrow)}", style.width)
        )
    gates = ", ".join(f"{task} holds up {n}" for task, n in queue.gates if n > 1)
    return [*lines, fit(f"  {gates}", style.width)] if gates else lines


def _shorten(chain: Sequence[str], arrow: str) -> str:
    if len(chain) <= 5:
        return arrow.join(chain)
    return arrow.join([*chain[:3], "…", chain[-1]])


def _say_hint(said: str, remedy: str | None, style: Style) -> str:
    """What is wrong, cut rather than what helps."""
    after = f" {style.symbol('→', '->')} {printable(remedy)}" if remedy else ""
    room = style.width - 2 - measure(after)
    return fit(printable(said), room) + after if room >= style.width // 2 else printable(said) + after


def _hints(seen: Survey, style: Style, limits: _Limits) -> list[str]:
    rows = [[_say_hint(said, remedy, style)] for said, remedy in seen.hints]
    colors: list[list[str | None]] = [["yellow"]] * len(rows)
    return _section(f"Problems ({len(rows)})", rows, colors, style, limits.hints, "baton doctor")


def status_record(seen: Survey) -> dict[str, Any]:
    """The same for programs; ages in whole seconds."""
    return {
        "branch": seen.branch, "remote": seen.remote, "totals": seen.totals, "cost_usd": round(seen.cost_usd, 4),
        "running": [
            {"task": r.entry.row.id, "by": r.who, "attempt": r.attempt, "seconds": int(seen.elapsed_s(r)), "watch_url": r.watch_url}
            for r in seen.running
        ],
        "needs_person": [
            {"task": w.entry.row.id, "kind": w.kind, "words": w.words, "remedy": w.remedy, "seconds": None if (age := seen.age_s(w.entry)) is None else int(age)}
            for w in seen.wants
        ],
        "next": [{"task": task_record(e), "reason": reason} for e, reason in seen.next[:_NEXT_TOLD]],
        "nothing": seen.nothing,
        "waiting": {"count": seen.queue.waiting, "chain": list(seen.queue.chain), "gates": [{"task": t, "holds_up": n} for t, n in seen.queue.gates]},
        "problems": [{"message": said, "remedy": remedy} for said, remedy in seen.hints],
    }  # fmt: skip
