"""What of a plan can run at once, what comes after it, and which chain of tasks takes longest. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.scope import globs_overlap

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Work(NamedTuple):
    """A task as the order of work sees it. One that is only the sum of its parts (``is_sum``) takes no lane itself."""

    needs: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    is_sum: bool = False


def plan_waves(work: Mapping[str, Work]) -> tuple[list[list[str]], list[str]]:
    """The tasks of ``work`` (all unfinished, best first) in waves: those of one wave can run at once, because nothing
    in it waits for another and no two touch the same paths. Then those that can never start. Needs that are not
    among ``work`` count as met.
    """
    left = dict(work)
    waves: list[list[str]] = []
    done: set[str] = set()
    while left:
        _finish_sums(left, done, work)
        wave: list[str] = []
        for task, one in left.items():
            is_free = not one.is_sum and all(n in done or n not in work for n in one.needs)
            if is_free and not any(_meet(one, work[other]) for other in wave):
                wave.append(task)
        if not wave:
            break
        waves.append(wave)
        done.update(wave)
        for task in wave:
            del left[task]
    return waves, sorted(left)


def _finish_sums(left: dict[str, Work], done: set[str], work: Mapping[str, Work]) -> None:
    """Take out the sums whose parts are done; one may be a part of another."""
    changed = True
    while changed:
        ready = [t for t, w in left.items() if w.is_sum and all(n in done or n not in work for n in w.needs)]
        changed = bool(ready)
        for task in ready:
            done.add(task)
            del left[task]


def _meet(one: Work, other: Work) -> bool:
    return any(globs_overlap(a, b) for a in one.paths for b in other.paths)


def find_longest(needs: Mapping[str, Sequence[str]], weights: Mapping[str, float]) -> tuple[list[str], float]:
    """The heaviest chain of tasks of which each needs the one before, and its weight. Tasks on a circle, or behind
    one, are left out. Of equals the one that comes first in the order of ``needs``.
    """
    order = _sort(needs)
    best: dict[str, float] = {}
    before: dict[str, str | None] = {}
    for task in order:
        known = [n for n in needs[task] if n in best]
        last = max(known, key=lambda n: best[n], default=None)
        before[task] = last
        best[task] = weights.get(task, 0.0) + (best[last] if last is not None else 0.0)
    rank = {task: n for n, task in enumerate(needs)}
    end = max(order, key=lambda t: (best[t], -rank[t]), default=None)
    chain: list[str] = []
    here = end
    while here is not None:
        chain.append(here)
        here = before[here]
    return chain[::-1], best[end] if end is not None else 0.0


def _sort(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Every task after those that it needs; what is on a circle or behind one is missing."""
    left = {task: {n for n in found if n in needs} for task, found in needs.items()}
    order: list[str] = []
    done: set[str] = set()
    while ready := [t for t, waits in left.items() if waits <= done]:
        order += ready
        done.update(ready)
        for task in ready:
            del left[task]
    return order


def count_lanes(waves: Sequence[Collection[str]]) -> int:
    """How many run at once at the most."""
    return max((len(wave) for wave in waves), default=0)
