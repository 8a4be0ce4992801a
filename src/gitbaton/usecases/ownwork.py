"""A person works on a task by the same path as an agent: ``start`` claims it and brings its branch here, ``abandon``
gives it back with the work kept; ``finish`` (``finishing.py``) publishes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.outcome import Outcome
from gitbaton.errors import Refusal, UsageError
from gitbaton.ports import RefUpdate
from gitbaton.store.git import Git, is_ancestor, resolve
from gitbaton.store.live import render_time
from gitbaton.store.merging import find_checkout
from gitbaton.store.ownbranch import (
    Note,
    bring_branch,
    find_current,
    go_back,
    list_changed,
    list_noted,
    read_note,
    refuse_unclean,
    write_note,
)
from gitbaton.store.repository import require_config
from gitbaton.usecases.attempt import find_start
from gitbaton.usecases.choosing import Choice
from gitbaton.usecases.claim import Claim, adopt_task, claim_as_person
from gitbaton.usecases.contest import restore_before_claim, withdraw_if_arrived
from gitbaton.usecases.material import gather_material, read_surroundings
from gitbaton.usecases.project import Project, View, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import advance, read_tip
from gitbaton.usecases.work import attempt_ref

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.briefing import Material
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip


class Started(NamedTuple):
    """A task that a person works on now: its branch, checked out in ``folder``, and what there is to know.
    ``resumed``: it was theirs before.
    """

    claim: Claim
    branch: str
    folder: Path
    material: Material
    resumed: bool


class Own(NamedTuple):
    """A person's claim, and their branch in this clone: its tip, and where it is checked out (None: nowhere)."""

    project: Project
    view: View
    claim: Claim
    branch: str
    head: str | None
    place: Git | None


class Abandoned(NamedTuple):
    """A task that was given back. ``kept`` is the commit that the next attempt goes on from, None: there is no work.
    ``back`` is what is checked out again, ``why_not`` says why the checkout stayed as it is.
    """

    tip: Tip
    branch: str
    kept: str | None
    back: str | None
    why_not: str | None


# -- starting ------------------------------------------------------------------------------------------------


def start_task(
    project: Project, wanted: str | None, *, folder: Path | None = None, beside: bool = False
) -> Started | Choice:
    """Claim a task as a person, and check its branch out: here, or (``beside``) in a worktree at ``folder``, by
    default beside this checkout. A task that the actor has already is gone on with. Raises ``Refusal``:
    ``dirty-files``, what ``claim_task`` and ``bring_branch`` raise; then nothing is claimed.
    """
    refuse_inside(project, "start tasks")
    repo = project.repo
    require_config(repo)
    project = project.fetched()
    mine = _find_mine(project, wanted) if wanted else None
    if not beside and not _is_here(project, mine):
        refuse_unclean(
            repo, repo.git, "starting a task", "commit or stash them, or work beside them: --worktree"
        )
    claim: Claim | Choice = mine or claim_as_person(project, wanted)
    if isinstance(claim, Choice):
        return claim
    task, branch = claim.entry.row.id, claim.tip.state.branch
    assert branch is not None, "a claim sets the branch"
    if beside and folder is None:
        folder = repo.top.parent / f"{repo.top.name}-{task}"
    try:
        around = read_surroundings(project, claim.entry.row.path, claim.base)
        start = _find_own_start(project, claim) if mine else find_start(project, claim)[0]
        material = gather_material(
            project, around, claim.tip.state, commit=claim.base, work=start, attempt=claim.tip.state.attempt
        )
        where, came_from = bring_branch(repo, branch, start, folder)
    except BaseException:
        if mine is None:
            withdraw_if_arrived(project, task, claim.run)
        raise
    known = read_note(repo, branch)
    before = came_from if came_from and came_from != branch else known.came_from
    write_note(repo, branch, Note(claim.run, before))
    return Started(claim, branch, where, material, mine is not None)


def _is_here(project: Project, mine: Claim | None) -> bool:
    return mine is not None and find_current(project.repo.git) == mine.tip.state.branch


def _find_mine(project: Project, wanted: str) -> Claim | None:
    """The actor's own claim of a task, if it is one; what they took over becomes one."""
    view = load_view(project, local=False)
    entry = find_entry(view, wanted)
    tip = view.tips.states.get(entry.row.id)
    holder = tip.state.claimed_by if tip else None
    if tip is None or holder is None or (holder.kind, holder.name) != ("person", project.actor):
        return None
    if tip.state.status == "taken_over":
        return adopt_task(project, view, entry)
    if tip.state.status != "in_progress" or tip.state.run is None:
        return None
    return Claim(
        entry, tip, tip.state.run, tip.state.base or project.repo.base.commit or "", entry.why, entry
    )


def _find_own_start(project: Project, claim: Claim) -> str:
    """Where a person's work stands: on their branch here, else as it was published, else nowhere yet."""
    branch = claim.tip.state.branch or ""
    return (
        project.refs.fetch_branch(branch) or resolve(project.repo.git, f"refs/heads/{branch}") or claim.base
    )


# -- whose is it ---------------------------------------------------------------------------------------------


def get_own(project: Project, text: str | None) -> Own:
    """The person's claim of the task that ``text`` names; None: of the branch that is checked out, else the only one
    begun here. Raises ``UsageError`` (``no-task``), ``Refusal`` (``not-yours``, ``somebody-else``).
    """
    repo = project.repo
    require_config(repo)
    project = project.fetched()
    view = load_view(project, local=False)
    entry = find_entry(view, text or _guess_task(project))
    task = entry.row.id
    tip = view.tips.states.get(task)
    state = tip.state if tip else None
    holder = state.claimed_by if state else None
    if tip is None or state is None or holder is None or state.status not in ("in_progress", "taken_over"):
        raise Refusal(
            f"{task} is not yours: it is {entry.state.replace('_', ' ')}", code="not-yours", hint=f"begin with: baton start {task}"
        )  # fmt: skip
    branch = state.branch or f"{repo.config.prefix}{task}"
    noted = read_note(repo, branch).run
    if holder.kind != "person" or (noted != state.run and holder.name != project.actor):
        raise Refusal(
            f"{holder.name} is at {task}", code="somebody-else", hint=f"to take it: baton takeover {task}"
        )  # fmt: skip
    if state.status == "taken_over":
        claim = adopt_task(project, view, entry)
        write_note(repo, branch, Note(claim.run, read_note(repo, branch).came_from))
    else:
        assert state.run is not None, "a claim has a run"
        claim = Claim(entry, tip, state.run, state.base or repo.base.commit or "", entry.why, entry)
    there = find_checkout(repo, branch)
    return Own(
        project, view, claim, branch, resolve(repo.git, f"refs/heads/{branch}"), there.git if there else None
    )


def _guess_task(project: Project) -> str:
    repo = project.repo
    prefix, noted = repo.config.prefix, list_noted(repo)
    here = find_current(repo.git)
    if here and here.startswith(prefix):
        return here.removeprefix(prefix)
    if len(noted) == 1:
        return noted[0].removeprefix(prefix)
    begun = ", ".join(b.removeprefix(prefix) for b in noted)
    raise UsageError(
        "which task?" + (f" You have begun {begun}" if begun else " You have begun none here"), code="no-task",
        hint="give its id, or check its branch out" if begun else "begin with: baton start",
    )  # fmt: skip


def find_published(project: Project, own: Own) -> str | None:
    """The tip of the task branch where everybody sees it. Raises ``Refusal`` (``branch-moved``) when it has commits
    that the person's branch has not.
    """
    tip = project.refs.fetch_branch(own.branch)
    if tip and own.head and not is_ancestor(project.repo.git, tip, own.head):
        raise Refusal(
            f"somebody pushed to {own.branch}, and your branch has not got that", code="branch-moved",
            hint=f"with it checked out: git pull {project.repo.remote} {own.branch}",
        )  # fmt: skip
    return tip


# -- giving it back --------------------------------------------------------------------------------------------


def abandon_task(project: Project, text: str | None) -> Abandoned:
    """Give a task back. What the person committed is kept, on the task branch and as the attempt's own: the next
    attempt goes on from there. A clean checkout goes back to what it was before.
    """
    refuse_inside(project, "abandon tasks")
    own = get_own(project, text)
    project, task, state = own.project, own.claim.entry.row.id, own.claim.tip.state
    published = find_published(project, own)
    head = own.head if own.head and not is_ancestor(project.repo.git, own.head, own.claim.base) else None
    new_work = head if head != state.head else None

    def change(old: State | None) -> dict[str, Any]:
        assert old is not None, "it was claimed"
        update: dict[str, Any] = {
            "ended": render_time(project.refs.now()), "outcome": Outcome.STOPPED, "message": f"{project.actor} gave it back",
            "head": new_work,
        }  # fmt: skip
        attempts = (*old.attempts[:-1], old.attempts[-1].model_copy(update=update))
        limit = old.attempt_limit + 1 if old.attempt_limit else None  # it doesn't count as a try
        if new_work:
            gone: dict[str, Any] = dict.fromkeys(("claimed_by", "claimed_from", "lease", "run", "watch_url"))
            return {**gone, "head": new_work, "attempts": attempts, "attempt_limit": limit}
        return {
            **restore_before_claim(project, read_tip(project, task)),
            "attempts": attempts,
            "attempt_limit": limit,
        }

    def refs(_: State | None) -> list[RefUpdate]:
        if new_work is None:
            return []
        updates = [RefUpdate(attempt_ref(project, task, state.attempt), new_work, None)]
        if published != new_work:
            updates.append(RefUpdate(f"refs/heads/{own.branch}", new_work, published))
        return updates

    tip = advance(project, task, "released", change, run=own.claim.run, also=refs)
    came_from = read_note(project.repo, own.branch).came_from
    back, why_not = _leave(project, own, came_from)
    write_note(project.repo, own.branch, Note(None, None))
    return Abandoned(tip, own.branch, head, back, why_not)


def _leave(project: Project, own: Own, came_from: str | None) -> tuple[str | None, str | None]:
    """(what is checked out again, why nothing was done)."""
    place = own.place
    if place is None:
        return None, None
    if place.where != project.repo.top:
        return None, f"its worktree stays until you remove it: git worktree remove {place.where}"
    if list_changed(place, untracked=False):
        return None, f"you are still on {own.branch}: it has changes that are not committed"
    target = came_from or project.repo.base.branch
    if not go_back(place, target):
        return None, f"you are still on {own.branch}: {target} could not be checked out"
    return target, None
