"""Many attempts at once, as text: a block that is redrawn in place on a terminal, else plain lines."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from gitbaton.domain.durations import render_duration
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.report.terminal import Style, fit, fit_stream, measure, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: The block is drawn at most this often, and at least once a second, because time passes in it.
_DRAW_S, _TICK_S = 0.1, 1.0
_NAME_MAX = 28
#: Below that many columns only names and what is done are shown.
_NARROW = 60


@dataclass
class Seat:
    """One attempt that runs."""

    task: str
    title: str
    attempt: int
    started: float
    doing: str = ""
    turns: int = 0
    cost_usd: float = 0.0


@dataclass
class Totals:
    """All attempts so far, those that run included."""

    started: float
    review: int = 0
    failed: int = 0
    other: int = 0
    cost_usd: float = 0.0
    seats: dict[str, Seat] = field(default_factory=dict)

    def describe(self, now: float) -> str:
        """The line below all others."""
        done = self.review + self.failed + self.other
        parts = [f"{len(self.seats)} running", f"{done} done"]
        named = [
            f"{count} {words}"
            for count, words in (
                (self.review, "in review"),
                (self.failed, "failed"),
                (self.other, "waiting for a person"),
            )
            if count
        ]
        if named:
            parts[-1] += f" ({', '.join(named)})"
        spent = self.cost_usd + sum(seat.cost_usd for seat in self.seats.values())
        if spent:
            parts.append(f"${spent:.2f}")
        return ", ".join([*parts, _seconds(now - self.started)])


def _seconds(seconds: float) -> str:
    return render_duration(float(max(0, int(seconds))))


def describe_end(outcome: str, message: str) -> str:
    """How an attempt ended, in one line."""
    words = outcome.replace("_", " ")
    good = outcome in set(Outcome) and OUTCOMES[Outcome(outcome)].good
    return f"in review: {message}" if good else f"{words}: {message}"


def describe_figures(turns: int, cost_usd: float, seconds: float) -> str:
    """What an attempt took."""
    figures = [f"{turns} turns"] if turns else []
    if cost_usd:
        figures.append(f"${cost_usd:.2f}")
    return ", ".join([*figures, _seconds(seconds)])


class PoolLines:
    """Plain lines, each with its task's id in front: for logs, pipes and terminals that can only print."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._style = Style(stream)

    def event(self, task: str, kind: str, text: str) -> None:
        """An attempt did something."""
        self.line(task, f"{kind:<8}{printable(text)}")

    def ended(self, task: str, mark: str, text: str, figures: str, notes: Sequence[str]) -> None:
        """An attempt has ended. ``mark`` is good, bad or open."""
        sign = {"good": "done", "bad": "FAILED", "open": "waits"}[mark]
        self.line(task, f"{sign:<8}{printable(text)}  [{figures}]")
        for note in notes:
            self.line(task, f"{'':<8}{note}")

    def say(self, text: str) -> None:
        """Something about the pool itself."""
        self._print(printable(text))

    def line(self, task: str, text: str) -> None:
        """One line of one task."""
        self._print(f"{task}  {text}".rstrip())

    def _print(self, text: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads along any more; the work goes on
            print(fit_stream(text, self._stream), file=self._stream, flush=True)

    def draw(self, *, now: bool = False) -> None:
        """Nothing is redrawn here."""

    def close(self) -> None:
        """Nothing to tidy up."""


class PoolScreen:
    """A block at the bottom of the terminal: a line for each attempt that runs and one for all together. What has
    ended is printed above it and scrolls away with everything else.
    """

    def __init__(
        self, stream: TextIO, totals: Totals, clock: Callable[[], float] = time.monotonic,
        size: Callable[[], tuple[int, int]] | None = None,
    ) -> None:  # fmt: skip
        self._stream = stream
        self._totals = totals
        self._clock = clock
        self._style = Style(stream)
        self._measure = size or (lambda: _measure_terminal(stream))
        self._size = self._measure()
        self._block: list[str] = []  # as drawn, without colours
        self._above: list[str] = []
        self._drawn_at = -_TICK_S
        self._is_new = True
        self.note = "Ctrl-C stops"

    # -- what happens --------------------------------------------------------------------------------------

    def event(self, task: str, kind: str, text: str) -> None:
        """An attempt did something: its line says so until it does something else."""
        seat = self._totals.seats.get(task)
        if seat and kind != "claim":  # its title stands there
            words = printable(text)
            seat.doing = words if kind == "agent" else f"{kind}: {words}"
        self._is_new = True

    def ended(self, task: str, mark: str, text: str, figures: str, notes: Sequence[str]) -> None:
        """An attempt has ended. ``mark`` is good, bad or open."""
        nice, plain, color = {
            "good": ("✔", "ok", "green"), "bad": ("✘", "no", "red"), "open": ("?", "? ", "yellow"),
        }[mark]  # fmt: skip
        sign = self._style.paint(self._style.symbol(nice, plain), color)
        self._above.append(
            f"{sign} {self._style.paint(task, 'bold')}  {self._safe(printable(text))}  "
            + self._style.paint(f"[{figures}]", "dim")
        )
        self._above += [f"  {self._safe(printable(note))}" for note in notes]
        self._is_new = True

    def say(self, text: str) -> None:
        """Something about the pool itself."""
        self._above.append(self._style.paint(self._safe(printable(text)), "dim"))
        self._is_new = True

    # -- drawing -------------------------------------------------------------------------------------------

    def draw(self, *, now: bool = False) -> None:
        """Bring the terminal up to date, if something is new and the last time was not just now."""
        time_s = self._clock()
        size = self._measure()
        passed = time_s - self._drawn_at
        if not now and size == self._size and passed < (_DRAW_S if self._is_new else _TICK_S):
            return
        rows = self._count_rows(size[0])
        self._size, self._drawn_at, self._is_new = size, time_s, False
        lines = self._list_lines(time_s)
        self._block = [plain for plain, _ in lines]
        out = (f"\x1b[{rows}A" if rows else "") + "\r\x1b[J"
        out += "".join(f"{line}\n" for line in self._above) + "".join(f"{line}\n" for _, line in lines)
        self._above = []
        self._write(out)

    def close(self) -> None:
        """Print what is still to be said, and take the block away."""
        self._totals.seats.clear()
        rows = self._count_rows(self._measure()[0])
        out = (f"\x1b[{rows}A" if rows else "") + "\r\x1b[J" + "".join(f"{x}\n" for x in self._above)
        self._above, self._block = [], []
        self._write(out)

    def _write(self, out: str) -> None:
        with contextlib.suppress(OSError):  # the terminal is gone; the work is ended in order all the same
            self._stream.write(out)
            self._stream.flush()

    def _count_rows(self, columns: int) -> int:
        """How many rows the block takes now: a terminal that became narrower has broken its lines."""
        return sum(max(1, -(-measure(line) // columns)) for line in self._block)

    def _list_lines(self, now: float) -> list[tuple[str, str]]:
        """The block: each line without and with colours. One column stays free, so that no terminal breaks a line."""
        columns, rows = self._size
        width = columns - 1
        seats = list(self._totals.seats.values())
        shown = seats[: max(1, rows - 3)]
        names = min(_NAME_MAX, max((measure(s.task) for s in shown), default=0))
        if columns < _NARROW:
            names = min(names, max(8, width // 3))
        lines = [self._seat_line(seat, names, width, now) for seat in shown]
        if len(seats) > len(shown):
            lines.append(self._plain(f"  and {len(seats) - len(shown)} more", width))
        total = self._totals.describe(now)
        if measure(total) + measure(self.note) + 4 <= width and self.note:
            total += f"  ({self.note})"
        text = self._fit(total, width)
        lines.append((text, self._style.paint(text, "bold")))
        return lines

    def _seat_line(self, seat: Seat, names: int, width: int, now: float) -> tuple[str, str]:
        figures = [_seconds(now - seat.started)]
        if self._size[0] >= _NARROW:
            figures = [f"{seat.turns} turns"] if seat.turns else []
            figures += [f"${seat.cost_usd:.2f}"] if seat.cost_usd else []
            figures.append(_seconds(now - seat.started))
        tail = "  ".join(figures)
        name = self._fit(seat.task, names)
        name += " " * (names - measure(name))
        room = width - names - measure(tail) - 6
        doing = self._fit(self._safe(printable(seat.doing or seat.title)), room) if room >= 4 else ""
        gap = " " * max(1, width - names - 4 - measure(doing) - measure(tail))
        plain = self._fit(f"  {name}  {doing}{gap}{tail}", width)
        if measure(plain) + 1 < width - 1 or not doing:
            return self._plain(plain, width)
        style = self._style
        return plain, f"  {style.paint(name, 'cyan')}  {doing}{gap}{style.paint(tail, 'dim')}"

    def _plain(self, text: str, width: int) -> tuple[str, str]:
        text = self._fit(text, width)
        return text, text

    def _fit(self, text: str, width: int) -> str:
        cut = fit(text, width, end=self._style.symbol("…", ".."))
        while measure(cut) > max(0, width):  # no room even for that
            cut = cut[:-1]
        return cut

    def _safe(self, text: str) -> str:
        """``text`` as the stream can show it, so that widths are right."""
        encoding = getattr(self._stream, "encoding", None) or "ascii"
        return fit_stream(text, self._stream).encode(encoding, "replace").decode(encoding)


def _measure_terminal(stream: TextIO) -> tuple[int, int]:
    try:
        columns, rows = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        columns, rows = shutil.get_terminal_size()
    return columns or 80, rows or 24


def open_view(stream: TextIO, totals: Totals) -> PoolLines | PoolScreen:
    """The view that fits ``stream``."""
    if stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return PoolScreen(stream, totals)
    return PoolLines(stream)
