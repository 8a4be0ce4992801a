"""A document edit becomes one commit on the branch that is checked out, and touches nothing else.

The edit is a function from text to text. It is applied to the committed, the staged and the working text
of each file; if one of them refuses, nothing changes; only the first is committed. Other staged, unstaged
and untracked work stays as it is, in the same file too. Writers of one repository queue on a lock file;
the lock only orders them, the compare-and-swap of the branch is what makes it right.

Everything that can fail is done before the branch moves: objects, the next index, new files beside the old
ones. A journal (``journal.py``) lets the next command complete what is killed after that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain
from gitbaton.store.checkout import Entry, IndexLock, Replacements, read_file, read_index
from gitbaton.store.git import commit_tree, list_entries, read_objects, resolve, write_blob, write_tree_with
from gitbaton.store.journal import Journal, Step, is_interrupted, recover
from gitbaton.store.merging import move_branch, recover_followings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gitbaton.store.git import Git, TreeEntry
    from gitbaton.store.repository import Repository

    #: Old text (None = no file) → new text (None = delete). Pure, because it is applied to several texts and
    #: again after a lost race.
    Change = Callable[[bytes | None], bytes | None]
_TRIES = 20
_PLAIN = "100644"
#: ``git add -N`` puts the empty blob into the index, in either object format.
_EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


class Edited(NamedTuple):
    """What an edit did. ``commit`` is None when nothing was to be committed: the files already said so, or
    (``uncommitted``) they are not in git yet and were only changed on disk. ``pushed`` says that the remote has
    it. ``proposed`` is a branch made for it alone, ``url`` its pull request; ``note`` what a person should know.
    """

    commit: str | None
    branch: str | None
    paths: tuple[str, ...]
    uncommitted: tuple[str, ...] = ()
    off_base: bool = False
    pushed: bool = False
    proposed: bool = False
    url: str | None = None
    note: str | None = None


class _Texts(NamedTuple):
    """A path as it stands. ``tip`` is its place at the branch's tip, ``entry`` the one in the index."""

    tip: TreeEntry | None
    committed: bytes | None
    entry: Entry | None
    staged: bytes | None
    working: bytes | None


class _Plan(NamedTuple):
    """An edit worked out for one state of branch, index and working files."""

    head: str | None
    before: dict[str, _Texts]
    commits: dict[str, tuple[str, str] | None]
    steps: dict[str, Step]
    loose: tuple[str, ...]


@contextlib.contextmanager
def queue_writers(repo: Repository, *, wait: bool = True) -> Iterator[None]:
    """Queue behind the other writers of this repository. The kernel frees the lock of a dead process. Without
    ``wait``, raises ``TryAgain`` when somebody is writing.
    """
    folder = repo.common_dir / "baton"
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / "write.lock").open("a+b")
    except OSError as error:
        raise Refusal(
            f"the repository can't be written: {error.strerror}", code="not-writable", hint=f"check {folder}"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise TryAgain("somebody is writing here", code="busy", hint="try again") from None
        yield


def complete_interrupted(repo: Repository) -> list[str]:
    """Complete edits that were killed half-way; returns the paths that were mended. Costs one look at a folder
    when there are none. Where it can't be done now, the next command tries again.
    """
    if not is_interrupted(repo):
        return []
    try:
        with queue_writers(repo, wait=False):
            recover_followings(repo)
            return recover(repo)
    except (BatonError, OSError):
        return []


def commit_edits(repo: Repository, changes: Mapping[str, Change], message: str) -> Edited:
    """Apply ``changes`` (path → function of its text) and commit them on the branch checked out here.

    Raises what the functions raise, ``Refusal`` (``detached-head``, ``no-identity``, ``merge-in-progress``,
    ``not-writable`` …) and ``TryAgain`` (``lost-race``, ``index-locked``); then nothing has changed.
    """
    with queue_writers(repo):
        recover_followings(repo)
        recover(repo)
        branch_ref = _find_branch(repo)
        for _ in range(_TRIES):
            try:
                plan = _work_out(repo, resolve(repo.git, branch_ref), changes)
                return _carry_out(repo, branch_ref, plan, message)
            except LostRace:
                continue  # somebody else committed, staged or typed meanwhile; the edit is pure: do it anew
    raise LostRace([branch_ref])


def _find_branch(repo: Repository) -> str:
    """The branch to commit on, as a full ref. Raises ``Refusal``."""
    for name, doing in (("rebase-merge", "rebase"), ("rebase-apply", "rebase or git am")):
        if (repo.git_dir / name).exists():
            raise Refusal(
                f"a {doing} is in progress",
                code="operation-in-progress",
                hint="finish it first (git status says how), or give it up: git rebase --abort",
            )
    ref = repo.git.find("symbolic-ref", "--quiet", "HEAD")
    if not ref:
        raise Refusal(
            "no branch is checked out here (detached HEAD), so a commit would belong to nothing",
            code="detached-head",
            hint=f"commit it to {repo.base.branch}: --base; propose it for review: --propose; or: git switch {repo.base.branch}",
        )
    return ref


# -- working it out: reads, and objects that nothing refers to yet --------------------------------------------


def _work_out(repo: Repository, head: str | None, changes: Mapping[str, Change]) -> _Plan:
    before = _read_texts(repo, head, list(changes))
    commits: dict[str, tuple[str, str] | None] = {}
    steps: dict[str, Step] = {}
    loose: list[str] = []
    stored = {t.committed: t.tip.oid for t in before.values() if t.tip and t.committed is not None}
    for path, change in changes.items():
        old = before[path]
        # A person's own file that is not in git yet is changed where it is, and committed when the person does.
        draft = old.committed is None and (old.working is not None or old.staged is not None)
        new = None if draft else change(old.committed)
        staged = _change_staged(old, new, change, path)
        working = _change_working(old, new, change, path)
        if (new, staged, working) == (old.committed, old.staged, old.working):
            continue
        oid = old.tip.oid if old.tip else None
        if new != old.committed:
            oid = None if new is None else stored.get(new) or write_blob(repo.git, new)
            commits[path] = None if oid is None else (old.tip.mode if old.tip else _PLAIN, oid)
        if draft:
            loose.append(path)
        steps[path] = _make_step(repo.git, path, old, new, oid, staged, working)
    return _Plan(head, before, commits, steps, tuple(loose))


def _change_staged(old: _Texts, new: bytes | None, change: Change, path: str) -> bytes | None:
    if old.entry is None:
        return None if old.committed is not None or old.working is not None else new  # deleted, or a new file
    if old.staged is None:
        return None  # `git add -N`: there is no text yet
    return new if old.staged == old.committed else _apply(change, old.staged, path, "staged copy")


def _change_working(old: _Texts, new: bytes | None, change: Change, path: str) -> bytes | None:
    if old.working is None:
        return None if old.committed is not None or old.entry is not None else new  # deleted, or a new file
    return new if old.working == old.committed else _apply(change, old.working, path, "working copy")


def _apply(change: Change, text: bytes | None, path: str, what: str) -> bytes | None:
    try:
        return change(text)
    except BatonError as error:
        error.message = f"{path}, the {what}: {error.message}"
        error.args = (error.message,)
        raise


def _make_step(
    git: Git,
    path: str,
    old: _Texts,
    new: bytes | None,
    committed: str | None,
    staged: bytes | None,
    working: bytes | None,
) -> Step:
    """``committed`` is the blob that holds ``new``, the committed text."""
    entry = None
    if staged != old.staged:
        mode = old.entry.mode if old.entry else old.tip.mode if old.tip else _PLAIN
        oid = staged and (committed if staged == new and committed else write_blob(git, staged))
        known = oid or (old.entry and old.entry.oid) or ""
        entry = (old.entry, f"{mode} {oid}\t{path}" if oid else f"0 {'0' * len(known)}\t{path}")
    return Step(committed, entry, None if working == old.working else (old.working, working))


def _read_texts(repo: Repository, head: str | None, paths: Sequence[str]) -> dict[str, _Texts]:
    """Committed, staged and working text of each path. Raises ``Refusal`` for links, submodules, unmerged
    paths, and files where folders must be.
    """
    git = repo.git
    tips = list_entries(git, head, paths) if head else {}
    index = read_index(git, paths)
    modes = [(p, t.mode) for p, t in tips.items()] + [(p, e.mode) for p, e in index.items()]
    for path, mode in modes:
        if not mode.startswith("100"):
            raise Refusal(
                f"{path} is no plain file in git",
                code="not-a-file",
                hint="replace it by a plain one, and commit that",
            )
    wanted = list(dict.fromkeys([*(t.oid for t in tips.values()), *(e.oid for e in index.values())]))
    texts = dict(zip(wanted, read_objects(git, wanted), strict=True))
    found = {}
    for path in paths:
        tip, entry = tips.get(path), index.get(path)
        staged = texts[entry.oid] if entry else None
        if entry and tip is None and entry.oid in _EMPTY_BLOBS:
            staged = None
        found[path] = _Texts(tip, texts[tip.oid] if tip else None, entry, staged, read_file(repo.top, path))
    return found


# -- carrying it out -------------------------------------------------------------------------------------------


def _carry_out(repo: Repository, ref: str, plan: _Plan, message: str) -> Edited:
    """Raises ``LostRace`` when anything the plan stands on has changed; then nothing else has."""
    branch, paths = ref.removeprefix("refs/heads/"), tuple(p for p in plan.steps if p not in plan.loose)
    done = Edited(None, branch, paths, plan.loose, off_base=branch != repo.base.branch)
    if not plan.steps:
        return done
    commit = None
    if plan.commits:
        tree = write_tree_with(repo.git, plan.head and f"{plan.head}^{{tree}}", plan.commits, replacing=False)
        commit = commit_tree(repo.git, tree, [plan.head] if plan.head else [], message, sign=True)
    texts = {p: s.working[1] for p, s in plan.steps.items() if s.working}
    lines = {p: s.staged[1] for p, s in plan.steps.items() if s.staged}
    journal = Journal(repo, f"{os.getpid()}-{secrets.token_hex(4)}")
    with _undisturbed():
        journal.write(ref, commit, plan.steps)
        moved = False
        try:
            with (
                IndexLock(repo, journal.ticket) as index,
                Replacements(repo.top, texts, journal.file) as files,
            ):
                _refuse_moved(repo, plan)
                index.prepare(lines.values(), {p: e for p, e in _entries(plan).items() if p in lines})
                if commit:
                    move_branch(repo, ref, commit, plan.head, message.splitlines()[0])
                    moved = True
                files.apply()
                if lines:
                    index.publish(plan.steps)
        except BaseException as error:
            if moved:  # the journal stays: whoever comes next completes the edit
                raise _left_half(repo, commit or "", error) from error
            journal.close()
            raise
        journal.close()
    return done._replace(commit=commit)


def _left_half(repo: Repository, commit: str, error: BaseException) -> BatonError:
    return TryAgain(
        f"committed as {commit[:10]}, but this checkout could not be brought up to date: {error}",
        code="half-written",
        hint=f"see what is wrong in {repo.top}; the next baton command completes it",
        data={"commit": commit},
    )


def _entries(plan: _Plan) -> dict[str, Entry]:
    return {p: t.entry for p, t in plan.before.items() if t.entry}


def _refuse_moved(repo: Repository, plan: _Plan) -> None:
    """Raises ``LostRace`` when somebody staged or typed since the plan was made. The index is locked now."""
    if read_index(repo.git, list(plan.before)) != _entries(plan):
        raise LostRace(["the index"])
    for path, texts in plan.before.items():
        if read_file(repo.top, path) != texts.working:
            raise LostRace([path])


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Ctrl-C and polite requests to end wait until the block is through. Git's processes inherit that."""
    waiting = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waiting)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
