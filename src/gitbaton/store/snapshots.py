"""Reading a whole revision, or a whole working tree."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.errors import Problem
from gitbaton.store.git import list_tree, read_objects
from gitbaton.store.layout import DOCS, SCHEMAS, TASKS, classify
from gitbaton.store.rows import read_rows
from gitbaton.store.scan import LINK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.git import Git
    from gitbaton.store.repository import Repository

_SYMLINK = "120000"


class SourceFile:
    """A document's text and, for a committed one, its blob id. ``link`` marks what is no plain file;
    ``error`` says why a file of the working tree could not be read. The text of a committed one is read when it
    is first asked for; ``read_texts`` reads many at once.
    """

    __slots__ = ("_git", "error", "known", "link", "oid")

    def __init__(
        self,
        data: bytes | None,
        oid: str | None = None,
        *,
        link: bool = False,
        error: str | None = None,
        git: Git | None = None,
    ) -> None:
        self.known = data
        self.oid = oid
        self.link = link
        self.error = error
        self._git = git

    @property
    def data(self) -> bytes:
        """The text."""
        if self.known is None:
            assert self._git is not None
            assert self.oid is not None
            self.known = read_objects(self._git, [self.oid])[0] or b""
        return self.known

    @property
    def complaint(self) -> tuple[str, str] | None:
        """(code, message) if there is no text to read."""
        if self.link:
            return LINK
        return ("unreadable", f"the file can't be read: {self.error}") if self.error else None


@dataclass(frozen=True, slots=True)
class Contents:
    """The documents of one place: rows of the board, files that can't be read, ids of plans."""

    tasks: dict[str, TaskRow] = field(default_factory=dict)
    broken: tuple[BrokenRow, ...] = ()
    plans: tuple[str, ...] = ()


def read_revision(repo: Repository, commit: str | None, *, handoffs: bool = False) -> dict[str, SourceFile]:
    """Path → file of every document under ``tasks/`` at ``commit`` (None = nothing)."""
    if commit is None:
        return {}
    git = repo.git
    return {
        e.path: SourceFile(None, e.oid, link=e.mode == _SYMLINK, git=git)
        for e in list_tree(git, commit, TASKS)
        if e.kind == "blob" and (place := classify(e.path)) and (handoffs or place.kind != "handoff")
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
            if place and (handoffs or place.kind != "handoff") and (file := read_source(Path(full))):
                found[path] = file
    return found


def list_linked_folders(repo: Repository) -> list[str]:
    """Links to folders under ``tasks/`` of the working tree, and ``tasks/`` itself if it is one: nobody follows
    them, git neither.
    """
    top = os.fspath(repo.top)
    if os.path.islink(os.path.join(top, TASKS)):
        return [TASKS]
    found = []
    for folder, subfolders, _ in os.walk(os.path.join(top, TASKS)):
        here = os.path.relpath(folder, top).replace(os.sep, "/")
        subfolders[:] = [
            s for s in subfolders if not s.startswith(".") and f"{here}/{s}" not in (SCHEMAS, DOCS)
        ]
        found += [f"{here}/{s}" for s in subfolders if os.path.islink(os.path.join(folder, s))]
    return sorted(found)


def read_source(path: Path) -> SourceFile | None:
    """A document of the working tree, or None when there is nothing."""
    if not os.path.lexists(path):
        return None
    if path.is_symlink() or not path.is_file():
        return SourceFile(b"", link=True)
    try:
        return SourceFile(path.read_bytes())
    except OSError as error:
        return SourceFile(b"", error=error.strerror or type(error).__name__)


def read_contents(repo: Repository, files: Mapping[str, SourceFile]) -> Contents:
    """The documents of ``files``. Two files with one id are both broken: neither is chosen in silence."""
    read = read_rows(repo, files)
    plans = [place.id for path in sorted(files) if (place := classify(path)) and place.kind == "plan"]
    rows: dict[str, TaskRow | BrokenRow] = {}
    extra: list[BrokenRow] = []
    folded: dict[str, str] = {}
    for path in sorted(read):
        row = read[path]
        known = folded.get(row.id.lower())
        if known is not None:
            first = rows[known]
            said = f"the id '{row.id}' is used twice: {first.path} and {path}"
            rows[known] = _mark_twice(first, said)
            extra.append(_mark_twice(row, said))
            continue
        folded[row.id.lower()] = row.id
        rows[row.id] = row
    broken = [r for r in rows.values() if isinstance(r, BrokenRow)] + extra
    return Contents(
        {i: r for i, r in rows.items() if isinstance(r, TaskRow)},
        tuple(sorted(broken, key=lambda b: b.path)),
        tuple(plans),
    )


def _mark_twice(row: TaskRow | BrokenRow, said: str) -> BrokenRow:
    parents = row.parents if isinstance(row, BrokenRow) else (row.parent,) if row.parent else ()
    return BrokenRow(row.id, row.path, (Problem(row.path, 1, 1, "", "duplicate-id", said),), parents=parents)
