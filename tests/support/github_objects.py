"""What a repository of the GitHub fake is made of, and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class ApiError(Exception):
    """An answer that is not a success. ``errors`` is GitHub's list of details."""

    def __init__(self, status: int, message: str, errors: Sequence[Any] = ()) -> None:
        super().__init__(f"{status} {message} {errors}")
        self.status = status
        self.message = message
        self.errors = list(errors)


def invalid(resource: str, code: str, *, field_name: str = "", message: str = "") -> ApiError:
    """The 422 of a request that GitHub understood but won't do."""
    detail = {"resource": resource, "code": code}
    if field_name:
        detail["field"] = field_name
    if message:
        detail["message"] = message
    return ApiError(422, "Validation Failed", [detail])


@dataclass
class Comment:
    """A comment on a pull request; on ``line`` of ``path``, where it has one."""

    id: int
    author: str
    body: str
    created_at: str
    path: str | None = None
    line: int | None = None


@dataclass
class PullReview:
    id: int
    author: str
    state: str
    body: str
    commit: str
    submitted_at: str


@dataclass
class Pull:
    """A pull request. ``head_oid`` and ``base_oid`` are frozen once it is no longer open. ``fork`` is the
    full name of the repository that it claims to come from, if that is not this one.
    """

    number: int
    head: str
    base: str
    title: str
    body: str | None
    author: str
    created_at: str
    head_oid: str
    base_oid: str
    draft: bool = False
    fork: str | None = None
    state: str = "open"
    updated_at: str = ""
    closed_at: str | None = None
    merged_at: str | None = None
    merged_by: str | None = None
    merge_commit: str | None = None
    comments: list[Comment] = field(default_factory=list)
    line_comments: list[Comment] = field(default_factory=list)
    reviews: list[PullReview] = field(default_factory=list)


@dataclass(frozen=True)
class Dispatch:
    """A ``workflow_dispatch`` event that somebody caused."""

    workflow: str
    ref: str
    inputs: dict[str, str]
