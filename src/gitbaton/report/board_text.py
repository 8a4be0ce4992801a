"""The board, one task and a choice, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.queue import order_key
from gitbaton.domain.reviewtext import render_figures
from gitbaton.domain.wording import render_note
from gitbaton.errors import escape
from gitbaton.report.terminal import STATE_COLORS, Style, align, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from gitbaton.domain.board import BrokenRow, Entry, TaskRow
    from gitbaton.errors import Problem

STATE_ORDER = (
    "needs_input", "in_review", "changes_requested", "in_progress", "stale", "failed", "stopped", "closed", "taken_over",
    "ready", "waiting", "held", "draft", "done", "cancelled",
)  # fmt: skip


def words(state: str) -> str:
    """A state for people."""
    return state.replace("_", " ")


def render_list(
    entries: Sequence[Entry],
    broken: Sequence[BrokenRow],
    style: Style,
    *,
    hidden: int = 0,
    filtered: bool = False,
) -> str:
    """Tasks in columns, those first that want somebody's attention. ``filtered``: there may be others."""
    ordered = sorted(entries, key=lambda e: (STATE_ORDER.index(e.state), *order_key(e)))
    rows, colors = [], []
    for e in ordered:
        rows.append([e.row.id, words(e.state), e.row.priority, e.row.title + _note(e)])
        colors.append(
            [None, STATE_COLORS.get(e.state), "red" if e.row.priority == "critical" else None, None]
        )
    for b in broken:
        rows.append([b.id, "broken", "", str(b.problems[0]) if b.problems else b.path])
        colors.append([None, "red", None, None])
    lines = [align(rows, style, colors)] if rows else []
    if hidden:
        lines.append(style.paint(f"({hidden} finished; show them with --all)", "dim"))
    nothing = "no task matches" if filtered else 'There are no tasks yet. Write one with: baton add "Title"'
    return "\n".join(lines) or nothing


def _note(e: Entry) -> str:
    notes = []
    if e.state == "waiting" and e.blocked_by:
        notes.append("waits for " + ", ".join(e.blocked_by[:3]) + (" …" if len(e.blocked_by) > 3 else ""))
    elif e.state in ("in_progress", "failed", "needs_input", "held", "stale"):
        notes.append(e.why)
    if e.gate == "approval":
        notes.append("changed since it was approved" if e.row.approval == "outdated" else "to be approved")
    elif e.gate:
        notes.append("to be split")
    if e.row.local:
        notes.append(e.row.local)
    return f"  ({'; '.join(notes)})" if notes else ""


def _say_complexity(row: TaskRow, text: Mapping[str, Any] | None) -> str | None:
    """How hard it is said to be, and whether a person approved it."""
    approved = (text or {}).get("approved")
    if approved is None:
        return row.complexity
    said = f"approved by {approved['by']}" + ("" if row.approval == "given" else ", but changed since")
    return f"{row.complexity or 'not given'}; {said}"


def render_task(
    entry: Entry,
    text: Mapping[str, Any] | None,
    past: Sequence[Mapping[str, Any]],
    summary: str | None,
    style: Style,
    remarks: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Everything about one task: its text and its attempts as plain values, what its last handoff sums up, and
    ``remarks``, the notes since.
    """
    row = entry.row
    lines = [style.paint(printable(f"{row.id}: {row.title}"), "bold"), ""]
    state = style.paint(words(entry.state), STATE_COLORS.get(entry.state))
    lines.append(f"{state}: {printable(entry.why)}" + (f"  [{row.local} here]" if row.local else ""))
    facts = [("priority", row.priority), ("type", row.type), ("role", row.role), ("complexity", _say_complexity(row, text)), ("plan", row.plan), ("parent", row.parent),
             ("needs", ", ".join(row.depends_on)), ("paths", ", ".join(row.paths)), ("labels", ", ".join(row.labels)),
             ("assignee", row.assignee), ("file", row.path)]  # fmt: skip
    if entry.live:
        facts += [
            ("branch", entry.live.branch if entry.live.head else None),
            ("pull request", entry.live.pull_request),
            ("question", entry.live.question),
        ]
        facts += [("guidance", g) for g in entry.live.guidance]
    lines += ["", align([[f"{k}:", str(v)] for k, v in facts if v], style)]
    if text and text.get("description"):
        lines += ["", text["description"].strip()]
    if text and text.get("acceptance"):
        lines += ["", "Done when:"] + [
            f"  [{'x' if a.get('checked') else ' '}] {printable(a['text'])}" for a in text["acceptance"]
        ]
    if past:
        lines += ["", "Attempts:"] + [_attempt(a) for a in past]
    if text and text.get("clarifications"):
        lines += ["", "Clarified:", *(_clarification(c) for c in text["clarifications"])]
    if summary:
        lines += ["", "Last handoff:", *(f"  {x}" for x in summary.strip().splitlines())]
    if remarks:
        lines += ["", "Notes:", *(_remark(r) for r in remarks)]
    return "\n".join(lines)


def _clarification(c: Mapping[str, Any]) -> str:
    source = ", ".join(str(s) for s in (c.get("who"), c.get("when")) if s)
    return printable(f"  {c['text']}" + (f"  ({source})" if source else ""))


def _remark(handoff: Mapping[str, Any]) -> str:
    source = ", ".join(str(s) for s in (handoff.get("agent"), handoff.get("created")) if s)
    return printable(f"  {render_note(handoff)}" + (f"  ({source})" if source else ""))


def _attempt(a: Mapping[str, Any]) -> str:
    ended = words(a["outcome"]) if a.get("outcome") else "running"
    usage = a.get("usage") or {}
    spent = render_figures(usage.get("seconds"), usage.get("turns"), usage.get("cost_usd"))
    facts = [a["started"], f"by {a['agent']}", *spent]
    said = f": {a['message']}" if a.get("message") else ""
    return printable(f"  {a['number']}. {ended}{said}  ({', '.join(facts)})")


def render_problems(problems: Iterable[Problem], style: Style) -> str:
    """Problems as compilers print them, so that editors can jump there."""
    lines = []
    for p in problems:
        where = style.paint(escape(f"{p.path}:{p.line}:{p.column}:"), "bold")
        lines.append(
            f"{where} {p.field + ': ' if p.field else ''}{escape(p.message)} {style.paint(f'[{p.code}]', 'dim')}"
        )
    return "\n".join(lines)


def render_board(entries: Sequence[Entry], style: Style) -> str:
    """The board in a few lines: a count and the tasks of each state that has some."""
    lines = []
    for state in STATE_ORDER:
        there = sorted((e for e in entries if e.state == state), key=order_key)
        if there:
            names = ", ".join(e.row.id for e in there[:6]) + (" …" if len(there) > 6 else "")
            lines.append([words(state), str(len(there)), names])
    colors: list[list[str | None]] = [
        [STATE_COLORS.get(line[0].replace(" ", "_")), None, None] for line in lines
    ]
    return align(lines, style, colors) if lines else "no tasks"
