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
    from collections.abc import Iterable, Iterator, Mapping

    from gitbaton.store.repository import Repository

_AT_ONCE = 25


def read_plain(repo: Repository, data: bytes, path: str, kind: str) -> dict[str, Any] | None:
    """The fields of a document that say something; None where it isn't valid."""
    return read_document(open_cache(repo), data, path, kind)


def iter_newest_handoffs(repo: Repository, task: str | None, head: str | None) -> Iterator[tuple[str, bytes]]:
    """(path, text) of the handoffs of a task (None: of everything), newest first: their names tell the time. They
    are looked for on base, in this checkout and at ``head``, the published work; hardly more are read than are asked for.
    """
    yield from read_in_turn(repo, list_handoff_files(repo, task, [head] if head else []))


def read_in_turn(repo: Repository, files: list[tuple[str, str | None]]) -> Iterator[tuple[str, bytes]]:
    """(path, text) of (path, object); without an object it is the working tree's file."""
    size = 1  # most want the first alone
    while files:
        some, files = files[:size], files[size:]
        texts = iter(read_objects(repo.git, (oid for _, oid in some if oid)))
        for path, oid in some:
            text = next(texts) if oid else (repo.top / path).read_bytes()
            if text is not None:  # an attempt's commit may not be in this clone
                yield path, text
        size = _AT_ONCE


def list_handoff_files(
    repo: Repository, task: str | None, heads: Iterable[str], known: Mapping[str, str] | None = None
) -> list[tuple[str, str | None]]:
    """(path, object) of the handoffs on base, in this checkout, at ``heads`` and of those that are ``known`` besides, newest
    first; a file that is not in git has no object.
    """
    folder = f"{HANDOFFS}/{task}" if task else HANDOFFS
    places = [repo.base.commit, *(resolve(repo.git, name) for name in ("HEAD", *heads))]
    found: dict[str, str | None] = {}
    for commit in dict.fromkeys(c for c in places if c):
        for entry in list_tree(repo.git, commit, folder):
            if entry.kind == "blob":
                found.setdefault(entry.path, entry.oid)
    return sort_handoffs(os.fspath(repo.top), folder, {**(known or {}), **found})
