"""The forge where there is none: reviews on bare Git, with ``baton review`` and ``baton accept``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gitbaton.errors import LostRace, Refusal
from gitbaton.ports import RefUpdate, Review
from gitbaton.store.git import is_ancestor, resolve
from gitbaton.store.merging import bring_checkout_along, find_checkout, make_merge, refuse_dirty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.store.refs import LocalRefs, RemoteRefs
    from gitbaton.store.repository import Repository


class LocalForge:
    """Reviews of branches in a repository with a bare remote, or with none."""

    kind: Literal["github", "local"] = "local"

    def __init__(self, repo: Repository, refs: LocalRefs | RemoteRefs) -> None:
        self._repo = repo
        self._refs = refs

    def find_review(self, head: str) -> Review | None:
        """See ``ports.Forge``. A branch that base contains is merged."""
        base = self._repo.refreshed().base
        tip = self._refs.fetch_branch(head)
        if tip is None:
            return None
        merged = base.commit is not None and is_ancestor(self._repo.git, tip, base.commit)
        return Review(
            head, base.branch, "merged" if merged else "open", merge_commit=base.commit if merged else None
        )

    def publish_review(self, head: str, base: str, title: str, body: str) -> Review:  # noqa: ARG002 the interface's
        """See ``ports.Forge``. The pushed branch is the review; its text stands in the handoff."""
        return Review(head, base, "open")

    def comment(self, review: Review, body: str) -> None:
        """See ``ports.Forge``. Guidance stands in the live state; there is nowhere else to say it."""

    def merge(
        self, review: Review, *, head_oid: str, title: str, record: Callable[[str, Sequence[RefUpdate]], None]
    ) -> str:
        """See ``ports.Forge``. A base branch that is checked out here goes along, if its files allow."""
        repo = self._repo.refreshed()
        ref = f"refs/heads/{repo.base.branch}"
        if self._refs.fetch_branch(review.head) != head_oid:
            raise LostRace(
                [f"refs/heads/{review.head}"],
                message=f"the branch {review.head} has moved since it was published",
                hint="look again: baton review, then baton accept",
            )
        base = self._refs.read(ref).get(ref)
        if base is None:
            raise Refusal(
                f"the base branch {repo.base.branch} has no commit",
                code="no-base",
                hint=f"push {repo.base.branch} first",
            )
        merge = make_merge(repo, base, head_oid, f"Merge {review.head}: {title}")
        place = find_checkout(repo)
        follows = (
            place is not None
            and place.commit is not None
            and is_ancestor(repo.git, place.commit, merge.commit)
        )
        if place and follows:
            refuse_dirty(place, merge.commit)
        record(merge.commit, [RefUpdate(ref, merge.commit, base)] if merge.commit != base else [])
        if place and follows and place.commit != merge.commit:
            if repo.remote:
                repo.git.call(
                    "update-ref", "-m", f"baton: accept {review.head}", ref, merge.commit, place.commit or ""
                )
            bring_checkout_along(place, merge.commit)
        elif (
            repo.remote
            and place is None
            and (mine := resolve(repo.git, ref))
            and is_ancestor(repo.git, mine, merge.commit)
        ):
            repo.git.call("update-ref", "-m", f"baton: accept {review.head}", ref, merge.commit, mine)
        return merge.commit

    def close(self, review: Review) -> None:
        """See ``ports.Forge``. Closing is an event of the live state alone."""
