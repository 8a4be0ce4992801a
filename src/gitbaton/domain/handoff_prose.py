"""One handoff in words: all of it, in outline, and what must stay told of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.compaction import Fact
from gitbaton.domain.markdown import fence, quote
from gitbaton.domain.peerreview import list_musts
from gitbaton.domain.wording import shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from gitbaton.domain.handoff import Handoff

CHECK = "Failed check"
_PEER, _GOES_ON = "A second agent wanted", "Its author says to whoever goes on"
_OUTPUT_LINES = 40
_FILES_SHOWN = 30
#: Characters of a summary, and of a list, that stay in an outline.
_SUMMARY_SHOWN, _LIST_SHOWN = 400, 200


def find_facts(h: Handoff) -> list[Fact]:
    """What must stay told of a handoff."""
    facts = []
    for check in h.checks:
        if not check.passed:
            last = next((x for x in reversed((check.output or "").splitlines()) if x.strip()), "")
            facts.append(Fact(CHECK, f"`{check.name}`" + (f": {last.strip()}" if last else "")))
    facts += [Fact("Decided", say_decision(d.decision, d.reason)) for d in h.decisions]
    facts += [Fact("Asked", q) for q in h.questions]
    facts += [Fact("In the way", b) for b in h.blockers]
    facts += [Fact(_PEER, wish) for wish in list_wishes(h)]
    if h.guidance and h.next_action == "continue":
        facts.append(Fact(_GOES_ON, h.guidance))
    return facts


def list_wishes(h: Handoff) -> list[str]:
    """What a second agent wanted to be mended, and what wasn't."""
    return [f"{f.place}: {f.what}" for f in list_musts(h.peer_review)]


def say_decision(decision: str, reason: str | None) -> str:
    """A decision in a sentence."""
    return decision + (f", because {reason}" if reason else "")


def outline(h: Handoff) -> list[str]:
    """A handoff's summary, and what is left to do, in a few lines."""
    lines = [shorten_to_line(h.summary, _SUMMARY_SHOWN)] if h.summary else []
    for words, items in (("Not finished", h.remaining), ("Next", h.next_steps), ("Results", h.artifacts)):
        if items:
            lines.append(f"{words}: {shorten_to_line('; '.join(items), _LIST_SHOWN)}")
    return lines


def render_handoff_text(h: Handoff) -> str:
    """All that a handoff's author said, as Markdown."""
    lines = [h.summary.strip()] if h.summary else []
    notes = h.data.get("notes")
    for words, items in (
        ("Finished", h.completed), ("Not finished", h.remaining), ("Decided", [say_decision(d.decision, d.reason) for d in h.decisions]),
        (_PEER, list_wishes(h)), ("In the way", h.blockers), ("Open questions", h.questions), ("Next", h.next_steps), ("Files", _first(h.files_modified, _FILES_SHOWN)),
        ("Results", h.artifacts), ("Noted", [n for n in notes if isinstance(n, str)] if isinstance(notes, list) else ()),
    ):  # fmt: skip
        if items:
            lines.append(f"{words}:\n\n{bullets(items)}")
    if h.guidance and h.next_action == "continue":
        lines.append(f"{_GOES_ON}:\n\n{quote(h.guidance)}")
    elif h.guidance:
        lines.append(f"In its author's words: {h.guidance.strip()}")
    return "\n\n".join(lines) or "It says nothing more."


def _first(items: Sequence[str], most: int) -> list[str]:
    return [*items[:most], *([f"and {len(items) - most} more"] if len(items) > most else [])]


def tell_failed_checks(h: Handoff) -> Iterator[str]:
    for check in h.checks:
        if not check.passed:
            output = "\n".join((check.output or "").strip().splitlines()[-_OUTPUT_LINES:])
            ending = f" and printed at its end:\n\n{fence(output)}" if output else "."
            yield f"The check `{check.name}` failed{ending}"


def bullets(items: Iterable[str]) -> str:
    """A list, each item with its own lines."""
    return "\n".join("- " + i.strip().replace("\n", "\n  ") for i in items)
