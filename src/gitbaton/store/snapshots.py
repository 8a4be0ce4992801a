"""Reading a whole revision, and what this checkout adds to it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.errors import Problem
from gitbaton.store.documents import read_task
from gitbaton.store.git import find_merge_base, list_tree, read_objects, resolve
from gitbaton.store.layout import TASKS, classify

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.repository import Repository

_SYMLINK = "120000"


class SourceFile(NamedTuple):
    """A document's text and, for a committed one, its blob id. ``link`` marks what is no plain file;
    ``error`` says why a file of the working tree could not be read.
    """

    data: bytes
    oid: str | None = None
    link: bool = False
    error: str | None = None

    @property
    def complaint(self) -> tuple[str, str] | None:
        """(code, message) if there is no text to read."""
        if self.link:
            return "not-a-file", "a document is a plain file, not a link"
        return ("unreadable", f"the file can't be read: {self.error}") if self.error else None


@dataclass(frozen=True, slots=True)
class Contents:
    """The documents of one place: rows of the board, files that can't be read, ids of plans."""

    tasks: dict[str, TaskRow] = field(default_factory=dict)
    broken: tuple[BrokenRow, ...] = ()
    plans: tuple[str, ...] = ()


def read_revision(repo: Repository, commit: str | None, *, handoffs: bool = False) -> dict[str, SourceFile]:
    """Path → text of every document under ``tasks/`` at ``commit`` (None = nothing)."""
    if commit is None:
        return {}
    entries = [
        e for e in list_tree(repo.git, commit, TASKS)
        if e.kind == "blob" and (place := classify(e.path)) and (handoffs or place.kind != "handoff")
    ]  # fmt: skip
    texts = read_objects(repo.git, (e.oid for e in entries))
    return {
        e.path: SourceFile(t or b"", e.oid, e.mode == _SYMLINK) for e, t in zip(entries, texts, strict=True)
    }


def read_worktree(repo: Repository, *, handoffs: bool = False) -> dict[str, SourceFile]:
    """Path → text of every document under ``tasks/`` of the working tree, untracked files included."""
    found: dict[str, SourceFile] = {}
    top = os.fspath(repo.top)
    for folder, subfolders, names in os.walk(os.path.join(top, TASKS)):
        subfolders[:] = sorted(s for s in subfolders if not s.startswith("."))
        for name in sorted(names):
            full = os.path.join(folder, name)
            path = os.path.relpath(full, top).replace(os.sep, "/")
            place = classify(path)
            if place is None or (place.kind == "handoff" and not handoffs):
                continue
            if os.path.islink(full) or not os.path.isfile(full):
                found[path] = SourceFile(b"", link=True)
                continue
            try:
                found[path] = SourceFile(Path(full).read_bytes())
            except OSError as error:
                found[path] = SourceFile(b"", error=error.strerror or type(error).__name__)
    return found


def read_contents(files: Mapping[str, SourceFile]) -> Contents:
    """The documents of ``files``. Two files with one id are both broken: neither is chosen in silence."""
    rows: dict[str, TaskRow | BrokenRow] = {}
    extra: list[BrokenRow] = []
    plans: list[str] = []
    folded: dict[str, str] = {}
    for path in sorted(files):
        place = classify(path)
        if place is None or place.kind not in ("task", "plan"):
            continue
        if place.kind == "plan":
            plans.append(place.id)
            continue
        row = _read_row(path, files[path])
        known = folded.get(row.id.lower())
        if known is not None:
            first = rows[known]
            said = f"the id '{row.id}' is used twice: {first.path} and {path}"
            rows[known] = BrokenRow(
                first.id, first.path, (Problem(first.path, 1, 1, "", "duplicate-id", said),)
            )
            extra.append(BrokenRow(row.id, path, (Problem(path, 1, 1, "", "duplicate-id", said),)))
            continue
        folded[row.id.lower()] = row.id
        rows[row.id] = row
    broken = [r for r in rows.values() if isinstance(r, BrokenRow)] + extra
    return Contents(
        {i: r for i, r in rows.items() if isinstance(r, TaskRow)},
        tuple(sorted(broken, key=lambda b: b.path)),
        tuple(plans),
    )


def _read_row(path: str, file: SourceFile) -> TaskRow | BrokenRow:
    place = classify(path)
    assert place is not None, path
    if file.complaint:
        return BrokenRow(place.id, path, (Problem(path, 1, 1, "", *file.complaint),))
    return read_task(file.data, path, place)


def overlay_local(repo: Repository, base_files: Mapping[str, SourceFile]) -> Contents:
    """What base says, plus what this checkout adds: commits not yet on base, uncommitted edits, untracked
    files. Only what changed here since the common ancestor counts, so that a stale branch never takes a
    task back; a status that only base changed wins over the old one here.
    """
    head = resolve(repo.git, "HEAD")
    fork = find_merge_base(repo.git, head, repo.base.commit) if head and repo.base.commit else None
    fork_files = base_files if fork == repo.base.commit else read_revision(repo, fork)
    head_files = (
        base_files if head == repo.base.commit else fork_files if head == fork else read_revision(repo, head)
    )
    work = read_worktree(repo)
    merged = dict(base_files)
    marks: dict[str, str] = {}
    for path in work.keys() | fork_files.keys():
        mine, old = work.get(path), fork_files.get(path)
        if _same(mine, old) or _same(mine, base_files.get(path)):
            continue
        marks[path] = "unmerged" if _same(mine, head_files.get(path)) else "uncommitted"
        if mine is None:
            merged.pop(path, None)
        else:
            merged[path] = mine
    if not marks:
        return read_contents(base_files)
    contents = read_contents(merged)
    base_rows = read_contents(base_files).tasks
    old_rows = read_contents(fork_files).tasks
    for task, row in contents.tasks.items():
        if row.path in marks:
            base_row, old_row = base_rows.get(task), old_rows.get(task)
            status = base_row.status if base_row and old_row and row.status == old_row.status else row.status
            contents.tasks[task] = row._replace(local=marks[row.path], status=status)
    broken = tuple(b._replace(local=marks.get(b.path)) for b in contents.broken)
    return Contents(contents.tasks, broken, contents.plans)


def _same(first: SourceFile | None, second: SourceFile | None) -> bool:
    if first is None or second is None:
        return first is second
    return first.data == second.data and first.complaint == second.complaint
