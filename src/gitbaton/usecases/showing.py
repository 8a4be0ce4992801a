"""Showing one task. It is found in what is kept where that is enough; nothing heavier is loaded for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.wording import is_note
from gitbaton.store.cachemove import ask_index
from gitbaton.store.kept import Unreadable, find_head, read_document, read_task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitbaton.domain.board import Entry
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task
    from gitbaton.store.cache import Cache
    from gitbaton.store.cachemove import Wanted

_REMARKS_SHOWN = 20


class Shown(NamedTuple):
    """One task in full, as plain values: its text (None where it can't be read), its attempts, its newest handoff, and
    notes that were left since, newest first. Whoever needs the models of these gets them from them.
    """

    entry: Entry
    text: dict[str, Any] | None
    past: list[dict[str, Any]]
    note: dict[str, Any] | None
    remarks: tuple[dict[str, Any], ...] = ()

    @property
    def task(self) -> Task | None:
        """The task's text."""
        from gitbaton.domain.task import Task

        return Task.model_validate(self.text) if self.text is not None else None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The attempts at it."""
        from gitbaton.domain.state import Attempt

        return tuple(Attempt.model_validate(past) for past in self.past)

    @property
    def handoff(self) -> Handoff | None:
        """Its newest handoff."""
        from gitbaton.domain.handoff import Handoff

        return Handoff.model_validate(self.note) if self.note is not None else None


class Glance(NamedTuple):
    """What is kept, as far as it went: whether this checkout adds nothing to base, whether the index stands there, and the task if it
    was found whole.
    """

    is_plain: bool = False
    is_indexed: bool = False
    shown: Shown | None = None


def glance_at(cache: Cache, wanted: Wanted, text: str, now: float) -> Glance:
    """The task that ``text`` names, as this checkout has it, from what is kept."""
    head = find_head(wanted.top, wanted.base)
    if head is None:
        return Glance()
    found = ask_index(cache, wanted, lambda index, stand: (index.find(text, stand, now),))
    if found is None or found[0] is None:
        return Glance(is_plain=True, is_indexed=found is not None)
    try:
        kept = read_task(cache, wanted, head, found[0])
        if kept is None:
            return Glance(is_plain=True, is_indexed=True)
        note, remarks = choose_notes(
            read_document(cache, data, path, "handoff") for path, data in kept.handoffs
        )
    except (Unreadable, OSError):
        return Glance(is_plain=True, is_indexed=True)
    return Glance(
        is_plain=True, is_indexed=True, shown=Shown(kept.entry, kept.text, kept.past, note, remarks)
    )


def choose_notes(
    newest: Iterable[dict[str, Any] | None],
) -> tuple[dict[str, Any] | None, tuple[dict[str, Any], ...]]:
    """The newest handoff that says more than a note, and the notes since."""
    remarks: list[dict[str, Any]] = []
    for handoff in newest:
        if handoff is None:
            continue
        if not is_note(handoff):
            return handoff, tuple(remarks)
        remarks.append(handoff)
        if len(remarks) == _REMARKS_SHOWN:
            break
    return None, tuple(remarks)
