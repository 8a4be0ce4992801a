"""``baton doctor``: each finding is made for real, found, mended, and gone; what can't be mended is named with
the command that does it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitbaton.store.cache import cache_file
from gitbaton.store.cachecheck import describe_cache
from gitbaton.store.edits import queue_writers
from gitbaton.store.repository import open_repository
from gitbaton.store.workplace import make_workplace
from gitbaton.usecases.archive import archive_tasks
from gitbaton.usecases.doctor import examine, treat
from gitbaton.usecases.transitions import advance
from gitbaton.wiring import find_cache
from support.cli import SOURCE, Baton
from support.processes import is_alive
from support.repos import Checkout, make_repository
from support.team import Team, take

if TYPE_CHECKING:
    from gitbaton.usecases.project import Project

TASKS: dict[str, str] = {
    ".gitattributes": "tasks/**/*.yaml merge=baton\n",
    "tasks/a.yaml": "title: A\n",
    "tasks/b.yaml": "title: B\n",
}


@pytest.fixture
def team(tmp_path: Path) -> Team:
    """People in clones of a repository in which nothing is wrong."""
    made = Team(tmp_path, dict(TASKS))
    set_driver(made.first)
    return made


def set_driver(where: Checkout, program: str = sys.executable) -> None:
    where.git("config", "merge.baton.driver", f"'{program}' -P -m gitbaton merge-file %O %A %B %P")


def found(who: Project) -> dict[str, str | None]:
    """Code → remedy; whatever can be fixed begins with ``--fix``."""
    return {
        f.code: f"--fix {f.remedy}" if f.fix else f.remedy for f in examine(replace(who, repo=who.repo.refreshed()))
    }  # fmt: skip


def mend(who: Project, *codes: str) -> None:
    """``--fix`` mends exactly these, and a second run has nothing to do."""
    done = treat(who.reread())
    assert {f.code for f in done.mended} == set(codes), done
    assert done.trouble == {}
    again = treat(who.reread())
    assert (again.mended, [f for f in again.left if f.severity != "note"], again.trouble) == ((), [], {})


def commander(where: Checkout) -> Baton:
    return Baton(where.path, where.path.parent / "home")


def test_nothing_is_wrong(team: Team) -> None:
    who = team.open(team.first)
    assert examine(who) == []
    said = commander(team.first)("doctor")
    assert said.out == "nothing needs doing\n"
    assert commander(team.first).json("doctor") == {
        "kind": "doctor",
        "version": 1,
        "findings": [],
        "fixed": [],
    }


def test_not_even_a_repository(tmp_path: Path) -> None:
    said = Baton(tmp_path, tmp_path / "home").json("doctor", code=1)
    assert [(f["code"], f["severity"]) for f in said["findings"]] == [("no-repository", "error")]


def test_git_is_too_old(team: Team, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text("#!/bin/sh\necho git version 2.30.2\n")
    (folder / "git").chmod(0o755)
    baton = replace(commander(team.first), env={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert (
        baton("doctor", code=1).out == "error    old-git: git 2.30.2 is too old → install git 2.38 or newer\n"
    )


def test_inside_an_attempt_it_is_refused(team: Team, tmp_path: Path) -> None:
    baton = replace(commander(team.first), env={"BATON_ATTEMPT": "1", "BATON_OUTBOX": str(tmp_path)})
    assert baton("doctor", "--json", code=1).error["code"] == "inside-attempt"


# -- this clone ------------------------------------------------------------------------------------------------


def test_git_does_not_know_who_you_are(team: Team) -> None:
    nameless = {"GIT_COMMITTER_NAME": "", "GIT_AUTHOR_NAME": "", "GIT_COMMITTER_EMAIL": ""}
    said = replace(commander(team.first), env=nameless).json("doctor", code=1)
    assert [(f["code"], f["severity"], f["fixable"]) for f in said["findings"]] == [("no-identity", "error", False)]  # fmt: skip
    assert said["findings"][0]["remedy"].startswith("git config --global user.name")


def test_several_remotes_and_none_chosen(team: Team) -> None:
    team.first.git("remote", "rename", "origin", "one")
    team.first.git("remote", "add", "two", "https://example.org/x.git")
    assert found(team.open(team.first))["settings"] == "git config baton.remote NAME"
    team.first.git("config", "baton.remote", "one")
    assert found(team.open(team.first)) == {}


def test_settings_that_cannot_be_read(team: Team) -> None:
    team.change({"tasks/config.yaml": "base: main\nretires: {}\n"})
    (finding,) = [f for f in examine(team.open(team.first)) if f.code == "settings"]
    assert (finding.severity, finding.fix) == ("error", None)
    assert finding.message.startswith("tasks/config.yaml:2:1: retires: unknown field")


def test_the_remote_is_away(team: Team) -> None:
    who = team.open(team.first)
    moved = team.server.rename(team.server.with_suffix(".moved"))
    (finding,) = examine(who)
    assert (finding.code, finding.severity) == ("remote", "warning")
    assert "as of the last fetch" in finding.message
    moved.rename(team.server)
    assert found(who) == {}


def test_nothing_was_pushed_yet(tmp_path: Path) -> None:
    repo = make_repository(tmp_path, remote=True)
    repo.commit(dict(TASKS))
    set_driver(repo)
    who = Team.open(Team(tmp_path / "other", {}), repo)
    assert found(who) == {"no-base": "git push -u origin main"}
    repo.git("push", "--quiet", "-u", "origin", "main")
    assert found(who) == {}


def test_a_base_branch_that_there_is_not(team: Team) -> None:
    team.first.git("config", "baton.base", "trunk")
    assert found(team.open(team.first)) == {"no-base": "git config baton.base BRANCH"}


def test_before_the_first_commit(tmp_path: Path) -> None:
    repo = make_repository(tmp_path)
    (finding,) = examine(Team.open(Team(tmp_path / "other", {}), repo))
    assert (finding.code, finding.severity, finding.remedy) == ("no-base", "note", "baton init")


def test_not_set_up(tmp_path: Path) -> None:
    repo = make_repository(tmp_path, {"README.md": "x\n"})
    assert found(Team.open(Team(tmp_path / "other", {}), repo)) == {"not-set-up": "baton init"}


def test_the_attribute_for_the_merge_driver_is_missing(team: Team) -> None:
    team.change({".gitattributes": "*.png binary\n"})
    who = team.open(team.first)
    assert found(who) == {"no-merge-attribute": "--fix adds to .gitattributes, as a commit: tasks/**/*.yaml merge=baton"}  # fmt: skip
    mend(who, "no-merge-attribute")
    assert team.first.read(".gitattributes") == "*.png binary\ntasks/**/*.yaml merge=baton\n"
    assert found(who) == {}, "the commit touches no task, so nobody misses it"


def test_another_driver_is_a_persons_choice(team: Team) -> None:
    team.change({".gitattributes": "tasks/** merge=union\n"})
    assert found(team.open(team.first)) == {}


def test_the_merge_driver_is_missing(team: Team) -> None:
    clone = Checkout(team.join().repo.top)
    who = team.open(clone)
    assert found(who) == {"no-merge-driver": "--fix sets merge.baton.driver in .git/config"}
    mend(who, "no-merge-driver")
    merges(clone)


def test_the_merge_driver_is_not_on_path(team: Team) -> None:
    team.first.git("config", "merge.baton.driver", "baton-of-yore merge-file %O %A %B %P")
    who = team.open(team.first)
    assert list(found(who)) == ["merge-driver-not-found"]
    mend(who, "merge-driver-not-found")
    merges(team.first)


def merges(where: Checkout) -> None:
    """Two sides change neighbouring lines, which git by itself can't merge."""
    where.commit({"tasks/m.yaml": "title: M\npriority: low\nrole: tester\n"})
    where.git("switch", "--quiet", "-c", "side")
    where.commit({"tasks/m.yaml": "title: M\npriority: high\nrole: tester\n"})
    where.git("switch", "--quiet", "-")
    where.commit({"tasks/m.yaml": "title: M\npriority: low\nrole: reviewer\n"})
    replace(where, env={**where.env, "PYTHONPATH": SOURCE}).git("merge", "--quiet", "-m", "m", "side")
    assert where.read("tasks/m.yaml") == "title: M\npriority: high\nrole: reviewer\n"


WRAPPER = """\
#!/bin/sh
case " $* " in *" update-ref "*) '{git}' "$@"; kill -9 $PPID; exit 1 ;; esac
exec '{git}' "$@"
"""


def kill_an_edit(where: Checkout) -> None:
    """An edit is killed when its branch has moved, and its index and files have not."""
    folder = where.path.parent / "killing"
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(WRAPPER.format(git=shutil.which("git")))
    (folder / "git").chmod(0o755)
    killed = replace(commander(where), env={"PATH": f"{folder}:{os.environ['PATH']}"})
    assert killed.try_run("set", "a", "priority=high").code == -signal.SIGKILL


@pytest.mark.promise("edit.interrupted")
def test_an_edit_was_interrupted(team: Team) -> None:
    kill_an_edit(team.first)
    who = team.open(team.first)
    assert set(found(who)) == {"interrupted-edit", "stale-lock", "not-pushed"}
    assert set(found(who)) == {"interrupted-edit", "stale-lock", "not-pushed"}, "looking mends nothing"
    mend(who, "interrupted-edit", "stale-lock")
    assert (team.first.status(), team.first.read("tasks/a.yaml")) == ("", "title: A\npriority: high\n")


@pytest.mark.promise("edit.interrupted")
def test_an_edit_was_interrupted_in_another_worktree(team: Team) -> None:
    team.first.git("worktree", "add", "--quiet", "-b", "side", "../side")
    side = Checkout(team.first.path.parent / "side")
    kill_an_edit(side)
    who = team.open(team.first)
    assert set(found(who)) == {"interrupted-edit", "stale-lock"}
    mend(who, "interrupted-edit", "stale-lock")
    assert (side.status(), side.read("tasks/a.yaml")) == ("", "title: A\npriority: high\n")


def test_an_edit_under_way_is_not_interrupted(team: Team) -> None:
    """Somebody holds the writers' lock: whatever stands there may be theirs."""
    kill_an_edit(team.first)
    with queue_writers(open_repository(team.first.path)):
        assert found(team.open(team.first)) == {"not-pushed": "git push origin main"}


@pytest.mark.promise("edit.locks")
def test_a_lock_whose_note_nobody_can_read(team: Team) -> None:
    """A note of another version is dropped with its edit; the index lock stays and blocks git."""
    kill_an_edit(team.first)
    (note,) = (team.first.path / ".git/baton").glob("edit-*.json")
    note.write_text('{"format": 2}')
    commander(team.first)("list")
    assert team.first.try_git("add", "--all").returncode == 128
    who = team.open(team.first)
    assert found(who)["stale-lock"] == "--fix removes it"
    mend(who, "stale-lock")
    assert team.first.try_git("add", "--all").returncode == 0


@pytest.mark.promise("edit.locks")
def test_a_lock_of_others_is_named_and_never_removed(team: Team) -> None:
    team.clock.time = team.clock.time.fromtimestamp(time.time(), team.clock.time.tzinfo)
    lock = team.first.path / ".git/index.lock"
    lock.write_bytes(b"")
    who = team.open(team.first)
    assert found(who) == {}, "a git command may be at work"
    os.utime(lock, (time.time() - 3600, time.time() - 3600))
    (finding,) = examine(who)
    assert (finding.code, finding.fix, finding.remedy) == ("foreign-lock", None, f"if no git command is running here: rm '{lock}'")  # fmt: skip
    assert "for 1h" in finding.message
    treat(who)
    assert lock.exists()
    lock.unlink()
    assert found(who) == {}


def test_a_damaged_cache(team: Team) -> None:
    who = team.open(team.first)
    file = Path(cache_file(who.repo.common_dir))
    assert found(who) == {}
    text = bytearray(file.read_bytes())
    text[4096:12288] = b"\xff" * 8192
    file.write_bytes(text)
    Path(f"{file}-wal").write_bytes(b"junk")
    assert describe_cache(who.repo).is_damaged
    mend(who, "broken-cache")


def test_caches_of_another_version(team: Team) -> None:
    who = team.open(team.first)
    assert found(who) == {}
    old = Path(cache_file(who.repo.common_dir)).with_name("cache-0-0.0.1-cpython-39.sqlite")
    old.write_bytes(b"")
    (finding,) = examine(who)
    assert (finding.code, finding.severity) == ("old-cache", "note")
    treat(who)
    assert not old.exists()
    assert found(who) == {}


def test_a_cache_that_cant_be_read(team: Team) -> None:
    who = team.open(team.first)
    file = Path(cache_file(who.repo.common_dir))
    file.unlink(missing_ok=True)
    file.mkdir(parents=True)
    (finding,) = examine(who)
    assert (finding.code, finding.severity, finding.fix) == ("unusable-cache", "note", None)
    file.rmdir()
    assert found(who) == {}


def test_the_cache_that_commands_use(team: Team) -> None:
    baton = commander(team.first)
    baton("list")
    (cache,) = (team.first.path / ".git/baton").glob("cache-*.sqlite")
    cache.write_bytes(b"no database at all, " * 1000)
    assert [f["code"] for f in baton.json("doctor", code=1)["findings"]] == ["broken-cache"]
    assert [f["code"] for f in baton.json("doctor", "--fix")["fixed"]] == ["broken-cache"]
    assert baton.json("doctor")["findings"] == []
    assert not list(cache.parent.glob("*.damaged"))


def test_a_cache_that_somebody_writes_is_not_damaged(team: Team) -> None:
    who = team.open(team.first)
    assert found(who) == {}
    database = sqlite3.connect(cache_file(who.repo.common_dir), isolation_level=None)
    database.execute("BEGIN EXCLUSIVE")
    assert found(who) == {}
    database.execute("ROLLBACK")
    database.close()


def test_what_was_not_pushed(team: Team) -> None:
    team.first.commit({"x.py": "x = 1\n"})
    who = team.open(team.first)
    assert found(who) == {}
    team.first.commit({"tasks/c.yaml": "title: C\n"})
    (finding,) = examine(who)
    assert (finding.severity, finding.remedy) == ("note", "git push origin main")
    assert commander(team.first)("doctor").code == 0, "that needs no doctor"


# -- workplaces ------------------------------------------------------------------------------------------------

AGENT = """\
import os, pathlib, sys, time
pathlib.Path("half.txt").write_text("half\\n")
pathlib.Path("../../ready").write_text(str(os.getpid()))
time.sleep(600)
"""


def start_run(team: Team) -> tuple[subprocess.Popen[bytes], int, Path]:
    """A run whose agent has begun to write: its runner, the agent's pid, its workplace."""
    config = f"base: main\nagent: s\nagents: {{s: {{adapter: command, command: ['{sys.executable}', agent.py]}}}}\n"
    team.change({"tasks/config.yaml": config, "agent.py": AGENT})
    baton = commander(team.first)
    env = {**baton.environment(), "PYTHONPATH": SOURCE}
    runner = subprocess.Popen(
        [sys.executable, "-m", "gitbaton", "run", "a"], cwd=team.first.path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )  # fmt: skip
    cache = baton.home / "cache" / "gitbaton"
    while not (ready := list(cache.glob("*/ready"))):
        assert runner.poll() is None
        time.sleep(0.05)
    while not ready[0].read_text():
        time.sleep(0.05)
    (root,) = [p for p in ready[0].parent.iterdir() if p.is_dir()]
    return runner, int(ready[0].read_text()), root


@pytest.mark.promise("attempt.kept")
def test_a_workplace_whose_runner_was_killed(team: Team) -> None:
    runner, agent, root = start_run(team)
    who = replace(team.open(team.first), cache=root.parent)
    assert found(who) == {}, "its runner lives"
    runner.kill()
    runner.wait()
    assert found(who)["orphaned-workplace"] == f"end them first: kill {agent}"
    treat(who)
    assert root.exists(), "never while somebody works there"
    os.kill(agent, signal.SIGKILL)
    while is_alive(agent):
        time.sleep(0.02)
    assert found(who)["orphaned-workplace"].startswith("--fix keeps its work")  # type: ignore[union-attr] # it has one
    mend(who, "orphaned-workplace")
    assert not root.exists()
    (kept,) = team.first.git("for-each-ref", "--format=%(refname)", "refs/baton/kept").splitlines()
    assert kept.startswith("refs/baton/kept/a/1-")
    assert team.first.git("show", f"{kept}:half.txt") == "half"
    assert team.first.git("log", "-1", "--format=%s", kept) == "a: what attempt 1 left when its runner died"
    assert team.first.git("for-each-ref", "refs/baton/started") == ""


def abandon(team: Team, files: dict[str, str] | None = None, cache: Path | None = None) -> Path:
    """A workplace in which an agent wrote ``files``, and whose runner is no more."""
    repo = open_repository(team.first.path)
    root = (cache or team.first.path.parent / "cache") / "a-1-abcdefgh"
    place = make_workplace(repo, root, start=team.first.head(), branch="baton/a")
    for path, text in (files or {}).items():
        (place.work / path).write_text(text)
    return root


def test_a_workplace_without_work_leaves_no_ref(team: Team) -> None:
    root = abandon(team)
    who = team.open(team.first)
    assert list(found(who)) == ["orphaned-workplace"]
    mend(who, "orphaned-workplace")
    assert not root.exists()
    assert team.first.git("for-each-ref", "refs/baton/kept", "refs/baton/started") == ""


def test_a_workplace_that_a_person_keeps(team: Team) -> None:
    root = abandon(team, {"x.txt": "x\n"})
    (root / "kept").touch()
    who = team.open(team.first)
    assert found(who) == {}
    treat(who)
    assert root.exists()


def test_a_living_workplace_of_this_process(team: Team) -> None:
    root = team.first.path.parent / "cache" / "a-1-abcdefgh"
    place = make_workplace(open_repository(team.first.path), root, start=team.first.head(), branch="x")
    assert found(team.open(team.first)) == {}
    assert place.hold


@pytest.mark.promise("attempt.kept")
def test_work_that_cannot_be_kept_is_not_deleted(team: Team) -> None:
    root = abandon(team, {"x.txt": "x\n"})
    team.first.git("update-ref", "-d", f"refs/baton/started/{root.name}")
    who = team.open(team.first)
    done = treat(who)
    assert [t for t in done.trouble.values() if "look at it, then: rm -r" in t]
    assert (root / "work/x.txt").exists()
    shutil.rmtree(root)
    assert found(who) == {}


def test_other_folders_in_the_cache_are_none_of_ours(team: Team) -> None:
    cache = team.first.path.parent / "cache"
    (cache / "gitbaton-claude").mkdir(parents=True)
    (cache / "my-notes").mkdir()
    (cache / "a-file-1-x").write_text("")
    (cache / "link-1-abc").symlink_to(team.first.path)
    assert found(team.open(team.first)) == {}


# -- the board -------------------------------------------------------------------------------------------------


def test_a_task_file_that_cannot_be_read(team: Team) -> None:
    team.change({"tasks/a.yaml": "titel: A\n"})
    team.first.git("fetch", "--quiet")
    assert found(team.open(team.first)) == {"broken-file": "baton validate"}


def test_a_state_whose_task_is_gone(team: Team) -> None:
    team.publish("a", {"a.txt": "a\n"})
    team.first.commit({"tasks/a.yaml": None}, push=True)
    who = team.open(team.first)
    assert list(found(who)) == ["state-without-task"]
    mend(who, "state-without-task")
    assert team.state("a").status == "closed"


def test_a_claim_whose_task_is_gone(team: Team) -> None:
    take(team.join(), "a")
    team.first.commit({"tasks/a.yaml": None}, push=True)
    who = team.open(team.first)
    (finding,) = examine(who)
    assert (finding.severity, finding.fix) == ("note", None), "somebody is at it"
    team.clock.advance(1000)
    assert list(found(who)) == ["state-without-task"]
    mend(who, "state-without-task")
    assert team.state("a").status == "stopped"


def test_a_task_that_stands_only_here_is_not_gone(team: Team) -> None:
    team.publish("a", {"a.txt": "a\n"})
    team.first.commit({"tasks/a.yaml": None}, push=True)
    team.first.commit({"tasks/sub/a.yaml": "title: A\n"})
    assert list(found(team.open(team.first))) == ["not-pushed"]


@pytest.mark.parametrize("how", ["merge", "squash"])
def test_work_that_was_merged_by_hand(team: Team, how: str) -> None:
    head = team.publish("a", {"a.txt": "a\n"})
    team.first.git("fetch", "--quiet", "origin", "refs/heads/baton/a")
    team.first.git(
        "merge", "--quiet", *(["--no-ff", "-m", "Merge"] if how == "merge" else ["--squash"]), head
    )
    team.first.commit({}, push=True)
    who = team.open(team.first)
    assert found(who) == {"unnoted-merge": "--fix notes the merge"}
    mend(who, "unnoted-merge")
    assert team.state("a").status == "merged"


def test_a_squash_that_was_changed_is_not_taken_for_the_work(team: Team) -> None:
    """Base says done and has not the work: the review is over, without a merge."""
    team.publish("a", {"a.txt": "a\n"})
    team.change({"tasks/a.yaml": "title: A\nstatus: done\n"})
    who = team.open(team.first)
    assert list(found(who)) == ["finished-but-live"]
    mend(who, "finished-but-live")
    assert team.state("a").status == "closed"


def test_a_cancelled_task_that_is_somebodys(team: Team) -> None:
    take(team.join(), "a")
    team.change({"tasks/a.yaml": "title: A\nstatus: cancelled\n"})
    who = team.open(team.first)
    assert [(f.code, f.severity, f.fix) for f in examine(who)] == [("finished-but-live", "note", None)]
    team.clock.advance(1000)
    mend(who, "finished-but-live")
    assert team.state("a").status == "stopped"


def test_a_review_on_a_forge_is_closed_there(team: Team) -> None:
    from gitbaton.domain.state import PullRequest

    team.publish("a", {"a.txt": "a\n"})
    pull = PullRequest(number=7, url="https://forge.example/pull/7")
    advance(
        team.join().fetched(), "a", "review_opened", lambda _: {"pull_request": pull}, run=team.state("a").run
    )
    team.change({"tasks/a.yaml": "title: A\nstatus: cancelled\n"})
    remedy = "merge or close https://forge.example/pull/7, then: baton sync"
    assert found(team.open(team.first)) == {"finished-but-live": remedy}


def test_merged_work_whose_file_never_said_done(tmp_path: Path) -> None:
    team = Team(tmp_path, dict(TASKS), remote=False)
    set_driver(team.first)
    team.publish("a", {"a.txt": "a\n"})
    work = team.first.path.parent / "by-hand"
    team.first.git("worktree", "add", "--quiet", str(work), "baton/a")
    head = Checkout(work).commit({"tasks/a.yaml": "title: A\n"}, "Say nothing")
    team.first.git("worktree", "remove", str(work))
    who = team.join()
    advance(who, "a", "taken_over", lambda _: {"head": head})
    team.first.git("merge", "--quiet", "--no-ff", "-m", "Merge", "baton/a")
    assert list(found(who)) == ["unnoted-merge"]
    mend(who, "unnoted-merge", "merged-not-done")
    assert team.first.read("tasks/a.yaml") == "title: A\nstatus: done\n"


def test_a_task_that_was_opened_again_stays_open(team: Team) -> None:
    head = team.publish("a", {"a.txt": "a\n"})
    team.first.git("fetch", "--quiet", "origin", "refs/heads/baton/a")
    team.first.git("merge", "--quiet", "--no-ff", "-m", "Merge", head)
    team.first.commit({}, push=True)
    who = team.open(team.first)
    mend(who, "unnoted-merge")
    team.change({"tasks/a.yaml": "title: A\nstatus: todo\n"})
    assert found(who) == {}


def test_a_state_that_cannot_be_read(team: Team) -> None:
    take(team.join(), "a")
    good = team.first.git("ls-remote", "origin", "refs/baton/tasks/a").split()[0]
    tree = team.first.git("mktree", stdin=f"100644 blob {team.first.git('hash-object', '-w', '--stdin', stdin='status: odd')}\tstate.yaml\n")  # fmt: skip
    team.first.git("fetch", "--quiet", "origin", "refs/baton/tasks/a")
    bad = team.first.git("commit-tree", tree, "-p", good, "-m", "bad")
    team.first.git("push", "--quiet", "origin", f"{bad}:refs/baton/tasks/a")
    who = team.open(team.first)
    remedy = found(who)["unreadable-state"]
    assert remedy == f"see what happened: git log refs/baton/remote/tasks/a; to go back: git push origin +{good[:12]}:refs/baton/tasks/a"  # fmt: skip
    team.first.git(*remedy.partition("to go back: git ")[2].split())
    assert found(who) == {}


def test_an_unfinished_task_in_the_archive(team: Team) -> None:
    team.change({"tasks/a.yaml": "title: A\nstatus: done\n"})
    who = team.open(team.first)
    archive_tasks(who, ["a"])
    (path,) = team.first.git("ls-files", "tasks/archive").splitlines()
    team.first.commit({path: "title: A\nstatus: todo\n"}, push=True)
    assert found(who) == {"unfinished-in-archive": "--fix baton archive --restore a"}
    mend(who, "unfinished-in-archive")
    assert team.first.read("tasks/a.yaml") == "title: A\nstatus: todo\n"


def test_a_folder_that_has_grown_too_large(tmp_path: Path) -> None:
    many = {f"tasks/t{n}.yaml": "title: T\n" for n in range(999)}
    team = Team(tmp_path, {**TASKS, **many}, remote=False)
    set_driver(team.first)
    (finding,) = examine(team.join())
    assert (finding.code, finding.severity) == ("large-folder", "note")
    assert finding.remedy == "baton archive; for new tasks: layout: shard in tasks/config.yaml"
    team.first.commit({"tasks/t0.yaml": None})
    assert examine(team.join()) == []


# -- many at once, and killed ----------------------------------------------------------------------------------


def break_much(team: Team) -> Path:
    kill_an_edit(team.first)
    team.first.git("config", "--unset", "merge.baton.driver")
    (team.first.path / ".git/baton/junk.sqlite").write_bytes(b"junk" * 100)
    cache = find_cache(open_repository(team.first.path), commander(team.first).environment())
    root = abandon(team, {"x.txt": "x\n"}, cache)
    team.publish("b", {"b.txt": "b\n"}, who=team.join("bot"))
    return root


def start_doctor(team: Team, **env: str) -> subprocess.Popen[str]:
    baton = replace(commander(team.first), env=env)
    return subprocess.Popen(
        [sys.executable, "-m", "gitbaton", "doctor", "--fix"], cwd=team.first.path, env={**baton.environment(), "PYTHONPATH": SOURCE},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def settle(team: Team, root: Path) -> None:
    """After one more doctor all is well, and nothing was lost."""
    who = replace(team.open(team.first), cache=root.parent)
    treat(who)
    left = [f for f in examine(who.reread()) if f.severity != "note"]
    assert left == []
    assert not root.exists()
    kept = team.first.git("for-each-ref", "--format=%(refname)", "refs/baton/kept").splitlines()
    assert [team.first.git("show", f"{ref}:x.txt") for ref in kept] == ["x"]
    assert (team.first.status(), team.first.read("tasks/a.yaml")) == ("", "title: A\npriority: high\n")


def test_three_doctors_at_once(team: Team) -> None:
    root = break_much(team)
    doctors = [start_doctor(team) for _ in range(3)]
    for doctor in doctors:
        said = doctor.communicate(timeout=120)[0]
        assert doctor.returncode in (0, 1), said
        assert "Traceback" not in said
    settle(team, root)


@pytest.mark.parametrize("nth", [12, 25, 40, 60])
def test_a_doctor_that_is_killed(team: Team, nth: int) -> None:
    """At the ``nth`` call of git."""
    root = break_much(team)
    folder = team.first.path.parent / "counting"
    folder.mkdir()
    count = folder / "count"
    (folder / "git").write_text(
        f"#!/bin/sh\necho >> '{count}'\n[ $(wc -l < '{count}') -ge {nth} ] && kill -9 $PPID && exit 1\nexec '{shutil.which('git')}' \"$@\"\n"
    )
    (folder / "git").chmod(0o755)
    doctor = start_doctor(team, PATH=f"{folder}:{os.environ['PATH']}")
    doctor.communicate(timeout=120)
    assert doctor.returncode in (-signal.SIGKILL, 0)
    settle(team, root)


def test_the_page_names_every_finding() -> None:
    top = Path(__file__).parents[2]
    sources = [
        (Path(SOURCE) / f"gitbaton/usecases/{name}.py").read_text() for name in ("checkup", "disagreements")
    ]
    codes = {
        c for text in sources for c in re.findall(r'(?:Finding\(\s*|_end\(project, tip, )"([a-z-]+)"', text)
    }
    assert len(codes) > 15
    page = (top / "docs/how-to/keep-it-healthy.md").read_text()
    named = {c for line in page.splitlines() if line.startswith("| `") for c in re.findall(r"`([a-z-]+)`", line.split("|")[1])}  # fmt: skip
    opening = {"old-git", "no-git", "no-repository", "bare-repository", "dubious-ownership"}
    assert named - opening == codes
