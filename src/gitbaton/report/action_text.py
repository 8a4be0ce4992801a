"""What GitHub shows: annotations, and the job summary in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.board import order_key
from gitbaton.domain.reviewtext import render_usage
from gitbaton.report.board_text import STATE_ORDER, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.errors import BatonError
    from gitbaton.usecases.run import Ran

_ROWS_MAX = 30


def render_annotation(error: BatonError) -> list[str]:
    """Workflow commands for an error: one for each problem of a file, else one for the whole
    (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
    """
    if error.problems:
        return [
            f"::error file={_property(p.path)},line={p.line},col={p.column},title={_property(p.code)}::{_data(p.message)}"
            for p in error.problems
        ]  # fmt: skip
    return [
        f"::error title={_property(error.code)}::{_data(error.message + (f' ({error.hint})' if error.hint else ''))}"
    ]


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render_run_summary(ran: Ran) -> str:
    """What a run came to."""
    row, state, published = ran.claim.entry.row, ran.tip.state, ran.published
    mark = "✅" if ran.good else "❓" if state.status == "needs_input" else "❌"
    lines = [
        f"### {mark} `{row.id}`: {_inline(row.title)}",
        "",
        f"**{words(ran.verdict.outcome.value)}**: {_inline(ran.verdict.message)}",
        "",
    ]
    facts = [
        f"attempt {state.attempt}",
        f"branch `{state.branch}`" if state.head else "",
        *render_usage(state.attempts[-1].usage),
    ]
    lines.append(" · ".join(f for f in facts if f))
    if published and published.review and published.review.url:
        lines += ["", f"**Review it: [#{published.review.number}]({published.review.url})**"]
    if published and published.warning:
        lines += ["", f"> {_inline(published.warning)}"]
    if published and published.handoff.checks:
        lines += ["", "| check | result |", "| --- | --- |"]
        lines += [
            f"| {_inline(c.name)} | {'✅ passed' if c.passed else '❌ failed'} |"
            for c in published.handoff.checks
        ]
    if published and published.handoff.summary:
        lines += ["", published.handoff.summary.strip()]
    if not ran.good:
        lines += ["", f'Go on with: `baton retry {row.id} --guidance "…"`']
    return "\n".join(lines) + "\n"


def _inline(text: str) -> str:
    """Text for one line of a table: no pipes, no breaks, no markup that opens a tag."""
    return text.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;")


def render_board_summary(entries: Sequence[Entry], broken: Sequence[BrokenRow]) -> str:
    """The board as a table; finished tasks are counted only."""
    finished = sum(1 for e in entries if e.state in ("done", "cancelled"))
    shown = sorted(
        (e for e in entries if e.state not in ("done", "cancelled")),
        key=lambda e: (STATE_ORDER.index(e.state), *order_key(e)),
    )
    lines = ["### Board", "", "| task | state | priority | title |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{e.row.id}` | {words(e.state)} | {e.row.priority} | {_inline(e.row.title)} |"
        for e in shown[:_ROWS_MAX]
    ]
    lines += [
        f"| `{b.id}` | **broken** | | {_inline(str(b.problems[0]) if b.problems else b.path)} |"
        for b in broken
    ]
    more = len(shown) - _ROWS_MAX
    tail = ([f"{more} more."] if more > 0 else []) + ([f"{finished} finished."] if finished else [])
    return "\n".join(lines) + ("\n\n" + " ".join(tail) if tail else "") + "\n"
