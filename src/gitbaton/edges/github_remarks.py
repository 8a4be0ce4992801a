"""What people write at a pull request, as values. Whoever has an account may write at a public repository's pull
requests, so each remark says whether its author belongs to the repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gitbaton.ports import Remark

if TYPE_CHECKING:
    from datetime import datetime

    from github.IssueComment import IssueComment  # noqa: TID251 - for types only
    from github.NamedUser import NamedUser  # noqa: TID251 - for types only
    from github.Organization import Organization  # noqa: TID251 - for types only
    from github.PullRequestComment import PullRequestComment  # noqa: TID251 - for types only
    from github.PullRequestReview import PullRequestReview  # noqa: TID251 - for types only

#: Put into our own comments, where nobody sees it: they are no words of a reviewer.
OUR_MARK = "<!-- gitbaton -->"
#: https://docs.github.com/en/graphql/reference/enums#commentauthorassociation: those who were given access.
_INSIDE = ("OWNER", "MEMBER", "COLLABORATOR")
_VERDICTS: dict[str, Literal["changes_requested", "approved"]] = {
    "CHANGES_REQUESTED": "changes_requested",
    "APPROVED": "approved",
}


def read_review(review: PullRequestReview) -> Remark:
    """A review as a whole. One that only comments has no verdict."""
    return Remark(
        str(review.id),
        by=_name(review.user),
        at=_time(review.submitted_at),
        text=review.body or "",
        trusted=_is_trusted(review.user, review.author_association, review.body),
        verdict=_VERDICTS.get(review.state),
    )


def read_comment(comment: IssueComment | PullRequestComment) -> Remark:
    """A comment on the pull request, or on a line of it."""
    path: str | None = getattr(comment, "path", None)
    line = getattr(comment, "line", None) or getattr(comment, "original_line", None)
    return Remark(
        str(comment.id),
        by=_name(comment.user),
        at=_time(comment.created_at),
        text=comment.body or "",
        trusted=_is_trusted(comment.user, comment.author_association, comment.body),
        place=f"{path}:{line}" if path and line else path,
    )


def _name(user: NamedUser | Organization | None) -> str:
    return user.login if user else "ghost"  # as GitHub shows those whose account is gone


def _time(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _is_trusted(user: NamedUser | Organization | None, association: object, body: str | None) -> bool:
    ours = OUR_MARK in (body or "")
    return user is not None and user.type != "Bot" and association in _INSIDE and not ours
