"""Published work takes in what the base branch got since, and nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.usecases.claim import stop_task
from gitbaton.usecases.holding import hold_task
from gitbaton.usecases.refreshing import refresh_task
from gitbaton.usecases.review import accept_task
from support.hermetic_git import git
from support.repos import Checkout
from support.state_history import read_events, read_refs
from support.team import Team, overtake, refuse

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("person.refreshed")

FILES = {"tasks/a.yaml": "title: A\n", "src/a.py": "a = 1\n", "AGENTS.md": "Be.\n", "old.txt": "old\n"}


@pytest.fixture(params=[True, False], ids=["remote", "alone"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    return Team(tmp_path, FILES, remote=request.param)


def change(team: Team, files: dict[str, str | None]) -> str:
    return team.first.commit({**files}, push=team.remote)


def test_the_review_goes_on_with_the_base_branch_in_it(team: Team) -> None:
    head = team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    assert refresh_task(tess, "a").merge is None
    base = change(team, {"src/b.py": "b = 1\n"})
    if not team.remote:  # where the branch is checked out, that goes along
        Checkout(tess.repo.top).git("switch", "--quiet", "baton/a")
    done = refresh_task(tess, "a")
    assert done.merge == done.head == team.state("a").head
    assert git(team.server, "rev-parse", f"{done.head}^1", f"{done.head}^2").splitlines() == [head, base]
    refs = read_refs(team.server, "refs/")
    assert (refs["refs/heads/baton/a"], refs["refs/baton/attempts/a/1"]) == (done.head, done.head)
    assert (team.state("a").status, team.state("a").attempts[0].head) == ("in_review", head)
    assert Checkout(tess.repo.top).status() == ""
    assert read_events(team.server, "a") == ["claimed", "published", "refreshed"]
    git(team.server, "update-ref", "-d", "refs/heads/baton/a") if team.remote else None
    accept_task(team.join("Uma"), "a")
    assert git(team.server, "show", "main:src/a.py", "main:src/b.py").split("\n") == ["a = 2", "b = 1"]


def test_what_a_person_must_resolve_is_named_and_stays(team: Team) -> None:
    team.publish("a", {"src/a.py": "a = 2\n", "AGENTS.md": "Be brief.\n", "old.txt": "new\n"})
    tess = team.join("Tess")
    change(team, {"src/a.py": "a = 3\n", "AGENTS.md": "Be long.\n", "old.txt": None})
    before = read_refs(team.server, "refs/")
    refused = refuse(lambda: refresh_task(tess, "a"))
    assert (refused.code, refused.data["files"]) == ("merge-conflict", ["AGENTS.md", "old.txt", "src/a.py"])
    assert refused.data["theirs"] == ["AGENTS.md", "old.txt"], "protected, and gone on one side"
    assert refused.hint
    assert f"git merge {'origin/' if team.remote else ''}main" in refused.hint
    assert read_refs(team.server, "refs/") == before
    assert refuse(lambda: refresh_task(tess, "b")).code == "unknown-id"


def test_conflicts_that_an_agent_can_resolve_are_asked_for(team: Team) -> None:
    head = team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    base = change(team, {"src/a.py": "a = 3\n"})
    hold_task(tess, "a", "later")
    refused = refuse(lambda: refresh_task(tess, "a", here=True))
    assert refused.hint
    assert "on hold" in refused.hint
    assert team.state("a").status == "in_review"
    assert refresh_task(tess, "a") == ("a", head, None, ("src/a.py",))
    state = team.state("a")
    assert (state.status, state.head, state.attempt_limit) == ("changes_requested", head, 2)
    assert f"moved on to {base[:10]}, and this work conflicts with it in: src/a.py" in state.guidance[0]
    events = ["claimed", "published", "held", "changes_requested"]
    assert refresh_task(tess, "a").conflicts == ("src/a.py",)
    assert read_events(team.server, "a") == events, "once is enough"
    stop_task(tess, "a", "not now")
    refused = refuse(lambda: refresh_task(tess, "a"))
    assert (refused.code, refused.hint) == ("merge-conflict", "the next attempt resolves it: baton retry a")
    assert read_events(team.server, "a") == [*events, "stopped"], "what a person stopped stays stopped"


def test_work_that_is_decided_on_meanwhile_is_left_alone(team: Team) -> None:
    team.publish("a", {"src/a.py": "a = 2\n"})
    tess, uma = team.join("Tess"), team.join("Uma")
    change(team, {"src/b.py": "b = 1\n"})
    refused = refuse(lambda: refresh_task(overtake(tess, lambda: accept_task(uma, "a")), "a"))
    assert refused.code == "no-work"
    assert read_events(team.server, "a") == ["claimed", "published", "merged"]
    assert refuse(lambda: refresh_task(tess, "a")).code == "no-work"
