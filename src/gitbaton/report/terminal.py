"""Text for the terminal: aligned, coloured only where asked, never wider than it must be."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_COLORS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35, "cyan": 36, "dim": 2, "bold": 1}
STATE_COLORS = {
    "ready": "green", "in_progress": "cyan", "in_review": "magenta", "changes_requested": "yellow", "failed": "red",
    "stale": "yellow", "needs_input": "yellow", "waiting": "dim", "done": "dim", "cancelled": "dim", "held": "yellow",
}  # fmt: skip


class Style:
    """Colours and symbols that fit the stream. ``NO_COLOR`` (https://no-color.org) turns colours off."""

    def __init__(self, stream: TextIO | None = None) -> None:
        out = stream or sys.stdout
        self.color = out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.unicode = (getattr(out, "encoding", "") or "").lower().startswith("utf")
        self.width = _width(out)

    def paint(self, text: str, color: str | None) -> str:
        """``text`` in a colour, where colours are wanted."""
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.color and color else text

    def symbol(self, nice: str, plain: str) -> str:
        """``nice`` where the stream can show it, else ``plain``."""
        return nice if self.unicode else plain


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream.isatty() else 10_000
    except (OSError, ValueError):
        return 10_000


def measure(text: str) -> int:
    """Columns a text takes: wide letters take two, combining ones none."""
    if text.isascii():  # nearly all; the long way takes a third of the time of a list of thousands
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def fit(text: str, width: int) -> str:
    """``text`` cut to ``width`` columns, with an ellipsis where something was cut."""
    if measure(text) <= width:
        return text
    while text and measure(text) > max(1, width - 1):
        text = text[:-1]
    return text.rstrip() + "…"


def printable(text: str) -> str:
    """``text`` without control characters: a title can't move the cursor or recolour the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "�" for c in text.replace("\n", " ").replace("\t", " "))


def align(
    rows: Sequence[Sequence[str]], style: Style, colors: Sequence[Sequence[str | None]] | None = None
) -> str:
    """Rows in columns; the last column takes what is left of the width."""
    if not rows:
        return ""
    clean = [[printable(c) for c in row] for row in rows]
    widths = [max(measure(row[i]) for row in clean) for i in range(len(clean[0]))]
    lines = []
    for n, row in enumerate(clean):
        used, cells = 0, []
        for i, cell in enumerate(row):
            last = i == len(row) - 1
            text = fit(cell, max(10, style.width - used)) if last else cell
            painted = style.paint(text, colors[n][i] if colors else None)
            cells.append(painted if last else painted + " " * (widths[i] - measure(cell)))
            used += widths[i] + 2
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
