"""``baton refresh``: the base branch has moved on; published work takes it in, and stays where it is: in review. Where
the two conflict, an agent is asked to resolve that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.ports import RefUpdate
from gitbaton.store.edits import queue_writers
from gitbaton.store.git import is_ancestor
from gitbaton.store.merging import find_checkout, make_merge, merge_trees, move_along, recover_followings
from gitbaton.store.repository import require_config
from gitbaton.usecases.joining import sort_conflicts
from gitbaton.usecases.material import read_surroundings
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.review import reject_task
from gitbaton.usecases.run import check_agent
from gitbaton.usecases.transitions import advance
from gitbaton.usecases.work import attempt_ref, bring_head

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.domain.lifecycle import LiveStatus
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip

_OPEN: tuple[LiveStatus, ...] = ("in_review", "changes_requested", "needs_input", "failed", "stopped")


class Refreshed(NamedTuple):
    """Published work, ``head`` now. ``merge`` is the merge commit; None: it had all of base already, or there are
    ``conflicts``, files that the next attempt resolves.
    """

    task: str
    head: str
    merge: str | None
    conflicts: tuple[str, ...] = ()


def refresh_task(project: Project, text: str, *, here: bool = False) -> Refreshed:
    """Merge the base branch into the work that was published for a task, and publish that; no check runs. Where the two
    conflict, changes are requested: the next attempt resolves it; ``here``: make sure that one can run here. Raises
    ``Refusal``: ``no-work``, ``branch-moved``, ``merge-conflict`` with the files, where only a person can resolve it or
    has to decide first; then nothing has changed.
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
        if refusal.code != "merge-conflict":
            raise
        return _ask_agent(project, entry, state, refusal, here=here)
    _publish(project, state, published, merge)
    return Refreshed(task, merge, merge)


def _ask_agent(project: Project, entry: Entry, state: State, refusal: Refusal, *, here: bool) -> Refreshed:
    """Ask for the conflicts to be resolved. Raises ``refusal`` where an agent can't do that."""
    repo, task, head, base = project.repo, state.task, state.head or "", project.repo.base.commit or ""
    around = read_surroundings(project, entry.row.path, base)
    merged = merge_trees(repo, head, base)
    conflicts, theirs = sort_conflicts(project, around, merged.tree, merged.conflicts, (head, base))
    if theirs:
        main = f"{repo.remote}/{repo.base.branch}" if repo.remote else repo.base.branch
        refusal.hint = f"resolve it yourself: baton takeover {task}, baton start {task}, git merge {main}, mend the files, git commit, baton finish"
        refusal.data["theirs"] = list(theirs)
        raise refusal
    files = tuple(c.path for c in conflicts)
    if state.status not in ("in_review", "changes_requested"):
        step = f'baton answer {task} "…"' if state.status == "needs_input" else f"baton retry {task}"
        refusal.hint = f"the next attempt resolves it: {step}"
        raise refusal
    if here:
        if entry.row.hold or state.hold:
            refusal.hint = f"it is on hold, so nothing runs: baton release {task}; to ask for it all the same: baton refresh {task} --later"
            raise refusal
        check_agent(project, around)
    if state.status == "in_review":
        reject_task(
            project,
            task,
            f"{repo.base.branch} has moved on to {base[:10]}, and this work conflicts with it in: {', '.join(files)}. "
            "Resolve that so that both sides keep what they are for, and change nothing else.",
        )
    return Refreshed(task, head, None, files)


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
