"""The board's rows of many task files: from the cache, else by the quick reading, else by the real reader."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
from typing import TYPE_CHECKING

from gitbaton.store.cache import hash_blob, open_cache
from gitbaton.store.git import read_objects
from gitbaton.store.layout import classify
from gitbaton.store.scan import judge_file, parse_row, reduce_row, revive_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gitbaton.store.layout import Place
    from gitbaton.store.repository import Repository
    from gitbaton.store.scan import Row
    from gitbaton.store.snapshots import SourceFile

#: Texts held in memory at once.
_AT_ONCE = 1_000


def read_rows(repo: Repository, files: Mapping[str, SourceFile]) -> dict[str, Row]:
    """Path → row of every task file among ``files``, in their order."""
    with pause_collector():
        cache = open_cache(repo)
        places = {path: place for path in files if (place := classify(path)) and place.kind == "task"}
        oids = [oid for path in places if (oid := files[path].oid)]
        kept = cache.find_rows(oids)
        rows: dict[str, Row] = {}
        unread: dict[str, SourceFile] = {}
        for path, place in places.items():
            file = files[path]
            row: Row | None = judge_file(path, place, file.complaint)
            if row is None and not place.complaint:
                row = revive_row(kept.get(file.oid or ""), path, place.id)
            if row:
                rows[path] = row
            else:
                unread[path] = file
        fresh = dict(_parse_all(repo, unread, places))
        if fresh:
            keep = [
                (oid, reduce_row(row))
                for path, row in fresh.items()
                if (oid := files[path].oid) and not places[path].complaint
            ]
            cache.keep_rows(keep, in_use=len(oids))
            rows |= fresh
            return {path: rows[path] for path in places}
        return rows


def read_row(path: str, file: SourceFile) -> Row:
    """The board's row of one task file."""
    place = classify(path)
    assert place is not None, path
    return judge_file(path, place, file.complaint) or parse_row(path, place, file.data)


@contextlib.contextmanager
def pause_collector() -> Iterator[None]:
    """Thousands of small values at once: looking for cycles among them costs more than making them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _parse_all(
    repo: Repository, files: Mapping[str, SourceFile], places: Mapping[str, Place]
) -> Iterable[tuple[str, Row]]:
    paths = list(files)
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        for path, text in zip(some, read_texts(repo, [(p, files[p]) for p in some]), strict=True):
            yield path, parse_row(path, places[path], text)


def read_texts(repo: Repository, files: Sequence[tuple[str, SourceFile]]) -> list[bytes]:
    """The text of each (path, file). What is committed is taken from the working tree where the very same bytes
    stand there, because that is quicker than asking git; their hash says so.
    """
    found = [
        file.known if file.known is not None else _read_same(repo, path, file.oid) for path, file in files
    ]
    asked = [file.oid or "" for (_, file), text in zip(files, found, strict=True) if text is None]
    rest = iter(read_objects(repo.git, asked))
    return [text if text is not None else next(rest) or b"" for text in found]


def _read_same(repo: Repository, path: str, oid: str | None) -> bytes | None:
    """The bytes of a working file if they are the blob ``oid``."""
    try:
        handle = os.open(
            os.path.join(repo.top, path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        )
    except (OSError, ValueError):
        return None
    try:
        about = os.fstat(handle)
        text = os.read(handle, about.st_size + 1) if stat.S_ISREG(about.st_mode) else b""
    except OSError:
        return None
    finally:
        os.close(handle)
    return text if hash_blob(text, sha256=len(oid or "") > 40) == oid else None
