"""A command in a terminal of its own, and what a person sees there: the few control sequences that gitbaton writes,
understood as terminals understand them; any other one fails the test.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

_SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")
#: Makes the terminal the command's own, so that Ctrl-C and a new size reach it.
_OWN_TERMINAL = "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
PATIENCE_S = 180.0


class PseudoTerminal:
    """``words`` run in ``folder`` with a terminal of ``columns`` times ``lines``. ``shown`` is what stands on the
    screen, ``written`` everything the command wrote; ``modes`` are those private modes that are set.
    """

    def __init__(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], *, columns: int = 80, lines: int = 24
    ) -> None:  # fmt: skip
        self.columns, self.lines = columns, lines
        self.written = ""
        self.modes: set[str] = set()
        self.shown: list[str] = []
        self._row = self._column = 0
        self._held = b""
        self._master, slave = pty.openpty()
        self.resize(columns, lines)
        self.before: list[Any] = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _OWN_TERMINAL, *words], cwd=folder, env={"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}, stdin=slave,
            stdout=slave, stderr=slave,
        )  # fmt: skip
        self._slave = slave  # kept open, so that its settings can be asked for afterwards

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    @property
    def text(self) -> str:
        """The screen as lines without what is blank at their ends."""
        return "\n".join(line.rstrip() for line in self.shown).rstrip() + "\n"

    @property
    def settings(self) -> list[Any]:
        """The terminal's settings now, to be compared with ``before``."""
        return termios.tcgetattr(self._slave)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; whoever is in it hears of it."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.columns, self.lines = columns, lines

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._master, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the command."""
        self.process.send_signal(number)

    def wait_for(self, seen: Callable[[PseudoTerminal], object]) -> None:
        """Read until ``seen`` holds; fails after three minutes with what is on the screen."""
        end = time.monotonic() + PATIENCE_S
        while not seen(self):
            assert time.monotonic() < end, f"it never came; there stands:\n{self.text}\n{self.written!r}"
            self._read(0.2)

    def wait_end(self) -> int:
        """Read until the command ends; its exit code."""
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < end, f"it does not end; there stands:\n{self.text}"
            self._read(0.1)
        while self._read(0.05):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], seconds)
        if not ready:
            return False
        with contextlib.suppress(OSError):
            data = self._held + os.read(self._master, 65536)
            whole = data.decode("utf-8", "ignore")
            rest = len(data) - len(whole.encode())
            self._held = data[len(data) - rest :] if rest else b""
            cut = re.search(r"\x1b(?:\[[0-9;?]*)?\Z", whole)
            if cut:  # half a sequence
                self._held, whole = whole[cut.start() :].encode() + self._held, whole[: cut.start()]
            self.written += whole
            self._show(whole)
        return True

    def _show(self, text: str) -> None:
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                assert found, f"no terminal is asked for that: {text[at : at + 20]!r}"
                self._obey(*found.groups())
                at = found.end()
                continue
            self._put(text[at])
            at += 1

    def _put(self, letter: str) -> None:
        if letter == "\n":
            self._row += 1
            return
        if letter == "\r":
            self._column = 0
            return
        assert letter.isprintable(), f"{letter!r} reached the terminal"
        while len(self.shown) <= self._row:
            self.shown.append("")
        line = self.shown[self._row].ljust(self._column)
        self.shown[self._row] = line[: self._column] + letter + line[self._column + 1 :]
        self._column += 1

    def _obey(self, private: str, numbers: str, letter: str) -> None:
        if private:
            assert letter in "hl", letter
            (self.modes.add if letter == "h" else self.modes.discard)(numbers)
            if numbers == "1049":
                self.shown, self._row, self._column = [], 0, 0
            return
        match letter:
            case "m":
                return
            case "H":
                row, _, column = numbers.partition(";")
                self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
            case "K":
                if self._row < len(self.shown):
                    self.shown[self._row] = self.shown[self._row][: self._column]
            case "J":
                self.shown = self.shown[: self._row]
            case _:
                raise AssertionError(f"no terminal is asked for {numbers}{letter}")
