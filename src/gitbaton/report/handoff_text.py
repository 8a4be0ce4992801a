"""Handoffs for people: one whole, or many in a line each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gitbaton.domain.history import is_checkpoint
from gitbaton.domain.peerreview import render_review_section
from gitbaton.domain.reviewtext import render_usage
from gitbaton.domain.wording import clean_text, is_note, render_note, shorten_to_line
from gitbaton.report.moments import render_moment
from gitbaton.report.terminal import align, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.recalling import Left

_OUTPUT_SHOWN = 40


def say_kind(h: Handoff) -> str:
    """What it is, in a word or two: how the attempt ended, or whether it is a checkpoint, a note or a handoff."""
    if h.outcome:
        return h.outcome.value.replace("_", " ")
    if is_checkpoint(h):
        return "on the way"
    return "note" if is_note(h.model_dump(mode="json", exclude_defaults=True)) else "handoff"


def name_subject(h: Handoff) -> str:
    """What it is about: a task, with the attempt, or a session."""
    return (h.task or "session") + (f"/{h.attempt}" if h.attempt else "")


def render_handoffs(left: Sequence[Left], style: Style) -> str:
    """One line each."""
    superseded = {path for _, h in left for path in h.supersedes}
    rows = [
        [render_moment(h.created or "") or "?", printable(name_subject(h)), say_kind(h) + (", superseded" if path in superseded else ""), printable(h.agent or "somebody"), _say_gist(h)]
        for path, h in left
    ]  # fmt: skip
    return align(rows, style, [["dim", "bold", None, None, None]] * len(rows))


def _say_gist(h: Handoff) -> str:
    plain = h.model_dump(mode="json", exclude_defaults=True)
    if is_note(plain):
        return printable(shorten_to_line(render_note(plain)))
    said = h.summary or h.error or next(iter((*h.questions, *h.blockers, *h.completed, *h.remaining)), "")
    asks = f" (asks: {h.questions[0]})" if h.questions and h.summary else ""
    return printable(shorten_to_line(said + asks))


def render_handoff(path: str, h: Handoff, style: Style) -> str:
    """Everything that it says."""
    facts = [name for name, is_so in (("incomplete", h.incomplete), ("verified", h.verified), ("unverified", h.verified is False)) if is_so]  # fmt: skip
    lines = [
        style.paint(printable(f"{name_subject(h)}: {say_kind(h)}"), "bold") + (f" ({', '.join(facts)})" if facts else ""),
        f"by {printable(h.agent or 'somebody')}" + (f", {render_moment(h.created)}" if h.created else ""), path,
    ]  # fmt: skip
    for text in (h.error, h.summary):
        lines += ["", *_lines(text)] if text else []
    notes = h.data.get("notes")
    data = {k: v for k, v in h.data.items() if k != "notes"}
    sections: list[tuple[str, Iterable[str]]] = [
        ("Finished", h.completed), ("Not finished", h.remaining),
        ("Decided", [d.decision + (f", because {d.reason}" if d.reason else "") for d in h.decisions]),
        ("In the way", h.blockers), ("Open questions", h.questions), ("Next", h.next_steps), ("Files", h.files_modified),
        ("Results", h.artifacts), ("Handed back on the way", h.rounds), ("No longer holds", h.supersedes),
        ("Noted", [str(n) for n in notes] if isinstance(notes, list) else ()),
    ]  # fmt: skip
    for title, items in sections:
        lines += _list(title, items, style)
    lines += _list_checks(h, style)
    if h.peer_review:
        lines += ["", *_lines(render_review_section(h.peer_review))]
    if h.tests_passing is not None:
        lines += ["", f"Its author says that the tests {'pass' if h.tests_passing else 'fail'}."]
    if h.next_action:
        lines += ["", f"What should happen next: {h.next_action.replace('_', ' ')}"]
    if h.guidance:
        lines += ["", style.paint("In its author's words", "bold"), *_lines(h.guidance)]
    for title, value in (("Data", data), ("Result", h.result)):
        if value not in (None, {}):
            text = json.dumps(value, ensure_ascii=False, indent=2)
            lines += ["", style.paint(title, "bold"), *(f"  {printable(x)}" for x in text.splitlines())]
    if figures := render_usage(h.usage):
        lines += ["", f"It took {', '.join(figures)}."]
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    return [printable(line) for line in clean_text(text).strip().splitlines()]


def _list(title: str, items: Iterable[str], style: Style) -> list[str]:
    shown = []
    for item in items:
        first, *rest = _lines(item) or [""]
        shown += [f"  - {first}", *(f"    {line}" for line in rest)]
    return ["", style.paint(title, "bold"), *shown] if shown else []


def _list_checks(h: Handoff, style: Style) -> list[str]:
    lines: list[str] = []
    for check in h.checks:
        lines.append(
            f"  {style.symbol('✓', '+') if check.passed else style.symbol('✗', 'x')} {printable(check.name)}"
        )
        if not check.passed:
            lines += [f"      {line}" for line in _lines(check.output or "")[-_OUTPUT_SHOWN:]]
    return ["", style.paint("Checks", "bold"), *lines] if lines else []


def handoff_record(path: str, h: Handoff) -> dict[str, Any]:
    """A handoff for programs: the fields that say something, and its file."""
    return {"path": path, **h.model_dump(mode="json", exclude_defaults=True)}
