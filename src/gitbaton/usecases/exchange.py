"""Bringing this branch and the remote's together: fetch, carry unpushed edits of documents onto what others
pushed, push.

The commits are worked out apart from the checkout, which then moves in one step that the next command
completes if it is cut off. So a conflict, or a file in the way, leaves everything as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import LostRace, Refusal
from gitbaton.ports import RefUpdate
from gitbaton.store.apart import Carried, carry_commits, last_commit, list_subjects
from gitbaton.store.edits import queue_writers
from gitbaton.store.git import is_ancestor, resolve
from gitbaton.store.journal import recover
from gitbaton.store.layout import TASKS
from gitbaton.store.merging import CheckedOut, move_along, move_branch, recover_followings
from gitbaton.usecases.project import refuse_inside
from gitbaton.usecases.sync import sync_reviews

if TYPE_CHECKING:
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.sync import Noticed

_TRIES = 20


class Exchange(NamedTuple):
    """What became of the branch checked out here. ``fetched`` and ``pushed`` are (commit, subject) that came here
    and that the remote has now; ``reapplied`` are those of ours that were made anew on top. ``kept`` says why
    what is unpushed was not pushed; ``note`` why there was nothing to do at all.
    """

    branch: str | None = None
    fetched: tuple[tuple[str, str], ...] = ()
    reapplied: tuple[Carried, ...] = ()
    pushed: tuple[tuple[str, str], ...] = ()
    kept: str | None = None
    note: str | None = None


class Synced(NamedTuple):
    """What ``baton sync`` found at reviews, and did to this branch."""

    noticed: list[Noticed]
    exchange: Exchange


def sync(project: Project, *, push: bool | None = None) -> Synced:
    """Note what became of reviews elsewhere, then bring this branch and its upstream together. Raises as
    ``sync_reviews`` and ``exchange_documents``.
    """
    noticed = sync_reviews(project)
    return Synced(noticed, exchange_documents(project.reread(), push=push))


def exchange_documents(project: Project, *, push: bool | None = None) -> Exchange:
    """Bring the branch checked out here and its upstream together. ``push`` says whether to push (None = where
    the config says ``push: auto``, and then only if nothing but tasks is unpushed).

    Raises as ``carry_commits``, ``Refusal`` (``dirty-files``, ``detached-head``, ``no-remote``, ``other-upstream``,
    ``operation-in-progress``), and what pushing raises; then nothing here has changed, or (``not-pushed`` in
    its data) all of it has but the push.
    """
    refuse_inside(project, "sync")
    repo = project.repo
    ref = repo.git.find("symbolic-ref", "--quiet", "HEAD")
    if ref is None or repo.remote is None:
        return _nothing(repo, ref, push=push)
    upstream = _find_upstream(repo, ref)
    before = resolve(repo.git, ref)
    if before is None:
        return Exchange(note="this branch has no commit yet")
    done = Exchange(ref.removeprefix("refs/heads/"))
    for _ in range(_TRIES):
        tip = project.refs.fetch_branch(upstream)
        try:
            done, head = _catch_up(repo, ref, tip, f"{repo.remote}/{upstream}", done)
            ours = (head, "--not", tip or f"--remotes={repo.remote}")
            if head == tip or push is False or (push is None and repo.config.push != "auto"):
                return done
            if push is None and (other := _find_other(repo, *ours)):
                return done._replace(
                    kept=f"not pushed: unpushed commits here change more than tasks ({other})"
                )
            outgoing = list_subjects(repo.git, *ours)
            project.refs.swap([RefUpdate(f"refs/heads/{upstream}", head, tip)])
        except LostRace:
            continue  # somebody committed here, or pushed there
        return done._replace(pushed=tuple(outgoing))
    raise LostRace([f"refs/heads/{upstream}"])


def _nothing(repo: Repository, ref: str | None, *, push: bool | None) -> Exchange:
    code, said = (
        ("no-remote", "there is no remote") if ref else ("detached-head", "no branch is checked out here")
    )
    if push:
        hint = "git remote add origin ADDRESS" if ref else f"git switch {repo.base.branch}"
        raise Refusal(f"{said}, so nothing can be pushed", code=code, hint=hint)
    return Exchange(note=said)


def _find_upstream(repo: Repository, ref: str) -> str:
    """The remote's branch that this one goes with: the configured one, else the one of the same name."""
    name = ref.removeprefix("refs/heads/")
    remote = repo.settings.get(f"branch.{name}.remote", repo.remote)
    if remote != repo.remote:
        raise Refusal(
            f"{name} goes with {remote}, but tasks are shared on {repo.remote}",
            code="other-upstream",
            hint=f"git pull --rebase && git push, or: git branch --set-upstream-to {repo.remote}/{name}",
        )
    return repo.settings.get(f"branch.{name}.merge", ref).removeprefix("refs/heads/")


def _catch_up(repo: Repository, ref: str, tip: str | None, name: str, done: Exchange) -> tuple[Exchange, str]:
    """Bring branch, index and files to where the remote's commits are below ours. Returns the branch's tip."""
    head = resolve(repo.git, ref) or ""
    if tip is None or tip == head or is_ancestor(repo.git, tip, head):
        return done, head
    _refuse_operation(repo)
    if not is_ancestor(repo.git, head, tip) and not repo.git.find("merge-base", head, tip):
        raise Refusal(
            f"this branch and {name} have no common history here", code="unrelated", hint="git fetch --unshallow, if this clone is shallow"
        )  # fmt: skip
    carried = carry_commits(repo, tip, head, name)
    new = last_commit(carried, tip)
    with queue_writers(repo):
        recover_followings(repo)
        recover(repo)
        if resolve(repo.git, ref) != head:
            raise LostRace([ref])
        place = CheckedOut(repo.git, ref, head)
        move_along(repo, place, new, lambda: move_branch(repo, ref, new, head, "sync"))
    fetched = (*done.fetched, *list_subjects(repo.git, tip, "--not", head))
    return done._replace(fetched=fetched, reapplied=_chain(done.reapplied, carried)), new


def _chain(before: tuple[Carried, ...], now: list[Carried]) -> tuple[Carried, ...]:
    """What was carried twice, as one step."""
    latest = {c.old: c for c in now}
    again = [c._replace(new=latest.pop(c.new).new) if c.new in latest else c for c in before]
    return (*again, *latest.values())


def _refuse_operation(repo: Repository) -> None:
    for name, doing in (
        ("MERGE_HEAD", "merge"),
        ("CHERRY_PICK_HEAD", "cherry-pick"),
        ("REVERT_HEAD", "revert"),
    ):
        if (repo.git_dir / name).exists():
            raise Refusal(
                f"a {doing} is in progress",
                code="operation-in-progress",
                hint="finish it first: git status says how",
            )


def _find_other(repo: Repository, *revisions: str) -> str | None:
    """A file outside of ``tasks/`` that these commits change."""
    names = repo.git.call("log", "--format=", "--name-only", "-z", "-m", *revisions, "--")
    found = (n for n in names.decode("utf-8", "surrogateescape").replace("\n", "").split("\0") if n)
    return next((n for n in found if not n.startswith(f"{TASKS}/")), None)
