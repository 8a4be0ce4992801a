"""A document edit becomes one commit on the branch that is checked out, and touches nothing else.

The edit is a function from text to text. It is applied to the committed, the staged and the working text
of each file; if one of them refuses, nothing changes; only the first is committed. Other staged, unstaged
and untracked work stays as it is, in the same file too. Writers of one repository queue on a lock file;
the lock only orders them, the compare-and-swap of the branch is what makes it right.

An interruption between moving the branch and bringing index and working files up to date would look like
a staged revert of the edit. So the intended texts are written to a journal first, and the next edit (or
``recover``) completes what was left.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, LostRace, Refusal
from gitbaton.store.git import commit_tree, read_objects, resolve, write_blob, write_tree_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gitbaton.store.repository import Repository

#: Old text (None = no file) → new text (None = delete). Pure, because it is applied to several texts and
#: again after a lost race.
Change = "Callable[[bytes | None], bytes | None]"
_TRIES = 20


class Edited(NamedTuple):
    """What an edit did. ``commit`` is None when nothing was to be committed: the files already said so, or
    (``uncommitted``) they are not in git yet and were only changed on disk.
    """

    commit: str | None
    branch: str | None
    paths: tuple[str, ...]
    uncommitted: tuple[str, ...] = ()
    off_base: bool = False


class _Texts(NamedTuple):
    committed: bytes | None
    staged: bytes | None
    working: bytes | None
    mode: str


@contextlib.contextmanager
def queue_writers(repo: Repository) -> Iterator[None]:
    """Queue behind the other writers of this repository. The kernel frees the lock of a dead process."""
    folder = repo.common_dir / "baton"
    try:
        folder.mkdir(exist_ok=True)
        lock = (folder / "write.lock").open("a+b")
    except OSError as error:
        raise Refusal(
            f"the repository can't be written: {error.strerror}", code="not-writable", hint=f"check {folder}"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def commit_edits(
    repo: Repository,
    changes: Mapping[str, Callable[[bytes | None], bytes | None]],
    message: str,
) -> Edited:
    """Apply ``changes`` (path → function of its text) and commit them on the branch checked out here.

    Raises what the functions raise, ``Refusal`` (``detached-head``, ``no-identity``, ``merge-in-progress``,
    ``not-writable``) and ``LostRace``; then nothing has changed.
    """
    with queue_writers(repo):
        recover(repo)
        branch_ref = _branch(repo)
        for _ in range(_TRIES):
            head = resolve(repo.git, branch_ref)
            try:
                return _commit_once(repo, branch_ref, head, changes, message)
            except LostRace:
                continue  # somebody committed by other means; the edit is pure, so it is applied anew
    raise LostRace([branch_ref])


def _branch(repo: Repository) -> str:
    ref = repo.git.find("symbolic-ref", "--quiet", "HEAD")
    if not ref:
        raise Refusal(
            "no branch is checked out here (detached HEAD), so a commit would belong to nothing",
            code="detached-head",
            hint=f"check out a branch first: git switch {repo.base.branch}",
        )
    for name, doing in (("rebase-merge", "rebase"), ("rebase-apply", "rebase")):
        if (repo.git_dir / name).exists():
            raise Refusal(
                f"a {doing} is in progress",
                code="operation-in-progress",
                hint=f"finish it first: git {doing} --continue",
            )
    return ref


def _commit_once(
    repo: Repository,
    branch_ref: str,
    head: str | None,
    changes: Mapping[str, Callable[[bytes | None], bytes | None]],
    message: str,
) -> Edited:
    git = repo.git
    before = _read_texts(repo, head, list(changes))
    tree_changes: dict[str, tuple[str, str] | None] = {}
    index_lines: list[str] = []
    writes: dict[str, bytes | None] = {}
    loose: list[str] = []
    touched: list[str] = []
    for path, change in changes.items():
        old = before[path]
        only_local = old.committed is None and (old.working is not None or old.staged is not None)
        new_working = _apply(
            change,
            old.working if old.working is not None or only_local else old.committed,
            path,
            "working copy",
        )
        if only_local:  # the person's own draft: changed where it is, committed when the person does
            loose.append(path)
            writes[path] = new_working
            if old.staged is not None:
                index_lines.append(
                    _index_line(old.mode, _apply(change, old.staged, path, "staged copy"), path, repo)
                )
            continue
        new = change(old.committed)
        if new == old.committed and new_working == old.working:
            continue
        touched.append(path)
        tree_changes[path] = None if new is None else (old.mode, write_blob(git, new))
        staged = new if old.staged == old.committed else _apply(change, old.staged, path, "staged copy")
        index_lines.append(_index_line(old.mode, staged, path, repo))
        if old.working is not None or old.committed is None:
            writes[path] = new_working
    if loose and not touched:
        _bring_up_to_date(repo, index_lines, writes)
        return Edited(None, branch_ref.removeprefix("refs/heads/"), (), tuple(loose))
    if not touched:
        return Edited(None, branch_ref.removeprefix("refs/heads/"), ())
    tree = write_tree_with(git, f"{head}^{{tree}}" if head else None, tree_changes)
    off = branch_ref != f"refs/heads/{repo.base.branch}"
    branch = branch_ref.removeprefix("refs/heads/")
    if head and tree == git.text("rev-parse", f"{head}^{{tree}}"):
        _bring_up_to_date(repo, index_lines, writes)
        return Edited(None, branch, tuple(touched), tuple(loose), off)
    commit = commit_tree(git, tree, [head] if head else [], message, sign=True)
    journal = _write_journal(repo, branch_ref, commit, index_lines, writes, before)
    _move(repo, branch_ref, commit, head, message, journal)
    _bring_up_to_date(repo, index_lines, writes)
    journal.unlink(missing_ok=True)
    return Edited(commit, branch, tuple(touched), tuple(loose), off)


def _apply(
    change: Callable[[bytes | None], bytes | None], text: bytes | None, path: str, what: str
) -> bytes | None:
    try:
        return change(text)
    except BatonError as error:
        error.message = f"{path}, the {what}: {error.message}"
        raise


def _move(repo: Repository, ref: str, new: str, old: str | None, message: str, journal: Path) -> None:
    note = f"baton: {message.splitlines()[0]}"
    done = repo.git.run("update-ref", "--create-reflog", "-m", note, ref, new, old or "0" * 40)
    if done.code:
        journal.unlink(missing_ok=True)
        if resolve(repo.git, ref) != old:
            raise LostRace([ref])
        raise Refusal(
            f"the branch could not be moved: {done.err.strip()}",
            code="ref-locked",
            hint="if no git command is running, remove the .lock file that git names",
        )


def _read_texts(repo: Repository, head: str | None, paths: Sequence[str]) -> dict[str, _Texts]:
    """Committed, staged and working text of each path. Raises ``Refusal`` for unmerged paths and links."""
    git = repo.git
    names = [f"{head or 'HEAD'}:{p}" for p in paths] if head else []
    committed = read_objects(git, names) if head else [None] * len(paths)
    index: dict[str, tuple[str, str]] = {}
    for line in git.call("ls-files", "--stage", "-z", "--", *(f":(top,literal){p}" for p in paths)).split(
        b"\0"
    ):
        if line:
            meta, _, name = line.partition(b"\t")
            mode, oid, stage_no = meta.decode().split()
            path = name.decode("utf-8", "surrogateescape")
            if stage_no != "0":
                raise Refusal(
                    f"{path} is in the middle of a merge",
                    code="merge-in-progress",
                    hint=f"resolve it first, then: git add {path}",
                )
            index[path] = (mode, oid)
    staged = dict(zip(index, read_objects(git, (oid for _, oid in index.values())), strict=True))
    texts = {}
    for path, text in zip(paths, committed, strict=True):
        mode = index.get(path, ("100644", ""))[0]
        working = _read_file(repo.top / path)
        texts[path] = _Texts(text, staged.get(path), working, mode)
    return texts


def _read_file(path: Path) -> bytes | None:
    try:
        info = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(info.st_mode):
        raise Refusal(
            f"{path.name} is not a plain file", code="not-a-file", hint="replace it by a plain file"
        )
    return path.read_bytes()


def _index_line(mode: str, text: bytes | None, path: str, repo: Repository) -> str:
    if text is None:
        return f"0 {'0' * 40}\t{path}"
    return f"{mode} {write_blob(repo.git, text)}\t{path}"


def _bring_up_to_date(
    repo: Repository, index_lines: Sequence[str], writes: Mapping[str, bytes | None]
) -> None:
    """Index entries and working files, each replaced whole."""
    if index_lines:
        data = "\0".join(index_lines).encode("utf-8", "surrogateescape") + b"\0"
        repo.git.call("update-index", "-z", "--index-info", data=data)
    for path, text in writes.items():
        write_file(repo.top / path, text)
    if index_lines:
        repo.git.run("update-index", "-q", "--refresh", "--", *writes)


def write_file(path: Path, text: bytes | None) -> None:
    """Replace a file in one step, keeping its mode; None removes it. Raises ``Refusal`` (``not-writable``)."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if text is None:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
        temporary.write_bytes(text)
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise Refusal(
            f"{path} can't be written: {error.strerror}",
            code="not-writable",
            hint="check permissions and free space",
        ) from error


# -- the journal: completing what an interruption left -----------------------------------------------------


def _write_journal(
    repo: Repository,
    ref: str,
    commit: str,
    index_lines: Sequence[str],
    writes: Mapping[str, bytes | None],
    before: Mapping[str, _Texts],
) -> Path:
    folder = repo.git_dir / "baton"
    folder.mkdir(exist_ok=True)
    journal = folder / f"edit-{commit[:12]}.json"
    files = {
        path: [_blob_or_none(repo, before[path].working), _blob_or_none(repo, text)]
        for path, text in writes.items()
    }
    staged = {path: before[path].staged is not None for path in before}
    body = {"ref": ref, "commit": commit, "index": list(index_lines), "files": files, "staged": staged}
    write_file(journal, json.dumps(body).encode())
    return journal


def _blob_or_none(repo: Repository, text: bytes | None) -> str | None:
    return None if text is None else write_blob(repo.git, text)


def recover(repo: Repository) -> list[str]:
    """Complete edits that were interrupted after their commit; returns the paths that were mended. A file
    that somebody changed since is left alone. The caller holds ``queue_writers``.
    """
    mended: list[str] = []
    folder = repo.git_dir / "baton"
    for journal in sorted(folder.glob("edit-*.json")) if folder.is_dir() else []:
        try:
            body = json.loads(journal.read_bytes())
            reached = repo.git.run("merge-base", "--is-ancestor", body["commit"], body["ref"]).code == 0
            if reached:
                mended += _complete(repo, body)
        except (ValueError, KeyError):
            pass  # half-written: the edit it was for never moved the branch
        journal.unlink(missing_ok=True)
    return mended


def _complete(repo: Repository, body: dict[str, dict[str, list[str | None]]]) -> list[str]:
    mended = []
    writes: dict[str, bytes | None] = {}
    for path, (old, new) in body["files"].items():
        working = _read_file(repo.top / path)
        old_text, new_text = (read_objects(repo.git, [oid])[0] if oid else None for oid in (old, new))
        if working == old_text and working != new_text:
            writes[path] = new_text
            mended.append(path)
    _bring_up_to_date(repo, [str(line) for line in body["index"]], writes)
    return mended
