"""The state tips of all tasks, from the cache where they are known: what the board needs of each at once, the whole
state only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.board import LiveRow
from gitbaton.errors import Problem
from gitbaton.store.cache import open_cache

if TYPE_CHECKING:
    from gitbaton.store.cache import Cache
    from gitbaton.store.live import Tip
    from gitbaton.store.repository import Repository

STATE_FILE = "state.yaml"
#: An attempt as plain values.
Past = dict[str, Any]


class States(Mapping[str, "Tip"]):
    """Task → tip of every state that can be read. A state is made from its text when it is asked for."""

    def __init__(
        self, repo: Repository, cache: Cache, oids: Mapping[str, str], unreadable: Container[str]
    ) -> None:
        self._repo = repo
        self._cache = cache
        #: The ids of all tips, of those that can't be read, too.
        self.all_oids = oids
        self._oids = {task: oid for task, oid in oids.items() if task not in unreadable}
        self._made: dict[str, Tip] = {}

    def __getitem__(self, task: str) -> Tip:
        if task not in self._made:
            from gitbaton.store.live import parse_tip, revive_tip

            oid = self._oids[task]
            kept = self._cache.find_state(task, oid)
            if kept is None:  # somebody else made the cache anew in between
                from gitbaton.store.git import read_objects

                text = read_objects(self._repo.git, [f"{oid}:{STATE_FILE}"])[0]
                self._made[task] = parse_tip(text, oid, task, _path(self._repo.state_prefix, task))
            else:
                self._made[task] = revive_tip(oid, kept[0])
        return self._made[task]

    def list_past(self, task: str) -> list[Past]:
        """The attempts at a task as plain values."""
        from gitbaton.store.live import describe_past

        if task not in self._oids:
            return []
        kept = self._cache.find_state(task, self._oids[task])
        return describe_past(self[task].state) if kept is None else list(kept[1])

    def __contains__(self, task: object) -> bool:
        return task in self._oids

    def __iter__(self) -> Iterator[str]:
        return iter(self._oids)

    def __len__(self) -> int:
        return len(self._oids)


class Seen(NamedTuple):
    """What all tips say: rows of the board (leases as they are written), and the problems of those that can't be read."""

    rows: dict[str, LiveRow]
    unreadable: dict[str, tuple[Problem, ...]]

    def to_rows(self, tolerance_s: float) -> dict[str, LiveRow]:
        """The rows with ``tolerance_s`` added to every lease. A task whose tip can't be read is held, so that nobody
        takes it.
        """
        rows = {
            task: row if row.lease is None else row._replace(lease=row.lease + tolerance_s)
            for task, row in self.rows.items()
        }
        for task, problems in self.unreadable.items():
            rows[task] = LiveRow(task, "open", "", hold=f"its live state can't be read: {problems[0]}")
        return rows


def list_tips(repo: Repository) -> dict[str, str]:
    """Task → id of its state tip, as this clone last saw it."""
    from gitbaton.store.git import list_refs

    prefix = repo.seen_prefix
    return {ref.removeprefix(prefix): oid for ref, oid in list_refs(repo.git, prefix).items()}


def read_seen(
    cache: Cache, oids: Mapping[str, str], state_prefix: str, read: Callable[[list[str]], list[bytes | None]]
) -> Seen:
    """What the tips ``oids`` say. ``state_prefix`` is how their refs are called where they are shared; ``read`` gives
    contents by name.
    """
    kept = cache.find_tips(oids)
    seen = Seen({}, {})
    unread = []
    for task, oid in oids.items():
        at, value = kept.get(task, ("", None))
        if at != oid or not _take(seen, task, value, _path(state_prefix, task)):
            unread.append(task)
    if unread:
        texts = read([f"{oids[task]}:{STATE_FILE}" for task in unread])
        fresh = [
            (t, oids[t], *_read(text, oids[t], t, _path(state_prefix, t)))
            for t, text in zip(unread, texts, strict=True)
        ]
        cache.keep_tips(fresh, in_use=len(oids))
        for task, _, value, _ in fresh:
            _take(seen, task, value, _path(state_prefix, task))
        order = {task: seen.rows[task] for task in oids if task in seen.rows}
        return Seen(order, seen.unreadable)
    return seen


def open_states(repo: Repository) -> tuple[States, Seen]:
    """All states of a repository as they were last seen."""
    from gitbaton.store.git import read_objects

    cache = open_cache(repo)
    oids = list_tips(repo)
    seen = read_seen(cache, oids, repo.state_prefix, partial(read_objects, repo.git))
    return States(repo, cache, oids, seen.unreadable), seen


def _path(state_prefix: str, task: str) -> str:
    return f"{state_prefix}{task}:{STATE_FILE}"


def _take(seen: Seen, task: str, value: Any, path: str) -> bool:
    """Note what was kept for a tip; False where it is of no use here."""
    match value:
        case (tuple() as row, None):
            seen.rows[task] = LiveRow(*row)
        case (str() as where, list() as problems) if where == path:
            seen.unreadable[task] = tuple(Problem(*p) for p in problems)
        case _:
            return False
    return True


def _read(text: bytes | None, oid: str, task: str, path: str) -> tuple[Any, Any]:
    """What is kept for a tip, and of its whole state."""
    from gitbaton.errors import InvalidDocument
    from gitbaton.store.live import parse_tip

    try:
        tip = parse_tip(text, oid, task, path)
    except InvalidDocument as error:
        return (path, [tuple(p) for p in error.problems]), None
    return _reduce(task, tip)


def _reduce(task: str, tip: Tip) -> tuple[Any, Any]:
    """What is kept for a tip that can be read, and of its whole state."""
    from gitbaton.store.live import reduce_tip, to_live_row

    return (tuple(to_live_row(task, tip)), None), reduce_tip(tip)


def keep_tip(repo: Repository, task: str, tip: Tip) -> None:
    """Keep a tip as it is read from its text."""
    open_cache(repo).keep_tips([(task, tip.oid, *_reduce(task, tip))])
