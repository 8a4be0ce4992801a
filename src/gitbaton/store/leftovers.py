"""What dead processes left behind: told from the work of living ones, and cleared away so that nothing is lost.

Whether a process lives is read from locks that the kernel frees (the writers' lock, a workplace's), never from
a process id in a file: ids are used again, and another container has its own.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal, TryAgain
from gitbaton.store.capture import bring_home, capture_tree, own_git
from gitbaton.store.edits import queue_writers
from gitbaton.store.git import commit_tree, list_refs, resolve
from gitbaton.store.journal import recover
from gitbaton.store.live import TOOL
from gitbaton.store.merging import recover_followings
from gitbaton.store.repository import open_repository
from gitbaton.store.workplace import KEPT, RUNNER_LOCK, STARTED, place_at, remove_workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.store.repository import Repository

#: What ``journal.Journal`` writes into an index lock of ours.
_OURS = b"gitbaton, edit "
#: A workplace is made within moments; one that has no lock of its runner after this time never will.
_BEGINNING_S = 60.0

# -- edits and locks -----------------------------------------------------------------------------------------


class Lock(NamedTuple):
    """A lock file of git. ``ours``: a gitbaton process made it. ``since``: seconds since the epoch."""

    path: Path
    ours: bool
    since: float


def find_interrupted(repo: Repository) -> list[Path]:
    """The working trees in which an edit was killed half-way, or those that were to follow the base branch.
    None while somebody writes: it may be theirs.
    """
    if not _list_interrupted(repo):
        return []
    with suppress(Refusal), _alone(repo) as alone:  # where nobody may write, nobody does
        if not alone:
            return []
    return _list_interrupted(repo)


def _list_interrupted(repo: Repository) -> list[Path]:
    folders = {worktree: git_dir for git_dir, worktree in _list_worktrees(repo)}
    found = [tree for tree, git_dir in folders.items() if _has_note(git_dir / "baton", "edit-")]
    return found or ([repo.top] if _has_note(repo.common_dir / "baton", "checkout-") else [])


def _has_note(folder: Path, prefix: str) -> bool:
    try:
        return any(name.startswith(prefix) for name in os.listdir(folder))
    except OSError:
        return False


def _list_worktrees(repo: Repository) -> list[tuple[Path, Path]]:
    """(git dir, working tree) of this worktree and of all others of the repository."""
    found = {repo.git_dir: repo.top}
    for line in repo.git.text("worktree", "list", "--porcelain", "-z").split("\0"):
        key, _, value = line.partition(" ")
        if key == "worktree" and (top := Path(value)).is_dir():
            git_dir = type(repo.git)(top).find("rev-parse", "--absolute-git-dir")
            if git_dir:
                found.setdefault(Path(git_dir), top)
    return list(found.items())


def complete_in(repo: Repository, worktree: Path) -> None:
    """Complete what was interrupted in ``worktree``. Raises ``TryAgain`` while somebody writes."""
    there = repo if worktree == repo.top else open_repository(worktree)
    with queue_writers(there, wait=False):
        recover_followings(there)
        recover(there)


def find_locks(repo: Repository) -> list[Lock]:
    """Git's lock files here. None of ours while somebody of ours writes."""
    files = [git_dir / name for git_dir, _ in _list_worktrees(repo) for name in ("index.lock", "HEAD.lock")]
    files += [repo.common_dir / name for name in ("config.lock", "packed-refs.lock", "shallow.lock")]
    for folder, _, names in os.walk(repo.common_dir / "refs"):
        files += [Path(folder, name) for name in names if name.endswith(".lock")]
    found = []
    for file in files:
        try:
            since = file.stat().st_mtime
            ours = file.read_bytes().startswith(_OURS)
        except OSError:
            continue
        found.append(Lock(file, ours, since))
    if any(lock.ours for lock in found):
        with suppress(Refusal), _alone(repo) as alone:
            if not alone:
                found = [lock for lock in found if not lock.ours]
    return found


def drop_lock(repo: Repository, lock: Lock) -> None:
    """Remove a lock of ours. No gitbaton process can hold one while we hold the writers' lock. Raises
    ``TryAgain`` while somebody writes.
    """
    with queue_writers(repo, wait=False), suppress(OSError):
        if lock.path.read_bytes().startswith(_OURS):
            lock.path.unlink()


@contextmanager
def _alone(repo: Repository) -> Iterator[bool]:
    """Whether nobody writes here at the moment. Raises ``Refusal`` where nobody can."""
    try:
        with queue_writers(repo, wait=False):
            yield True
    except TryAgain:
        yield False


# -- workplaces ----------------------------------------------------------------------------------------------


class Abandoned(NamedTuple):
    """A workplace whose runner is dead. ``processes`` still work in it: what the agent had started."""

    root: Path
    task: str
    attempt: int
    run: str
    processes: tuple[int, ...]


def find_abandoned(cache: Path) -> list[Abandoned]:
    """The workplaces below ``cache`` whose runner is dead, but those that a person wanted to stay."""
    try:
        names = sorted(os.listdir(cache))
    except OSError:
        return []
    found = []
    for name in names:
        root = cache / name
        task, _, rest = name.rpartition("-")
        task, _, number = task.rpartition("-")
        if not (task and number.isdecimal() and rest) or root.is_symlink() or not root.is_dir():
            continue
        if (root / KEPT).exists():
            continue
        with _seize(root) as dead:
            if dead:
                found.append(Abandoned(root, task, int(number), rest, find_processes(root)))
    return found


def is_runner_alive(root: Path) -> bool:
    """Whether the runner of the workplace at ``root`` lives and is not through with it."""
    try:
        descriptor = os.open(root / RUNNER_LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a disk without locks
        return False
    else:
        return False
    finally:
        os.close(descriptor)


@contextmanager
def _seize(root: Path) -> Iterator[bool]:
    """Whether the runner of a workplace is dead; nobody else gets it while the context is open."""
    try:
        descriptor = os.open(root / RUNNER_LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield _is_old(root)
        return
    except OSError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        dead = False
    else:
        dead = True
    try:
        yield dead
    finally:
        os.close(descriptor)


def _is_old(root: Path) -> bool:
    """By the clock of the disk alone."""
    probe = root.parent / f".{os.getpid()}.probe"
    try:
        probe.touch()
        now = probe.stat().st_mtime
        probe.unlink()
        return now - root.stat().st_mtime > _BEGINNING_S
    except OSError:
        return False


def find_processes(root: Path) -> tuple[int, ...]:
    """Processes that work in ``root``, or were started for it. Without ``/proc``: none are found."""
    mark = os.fsencode(root) + b"/"
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            where = os.fsencode(os.readlink(entry / "cwd")) + b"/"
            if where.startswith(mark) or mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
    return tuple(sorted(set(found) - {os.getpid()}))


def clear_away(repo: Repository, left: Abandoned, *, salvage: bool) -> str | None:
    """Remove an abandoned workplace. With ``salvage``, what the agent had changed is kept first, as a commit
    under a ref of this clone, whose name is returned. Raises ``TryAgain`` (``busy``) where somebody works after
    all, ``Refusal`` (``cannot-keep``) where git can't hold what is there.
    """
    with _seize(left.root) as dead:
        if not left.root.exists():
            return None  # another one has done it
        if not dead or find_processes(left.root):
            raise TryAgain(f"somebody works in {left.root}", code="busy", hint="try again later")
        kept = _salvage(repo, left) if salvage else None
        remove_workplace(repo, left.root)
        return kept


def _salvage(repo: Repository, left: Abandoned) -> str | None:
    place = place_at(repo, left.root)
    started = f"{STARTED}{left.root.name}"
    start = list_refs(repo.git, started).get(started)
    if start is None or not place.work.is_dir() or not os.listdir(place.work):
        if place.work.is_dir() and set(os.listdir(place.work)) - {".git"}:
            raise Refusal(
                f"it is not known any more where the work in {place.work} began", code="cannot-keep",
                hint=f"look at it, then: rm -r '{left.root}'",
            )  # fmt: skip
        return None
    captured = capture_tree(place, start)
    if captured.left_out:
        raise Refusal(
            f"git can't hold {captured.left_out[0].path} in {place.work}", code="cannot-keep",
            hint=f"look at it, then: rm -r '{left.root}'",
        )  # fmt: skip
    if captured.tree == repo.git.text("rev-parse", f"{start}^{{tree}}"):
        return None
    message = (
        f"{left.task}: what attempt {left.attempt} left when its runner died\n\n"
        f"Baton-Task: {left.task}\nBaton-Attempt: {left.attempt}\nBaton-Run: {left.run}\n"
    )
    ref = f"{repo.config.namespace}/kept/{left.task}/{left.attempt}-{left.run}"
    head = commit_tree(own_git(place), captured.tree, [start], message, author=TOOL)
    bring_home(repo, place, head)
    repo.git.call("update-ref", ref, head)
    assert resolve(repo.git, ref) == head, "only what is safe may be deleted elsewhere"
    return ref
