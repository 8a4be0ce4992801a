"""The board's rows of many task files: from the cache, else by the quick reading, else by the real reader."""

from __future__ import annotations

import contextlib
import gc
import os
import stat
from typing import TYPE_CHECKING, Any

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.errors import Problem
from gitbaton.store.cache import hash_blob, open_cache
from gitbaton.store.git import read_objects
from gitbaton.store.layout import classify
from gitbaton.store.scan import scan_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gitbaton.store.layout import Place
    from gitbaton.store.repository import Repository
    from gitbaton.store.snapshots import SourceFile

Row = TaskRow | BrokenRow
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
            row: Row | None = _judge(path, place, file)
            if row is None and not place.complaint:
                row = _revive(kept.get(file.oid or ""), path, place.id)
            if row:
                rows[path] = row
            else:
                unread[path] = file
        fresh = dict(_parse_all(repo, unread, places))
        if fresh:
            keep = [
                (oid, _reduce(row))
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
    return _judge(path, place, file) or _parse(path, place, file.data)


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


def _judge(path: str, place: Place, file: SourceFile) -> BrokenRow | None:
    """The row of a file whose text doesn't matter."""
    if file.complaint:
        return BrokenRow(place.id, path, (Problem(path, 1, 1, "", *file.complaint),))
    return None


def _reduce(row: Row) -> Any:
    """What the text alone says; of a file that can't be read also where it stands, because its problems say so."""
    return (
        row[2:-1] if isinstance(row, TaskRow) else (row.path, [tuple(p) for p in row.problems], row.parents)
    )


def _revive(kept: Any, path: str, task: str) -> Row | None:
    if kept is None:
        return None
    if isinstance(kept[1], list):
        if kept[0] != path:
            return None
        return BrokenRow(task, path, tuple(Problem(*p) for p in kept[1]), parents=tuple(kept[2]))
    return TaskRow(task, path, *kept)


def _parse_all(
    repo: Repository, files: Mapping[str, SourceFile], places: Mapping[str, Place]
) -> Iterable[tuple[str, Row]]:
    paths = list(files)
    for start in range(0, len(paths), _AT_ONCE):
        some = paths[start : start + _AT_ONCE]
        for path, text in zip(some, read_texts(repo, [(p, files[p]) for p in some]), strict=True):
            yield path, _parse(path, places[path], text)


def _parse(path: str, place: Place, text: bytes) -> Row:
    row = None if place.complaint else scan_task(text, path, place.id)
    if row is None:
        from gitbaton.store.documents import read_task

        return read_task(text, path, place)
    return row


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
