"""Merging a task branch on bare Git, without a checkout, and bringing a checked-out base up to date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.failures import explain_failure
from gitbaton.store.git import Git, commit_tree, is_ancestor, resolve

if TYPE_CHECKING:
    from gitbaton.store.repository import Repository


class Merge(NamedTuple):
    """A merge commit that stands in the object store and moves nothing yet."""

    commit: str
    base: str


def make_merge(repo: Repository, base: str, head: str, message: str) -> Merge:
    """Merge commit ``head`` into commit ``base``. Raises ``Refusal``: ``merge-conflict`` with the files,
    ``no-identity``, ``unrelated`` (a shallow clone lacks the common history).
    """
    if is_ancestor(repo.git, head, base):
        return Merge(base, base)
    done = repo.git.run("merge-tree", "--write-tree", "--name-only", "-z", "--no-messages", base, head)
    if done.code == 1:
        names = [n.decode("utf-8", "replace") for n in done.out.split(b"\0")[1:] if n]
        raise Refusal(
            f"the branch conflicts with {repo.base.branch} in {', '.join(names[:8])}", code="merge-conflict",
            hint=f"merge {repo.base.branch} into the task branch by hand, push it, then accept again", data={"files": names},
        )  # fmt: skip
    if done.code:
        if "unrelated histories" in done.err or "not something we can merge" in done.err:
            raise Refusal(
                "the common history is missing here",
                code="unrelated",
                hint="git fetch --unshallow, then try again",
            )
        raise explain_failure(("merge-tree",), done)
    tree = done.out.split(b"\0", 1)[0].decode().strip()
    return Merge(commit_tree(repo.git, tree, [base, head], message, sign=True), base)


class CheckedOut(NamedTuple):
    """A worktree that has the base branch checked out, and the commit it is at."""

    git: Git
    commit: str | None


def find_checkout(repo: Repository) -> CheckedOut | None:
    """The worktree in which the base branch is checked out, if any."""
    ref = f"refs/heads/{repo.base.branch}"
    where: Path | None = None
    for line in repo.git.text("worktree", "list", "--porcelain").splitlines():
        key, _, value = line.partition(" ")
        if key == "worktree":
            where = Path(value)
        elif key == "branch" and value == ref and where and where.is_dir():
            return CheckedOut(Git(where), resolve(repo.git, ref))
    return None


def refuse_dirty(place: CheckedOut, target: str) -> None:
    """Raises ``Refusal`` (``dirty-files``) when going to ``target`` would touch files that have changes here."""
    names = [
        n
        for n in place.git.call("diff-tree", "-r", "-z", "--name-only", place.commit or target, target).split(
            b"\0"
        )
        if n
    ]
    dirty = set()
    fields = place.git.call("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames").split(
        b"\0"
    )
    for field in fields:
        if field:
            dirty.add(field[3:])
    hit = sorted(n.decode("utf-8", "replace") for n in names if n in dirty)
    if hit:
        raise Refusal(
            f"the checked-out base branch has your own changes in files of this work: {', '.join(hit[:8])}",
            code="dirty-files", hint="commit or stash them first", data={"files": hit},
        )  # fmt: skip


def bring_checkout_along(place: CheckedOut, target: str) -> None:
    """Index and files of a worktree whose branch moved from ``place.commit`` to ``target``; everything else
    there stays as it is.
    """
    if place.commit:
        place.git.call("read-tree", "-m", "-u", place.commit, target)
    else:
        place.git.call("read-tree", "-m", "-u", target)
