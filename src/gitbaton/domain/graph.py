"""The dependency graph: cycles with their path, unfinished dependencies, how much work hangs on a task."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


def find_cycles(edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles among ``edges`` (task → tasks it needs), each as a closed path ``[a, b, a]`` that starts at
    its smallest id. One per knot: after a cycle is found its tasks are set aside, so that independent
    cycles are all named in one go.
    """
    left = {task: [n for n in needs if n in edges] for task, needs in edges.items()}
    cycles: list[list[str]] = []
    while True:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            path = list(error.args[1])[::-1][:-1]  # graphlib lists each node after the one that needs it
            start = path.index(min(path))
            ring = path[start:] + path[:start]
            cycles.append([*ring, ring[0]])
            gone = set(ring)
            left = {t: [n for n in needs if n not in gone] for t, needs in left.items() if t not in gone}
        else:
            return sorted(cycles)


def measure_depths(edges: Mapping[str, Sequence[str]], finished: Collection[str]) -> dict[str, int]:
    """For each unfinished task the number of tasks on the longest path of unfinished tasks that wait
    for it. Tasks on a cycle count 0: nothing will ever unblock them.
    """
    waiting: dict[str, list[str]] = {task: [] for task in edges if task not in finished}
    unmet = dict.fromkeys(waiting, 0)  # dependents not yet measured
    for task in waiting:
        for need in edges[task]:
            if need in waiting:
                waiting[need].append(task)
                unmet[need] += 1
    depths = dict.fromkeys(waiting, 0)
    queue = [task for task, count in unmet.items() if count == 0]
    while queue:
        task = queue.pop()
        for need in edges[task]:
            if need in waiting:
                depths[need] = max(depths[need], depths[task] + 1)
                unmet[need] -= 1
                if unmet[need] == 0:
                    queue.append(need)
    for task, count in unmet.items():
        if count:
            depths[task] = 0
    return depths
