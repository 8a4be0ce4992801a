"""What reviewers ask for on the forge's own page: it becomes the guidance of the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.wording import clean_text, cut_text
from gitbaton.usecases.review import add_guidance
from gitbaton.usecases.transitions import advance, read_tip

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.lifecycle import EventName
    from gitbaton.domain.state import State
    from gitbaton.ports import Forge, Remark, Review
    from gitbaton.store.live import Tip
    from gitbaton.usecases.project import Project

#: Bounds of what one request for changes puts into the state: a state is read with every look at the board.
WORDS_MAX = 4_000
REMARKS_MAX = 40


class Feedback(NamedTuple):
    """A request for changes that nobody noted yet. ``event`` is its id."""

    event: str
    by: str
    words: tuple[str, ...]


def note_request(project: Project, forge: Forge, review: Review, state: State) -> bool:
    """Write down that a reviewer asked for changes at ``review``, with all that was written there since the last
    time; once, whoever hears of it. A task that waits for its next attempt already gets the words added. Whether
    there was something new.
    """
    tip = read_tip(project, state.task)
    found = find_request(project, forge, review, tip) if tip else None
    if found is None:
        return False
    event: EventName = "clarified" if state.status == "changes_requested" else "changes_requested"
    advance(
        project, state.task, event, lambda old: add_guidance(old, found.words), heard=found.event, by=found.by
    )
    return True


def find_request(project: Project, forge: Forge, review: Review, tip: Tip) -> Feedback | None:
    """The newest request for changes that still stands and that the history of the state doesn't know; None where
    there is none.
    """
    asked = [r for r in forge.list_verdicts(review) if r.trusted]
    standing = list_standing(asked)
    newest = standing[-1] if standing else None
    if newest is None or _is_noted(project, tip, review, newest):
        return None
    noted = [r.at for r in asked if r.verdict and _is_noted(project, tip, review, r)]
    since = max(noted, default="")
    remarks = [*asked, *(c for c in forge.list_comments(review) if c.trusted)]
    words = render_remarks(sorted((r for r in remarks if r.at > since), key=lambda r: r.at), review.url)
    return Feedback(_name(review, newest), newest.by, words or (f"{newest.by} asks for changes",))


def list_standing(verdicts: Iterable[Remark]) -> list[Remark]:
    """The requests for changes that stand: of each reviewer the last word counts; oldest first."""
    last: dict[str, Remark] = {}
    for remark in verdicts:
        if remark.verdict:
            last[remark.by] = remark
    return sorted((r for r in last.values() if r.verdict == "changes_requested"), key=lambda r: r.at)


def render_remarks(remarks: Sequence[Remark], url: str | None) -> tuple[str, ...]:
    """Each remark as one piece of guidance: where, what, and who says so."""
    said = [r for r in remarks if r.text.strip()]
    words = [
        f"{f'{r.place}: ' if r.place else ''}{cut_text(clean_text(r.text).strip(), WORDS_MAX)} ({r.by})"
        for r in said[-REMARKS_MAX:]
    ]
    if len(said) > REMARKS_MAX:
        words.insert(0, f"{len(said) - REMARKS_MAX} older remarks were left out: {url}")
    return tuple(words)


def _is_noted(project: Project, tip: Tip, review: Review, remark: Remark) -> bool:
    return project.ledger.has_event(project.repo, tip, _name(review, remark))


def _name(review: Review, remark: Remark) -> str:
    return f"changes_requested/{review.number}/{remark.id}"
