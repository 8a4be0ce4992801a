"""A person takes a task from whoever has it: the branch is theirs, and nobody else can publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.errors import Refusal
from gitbaton.ports import RefUpdate
from gitbaton.usecases.claim import claim_as_person, stop_task
from gitbaton.usecases.project import load_view
from gitbaton.usecases.review import accept_task, reject_task, retry_task
from gitbaton.usecases.sync import sync_reviews
from gitbaton.usecases.takeover import takeover_task
from gitbaton.usecases.transitions import LeaseLost, advance
from support.hermetic_git import git
from support.repos import Checkout
from support.state_history import read_events
from support.team import Team, claim, overtake, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("person.takeover")


TASKS = {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\ndepends_on: [a]\n", "src/a.py": "a = 1\n"}


@pytest.fixture(params=[True, False], ids=["remote", "alone"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    return Team(tmp_path, TASKS, remote=request.param)


def refs(team: Team) -> str:
    return git(team.server, "for-each-ref", "refs/baton", "refs/heads")


def test_from_an_agent_that_is_at_it(team: Team) -> None:
    bot, tess = team.join("bot"), team.join("Tess")
    claimed = take(bot, "a")
    before = refs(team)
    refused = refuse(lambda: takeover_task(tess, "a"))
    assert (refused.code, refused.message, refused.hint) == (
        "somebody-else", "bot is at a (attempt 1)", "to take it all the same: baton takeover a --yes",
    )  # fmt: skip
    assert refs(team) == before

    taken = takeover_task(tess, "a", sure=True)
    state = team.state("a")
    assert taken.tip.state == state
    assert (taken.branch, taken.fenced) == ("baton/a", "bot")
    assert taken.checkout == f"git switch --create baton/a {'origin/' if team.remote else ''}main"
    assert (state.status, state.claimed_by and state.claimed_by.name, state.lease) == (
        "taken_over",
        "Tess",
        None,
    )
    assert state.run not in (None, claimed.run)
    assert (state.attempts[0].outcome, state.attempts[0].message) == (
        Outcome.TAKEN_OVER,
        "Tess took the task over",
    )

    head = Checkout(bot.repo.top).git(
        "commit-tree", f"{claimed.base}^{{tree}}", "-p", claimed.base, "-m", "late"
    )
    moves = [RefUpdate("refs/heads/baton/a", head, None)]
    with pytest.raises(LeaseLost) as lost:
        advance(bot.fetched(), "a", "published", lambda _: {}, run=claimed.run, also=lambda _: moves)
    assert lost.value.message == "a is not ours any more: Tess holds it"
    assert "refs/heads/baton/a" not in refs(team)
    assert team.state("a") == state
    entry = load_view(tess.fetched(), local=False).board.entries["a"]
    assert (entry.state, entry.claimable, entry.why) == ("taken_over", False, "Tess works on the branch")
    assert refuse(lambda: claim(bot, "a")).hint == "start over with: baton retry a"


def test_the_work_so_far_goes_along(team: Team) -> None:
    """From review, or after changes were requested: the published branch is what the person gets."""
    head = team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    taken = takeover_task(tess, "a")
    assert (taken.checkout, taken.fenced) == ("git switch baton/a", None)
    at = Checkout(tess.repo.top)
    at.git(*taken.checkout.split()[1:])
    assert at.head() == head
    assert refuse(lambda: accept_task(tess, "a")).code == "not-in-review"
    assert read_events(team.server, "a") == ["claimed", "published", "taken_over"]


@pytest.mark.parametrize(
    "status", ["open", "needs_input", "changes_requested", "failed", "stopped", "closed"]
)
def test_from_wherever_it_stands(team: Team, status: str) -> None:
    bot = team.join("bot")
    if status in ("changes_requested", "closed"):
        team.publish("a", {"src/a.py": "a = 2\n"}, bot)
        if status == "closed":
            advance(bot, "a", "closed", lambda _: {})
        else:
            reject_task(bot, "a", "more")
    elif status != "open":
        claimed = take(bot, "a")
        event = {"needs_input": "asked", "failed": "failed", "stopped": "stopped"}[status]
        run = None if event == "stopped" else claimed.run
        advance(bot, "a", event, lambda _: {"lease": None}, run=run)  # type: ignore[arg-type] # one of the table's
    taken = takeover_task(team.join("Tess"), "a")
    assert (taken.tip.state.status, taken.fenced) == ("taken_over", None)
    assert refuse(lambda: claim(bot, "a")).code == "not-claimable"


def test_a_claim_whose_lease_has_passed_needs_no_second_word(team: Team) -> None:
    take(team.join("bot"), "a")
    team.clock.advance(100 + 120)
    assert takeover_task(team.join("Tess"), "a").fenced == "bot"


def test_from_another_person(team: Team) -> None:
    """A person's claim has no lease: nothing but this ends it without their doing."""
    claim_as_person(team.join("Rita"), "a")
    team.clock.advance(10**8)
    tess = team.join("Tess")
    assert refuse(lambda: takeover_task(tess, "a")).message == "Rita is at a (attempt 1)"
    assert takeover_task(tess, "a", sure=True).fenced == "Rita"
    rita = team.join("Rita")
    assert refuse(lambda: takeover_task(rita, "a", sure=True)).message == (
        "a is taken over already: Tess works on the branch"
    )


@pytest.mark.promise("claim.one-winner")
def test_somebody_who_claims_meanwhile_is_not_overrun(tmp_path: Path) -> None:
    team = Team(tmp_path, TASKS)
    bot = team.join("bot")
    tess = overtake(team.join("Tess"), lambda: take(bot, "a"))
    assert refuse(lambda: takeover_task(tess, "a")).message == "bot took a first"
    assert read_events(team.server, "a") == ["claimed"]
    assert takeover_task(tess, "a", sure=True).fenced == "bot"


def test_what_is_finished_is_left_alone(team: Team) -> None:
    team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    accept_task(tess, "a")
    assert refuse(lambda: takeover_task(tess, "a")).code == "already-finished"


@pytest.mark.promise("person.given-back")
def test_retry_gives_it_back_with_what_the_person_did(tmp_path: Path) -> None:
    """Also when nothing had been published before: the branch is the person's, and agents go on with it."""
    team = Team(tmp_path, TASKS)
    tess = team.join("Tess")
    at = Checkout(tess.repo.top)
    taken = takeover_task(tess, "a")
    at.git(*taken.checkout.split()[1:])
    mine = at.commit({"src/a.py": "a = 3\n"}, "Mine")
    at.git("push", "--quiet", "origin", "baton/a")
    state = retry_task(tess, "a").state
    assert (state.status, state.head, state.run, state.claimed_by) == ("open", mine, None, None)
    claimed = take(team.join("bot"), "a")
    assert (claimed.tip.state.head, claimed.tip.state.attempt) == (mine, 1)
    with pytest.raises(Refusal):
        stop_task(team.join("x"), "nope")


@pytest.mark.promise("person.given-back", "forge.afresh")
def test_retry_after_the_person_merged_begins_afresh(tmp_path: Path) -> None:
    team = Team(tmp_path, TASKS)
    head = team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    takeover_task(tess, "a")
    at = Checkout(tess.repo.top)
    at.git("merge", "--quiet", "--ff-only", head)
    at.commit({"tasks/a.yaml": "title: A\n"}, "Not done yet", push=True)
    assert retry_task(tess, "a").state.head is None


@pytest.mark.promise("forge.told-once")
def test_a_merge_of_the_branch_is_noticed(tmp_path: Path) -> None:
    team = Team(tmp_path, TASKS)
    head = team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    takeover_task(tess, "a")
    at = Checkout(tess.repo.top)
    at.git("merge", "--quiet", "--ff-only", head)
    at.git("push", "--quiet", "origin", "main")
    assert sync_reviews(tess) == [("a", "merged")]
    assert team.state("a").status == "merged"
    assert load_view(tess.fetched(), local=False).board.entries["b"].claimable
