"""Stories with the real PyGithub against the stateful fake, whose every exchange is checked against
GitHub's own description.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import pytest

from gitbaton.domain.managed_text import find_managed_text
from gitbaton.edges.github import GitHubForge
from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain, Unreachable
from gitbaton.ports import RefUpdate, Review
from support.github_fake import (
    GitHubFake,
    api_fault,
    primary_rate_limit,
    secondary_rate_limit,
)
from support.hermetic_git import commit_files, git
from support.loopback import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from support.github_repository import HostedRepository

HEAD = "baton/add-login"
TITLE = "Add login"


class Story(NamedTuple):
    """A hosted repository with a first commit on main, and a checkout that may push."""

    hub: GitHubFake
    hosted: HostedRepository
    checkout: Path
    recorded: list[str]

    def forge(self, token: str = "", **options: int) -> GitHubForge:
        return GitHubForge(
            "octo/project",
            token or self.hub.issue_token("octo"),
            api_url=self.hub.api_url,
            backoff_s=0,
            **options,
        )

    def record(self, commit: str, updates: Sequence[RefUpdate]) -> None:
        assert not updates, "a server moves the base branch itself"
        self.recorded.append(commit)

    def push_work(self, text: str, branch: str = HEAD) -> str:
        """A commit on ``branch``, made from main if it is new; its id."""
        known = self.hosted.find_branch(branch)
        git(self.checkout, "fetch", "--quiet", "origin")
        git(self.checkout, "checkout", "--quiet", "-B", branch, known or "origin/main")
        oid = commit_files(self.checkout, {"login.txt": text}, "work")
        git(self.checkout, "push", "--quiet", "origin", branch)
        return oid

    def push_main(self, name: str, text: str) -> str:
        git(self.checkout, "fetch", "--quiet", "origin")
        git(self.checkout, "checkout", "--quiet", "-B", "main", "origin/main")
        oid = commit_files(self.checkout, {name: text}, "main moves")
        git(self.checkout, "push", "--quiet", "origin", "main")
        return oid

    def requests(self, method: str) -> int:
        return sum(seen.method == method for seen in self.hub.seen if "/repos/" in seen.target)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with GitHubFake(tmp_path / "hosted") as hub:
        hosted = hub.create("octo/project")
        checkout = tmp_path / "checkout"
        url = hub.clone_url("octo/project", hub.issue_token("octo"))
        git(tmp_path, "clone", "--quiet", url, str(checkout))
        commit_files(checkout, {"readme.md": "hello\n"}, "first")
        git(checkout, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        yield Story(hub, hosted, checkout, [])


def refusal_of(error: pytest.ExceptionInfo[BatonError]) -> tuple[str, str]:
    """Code and hint."""
    return error.value.code, error.value.hint or ""


# -- publishing -------------------------------------------------------------------------------------


def test_publish_opens_one_pull_request(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    assert forge.find_review(HEAD) is None

    review = forge.publish_review(HEAD, "main", TITLE, "What was done.")

    assert review == Review(
        HEAD, "main", "open", number=1, url=f"{story.hub.server_url}/octo/project/pull/1", merge_commit=None
    )
    assert forge.find_review(HEAD) == review
    pull = story.hosted.pulls[1]
    assert (pull.title, find_managed_text(pull.body)) == (TITLE, "What was done.")


def test_publish_again_changes_nothing_that_is_the_same(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    first = forge.publish_review(HEAD, "main", TITLE, "What was done.")
    again = story.forge().publish_review(HEAD, "main", TITLE, "What was done.")
    assert again == first
    assert story.requests("POST") == 1
    assert story.requests("PATCH") == 0


def test_publish_again_keeps_what_people_wrote(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    forge.publish_review(HEAD, "main", TITLE, "First try.")
    pull = story.hosted.pulls[1]
    pull.body = f"Please look at the tests.\r\n\r\n{pull.body}\r\n\r\n- [x] seen\r\n"

    forge.publish_review(HEAD, "main", "Add login, again", "Second try.")

    assert pull.title == "Add login, again"
    assert pull.body == (
        "Please look at the tests.\r\n\r\n"
        "<!-- baton:begin -->\nSecond try.\n<!-- baton:end -->"
        "\r\n\r\n- [x] seen\r\n"
    )
    assert story.requests("PATCH") == 1


def test_publish_sends_only_the_field_that_changed(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    forge.publish_review(HEAD, "main", TITLE, "Words.")
    pull = story.hosted.pulls[1]
    pull.body = None  # a person emptied it
    pull.title = "Renamed by a person"

    forge.publish_review(HEAD, "main", "Renamed by a person", "Words.")
    assert (pull.title, find_managed_text(pull.body)) == ("Renamed by a person", "Words.")


def test_publish_keeps_the_base_that_a_person_chose(story: Story) -> None:
    story.push_work("one\n")
    git(story.checkout, "push", "--quiet", "origin", "origin/main:refs/heads/next")
    forge = story.forge()
    forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hosted.pulls[1].base = "next"
    assert forge.publish_review(HEAD, "main", TITLE, "Words.").base == "next"
    assert len(story.hosted.pulls) == 1


def test_publish_prefers_the_pull_request_against_its_base(story: Story) -> None:
    story.push_work("one\n")
    git(story.checkout, "push", "--quiet", "origin", "origin/main:refs/heads/next")
    forge = story.forge()
    forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hosted.open_pull("octo", {"head": HEAD, "base": "next", "title": "By hand"})
    assert forge.publish_review(HEAD, "main", TITLE, "Words.").number == 1
    assert forge.publish_review(HEAD, "next", "By hand", "Words.").number == 2


def test_two_runners_publish_at_once(story: Story) -> None:
    """Both find nothing, one is told that it exists by now, and both end with the same pull request."""
    story.push_work("one\n")
    gate = threading.Event()
    slow, fast = story.forge(), story.forge()
    story.hub.inject(Fault("POST .*/pulls$", hold=gate))
    found: list[Review] = []
    other = threading.Thread(target=lambda: found.append(slow.publish_review(HEAD, "main", TITLE, "Words.")))
    other.start()
    while not story.requests("GET") >= 2:  # the slow one has looked and found none
        other.join(0.01)
    found.append(fast.publish_review(HEAD, "main", TITLE, "Words."))
    gate.set()
    other.join()
    assert [review.number for review in found] == [1, 1]
    assert [seen.status for seen in story.hub.seen if seen.method == "POST" and "/repos/" in seen.target] == [
        201,
        422,
    ]


def test_one_that_exists_and_is_not_listed(story: Story) -> None:
    story.push_work("one\n")
    story.hub.inject(api_fault(422, "A pull request already exists for octo:baton/add-login.", "POST"))
    with pytest.raises(Refusal, match="already exists") as error:
        story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    assert error.value.code == "forge-refused"


def test_nothing_to_review(story: Story) -> None:
    git(story.checkout, "push", "--quiet", "origin", f"HEAD:refs/heads/{HEAD}")
    with pytest.raises(Refusal, match="holds nothing that main has not") as error:
        story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    assert error.value.code == "no-difference"


def test_head_was_never_pushed(story: Story) -> None:
    with pytest.raises(Refusal, match="Validation Failed: head: invalid") as error:
        story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    assert error.value.code == "forge-refused"


def test_the_lost_answer_to_a_create_is_made_good_by_running_again(story: Story) -> None:
    story.push_work("one\n")
    story.hub.inject(Fault("POST .*/pulls$", after=True))
    with pytest.raises(Unreachable, match="could not be reached"):
        story.forge().publish_review(HEAD, "main", TITLE, "Words.")
    assert story.forge().publish_review(HEAD, "main", TITLE, "Words.").number == 1
    assert story.requests("POST") == 1


def test_long_texts_are_cut_to_what_github_takes(story: Story) -> None:
    story.push_work("one\n")
    story.forge().publish_review(HEAD, "main", "t" * 300, "b" * 70_000)
    pull = story.hosted.pulls[1]
    assert pull.body is not None
    assert (len(pull.title), len(pull.body)) == (256, 65_536)
    assert pull.body.endswith("… (cut)\n<!-- baton:end -->")


# -- finding ----------------------------------------------------------------------------------------


def test_find_the_newest_with_open_ones_first(story: Story) -> None:
    first = story.push_work("one\n")
    forge = story.forge()
    one = forge.publish_review(HEAD, "main", TITLE, "Words.")
    merged = forge.merge(one, head_oid=first, title=TITLE, record=story.record)
    assert forge.find_review(HEAD) == one._replace(state="merged", merge_commit=merged)

    story.push_work("two\n")
    two = forge.publish_review(HEAD, "main", TITLE, "Words.")
    assert two.number == 2
    forge.close(two)
    assert forge.find_review(HEAD) == two._replace(state="closed")

    three = forge.publish_review(HEAD, "main", TITLE, "Words.")
    assert forge.find_review(HEAD) == three
    story.hosted.edit_pull(story.hosted.pulls[3], {"state": "closed"})
    story.hosted.edit_pull(story.hosted.pulls[2], {"state": "open"})
    assert forge.find_review(HEAD) == two, "an open one before a newer closed one"


def test_another_branch_with_the_same_beginning_is_not_found(story: Story) -> None:
    story.push_work("one\n", HEAD + "-page")
    forge = story.forge()
    forge.publish_review(HEAD + "-page", "main", TITLE, "Words.")
    assert forge.find_review(HEAD) is None


def test_a_fork_of_the_same_owner_is_not_found(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hosted.pulls[1].fork = "octo/project-fork"
    assert forge.find_review(HEAD) is None


def test_a_merge_that_was_pushed_is_a_merge(story: Story) -> None:
    oid = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    git(story.checkout, "push", "--quiet", "origin", f"{oid}:refs/heads/main")
    assert forge.find_review(HEAD) == review._replace(state="merged", merge_commit=oid)


def test_a_renamed_repository_is_followed(story: Story, capfd: pytest.CaptureFixture[str]) -> None:
    story.push_work("one\n")
    story.hub.rename("octo/project", "octo-corp/platform")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    assert review.url == f"{story.hub.server_url}/octo-corp/platform/pull/1"
    assert forge.find_review(HEAD) == review
    assert capfd.readouterr() == ("", ""), "the library does not talk to the terminal"


# -- comment, close, merge --------------------------------------------------------------------------


def test_comment_and_close(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    forge.comment(review, "Is this still wanted?")
    forge.close(review)
    forge.close(review)
    pull = story.hosted.pulls[1]
    assert [comment.body for comment in pull.comments] == ["Is this still wanted?"]
    assert (pull.state, pull.merged_at) == ("closed", None)
    assert story.requests("PATCH") == 1, "closing a closed one asks for nothing"


def test_merge_is_recorded_with_its_commit(story: Story) -> None:
    head = story.push_work("one\n")
    base = story.push_main("other.txt", "elsewhere\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    commit = forge.merge(review, head_oid=head, title="Add login (#1)", record=story.record)

    assert story.hosted.find_branch("main") == commit
    assert git(story.hosted.path, "log", "-1", "--format=%P|%s", commit) == f"{base} {head}|Add login (#1)"
    assert git(story.hosted.path, "ls-tree", "--name-only", commit).split() == [
        "login.txt",
        "other.txt",
        "readme.md",
    ]
    assert story.recorded == [commit]


def test_merge_of_a_head_that_moved(story: Story) -> None:
    old = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.push_work("two\n")
    with pytest.raises(LostRace) as error:
        forge.merge(review, head_oid=old, title=TITLE, record=story.record)
    assert error.value.data == {"refs": [f"refs/heads/{HEAD}"]}
    assert story.recorded == []


def test_merge_of_a_head_that_moves_at_the_last_moment(story: Story) -> None:
    """The server compares too: between our look and our request somebody pushed."""
    old = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    gate = threading.Event()
    story.hub.inject(Fault("PUT .*/merge$", hold=gate))
    errors: list[BaseException] = []

    def merge() -> None:
        try:
            forge.merge(review, head_oid=old, title=TITLE, record=story.record)
        except BatonError as error:
            errors.append(error)

    merging = threading.Thread(target=merge)
    reads = story.requests("GET")
    merging.start()
    while story.requests("GET") == reads:
        merging.join(0.01)
    story.push_work("two\n")
    gate.set()
    merging.join()
    assert [type(error) for error in errors] == [LostRace]
    assert story.hosted.pulls[1].state == "open"


@pytest.mark.parametrize("methods", [{"squash"}, {"squash", "rebase"}])
def test_merge_squashes_where_merge_commits_are_not_allowed(story: Story, methods: set[str]) -> None:
    story.hosted.merge_methods = methods
    base = story.hosted.find_branch("main")
    head = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    commit = forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert git(story.hosted.path, "log", "-1", "--format=%P", commit) == base


def test_merge_with_conflicts(story: Story) -> None:
    head = story.push_work("one\n")
    story.push_main("login.txt", "something else\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    with pytest.raises(Refusal, match="Pull Request is not mergeable") as error:
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert refusal_of(error) == (
        "not-mergeable",
        f"bring main into {HEAD} and solve the conflicts, or retry the task",
    )


def test_merge_wants_an_approval_by_somebody_else(story: Story) -> None:
    story.hosted.protect("main", approvals=1)
    head = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    with pytest.raises(Refusal, match="At least 1 approving review") as error:
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert error.value.code == "not-mergeable"

    story.hosted.add_review(story.hosted.pulls[1], "rita", {"event": "APPROVE"})
    assert forge.merge(review, head_oid=head, title=TITLE, record=story.record) == story.hosted.find_branch(
        "main"
    )


def test_merge_of_a_draft_and_of_a_closed_one(story: Story) -> None:
    head = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hosted.pulls[1].draft = True
    with pytest.raises(Refusal, match="draft") as error:
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert error.value.hint == "mark the pull request as ready for review"
    forge.close(review)
    with pytest.raises(Refusal, match="#1 is closed"):
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)


def test_the_lost_answer_to_a_merge_is_made_good_by_running_again(story: Story) -> None:
    head = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hub.inject(Fault("PUT .*/merge$", after=True))
    with pytest.raises(Unreachable):
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert story.recorded == []
    assert forge.merge(review, head_oid=head, title=TITLE, record=story.record) == story.hosted.find_branch(
        "main"
    )
    assert story.recorded == [story.hosted.find_branch("main")]
    assert story.requests("PUT") == 1


def test_merged_by_somebody_at_another_commit(story: Story) -> None:
    old = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    new = story.push_work("two\n")
    forge.merge(review, head_oid=new, title=TITLE, record=story.record)
    with pytest.raises(LostRace, match="#1 was merged at another commit"):
        forge.merge(review, head_oid=old, title=TITLE, record=story.record)


def test_base_moved_at_the_last_moment(story: Story) -> None:
    head = story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hub.inject(api_fault(405, "Base branch was modified. Review and try the merge again.", "PUT"))
    with pytest.raises(LostRace) as error:
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert error.value.data == {"refs": ["refs/heads/main"]}


def test_a_review_of_another_forge_is_our_own_mistake(story: Story) -> None:
    with pytest.raises(ValueError, match="without a number"):
        story.forge().comment(Review(HEAD, "main", "open"), "?")


# -- what can go wrong ------------------------------------------------------------------------------


def test_bad_token(story: Story) -> None:
    with pytest.raises(Refusal, match="Bad credentials") as error:
        story.forge("ghs_unknown").find_review(HEAD)
    assert refusal_of(error) == (
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
