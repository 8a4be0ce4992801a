"""What differs between the board that the index was made from and the one that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.store.cacheindex import Unusual
from gitbaton.store.layout import TASKS, classify
from gitbaton.store.scan import LINK, judge_file, parse_row, reduce_row, revive_row
from gitbaton.store.sealing import ask_git, ask_whether, read_blobs
from gitbaton.store.tips import read_seen

if TYPE_CHECKING:
    from gitbaton.domain.board import LiveRow
    from gitbaton.store.cache import Cache
    from gitbaton.store.cacheindex import BoardIndex
    from gitbaton.store.cachemove import Behind, Wanted
    from gitbaton.store.layout import Place
    from gitbaton.store.scan import Row

#: From here on folding everything is quicker than asking git about each.
_FILES_MAX = 500
_TIPS_MAX = 100
_MERGES_MAX = 10
_ABSENT = ("000000", "160000")


class Differences(NamedTuple):
    """What differs from there. ``added``: rows by id and path; ``removed``: paths by id."""

    added: dict[str, dict[str, Row]]
    removed: dict[str, set[str]]
    lives: dict[str, LiveRow | None]
    seen: frozenset[str]


def find_rows(index: BoardIndex, found: Differences) -> dict[str, Row | None]:
    """The new rows by id; None for a task that is gone."""
    rows: dict[str, Row | None] = {}
    for task in {*found.added, *found.removed}:
        added, at = found.added.get(task, {}), index.find_path(task)
        paths = ({at} if at else set()) - found.removed.get(task, set()) | added.keys()
        if len(paths) > 1:
            raise Unusual
        if paths <= added.keys():
            rows[task] = added[paths.pop()] if paths else None
    return rows


def find_differences(cache: Cache, wanted: Wanted, behind: Behind) -> Differences:
    """What differs between where the index stands and where it is wanted. Raises ``Unusual``."""
    added, removed = _find_files(cache, wanted, behind.stand.base)
    moved = {
        t for t in {**behind.tips, **wanted.tips} if behind.tips.get(t) != wanted.tips.get(t)
    } | added.keys()
    there = {task: wanted.tips[task] for task in moved if task in wanted.tips}
    if len(moved) > _TIPS_MAX:
        raise Unusual
    known = read_seen(cache, there, wanted.state_prefix, lambda names: _read(wanted, names)).to_rows(
        wanted.tolerance_s
    )
    merges = {*behind.merges, *(row.merge for row in known.values() if row.status == "merged" and row.merge)}
    if len(merges) > _MERGES_MAX:
        raise Unusual
    told = {m: ask_whether(wanted.top, ("merge-base", "--is-ancestor", m, wanted.base)) for m in merges}
    if None in told.values():
        raise Unusual
    seen = frozenset(merge for merge, is_there in told.items() if is_there)
    return Differences(added, removed, {task: known.get(task) for task in moved}, seen)


def _find_files(
    cache: Cache, wanted: Wanted, base: str
) -> tuple[dict[str, dict[str, Row]], dict[str, set[str]]]:
    added: dict[str, dict[str, Row]] = {}
    removed: dict[str, set[str]] = {}
    blobs: list[tuple[Place, str, str, bool]] = []
    for path, mode, oid, is_new in _list_changes(wanted, base):
        place = classify(path)
        if place is None or place.kind in ("handoff", "role", "workflow"):
            continue
        if place.kind == "config" or (place.kind == "plan" and (is_new or mode in _ABSENT)):
            raise Unusual
        if place.kind == "plan":
            continue
        removed.setdefault(place.id.lower(), set()).add(path)
        if mode not in _ABSENT:
            blobs.append((place, path, oid, mode == "120000"))
    kept = cache.find_rows([oid for _, _, oid, _ in blobs])
    for place, path, oid, is_link in blobs:
        row: Row | None = judge_file(path, place, LINK if is_link else None)
        if row is None and not place.complaint:
            row = revive_row(kept.get(oid), path, place.id)
        if row is None:
            row = parse_row(path, place, _read(wanted, [oid])[0] or b"")
            if not place.complaint:
                cache.keep_rows([(oid, reduce_row(row))])
        added.setdefault(place.id.lower(), {})[path] = row
    return added, removed


def _list_changes(wanted: Wanted, base: str) -> list[tuple[str, str, str, bool]]:
    """(path, new mode, new blob, whether there was none before) of all that differs below ``tasks/``."""
    if base == wanted.base:
        return []
    # Without an index of its own, git would read the repository's, which may be large.
    args = ("diff-tree", "-r", "-z", "--no-renames", base, wanted.base, "--", f"{TASKS}/")
    out = ask_git(wanted.top, args, GIT_INDEX_FILE="/nonexistent")
    if out is None:
        raise Unusual
    words = out.split(b"\0")
    if len(words) > 2 * _FILES_MAX:
        raise Unusual
    changes = []
    for about, path in zip(words[0:-1:2], words[1::2], strict=True):
        old, mode, _, oid, _ = about.decode()[1:].split(" ")
        changes.append((path.decode("utf-8", "surrogateescape"), mode, oid, old in _ABSENT))
    return changes


def _read(wanted: Wanted, names: list[str]) -> list[bytes | None]:
    found = read_blobs(wanted.top, names)
    if found is None or None in found:
        raise Unusual
    return found
