"""What earlier attempts, dependencies and people left, as Markdown for whoever goes on: whole where it fits, else the
newest whole and older ones as facts (``compaction``). Pure.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.compaction import (
    CONTEXT_TOKENS,
    FACT_MIN,
    Fact,
    choose_forms,
    find_room,
    measure,
    narrow,
)
from gitbaton.domain.handoff_prose import (
    CHECK,
    find_facts,
    outline,
    render_handoff_text,
    tell_failed_checks,
)
from gitbaton.domain.markdown import quote
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.wording import is_note, render_note, shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import Attempt

_SUPERSEDED = "Superseded: its work was merged or set aside since, and what it said may no longer hold."
_ENDED = "How it ended"
_TITLES = ("What it builds on", "Earlier attempts", "Noted since")


class Dependency(NamedTuple):
    """Something that a task builds on, and the newest handoff of it."""

    id: str
    title: str
    handoff: Handoff | None
    path: str | None = None


class History(NamedTuple):
    """All that was left about a task. ``attempts`` are its past ones; ``left`` its handoffs with their paths (None: not
    known), both oldest first; ``fresh_since`` the first attempt after work was merged or set aside.
    """

    dependencies: Sequence[Dependency] = ()
    attempts: Sequence[Attempt] = ()
    left: Sequence[tuple[str | None, Handoff]] = ()
    fresh_since: int = 1


class Chapter(NamedTuple):
    """One thing that was left, in forms from whole to least. ``facts`` are what each form tells; ``at`` is its time, as text
    that sorts.
    """

    forms: tuple[str, ...]
    facts: tuple[Fact, ...] = ()
    at: str = ""


class Retold(NamedTuple):
    """A history in Markdown: its sections, most of them newest first; how many chapters were shortened, how many left out,
    and whether even so it is larger than it should be.
    """

    sections: tuple[str, ...]
    shortened: int = 0
    left_out: int = 0
    is_over: bool = False


def retell(history: History, tokens: int = CONTEXT_TOKENS, limit: str | None = None) -> Retold:
    """The history within ``tokens``. What was cut is said where it was cut, and which file has all of it; ``limit`` is how to
    call the number.
    """
    limit = limit or f"{tokens:,} tokens (`run.context_tokens`)"
    sections = [
        [_tell_dependency(d) for d in history.dependencies],
        _list_attempts(history),
        _list_notes(history),
    ]
    room = find_room(tokens)
    whole = [[c.forms[0] for c in section] for section in sections]
    if measure(_join(whole, [""] * len(sections))) <= room:
        return Retold(_render(whole, [""] * len(sections)))
    counts = [len(s) for s in sections]
    folder = next((path.rpartition("/")[0] for path, _ in history.left if path), "tasks/handoffs")
    notes = [
        _say_cut(n, n, n, limit, folder, is_over=True) if n else "" for n in counts
    ]  # never longer than this
    room -= measure(_join([[""] * n for n in counts], notes))
    ranked = _rank(*sections)
    chosen = choose_forms([[measure(f) for f in c.forms] for c in ranked], room)
    form_of = {id(c): c.forms[form] for c, form in zip(ranked, chosen, strict=True)}
    texts = [[form_of[id(c)] for c in section] for section in sections]
    gone = [told.count("") for told in texts]
    cut = [
        sum(t != c.forms[0] for t, c in zip(told, section, strict=True)) - out
        for told, section, out in zip(texts, sections, gone, strict=True)
    ]
    told = [[t for t in section if t] for section in texts]
    for is_over in (False, True):
        notes = [_say_cut(*n, limit, folder, is_over=is_over) for n in zip(cut, gone, counts, strict=True)]
        if measure(_join(told, notes)) <= find_room(tokens):
            break
    return Retold(_render(told, notes), sum(cut), sum(gone), is_over)


def list_facts(history: History) -> list[Fact]:
    """All that must stay told of a history, whatever the room."""
    chapters = chain(
        map(_tell_dependency, history.dependencies), _list_attempts(history), _list_notes(history)
    )
    return [fact for chapter in chapters for fact in chapter.facts]


# -- putting it together -------------------------------------------------------------------------------------


def _rank(dependencies: list[Chapter], attempts: list[Chapter], notes: list[Chapter]) -> list[Chapter]:
    """The newest attempt, then what the task builds on, then all else, newest first."""
    rest = sorted([*attempts[1:], *notes], key=lambda c: c.at, reverse=True)
    return [*attempts[:1], *dependencies, *rest]


def _join(texts: Sequence[Sequence[str]], notes: Sequence[str]) -> str:
    return "\n\n".join(_render(texts, notes))


def _render(texts: Sequence[Sequence[str]], notes: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        "\n\n".join([f"## {title}", *([note] if note else []), *bodies])
        for title, note, bodies in zip(_TITLES, notes, texts, strict=True)
        if bodies or note
    )


def _say_cut(cut: int, left_out: int, count: int, limit: str, folder: str, *, is_over: bool) -> str:
    if not (cut or left_out or (is_over and count)):
        return ""
    parts = []
    if cut:
        parts.append(
            f"{cut} of these {count} {'tells' if cut == 1 else 'tell'} little more than decisions, questions, failures and "
            "people's words; each names the file that has all of it."
        )
    if left_out:
        parts.append(f"{left_out} that {'has' if left_out == 1 else 'have'} none of these {'is' if left_out == 1 else 'are'} left out: see `{folder}/`.")  # fmt: skip
    parts.append(
        f"What must be told takes more than {limit}." if is_over else f"This keeps it within {limit}."
    )
    return " ".join(parts)


# -- chapters ------------------------------------------------------------------------------------------------


def _make_chapter(
    heading: str, whole: Iterable[str], short: Iterable[str], facts: Sequence[Fact], path: str | None, *,
    told: Sequence[Fact] | None = None, at: str = "", keep: str = "",
) -> Chapter:  # fmt: skip
    """``short`` stays in the first shorter form, ``keep`` in all. ``told`` are those of the facts that no newer chapter tells."""
    told = facts if told is None else told
    pointer = f"Shortened; all of it: `{path}`" if path else "Shortened."
    full, brief = ("\n".join(f.render(most) for f in told) for most in (None, FACT_MIN))
    forms = narrow([
        _paragraphs(heading, *whole), _paragraphs(heading, *short, full, pointer), _paragraphs(heading, keep, full, pointer),
        _paragraphs(heading, keep, brief, pointer) if told or keep else "",
    ])  # fmt: skip
    return Chapter(forms, tuple(facts), at)


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(t for t in texts if t)


def _tell_dependency(d: Dependency) -> Chapter:
    heading = f"### {d.id}: {d.title}"
    if d.handoff is None:
        return Chapter((f"{heading}\n\nNo handoff was left.",))
    summary = shorten_to_line(d.handoff.summary or "It says nothing more.", FACT_MIN)
    return _tell_left(heading, d.path, d.handoff, keep=summary)


def _tell_left(heading: str, path: str | None, h: Handoff, *, keep: str = "") -> Chapter:
    """A handoff by itself."""
    facts = [*([Fact(_ENDED, h.error)] if h.error else []), *find_facts(h)]
    whole = [*([h.error.strip()] if h.error else []), render_handoff_text(h), *tell_failed_checks(h)]
    return _make_chapter(heading, whole, outline(h), facts, path, at=h.created or "", keep=keep)


def _list_attempts(history: History) -> list[Chapter]:
    """Attempts with what they left, newest first. What a newer one tells, too, is not told again in a short form."""
    left = _find_last(history)
    known = {a.number: a for a in history.attempts}
    superseded = _find_superseded(history)
    seen: set[Fact] = set()
    chapters = []
    for number in sorted({*known, *left}, reverse=True):
        path, handoff = left.get(number, (None, None))
        is_over = number < history.fresh_since or path in superseded
        chapters.append(_tell_attempt(number, known.get(number), handoff, path, seen, superseded=is_over))
    return chapters


def _tell_attempt(
    number: int, attempt: Attempt | None, handoff: Handoff | None, path: str | None, seen: set[Fact], *, superseded: bool
) -> Chapter:  # fmt: skip
    outcome = attempt.outcome if attempt else handoff.outcome if handoff else None
    is_lost = attempt is not None and outcome is None
    heading = f"### Attempt {number}" + (
        f": {outcome.value.replace('_', ' ')}" if outcome else ": never reported back" if is_lost else ""
    )
    message = ((attempt.message if attempt else handoff.error if handoff else None) or "").strip()
    guidance = attempt.guidance if attempt else ()
    whole = [_SUPERSEDED] if superseded else []
    if guidance:
        whole.append("It had been told:\n\n" + "\n\n".join(quote(g) for g in guidance))
    whole += [message] if message else []
    facts = [Fact("It had been told", g) for g in guidance]
    failed = [c.name for c in handoff.checks if not c.passed] if handoff and not superseded else []
    is_bad = is_lost or (outcome and not OUTCOMES[outcome].good)
    if is_bad and not (
        failed and message == f"{', '.join(failed)} did not pass"
    ):  # the checks say that themselves
        facts.append(Fact(_ENDED, message or heading.rpartition(": ")[2]))
    short = [_SUPERSEDED] if superseded else []
    if superseded:
        whole += [f"What it left: `{path}`"] if path else []
    elif handoff:
        whole += [render_handoff_text(handoff), *tell_failed_checks(handoff)]
        facts += find_facts(handoff)
        short += outline(handoff)
    told = [f for f in facts if f.label in (_ENDED, CHECK) or f not in seen]
    seen.update(facts)
    at = (attempt.started if attempt else handoff.created if handoff else None) or ""
    return _make_chapter(heading, whole, short, facts, path, told=told, at=at)


def _list_notes(history: History) -> list[Chapter]:
    """What was written down outside of attempts, and on the way in one; newest first."""
    superseded, last = _find_superseded(history), [h for _, h in _find_last(history).values()]
    chapters = []
    for path, h in reversed(history.left):
        if path in superseded or (h.attempt and h.attempt < history.fresh_since) or any(h is x for x in last):
            continue
        heading = f"### {', '.join(s for s in (h.agent, h.created) if s) or 'Somebody'}"
        if h.attempt or is_checkpoint(h):
            heading += ", on the way" + (f" in attempt {h.attempt}" if h.attempt else "")
        plain = h.model_dump(mode="json", exclude_defaults=True)
        if is_note(plain):
            note = render_note(plain)
            forms = (f"{heading}\n\n{note}", f"{heading}\n\n{shorten_to_line(note, FACT_MIN)}", "")
            chapters.append(Chapter(narrow(forms), (), h.created or ""))
        else:
            chapters.append(_tell_left(heading, path, h))
    return chapters


def _find_last(history: History) -> dict[int, tuple[str | None, Handoff]]:
    """By attempt the handoff that it ended with."""
    return {h.attempt: (path, h) for path, h in history.left if h.attempt and not is_checkpoint(h)}


def _find_superseded(history: History) -> set[str | None]:
    """The files that newer ones say no longer hold."""
    return {path for _, h in history.left for path in h.supersedes}


def is_checkpoint(h: Handoff) -> bool:
    """Whether somebody left it on the way, with more to come."""
    return h.incomplete and h.outcome is None
