"""A terminal: a command in a pseudo-terminal, the keys that are pressed there, and what its screen shows.

The screen knows what our own output uses: line breaks, the cursor upwards, clearing, colours. Anything else fails the
test, because a real terminal might take it for something different.
"""

from __future__ import annotations

import codecs
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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from gitbaton.report.terminal import measure

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_SEQUENCE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])")
CTRL_C = "\x03"
#: Makes the terminal that it is started in its own, so that Ctrl-C reaches it, and becomes the command.
_BEGIN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
_HALF = re.compile(r"\x1b(\[[?\d;]*)?$")


@dataclass
class Screen:
    """What a terminal of that size shows. ``gone`` are the lines that have scrolled out of it."""

    columns: int = 80
    rows: int = 24
    lines: list[str] = field(default_factory=lambda: [""])
    gone: list[str] = field(default_factory=list)
    row: int = 0
    column: int = 0
    colors: set[str] = field(default_factory=set)
    _half: str = ""

    @property
    def text(self) -> str:
        """All that can be seen, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    @property
    def history(self) -> str:
        """What has scrolled away and what can be seen."""
        return "\n".join(line.rstrip() for line in [*self.gone, *self.lines]).rstrip("\n")

    def feed(self, text: str) -> None:
        """The program writes ``text``."""
        text = self._half + text
        half = _HALF.search(text)
        self._half = half[0] if half else ""
        text = text[: len(text) - len(self._half)]
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = _SEQUENCE.match(text, at)
                assert found, f"no sequence that this screen knows: {text[at : at + 10]!r}"
                self._obey(found[1], found[2])
                at = found.end()
            else:
                self._put(text[at])
                at += 1

    def _obey(self, arguments: str, command: str) -> None:
        match command:
            case "A":
                self.row = max(0, self.row - int(arguments or 1))
            case "J" if arguments in ("", "0"):
                self.lines[self.row] = self.lines[self.row][: self.column]
                del self.lines[self.row + 1 :]
            case "m":
                self.colors.add(arguments)
            case _:
                raise AssertionError(f"a sequence that this screen doesn't know: {arguments}{command}")

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._down()
        else:
            assert letter.isprintable(), f"a control character: {letter!r}"
            if self.column + measure(letter) > self.columns:
                self.column = 0
                self._down()
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + letter + line[self.column + 1 :]
            self.column += measure(letter)

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")
        if len(self.lines) > self.rows:
            self.gone.append(self.lines.pop(0))
            self.row -= 1


class Terminal:
    """A command that runs in a terminal of its own. A context manager: at its end the command is killed."""

    def __init__(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], columns: int = 80, rows: int = 24
    ) -> None:
        self.screen = Screen(columns, rows)
        self.frames: list[str] = []
        self._file, theirs = pty.openpty()
        self.resize(columns, rows)
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, *command], cwd=cwd, env={"TERM": "xterm-256color", **env}, stdin=theirs, stdout=theirs,
            stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._file)

    @property
    def pid(self) -> int:
        """The command's process."""
        return self._process.pid

    def press(self, keys: str) -> None:
        """Press keys, for example ``CTRL_C``."""
        os.write(self._file, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size. What was drawn stays as it is."""
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.columns, self.screen.rows = columns, rows

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def until(self, seen: Callable[[Screen], bool], *, within_s: float = 120.0) -> Screen:
        """Wait until the screen shows that."""
        deadline = time.monotonic() + within_s
        while not seen(self.screen):
            left = deadline - time.monotonic()
            assert left > 0, f"not within {within_s} s; the screen shows:\n{self.screen.history}"
            assert self._read(left), f"the command has ended; the screen shows:\n{self.screen.history}"
        return self.screen

    def end(self, *, within_s: float = 120.0) -> int:
        """Wait for the command's end; its exit code."""
        deadline = time.monotonic() + within_s
        while self._read(max(0.0, deadline - time.monotonic())):
            assert time.monotonic() < deadline, f"it goes on; the screen shows:\n{self.screen.history}"
        return self._process.wait(timeout=max(1.0, deadline - time.monotonic()))

    def _read(self, timeout_s: float) -> bool:
        """Take what was written within that time; False at the end."""
        if not select.select([self._file], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self._file, 1 << 16)
        except OSError:  # Linux says so when nobody has the other end any more
            return False
        if data:
            self.screen.feed(self._decoder.decode(data))
            self.frames.append(self.screen.text)
        return bool(data)
