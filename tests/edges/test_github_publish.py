"""Opening, updating and finding pull requests, with the real PyGithub against the stateful fake."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.managed_text import find_managed_text
from gitbaton.edges.github import GitHubForge
from gitbaton.errors import Refusal, Unreachable
from gitbaton.ports import Forge, Review
from support.github_fake import api_fault
from support.github_story import HEAD, TITLE, Story, open_story
from support.hermetic_git import git
from support.loopback import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as running:
        yield running


def test_it_answers_the_port() -> None:
    port: type[Forge] = GitHubForge
    assert port.kind == "github"


# -- publishing -------------------------------------------------------------------------------------


def ended(story: Story, number: int) -> str:
    """When a pull request was merged or closed, as ``Review`` says it."""
    closed = story.hosted.pulls[number].closed_at
    assert closed
    return closed.replace("Z", "+00:00")


def test_publish_opens_one_pull_request(story: Story) -> None:
    oid = story.push_work("one\n")
    forge = story.forge()
    assert forge.find_review(HEAD) is None

    review = forge.publish_review(HEAD, "main", TITLE, "What was done.")

    assert review == Review(
        HEAD, "main", "open", number=1, url=f"{story.hub.server_url}/octo/project/pull/1", merge_commit=None, head_oid=oid
    )  # fmt: skip
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
    forge.publish_review(HEAD, "main", TITLE, "Words.")
    changes = [
        fields for method, path, fields in story.hub.written if (method, path) == ("PATCH", "/pulls/1")
    ]
    assert [list(fields) for fields in changes] == [["body"], ["title"]]


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
    assert forge.find_review(HEAD) == one._replace(state="merged", merge_commit=merged, ended=ended(story, 1))

    story.push_work("two\n")
    two = forge.publish_review(HEAD, "main", TITLE, "Words.")
    assert two.number == 2
    forge.close(two)
    assert forge.find_review(HEAD) == two._replace(state="closed", ended=ended(story, 2))

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
    story.hosted.filters_by_head = False
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
    assert forge.find_review(HEAD) == review._replace(state="merged", merge_commit=oid, ended=ended(story, 1))


def test_a_renamed_repository_is_followed(story: Story) -> None:
    story.push_work("one\n")
    story.hub.rename("octo/project", "octo-corp/platform")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    assert review.url == f"{story.hub.server_url}/octo-corp/platform/pull/1"
    assert forge.find_review(HEAD) == review
    assert not logging.getLogger("github.Requester").isEnabledFor(logging.INFO), "it prints its notices"
