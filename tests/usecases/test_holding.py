"""What a person says about a task counts at once, whoever is at it: hold, release, clarify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import BatonError, UsageError
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.holding import clarify_task, hold_task, release_task
from gitbaton.usecases.project import load_view
from gitbaton.usecases.run import Preview, preview_run
from gitbaton.usecases.transitions import advance
from support.hermetic_git import git
from support.state_history import list_tasks_with_state, read_events
from support.team import Team, claim, overtake, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.project import Project

TASKS = {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\nhold: next year\n"}


@pytest.fixture(params=[True, False], ids=["remote", "alone"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    return Team(tmp_path, TASKS, remote=request.param)


def heads(team: Team) -> str:
    return git(team.server, "for-each-ref", "refs/heads")


def brief(who: Project, task: str) -> str:
    preview = preview_run(who, task)
    assert isinstance(preview, Preview)
    return preview.briefing


@pytest.mark.promise("person.hold")
def test_a_hold_counts_for_everybody_and_moves_no_branch(team: Team) -> None:
    tess, bot = team.join("Tess"), team.join("bot")
    before = heads(team)
    said = hold_task(tess, "a", "the client\x1b[31m comes first")
    assert (said.text, said.event, said.heard, said.edited) == ("the client comes first", True, None, None)
    refused = refuse(lambda: claim(bot, "a"))
    assert (refused.code, refused.message) == ("not-claimable", "a is held: on hold: the client comes first")
    assert hold_task(tess, "a", "the client comes first").event is False
    assert hold_task(tess, "a").text == "Tess put it on hold"
    assert read_events(team.server, "a") == ["held", "held"]
    assert release_task(bot, "a").event is True
    assert heads(team) == before
    assert team.state("a").hold is None
    take(bot, "a")


@pytest.mark.promise("person.hold")
def test_an_attempt_that_lives_goes_on_and_no_other_follows(team: Team) -> None:
    tess, bot = team.join("Tess"), team.join("bot")
    mine = take(bot, "a")
    assert hold_task(tess, "a", "wait").heard == "bot"
    tip = advance(bot.fetched(), "a", "failed", lambda _: {"lease": None}, run=mine.run)
    assert (tip.state.hold, tip.state.status) == ("wait", "failed")
    assert load_view(bot.fetched(), local=False).board.entries["a"].state == "held"


@pytest.mark.promise("person.hold")
def test_whoever_claims_while_it_is_put_on_hold_has_it_or_has_not(team: Team) -> None:
    """One of the two is first, and the other one builds on that."""
    tess, bot = team.join("Tess"), team.join("bot")
    refused = refuse(lambda: claim(overtake(bot, lambda: hold_task(tess, "a", "wait")), "a"))
    assert refused.code == "already-claimed"
    assert (team.state("a").status, team.state("a").hold) == ("open", "wait")
    release_task(tess, "a")
    said = hold_task(overtake(tess, lambda: take(bot, "a")), "a", "wait")
    assert (said.heard, team.state("a").status, team.state("a").hold) == ("bot", "in_progress", "wait")


def test_a_hold_in_the_file_is_lifted_by_an_edit(team: Team) -> None:
    tess = team.join("Tess")
    hold_task(tess, "b", "and this")
    said = release_task(tess, "b", to=Delivery("base", push=team.remote))
    assert said.event
    assert said.edited
    assert said.edited.commit
    assert git(team.server, "show", "main:tasks/b.yaml") == "title: B"
    assert refuse(lambda: release_task(tess, "b")).code == "not-held"
    (tess.repo.top / "tasks/mine.yaml").write_text("title: Mine\n")
    here = hold_task(tess, "mine", "not yet")
    assert (here.event, here.edited and here.edited.uncommitted) == (False, ("tasks/mine.yaml",))
    assert (tess.repo.top / "tasks/mine.yaml").read_text() == "title: Mine\nhold: not yet\n"
    assert release_task(tess, "mine").event is False


@pytest.mark.promise("person.clarified")
def test_a_clarification_is_heard_by_whoever_is_at_it_and_told_ever_after(team: Team) -> None:
    tess, bot = team.join("Tess"), team.join("bot")
    before = heads(team)
    mine = take(bot, "a")
    assert clarify_task(tess, "a", "use UTC").heard == "bot"
    assert heads(team) == before
    state = team.state("a")
    assert (state.run, state.guidance, state.attempts[-1].guidance) == (mine.run, ("use UTC",), ("use UTC",))
    ended = {"lease": None, "guidance": ()}
    advance(bot.fetched(), "a", "failed", lambda _: ended, run=mine.run)
    told = brief(bot.fetched(), "a")
    assert "It had been told:\n\n> use UTC" in told


@pytest.mark.promise("person.clarified")
def test_without_an_attempt_it_stands_in_the_file_and_the_next_briefing(team: Team) -> None:
    tess = team.join("Tess")
    said = clarify_task(tess, "a", "use UTC", to=Delivery("base", push=team.remote))
    assert (said.event, said.heard) == (False, None)
    assert git(team.server, "show", "main:tasks/a.yaml") == (
        'title: A\nclarifications:\n  - when: "2026-01-31T09:00:00Z"\n    who: Tess\n    text: use UTC'
    )
    assert "- use UTC (Tess, 2026-01-31T09:00:00Z)" in brief(tess.fetched(), "a")
    assert list_tasks_with_state(team.server) == []


@pytest.mark.promise("person.clarified")
def test_a_clarification_that_meets_the_end_of_the_attempt_is_not_lost(team: Team) -> None:
    tess, bot = team.join("Tess"), team.join("bot")
    mine = take(bot, "a")

    def end() -> None:
        advance(bot.fetched(), "a", "failed", lambda _: {"lease": None}, run=mine.run)

    said = clarify_task(overtake(tess, end), "a", "use UTC")
    assert (said.event, said.heard) == (True, None)
    assert (team.state("a").status, team.state("a").guidance) == ("failed", ("use UTC",))


def test_what_can_not_be_said(team: Team) -> None:
    tess = team.join("Tess")
    for words in ("", " \x1b[0m ", "x" * 4001):
        with pytest.raises(UsageError):
            clarify_task(tess, "a", words)
    with pytest.raises(BatonError, match="there is no task 'z'"):
        hold_task(tess, "z")
    team.change({"tasks/a.yaml": "title: A\nstatus: done\n"}) if team.remote else team.first.commit(
        {"tasks/a.yaml": "title: A\nstatus: done\n"}
    )
    for act in (hold_task, lambda p, t: clarify_task(p, t, "x")):
        assert refuse(lambda act=act: act(tess, "a")).code == "already-finished"  # type: ignore[misc] # mypy can't infer a lambda's default
    assert list_tasks_with_state(team.server) == []
