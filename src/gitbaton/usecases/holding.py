"""What a person says about a task while others may be at it: hold, release, clarify.

A hold is an event on the state ref, so that it counts at once and with a protected base. A task that only this
checkout has can't be started by anybody, so its hold stands in its file, as does one that somebody plans (``hold:``).
A clarification belongs to the task, so it stands in its file; while an attempt lives it is an event, which the
attempt hears of, and which later briefings tell with that attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.wording import clean_text
from gitbaton.errors import Refusal, UsageError
from gitbaton.store.live import render_time
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import advance

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.domain.state import State
    from gitbaton.store.edits import Edited

#: A state is read by every clone, so what people say there is short.
WORDS_MAX = 4000


class Said(NamedTuple):
    """What was said about ``task``: as an event (``heard``: somebody is at it and hears of it), as an edit of its
    file, or as both.
    """

    task: str
    text: str | None
    event: bool
    heard: str | None = None
    edited: Edited | None = None


def hold_task(project: Project, text: str, reason: str | None = None) -> Said:
    """Keep everybody from starting a task until it is released. An attempt that lives goes on; no other follows.
    Raises ``Refusal`` (``already-finished``).
    """
    refuse_inside(project, "put tasks on hold")
    words = _check_words(reason) if reason is not None else f"{project.actor} put it on hold"
    project = project.fetched()
    entry, local = _find(project, text)
    _refuse_finished(entry)
    task = entry.row.id
    if local:
        from gitbaton.usecases.tasks import update_task

        return Said(
            task, words, event=False, edited=update_task(project, task, fields={"hold": words}).edited
        )
    if entry.live and entry.live.hold == words:
        return Said(task, words, event=False)
    tip = advance(project, task, "held", lambda _: {"hold": words})
    return Said(task, words, event=True, heard=_find_holder(tip.state))


def release_task(project: Project, text: str, *, to: Delivery = HERE) -> Said:
    """Lift a hold, wherever it stands: in the live state, in the task file (an edit, delivered as ``to`` says), or in
    both. Raises ``Refusal`` (``not-held``).
    """
    refuse_inside(project, "release tasks")
    project = project.fetched()
    entry, local = _find(project, text)
    task = entry.row.id
    live = entry.live.hold if entry.live else None
    here = find_entry(load_view(project, local=to.where == "here"), task).row.hold
    if not live and not here:
        raise Refusal(
            f"{task} is not on hold", code="not-held", hint=f"see where it stands with: baton show {task}"
        )
    edited = None
    if here:
        from gitbaton.usecases.tasks import update_task

        edited = update_task(project, task, fields={"hold": None}, to=to).edited
    if live and not local:
        advance(project, task, "hold_released", lambda _: {"hold": None})
    return Said(task, live or here, event=bool(live), edited=edited)


def clarify_task(project: Project, text: str, words: str, *, to: Delivery = HERE) -> Said:
    """Settle something about a task. Whoever is at it hears of it now; everybody who comes later reads it in the
    briefing. Where ``to`` names a place, the file says it in any case. Raises ``Refusal`` (``already-finished``).
    """
    refuse_inside(project, "clarify tasks")
    words = _check_words(words)
    project = project.fetched()
    entry, _ = _find(project, text)
    _refuse_finished(entry)
    task, edited = entry.row.id, None
    lives = entry.live is not None and entry.live.status == "in_progress"
    if not lives or to != HERE:
        from gitbaton.store.yamledit import AddItem
        from gitbaton.usecases.tasks import edit_task

        said = {"when": render_time(project.clock()), "who": project.actor, "text": words}
        edit = AddItem(("clarifications",), said)
        edited = edit_task(project, task, [edit], "Clarify {task}", to=to).edited
    if not lives:
        return Said(task, words, event=False, edited=edited)
    heard: list[str | None] = []

    def change(old: State | None) -> dict[str, Any]:
        guidance = (*(old.guidance if old else ()), words)
        heard[:] = [_find_holder(old)]
        if old is None or old.status != "in_progress":  # it ended just now; the next one heeds it
            return {"guidance": guidance}
        last = old.attempts[-1]
        told = last.model_copy(update={"guidance": (*last.guidance, words)})
        return {"guidance": guidance, "attempts": (*old.attempts[:-1], told)}

    advance(project, task, "clarified", change)
    return Said(task, words, event=True, heard=heard[0], edited=edited)


def _find(project: Project, text: str) -> tuple[Entry, bool]:
    """The entry on base, or (True) the one that only this checkout has."""
    try:
        return find_entry(load_view(project, local=False), text), False
    except Refusal as error:
        if error.code != "unknown-id":
            raise
        return find_entry(load_view(project, local=True), text), True


def _find_holder(state: State | None) -> str | None:
    return state.claimed_by.name if state and state.status == "in_progress" and state.claimed_by else None


def _check_words(words: str) -> str:
    said = clean_text(words).strip()
    if not said:
        raise UsageError("there is nothing said", code="empty-text", hint="give a sentence")
    if len(said) > WORDS_MAX:
        raise UsageError(
            f"that has {len(said):,} characters, more than {WORDS_MAX:,}",
            code="too-long",
            hint="put the rest into a file of the repository, and name that",
        )
    return said


def _refuse_finished(entry: Entry) -> None:
    if entry.state in ("done", "cancelled") and not entry.running:
        task = entry.row.id
        raise Refusal(
            f"{task} is {entry.state} already", code="already-finished", hint=f"to open it again: baton reopen {task}"
        )  # fmt: skip
