"""The operations of GitHub's REST API that the fake answers: one function each, and the table of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlencode

from support.github_objects import ApiError, Pull
from support.github_payloads import (
    Links,
    render_branch,
    render_comment,
    render_full_pull,
    render_line_comment,
    render_pull,
    render_ref,
    render_repository,
    render_review,
)
from support.github_runs import render_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from support.github_repository import HostedRepository

LEVELS = {"none": 0, "read": 1, "write": 2}


@dataclass(frozen=True)
class Token:
    """Who a token speaks for and what it may do. ``is_workflow``: it is the ``GITHUB_TOKEN`` of a job.
    ``repositories``: full names it may see; None = all.
    """

    login: str
    permissions: Mapping[str, str]
    is_workflow: bool = False
    repositories: frozenset[str] | None = None

    def may(self, permission: str, level: str) -> bool:
        return LEVELS[self.permissions.get(permission, "none")] >= LEVELS[level]

    def sees(self, hosted: HostedRepository) -> bool:
        return self.repositories is None or hosted.full_name in self.repositories


class Answer(NamedTuple):
    """Status, JSON value (None = no body) and headers."""

    status: int
    value: Any = None
    headers: Mapping[str, str] = {}


@dataclass
class Call:
    """One API request, addressed and authorised."""

    hosted: HostedRepository
    token: Token
    links: Links
    values: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any]
    url: str

    @property
    def pull(self) -> Pull:
        number = self.values.get("pull_number") or self.values["issue_number"]
        return self.hosted.get_pull(int(number)) if number.isdigit() else self.hosted.get_pull(-1)

    def page(self, items: Iterable[Any]) -> Answer:
        """One page of ``items`` with the ``Link`` header that leads to the next."""
        found = list(items)
        size, page = int(self.query.get("per_page", 30)), int(self.query.get("page", 1))
        links = {}
        if page * size < len(found):
            following = urlencode({**self.query, "page": page + 1})
            links["Link"] = f'<{self.url}?{following}>; rel="next"'
        return Answer(200, found[(page - 1) * size : page * size], links)


class Route(NamedTuple):
    """An operation: how it is called, which permission it wants, what it does."""

    method: str
    template: str
    permission: str
    level: str
    act: Callable[[Call], Answer]

    @property
    def pattern(self) -> re.Pattern[str]:
        # A branch or a ref may contain slashes; nothing else may.
        return re.compile(re.sub(r"\{(\w+)\}", self._group, self.template) + r"\Z")

    @staticmethod
    def _group(found: re.Match[str]) -> str:
        name = found.group(1)
        return f"(?P<{name}>.+)" if name in {"ref", "branch"} else f"(?P<{name}>[^/]+)"


def get_repository(call: Call) -> Answer:
    return Answer(200, render_repository(call.links, call.hosted))


def get_branch(call: Call) -> Answer:
    oid = call.hosted.find_branch(call.values["branch"])
    if oid is None:
        raise ApiError(404, "Branch not found")
    return Answer(200, render_branch(call.links, call.hosted, call.values["branch"], oid))


def get_ref(call: Call) -> Answer:
    ref = "refs/" + call.values["ref"]
    oid = call.hosted.find_oid(ref)
    if oid is None:
        raise ApiError(404, "Not Found")
    return Answer(200, render_ref(call.links, call.hosted, ref, oid))


def list_pulls(call: Call) -> Answer:
    call.hosted.settle()
    state, base, head = call.query.get("state", "open"), call.query.get("base"), call.query.get("head", "")
    found = [
        pull
        for pull in call.hosted.pulls.values()
        if state in {"all", pull.state}
        and base in {None, pull.base}
        # GitHub ignores a head filter that does not name the owner, and answers with everything.
        and (":" not in head or head == f"{call.hosted.owner}:{pull.head}" or not call.hosted.filters_by_head)
    ]
    by = "updated_at" if call.query.get("sort") == "updated" else "created_at"
    newest_first = call.query.get("direction", "asc" if "sort" in call.query else "desc") == "desc"
    found.sort(key=lambda pull: str(getattr(pull, by)), reverse=newest_first)
    return call.page(render_pull(call.links, call.hosted, pull) for pull in found)


def create_pull(call: Call) -> Answer:
    if call.token.is_workflow and not call.hosted.actions_may_open_pulls:
        raise ApiError(403, "GitHub Actions is not permitted to create or approve pull requests.")
    return Answer(201, _full(call, call.hosted.open_pull(call.token.login, call.body)))


def get_pull(call: Call) -> Answer:
    return Answer(200, _full(call, call.pull))


def update_pull(call: Call) -> Answer:
    pull = call.pull
    call.hosted.edit_pull(pull, call.body)
    return Answer(200, _full(call, pull))


def merge_pull(call: Call) -> Answer:
    oid = call.hosted.merge_pull(call.pull, call.token.login, call.body)
    return Answer(200, {"sha": oid, "merged": True, "message": "Pull Request successfully merged"})


def list_reviews(call: Call) -> Answer:
    pull = call.pull
    return call.page(render_review(call.links, call.hosted, pull, review) for review in pull.reviews)


def create_review(call: Call) -> Answer:
    pull = call.pull
    review = call.hosted.add_review(pull, call.token.login, call.body)
    return Answer(200, render_review(call.links, call.hosted, pull, review))


def list_comments(call: Call) -> Answer:
    pull = call.pull
    return call.page(render_comment(call.links, call.hosted, pull, comment) for comment in pull.comments)


def list_line_comments(call: Call) -> Answer:
    pull = call.pull
    return call.page(render_line_comment(call.links, call.hosted, pull, c) for c in pull.line_comments)


def create_comment(call: Call) -> Answer:
    pull = call.pull
    comment = call.hosted.add_comment(pull, call.token.login, call.body.get("body", ""))
    return Answer(201, render_comment(call.links, call.hosted, pull, comment))


def dispatch_workflow(call: Call) -> Answer:
    call.hosted.dispatch(call.values["workflow_id"], call.body)
    return Answer(204)


def get_workflow_run(call: Call) -> Answer:
    number = call.values["run_id"]
    run = call.hosted.runs.get(int(number)) if number.isdigit() else None
    if run is None:
        raise ApiError(404, "Not Found")
    return Answer(200, render_run(call.links, call.hosted, int(number), run))


def _full(call: Call, pull: Pull) -> dict[str, Any]:
    return render_full_pull(call.links, call.hosted, pull)


REPO = "/repos/{owner}/{repo}"
PULL = REPO + "/pulls/{pull_number}"
COMMENTS = REPO + "/issues/{issue_number}/comments"
ROUTES = (
    Route("GET", REPO, "metadata", "read", get_repository),
    Route("GET", REPO + "/branches/{branch}", "contents", "read", get_branch),
    Route("GET", REPO + "/git/ref/{ref}", "contents", "read", get_ref),
    Route("GET", REPO + "/pulls", "pull_requests", "read", list_pulls),
    Route("POST", REPO + "/pulls", "pull_requests", "write", create_pull),
    Route("GET", PULL, "pull_requests", "read", get_pull),
    Route("PATCH", PULL, "pull_requests", "write", update_pull),
    Route("PUT", PULL + "/merge", "contents", "write", merge_pull),
    Route("GET", PULL + "/reviews", "pull_requests", "read", list_reviews),
    Route("POST", PULL + "/reviews", "pull_requests", "write", create_review),
    Route("GET", PULL + "/comments", "pull_requests", "read", list_line_comments),
    Route("GET", COMMENTS, "pull_requests", "read", list_comments),
    Route("POST", COMMENTS, "pull_requests", "write", create_comment),
    Route("GET", REPO + "/actions/runs/{run_id}", "actions", "read", get_workflow_run),
    Route(
        "POST", REPO + "/actions/workflows/{workflow_id}/dispatches", "actions", "write", dispatch_workflow
    ),
)


def find_route(method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    """The operation behind a path (without prefix), and what stands in the template's braces."""
    for route in ROUTES:
        if route.method == method and (found := route.pattern.match(path)):
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return None, {}
