"""Merging a task branch on bare Git, without a checkout, and bringing a checked-out base up to date."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain
from gitbaton.store.checkout import LOCK_PATIENCE_S
from gitbaton.store.failures import explain_failure
from gitbaton.store.git import Git, commit_tree, is_ancestor, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitbaton.store.repository import Repository

#: The merge driver of ``gitbaton init``, found without PATH; ``-P`` keeps the repository's own files from
#: being taken for Python's.
_DRIVER = f"{shlex.quote(sys.executable)} -P -m gitbaton merge-file %O %A %B %P"

#: Failures of the machine, or somebody else's lock: not what a note says is wrong, but the moment.
_PASSING = ("disk-full", "exhausted", "git-killed", "locked", "not-writable")
_PACKAGES = os.fspath(Path(__file__).resolve().parents[2])


class Merge(NamedTuple):
    """A merge commit that stands in the object store and moves nothing yet."""

    commit: str
    base: str


class Trees(NamedTuple):
    """What two commits come to, merged: ``tree``, with conflict markers in the files of ``conflicts``."""

    tree: str
    conflicts: tuple[bytes, ...]


def merge_trees(repo: Repository, base: str, head: str) -> Trees:
    """Merge commit ``head`` into commit ``base``, without a commit. Markers name the two commits. Raises ``Refusal``:
    ``unrelated`` (a shallow clone lacks the common history).
    """
    done = repo.git.run(
        "-c", f"merge.baton.driver={_DRIVER}", "-c", "merge.conflictStyle=merge", "merge-tree", "--write-tree", "--name-only", "-z",
        "--no-messages", base, head,
        env={"PYTHONPATH": os.pathsep.join([_PACKAGES, *filter(None, [os.environ.get("PYTHONPATH")])])},
    )  # fmt: skip
    if done.code not in (0, 1):
        if "unrelated histories" in done.err or "not something we can merge" in done.err:
            raise Refusal(
                "the common history is missing here",
                code="unrelated",
                hint="git fetch --unshallow, then try again",
            )
        raise explain_failure(("merge-tree",), done)
    tree, *names = done.out.split(b"\0")
    conflicts = [n for n in names if n] or [b"?"] if done.code else []
    return Trees(tree.decode().strip(), tuple(conflicts))


def make_merge(repo: Repository, base: str, head: str, message: str) -> Merge:
    """Merge commit ``head`` into commit ``base``. Raises ``Refusal``: ``merge-conflict`` with the files,
    ``no-identity``, ``unrelated`` (a shallow clone lacks the common history).
    """
    if is_ancestor(repo.git, head, base):
        return Merge(base, base)
    merged = merge_trees(repo, base, head)
    if merged.conflicts:
        names = [n.decode("utf-8", "replace") for n in merged.conflicts]
        raise Refusal(
            f"the branch conflicts with {repo.base.branch} in {', '.join(names[:8])}", code="merge-conflict",
            hint=f"merge {repo.base.branch} into the task branch by hand, push it, then accept again", data={"files": names},
        )  # fmt: skip
    return Merge(commit_tree(repo.git, merged.tree, [base, head], message, sign=True), base)


# -- a checked-out base ----------------------------------------------------------------------------------------


class CheckedOut(NamedTuple):
    """A worktree that has the branch ``ref`` checked out, at ``commit`` (None: it has none yet)."""

    git: Git
    ref: str
    commit: str | None


def _find_top(repo: Repository, listed: Path) -> Path:
    """The working tree for a path that ``git worktree list`` gives. Of a git dir that stands apart (in submodules,
    and with ``--separate-git-dir``) git lists the git dir itself.
    """
    if (listed / ".git").exists():
        return listed
    if repo.git_dir == repo.common_dir:
        return repo.top
    top = Git(listed).find("rev-parse", "--show-toplevel")
    if top is None:
        raise Refusal(
            f"{repo.base.branch} is checked out in a working tree that git can't name", code="no-worktree",
            hint=f"run this in the working tree that has {repo.base.branch} checked out",
        )  # fmt: skip
    return Path(top)


def find_checkout(repo: Repository, branch: str | None = None) -> CheckedOut | None:
    """The worktree in which ``branch`` (None: base) is checked out, if any. Raises ``Refusal`` (``no-worktree``)."""
    ref = f"refs/heads/{branch or repo.base.branch}"
    where: Path | None = None
    for line in repo.git.text("worktree", "list", "--porcelain", "-z").split("\0"):
        key, _, value = line.partition(" ")
        if key == "worktree":
            where = Path(value)
        elif key == "branch" and value == ref and where and where.is_dir():
            return CheckedOut(Git(_find_top(repo, where)), ref, resolve(repo.git, ref))
    return None


def refuse_dirty(place: CheckedOut, target: str) -> None:
    """Raises ``Refusal`` (``dirty-files``) when going to ``target`` would touch files that have changes here,
    untracked and ignored ones included.
    """
    hit = sorted({n.decode("utf-8", "replace") for n in _find_dirty(place, target)})
    if not hit:
        _refresh(place)
        done = place.git.run("read-tree", "-m", "-u", "--dry-run", place.commit or target, target)
        if done.code == 0:
            return
        hit = [done.err.strip().removeprefix("error: ").splitlines()[0] if done.err.strip() else "?"]
    raise Refusal(
        f"{place.ref.removeprefix('refs/heads/')} is checked out with changes of your own in files of this work: {', '.join(hit[:8])}",
        code="dirty-files", hint="commit or stash them first", data={"files": hit, "worktree": os.fspath(place.git.where)},
    )  # fmt: skip


def _refresh(place: CheckedOut) -> None:
    """Let git see which files only look changed (copied, touched): ``read-tree`` goes by their times alone."""
    place.git.run("update-index", "-q", "--refresh")


def _find_dirty(place: CheckedOut, target: str) -> Iterator[bytes]:
    fields = place.git.call(
        "diff-tree", "-r", "-z", "--name-status", "--no-renames", place.commit or target, target
    ).split(b"\0")
    letters = dict(zip(fields[1::2], fields[::2], strict=False))
    status = place.git.call("status", "--porcelain", "-z", "--untracked-files=all", "--no-renames")
    dirty = {field[3:] for field in status.split(b"\0") if field}
    top = os.fsencode(place.git.where)
    for path, letter in letters.items():
        if path in dirty:
            yield path
        elif letter == b"A":  # anything that stands there is a person's: untracked, maybe ignored
            parts = path.split(b"/")
            above = [b"/".join(parts[:n]) for n in range(1, len(parts))]
            in_the_way = [a for a in above if _is_file(top, a) and letters.get(a) != b"D"]
            if os.path.lexists(os.path.join(top, path)) and not in_the_way:
                below = path + b"/"
                gone = [p for p, how in letters.items() if p.startswith(below) and how == b"D"]
                in_the_way = [] if gone else [path]
            yield from in_the_way


def _is_file(top: bytes, path: bytes) -> bool:
    full = os.path.join(top, path)
    return os.path.islink(full) or os.path.isfile(full)


class Following:
    """A worktree on its way from ``place.commit`` to ``target``. The note of it lets the next command complete
    what is killed between the branch's move and the files'. The caller holds the writers' lock.
    """

    def __init__(self, repo: Repository, place: CheckedOut, target: str) -> None:
        self._place = place
        self._target = target
        self._note = repo.common_dir / "baton" / f"checkout-{target[:12]}-{os.getpid()}.json"

    def announce(self) -> None:
        """Note what is about to happen."""
        body = {
            "where": os.fspath(self._place.git.where), "ref": self._place.ref, "old": self._place.commit, "new": self._target,
        }  # fmt: skip
        temporary = self._note.with_suffix(".tmp")
        temporary.write_text(json.dumps(body))
        temporary.replace(self._note)

    def arrive(self) -> None:
        """The branch has moved: bring index and files along; everything else there stays as it is. Raises
        ``TryAgain`` (``half-written``); the note stays then.
        """
        try:
            _bring_along(self._place, self._target)
        except BatonError as error:
            raise TryAgain(
                f"the branch stands at {self._target[:10]}, but the checkout could not be brought up to date: {error.message}",
                code="half-written",
                hint=f"see what is wrong in {self._place.git.where}; the next baton command completes it",
                data={"commit": self._target},
            ) from error
        self.give_up()

    def give_up(self) -> None:
        """The branch has not moved, or all is done."""
        self._note.unlink(missing_ok=True)


def move_along(repo: Repository, place: CheckedOut, target: str, publish: Callable[[], None]) -> None:
    """Let a worktree go to ``target`` as ``publish`` moves its branch there: never does it look as if the new
    commits were taken back. Raises ``Refusal`` (``dirty-files``) before anything has happened, and what
    ``publish`` raises. The caller holds the writers' lock.
    """
    refuse_dirty(place, target)
    following = Following(repo, place, target)
    following.announce()
    try:
        publish()
    except BaseException:
        if resolve(repo.git, place.ref) != target:
            following.give_up()
        raise
    following.arrive()


def move_branch(repo: Repository, ref: str, new: str, old: str | None, message: str) -> None:
    """Move a branch by compare-and-swap (``old`` None = it must not exist). Raises ``LostRace``, or ``TryAgain`` (``ref-locked``)."""
    done = repo.git.run("update-ref", "-m", f"baton: {message}", ref, new, old or "0" * len(new))
    if done.code == 0:
        return
    if resolve(repo.git, ref) != old:
        raise LostRace([ref])
    raise TryAgain(
        f"the branch could not be moved: {done.err.strip()}",
        code="ref-locked",
        hint="try again; if no git command is running, remove the .lock file that git names",
    )


def _bring_along(place: CheckedOut, target: str) -> None:
    end = time.monotonic() + LOCK_PATIENCE_S
    while True:
        _refresh(place)
        done = place.git.run("read-tree", "-m", "-u", *([place.commit] if place.commit else []), target)
        if done.code == 0:
            return
        if "index.lock" not in done.err or time.monotonic() > end:
            raise explain_failure(("read-tree",), done)
        time.sleep(0.02)


def recover_followings(repo: Repository) -> None:
    """Bring worktrees along whose base branch moved under a command that was killed. Where a person has
    changed the same files since, nothing is touched. The caller holds the writers' lock.
    """
    for note in sorted((repo.common_dir / "baton").glob("checkout-*")):
        try:
            body = json.loads(note.read_bytes())
            place = CheckedOut(Git(Path(body["where"])), body["ref"], body["old"])
            at = place.git.find("symbolic-ref", "--quiet", "HEAD") == place.ref
            if at and resolve(place.git, place.ref) == body["new"]:
                _bring_along(place, body["new"])
        except BatonError as error:
            if error.code in _PASSING:
                continue  # it can be done another time
        except (ValueError, KeyError, TypeError, OSError):
            pass  # of another version, or its worktree is gone
        note.unlink(missing_ok=True)
