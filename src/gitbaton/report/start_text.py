"""What a person needs to know of a task that they begin: the briefing's essentials, in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.wording import is_note, render_note
from gitbaton.report.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitbaton.domain.briefing import Material
    from gitbaton.domain.handoff import Handoff
    from gitbaton.report.terminal import Style

_HANDOFFS_SHOWN = 3


def render_essentials(m: Material, style: Style) -> str:
    """Title, what a person asked for, goal, acceptance, what was settled, what earlier attempts left, and limits."""
    task = m.task
    parts = [
        [style.paint(printable(f"{m.task_id}: {task.title}"), "bold")],
        _list("Heed this first", m.guidance),
        (task.description or "").strip().splitlines(),
        _list("Done when", [a.text for a in task.acceptance], mark="[ ]"),
        _list("Settled since", [c.text for c in task.clarifications]),
        _list("Read first", task.context),
    ]
    for task_id, title, handoff in m.dependencies:
        if handoff and handoff.summary:
            parts.append([printable(f"Builds on {task_id} ({title}):"), *_indent(handoff.summary)])
    parts += [_earlier(h) for h in m.earlier[-_HANDOFFS_SHOWN:]]
    if (more := len(m.earlier) - _HANDOFFS_SHOWN) > 0:
        parts.append([f"{more} more {'was' if more == 1 else 'were'} left before: baton context {m.task_id}"])
    limits = [("change only", task.paths), ("finish runs", [f"{name}: {run}" for name, run in m.checks])]
    parts.append([printable(f"{what}: {', '.join(names)}") for what, names in limits if names])
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _list(title: str, items: Iterable[str], mark: str = "-") -> list[str]:
    lines = [f"  {mark} {printable(' '.join(i.split()))}" for i in items]
    return [f"{title}:", *lines] if lines else []


def _indent(text: str) -> list[str]:
    return [f"  {printable(line)}" for line in text.strip().splitlines()]


def _earlier(h: Handoff) -> list[str]:
    plain = h.model_dump(mode="json", exclude_defaults=True)
    source = ", ".join(s for s in (h.agent, h.created) if s)
    if is_note(plain):
        return [f"Noted by {printable(source)}:", *_indent(render_note(plain))]
    what = f"Attempt {h.attempt}" if h.attempt else "A handoff"
    ended = f", {h.outcome.value.replace('_', ' ')}" if h.outcome else ""
    lines = [f"{what} ({printable(source)}{ended}):", *_indent(h.summary or h.error or "it says nothing")]
    return [*lines, *(f"  not finished: {printable(r)}" for r in h.remaining)]
