"""What only the forge, or the base branch, knows: merged, closed, changes requested, a pull request that was never
opened.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.lifecycle import TABLE
from gitbaton.domain.reviewtext import render_review_body
from gitbaton.domain.state import PullRequest
from gitbaton.errors import BatonError
from gitbaton.usecases.feedback import note_request
from gitbaton.usecases.project import Project, load_view, refuse_inside
from gitbaton.usecases.reminding import remind_of_questions
from gitbaton.usecases.review import find_current_review, mark_merged, name_closing, review_task
from gitbaton.usecases.transitions import advance

if TYPE_CHECKING:
    from gitbaton.domain.state import State
    from gitbaton.ports import Forge

#: States in which a review may have moved on without us.
_WATCHED = ("in_review", "changes_requested", "closed", "taken_over")


_WORDS = {
    "merged": "merged",
    "closed": "closed without merging",
    "opened": "its pull request is open now",
    "changes_requested": "a reviewer asks for changes",
    "reminded": "its question still waits for an answer",
}


class Noticed(NamedTuple):
    """Something that was found and written down: a task's review was ``merged``, ``closed`` or ``opened``,
    ``changes_requested`` at it, or people were ``reminded`` of its question.
    """

    task: str
    event: str

    @property
    def words(self) -> str:
        """What happened, for people."""
        return _WORDS[self.event]

    def __str__(self) -> str:
        return f"{self.task}: {self.words}"


def sync_reviews(project: Project, *, only: str | None = None) -> list[Noticed]:
    """Fetch, and write to the state what happened at reviews elsewhere: merged, closed, changes requested. A pull
    request that could not be opened when its work was published is opened now, and people are reminded of questions
    that wait. Safe to repeat. ``only`` is one task's id.
    """
    refuse_inside(project, "sync")
    project = project.fetched()
    tips = load_view(project, local=False).tips.states
    watched = {
        t: tip.state for t, tip in sorted(tips.items()) if tip.state.status in _WATCHED and only in (None, t)
    }
    noticed = []
    forge: Forge | None = None
    for task, state in watched.items():
        base = project.repo.base.commit
        if state.head and base and project.ledger.contains(project.repo, base, state.head):
            mark_merged(project, state, base)
            noticed.append(Noticed(task, "merged"))
            continue
        forge = forge or project.open_forge(project.repo)
        event = _ask(project, forge, task, state) if state.branch and forge.kind != "local" else None
        if event:
            noticed.append(Noticed(task, event))
    waiting = {t: tip for t, tip in tips.items() if only in (None, t)}
    open_forge = partial(project.open_forge, project.repo)
    noticed += [Noticed(t, "reminded") for t in remind_of_questions(project, waiting, open_forge)]
    return noticed


def _ask(project: Project, forge: Forge, task: str, state: State) -> str | None:
    """Ask the forge what became of a task's review; the event that was written, if any."""
    assert state.branch is not None
    review = find_current_review(project, forge, state)
    if review and review.state == "merged" and review.merge_commit:
        mark_merged(project, state, review.merge_commit)
        return "merged"
    if review and review.state == "closed" and state.status in TABLE["closed"].sources:
        reason = "its pull request was closed without merging"
        advance(
            project, task, "closed", lambda _: {"reason": reason, "lease": None}, heard=name_closing(review)
        )
        return "closed"
    if state.status == "in_review" and (review is None or state.pull_request is None):
        if review is None:
            view = review_task(project, task)
            handoff = view.handoff or Handoff(task=task, attempt=max(1, state.attempt))
            body = render_review_body(
                task, view.task, handoff, path=view.entry.row.path, watch_url=state.watch_url
            )
            review = forge.publish_review(state.branch, project.repo.base.branch, view.task.title, body)
        pull = PullRequest(number=review.number, url=review.url)
        advance(project, task, "review_opened", lambda _: {"pull_request": pull}, run=state.run)
        return "opened"
    if review and review.state == "open" and state.status in ("in_review", "changes_requested"):
        return "changes_requested" if note_request(project, forge, review, state) else None
    return None


def reconcile(project: Project) -> list[Noticed]:
    """``sync_reviews`` before a run, as far as it goes: a forge that can't be asked now is no reason not to
    work on something else.
    """
    try:
        return sync_reviews(project)
    except BatonError:
        return []
