"""GitHub's refusals as a table: what comes in, who can act on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.edges.github_failures import Failure, find_wait_s, parse_failure, read_failure
from gitbaton.errors import BatonError, Refusal, TryAgain, Unreachable


def read(status: int, message: str = "", **headers: str) -> BatonError:
    lowered = {name.replace("_", "-"): value for name, value in headers.items()}
    failure = Failure(status, message, (), lowered)
    return read_failure(failure, doing="merge it", repository="octo/project", needs="contents: write")


@pytest.mark.parametrize(
    ("error", "kind", "code", "hint"),
    [
        (read(401, "Bad credentials"), Refusal, "forge-auth", "expired"),
        (read(403, "Resource not accessible by integration"), Refusal, "forge-permission", "contents: write"),
        (
            read(403, "Resource not accessible", x_accepted_github_permissions="pull_requests=write"),
            Refusal,
            "forge-permission",
            "permission pull-requests: write;",
        ),
        (
            read(403, "x", x_accepted_github_permissions="contents=write,workflows=write; issues=read"),
            Refusal,
            "forge-permission",
            "permission contents: write and workflows: write or issues: read;",
        ),
        (
            read(403, "GitHub Actions is not permitted to create or approve pull requests."),
            Refusal,
            "forge-setting",
            "Workflow permissions",
        ),
        (
            read(
                403,
                "Resource protected by organization SAML",
                x_github_sso="required; url=https://g.example/sso",
            ),
            Refusal,
            "forge-auth",
            "https://g.example/sso",
        ),
        (read(403, "Repository was archived so is read-only."), Refusal, "forge-archived", "unarchive"),
        (read(404, "Not Found"), Refusal, "forge-not-found", "octo/project"),
        (read(422, "Validation Failed"), Refusal, "forge-refused", "change what GitHub names"),
        (read(451, "Repository access blocked"), Refusal, "forge-refused", "change"),
        (read(403, "API rate limit exceeded for user ID 1."), TryAgain, "rate-limited", "60 s"),
        (
            read(403, "You have exceeded a secondary rate limit", retry_after="7"),
            TryAgain,
            "rate-limited",
            "7 s",
        ),
        (read(429, "anything", retry_after="3"), TryAgain, "rate-limited", "in 3 s"),
        (read(500, "Server Error"), Unreachable, "forge-unreachable", "try again"),
        (read(503), Unreachable, "forge-unreachable", "try again"),
    ],
)
def test_who_can_act(error: BatonError, kind: type[BatonError], code: str, hint: str) -> None:
    assert (type(error), error.code) == (kind, code)
    assert hint in (error.hint or "")
    assert "could not merge it" in error.message


def test_the_hourly_limit_is_read_by_the_servers_clock() -> None:
    headers = {
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": "1704067500",
        "date": "Mon, 01 Jan 2024 00:00:00 GMT",
    }
    assert find_wait_s(Failure(403, "", (), headers)) == 301
    assert find_wait_s(Failure(403, "", (), {**headers, "date": "Mon, 01 Jan 2024 09:00:00 GMT"})) == 1
    assert find_wait_s(Failure(403, "", (), {**headers, "date": "soon"})) == 60
    assert find_wait_s(Failure(403, "", (), {**headers, "retry-after": "5"})) == 5
    assert find_wait_s(Failure(403, "", (), {**headers, "x-ratelimit-remaining": "3"})) == 60


def test_details_are_worded() -> None:
    data = {
        "message": "Validation Failed",
        "errors": [
            {"resource": "PullRequest", "field": "head", "code": "invalid"},
            {"resource": "PullRequest", "code": "custom", "message": "No commits between\nmain and x"},
            "Can not approve your own pull request",
        ],
    }
    failure = parse_failure(422, data, {"X-GitHub-Request-Id": "1"})
    assert failure.words == (
        "Validation Failed: head: invalid; No commits between main and x; "
        "Can not approve your own pull request"
    )
    assert failure.headers == {"x-github-request-id": "1"}
    assert failure.says("no commits between")


@pytest.mark.parametrize("data", [None, "<html>", [], {"data": "<html>"}, {"message": 3, "errors": "x"}])
def test_a_proxy_may_answer_anything(data: object) -> None:
    assert parse_failure(418, data, None).words == "status 418"


@given(
    status=st.integers(400, 599),
    data=st.recursive(
        st.one_of(st.none(), st.integers(), st.text()),
        lambda inner: st.one_of(
            st.lists(inner), st.dictionaries(st.sampled_from(["message", "errors", "code", "field"]), inner)
        ),
    ),
    headers=st.dictionaries(
        st.sampled_from(
            ["Date", "Retry-After", "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-GitHub-SSO"]
        ),
        st.text(max_size=12),
    ),
)
def test_every_answer_becomes_an_error_with_a_hint(
    status: int, data: object, headers: dict[str, str]
) -> None:
    failure = parse_failure(status, data, headers)
    error = read_failure(failure, doing="ask", repository="octo/project", needs="contents: read")
    assert error.code
    assert error.hint
    assert "\n" not in error.message
