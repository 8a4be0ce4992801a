"""Whole documents as plain values, for answers that only show them: kept in the cache, so that no model and no YAML
reader is needed the second time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gitbaton.store.cache import open_cache
from gitbaton.store.git import list_tree, read_objects, resolve
from gitbaton.store.kept import read_document, sort_handoffs
from gitbaton.store.layout import HANDOFFS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.store.repository import Repository


def read_plain(repo: Repository, data: bytes, path: str, kind: str) -> dict[str, Any] | None:
    """The fields of a document that say something; None where it isn't valid."""
    return read_document(open_cache(repo), data, path, kind)


def iter_newest_handoffs(repo: Repository, task: str | None, head: str | None) -> Iterator[tuple[str, bytes]]:
    """(path, text) of the handoffs of a task (None: of everything), newest first: their names tell the time. They
    are looked for on base, in this checkout and at ``head``, the published work; only those asked for are read.
    """
    folder = f"{HANDOFFS}/{task}" if task else HANDOFFS
    places = [repo.base.commit, resolve(repo.git, "HEAD"), resolve(repo.git, head) if head else None]
    found: dict[str, str | None] = {}  # path → blob
    for commit in dict.fromkeys(c for c in places if c):
        for entry in list_tree(repo.git, commit, folder):
            if entry.kind == "blob":
                found.setdefault(entry.path, entry.oid)
    for path, oid in sort_handoffs(os.fspath(repo.top), folder, found):
        yield path, (read_objects(repo.git, [oid])[0] or b"") if oid else (repo.top / path).read_bytes()
