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
from gitbaton.store.git import commit_tree
from gitbaton.store.indexfile import patch_index, read_index_file, stamp_index
from gitbaton.store.journal import Journal, Step, is_interrupted, recover
from gitbaton.store.merging import move_branch, recover_followings
from gitbaton.store.objects import read_tip, write_object, write_tree
from gitbaton.store.threetexts import (
    PLAIN,
    change_staged,
    change_working,
    make_step,
    read_texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitbaton.store.indexfile import IndexFile
    from gitbaton.store.objects import Tip
    from gitbaton.store.repository import Repository
    from gitbaton.store.threetexts import Change, Texts

_TRIES = 20
#: In how many rounds the index file may be what is compared, and changed in place.
_PATIENT = 3


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


class _Plan(NamedTuple):
    """An edit worked out for one state of branch, index and working files."""

    tip: Tip
    before: dict[str, Texts]
    commits: dict[str, tuple[str, str] | None]
    steps: dict[str, Step]
    loose: tuple[str, ...]
    file: IndexFile | None


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
        for round_number in range(_TRIES):
            try:
                # Somebody who stages file after file changes the index each time, but not the entries looked at here.
                plan = _work_out(repo, branch_ref, changes, whole_index=round_number < _PATIENT)
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


def _work_out(repo: Repository, ref: str, changes: Mapping[str, Change], *, whole_index: bool) -> _Plan:
    tip = read_tip(repo.git, ref, list(changes))
    index = read_index_file(repo, tip.entries) if whole_index and len(tip.entries) == len(changes) else None
    before = read_texts(repo, tip, index, list(changes))
    commits: dict[str, tuple[str, str] | None] = {}
    steps: dict[str, Step] = {}
    loose: list[str] = []
    stored = {t.committed: t.tip.oid for t in before.values() if t.tip and t.committed is not None}
    for path, change in changes.items():
        old = before[path]
        # A person's own file that is not in git yet is changed where it is, and committed when the person does.
        draft = old.committed is None and (old.working is not None or old.staged is not None)
        new = None if draft else change(old.committed)
        staged = change_staged(old, new, change, path)
        working = change_working(old, new, change, path)
        if (new, staged, working) == (old.committed, old.staged, old.working):
            continue
        oid = old.tip.oid if old.tip else None
        if new != old.committed:
            oid = None if new is None else stored.get(new) or write_object(repo, "blob", new)
            commits[path] = None if oid is None else (old.tip.mode if old.tip else PLAIN, oid)
        if draft:
            loose.append(path)
        steps[path] = make_step(repo, path, old, new, oid, staged, working)
    return _Plan(tip, before, commits, steps, tuple(loose), index)


# -- carrying it out -------------------------------------------------------------------------------------------


def _carry_out(repo: Repository, ref: str, plan: _Plan, message: str) -> Edited:
    """Raises ``LostRace`` when anything the plan stands on has changed; then nothing else has."""
    branch, paths = ref.removeprefix("refs/heads/"), tuple(p for p in plan.steps if p not in plan.loose)
    done = Edited(None, branch, paths, plan.loose, off_base=branch != repo.base.branch)
    if not plan.steps:
        return done
    commit, patched = None, None
    if plan.commits:
        trees = write_tree(repo, plan.tip, plan.commits)
        parents = [plan.tip.commit] if plan.tip.commit else []
        commit = commit_tree(repo.git, trees[""], parents, message, sign=True, settings=repo.settings)
        patched = _patch(plan, trees)
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
                _refuse_moved(repo, plan, index)
                if patched:
                    index.hold(patched)
                else:
                    index.prepare(lines.values(), {p: e for p, e in _entries(plan).items() if p in lines})
                if commit:
                    move_branch(repo, ref, commit, plan.tip.commit, message.splitlines()[0])
                    moved = True
                files.apply()
                if patched and plan.file:
                    stamp_index(patched, plan.file, repo.top, len(commit or "") // 2)
                    index.publish_held(patched)
                elif lines:
                    index.publish(plan.steps)
        except BaseException as error:
            if moved:  # the journal stays: whoever comes next completes the edit
                raise _left_half(repo, commit or "", error) from error
            journal.close()
            raise
        journal.close()
    return done._replace(commit=commit)


def _patch(plan: _Plan, trees: Mapping[str, str]) -> bytearray | None:
    """The next index, where all files were staged and typed as committed, and are again."""
    blobs = {}
    for path, old in plan.before.items():
        step = plan.steps.get(path)
        if not (step and step.committed and step.staged and step.working and old.working == old.committed):
            return None
        blobs[path] = step.committed
    return patch_index(plan.file, plan.tip, blobs, trees) if plan.file else None


def _left_half(repo: Repository, commit: str, error: BaseException) -> BatonError:
    return TryAgain(
        f"committed as {commit[:10]}, but this checkout could not be brought up to date: {error}",
        code="half-written",
        hint=f"see what is wrong in {repo.top}; the next baton command completes it",
        data={"commit": commit},
    )


def _entries(plan: _Plan) -> dict[str, Entry]:
    return {p: t.entry for p, t in plan.before.items() if t.entry}


def _refuse_moved(repo: Repository, plan: _Plan, index: IndexLock) -> None:
    """Raises ``LostRace`` when somebody staged or typed since the plan was made. The index is locked now."""
    same = plan.file and index.holds(plan.file.data)
    if not same and (plan.file or read_index(repo.git, list(plan.before)) != _entries(plan)):
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
