"""Edits that are killed between two steps that git can't make one: the next command completes them, and
nothing that a person did since is lost.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from typing import TYPE_CHECKING

import pytest

from gitbaton.store.edits import commit_edits
from gitbaton.store.repository import open_repository
from support.cli import Baton
from support.photograph import photograph
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("edit.interrupted")

TASK = "tasks/a.yaml"
TEXT = "title: A\npriority: low\n\nstatus: todo\n\nlabels: [x]\n"
EDITED = TEXT.replace("low", "high")
#: Kills whoever started git right after (or instead of) the git command that it is told.
WRAPPER = """\
#!/bin/sh
case " $* " in *" $STOP_AT "*)
  case "$STOP_HOW" in fails) echo 'fatal: unable to write file: No space left on device' >&2; exit 128 ;; after) '{git}' "$@" ;; esac
  kill -9 $PPID
  exit 1 ;;
esac
exec '{git}' "$@"
"""
#: Just before, and just after, the branch moves; when the files are written and the index is not.
BEFORE, MOVED, WRITTEN = ("update-ref", "instead"), ("update-ref", "after"), ("--refresh", "instead")


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {TASK: TEXT, "tasks/b.yaml": "title: B\n", "x.py": "x = 1\n"})


def baton(work: Checkout) -> Baton:
    return Baton(work.path, work.path.parent / "home")


def disturb(work: Checkout, point: tuple[str, str]) -> Baton:
    """Commands that end, or whose git fails, at ``point``."""
    folder = work.path.parent / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "git").write_text(WRAPPER.format(git=shutil.which("git")))
    (folder / "git").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "STOP_AT": point[0], "STOP_HOW": point[1]}
    return Baton(work.path, work.path.parent / "home", env)


def kill(work: Checkout, point: tuple[str, str], *words: str) -> None:
    """Run a command that is killed at ``point``."""
    said = disturb(work, point).try_run(*(words or ("set", "a", "priority=high")))
    assert said.code == -signal.SIGKILL


@pytest.mark.parametrize("point", [MOVED, WRITTEN])
@pytest.mark.parametrize(
    "following", [("list",), ("set", "b", "priority=low"), ("show", "a")], ids=lambda w: w[0]
)
def test_the_next_command_completes_it(
    work: Checkout, point: tuple[str, str], following: tuple[str, ...]
) -> None:
    work.write({"x.py": "x = 2\n", "tasks/b.yaml": "title: B\n# mine\n", "loose.txt": "l\n"})
    work.git("add", "x.py")
    if point is WRITTEN:  # this way git writes the index
        work.git("update-index", "--index-version", "4")
    kill(work, point)
    assert work.git("show", f"HEAD:{TASK}") + "\n" == EDITED, "it was committed"
    assert (work.path / ".git/index.lock").exists(), "git's own commands wait instead of committing a revert"
    baton(work)(*following)
    assert work.read(TASK) == EDITED
    assert work.status() == " M tasks/b.yaml\nM  x.py\n?? loose.txt"
    photograph(work.path)  # asserts that nothing was left behind


@pytest.mark.parametrize("call", ["ls-files --stage -v", "update-index", "ls-tree"])
def test_it_is_completed_later_where_git_fails_meanwhile(work: Checkout, call: str) -> None:
    kill(work, MOVED)
    disturb(work, (call, "fails")).try_run("doctor", "--fix")
    baton(work)("list")
    assert work.read(TASK) == EDITED
    assert work.status() == ""


def test_before_the_branch_moved_it_never_happened(work: Checkout) -> None:
    work.write({"x.py": "x = 2\n"})
    before = photograph(work.path)
    kill(work, BEFORE)
    assert len(list((work.path / ".git/baton").iterdir())) > 2, "all was ready"
    baton(work)("list")
    assert photograph(work.path) == before


def test_staged_and_unstaged_work_in_the_same_file(work: Checkout) -> None:
    work.write({TASK: TEXT.replace("title: A", "title: A staged")})
    work.git("add", TASK)
    work.write({TASK: work.read(TASK) + "# unstaged\n"})
    kill(work, MOVED)
    baton(work)("list")
    assert work.git("show", f":{TASK}") + "\n" == EDITED.replace("title: A", "title: A staged")
    assert work.read(TASK) == EDITED.replace("title: A", "title: A staged") + "# unstaged\n"
    assert work.status() == f"MM {TASK}"


def clear_lock(work: Checkout) -> None:
    """What people do with a lock that stands in their way."""
    (work.path / ".git/index.lock").unlink()


def test_what_a_person_typed_since_stays(work: Checkout) -> None:
    kill(work, MOVED)
    work.write({TASK: TEXT.replace("labels: [x]", "labels: [mine]")})
    baton(work)("list")
    assert work.read(TASK) == TEXT.replace("labels: [x]", "labels: [mine]")
    assert work.git("show", f":{TASK}") + "\n" == EDITED, "the index was still as it had been"
    assert work.status() == f" M {TASK}"


def test_what_a_person_staged_since_stays(work: Checkout) -> None:
    kill(work, MOVED)
    clear_lock(work)
    work.write({TASK: TEXT.replace("labels: [x]", "labels: [mine]")})
    work.git("add", TASK)
    baton(work)("list")
    assert (
        work.git("show", f":{TASK}") + "\n"
        == work.read(TASK)
        == TEXT.replace("labels: [x]", "labels: [mine]")
    )


def test_a_branch_switched_since_stays_as_it_is(work: Checkout) -> None:
    work.git("branch", "side")
    kill(work, MOVED)
    clear_lock(work)
    work.git("checkout", "--quiet", "--force", "side")
    before, status = photograph_all(work), work.status()
    baton(work)("list")
    assert (photograph(work.path), work.status()) == (before, status)
    work.git("checkout", "--quiet", "main")
    assert work.read(TASK) == EDITED


def photograph_all(work: Checkout) -> object:
    """A photograph while the note of the killed edit still lies there."""
    for note in (work.path / ".git/baton").glob("edit-*"):
        note.rename(note.with_name("away-" + note.name))
    found = photograph(work.path)
    for note in (work.path / ".git/baton").glob("away-*"):
        note.rename(note.with_name(note.name.removeprefix("away-")))
    return found


def test_a_commit_taken_back_since_is_not_brought_back(work: Checkout) -> None:
    start = work.head()
    kill(work, MOVED)
    clear_lock(work)
    work.git("reset", "--quiet", "--hard", start)
    baton(work)("list")
    assert (work.head(), work.read(TASK), work.status()) == (start, TEXT, "")


def test_a_revert_committed_since_stands(work: Checkout) -> None:
    kill(work, MOVED)
    clear_lock(work)
    work.git("commit", "--quiet", "--all", "-m", "Mine, and the revert")
    baton(work)("list")
    assert (work.read(TASK), work.status()) == (TEXT, "")


def test_a_merge_begun_since_is_left_alone(work: Checkout) -> None:
    work.git("branch", "side")
    kill(work, MOVED)
    clear_lock(work)
    work.git("reset", "--quiet", "--hard")
    work.git("checkout", "--quiet", "side")
    work.commit({TASK: TEXT.replace("low", "critical")})
    work.git("checkout", "--quiet", "main")
    assert work.try_git("merge", "side").returncode == 1
    text = work.read(TASK)
    baton(work).try_run("list")
    assert work.read(TASK) == text
    assert work.status() == f"UU {TASK}"


def test_a_new_file_is_completed(work: Checkout) -> None:
    kill(work, MOVED, "add", "New one", "--id", "new-one")
    assert work.status() == "D  tasks/new-one.yaml"
    baton(work)("list")
    assert work.status() == ""
    assert work.read("tasks/new-one.yaml") == work.git("show", "HEAD:tasks/new-one.yaml") + "\n"


def test_a_deletion_is_completed(work: Checkout) -> None:
    """Killed here is the process that a person started, so this one plays it without the command line."""
    commit_edits(open_repository(work.path), {TASK: lambda _: None}, "Remove a")
    assert work.status() == ""
    work.git("reset", "--quiet", "--hard", "HEAD~1")


@pytest.mark.parametrize("path", [TASK, "tasks/new.yaml"])
def test_what_a_person_typed_in_the_second_of_their_git_add_stays_visible(work: Checkout, path: str) -> None:
    """Size and time of the file are as in the index; only the index's own time tells git to look closer."""
    work.write({"x.py": "x = 2\n"})
    work.git("add", "x.py")
    work.write({"x.py": "x = 3\n"})
    file, index = work.path / "x.py", work.path / ".git/index"
    wait_for_next_second(index)
    commit_edits(open_repository(work.path), {path: lambda _: EDITED.encode()}, "Edit a")
    assert file.read_text() == "x = 3\n"
    assert work.status() == "MM x.py"


def wait_for_next_second(file: Path) -> None:
    while int(time.time()) <= int(file.stat().st_mtime):
        time.sleep(0.01)


def test_in_a_linked_worktree(work: Checkout) -> None:
    work.git("worktree", "add", "--quiet", "-b", "side", "../side")
    side = Checkout(work.path.parent / "side")
    kill(side, MOVED)
    baton(work)("list")
    assert side.read(TASK) == TEXT, "the other worktree is not ours to touch"
    baton(side)("list")
    assert (side.read(TASK), side.status(), work.status()) == (EDITED, "", "")


@pytest.mark.promise("edit.locks")
def test_a_lock_of_somebody_else_stays(work: Checkout) -> None:
    kill(work, BEFORE)
    lock = work.path / ".git/index.lock"
    lock.unlink()
    lock.write_text("")
    baton(work)("list")
    assert lock.exists()
    lock.unlink()
    baton(work)("set", "a", "priority=high")
    assert work.status() == ""


def test_notes_that_nobody_can_read_are_cleared_away(work: Checkout) -> None:
    folder = work.path / ".git/baton"
    folder.mkdir()
    for name, text in {
        "edit-1.json": "{",
        "edit-2.json": '{"steps": 3}',
        "edit-3.tmp": "",
        "edit-4.lock": "",
    }.items():
        (folder / name).write_text(text)
    baton(work)("list")
    assert sorted(p.name for p in folder.iterdir() if not p.name.startswith("cache-")) == ["write.lock"]
