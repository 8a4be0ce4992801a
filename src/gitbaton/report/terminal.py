"""Text for the terminal: aligned, coloured only where asked, never wider than it must be."""

from __future__ import annotations

import os
import re
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


#: Signs of our own that not every terminal shows, and what stands for them there.
_PLAIN = str.maketrans({
    "…": "...", "→": "->", "←": "<-", "↑": "^", "↓": "v", "·": "-", "•": "*", "–": "-", "—": "-", "×": "x", "✓": "+", "✔": "+", "✗": "x",
    "✘": "x", "≤": "<=", "≥": ">=", "█": "#", "░": ".", "▏": "|", "│": "|", "─": "-", "├": "|", "└": "`", "●": "*", "○": "o", "▶": ">",
    "“": '"', "”": '"', "‘": "'", "’": "'",
})  # fmt: skip
_COLOR_CODE = re.compile(r"\x1b\[[0-9;]*m")
_C = ("C", "POSIX")
#: Least room for the last column beside the others.
_LAST_MIN = 16


class Style:
    """Colours and symbols that fit the stream. ``NO_COLOR`` (https://no-color.org) turns colours off, ``FORCE_COLOR``
    (https://force-color.org) on.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        out = stream or sys.stdout
        wanted = out.isatty() and os.environ.get("TERM") != "dumb"
        self.color = not os.environ.get("NO_COLOR") and (bool(os.environ.get("FORCE_COLOR")) or wanted)
        self.unicode = has_unicode(out)
        self.width = _width(out)

    def paint(self, text: str, color: str | None) -> str:
        """``text`` in a colour, where colours are wanted."""
        return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if self.color and color else text

    def symbol(self, nice: str, plain: str) -> str:
        """``nice`` where the stream can show it, else ``plain``."""
        return nice if self.unicode else plain


def has_unicode(stream: TextIO) -> bool:
    """Whether more than ASCII can be shown. Python writes UTF-8 in the C locale, too; a terminal there may not know it,
    while a file or a program takes it.
    """
    if not (getattr(stream, "encoding", "") or "").lower().startswith("utf"):
        return False
    said = os.environ.get
    spoken = next((v for n in ("LC_ALL", "LC_CTYPE", "LANG") if (v := said(n))), "C")
    if spoken == "C.UTF-8" and sys.flags.utf8_mode and not said("LC_ALL") and said("LANG", "C") in ("", *_C):
        spoken = "C"  # Python has set LC_CTYPE at its start, because the locale was C
    return not stream.isatty() or spoken not in _C


def fit_stream(text: str, stream: TextIO) -> str:
    """``text`` with plain signs for ours where the stream can't show them. People's own words stay as they are."""
    return text if text.isascii() or has_unicode(stream) else text.translate(_PLAIN)


def strip_colors(text: str) -> str:
    """``text`` without its colours."""
    return _COLOR_CODE.sub("", text) if "\x1b" in text else text


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


def fit(text: str, width: int, *, end: str = "…") -> str:
    """``text`` cut to ``width`` columns, with ``end`` where something was cut."""
    if measure(text) <= width:
        return text
    room = max(1, width - len(end))
    while text and measure(text) > room:
        text = text[:-1]
    return text.rstrip() + end


def printable(text: str) -> str:
    """``text`` without control characters: a title can't move the cursor or recolour the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "�" for c in text.replace("\n", " ").replace("\t", " "))


def align(
    rows: Sequence[Sequence[str]], style: Style, colors: Sequence[Sequence[str | None]] | None = None
) -> str:
    """Rows in columns; the last column takes what is left of the width, or a line of its own where that is too
    little.
    """
    if not rows:
        return ""
    clean = [[printable(c) for c in row] for row in rows]
    widths = [max(measure(row[i]) for row in clean) for i in range(len(clean[0]))]
    before = sum(widths[:-1]) + 2 * (len(widths) - 1)
    below = len(widths) > 1 and style.width - before < min(_LAST_MIN, widths[-1])
    end = style.symbol("…", "...")
    lines = []
    for n, row in enumerate(clean):
        cells = []
        for i, cell in enumerate(row):
            last = i == len(row) - 1
            room = style.width - (4 if below else before)
            text = fit(cell, max(10, room), end=end) if last else cell
            painted = style.paint(text, colors[n][i] if colors else None)
            cells.append(painted if last else painted + " " * (widths[i] - measure(cell)))
        if below:
            lines.append("  ".join(cells[:-1]).rstrip())
            lines += [f"    {cells[-1]}"] if row[-1] else []
        else:
            lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
