"""What of a long history is told where there is little room: one rule for briefings, tool answers and ``baton context``.

A history is a row of pieces, most important first. Each can be told in several forms, from whole to least. The least
important pieces give way first, form by form; the most important one stays whole until nothing else can give way. The
least form of a piece holds what must never be dropped (its facts, each in a line), so that:

* what fits is told whole: then nothing is changed at all;
* nothing that is told is larger than the room, unless the least forms of all pieces are;
* the same pieces and the same room give the same choice.

Pure, and in bytes; room is given by people in tokens.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.wording import clean_text, shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How many bytes of UTF-8 count as one token. Models' own counts differ; for English prose, Markdown and code they
#: find 3.5 to 4.5, so that this rather counts too many than too few.
BYTES_PER_TOKEN = 3.5
#: Room for what was left by earlier attempts, by dependencies and in notes, unless the config says otherwise.
CONTEXT_TOKENS = 8_000
#: Less makes no sense: a few facts would not fit.
TOKENS_MIN = 500
#: Of a fact at least so many characters stay, whatever the room.
FACT_MIN = 120


class Fact(NamedTuple):
    """Something that must stay told: a decision, an open question, a failure and why, what is in the way, what a
    person said. ``label`` says which.
    """

    label: str
    text: str

    def render(self, length_max: int | None = None) -> str:
        """The fact in a line of Markdown; its text cut to ``length_max`` characters."""
        text = " ".join(clean_text(self.text.replace("\r", "\n")).split())
        return f"- {self.label}: {shorten_to_line(text, length_max) if length_max else text}"


def estimate_tokens(text: str) -> int:
    """How many tokens ``text`` takes, rather too many than too few."""
    return math.ceil(measure(text) / BYTES_PER_TOKEN)


def measure(text: str) -> int:
    """Bytes that ``text`` takes."""
    return len(text.encode("utf-8", "surrogatepass"))


def find_room(tokens: int) -> int:
    """Bytes that may be told within ``tokens``."""
    return int(tokens * BYTES_PER_TOKEN)


def narrow(forms: Sequence[str]) -> tuple[str, ...]:
    """``forms`` so that none is longer than the one before: a short text needs no shortening."""
    kept = [forms[0]]
    for form in forms[1:]:
        kept.append(form if measure(form) < measure(kept[-1]) else kept[-1])
    return tuple(kept)


def choose_forms(sizes: Sequence[Sequence[int]], room: int) -> list[int]:
    """Which form of each piece is told. ``sizes`` are, by piece and most important first, those of its forms from whole to
    least, none larger than the one before. All together are at most ``room``, or else all are the least.
    """
    chosen = [0] * len(sizes)
    total = sum(forms[0] for forms in sizes)
    for piece, form in _list_steps(sizes):
        if total <= room:
            break
        total += sizes[piece][form] - sizes[piece][chosen[piece]]
        chosen[piece] = form
    for piece, forms in enumerate(sizes):  # the last step may have made more room than was needed
        others = total - forms[chosen[piece]]
        fuller = next((n for n in range(chosen[piece]) if others + forms[n] <= room), chosen[piece])
        total = others + forms[fuller]
        chosen[piece] = fuller
    return chosen


def _list_steps(sizes: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
    """(piece, form) in the order in which pieces give way."""
    depth = max(map(len, sizes), default=0)
    for group in (range(len(sizes) - 1, 0, -1), range(min(1, len(sizes)))):
        for form in range(1, depth):
            yield from ((piece, form) for piece in group if form < len(sizes[piece]))
