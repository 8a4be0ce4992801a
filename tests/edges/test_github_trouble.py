"""What can go wrong between us and GitHub, and who is told to do what about it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gitbaton.edges.github import GitHubForge
from gitbaton.errors import Refusal, TryAgain, Unreachable
from support.github_fake import api_fault, primary_rate_limit, secondary_rate_limit
from support.github_story import HEAD, TITLE, Story, open_story
from support.loopback import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as running:
        yield running


def test_bad_token(story: Story) -> None:
    with pytest.raises(Refusal, match="Bad credentials") as error:
        story.forge("ghs_unknown").find_review(HEAD)
    assert (error.value.code, error.value.hint) == (
        "forge-auth",
        "the token is wrong or has expired: set GITHUB_TOKEN to a valid one",
    )


def test_missing_permission_is_named(story: Story) -> None:
    story.push_work("one\n")
    token = story.hub.issue_token("github-actions[bot]", {"pull_requests": "read"}, is_workflow=True)
    with pytest.raises(Refusal, match="Resource not accessible by integration") as error:
        story.forge(token).publish_review(HEAD, "main", TITLE, "Words.")
    assert error.value.code == "forge-permission"
    assert "pull-requests: write" in (error.value.hint or "")


def test_missing_permission_to_merge_is_named(story: Story) -> None:
    head = story.push_work("one\n")
    review = story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    token = story.hub.issue_token("rita", {"contents": "read"})
    with pytest.raises(Refusal) as error:
        story.forge(token).merge(review, head_oid=head, title=TITLE, record=story.record)
    assert "contents: write" in (error.value.hint or "")


def test_actions_may_not_open_pull_requests(story: Story) -> None:
    story.push_work("one\n")
    story.hosted.actions_may_open_pulls = False
    token = story.hub.issue_token("github-actions[bot]", is_workflow=True)
    with pytest.raises(Refusal) as error:
        story.forge(token).publish_review(HEAD, "main", TITLE, "Words.")
    assert error.value.code == "forge-setting"
    assert "Allow GitHub Actions to create and approve pull requests" in (error.value.hint or "")


def test_unknown_or_hidden_repository(story: Story) -> None:
    token = story.hub.issue_token("rita", repositories=["octo/other"])
    with pytest.raises(Refusal) as error:
        story.forge(token).find_review(HEAD)
    assert error.value.code == "forge-not-found"
    assert "octo/project" in (error.value.hint or "")


def test_archived_repository(story: Story) -> None:
    story.push_work("one\n")
    story.hosted.is_archived = True
    with pytest.raises(Refusal, match="archived") as error:
        story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    assert error.value.code == "forge-archived"


def test_primary_rate_limit_says_how_long(story: Story) -> None:
    story.hub.inject(primary_rate_limit(reset=10_000_000_000))
    with pytest.raises(TryAgain) as error:
        story.forge().find_review(HEAD)
    assert error.value.code == "rate-limited"
    assert isinstance(wait_s := error.value.data["retry_after_s"], int)
    assert wait_s > 8_000_000_000
    assert story.requests("GET") == 1, "a limit is not answered with more requests"


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_rate_limit(story: Story, status: int) -> None:
    story.hub.inject(secondary_rate_limit(30, status=status))
    with pytest.raises(TryAgain) as error:
        story.forge().find_review(HEAD)
    assert (error.value.code, error.value.data) == ("rate-limited", {"retry_after_s": 30})


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_reads_survive_two_server_errors(story: Story, status: int) -> None:
    story.hub.inject(api_fault(status, "Server Error", "GET", times=2))
    assert story.forge().find_review(HEAD) is None


def test_reads_survive_two_dropped_connections(story: Story) -> None:
    story.hub.inject(Fault("GET", times=2))
    assert story.forge().find_review(HEAD) is None


def test_a_server_that_stays_broken(story: Story) -> None:
    story.hub.inject(Fault("GET", status=502, body=b"<html>Unicorn!</html>", times=9))
    with pytest.raises(Unreachable, match="status 502"):
        story.forge().find_review(HEAD)
    assert story.requests("GET") == 3


def test_writes_are_never_repeated(story: Story) -> None:
    story.push_work("one\n")
    story.hub.inject(api_fault(503, "Service unavailable", "POST", times=9))
    with pytest.raises(Unreachable, match="status 503"):
        story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    assert story.requests("POST") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_that_never_answers(story: Story, method: str) -> None:
    story.push_work("one\n")
    gate = threading.Event()
    story.hub.inject(Fault(method, hold=gate, times=9))
    with pytest.raises(Unreachable, match="did not answer in time"):
        story.forge(timeout_s=1).publish_review(HEAD, "main", TITLE, "Words.")
    gate.set()


def test_nobody_listens() -> None:
    forge = GitHubForge("octo/project", "t", api_url="http://127.0.0.1:9", backoff_s=0)
    with pytest.raises(Unreachable, match="could not be reached") as error:
        forge.find_review(HEAD)
    assert error.value.code == "forge-unreachable"


def test_a_certificate_that_nobody_trusts(story: Story) -> None:
    secure = story.hub.api_url.replace("http:", "https:")
    forge = GitHubForge("octo/project", "t", api_url=secure, backoff_s=0)
    with pytest.raises(Unreachable, match="certificate"):
        forge.find_review(HEAD)


def test_an_address_that_is_not_githubs(story: Story) -> None:
    story.hub.inject(Fault("GET", status=200, body=b"<html>Please log in to the hotel</html>", times=9))
    with pytest.raises(Refusal, match="does not answer as GitHub's API does") as error:
        story.forge().find_review(HEAD)
    assert error.value.code == "forge-address"


@pytest.mark.parametrize("address", ["", "api.github.com", "ftp://api.github.com"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(Refusal, match="no address") as error:
        GitHubForge("octo/project", "t", api_url=address)
    assert error.value.code == "forge-address"


@pytest.mark.parametrize("token", ["", "ghs_a\n", "ghs a", "ghs_\u00e9"])
def test_a_token_that_can_not_be_one(token: str) -> None:
    with pytest.raises(Refusal) as error:
        GitHubForge("octo/project", token)
    assert error.value.code == "forge-auth"
    assert not token or token not in f"{error.value} {error.value.hint}"


def test_the_token_shows_nowhere(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="github.Requester")
    token = story.hub.issue_token("octo")
    forge = story.forge(token)
    forge.find_review(HEAD)
    with pytest.raises(Refusal) as error:
        forge.publish_review(HEAD, "main", TITLE, "Words.")
    assert token not in repr(forge)
    assert token not in f"{error.value!r} {error.value.hint} {error.value.__cause__!r}"
    assert "GET http" in caplog.text
    assert token not in caplog.text


def test_disconnecting_ends_the_connections(story: Story) -> None:
    forge = story.forge()
    forge.find_review(HEAD)
    forge.disconnect()
    assert forge.find_review(HEAD) is None
