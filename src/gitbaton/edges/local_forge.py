"""The forge where there is none: reviews on bare Git, with ``baton review`` and ``baton accept``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gitbaton.errors import BatonError, LostRace, Refusal
from gitbaton.ports import RefUpdate, Review
from gitbaton.store.edits import queue_writers
from gitbaton.store.git import is_ancestor, resolve
from gitbaton.store.merging import Following, Merge, find_checkout, make_merge, move_along, refuse_dirty

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.domain.workflow_run import WorkflowRun
    from gitbaton.ports import Refs, Remark
    from gitbaton.store.repository import Repository

_TRIES = 5


class LocalForge:
    """Reviews of branches in a repository with a bare remote, or with none."""

    kind: Literal["github", "local"] = "local"

    def __init__(self, repo: Repository, refs: Refs) -> None:
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

    def list_verdicts(self, review: Review) -> Sequence[Remark]:  # noqa: ARG002 the interface's
        """See ``ports.Forge``. A verdict is ``baton accept`` or ``baton reject``, and stands in the live state."""
        return ()

    def list_comments(self, review: Review) -> Sequence[Remark]:  # noqa: ARG002 the interface's
        """See ``ports.Forge``."""
        return ()

    def merge(
        self, review: Review, *, head_oid: str, title: str, record: Callable[[str, Sequence[RefUpdate]], None]
    ) -> str:
        """See ``ports.Forge``. A base branch that is checked out here goes along, if its files allow; one that
        moves meanwhile is merged with anew.
        """
        tip = self._refs.fetch_branch(review.head)
        if tip not in (head_oid, None):  # a deleted branch loses nothing: the commit is here
            raise Refusal(
                f"the branch {review.head} has moved since its work was published",
                code="branch-moved",
                hint=f"to take it as it is now: git merge {tip[:12] if tip else ''}, push, then baton sync; "
                f"to take what was published: git push --force {self._repo.remote or '.'} {head_oid[:12]}:refs/heads/{review.head}",
                data={"published": head_oid, "now": tip},
            )
        for _ in range(_TRIES):
            repo = self._repo.refreshed()
            ref = f"refs/heads/{repo.base.branch}"
            try:
                base = self._refs.read(ref).get(ref)
                if base is None:
                    raise Refusal(
                        f"the base branch {repo.base.branch} has no commit",
                        code="no-base",
                        hint=f"push {repo.base.branch} first",
                    )
                merge = make_merge(repo, base, head_oid, f"Merge {review.head}: {title}")
                move = [RefUpdate(ref, merge.commit, base)] if merge.commit != base else []
                if repo.remote:
                    self._merge_remotely(repo, merge, lambda m=merge, u=move: record(m.commit, u))  # type: ignore[misc] # mypy can't infer a lambda's default
                else:
                    self._merge_here(repo, merge, lambda m=merge, u=move: record(m.commit, u))  # type: ignore[misc] # as above
            except LostRace as lost:
                if lost.data["refs"] != [ref]:
                    raise
                self._refs.fetch()  # somebody pushed to base: their work and this one go together anew
                continue
            return merge.commit
        raise LostRace([f"refs/heads/{self._repo.base.branch}"])

    def _merge_here(self, repo: Repository, merge: Merge, publish: Callable[[], None]) -> None:
        """Without a remote the branch that moves may be the one checked out."""
        with queue_writers(repo):
            place = find_checkout(repo)
            if place is None or merge.commit == merge.base:
                publish()
                return
            if place.commit != merge.base:
                raise LostRace([place.ref])
            move_along(repo, place, merge.commit, publish)

    def _merge_remotely(self, repo: Repository, merge: Merge, publish: Callable[[], None]) -> None:
        """The remote's branch moves; the local one follows where it only lags behind."""
        place = find_checkout(repo)
        if place and place.commit and is_ancestor(repo.git, place.commit, merge.commit):
            refuse_dirty(place, merge.commit)
        publish()
        with queue_writers(repo):
            place = find_checkout(repo)
            ref = f"refs/heads/{repo.base.branch}"
            old = place.commit if place else resolve(repo.git, ref)
            if old is None or old == merge.commit or not is_ancestor(repo.git, old, merge.commit):
                return
            following = Following(repo, place, merge.commit) if place else None
            try:
                if place and following:
                    refuse_dirty(place, merge.commit)
                    following.announce()
                moved = repo.git.run("update-ref", "-m", "baton: accept", ref, merge.commit, old).code == 0
                if following and not moved:
                    following.give_up()
            except BatonError:
                return  # a person began to change these files: it is merged, and they pull when they are ready
            if following and moved:
                following.arrive()

    def close(self, review: Review) -> None:
        """See ``ports.Forge``. Closing is an event of the live state alone."""

    def has_run_ended(self, run: WorkflowRun) -> bool | None:  # noqa: ARG002 the interface's
        """See ``ports.Forge``. Bare Git runs no workflows and knows nobody who does."""
        return None
