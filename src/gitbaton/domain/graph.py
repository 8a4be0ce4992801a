"""The dependency graph: cycles with their path, unfinished dependencies, how much work hangs on a task."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


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
