"""How the cache is, for ``baton doctor``."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from gitbaton.store.cache import DAMAGED, NAME, PATIENCE_S, cache_file
from gitbaton.store.stamp import MARK

if TYPE_CHECKING:
    from gitbaton.store.repository import Repository

_DAMAGED = "it is damaged"


class CacheState(NamedTuple):
    """What there is to say about the cache: its file, the bytes it takes, and what is wrong with it, in a sentence.
    ``leftovers`` are files of other versions and damaged ones that were set aside; they may be deleted.
    """

    file: str
    size: int
    problem: str | None
    leftovers: tuple[str, ...]

    @property
    def is_damaged(self) -> bool:
        """Whether SQLite itself calls it so."""
        return self.problem is not None and self.problem.startswith(_DAMAGED)


def describe_cache(repo: Repository) -> CacheState:
    """How the cache of a repository is. A missing one is no problem, and neither is one that somebody else uses."""
    file = cache_file(repo.common_dir)
    folder = os.path.dirname(file)
    size, problem = 0, None
    try:
        size = os.stat(file).st_size
        with contextlib.closing(
            sqlite3.connect(f"file:{quote(file)}?mode=ro", uri=True, timeout=PATIENCE_S)
        ) as db:
            said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            problem = None if said == "ok" else f"{_DAMAGED}: {said}"
    except FileNotFoundError:
        pass
    except OSError as error:
        problem = f"it can't be read: {error.strerror}"
    except sqlite3.Error as error:
        problem = _explain(error)
    if problem is None and os.path.isdir(folder) and not os.access(folder, os.W_OK):
        problem = "it can't be written, so everything is read anew each time"
    names = os.listdir(folder) if os.path.isdir(folder) else []
    old = tuple(
        sorted(
            n
            for n in names
            if n.startswith(("cache-", "next-"))
            and (n.endswith(DAMAGED) or not n.startswith((NAME, f"next-{MARK}")))
        )
    )
    return CacheState(file, size, problem, tuple(os.path.join(folder, n) for n in old))


def _explain(error: sqlite3.Error) -> str | None:
    """What is wrong, from what SQLite says; None where somebody else is just using the file."""
    kind = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest are its details
    if kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return None
    is_damage = kind in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return f"{_DAMAGED if is_damage else 'it cannot be read'}: {error}"


def drop_cache(file: str) -> None:
    """Delete a cache; the next command makes a new one."""
    for ending in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file + ending)
