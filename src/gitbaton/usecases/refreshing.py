"""``baton refresh``: the base branch has moved on; published work takes it in, and stays where it is: in review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.ports import RefUpdate
from gitbaton.store.edits import queue_writers
from gitbaton.store.git import is_ancestor
from gitbaton.store.merging import find_checkout, make_merge, move_along, recover_followings
from gitbaton.store.repository import require_config
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import advance
from gitbaton.usecases.work import attempt_ref, bring_head

if TYPE_CHECKING:
    from gitbaton.domain.lifecycle import LiveStatus
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip

_OPEN: tuple[LiveStatus, ...] = ("in_review", "changes_requested", "needs_input", "failed", "stopped")


class Refreshed(NamedTuple):
    """Published work, ``head`` now. ``merge`` is the merge commit, None: it had all of base already."""

    task: str
    head: str
    merge: str | None


def refresh_task(project: Project, text: str) -> Refreshed:
    """Merge the base branch into the work that was published for a task, and publish that; no check runs. Raises
    ``Refusal``: ``no-work``, ``branch-moved``, ``merge-conflict`` with the files; then nothing has changed.
    """
    refuse_inside(project, "refresh work")
    project = project.fetched()
    repo = project.repo
    require_config(repo)
    view = load_view(project, local=False)
    entry = find_entry(view, text)
    task = entry.row.id
    tip = view.tips.states.get(task)
    base = repo.base.commit
    if (
        tip is None
        or base is None
        or not tip.state.head
        or not tip.state.branch
        or tip.state.status not in _OPEN
    ):
        raise Refusal(
            f"{task} has no published work that waits: it is {entry.state.replace('_', ' ')}", code="no-work",
            hint=f"see where it stands with: baton show {task}",
        )  # fmt: skip
    state, head = tip.state, bring_head(project, tip.state)
    published = project.refs.fetch_branch(tip.state.branch)
    if published not in (head, None):
        raise Refusal(
            f"the branch {state.branch} has moved since its work was published", code="branch-moved",
            hint=f"to go on with it yourself: baton takeover {task}",
        )  # fmt: skip
    if is_ancestor(repo.git, base, head):
        return Refreshed(task, head, None)
    try:
        merge = make_merge(repo, head, base, f"Merge {repo.base.branch} into {state.branch}").commit
    except Refusal as refusal:
        if refusal.code == "merge-conflict":
            main = f"{repo.remote}/{repo.base.branch}" if repo.remote else repo.base.branch
            refusal.hint = f"resolve it yourself: baton takeover {task}, baton start {task}, git merge {main}, mend the files, git commit, baton finish"
        raise
    _publish(project, state, published, merge)
    return Refreshed(task, merge, merge)


def _publish(project: Project, state: State, published: str | None, merge: str) -> Tip:
    """State, task branch and the attempt's own ref in one step; where the branch is checked out here, that goes along."""
    repo, task, ref = project.repo, state.task, f"refs/heads/{state.branch}"
    number = next((a.number for a in reversed(state.attempts) if a.head), state.attempt)
    kept = attempt_ref(project, task, number)
    old_kept = project.refs.fetch_ref(kept)

    def unchanged(now: State | None) -> None:
        if now is None or (now.head, now.status) != (state.head, state.status):
            raise Refusal(
                f"{task} has moved on meanwhile",
                code="no-work",
                hint=f"see where it stands with: baton show {task}",
            )

    def change(_: State | None) -> dict[str, Any]:
        return {"head": merge}

    def move() -> Tip:
        moves = [RefUpdate(ref, merge, published)]
        if old_kept == state.head:
            moves.append(RefUpdate(kept, merge, old_kept))
        return advance(project, task, "refreshed", change, expect=unchanged, also=lambda _: moves)

    place = None if repo.remote or state.branch is None else find_checkout(repo, state.branch)
    if place is None:
        return move()
    tips: list[Tip] = []
    with queue_writers(repo):
        recover_followings(repo)
        move_along(repo, place, merge, lambda: tips.append(move()))
    return tips[0]
