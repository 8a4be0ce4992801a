"""What this checkout adds to the base branch: commits that are not on base yet, uncommitted edits, untracked
files.

Three versions meet: base, this checkout, and their common ancestor. Only what changed here since the ancestor
counts, so that a stale branch never takes anything back. Tasks are compared by id, because a file may have
moved to another folder on either side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.board import TaskRow
from gitbaton.errors import BatonError
from gitbaton.store.git import find_merge_base, resolve
from gitbaton.store.layout import TASKS, classify
from gitbaton.store.rows import read_row, read_texts
from gitbaton.store.snapshots import Contents, SourceFile, read_contents, read_revision, read_source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.repository import Repository

Files = dict[str, SourceFile]
#: A task is found by its id, everything else (and a task whose id is used twice) by its path.
Key = tuple[str, str]
_CLOSED = ("done", "cancelled")


class _Version(NamedTuple):
    """One document in one of the three versions; nothing where it isn't there."""

    path: str | None
    file: SourceFile | None


class LocalChange(NamedTuple):
    """What happened to one document here: where it stands on the board now, and in which versions before."""

    mark: str
    mine: _Version
    old: _Version
    base: _Version


def overlay_local(repo: Repository, base_files: Mapping[str, SourceFile]) -> Contents:
    """What base says, plus what this checkout adds, marked as local."""
    merged, changes = overlay_files(repo, base_files)
    contents = read_contents(repo, merged)
    for task, row in contents.tasks.items():
        if row.path in changes:
            contents.tasks[task] = _settle_status(row, changes[row.path])
    broken = tuple(
        b._replace(local=changes[b.path].mark) if b.path in changes else b for b in contents.broken
    )
    return Contents(contents.tasks, broken, contents.plans)


def overlay_files(
    repo: Repository, base_files: Mapping[str, SourceFile]
) -> tuple[Files, dict[str, LocalChange]]:
    """The documents of base with what this checkout adds, and (by path) what it adds."""
    head = resolve(repo.git, "HEAD")
    fork = find_merge_base(repo.git, head, repo.base.commit) if head and repo.base.commit else None
    fork_files = base_files if fork == repo.base.commit else read_revision(repo, fork)
    head_files = fork_files if head == fork else read_revision(repo, head)
    dirty = read_dirty(repo)
    work: Files = {**head_files, **{p: f for p, f in dirty.items() if f is not None}}
    for path, file in dirty.items():
        if file is None:
            work.pop(path, None)
    merged = dict(base_files)
    changes: dict[str, LocalChange] = {}
    for change in _compare(repo, work, fork_files, base_files, dirty):
        if change.base.path is not None:
            merged.pop(change.base.path, None)
        if change.mine.path is None or change.mine.file is None:
            continue  # deleted here
        moved_here = change.mine.path != change.old.path
        path = change.mine.path if moved_here or change.base.path is None else change.base.path
        merged[path] = _combine(change, path)
        changes[path] = change
    return merged, changes


def read_dirty(repo: Repository) -> dict[str, SourceFile | None]:
    """The documents in which the working tree differs from the last commit, untracked ones included; None for
    a deleted one. Git compares, so that line endings and filters of the checkout don't count.
    """
    out = repo.git.call(
        "status", "--porcelain", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=all", "--", f":(top){TASKS}"
    )  # fmt: skip
    paths = {field[3:].decode("utf-8", "surrogateescape") for field in out.split(b"\0") if field}
    documents = (p for p in paths if (place := classify(p)) and place.kind != "handoff")
    return {path: read_source(repo.top / path) for path in documents}


def _compare(
    repo: Repository,
    work: Mapping[str, SourceFile],
    fork: Mapping[str, SourceFile],
    base: Mapping[str, SourceFile],
    dirty: Mapping[str, SourceFile | None],
) -> list[LocalChange]:
    """Every document that changed here and is not the same on base."""
    touched = [path for path in {**work, **fork} if not _is_one_blob(path, work, fork, base)]
    if not touched:
        return []
    ambiguous = {key for files in (work, fork, base) for key in _used_twice(files)}
    wanted = {_key(path, ambiguous): None for path in touched}
    versions = [
        {key: path for path in files if (key := _key(path, ambiguous)) in wanted}
        for files in (work, fork, base)
    ]
    _read_ahead(repo, [(p, files[p]) for paths, files in zip(versions, (work, fork, base), strict=True) for p in paths.values()])  # fmt: skip
    changes = []
    for key in wanted:
        paths = [version.get(key) for version in versions]
        mine, old, there = (
            _Version(path, files[path] if path else None)
            for path, files in zip(paths, (work, fork, base), strict=True)
        )
        if _same(mine, old) or _same(mine, there):
            continue
        uncommitted = mine.path in dirty or (mine.path is None and old.path in dirty)
        changes.append(LocalChange("uncommitted" if uncommitted else "unmerged", mine, old, there))
    return changes


def _is_one_blob(path: str, *versions: Mapping[str, SourceFile]) -> bool:
    """Whether git says that the file is the same everywhere."""
    first, *others = (version.get(path) for version in versions)
    return (
        first is not None
        and first.oid is not None
        and all(other is not None and (other.oid, other.link) == (first.oid, first.link) for other in others)
    )


def _read_ahead(repo: Repository, files: list[tuple[str, SourceFile]]) -> None:
    """Read the texts of many files in one go."""
    unread = [(path, file) for path, file in files if file.known is None and not file.complaint]
    for (_, file), text in zip(unread, read_texts(repo, unread), strict=True):
        file.known = text


def _key(path: str, ambiguous: set[Key]) -> Key:
    place = classify(path)
    key = ("task", place.id.lower()) if place and place.kind == "task" else ("path", path)
    return ("path", path) if key in ambiguous else key


def _used_twice(files: Mapping[str, SourceFile]) -> set[Key]:
    seen: set[Key] = set()
    twice: set[Key] = set()
    for path in files:
        key = _key(path, set())
        (twice if key in seen else seen).add(key)
    return twice


def _same(one: _Version, other: _Version) -> bool:
    if one.file is None or other.file is None:
        return one.file is other.file
    return (
        one.path == other.path
        and _text(one.file) == _text(other.file)
        and one.file.complaint == other.file.complaint
    )


def _text(file: SourceFile) -> bytes:
    return file.data.replace(b"\r\n", b"\n")


def _combine(change: LocalChange, path: str) -> SourceFile:
    """This checkout's text; where base changed the document, too, with base's changes field by field."""
    mine, old, base = change.mine.file, change.old.file, change.base.file
    assert mine is not None, "what is deleted here has no text"
    if base is None or mine.complaint or base.complaint or (old and _text(old) == _text(base)):
        return mine
    from gitbaton.store.merge import merge_texts

    try:
        merged = merge_texts(_text(old) if old else b"", _text(mine), _text(base), path)
    except BatonError:
        return mine  # one of them can't be read
    return SourceFile(merged) if merged is not None else mine


def _settle_status(row: TaskRow, change: LocalChange) -> TaskRow:
    """A status that only base changed wins over the old one here, and so does a task closed there since."""
    base, old = (
        read_row(version.path, version.file) if version.path and version.file else None
        for version in (change.base, change.old)
    )
    status = row.status
    if isinstance(base, TaskRow):
        before = old.status if isinstance(old, TaskRow) else None
        if row.status == before or (base.status in _CLOSED and base.status != before):
            status = base.status
    return row._replace(local=change.mark, status=status)
