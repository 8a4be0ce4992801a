"""Taking a task and giving it back: who may, when, and what is left afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.store.live import read_tips
from gitbaton.usecases.choosing import Choice
from gitbaton.usecases.claim import Claim, claim_as_person, stop_task
from gitbaton.usecases.project import load_view
from gitbaton.usecases.run import preview_run, run_task
from gitbaton.usecases.transitions import LeaseLost, advance
from support.hermetic_git import git
from support.repos import Checkout
from support.state_history import read_events
from support.team import CONFIG, Hurried, Team, claim, make_unaware, meddle, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.board import LiveRow
    from gitbaton.domain.state import State
    from gitbaton.usecases.project import Project


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path, {"tasks/a.yaml": "title: A\npriority: high\n", "tasks/b.yaml": "title: B\n"})


@pytest.mark.promise("state.tip-says-everything", "claim.records-base")
def test_the_state_says_everything(team: Team) -> None:
    who = team.join("bot")
    claimed = take(who)
    state = team.state("a")
    base = team.first.head()
    assert state.model_dump(mode="json", exclude_defaults=True) == {
        "task": "a", "status": "in_progress", "run": claimed.run, "attempt": 1, "attempt_limit": 2,
        "event": {"name": "claimed", "id": state.event.id, "at": "2026-01-31T09:00:00Z", "by": "bot"},
        "claimed_by": {"name": "bot", "kind": "agent"}, "claimed_from": "open", "lease": "2026-01-31T09:01:40Z",
        "base": base, "branch": "baton/a",
        "attempts": [{"number": 1, "run": claimed.run, "agent": "bot", "kind": "agent", "started": "2026-01-31T09:00:00Z", "base": base}],
    }  # fmt: skip
    assert (claimed.base, claimed.tip.state, claimed.entry.row.id) == (base, state, "a")


@pytest.mark.promise("state.tip-says-everything")
def test_the_claimed_task_is_told_as_the_board_shows_it(tmp_path: Path) -> None:
    """The answer is made without reading the board again."""
    files = {
        "tasks/a.yaml": "title: A\ndepends_on: [done]\nrun: {attempts: 3}\nmilestone: m\n",
        "tasks/b.yaml": "title: B\ndepends_on: [a]\n",
        "tasks/done.yaml": "title: Done\nstatus: done\n",
    }
    team = Team(tmp_path, {**files, "tasks/config.yaml": CONFIG})

    def held(claimed: Claim | Choice) -> LiveRow | None:
        assert isinstance(claimed, Claim)
        assert claimed.held == load_view(team.join().fetched(), local=False).board.entries["a"]
        return claimed.held.live

    assert held(take(team.join("lost"), "a"))
    team.clock.advance(10**5)
    again = held(take(team.join("second"), "a"))
    assert again
    assert (again.attempt, again.holder) == (2, "second")
    team.clock.advance(10**5)
    by_person = held(claim_as_person(team.join("Tess"), "a"))
    assert by_person
    assert (by_person.attempt, by_person.person, by_person.lease) == (3, True, None)


@pytest.mark.promise("claim.never-held")
def test_everybody_gets_another_task_until_there_is_none(team: Team) -> None:
    who = team.join()
    assert [take(who).entry.row.id, take(team.join()).entry.row.id] == ["a", "b"]
    answer = claim(who)
    assert isinstance(answer, Choice)
    assert answer == Choice(None, "no task is ready: 2 in progress")
    assert refuse(lambda: claim(who, "a")).code == "not-claimable", "not even one's own"


@pytest.mark.promise("claim.loser-takes-next")
def test_what_somebody_took_since_the_last_look_goes_to_the_next(team: Team) -> None:
    first, second = team.join(), team.join()
    view = load_view(second, local=False)
    assert view.board.entries["a"].claimable
    take(first)
    assert take(second).entry.row.id == "b"
    assert read_events(team.server, "a") == ["claimed"]


# -- leases ----------------------------------------------------------------------------------------------------


@pytest.mark.promise("lease.tolerance", "lease.takeover")
def test_a_lease_that_passed_is_taken_over_two_minutes_later(team: Team) -> None:
    """Clocks differ: over ssh and file:// nobody is there to ask for the time."""
    lost, second = team.join("lost"), team.join("second")
    run = take(lost, "a").run
    team.clock.advance(100 + 119)
    assert refuse(lambda: claim(second, "a")).code == "not-claimable"
    team.clock.advance(1)
    taken = take(second, "a")
    state = team.state("a")
    assert (state.attempt, state.claimed_from, state.run) == (2, "open", taken.run)
    gone = state.attempts[0]
    assert (gone.outcome, gone.ended, gone.run) == ("machine_lost", "2026-01-31T09:03:40Z", run)
    with pytest.raises(LeaseLost):
        advance(lost, "a", "failed", lambda _: {}, run=run)
    assert team.state("a") == state


@pytest.mark.promise("lease.tolerance")
def test_without_a_remote_there_is_one_clock(tmp_path: Path) -> None:
    team = Team(tmp_path, {"tasks/a.yaml": "title: A\n"}, remote=False)
    take(team.join(), "a")
    team.clock.advance(99)
    assert refuse(lambda: claim(team.join(), "a")).code == "not-claimable"
    team.clock.advance(1)
    assert take(team.join(), "a").tip.state.attempt == 2


@pytest.mark.promise("lease.person")
def test_a_persons_claim_has_no_lease(team: Team) -> None:
    claimed = claim_as_person(team.join("Tess"), "a")
    assert isinstance(claimed, Claim)
    assert team.state("a").lease is None
    team.clock.advance(10**8)
    assert refuse(lambda: claim(team.join(), "a")).code == "not-claimable"


# -- giving back -----------------------------------------------------------------------------------------------

CLAIM_FIELDS = (
    "run", "claimed_by", "claimed_from", "lease", "watch_url", "branch", "base", "head", "reason", "retry_at", "question",
    "pull_request", "merge", "status", "guidance", "hold",
)  # fmt: skip


def same_but_for_the_claim(before: State, after: State) -> None:
    assert {n: getattr(after, n) for n in CLAIM_FIELDS} == {n: getattr(before, n) for n in CLAIM_FIELDS}


def fail(who: Project, claimed: Claim) -> None:
    """The attempt fails, with more attempts to come."""

    def change(old: State | None) -> dict[str, Any]:
        assert old
        ended = old.attempts[-1].model_copy(
            update={"ended": "2026-01-31T09:00:00Z", "outcome": Outcome.CHECKS_FAILED}
        )
        return {
            "reason": "tests fail", "retry_at": "2026-01-31T09:00:30Z", "lease": None, "head": claimed.base,
            "attempts": (*old.attempts[:-1], ended), "run": None, "claimed_by": None, "claimed_from": None,
        }  # fmt: skip

    advance(who, claimed.entry.row.id, "failed", change, run=claimed.run)


@pytest.mark.promise("lease.person")
def test_stop_gives_a_persons_claim_back_as_if_it_had_not_been(team: Team) -> None:
    bot, person = team.join("bot"), team.join("Tess")
    fail(bot, take(bot, "a"))
    before = team.state("a")
    team.clock.advance(60)
    assert isinstance(claim_as_person(person, "a"), Claim)
    assert team.state("a").reason is None
    stop_task(team.join("Rita"), "a")
    after = team.state("a")
    same_but_for_the_claim(before, after)
    assert (after.attempt, after.attempt_limit) == (2, 3), "it doesn't count as a try"
    assert after.attempts[1].outcome == "stopped"
    assert read_events(team.server, "a") == ["claimed", "failed", "claimed", "released"]


@pytest.mark.promise("lease.person")
def test_stop_gives_the_first_claim_back(team: Team) -> None:
    person = team.join("Tess")
    assert isinstance(claim_as_person(person, "a"), Claim)
    stop_task(person, "a")
    state = team.state("a")
    assert (state.status, state.run, state.claimed_by, state.branch) == ("open", None, None, None)
    assert load_view(person.fetched(), local=False).board.entries["a"].state == "ready"
    assert take(team.join(), "a").tip.state.attempt == 2


@pytest.mark.promise("state.one-commit")
def test_stop_ends_an_agents_attempt(team: Team) -> None:
    run = take(team.join("bot"), "a").run
    stop_task(team.join("Tess"), "a", "the spec changes")
    state = team.state("a")
    assert (state.status, state.reason, state.run) == ("stopped", "the spec changes", run)
    assert refuse(lambda: claim(team.join(), "a")).code == "not-claimable"


@pytest.mark.promise("claim.says-why")
def test_stop_where_nobody_is(team: Team) -> None:
    assert refuse(lambda: stop_task(team.join(), "a")).code == "nothing-to-stop"


@pytest.mark.promise("cap.after-claim")
def test_a_claim_that_passes_a_cap_is_withdrawn_without_a_trace(team: Team) -> None:
    bot, early = team.join("bot"), make_unaware(team.join("early"))
    team.change({"tasks/config.yaml": CONFIG + "caps: {running: 1}\n"})
    fail(bot, take(bot, "a"))
    before = team.state("a")
    team.clock.advance(60)
    late = team.join("late")

    def claim_earlier() -> None:
        team.clock.advance(-5)  # by a clock that is behind
        take(early, "b")
        team.clock.advance(5)

    error = refuse(lambda: claim(meddle(late, 2, claim_earlier), "a"))
    assert (error.code, error.message) == (
        "cap-reached", "a can't be claimed now: as many attempts run as may (caps.running: 1)",
    )  # fmt: skip
    after = team.state("a")
    same_but_for_the_claim(before, after)
    assert (after.attempt, after.attempt_limit, after.attempts) == (1, before.attempt_limit, before.attempts)
    assert read_events(team.server, "a") == ["claimed", "failed", "claimed", "withdrawn"]
    assert team.state("b").status == "in_progress"


@pytest.mark.promise("cap.never-passed")
def test_the_earlier_of_two_waits_for_the_later_to_withdraw(team: Team) -> None:
    """Both have claimed before either looked."""
    late = make_unaware(team.join("late"))
    team.change({"tasks/config.yaml": CONFIG + "caps: {running: 1}\n"})
    lates: list[Claim] = []

    def claim_later() -> None:
        team.clock.advance(5)
        lates.append(take(late, "b"))

    def withdraw() -> None:
        gone = {"run": None, "claimed_by": None, "lease": None, "attempt": 0, "attempts": ()}
        advance(late, "b", "withdrawn", lambda _: gone, run=lates[0].run)

    early = meddle(meddle(team.join("early"), 3, withdraw), 2, claim_later)
    assert take(early, "a").entry.row.id == "a"
    assert read_events(team.server, "a") == ["claimed"]
    assert read_events(team.server, "b") == ["claimed", "withdrawn"]


@pytest.mark.promise("cap.never-passed")
def test_nobody_waits_for_those_who_came_earlier(team: Team) -> None:
    team.change({"tasks/config.yaml": CONFIG + "caps: {running: 1}\n"})
    late = team.join("late")
    waits: list[float] = []

    def claim_earlier() -> None:
        team.clock.advance(-5)
        take(team.join("early"), "b")
        team.clock.advance(5)

    assert (
        refuse(lambda: claim(replace(meddle(late, 2, claim_earlier), pause=waits.append), "a")).code
        == "cap-reached"
    )
    assert waits == []


@pytest.mark.promise("cap.after-claim")
def test_overlapping_paths_keep_a_task_waiting(tmp_path: Path) -> None:
    team = Team(
        tmp_path,
        {"tasks/a.yaml": "title: A\npaths: [src/**]\n", "tasks/b.yaml": "title: B\npaths: [src/b.py]\n"},
    )
    first, second = team.join(), team.join()
    take(first, "a")
    assert refuse(lambda: claim(second, "b")).code == "paths-overlap"
    assert isinstance(claim(second), Choice)
    stop_task(first, "a")
    assert take(second, "b").entry.row.id == "b"


@pytest.mark.promise("cap.after-claim")
def test_a_takeover_that_is_withdrawn_goes_back_to_where_the_first_claim_came_from(team: Team) -> None:
    bot, early = team.join("bot"), make_unaware(team.join("early"))
    run = take(bot, "a").run
    advance(bot, "a", "published", lambda _: {"head": team.first.head(), "lease": None}, run=run)
    advance(bot, "a", "changes_requested", lambda _: {"guidance": ("more",), "attempt_limit": 3})
    take(bot, "a")
    team.clock.advance(1000)
    team.change({"tasks/config.yaml": CONFIG + "caps: {running: 1}\n"})
    late = team.join("late")

    def claim_earlier() -> None:
        team.clock.advance(-5)
        take(early, "b")
        team.clock.advance(5)

    error = refuse(lambda: claim(meddle(late, 2, claim_earlier), "a"))
    assert error.message.startswith("a can't be claimed now: as many attempts run")
    state = team.state("a")
    assert (state.status, state.attempt, state.attempts[-1].outcome) == (
        "changes_requested",
        2,
        "machine_lost",
    )
    assert state.guidance == ("more",)
    entry = load_view(late.fetched(), local=False).board.entries["a"]
    assert (entry.state, entry.claimable) == ("changes_requested", True)


@pytest.mark.promise("cap.after-claim")
def test_a_claim_is_withdrawn_when_looking_again_fails(team: Team) -> None:
    team.change({"tasks/config.yaml": CONFIG + "caps: {running: 1}\n"})

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        claim(meddle(team.join(), 2, interrupt), "a")
    assert read_events(team.server, "a") == ["claimed", "withdrawn"]


@pytest.mark.promise("claim.interrupted")
def test_a_claim_whose_push_was_interrupted_is_taken_back(team: Team) -> None:
    who = team.join()
    with pytest.raises(KeyboardInterrupt):
        claim(replace(who, refs=Hurried(who.refs)), "a")
    assert read_events(team.server, "a") == ["claimed", "withdrawn"]
    assert take(team.join(), "a").tip.state.attempt == 1


@pytest.mark.promise("claim.records-base")
def test_a_task_whose_file_went_away_meanwhile(team: Team) -> None:
    team.change({"tasks/config.yaml": CONFIG + "caps: {running: 9}\n"})

    def remove() -> None:
        team.first.commit({"tasks/a.yaml": None}, push=True)

    assert take(meddle(team.join(), 2, remove)).entry.row.id == "b"
    assert read_events(team.server, "a") == ["claimed", "withdrawn"]


# -- what can't be claimed ---------------------------------------------------------------------------------------


@pytest.mark.promise("claim.says-why")
def test_each_reason_has_its_words(team: Team) -> None:
    team.change({
        "tasks/draft.yaml": "title: D\nstatus: draft\n", "tasks/done.yaml": "title: D\nstatus: done\n",
        "tasks/held.yaml": "title: H\nhold: later\n", "tasks/waiting.yaml": "title: W\ndepends_on: [a]\n",
        "tasks/broken.yaml": "title: [\n", "tasks/planned.yaml": "title: P\nplan: nowhere\n",
    })  # fmt: skip
    who = team.join()
    checkout = Checkout(who.repo.top)
    checkout.write({"tasks/local.yaml": "title: L\n"})
    said = {name: refuse(lambda name=name: claim(who, name)) for name in (  # type: ignore[misc] # a loop's lambda
        "draft", "done", "held", "waiting", "broken", "planned", "local", "nobody",
    )}  # fmt: skip
    assert {name: (e.code, e.message) for name, e in said.items()} == {
        "draft": ("not-claimable", "draft is draft: it is a draft: set status=todo when it is meant"),
        "done": ("not-claimable", "done is done: it is done"),
        "held": ("not-claimable", "held is held: on hold: later"),
        "waiting": ("not-claimable", "waiting is waiting: it waits for a"),
        "broken": ("broken-task", "the file of broken can't be read"),
        "planned": ("not-claimable", "planned is ready: its plan nowhere is not merged yet"),
        "local": (
            "only-local",
            "local is only in this checkout: it can be claimed once it is on main of origin",
        ),
        "nobody": ("unknown-id", "there is no task 'nobody'"),
    }
    assert all(error.hint for error in said.values())
    assert git(team.server, "for-each-ref", "refs/baton") == ""


@pytest.mark.promise("state.unreadable")
def test_a_state_that_nobody_can_read_stops_one_task_only(team: Team) -> None:
    who = team.join()
    work = team.first
    blob = work.git("hash-object", "-w", "--stdin", stdin="task: a\nstatus: nonsense\n")
    tree = work.git("mktree", stdin=f"100644 blob {blob}\tstate.yaml\n")
    work.git("push", "--quiet", "origin", f"{work.git('commit-tree', tree, stdin='x')}:refs/baton/tasks/a")
    assert take(who).entry.row.id == "b"
    error = refuse(lambda: claim(who, "a"))
    assert error.message.startswith(
        "a is held: on hold: its live state can't be read: refs/baton/tasks/a:state.yaml:"
    )
    assert list(read_tips(who.repo).unreadable) == ["a"]


@pytest.mark.promise("state.unreadable")
def test_the_state_of_another_task_is_no_state(team: Team) -> None:
    who = team.join()
    take(who, "b")
    git(team.server, "update-ref", "refs/baton/tasks/a", git(team.server, "rev-parse", "refs/baton/tasks/b"))
    assert refuse(lambda: claim(who, "a")).code == "not-claimable"


@pytest.mark.promise("claim.says-why")
def test_a_config_that_can_not_be_read_stops_claims_and_says_where_it_is_mended(team: Team) -> None:
    team.change({"tasks/config.yaml": "base: main\ncapz: {running: 1}\n"})
    who = team.join().fetched()
    error = refuse(lambda: claim(who))
    assert (error.code, [p.field for p in error.problems]) == ("invalid-document", ["capz"])
    assert error.hint == "fix the file, then run: baton validate"
    Checkout(who.repo.top).write({"tasks/config.yaml": CONFIG})
    assert refuse(lambda: claim(who)).hint == "it is repaired in this checkout: bring that to main of origin"
    assert load_view(who, local=False).board.entries["a"].state == "ready", "looking goes on"


@pytest.mark.promise("claim.says-why")
def test_where_there_is_nothing_the_tasks_of_this_checkout_are_named(tmp_path: Path) -> None:
    """Whoever just wrote a task wants to know why nobody takes it."""
    team = Team(tmp_path, {})
    who = team.join()
    at = Checkout(who.repo.top)
    nothing = Choice(None, "there are no tasks on the base branch yet")
    assert claim_as_person(who, None) == preview_run(who, None) == nothing
    at.write({"tasks/new.yaml": "title: New\n", "tasks/old.yaml": "title: Old\nstatus: done\n"})
    hint = "; only in this checkout: new (commit and push, or merge, to main on origin)"
    said = Choice(None, nothing.reason + hint)
    assert claim_as_person(who, None) == preview_run(who, None) == said
    assert run_task(who, None, lambda _: None) == said
