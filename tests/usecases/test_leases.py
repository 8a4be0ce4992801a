"""Whether a claim's time has passed, judged by clocks that differ: the server's counts where it tells."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import TryAgain
from gitbaton.store.live import parse_time
from gitbaton.usecases.claim import Claim, claim_as_person
from gitbaton.usecases.project import load_view
from support.git_http import GitHttpServer
from support.hermetic_git import git
from support.repos import Clock
from support.state_history import list_tasks_with_state, read_events, read_history
from support.team import Team, claim, refuse, take

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitbaton.usecases.project import Project

pytestmark = pytest.mark.promise("lease.server-time")


TASKS = {"tasks/a.yaml": "title: A\npriority: high\n", "tasks/b.yaml": "title: B\n"}


@dataclass
class Hosted:
    """A team whose clones reach their remote over HTTP; everybody has a clock of their own."""

    team: Team
    server: GitHttpServer
    clock: Clock
    #: Whether the server's answers say what time it is.
    tells: bool = True
    count: int = 0

    def join(self, name: str, ahead_s: float = 0.0) -> Project:
        """Somebody whose clock is ``ahead_s`` ahead of the server's."""
        self.count += 1
        where = self.team.first.clone(f"hosted{self.count}")
        where.git("remote", "set-url", "origin", self.server.url_of("work.git"))
        self.team.clock = Clock(self.clock.time + timedelta(seconds=ahead_s))
        return self.team.open(where, name)

    def advance(self, seconds: float) -> None:
        """``seconds`` pass for the server and whoever joined last."""
        self.clock.advance(seconds)
        self.team.clock.advance(seconds)

    def refs(self) -> str:
        return git(self.team.server, "for-each-ref")


@pytest.fixture
def hosted(tmp_path: Path) -> Iterator[Hosted]:
    clock = Clock()
    team = Team(tmp_path, TASKS)
    with GitHttpServer(tmp_path, now=lambda: clock.time.timestamp() if made.tells else None) as server:
        made = Hosted(team, server, clock)
        yield made


@pytest.mark.parametrize("ahead_s", [90, -90])
def test_a_lease_ends_by_the_servers_time(hosted: Hosted, ahead_s: int) -> None:
    """Neither who claims nor who looks needs a right clock, and nothing is added where the time is known."""
    run = take(hosted.join("first", ahead_s), "a", lease_s=1000).run
    lease = parse_time(hosted.team.state("a").lease)
    assert lease is not None
    assert 1000 <= lease - hosted.clock.time.timestamp() < 1030
    second = hosted.join("second", -ahead_s)
    hosted.advance(960)  # a little less than the lease, whatever the test itself took
    assert refuse(lambda: claim(second, "a")).code == "not-claimable"
    hosted.advance(lease - hosted.clock.time.timestamp())
    taken = take(second, "a")
    assert hosted.team.state("a").run == taken.run != run


@pytest.mark.promise("lease.wrong-clock")
@pytest.mark.parametrize(("ahead_s", "words"), [(180, "2m 59s ahead of"), (-180, "3m behind")])
@pytest.mark.parametrize("person", [False, True])
def test_a_clock_far_off_claims_nothing(hosted: Hosted, ahead_s: int, words: str, *, person: bool) -> None:
    who = hosted.join("late", ahead_s)
    before = hosted.refs()
    for wanted in ("a", None):
        refused = refuse(
            lambda wanted=wanted: claim_as_person(who, wanted) if person else claim(who, wanted)  # type: ignore[misc] # mypy can't infer a lambda's default
        )
        assert refused.code == "clock-skew"
        assert words in refused.message
        assert "set-ntp" in (refused.hint or "")
        assert abs(int(str(refused.data["skew_s"])) - ahead_s) <= 1
    assert hosted.refs() == before
    board = load_view(who.fetched(), local=True).board
    assert [i for i, e in board.entries.items() if e.claimable] == ["a", "b"], "looking goes on working"


@pytest.mark.promise("lease.wrong-clock")
def test_two_minutes_are_let_pass(hosted: Hosted) -> None:
    take(hosted.join("somebody", 119), "a")
    take(hosted.join("else", -119), "b")


@pytest.mark.promise("lease.tolerance")
def test_a_server_that_does_not_tell_the_time(hosted: Hosted) -> None:
    """As over a path: the local clock counts, and two minutes are added."""
    hosted.tells = False
    first = hosted.join("first", 180)
    take(first, "a", lease_s=100)
    second = hosted.join("second", 180)
    hosted.team.clock.advance(100 + 119)
    assert refuse(lambda: claim(second, "a")).code == "not-claimable"
    hosted.team.clock.advance(1)
    assert take(second, "a").tip.state.attempt == 2


@pytest.mark.promise("claim.one-winner")
def test_clocks_that_disagree_never_give_two_holders(hosted: Hosted) -> None:
    """Eight claimers, each with another clock, want two tasks whose leases have just passed or not."""
    take(hosted.join("lost", 60), "a", lease_s=50)
    take(hosted.join("alive", -60), "b", lease_s=5000)
    hosted.clock.advance(60)
    people = [hosted.join(f"p{n}", ahead_s) for n, ahead_s in enumerate((-110, -60, -5, 0, 5, 60, 110, 600))]
    start, won, refused = threading.Barrier(len(people)), [], []

    def race(who: Project) -> None:
        start.wait()
        try:
            claimed = claim(who)
        except Exception as error:  # noqa: BLE001 shown below
            refused.append(error)
        else:
            if isinstance(claimed, Claim):
                won.append((claimed.entry.row.id, claimed.run))

    threads = [threading.Thread(target=race, args=(who,)) for who in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [getattr(e, "code", e) for e in refused if not isinstance(e, TryAgain)] == ["clock-skew"]
    assert won == [("a", read_history(hosted.team.server, "a")[-1].run)]
    assert read_events(hosted.team.server, "a") == ["claimed", "claimed"]
    assert read_events(hosted.team.server, "b") == ["claimed"]
    assert list_tasks_with_state(hosted.team.server) == ["a", "b"]


@pytest.mark.promise("lease.tolerance")
def test_over_a_path_two_minutes_are_added(tmp_path: Path) -> None:
    """Somebody whose clock is a minute ahead must not take what is still worked on."""
    team = Team(tmp_path, TASKS)
    take(team.join("first"), "a", lease_s=100)
    team.clock = Clock(team.clock.time + timedelta(seconds=100 + 60 + 59))
    assert refuse(lambda: claim(team.join("fast"), "a")).code == "not-claimable"
    team.clock.advance(1)
    assert take(team.join("later"), "a").tip.state.attempt == 2
