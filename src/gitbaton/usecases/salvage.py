"""Keeping what an attempt left that can't be published: it was cut off, or its merge is not resolved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.config import Author
from gitbaton.store.capture import bring_home, capture_tree, own_git
from gitbaton.store.git import Commit, commit_tree
from gitbaton.store.workplace import find_start, place_at

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.attempt import Finished
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project


def kept_ref(project: Project, claim: Claim) -> str:
    """The local ref for work of this attempt that could not be published."""
    return f"{project.repo.config.namespace}/kept/{claim.entry.row.id}/{claim.tip.state.attempt}"


def keep_unfinished(project: Project, claim: Claim, root: Path) -> str | None:
    """Keep what stands in the workplace at ``root`` under a local ref, and return its name; None when there is
    nothing that the start has not. It is not pushed: no guard has looked at it. Raises ``BatonError`` and ``OSError``
    where it can't be kept.
    """
    start = find_start(project.repo, root)
    if start is None:
        return None
    place = place_at(project.repo, root)
    tree = capture_tree(place, start).tree
    git = own_git(place)
    if tree == git.text("rev-parse", f"{start}^{{tree}}"):
        return None
    author = Author()
    message = (
        f"What attempt {claim.tip.state.attempt} at {claim.entry.row.id} left\n\nBaton-Run: {claim.run}\n"
    )
    commit = commit_tree(git, tree, [start], message, author=Commit(author.name, author.email))
    bring_home(project.repo, place, commit)
    ref = kept_ref(project, claim)
    project.repo.git.call("update-ref", ref, commit)
    return ref


def keep_unresolved(project: Project, done: Finished, head: str) -> str:
    """What the agent left of a merge that it did not resolve, as a commit that contains ``head``. No ref holds it yet."""
    author = done.around.settings.author
    number = done.claim.tip.state.attempt
    message = (
        f"Unresolved merge of attempt {number} at {done.claim.entry.row.id}\n\nBaton-Run: {done.claim.run}\n"
    )
    parents = [head, *done.joined.sides[1:]]
    work = commit_tree(
        own_git(done.place), done.tree, parents, message, author=Commit(author.name, author.email)
    )
    bring_home(project.repo, done.place, work)
    return work
