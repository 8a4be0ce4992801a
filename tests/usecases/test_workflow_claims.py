"""Claims held by workflow runs: taken over only once the forge says that the run has ended."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.state import Holder
from gitbaton.edges.github import GitHubForge
from gitbaton.errors import Refusal
from gitbaton.usecases.choosing import Choice
from gitbaton.usecases.claim import Claim, claim_task, stop_task
from gitbaton.usecases.project import load_view
from gitbaton.usecases.review import retry_task
from support.github_fake import GitHubFake, api_fault
from support.team import Team, claim, refuse, take

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitbaton.ports import Forge
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project
    from support.github_repository import HostedRepository


pytestmark = pytest.mark.promise("lease.workflow")


@dataclass
class Fleet:
    """A team over a path, whose forge is GitHub: only the runs matter here."""

    team: Team
    hub: GitHubFake
    hosted: HostedRepository
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.token = self.hub.issue_token("octo")

    def join(self, name: str = "next") -> Project:
        def open_forge(_: Repository) -> Forge:
            return GitHubForge("octo/project", self.token, api_url=self.hub.api_url, backoff_s=0)

        return replace(self.team.join(name), open_forge=open_forge)

    def claim_in_run(self, number: int, task: str = "a", repository: str = "octo/project") -> Claim:
        """A job of a workflow run claims ``task`` and is never heard of again."""
        claimed = claim_task(
            self.join("job"), task, lease_s=lambda _: 100.0,
            holder=Holder(name="claude", kind="agent", host=f"github-actions/{number}"),
            watch_url=f"{self.hub.server_url}/{repository}/actions/runs/{number}",
        )  # fmt: skip
        assert isinstance(claimed, Claim)
        return claimed


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    team = Team(tmp_path, {"tasks/a.yaml": "title: A\npriority: high\n", "tasks/b.yaml": "title: B\n"})
    with GitHubFake(tmp_path / "hosted") as hub:
        yield Fleet(team, hub, hub.create("octo/project"))


def test_a_run_that_goes_on_keeps_its_claim_however_late_it_is(fleet: Fleet) -> None:
    run = fleet.claim_in_run(7).run
    fleet.hosted.runs[7] = "in_progress"
    fleet.team.clock.advance(10**6)
    who = fleet.join()
    entry = load_view(who.fetched(), local=False).board.entries["a"]
    assert entry.state == "stale"
    assert entry.why == (
        "claude claimed it, but the lease has passed; it is free once workflow run 7 of octo/project has ended"
    )
    refused = refuse(lambda: claim(who, "a"))
    assert refused.code == "run-not-ended"
    assert refused.message == (
        "a can't be taken over yet: workflow run 7 of octo/project holds a, and has not ended"
    )
    assert refused.hint == "wait until it has, or end it: baton stop a, then baton retry a"
    assert take(who).entry.row.id == "b", "the next one is free"
    answer = claim(who)
    assert isinstance(answer, Choice)
    assert answer.reason == "workflow run 7 of octo/project holds a, and has not ended"
    assert fleet.team.state("a").run == run

    fleet.hosted.runs[7] = "completed"
    taken = take(who, "a")
    state = fleet.team.state("a")
    assert (state.run, state.attempt, state.attempts[0].outcome) == (taken.run, 2, "machine_lost")


def test_before_the_lease_has_passed_nobody_is_asked(fleet: Fleet) -> None:
    fleet.claim_in_run(7)
    fleet.hosted.runs[7] = "completed"
    assert refuse(lambda: claim(fleet.join(), "a")).code == "not-claimable"
    assert not fleet.hub.seen


@pytest.mark.parametrize("trouble", ["unknown", "other", "forbidden", "down", "no-token", "bare"])
def test_who_can_not_be_asked_has_not_ended(fleet: Fleet, trouble: str) -> None:
    run = fleet.claim_in_run(7, repository="octo/other" if trouble == "other" else "octo/project").run
    fleet.team.clock.advance(10**6)
    if trouble != "unknown":
        fleet.hosted.runs[7] = "completed"
    who = fleet.join()
    match trouble:
        case "forbidden":
            fleet.token = fleet.hub.issue_token("octo", {"actions": "none"})
        case "down":
            fleet.hub.inject(api_fault(503, "No server", times=99))
        case "no-token":

            def refuse_token(_: Repository) -> Forge:
                raise Refusal("there is no token for GitHub", code="no-credentials")

            who = replace(who, open_forge=refuse_token)
        case "bare":
            who = fleet.team.join()
        case _:
            pass
    refused = refuse(lambda: claim(who, "a"))
    assert refused.code == "run-not-ended"
    words = (
        "it can't be asked whether"
        if trouble in ("forbidden", "down", "no-token")
        else "nobody here can say whether"
    )
    assert words in refused.message
    assert fleet.team.state("a").run == run


def test_a_machine_that_is_no_workflow_run_is_taken_over_by_time(fleet: Fleet) -> None:
    take(fleet.join("laptop"), "a")
    fleet.team.clock.advance(10**6)
    assert take(fleet.join(), "a").tip.state.attempt == 2
    assert not fleet.hub.seen


def test_a_person_frees_what_nobody_can_ask_about(fleet: Fleet) -> None:
    fleet.claim_in_run(7, repository="octo/other")
    fleet.team.clock.advance(10**6)
    who = fleet.join("Tess")
    stop_task(who, "a")
    retry_task(who, "a")
    assert take(who, "a").tip.state.attempt == 2
