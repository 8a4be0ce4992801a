"""The dependency graph: cycles with their path, unfinished dependencies, how much work hangs on a task."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping, Sequence


def find_cycles(edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles among ``edges`` (task → tasks it needs), each as a closed path ``[a, b, a]`` that starts at
    its smallest id, sorted. One per knot: the tasks of a cycle that was found are set aside, so that
    independent cycles are all named in one go, and no cycle is left without them.

    Depth first in sorted order, each task visited once: ``graphlib`` tells one cycle per run, which is slow
    where a slip of the pen made hundreds.
    """
    cycles: list[list[str]] = []
    seen: set[str] = set()
    for start in sorted(edges):
        if start in seen:
            continue
        seen.add(start)
        path = {start: iter(sorted(edges[start]))}  # in the order of the way from start
        while path:
            task = next(reversed(path))
            need = next((n for n in path[task] if n in path or (n in edges and n not in seen)), None)
            if need is None:
                del path[task]
            elif need in path:
                way = list(path)
                ring = way[way.index(need) :]
                turn = ring.index(min(ring))
                cycles.append([*ring[turn:], *ring[: turn + 1]])
                for member in ring:
                    del path[member]
            else:
                seen.add(need)
                path[need] = iter(sorted(edges[need]))
    return sorted(cycles)


def measure_depths(edges: Mapping[str, Sequence[str]], finished: Collection[str]) -> dict[str, int]:
    """For each unfinished task the number of tasks on the longest path of unfinished tasks that wait for it.

    A task that can never start (on a cycle, or behind one) counts 0 and adds nothing: no work unblocks it.
    ``finished`` are the tasks to leave out.
    """
    waiting: dict[str, list[str]] = {task: [] for task in edges if task not in finished}
    needs = {task: [n for n in dict.fromkeys(edges[task]) if n in waiting] for task in waiting}
    for task in waiting:
        for need in needs[task]:
            waiting[need].append(task)
    unmet = {task: len(needs[task]) for task in waiting}
    free = deque(task for task, count in unmet.items() if count == 0)
    order: list[str] = []
    while free:
        task = free.popleft()
        order.append(task)
        for dependent in waiting[task]:
            unmet[dependent] -= 1
            if unmet[dependent] == 0:
                free.append(dependent)
    depths = dict.fromkeys(waiting, 0)
    for task in reversed(order):
        for need in needs[task]:
            depths[need] = max(depths[need], depths[task] + 1)
    return depths


def settle_depths(
    start: Iterable[str],
    depths: MutableMapping[str, int | None],
    *,
    waiters_of: Callable[[str], Iterable[str]],
    needs_of: Callable[[str], Iterable[str]],
    limit: int,
) -> set[str] | None:
    """Mend ``depths`` (of unfinished tasks; None for all others) where they may have changed, and return the ids
    of those that did. ``start`` are the tasks whose waiters may have changed, or that may have come or gone.

    Each depth is one more than the greatest of those that wait. Without a cycle there is exactly one set of depths
    for which that holds everywhere, and this ends only when it does; with one there is none, and a task comes up
    again more often than there are tasks. None then, or where it takes more than ``limit`` steps: measure anew.
    """
    queue = deque(dict.fromkeys(start))
    queued = set(queue)
    changed: set[str] = set()
    visits: dict[str, int] = {}
    for _ in range(limit):
        if not queue:
            return changed
        task = queue.popleft()
        queued.discard(task)
        visits[task] = visits.get(task, 0) + 1
        if visits[task] > len(visits):
            return None
        old = depths[task]
        if old is None:
            continue
        waiting = [depth for waiter in waiters_of(task) if (depth := depths[waiter]) is not None]
        new = max(waiting) + 1 if waiting else 0
        if new != old:
            depths[task] = new
            changed.add(task)
            for need in needs_of(task):
                if need not in queued:
                    queued.add(need)
                    queue.append(need)
    return None
