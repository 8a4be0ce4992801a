"""Commenting, closing and merging pull requests, with the real PyGithub against the stateful fake."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain, Unreachable
from gitbaton.ports import Review
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


def test_comment_and_close(story: Story) -> None:
    story.push_work("one\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    forge.comment(review, "Is this still wanted?")
    forge.close(review)
    forge.close(review)
    pull = story.hosted.pulls[1]
    assert [comment.body for comment in pull.comments] == ["Is this still wanted?\n\n<!-- gitbaton -->"]
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
    assert (error.value.code, error.value.hint) == (
        "not-mergeable",
        f"bring main into {HEAD} and solve the conflicts, or retry the task",
    )


def test_merge_before_github_knows_about_conflicts(story: Story) -> None:
    head = story.push_work("one\n")
    story.push_main("login.txt", "something else\n")
    forge = story.forge()
    review = forge.publish_review(HEAD, "main", TITLE, "Words.")
    story.hosted.knows_mergeability = False
    with pytest.raises(TryAgain) as error:
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)
    assert error.value.code == "not-known-yet"
    story.hosted.knows_mergeability = True
    with pytest.raises(Refusal, match="not mergeable"):
        forge.merge(review, head_oid=head, title=TITLE, record=story.record)


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
