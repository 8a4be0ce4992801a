"""Asking GitHub whether a workflow run has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.workflow_run import WorkflowRun, find_workflow_run
from gitbaton.errors import Refusal, Unreachable
from support.github_fake import api_fault
from support.github_story import Story, open_story
from support.loopback import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytestmark = pytest.mark.promise("lease.workflow")


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with open_story(tmp_path) as running:
        yield running


def run_of(story: Story, number: int, repository: str = "octo/project") -> WorkflowRun:
    found = find_workflow_run(f"{story.hub.server_url}/{repository}/actions/runs/{number}", None)
    assert found is not None
    return found


@pytest.mark.parametrize("status", ["queued", "in_progress", "waiting", "pending", "requested", "completed"])
def test_only_a_completed_run_has_ended(story: Story, status: str) -> None:
    story.hosted.runs[7] = status
    forge = story.forge()
    ended = status == "completed"
    assert forge.has_run_ended(run_of(story, 7)) is ended
    assert forge.has_run_ended(WorkflowRun(7)) is ended, "the id alone is of our own repository"
    assert forge.has_run_ended(run_of(story, 7, "Octo/Project")) is ended


def test_a_run_that_github_does_not_know(story: Story) -> None:
    assert story.forge().has_run_ended(run_of(story, 8)) is None


def test_runs_of_others_are_never_asked_about(story: Story) -> None:
    story.hosted.runs[7] = "completed"
    forge = story.forge()
    other = story.hub.create("octo/other")
    other.runs[7] = "completed"
    elsewhere = WorkflowRun(7, "octo/project", "github.example.com")
    for run in (run_of(story, 7, "octo/other"), run_of(story, 7, "fork/project"), elsewhere):
        assert forge.has_run_ended(run) is None
    assert not [seen for seen in story.hub.seen if "/runs/" in seen.target]


def test_a_repository_that_was_renamed_is_known_by_both_names(story: Story) -> None:
    story.hosted.runs[7] = "completed"
    forge = story.forge()
    story.hub.rename("octo/project", "octo/renamed")
    assert forge.has_run_ended(run_of(story, 7, "octo/project")) is True
    assert forge.has_run_ended(run_of(story, 7, "octo/renamed")) is True


def test_who_may_not_ask(story: Story) -> None:
    story.hosted.runs[7] = "completed"
    forge = story.forge(story.hub.issue_token("octo", {"actions": "none"}))
    with pytest.raises(Refusal) as refused:
        forge.has_run_ended(run_of(story, 7))
    assert "actions: read" in f"{refused.value.message} {refused.value.hint}"


def test_github_that_does_not_answer(story: Story) -> None:
    story.hosted.runs[7] = "completed"
    story.hub.inject(api_fault(503, "No server", "/runs/", times=9))
    with pytest.raises(Unreachable):
        story.forge().has_run_ended(run_of(story, 7))
    story.hub.inject(Fault("/runs/", times=9))
    with pytest.raises(Unreachable):
        story.forge().has_run_ended(run_of(story, 7))


@pytest.mark.parametrize(("url", "host", "found"), [
    ("https://github.com/o/n/actions/runs/12", None, WorkflowRun(12, "o/n", "github.com")),
    ("https://GitHub.com/O/n/actions/runs/12/attempts/2", "x", WorkflowRun(12, "o/n", "github.com")),
    ("http://ghes.example:8443/o/n/actions/runs/12/job/3?pr=1", None, WorkflowRun(12, "o/n", "ghes.example:8443")),
    (None, "github-actions/12", WorkflowRun(12)),
    ("https://ci.example/job/12", "github-actions/12", WorkflowRun(12)),
    ("https://ci.example/job/12", "laptop", None),
    ("https://github.com/o/n/actions/runs/../../x", None, None),
    ("https://github.com/o/n/actions/runs/12 and more", None, None),
    ("https://evil@github.com/o/n/actions/runs/12", None, None),
    ("javascript:https://github.com/o/n/actions/runs/12", None, None),
    (None, None, None),
])  # fmt: skip
def test_which_run_a_claim_names(url: str | None, host: str | None, found: WorkflowRun | None) -> None:
    assert find_workflow_run(url, host) == found
