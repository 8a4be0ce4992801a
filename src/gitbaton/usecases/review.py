"""Where a person steps in: review, accept, reject, retry; and what only the forge knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.task import Task
from gitbaton.errors import Refusal
from gitbaton.ports import RefUpdate, Review
from gitbaton.store.documents import parse_document
from gitbaton.store.git import find_merge_base, read_objects
from gitbaton.store.history import Change, list_changes
from gitbaton.usecases.material import list_handoffs
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import advance, read_tip
from gitbaton.usecases.work import bring_head

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.state import State
    from gitbaton.ports import Forge
    from gitbaton.store.live import Tip


class ReviewView(NamedTuple):
    """Published work, as a reviewer sees it. ``changes`` are against where the branch left base."""

    entry: Entry
    state: State
    task: Task
    base: str
    head: str
    changes: list[Change]
    handoff: Handoff | None
    handoff_path: str | None


def review_task(project: Project, text: str) -> ReviewView:
    """The work that was published for a task, whatever became of it. Raises ``Refusal`` (``no-work``)."""
    project = project.fetched()
    view = load_view(project, local=False)
    entry = find_entry(view, text)
    task = entry.row.id
    tip = view.tips.states.get(task)
    if tip is None or tip.state.head is None:
        raise Refusal(
            f"no work has been published for {task}",
            code="no-work",
            hint=f"run it: baton run {task}" if entry.claimable else f"baton show {task}",
        )
    head = bring_head(project, tip.state)
    base = project.repo.base.commit or head
    first = next((a.base for a in tip.state.attempts if a.base), base)
    fork = find_merge_base(project.repo.git, base, head) or first
    if tip.state.status == "merged" and tip.state.merge:
        fork = first or fork
    path = tip.state.attempts[-1].handoff if tip.state.attempts else None
    handoffs = dict(list_handoffs(project.repo, head, task))
    data = (
        read_objects(project.repo.git, [f"{head}:{entry.row.path}"])[0]
        or read_objects(project.repo.git, [f"{base}:{entry.row.path}"])[0]
        or b""
    )
    document = parse_document(data, entry.row.path, Task, "task")
    newest = handoffs.get(path) if path else None
    return ReviewView(
        entry, tip.state, document, fork, head, list_changes(project.repo, fork, head), newest, path
    )


_ACCEPTABLE = ("in_review", "changes_requested")


class Accepted(NamedTuple):
    """Work that was merged, the merge commit, and the ids of tasks that this made ready."""

    task: str
    merge: str
    freed: tuple[str, ...]


def accept_task(project: Project, text: str) -> Accepted:
    """Merge the published work: the task is done and what waits for it is ready. Raises ``Refusal``
    (``not-in-review``, ``merge-conflict``, ``dirty-files``, ``branch-moved``), ``LostRace``.
    """
    refuse_inside(project, "accept work")
    project = project.fetched()
    entry, state = _published(project, text, _ACCEPTABLE)
    task = entry.row.id
    forge = project.open_forge(project.repo)
    assert state.branch
    assert state.head
    review = Review(state.branch, project.repo.base.branch, "open")
    if forge.kind == "local":  # the published commit is the review, wherever the branch is now
        bring_head(project, state)
    else:
        review = find_current_review(project, forge, state) or review
        if review.number is None:
            raise Refusal(
                f"{task} has no pull request yet", code="no-review", hint="open the one that is missing with: baton sync"
            )  # fmt: skip
    if review.state == "merged" and review.merge_commit:
        mark_merged(project, state, review.merge_commit)
        return Accepted(task, review.merge_commit, _freed(project, task))

    def unchanged(now: State | None) -> None:
        if now is None or now.head != state.head or now.status not in _ACCEPTABLE:
            where = now.status.replace("_", " ") if now else "gone"
            raise Refusal(
                f"{task} has moved on meanwhile: it is {where}", code="not-in-review", hint=f"look again: baton review {task}"
            )  # fmt: skip

    def record(commit: str, updates: Sequence[RefUpdate]) -> None:
        mark_merged(project, state, commit, updates, expect=unchanged if forge.kind == "local" else None)

    commit = forge.merge(review, head_oid=state.head, title=entry.row.title, record=record)
    return Accepted(task, commit, _freed(project, task))


def find_current_review(project: Project, forge: Forge, state: State) -> Review | None:
    """The review of the work that ``state`` tells of, or None. A branch may have had others before: those that
    ended with an earlier attempt's work, or whose closing was heard of and answered since, are past.
    """
    review = forge.find_review(state.branch) if state.branch else None
    if review is None or review.state == "open":
        return review
    tip = read_tip(project, state.task)
    if (
        review.state == "closed"
        and state.status != "closed"
        and tip
        and project.ledger.has_event(project.repo, tip, name_closing(review))
    ):
        return None
    known = state.pull_request.number if state.pull_request else None
    if known is not None and review.number is not None:
        return review if review.number >= known else None
    if state.head is None or review.head_oid in (None, state.head):
        return review
    return review if project.ledger.contains(project.repo, review.head_oid or "", state.head) else None


def name_closing(review: Review) -> str:
    """The id of the event that ``review`` was closed. It may be opened and closed again: that is another one."""
    return f"closed/{review.number}/{review.ended}"


def _freed(project: Project, task: str) -> tuple[str, ...]:
    board = load_view(project.fetched(), local=False).board
    return tuple(i for i, e in sorted(board.entries.items()) if e.claimable and task in e.row.depends_on)


def _published(project: Project, text: str, states: tuple[str, ...]) -> tuple[Entry, State]:
    view = load_view(project, local=False)
    entry = find_entry(view, text)
    tip = view.tips.states.get(entry.row.id)
    if tip is None or tip.state.status not in states or entry.state in ("done", "cancelled"):
        where = entry.state.replace("_", " ")
        raise Refusal(
            f"{entry.row.id} is {where}, so there is nothing to decide on",
            code="not-in-review",
            hint=f"baton show {entry.row.id}",
            data={"state": entry.state},
        )
    return entry, tip.state


def reject_task(project: Project, text: str, guidance: str) -> Tip:
    """Ask for changes: the next attempt goes on with the same branch, with ``guidance`` in its briefing."""
    refuse_inside(project, "reject work")
    project = project.fetched()
    entry, state = _published(project, text, ("in_review", "closed"))
    forge = project.open_forge(project.repo)
    task = entry.row.id
    tip = advance(project, task, "changes_requested", lambda old: add_guidance(old, (guidance,)))
    if state.branch and forge.kind != "local" and (review := forge.find_review(state.branch)):
        forge.comment(review, f"{project.actor} asks for changes:\n\n{guidance}")
    return tip


def add_guidance(old: State | None, words: Sequence[str]) -> dict[str, Any]:
    """The fields of a state after somebody asked for more: what to heed, and one more attempt at least."""
    assert old is not None
    limit = max(old.attempt_limit or 0, old.attempt + 1)
    return {"guidance": (*old.guidance, *words), "attempt_limit": limit, "reason": None, "lease": None}


def retry_task(project: Project, text: str, guidance: str | None = None) -> Tip:
    """Allow new attempts at a task that failed, was stopped, closed, taken over or asked a question. Work on an open
    branch goes on; after a merge or a closed review it starts afresh from base.
    """
    refuse_inside(project, "retry tasks")
    project = project.fetched()
    entry = find_entry(load_view(project, local=False), text)
    task = entry.row.id
    if entry.state == "in_review":
        raise Refusal(
            f"{task} is in review",
            code="in-review",
            hint=f'ask for changes: baton reject {task} --guidance "…"',
        )
    if entry.live is None or entry.live.status in ("open", "changes_requested"):
        raise Refusal(
            f"{task} has nothing to retry: it is {entry.state.replace('_', ' ')}",
            code="nothing-to-retry",
            hint=f"run it: baton run {task}",
        )
    if entry.row.status == "done":
        raise Refusal(
            f"{task} is done", code="already-finished", hint=f"to open it again: baton set {task} status=todo"
        )

    left = _find_left_work(project, entry)

    def change(old: State | None) -> dict[str, Any]:
        assert old is not None
        again = entry.row.attempts_max or project.repo.config.retries.attempts
        fields: dict[str, Any] = {
            "guidance": (*old.guidance, guidance) if guidance else old.guidance, "attempt_limit": old.attempt + again,
            "retry_at": None, "reason": None, "run": None, "claimed_by": None, "lease": None, "question": None,
        }  # fmt: skip
        if old.status in ("closed", "merged"):
            fields.update(head=None, pull_request=None, merge=None, fresh_since=old.attempt + 1)
        if old.status == "taken_over":
            fields.update(head=left)
            if left is None and old.head is not None:
                fields.update(pull_request=None, fresh_since=old.attempt + 1)
        return fields

    return advance(project, task, "retried", change)


def _find_left_work(project: Project, entry: Entry) -> str | None:
    """Where the next attempt goes on after a person had the branch: where they left it; afresh if base holds all
    of it.
    """
    live, base = entry.live, project.repo.base.commit
    if live is None or live.status != "taken_over" or live.branch is None:
        return None
    left = project.refs.fetch_branch(live.branch) or live.head
    return None if left and base and project.ledger.contains(project.repo, base, left) else left


def mark_merged(
    project: Project,
    state: State,
    commit: str,
    updates: Sequence[RefUpdate] = (),
    *,
    expect: Callable[[State | None], None] | None = None,
) -> None:
    """Write down that ``commit`` merged the work of ``state``, together with the ref updates ``updates``;
    ``expect`` may refuse, as in ``advance``. However often it is heard that this very work was merged, and from
    whom, it is written once.
    """
    fields = {"merge": commit, "lease": None, "run": None, "claimed_by": None, "guidance": ()}
    heard = f"merged/{state.head or commit}"
    advance(
        project, state.task, "merged", lambda _: fields, also=lambda _: updates, expect=expect, heard=None if updates else heard
    )  # fmt: skip
