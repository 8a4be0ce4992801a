"""Where an edit of documents goes: the branch checked out here, the base branch, or a proposal for review."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.ids import make_slug
from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain
from gitbaton.ports import RefUpdate
from gitbaton.store.edits import Edited, commit_edits, queue_writers
from gitbaton.store.layout import classify
from gitbaton.store.merging import find_checkout, move_along, recover_followings
from gitbaton.usecases.project import Project, View, load_view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.delivery import Delivery

_TRIES = 20
#: What a server says to whoever may not push to a branch.
_FORBIDDEN = ("push-refused", "no-permission")


class Written(NamedTuple):
    """A task that was written, and the commit. ``edited`` is None inside an attempt: the task went to the
    outbox as a proposal.
    """

    task: str
    path: str
    edited: Edited | None


def open_target(project: Project, to: Delivery) -> tuple[Project, View, Delivery]:
    """The board that an edit is decided on: this checkout's, or for another target the freshly fetched base
    alone. An edit of a base branch that is checked out here is an ordinary one.
    """
    base = f"refs/heads/{project.repo.base.branch}"
    if to.where == "base" and project.repo.git.find("symbolic-ref", "--quiet", "HEAD") == base:
        to = to._replace(where="here")
    if to.where == "here" or project.outbox is not None:
        return project, load_view(project, local=True), to
    project = project.fetched()
    return project, load_view(project, local=False), to


def write_documents(
    project: Project, changes: Mapping[str, Change], message: str, to: Delivery, *, story: str = ""
) -> Edited:
    """Make ``changes`` (path → function of its text) one commit where ``to`` says. ``story`` is what a pull request
    for it says besides its message.

    Raises what the functions raise, what ``commit_edits`` raises, and for a remote what pushing raises: then
    nothing has changed, except that an edit of this checkout stays committed, as the message says.
    """
    if to.where == "base":
        return _write_base(project, changes, message)
    if to.where == "proposal":
        return _propose(project, changes, message, story)
    return pushed(project, commit_edits(project.repo, changes, message), push=to.push)


# -- the branch checked out here -------------------------------------------------------------------------------


def pushed(project: Project, edited: Edited, *, push: bool | None) -> Edited:
    """Push the branch of an edit where asked to, or where the config says ``push: auto``. On a remote that has moved
    the edit is made anew, field by field; then the answer names the new commit.
    """
    auto = push is None and project.repo.config_file.facts.push == "auto"
    if not (push or auto) or edited.branch is None or project.repo.remote is None:
        return edited
    if edited.commit is None and not push:
        return edited  # asked for in words, a push also brings what an interrupted one left here
    from gitbaton.usecases.exchange import exchange_documents

    try:
        done = exchange_documents(project, push=None if auto else True)
    except BatonError as error:
        error.message = (
            f"{'committed here' if edited.commit else 'nothing to change'}, but not pushed: {error.message}"
        )
        error.args = (error.message,)
        error.data["commit"] = edited.commit
        raise
    commit = next((c.new for c in done.reapplied if c.old == edited.commit), edited.commit)
    arrived = not done.kept if edited.commit else bool(done.pushed)
    return edited._replace(commit=commit, pushed=arrived, note=done.kept)


# -- the base branch -------------------------------------------------------------------------------------------


def _write_base(project: Project, changes: Mapping[str, Change], message: str) -> Edited:
    """Commit on the base branch, which is not checked out here. On a lost race the edit is made anew."""
    from gitbaton.store.apart import commit_apart

    repo = project.repo
    ref = f"refs/heads/{repo.base.branch}"
    done = Edited(None, repo.base.branch, tuple(changes), pushed=repo.remote is not None)
    for _ in range(_TRIES):
        tip = project.refs.fetch_branch(repo.base.branch)
        if tip is None:
            raise _explain_no_base(project)
        commit = commit_apart(repo, tip, changes, message)
        if commit is None:
            return done._replace(pushed=False)
        move = [RefUpdate(ref, commit, tip)]
        try:
            if repo.remote is None:
                _move_local_base(project, commit, tip, lambda m=move: project.refs.swap(m))  # type: ignore[misc] # mypy can't infer a lambda's default
            else:
                project.refs.swap(move)
        except LostRace:
            continue
        except Refusal as refusal:
            if refusal.code in _FORBIDDEN:
                refusal.hint = (
                    f"nothing was changed; to propose it for review instead: --propose ({refusal.hint})"
                )
            raise
        where = f"{repo.base.branch} of {repo.remote}" if repo.remote else repo.base.branch
        return done._replace(commit=commit, note=f"committed to {where}; this checkout is as it was")
    raise LostRace([ref])


def _move_local_base(project: Project, commit: str, tip: str, publish: Callable[[], None]) -> None:
    """Without a remote the base branch may be checked out in another worktree: that goes along."""
    repo = project.repo
    with queue_writers(repo):
        recover_followings(repo)
        place = find_checkout(repo)
        if place is None:
            publish()
        elif place.commit != tip:
            raise LostRace([place.ref])
        else:
            move_along(repo, place, commit, publish)


def _explain_no_base(project: Project) -> Refusal:
    branch, remote = project.repo.base.branch, project.repo.remote
    where = f"{remote} has no branch {branch}" if remote else f"the base branch {branch} has no commit"
    hint = f"git push {remote} {branch}" if remote else f"git switch {branch}, and commit something"
    return Refusal(f"{where} yet", code="no-base", hint=hint)


# -- a proposal ------------------------------------------------------------------------------------------------


def _propose(project: Project, changes: Mapping[str, Change], message: str, story: str) -> Edited:
    """Put the edit on a branch of its own, and open a pull request where there is a forge for it."""
    from gitbaton.store.apart import commit_apart

    repo = project.repo
    base = project.refs.fetch_branch(repo.base.branch)
    if base is None:
        raise _explain_no_base(project)
    commit = commit_apart(repo, base, changes, message)
    if commit is None:
        return Edited(None, repo.base.branch, tuple(changes))
    for _ in range(_TRIES):
        branch = f"{repo.config.prefix}edit-{_name(changes, message)}-{project.random_id(4)}"
        try:
            project.refs.swap([RefUpdate(f"refs/heads/{branch}", commit, None)])
        except LostRace:
            continue  # taken
        done = Edited(
            commit, branch, tuple(changes), off_base=True, proposed=True, pushed=repo.remote is not None
        )
        return _open_review(project, done, message, story)
    raise TryAgain("no free name for a branch was found", code="lost-race", hint="run the same command again")


def _name(changes: Mapping[str, Change], message: str) -> str:
    """The first task's or plan's id, else the message."""
    ids = [p.id for path in changes if (p := classify(path)) and p.kind in ("task", "plan")]
    return ids[0] if ids else make_slug(message)


def _open_review(project: Project, done: Edited, message: str, story: str) -> Edited:
    base = project.repo.base.branch
    assert done.branch is not None
    title, _, body = message.partition("\n")
    try:
        forge = project.open_forge(project.repo)
        if forge.kind == "local":
            tip = f"{project.repo.remote}/{done.branch}" if project.repo.remote else done.branch
            return done._replace(note=f"merge it, with {base} checked out: git merge {tip}")
        review = forge.publish_review(done.branch, base, title, f"{body.strip()}\n\n{story}".strip())
    except BatonError as error:  # the branch stands; whoever may can open its pull request by hand
        return done._replace(note=f"no pull request was opened: {error.message}")
    return done._replace(url=review.url)
