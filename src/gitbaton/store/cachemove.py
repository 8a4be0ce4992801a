"""Moving the kept index of the board to where base and the state tips are now, and asking it what comes next."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gitbaton.store.cacheindex import BoardIndex, Change, Stand, Unusual

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping

    from gitbaton.domain.board import Board, Entry
    from gitbaton.store.cache import Cache
    from gitbaton.store.cachediff import Differences

T = TypeVar("T")
#: How often somebody else may have moved the index first.
_TRIES = 3


class Wanted(NamedTuple):
    """The board that is asked for: of the repository at ``top``, at the commit ``base``, with the state tips ``tips``
    (their ids by task), and the settings it hangs on.
    """

    top: str
    base: str
    tips: Mapping[str, str]
    attempts_max: int
    tolerance_s: float
    seen_prefix: str
    gates: tuple[tuple[str, ...], ...]
    state_prefix: str


class Chosen(NamedTuple):
    """The entry that comes next, if there is one, and until when that is so if nothing moves (None: for ever)."""

    entry: Entry | None
    until: float | None


class Behind(NamedTuple):
    """Where the index stands while it is not where it is wanted."""

    stand: Stand
    tips: dict[str, str]
    merges: list[str]


def choose_from_index(
    cache: Cache, wanted: Wanted, now: float, accept: Callable[[Entry], bool] = lambda _: True
) -> Chosen | None:
    """What comes next at ``now``, from the index; it is moved to ``wanted`` first. None where it can't be."""
    return ask_index(cache, wanted, lambda index, stand: Chosen(*index.choose(stand, now, accept)))


def ask_index(cache: Cache, wanted: Wanted, ask: Callable[[BoardIndex, Stand], T]) -> T | None:
    """What ``ask`` finds in the index once that was moved to ``wanted``. None where it can't be."""
    for _ in range(_TRIES):
        found = cache.run(partial(_look, wanted, ask))
        if not isinstance(found, Behind):
            return found
        from gitbaton.store.cachediff import find_differences  # not needed where nothing changed

        try:
            differences = find_differences(cache, wanted, found)
            moved = cache.run(partial(_move, wanted, ask, found, differences), write=True)
        except Unusual:
            return None
        if not isinstance(moved, Behind):
            return moved
    return None


def keep_board(cache: Cache, wanted: Wanted, board: Board, plans: Collection[str]) -> None:
    """Make the index anew from a whole board of base."""
    stand = Stand(wanted.base, *wanted[3:7], tuple(plans))
    cache.run(lambda db: BoardIndex(db).build(stand, board, wanted.tips), write=True)


def _look(wanted: Wanted, ask: Callable[[BoardIndex, Stand], T], db: sqlite3.Connection) -> T | Behind | None:
    index = BoardIndex(db)
    stand = index.read_stand()
    if stand is None or stand[1:5] != wanted[3:7]:
        return None
    tips = index.read_tips()
    if (stand.base, tips) == (wanted.base, wanted.tips):
        return ask(index, stand)
    return Behind(stand, tips, index.list_merges())


def _move(
    wanted: Wanted,
    ask: Callable[[BoardIndex, Stand], T],
    behind: Behind,
    found: Differences,
    db: sqlite3.Connection,
) -> T | Behind:
    """Move the index and ask it; where somebody else moved it first, nothing is done."""
    index = BoardIndex(db)
    if (index.read_stand(), index.read_tips()) != (behind.stand, behind.tips):
        return behind
    stand = behind.stand._replace(base=wanted.base)
    from gitbaton.store.cachediff import find_rows

    change = Change(find_rows(index, found), found.lives, found.seen)
    index.move(stand, change, wanted.tips if behind.tips != wanted.tips else None)
    return ask(index, stand)
