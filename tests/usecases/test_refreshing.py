"""Published work takes in what the base branch got since, and nothing of it is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.usecases.refreshing import refresh_task
from gitbaton.usecases.review import accept_task
from support.hermetic_git import git
from support.repos import Checkout
from support.state_history import read_events, read_refs
from support.team import Team, overtake, refuse

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("person.refreshed")

FILES = {"tasks/a.yaml": "title: A\n", "src/a.py": "a = 1\n"}


@pytest.fixture(params=[True, False], ids=["remote", "alone"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    return Team(tmp_path, FILES, remote=request.param)


def change(team: Team, files: dict[str, str]) -> str:
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


def test_what_conflicts_is_named_and_stays(team: Team) -> None:
    team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    change(team, {"src/a.py": "a = 3\n"})
    before = read_refs(team.server, "refs/")
    refused = refuse(lambda: refresh_task(tess, "a"))
    assert (refused.code, refused.data["files"]) == ("merge-conflict", ["src/a.py"])
    assert refused.hint
    assert f"git merge {'origin/' if team.remote else ''}main" in refused.hint
    assert read_refs(team.server, "refs/") == before
    assert refuse(lambda: refresh_task(tess, "b")).code == "unknown-id"


def test_work_that_is_decided_on_meanwhile_is_left_alone(team: Team) -> None:
    team.publish("a", {"src/a.py": "a = 2\n"})
    tess, uma = team.join("Tess"), team.join("Uma")
    change(team, {"src/b.py": "b = 1\n"})
    refused = refuse(lambda: refresh_task(overtake(tess, lambda: accept_task(uma, "a")), "a"))
    assert refused.code == "no-work"
    assert read_events(team.server, "a") == ["claimed", "published", "merged"]
    assert refuse(lambda: refresh_task(tess, "a")).code == "no-work"
