"""What decisions are made from and written to: the documents on base, and the live states with their history.

Together with ``ports.Refs`` this is all that claiming, and everything else that moves a live state, asks of the
world. It is an interface because the protocol is also driven without git, by a simulation of a large fleet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip, Tips
    from gitbaton.store.repository import Repository
    from gitbaton.store.snapshots import Contents


class Ledger(Protocol):
    """Everything as of the last fetch."""

    def read_contents(self, repo: Repository) -> Contents:
        """The documents at ``repo.base.commit``."""

    def read_tips(self, repo: Repository, task: str = "") -> Tips:
        """The state tips of all tasks, or of ``task``."""

    def read_before_claim(self, repo: Repository, tip: Tip) -> State | None:
        """The state before whoever holds the task now claimed it; None when there was none."""

    def has_event(self, repo: Repository, tip: Tip, event_id: str) -> bool:
        """Whether an event with this id stands anywhere in the history of ``tip``."""

    def write_state(self, repo: Repository, state: State, parent: str | None) -> str:
        """Store ``state`` on top of ``parent`` and return its object id; no ref moves."""

    def contains(self, repo: Repository, newer: str, older: str) -> bool:
        """Whether ``older`` is ``newer`` or an ancestor of it; False when either is unknown here."""


class GitLedger:
    """The ledger in a git repository."""

    def read_contents(self, repo: Repository) -> Contents:
        """See ``Ledger``."""
        from gitbaton.store.snapshots import read_contents, read_revision

        return read_contents(repo, read_revision(repo, repo.base.commit))

    def read_tips(self, repo: Repository, task: str = "") -> Tips:
        """See ``Ledger``."""
        from gitbaton.store.live import read_tips

        return read_tips(repo, task)

    def read_before_claim(self, repo: Repository, tip: Tip) -> State | None:
        """See ``Ledger``."""
        from gitbaton.store.live import read_before_claim

        return read_before_claim(repo, tip)

    def has_event(self, repo: Repository, tip: Tip, event_id: str) -> bool:
        """See ``Ledger``."""
        from gitbaton.store.live import has_event

        return has_event(repo, tip, event_id)

    def write_state(self, repo: Repository, state: State, parent: str | None) -> str:
        """See ``Ledger``."""
        from gitbaton.store.live import write_state

        return write_state(repo, state, parent)

    def contains(self, repo: Repository, newer: str, older: str) -> bool:
        """See ``Ledger``."""
        from gitbaton.store.git import is_ancestor

        return is_ancestor(repo.git, older, newer)


#: It holds nothing, so one serves all.
GIT_LEDGER = GitLedger()
