"""Whether anything that the board shows has moved since one looked last, told without folding it again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gitbaton.store.layout import HANDOFFS, TASKS
from gitbaton.store.stamp import RefFiles, read_file

if TYPE_CHECKING:
    from gitbaton.store.repository import Repository

#: Whatever equals the one before means that nothing moved.
Stamp = tuple[object, ...]


def take_stamp(repo: Repository) -> Stamp:
    """What the board of this checkout hangs on: the refs, what is checked out and staged, the task files and git's
    settings here. Files are compared by size and time.
    """
    common, own = os.fspath(repo.common_dir), os.fspath(repo.git_dir)
    if os.path.lexists(f"{common}/reftable"):
        refs: object = repo.git.text("for-each-ref", repo.base.ref, repo.seen_prefix)
    else:
        files = RefFiles(common)
        loose = sorted(files.list_loose(repo.seen_prefix).items())
        refs = (tuple(loose), files.packed, read_file(f"{common}/{repo.base.ref}"))
    head = read_file(f"{own}/HEAD")
    here = read_file(f"{common}/{head[5:].decode().strip()}") if head and head[:5] == b"ref: " else head
    aside = tuple(_look(path) for path in (f"{own}/index", f"{common}/config"))
    return (refs, head, here, aside, tuple(_list_files(os.fspath(repo.top), TASKS)))


def _look(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _list_files(top: str, folder: str) -> list[tuple[str, int, int]]:
    found = []
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            entries = list(os.scandir(f"{top}/{here}"))
        except OSError:
            continue
        for entry in entries:
            path = f"{here}/{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    if path != HANDOFFS:
                        folders.append(path)
                    continue
                status = entry.stat(follow_symlinks=False)
            except OSError:  # gone in between: the next look sees that
                continue
            found.append((path, status.st_mtime_ns, status.st_size))
    return sorted(found)
