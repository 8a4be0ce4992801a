"""Where an edit of documents is to go."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Delivery(NamedTuple):
    """The branch checked out here, the base branch, or a proposal for review. ``push`` is for ``here`` alone (None =
    as the config says): a remote's base branch and proposals are pushed, or nobody would see them.
    """

    where: Literal["here", "base", "proposal"] = "here"
    push: bool | None = None


HERE = Delivery()
