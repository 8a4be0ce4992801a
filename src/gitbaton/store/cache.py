"""What was read before, kept under the common git dir and found by content: blob ids and state tips.

The cache is a convenience that nothing depends on. Whatever is wrong with it (missing, locked, read-only,
damaged, written by something else) reads as nothing and keeps nothing, and the answer is worked out anew. A
damaged file is set aside, so that ``baton doctor`` can name it. It may be deleted at any time.

``git config baton.cache false`` does without it.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import sqlite3
import zlib
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gitbaton.store.cachetable import SCHEMA
from gitbaton.store.stamp import FORMAT, MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from pathlib import Path

    from gitbaton.store.repository import Repository

T = TypeVar("T")
NAME: Final = f"cache-{MARK}.sqlite"
#: How long somebody else's write is waited for.
PATIENCE_S: Final = 0.25
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS rows (oid TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tips (task TEXT PRIMARY KEY, oid TEXT NOT NULL, data BLOB NOT NULL, state BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS documents (kind TEXT, oid TEXT, data BLOB NOT NULL, PRIMARY KEY (kind, oid)) WITHOUT ROWID;
"""
#: SQLite takes this many questions at once in every build.
_AT_ONCE: Final = 500
#: From here on reading a whole table is faster.
_MANY: Final = 2_000
#: How much may lie unused in a table before it is begun anew.
_SLACK: Final = 2_000
#: What it can't do: SQLite's own failures, and names that are no UTF-8.
_UNFIT = (sqlite3.Error, UnicodeEncodeError)
_CORRUPT: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
#: What a damaged cache is called once it was set aside.
DAMAGED: Final = ".damaged"


class Cache:
    """The cache of one repository; ``open_cache`` gives it. No method raises for what is wrong with the file."""

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._db: sqlite3.Connection | None = None

    # -- what is kept ---------------------------------------------------------------------------------------

    def find_rows(self, oids: Sequence[str]) -> dict[str, Any]:
        """Blob id → what was kept for it."""
        if len(oids) > _MANY:  # most of the table: read it from end to end
            wanted = set(oids)
            found = [(oid, data) for oid, data in self._select("SELECT oid, data FROM rows") if oid in wanted]
        else:
            found = []
            for start in range(0, len(oids), _AT_ONCE):
                some = oids[start : start + _AT_ONCE]
                marks = ",".join("?" * len(some))
                found += self._select(f"SELECT oid, data FROM rows WHERE oid IN ({marks})", some)
        return {oid: value[0] for oid, data in found if (value := _unpack(oid, data))}

    def keep_rows(self, rows: Iterable[tuple[str, Any]], *, in_use: int | None = None) -> None:
        """Keep values by blob id. All others go once there are many more than ``in_use``."""
        values = ((oid, _pack(oid, value)) for oid, value in rows)
        self._insert("rows", values, limit=None if in_use is None else 2 * in_use + _SLACK)

    def find_tips(self, tasks: Collection[str]) -> dict[str, tuple[str, Any]]:
        """Task → (id of the state tip, what was kept for it); of ``tasks`` at least."""
        few = list(tasks) if len(tasks) < _AT_ONCE else []
        marks = ",".join("?" * len(few))
        found = self._select(
            f"SELECT task, oid, data FROM tips WHERE task IN ({marks})"
            if few
            else "SELECT task, oid, data FROM tips",
            few,
        )
        return {task: (oid, value[0]) for task, oid, data in found if (value := _unpack(oid, data))}

    def find_state(self, task: str, oid: str) -> Any:
        """What was kept of the whole state at a tip, or None."""
        found = self._select("SELECT state FROM tips WHERE task = ? AND oid = ?", (task, oid))
        value = _unpack(oid, found[0][0]) if found else None
        return value and value[0]

    def keep_tips(self, tips: Iterable[tuple[str, str, Any, Any]], *, in_use: int) -> None:
        """Keep (task, tip id, value, whole state); a task has one tip."""
        values = ((task, oid, _pack(oid, value), _pack(oid, state)) for task, oid, value, state in tips)
        self._insert("tips", values, limit=2 * in_use + _SLACK)

    def find_document(self, kind: str, oid: str) -> Any:
        """What was kept of a whole document, or None."""
        found = self._select("SELECT data FROM documents WHERE kind = ? AND oid = ?", (kind, oid))
        value = _unpack(oid, found[0][0]) if found else None
        return value and value[0]

    def keep_document(self, kind: str, oid: str, value: Any) -> None:
        """Keep the value of a whole document."""
        self._insert("documents", [(kind, oid, _pack(oid, value))], limit=_SLACK)

    # -- the file -------------------------------------------------------------------------------------------

    def _select(self, question: str, values: Sequence[str] = ()) -> list[Any]:
        try:
            db = self._open()
            return db.execute(question, values).fetchall() if db else []
        except _UNFIT as error:
            self._give_up(error)
            return []

    def run(self, work: Callable[[sqlite3.Connection], T], *, write: bool = False) -> T | None:
        """What ``work`` makes of the tables in one transaction; None where that can't be had. What it raises undoes
        everything.
        """
        try:
            db = self._open()
            if db is None:
                return None
            db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                found = work(db)
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
            return found
        except _UNFIT as error:
            self._give_up(error)
            return None

    def _insert(self, table: str, values: Iterable[tuple[str | bytes, ...]], *, limit: int | None) -> None:
        """Keep values of which each is there as a whole or not at all; none where somebody else is writing."""
        try:
            db = self._open()
            if db is None:
                return
            db.execute("BEGIN IMMEDIATE")
            if limit is not None and db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > limit:
                db.execute(f"DELETE FROM {table}")
            columns = ", ".join("?" * len(db.execute(f"SELECT * FROM {table} LIMIT 0").description))
            db.executemany(f"INSERT OR REPLACE INTO {table} VALUES ({columns})", values)
            db.execute("COMMIT")
        except _UNFIT as error:
            self._give_up(error)

    def _open(self) -> sqlite3.Connection | None:
        if self._db is None and self._file:
            try:
                os.makedirs(os.path.dirname(self._file), exist_ok=True)
            except OSError:
                self._file = None
                return None
            db = sqlite3.connect(
                self._file, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False
            )
            self._db = db
            db.execute("PRAGMA synchronous = NORMAL")
            if db.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
                db.executescript(
                    f"BEGIN IMMEDIATE; {_SCHEMA} {SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
                )
        return self._db

    def _give_up(self, error: Exception) -> None:
        """Do without from here on."""
        file, self._file = self._file, None
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None
        if file and getattr(error, "sqlite_errorcode", None) in _CORRUPT:
            with contextlib.suppress(OSError):
                os.replace(file, file + DAMAGED)


def _pack(key: str, value: Any) -> bytes:
    """``value`` as bytes that tell whether they are whole, and belong to ``key``."""
    data = marshal.dumps(value)
    return zlib.crc32(data, zlib.crc32(key.encode())).to_bytes(4) + data


def _unpack(key: str, data: Any) -> tuple[Any] | None:
    """The value alone in a tuple; None where the bytes are none of ours."""
    if not isinstance(data, bytes) or zlib.crc32(data[4:], zlib.crc32(key.encode())).to_bytes(4) != data[:4]:
        return None
    return (marshal.loads(data[4:]),)


def hash_blob(data: bytes, *, sha256: bool = False) -> str:
    """The id that git gives a file with this content."""
    import hashlib

    text = b"blob %d\0" % len(data) + data
    return (hashlib.sha256(text) if sha256 else hashlib.sha1(text)).hexdigest()  # noqa: S324 git's choice


def cache_file(common_dir: str | Path) -> str:
    """Where the cache of a repository stands."""
    return os.path.join(common_dir, "baton", NAME)


def open_cache(repo: Repository) -> Cache:
    """The cache of a repository."""
    return Cache(cache_file(repo.common_dir) if repo.keeps_cache else None)
