"""A run and a review, as text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from gitbaton.domain.durations import render_duration
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.peerreview import render_review_section
from gitbaton.domain.reviewtext import render_usage
from gitbaton.report.board_text import words
from gitbaton.report.terminal import Style, align, fit, printable
from gitbaton.store.layout import HANDOFFS

if TYPE_CHECKING:
    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.review import ReviewView

_COLORS = {
    "claim": "cyan",
    "prepare": "dim",
    "agent": None,
    "guard": "yellow",
    "check": "blue",
    "peer": "cyan",
    "publish": "magenta",
    "review": "magenta",
    "end": "green",
}
#: How the text of an attempt's end begins when its work goes to review.
_GOOD = tuple(outcome.value for outcome, rule in OUTCOMES.items() if rule.good)


class RunView:
    """Follows a run: one line for everything that happens, with turns, cost and time where known."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._style = Style(stream)
        self._started = time.monotonic()

    def __call__(self, event: RunEvent) -> None:
        """Print one line."""
        elapsed = render_duration(time.monotonic() - self._started)
        figures = [f"{event.turns} turns"] if event.turns else []
        if event.cost_usd:
            figures.append(f"${event.cost_usd:.2f}")
        tail = f"  [{', '.join([*figures, elapsed])}]" if event.kind in ("agent", "peer") else ""
        room = max(20, self._style.width - 10 - len(tail))
        color = "red" if event.kind == "end" and not event.text.startswith(_GOOD) else _COLORS.get(event.kind)
        label = self._style.paint(f"{event.kind:<8}", color)
        print(
            f"{label}{fit(printable(event.text), room)}{self._style.paint(tail, 'dim')}",
            file=self._stream,
            flush=True,
        )


def render_review(view: ReviewView, style: Style, *, patch: bool = True) -> str:
    """What a reviewer needs: what was said, what was checked, what changed."""
    row, handoff = view.entry.row, view.handoff
    lines = [style.paint(printable(f"{row.id}: {row.title}"), "bold"), ""]
    facts = [
        f"{words(view.entry.state)}",
        f"attempt {view.state.attempt}",
        f"branch {view.state.branch} at {view.head[:10]}",
    ]
    if handoff:
        facts += [f"by {handoff.agent}", *render_usage(handoff.usage)]
    lines.append(" · ".join(facts))
    if handoff:
        if handoff.summary:
            lines += ["", handoff.summary.strip()]
        lines += ["", *_check_lines(view, style)]
        if handoff.peer_review:
            lines += ["", *map(printable, render_review_section(handoff.peer_review).splitlines())]
        for title, items in (
            ("Decisions", [d.decision + (f" — {d.reason}" if d.reason else "") for d in handoff.decisions]),
            ("Handed back on the way", handoff.rounds), ("Open questions", handoff.questions), ("Not done", handoff.remaining),
            ("Next", handoff.next_steps),
        ):  # fmt: skip
            if items:
                lines += ["", f"{title}:", *(f"  - {printable(i)}" for i in items)]
    if view.task.acceptance:
        lines += [
            "",
            "Done when:",
            *(f"  [{'x' if a.checked else ' '}] {printable(a.text)}" for a in view.task.acceptance),
        ]
    work = [c for c in view.changes if not _is_own(c.path, view)]
    rows = [[c.kind, f"+{c.added}", f"-{c.removed}", c.path] for c in work]
    colors: list[list[str | None]] = [[None, "green", "red", None] for _ in rows]
    count = f"{len(rows)} file{'s' if len(rows) != 1 else ''}:" if rows else "no file was changed"
    lines += ["", count, *([align(rows, style, colors)] if rows else [])]
    if len(work) < len(view.changes):
        lines.append(style.paint("and under tasks/: its handoffs and its status", "dim"))
    if patch:
        for change in work:
            lines += [
                "",
                style.paint(printable(f"── {change.path}"), "bold"),
                _paint_patch(change.patch, style),
            ]
    if view.entry.state == "in_review":
        lines += [
            "",
            f"accept it: baton accept {row.id}",
            f'ask for changes: baton reject {row.id} --guidance "…"',
        ]
    return "\n".join(lines)


def _is_own(path: str, view: ReviewView) -> bool:
    """Whether gitbaton itself wrote that file with the attempt: what it says stands above."""
    return path == view.entry.row.path or path.startswith(f"{HANDOFFS}/{view.entry.row.id}/")


def _check_lines(view: ReviewView, style: Style) -> list[str]:
    assert view.handoff is not None
    if not view.handoff.checks:
        return [style.paint("unverified: no checks are configured", "yellow")]
    lines = []
    for c in view.handoff.checks:
        mark = (
            style.paint(style.symbol("✔", "ok"), "green")
            if c.passed
            else style.paint(style.symbol("✘", "FAILED"), "red")
        )
        lines.append(f"{mark} {printable(c.name)} ({render_duration(c.seconds or 0)})")
        if c.output and not c.passed:
            lines += [f"    {printable(x)}" for x in c.output.splitlines()[-15:]]
    return lines


def _paint_patch(patch: str, style: Style) -> str:
    colors = {"+": "green", "-": "red", "@": "cyan"}
    return (
        "\n".join(style.paint(printable(x.rstrip("\n")), colors.get(x[:1])) for x in patch.splitlines())
        or "(binary)"
    )
