"""Accepting work on bare Git: base and state move together, and people's own work stays where it is."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import Refusal
from gitbaton.usecases.review import Accepted, accept_task, reject_task, review_task
from gitbaton.usecases.sync import sync_reviews
from support.cli import Baton
from support.hermetic_git import git
from support.photograph import photograph
from support.repos import Checkout
from support.state_history import read_events, read_history
from support.team import Team, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.ports import Forge
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project

pytestmark = pytest.mark.promise("accept.together")

WORK = {"src/a.py": "a = 2\n", "src/new.py": "n = 1\n"}
FILES = {
    "tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\ndepends_on: [a]\n", "src/a.py": "a = 1\n", "src/mine.py": "m = 1\n",
}  # fmt: skip


@pytest.fixture(params=["remote", "alone"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    return Team(tmp_path, FILES, remote=request.param == "remote")


@pytest.fixture
def shared(tmp_path: Path) -> Team:
    """With a remote."""
    return Team(tmp_path, FILES)


@pytest.fixture
def alone(tmp_path: Path) -> Team:
    """Without a remote: base is the branch that is checked out."""
    return Team(tmp_path, FILES, remote=False)


def accept(team: Team, who: Project | None = None) -> Accepted:
    return accept_task(who or team.open(team.first), "a")


def base(team: Team) -> str:
    return git(team.server, "rev-parse", "main")


@pytest.mark.promise("accept.together", "forge.finish")
def test_base_and_state_move_together(team: Team) -> None:
    head, before = team.publish("a", WORK), base(team)
    accepted = accept(team)
    assert accepted == Accepted("a", base(team), ("b",))
    assert git(team.server, "log", "-1", "--format=%P %s", "main") == f"{before} {head} Merge baton/a: A"
    assert (team.state("a").status, team.state("a").merge) == ("merged", base(team))
    assert read_events(team.server, "a") == ["claimed", "published", "merged"]
    assert team.first.head() == base(team), "the checkout follows"
    assert (team.first.status(), team.first.read("src/a.py")) == ("", "a = 2\n")
    with pytest.raises(Refusal) as refused:
        accept(team)
    assert refused.value.code == "not-in-review"


@pytest.mark.promise("accept.clean")
def test_a_persons_other_work_stays(team: Team) -> None:
    team.publish("a", WORK)
    first = team.first
    first.write({"src/mine.py": "m = 2\n", "loose.txt": "l\n", "tasks/b.yaml": "title: B, unsaved\n"})
    first.git("add", "src/mine.py")
    first.write({"src/mine.py": "m = 3\n"})
    before, status = photograph(first.path), first.status()
    accept(team)
    after = photograph(first.path)
    changed = [*WORK, "tasks/a.yaml"]
    refs = [r for r in {**before.refs, **after.refs} if r != "HEAD"]
    assert after.without(changed, refs) == before.without(changed, refs)
    assert first.status() == status


DIRT = {
    "unstaged": ("src/a.py", "a = 7\n"), "untracked": ("src/new.py", "mine\n"), "the task file": ("tasks/a.yaml", "title: Mine\n"),
    "a file in the way of a folder": ("lib", "mine\n"), "a folder in the way of a file": ("flat/x.txt", "mine\n"),
    "ignored": ("ignored.txt", "mine\n"),
}  # fmt: skip


@pytest.mark.promise("accept.clean")
@pytest.mark.parametrize("kind", [*DIRT, "staged"])
def test_files_with_a_persons_changes_are_named(team: Team, kind: str) -> None:
    team.change({".gitignore": "ignored.txt\n"}) if team.remote else team.first.commit(
        {".gitignore": "ignored.txt\n"}
    )
    extra = {
        "a file in the way of a folder": {"lib/x.py": "x\n"},
        "a folder in the way of a file": {"flat": "f\n"},
    }
    work = {**WORK, **extra.get(kind, {})}
    who = team.join("bot")
    Checkout(who.repo.top).git("config", "core.excludesFile", os.devnull)
    team.publish("a", work, who) if kind != "ignored" else publish_ignored(team, who)
    path, text = DIRT.get(kind, ("src/a.py", "a = 7\n"))
    team.first.write({path: text})
    if kind == "staged":
        team.first.git("add", path)
    before, start = photograph(team.first.path), base(team)
    error = refuse(lambda: accept(team))
    assert error.code == "dirty-files"
    named = {"a folder in the way of a file": "flat", "a file in the way of a folder": "lib"}.get(kind, path)
    assert error.data["files"] == [named]
    assert photograph(team.first.path).without(
        [], ["refs/remotes/origin/baton/a", "refs/baton/remote/tasks/a"]
    ) == before.without([], ["refs/remotes/origin/baton/a", "refs/baton/remote/tasks/a"])
    assert (base(team), team.state("a").status) == (start, "in_review")
    if kind == "staged":
        team.first.git("reset", "--quiet", "--hard")
    else:
        (team.first.path / path).unlink()
        if path in FILES:
            team.first.git("checkout", "--", path)
    if kind == "a folder in the way of a file":
        (team.first.path / "flat").rmdir()
    accept(team)
    assert team.first.status() == ""


def publish_ignored(team: Team, who: Project) -> None:
    """Work that adds a file which people's checkouts ignore."""
    team.publish("a", {**WORK, ".gitignore": "", "ignored.txt": "theirs\n"}, who)


@pytest.mark.promise("accept.clean")
def test_conflicts_are_named_and_nothing_moves(team: Team) -> None:
    team.publish("a", WORK)
    team.first.commit({"src/a.py": "a = 9\n"}, push=team.remote)
    before, start = photograph(team.first.path), base(team)
    error = refuse(lambda: accept(team))
    assert (error.code, error.data["files"]) == ("merge-conflict", ["src/a.py"])
    assert base(team) == start
    assert photograph(team.first.path).files == before.files
    assert team.state("a").status == "in_review"


@pytest.mark.promise("merge.fields")
def test_two_changes_of_one_task_merge_field_by_field(team: Team) -> None:
    """Without gitbaton on PATH, and without `baton init` having set the driver up here."""
    attributes = {".gitattributes": "tasks/**/*.yaml merge=baton\n"}
    team.first.commit({**attributes, "tasks/a.yaml": "title: A\npriority: low\n"}, push=team.remote)
    team.publish("a", {})
    team.first.commit({"tasks/a.yaml": "title: A\npriority: high\n"}, push=team.remote)
    accept(team)
    assert sorted(team.first.read("tasks/a.yaml").splitlines()) == [
        "priority: high",
        "status: done",
        "title: A",
    ]


def test_two_accepts_at_once(team: Team) -> None:
    """The other one comes through between this one's look and its step."""
    team.publish("a", WORK)
    other = team.join("Rita")
    who = team.open(team.first)
    inner = who.open_forge

    def open_forge(repo: Repository) -> Forge:
        accept_task(other, "a")
        return inner(repo)

    error = refuse(lambda: accept(team, replace(who, open_forge=open_forge)))
    assert (error.code, "merged" in error.message) == ("not-in-review", True)
    assert read_events(team.server, "a") == ["claimed", "published", "merged"]
    assert git(team.server, "rev-list", "--count", "--merges", "main") == "1"


@pytest.mark.promise("accept.moved-base")
def test_a_base_that_moves_meanwhile_is_merged_with_anew(shared: Team) -> None:
    shared.publish("a", WORK)
    who, other = shared.open(shared.first), shared.first.clone("other")
    inner = who.open_forge
    pushed: list[str] = []

    def open_forge(repo: Repository) -> Forge:
        pushed.append(other.commit({"src/other.py": "o = 1\n"}, push=True))
        return inner(repo)

    accepted = accept(shared, replace(who, open_forge=open_forge))
    assert git(shared.server, "rev-parse", "main") == accepted.merge
    assert git(shared.server, "log", "--format=%P", "-1", "main").split()[0] == pushed[0]
    assert shared.first.head() == accepted.merge
    assert len(read_history(shared.server, "a")) == 3


@pytest.mark.promise("accept.looked-at")
def test_work_that_goes_back_to_the_bench_meanwhile_is_not_merged(team: Team) -> None:
    team.publish("a", WORK)
    other = team.join("Rita")
    who = team.open(team.first)
    inner, start = who.open_forge, base(team)

    def open_forge(repo: Repository) -> Forge:
        reject_task(other, "a", "more tests")
        take(team.join("bot"), "a")
        return inner(repo)

    error = refuse(lambda: accept(team, replace(who, open_forge=open_forge)))
    assert error.message == "a has moved on meanwhile: it is in progress"
    assert base(team) == start


@pytest.mark.promise("accept.clean")
def test_base_is_checked_out_in_another_worktree(team: Team) -> None:
    team.publish("a", WORK)
    team.first.git("config", "baton.base", "main")
    team.first.git("checkout", "--quiet", "-b", "side")
    team.first.git("worktree", "add", "--quiet", "../main work", "main")
    there = Checkout(team.first.path.parent / "main work")
    there.write({"src/mine.py": "m = 2\n"})
    accept(team)
    assert (there.head(), there.read("src/a.py"), there.status()) == (base(team), "a = 2\n", " M src/mine.py")
    assert (team.first.read("src/a.py"), team.first.status()) == ("a = 1\n", "")


@pytest.mark.promise("accept.only-ref")
def test_base_is_checked_out_nowhere(team: Team) -> None:
    team.publish("a", WORK)
    team.first.git("config", "baton.base", "main")
    team.first.git("checkout", "--quiet", "-b", "side")
    team.first.write({"src/a.py": "a = 7\n"})
    accept(team)
    assert team.first.git("rev-parse", "main") == base(team)
    assert (team.first.read("src/a.py"), team.first.status()) == ("a = 7\n", " M src/a.py")


def test_a_local_base_that_is_ahead_stays(shared: Team) -> None:
    shared.publish("a", WORK)
    mine = shared.first.commit({"src/mine.py": "m = 2\n"})
    shared.first.write({"src/a.py": "a = 7\n"})
    accept(shared)
    assert (shared.first.head(), shared.first.read("src/a.py")) == (mine, "a = 7\n")
    assert mine not in git(shared.server, "rev-list", "main").split()


def test_a_local_base_that_lags_behind_catches_up(shared: Team) -> None:
    shared.first.clone("other").commit({"src/other.py": "o = 1\n"}, push=True)
    shared.publish("a", WORK)
    accept(shared)
    assert (shared.first.head(), shared.first.status()) == (base(shared), "")
    assert shared.first.read("src/other.py") == "o = 1\n"


def test_a_deleted_task_branch_loses_nothing(team: Team) -> None:
    head = team.publish("a", WORK)
    git(team.server, "update-ref", "-d", "refs/heads/baton/a")
    fresh = team.join("Rita")
    assert [c.path for c in review_task(fresh, "a").changes] == ["src/a.py", "src/new.py", "tasks/a.yaml"]
    accept(team, fresh)
    assert head in git(team.server, "rev-list", "main").split()


@pytest.mark.promise("accept.looked-at")
def test_a_branch_that_a_person_forced_or_went_on_with_is_not_merged_blindly(team: Team) -> None:
    team.publish("a", WORK)
    start = base(team)
    team.first.git("fetch", "--quiet", str(team.server), "refs/heads/baton/a")
    for now in (start, team.first.git("commit-tree", "FETCH_HEAD^{tree}", "-p", "FETCH_HEAD", "-m", "mine")):
        team.first.git("push", "--quiet", "--force", str(team.server), f"{now}:refs/heads/baton/a")
        error = refuse(lambda: accept(team))
        assert (error.code, error.data["now"]) == ("branch-moved", now)
        assert base(team) == start


def test_work_that_base_holds_already_is_noted(team: Team) -> None:
    head = team.publish("a", WORK)
    team.first.git("fetch", "--quiet", str(team.server), "refs/heads/baton/a")
    team.first.git("merge", "--quiet", "--ff-only", head)
    if team.remote:
        team.first.git("push", "--quiet", "origin", "main")
    assert refuse(lambda: accept(team)).message == "a is done, so there is nothing to decide on"
    assert sync_reviews(team.open(team.first)) == [("a", "merged")]
    assert (team.state("a").status, team.state("a").merge) == ("merged", base(team))


def test_a_shallow_clone_says_what_it_lacks(shared: Team) -> None:
    shared.publish("a", WORK)
    for n in range(3):
        shared.first.commit({"src/mine.py": f"m = {n}\n"}, push=True)
    git(shared.folder, "clone", "--quiet", "--depth=1", shared.server.as_uri(), "shallow")
    who = shared.open(Checkout(shared.folder / "shallow", shared.server))
    error = refuse(lambda: accept(shared, who))
    assert (error.code, error.hint) == ("unrelated", "git fetch --unshallow, then try again")


def test_merges_are_signed_where_the_person_signs(alone: Team) -> None:
    program = alone.folder / "fake-gpg"
    program.write_text(
        "#!/bin/sh\ncat > /dev/null\necho '[GNUPG:] SIG_CREATED ' >&2\n"
        "printf '%s\\n' '-----BEGIN PGP SIGNATURE-----' '' fake '-----END PGP SIGNATURE-----'\n"
    )
    program.chmod(0o755)
    alone.publish("a", WORK)
    alone.first.git("config", "gpg.program", str(program))
    alone.first.git("config", "commit.gpgsign", "true")
    accept(alone)
    assert "gpgsig" in alone.first.git("cat-file", "commit", "HEAD")


@pytest.mark.promise("edit.interrupted")
@pytest.mark.parametrize("typed", [False, True])
def test_an_accept_that_is_killed_after_its_step_is_completed(alone: Team, *, typed: bool) -> None:
    alone.publish("a", WORK)
    folder = alone.folder / "bin"
    folder.mkdir()
    (folder / "git").write_text(
        f'#!/bin/sh\ncase " $* " in *" --dry-run "*) ;; *" read-tree "*) kill -9 $PPID; exit 1 ;; esac\nexec {shutil.which("git")} "$@"\n'
    )
    (folder / "git").chmod(0o755)
    home = alone.folder / "home"
    killed = Baton(alone.first.path, home, {"PATH": f"{folder}:{os.environ['PATH']}"}).try_run("accept", "a")
    assert killed.code == -signal.SIGKILL
    assert "src/a.py" in alone.first.status(), "base moved, the files did not"
    if typed:
        alone.first.write({"src/a.py": "a = 7\n"})
    Baton(alone.first.path, home)("list")
    if typed:
        assert alone.first.read("src/a.py") == "a = 7\n"
    else:
        assert alone.first.status() == ""
        assert alone.first.read("src/new.py") == "n = 1\n"
    assert alone.state("a").status == "merged"
