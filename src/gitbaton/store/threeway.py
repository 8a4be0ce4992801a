"""Three versions of a sequence merged by its items: the lines of a text, the items of a list."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Region(NamedTuple):
    """A stretch of the base and what each side made of it."""

    base: list[str]
    ours: list[str]
    theirs: list[str]

    @property
    def merged(self) -> list[str] | None:
        """What both agree on; None where each changed it in another way."""
        if self.ours in (self.theirs, self.base):
            return self.theirs
        return self.ours if self.theirs == self.base else None


def compare_three(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> list[Region]:
    """The regions of a merge, in order. Changes that touch each other stand in one region, as in git."""
    regions: list[Region] = []
    z = a = b = 0
    for common, mine, other, length in _find_common(base, ours, theirs):
        if z < common or a < mine or b < other:
            regions.append(Region(list(base[z:common]), list(ours[a:mine]), list(theirs[b:other])))
        if length:
            kept = list(base[common : common + length])
            regions.append(Region(kept, kept, kept))
        z, a, b = common + length, mine + length, other + length
    return regions


def _find_common(
    base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    """(place in base, in ours, in theirs, length) of what neither side changed; last the three ends."""
    mine, other = (
        SequenceMatcher(None, base, side, autojunk=False).get_matching_blocks() for side in (ours, theirs)
    )
    i = j = 0
    while i < len(mine) and j < len(other):
        start = max(mine[i].a, other[j].a)
        end = min(mine[i].a + mine[i].size, other[j].a + other[j].size)
        if start < end:
            yield start, mine[i].b + start - mine[i].a, other[j].b + start - other[j].a, end - start
        if mine[i].a + mine[i].size < other[j].a + other[j].size:
            i += 1
        else:
            j += 1
    yield len(base), len(ours), len(theirs), 0
