"""A person's start, finish and abandon among others: all of it happens, or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import AttemptFailed
from gitbaton.store.ownbranch import list_noted
from gitbaton.usecases.finishing import FinishedByHand, finish_task
from gitbaton.usecases.ownwork import Started, abandon_task, start_task
from gitbaton.usecases.review import reject_task
from gitbaton.usecases.takeover import takeover_task
from gitbaton.usecases.transitions import LeaseLost
from support.repos import Checkout
from support.state_history import read_events, read_refs
from support.team import Team, overtake, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.project import Project

TASKS = {"tasks/a.yaml": "title: A\npaths: [src/**]\n", "src/a.py": "a = 1\n"}


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path, TASKS)


def begin(who: Project, task: str = "a") -> Checkout:
    started = start_task(who, task)
    assert isinstance(started, Started)
    at = Checkout(who.repo.top)
    assert at.git("symbolic-ref", "--short", "HEAD") == started.branch == f"baton/{task}"
    return at


def finish(who: Project, because: str | None = None) -> FinishedByHand:
    return finish_task(who, None, {}, lambda _: None, because=because)


def heads(team: Team) -> dict[str, str]:
    return read_refs(team.server, "refs/heads/")


@pytest.mark.promise("person.finished")
def test_whoever_lost_the_task_meanwhile_publishes_nothing(team: Team) -> None:
    tess, uma = team.join("Tess"), team.join("Uma")
    at = begin(tess)
    work = at.commit({"src/a.py": "a = 2\n"})
    before = heads(team)
    with pytest.raises(LeaseLost) as lost:
        finish(overtake(tess, lambda: takeover_task(uma, "a", sure=True)))
    assert lost.value.message == "a is not ours any more: Uma holds it"
    assert heads(team) == before
    assert (at.head(), at.status()) == (work, "")
    assert team.state("a").status == "taken_over"
    assert refuse(lambda: abandon_task(tess, "a")).code == "somebody-else"
    begin(uma)  # what was taken over is finished by the same path
    Checkout(uma.repo.top).commit({"src/a.py": "a = 3\n"})
    assert finish(uma).branch == "baton/a"
    assert read_events(team.server, "a") == ["claimed", "taken_over", "claimed", "published"]
    assert [a.agent for a in team.state("a").attempts] == ["Tess", "Uma"]


@pytest.mark.promise("person.finished")
def test_what_somebody_pushed_to_the_branch_is_not_lost(team: Team) -> None:
    tess = team.join("Tess")
    at = begin(tess)
    at.commit({"src/a.py": "a = 2\n"})
    team.first.git("switch", "--quiet", "--create", "baton/a")
    pushed = team.first.commit({"src/b.py": "b = 1\n"}, push=True)
    for act in (lambda: finish(tess), lambda: abandon_task(tess, None)):
        assert refuse(act).code == "branch-moved"
    assert heads(team)["refs/heads/baton/a"] == pushed
    at.git("pull", "--quiet", "--no-rebase", "origin", "baton/a")
    assert finish(tess).published.verdict.message == "unverified: no checks are configured"
    assert at.git("merge-base", "--is-ancestor", pushed, "origin/baton/a") == ""


@pytest.mark.promise("person.finished")
def test_a_start_that_can_not_be_checked_out_claims_nothing(team: Team) -> None:
    team.publish("a", {"src/b.py": "b = 1\n"})
    tess = team.join("Tess")
    reject_task(tess, "a", "more")
    at = Checkout(tess.repo.top)
    at.write({"src/b.py": "mine\n"})
    refused = refuse(lambda: start_task(tess, "a"))
    assert (refused.code, at.read("src/b.py")) == ("not-switched", "mine\n")
    assert (team.state("a").status, team.state("a").attempt) == ("changes_requested", 1)
    assert list_noted(tess.repo) == []
    assert at.git("symbolic-ref", "--short", "HEAD") == "main"
    at.write({"src/b.py": None})
    begin(tess)
    take_back = abandon_task(tess, None)
    assert (take_back.back, team.state("a").status, team.state("a").guidance) == (
        "main",
        "changes_requested",
        ("more",),
    )
    assert take(team.join("bot"), "a").tip.state.attempt == 3


def test_a_reason_covers_what_people_decide_and_nothing_else(team: Team) -> None:
    tess = replace(team.join("Tess"), environment={"GITHUB_TOKEN": "ghp_0123456789abcdef"})
    at = begin(tess)
    at.commit({"src/a.py": "a = 2\n", "tasks/more.yaml": "title: More\n"})
    at.commit(
        {".github/x.yml": "on: push\n", "README.md": "out of scope\n", "tasks/config.yaml": "base: main\n"}
    )
    with pytest.raises(AttemptFailed) as refused:
        finish(tess)
    assert sorted(refused.value.data["paths"]) == [  # type: ignore[call-overload] # a list of names
        ".github/x.yml", ".github/x.yml", "README.md", "tasks/config.yaml", "tasks/config.yaml",
    ]  # fmt: skip
    at.commit({"src/key.py": "ghp_0123456789abcdef\n"})
    (at.path / "src/out").symlink_to("../../elsewhere")
    at.commit()
    with pytest.raises(AttemptFailed) as refused:
        finish(tess, because="it is wanted")
    assert refused.value.data["paths"] == ["src/key.py", "src/out"]
    at.commit({"src/key.py": None, "src/out": None})
    done = finish(tess, because="it is wanted")
    assert len(done.overridden) == 5
    assert done.published.handoff.decisions[-1].reason == "it is wanted"
