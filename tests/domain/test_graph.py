"""The dependency graph, compared with the standard library and with brute force."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.graph import find_cycles, measure_depths

_NAMES = st.sampled_from("abcdefg")
_GRAPHS = st.dictionaries(_NAMES, st.lists(_NAMES, max_size=3), max_size=7)


def has_cycle(edges: dict[str, list[str]]) -> bool:
    known = {task: [n for n in needs if n in edges] for task, needs in edges.items()}
    try:
        TopologicalSorter(known).prepare()
    except CycleError:
        return True
    return False


def test_cycles_are_closed_paths_that_start_at_the_smallest_id() -> None:
    edges = {"c": ["a"], "a": ["b"], "b": ["c"], "x": ["x"], "d": ["a", "gone"], "e": []}
    assert find_cycles(edges) == [["a", "b", "c", "a"], ["x", "x"]]
    assert find_cycles({}) == []


def test_independent_cycles_are_all_named_and_a_knot_once() -> None:
    knot = {"a": ["b", "c"], "b": ["a"], "c": ["a"]}
    assert find_cycles({**knot, "y": ["z"], "z": ["y"]}) == [["a", "b", "a"], ["y", "z", "y"]]


@given(_GRAPHS)
def test_a_cycle_is_found_exactly_when_there_is_one(edges: dict[str, list[str]]) -> None:
    cycles = find_cycles(edges)
    assert bool(cycles) is has_cycle(edges)
    for cycle in cycles:
        assert cycle[0] == cycle[-1] == min(cycle)
        assert len(set(cycle)) == len(cycle) - 1
        assert all(need in edges[task] for task, need in pairwise(cycle))


@given(_GRAPHS)
def test_no_cycle_is_left_without_the_tasks_of_those_found(edges: dict[str, list[str]]) -> None:
    named = {task for cycle in find_cycles(edges) for task in cycle}
    assert not has_cycle(
        {t: [n for n in needs if n not in named] for t, needs in edges.items() if t not in named}
    )


@given(_GRAPHS, st.randoms())
def test_the_answer_does_not_depend_on_the_order_of_the_input(
    edges: dict[str, list[str]], random: object
) -> None:
    items = [(task, sorted(needs, reverse=True)) for task, needs in edges.items()]
    random.shuffle(items)  # type: ignore[attr-defined] # a random.Random
    assert find_cycles(dict(items)) == find_cycles(edges)
    assert measure_depths(dict(items), ()) == measure_depths(edges, ())


def test_a_long_chain_is_no_problem_for_the_stack() -> None:
    edges = {f"t{n}": [f"t{n + 1}"] for n in range(5000)}
    assert find_cycles({**edges, "t5000": ["t0"]}) != []
    assert measure_depths(edges, ())["t4999"] == 4999


def test_depth_is_the_longest_row_of_tasks_that_wait() -> None:
    edges = {"a": [], "b": ["a"], "c": ["b", "a"], "d": ["a"], "done": ["a"], "after": ["done"]}
    assert measure_depths(edges, {"done"}) == {"a": 2, "b": 1, "c": 0, "d": 0, "after": 0}


def test_what_can_never_start_adds_nothing() -> None:
    edges = {"a": [], "x": ["y", "a"], "y": ["x"], "behind": ["x", "a"], "b": ["a"], "self": ["self", "b"]}
    assert measure_depths(edges, ()) == {"a": 1, "x": 0, "y": 0, "behind": 0, "b": 0, "self": 0}


@given(_GRAPHS, st.sets(_NAMES))
def test_depths_equal_brute_force(edges: dict[str, list[str]], finished: set[str]) -> None:
    left = {
        t: {n for n in needs if n in edges and n not in finished}
        for t, needs in edges.items()
        if t not in finished
    }
    able: set[str] = set()  # tasks that can start one day
    while grown := {t for t, needs in left.items() if needs <= able and t not in able}:
        able |= grown

    def longest(task: str) -> int:
        return max((1 + longest(other) for other in able if task in left[other]), default=0)

    assert measure_depths(edges, finished) == {t: longest(t) if t in able else 0 for t in left}
