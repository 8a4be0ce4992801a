"""A task gets another id, or loses its file: nothing that refers to it is left behind, and nobody's claim is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import UsageError
from gitbaton.usecases.claim import stop_task
from gitbaton.usecases.closing import reopen_task
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.naming import rename_task
from gitbaton.usecases.removing import remove_task
from gitbaton.usecases.review import accept_task, retry_task
from gitbaton.usecases.validate import validate_repository
from support.hermetic_git import git
from support.repos import Checkout
from support.state_history import list_tasks_with_state, read_events, read_refs
from support.team import Team, claim, overtake, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

TASKS = {
    "tasks/a.yaml": "# kept\ntitle: A\nplan: p\n",
    "tasks/b.yaml": "title: B\ndepends_on: [c, a]  # both\n",
    "tasks/more/c.yaml": "title: C\nparent: a\nstatus: done\n",
    "tasks/plans/p.yaml": "title: P\ntasks: [a]\n",
    "tasks/handoffs/a/20260101T000000000Z-x.yaml": "task: a\nsummary: S\n",
    "src/a.py": "a = 1\n",
}


@pytest.fixture(params=[True, False], ids=["remote", "alone"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    return Team(tmp_path, TASKS, remote=request.param)


#: What has nothing to do with where the refs are.
ALONE = pytest.mark.parametrize("team", [False], indirect=True, ids=["alone"])


def push(team: Team) -> Delivery:
    return Delivery(push=team.remote)


def read(team: Team, path: str) -> str:
    return git(team.server, "show", f"main:{path}")


def list_files(team: Team) -> list[str]:
    return git(team.server, "ls-tree", "-r", "--name-only", "main", "tasks").splitlines()


def snap(team: Team) -> str:
    return git(team.server, "for-each-ref", "--format=%(refname) %(objectname)")


def forget_parts(team: Team) -> None:
    team.first.commit({"tasks/more/c.yaml": "title: C\nstatus: done\n"}, push=team.remote)


@pytest.mark.promise("person.renamed")
def test_everything_that_refers_to_it_goes_along(team: Team) -> None:
    forget_parts(team)
    team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    accept_task(tess, "a")
    if team.remote:
        Checkout(tess.repo.top).git("pull", "--quiet")
    head, events = team.state("a").head, read_events(team.server, "a")
    done = rename_task(tess, "a", "z", to=push(team))
    assert (done.path, done.state) == ("tasks/z.yaml", "moved")
    assert list_files(team) == [
        "tasks/b.yaml", "tasks/config.yaml", "tasks/handoffs/z/20260101T000000000Z-x.yaml", "tasks/more/c.yaml",
        "tasks/plans/p.yaml", "tasks/z.yaml",
    ]  # fmt: skip
    assert read(team, "tasks/b.yaml") == "title: B\ndepends_on: [c, z]  # both"
    assert read(team, "tasks/plans/p.yaml") == "title: P\ntasks: [z]"
    assert read(team, "tasks/handoffs/z/20260101T000000000Z-x.yaml") == "task: z\nsummary: S"
    assert read(team, "tasks/z.yaml") == "# kept\ntitle: A\nplan: p\nstatus: done"
    assert validate_repository(tess.reread()) == []
    assert Checkout(tess.repo.top).status() == ""

    assert list_tasks_with_state(team.server) == ["z"]
    assert read_refs(team.server, "refs/baton/attempts/") == {"refs/baton/attempts/z/1": head}
    assert (team.state("z").task, team.state("z").hold, team.state("z").status) == ("z", None, "merged")
    history = git(team.server, "log", "--first-parent", "--format=%s", "refs/baton/tasks/z").splitlines()
    assert len(history) == len(events) + 2
    reopen_task(tess.reread(), "z", to=push(team))
    assert take(team.join("bot"), "z").tip.state.attempt == 2
    again = rename_task(tess, "b", "y", to=push(team))
    assert (again.state, again.others, list_tasks_with_state(team.server)) == ("none", (), ["z"])


@ALONE
def test_what_can_not_be_renamed(team: Team) -> None:
    forget_parts(team)
    tess, bot = team.join("Tess"), team.join("bot")
    mine = take(bot, "a")
    before = snap(team)
    refused = refuse(lambda: rename_task(tess, "a", "z", to=push(team)))
    assert (refused.code, refused.message) == ("somebody-else", "bot is at a (attempt 1)")
    assert refuse(lambda: remove_task(tess, "a", force=True)).code == "somebody-else"
    with pytest.raises(UsageError, match="can't be an id"):
        rename_task(tess, "b", "Z!")
    assert refuse(lambda: rename_task(tess, "b", "c")).code == "taken-id"
    assert refuse(lambda: rename_task(tess, "nothing", "z")).code == "unknown-id"
    (tess.repo.top / "tasks/b.yaml").write_text("title: B2\n")
    for act in (lambda: rename_task(tess, "b", "z"), lambda: remove_task(tess, "b")):
        assert refuse(act).code == "dirty-files"
    Checkout(tess.repo.top).git("checkout", "--quiet", "tasks/b.yaml")
    (tess.repo.top / "tasks/z.yaml").write_text("title: Mine\n")
    assert refuse(lambda: rename_task(tess, "b", "z")).code == "taken-id"
    (tess.repo.top / "tasks/z.yaml").unlink()
    assert snap(team) == before
    assert mine.run == team.state("a").run


@pytest.mark.promise("person.renamed")
def test_of_a_claim_and_a_new_name_one_wins(team: Team) -> None:
    forget_parts(team)
    tess, bot = team.join("Tess"), team.join("bot")
    heads = read_refs(team.server, "refs/heads/")
    refused = refuse(lambda: rename_task(overtake(tess, lambda: take(bot, "a")), "a", "z", to=push(team)))
    assert refused.code == "somebody-else"
    assert read_refs(team.server, "refs/heads/") == heads
    assert (team.state("a").status, team.state("a").hold) == ("in_progress", None)
    stop_task(tess, "a")
    retry_task(tess, "a")

    def rename() -> None:
        assert rename_task(tess, "a", "z", to=push(team)).state == "moved"

    assert refuse(lambda: claim(overtake(bot, rename), "a")).code in ("already-claimed", "not-claimable")
    assert list_tasks_with_state(team.server) == ["z"]
    assert team.state("z").attempt == 1
    assert refuse(lambda: claim(bot, "a")).code == "unknown-id"


@pytest.mark.promise("person.renamed")
def test_a_name_that_waits_for_a_merge_is_held_until_then(team: Team) -> None:
    forget_parts(team)
    tess, bot = team.join("Tess"), team.join("bot")
    take(bot, "a")
    stop_task(tess, "a")
    retry_task(tess, "a")
    done = rename_task(tess, "a", "z", to=Delivery("proposal"))
    assert done.state == "waits"
    assert done.edited
    assert refuse(lambda: claim(bot, "a")).message == "a is held: on hold: it is being renamed to z"
    at = team.first
    if team.remote:
        at.git("fetch", "--quiet")
    at.git("merge", "--quiet", "--ff-only", f"{'origin/' if team.remote else ''}{done.edited.branch}")
    if team.remote:
        at.git("push", "--quiet")
    again = rename_task(tess, "a", "z")
    assert (again.state, again.edited, again.path) == ("moved", None, "tasks/z.yaml")
    assert (team.state("z").hold, list_tasks_with_state(team.server)) == (None, ["z"])
    assert take(bot, "z").tip.state.attempt == 2


@ALONE
def test_an_edit_that_fails_leaves_no_hold(team: Team) -> None:
    forget_parts(team)
    tess, bot = team.join("Tess"), team.join("bot")
    at = Checkout(tess.repo.top)
    at.write({"tasks/handoffs/z": "in the way\n"})
    before = read_refs(team.server, "refs/heads/")
    assert refuse(lambda: rename_task(tess, "a", "z", to=push(team))).code == "not-a-folder"
    assert read_refs(team.server, "refs/heads/") == before
    at.write({"tasks/handoffs/z": None})
    assert team.state("a").hold is None
    take(bot, "a")


@ALONE
def test_a_file_that_is_removed_leaves_no_name_behind(team: Team) -> None:
    tess = team.join("Tess")
    refused = refuse(lambda: remove_task(tess, "a"))
    assert (refused.code, refused.message) == ("needed", "b, c name it as dependency or parent")
    done = remove_task(tess, "a", force=True, to=push(team))
    assert sorted(done.others) == ["tasks/b.yaml", "tasks/more/c.yaml", "tasks/plans/p.yaml"]
    assert read(team, "tasks/b.yaml") == "title: B\ndepends_on: [c]  # both"
    assert read(team, "tasks/more/c.yaml") == "title: C\nstatus: done"
    assert validate_repository(tess.reread()) == []
    assert "tasks/handoffs/a/20260101T000000000Z-x.yaml" in list_files(team)


@ALONE
def test_a_task_in_review_goes_only_when_it_must(team: Team) -> None:
    forget_parts(team)
    head = team.publish("a", {"src/a.py": "a = 2\n"})
    tess = team.join("Tess")
    for act in (lambda: rename_task(tess, "a", "z"), lambda: remove_task(tess, "a")):
        assert refuse(act).code in ("open-work", "needed")
    remove_task(tess, "a", force=True, to=push(team))
    assert team.state("a").head == head
    assert read_refs(team.server, "refs/baton/attempts/") == {"refs/baton/attempts/a/1": head}
