"""The text that a reviewer reads: the body of a pull request, and its local twin ``baton review``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.durations import render_duration
from gitbaton.domain.markdown import fence, join_parts, section
from gitbaton.domain.peerreview import render_review_section

if TYPE_CHECKING:
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.task import Task
    from gitbaton.domain.usage import Usage

_OUTPUT_LINES = 20


def render_review_body(
    task_id: str, task: Task, handoff: Handoff, *, path: str, watch_url: str | None = None
) -> str:
    """Markdown for the pull request: what was done, how it was checked, what to look at, what comes next."""
    parts = [
        (handoff.summary or task.title).strip(),
        _checks(handoff),
        section(
            "Reviewed by a second agent",
            render_review_section(handoff.peer_review) if handoff.peer_review else None,
            level=3,
        ),
        _acceptance(task),
        _list(
            "Decisions to look at",
            [
                f"{d.decision.strip()}" + (f" — {d.reason.strip()}" if d.reason else "")
                for d in handoff.decisions
            ],
        ),
        _list("Handed back on the way", handoff.rounds),
        _list("Open questions", handoff.questions),
        _list("Not done", handoff.remaining),
        _list("Next", handoff.next_steps),
        section("From its author", handoff.guidance, level=3),
        _files(handoff),
        _footer(task_id, handoff, path, watch_url),
    ]
    return join_parts(parts)


def _list(title: str, items: tuple[str, ...] | list[str]) -> str:
    return section(title, "\n".join("- " + i.strip().replace("\n", "\n  ") for i in items), level=3)


def _checks(handoff: Handoff) -> str:
    if not handoff.checks:
        return (
            "> **Unverified.** No checks are configured, so nothing but the review stands behind this change."
        )
    rows = ["| check | result | time |", "| --- | --- | --- |"]
    for check in handoff.checks:
        mark = (
            "✅ passed"
            if check.passed
            else f"❌ failed{f' (exit {check.exit_code})' if check.exit_code is not None else ''}"
        )
        rows.append(f"| {check.name.replace('|', '∣')} | {mark} | {render_duration(check.seconds or 0)} |")
    failed = [
        f"<details><summary>{c.name} printed</summary>\n\n{_show_end(c.output)}\n\n</details>"
        for c in handoff.checks
        if not c.passed and c.output
    ]
    return "\n".join(rows) + ("\n\n" + "\n".join(failed) if failed else "")


def _show_end(output: str) -> str:
    return fence("\n".join(output.splitlines()[-_OUTPUT_LINES:]))


def _acceptance(task: Task) -> str:
    return section(
        "It is done when",
        "\n".join(f"- [{'x' if a.checked else ' '}] {a.text.strip()}" for a in task.acceptance),
        level=3,
    )


def _files(handoff: Handoff) -> str:
    if not handoff.files_modified:
        return ""
    names = "\n".join(f"- `{p}`" for p in handoff.files_modified[:50])
    more = f"\n- … and {len(handoff.files_modified) - 50} more" if len(handoff.files_modified) > 50 else ""
    return f"<details><summary>{len(handoff.files_modified)} file{'s' if len(handoff.files_modified) != 1 else ''} changed</summary>\n\n{names}{more}\n\n</details>"


def _footer(task_id: str, handoff: Handoff, path: str, watch_url: str | None) -> str:
    facts = [
        f"Task [`{task_id}`]({path})" if "://" in path else f"Task `{task_id}` (`{path}`)",
        f"attempt {handoff.attempt}",
        f"agent {handoff.agent}",
    ]
    facts += render_usage(handoff.usage)
    if watch_url:
        facts.append(f"[log]({watch_url})")
    return (
        "---\n" + " · ".join(facts) + "\n\n"
        f"Merging makes the task done and frees what waits for it. For another attempt on this branch: "
        f'`baton reject {task_id} --guidance "what to change"`. Closing sets the task aside.'
    )


def render_usage(usage: Usage | None) -> list[str]:
    """What an attempt cost, as short phrases."""
    return render_figures(usage.seconds, usage.turns, usage.cost_usd) if usage else []


def render_figures(
    seconds: float | None = None, turns: int | None = None, cost_usd: float | None = None
) -> list[str]:
    """Time, turns and money as short phrases."""
    facts = []
    if seconds is not None:
        facts.append(render_duration(seconds))
    if turns is not None:
        facts.append(f"{turns} turn{'s' if turns != 1 else ''}")
    if cost_usd is not None:
        facts.append(f"${cost_usd:.2f}")
    return facts
