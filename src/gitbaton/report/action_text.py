"""The job summary, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.outcome import say_next_step
from gitbaton.domain.queue import order_key
from gitbaton.domain.reviewtext import render_usage
from gitbaton.report.board_text import STATE_ORDER, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.board import BrokenRow, Entry
    from gitbaton.domain.handoff import CheckResult
    from gitbaton.domain.outcome import Outcome
    from gitbaton.domain.state import State
    from gitbaton.errors import BatonError
    from gitbaton.usecases.run import Ran
    from gitbaton.usecases.sync import Noticed

_ROWS_MAX = 30
_OUTPUT_LINES = 30


def render_run_summary(ran: Ran) -> str:
    """What a run came to, and what to do next."""
    row, state, published = ran.claim.entry.row, ran.tip.state, ran.published
    asks = state.status == "needs_input"
    mark = "✅" if ran.good else "❓" if asks else "❌"
    lines = [f"### {mark} `{row.id}`: {_inline(row.title)}", ""]
    lines += [f"**{words(ran.verdict.outcome.value)}**: {_inline(ran.verdict.message)}", ""]
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
    if published and published.kept_at:
        lines += ["", f"The work was not published; it is kept as `{published.kept_at}`."]
    if published and published.handoff.checks:
        lines += ["", *_checks(published.handoff.checks)]
    if published and published.handoff.summary:
        lines += ["", published.handoff.summary.strip()]
    if not ran.good:
        lines += ["", _next_step(row.id, ran.verdict.outcome, state)]
    return "\n".join(lines) + "\n"


def _checks(checks: Sequence[CheckResult]) -> list[str]:
    rows = [f"| {_inline(c.name)} | {'✅ passed' if c.passed else '❌ failed'} |" for c in checks]
    printed = [
        f"<details><summary>{_inline(c.name)} printed</summary>\n\n"
        + "\n".join(f"    {line}" for line in (c.output or "").splitlines()[-_OUTPUT_LINES:])
        + "\n\n</details>"
        for c in checks
        if not c.passed and c.output
    ]
    return ["| check | result |", "| --- | --- |", *rows, *(["", *printed] if printed else [])]


def _next_step(task: str, outcome: Outcome, state: State) -> str:
    by_hand = f"Next: {_inline(say_next_step(outcome, task))}"
    if state.status != "failed":
        return by_hand
    if state.retry_at:
        return f"It may be tried again from {state.retry_at} on. {by_hand}"
    return f"It is not tried again by itself. {by_hand}"


def render_error_summary(error: BatonError) -> str:
    """Why nothing was done."""
    lines = ["### ❌ baton stopped", "", _inline(error.message)]
    if error.problems:
        lines += ["", "| file | field | problem |", "| --- | --- | --- |"]
        lines += [
            f"| `{_code(p.path)}:{p.line}` | {f'`{_code(p.field)}`' if p.field else ''} | {_inline(p.message)} |"
            for p in error.problems[:_ROWS_MAX]
        ]
    if error.hint:
        lines += ["", f"Hint: {_inline(error.hint)}"]
    return "\n".join(lines) + "\n"


def render_sync_summary(noticed: Sequence[Noticed]) -> str:
    """What became of reviews."""
    lines = [f"- `{n.task}`: {n.words}" for n in noticed] or ["Nothing new."]
    return "\n".join(["### Reviews", "", *lines]) + "\n"


def _code(text: str) -> str:
    """Text between backticks in a table."""
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")


def _inline(text: str) -> str:
    """Text for one line of a table: no pipes, no breaks, no tags."""
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
