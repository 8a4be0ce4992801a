"""A terminal: a command in a pseudo-terminal of its own, the keys that are pressed there, and what its screen shows.

The screen knows what our own output uses: line breaks, colours, the cursor moved and hidden, clearing, the other screen.
Anything else fails the test, because a real terminal might take it for something different.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from gitbaton.report.terminal import measure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

CTRL_C = "\x03"
PATIENCE_S = 180.0
#: The private modes that we use.
CURSOR, OTHER_SCREEN = "25", "1049"

_SEQUENCE = re.compile(
    r"\x1b(?:\[([0-?]*)([ -/]*[@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78A-Z])"
)
_HALF = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[()])?\Z")
#: Makes the terminal that it is started in its own, so that Ctrl-C and a new size reach it, and becomes the command.
#: Python sets LC_CTYPE at its start where the locale is C; a command has only the environment that it is given.
_BEGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "-":
    os.environ.pop("LC_CTYPE", None)
os.execvp(sys.argv[2], sys.argv[2:])
"""


@dataclass
class Screen:
    """What a terminal of that size shows. ``gone`` are the lines that have scrolled out of it; ``broken`` those that
    were too long for it, since it was last cleared; ``modes`` the private modes that are set. A ``lenient`` one passes
    over what it doesn't know, and its lines may be wrong then.
    """

    columns: int = 80
    rows: int = 24
    lenient: bool = False
    lines: list[str] = field(default_factory=lambda: [""])
    gone: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    row: int = 0
    column: int = 0
    colors: set[str] = field(default_factory=set)
    modes: set[str] = field(default_factory=lambda: {CURSOR})
    #: The beginning of a sequence whose end has not come yet.
    half: str = ""
    _below: tuple[list[str], list[str], int, int] | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """All that can be seen, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    @property
    def history(self) -> str:
        """What has scrolled away and what can be seen."""
        return "\n".join(line.rstrip() for line in [*self.gone, *self.lines]).rstrip("\n")

    def resize(self, columns: int, rows: int) -> None:
        """Another size. What was drawn stays as it is, as far as there is room."""
        self.columns, self.rows = columns, rows
        self._scroll()

    def feed(self, text: str) -> None:
        """The program writes ``text``."""
        text = self.half + text
        half = _HALF.search(text)
        self.half = half[0] if half else ""
        text = text[: len(text) - len(self.half)]
        at = 0
        while at < len(text):
            found = _SEQUENCE.match(text, at)
            if not found:
                self._put(text[at])
            elif not self._obey(found[1] or "", found[2] or "") and not self.lenient:
                raise AssertionError(f"a sequence that this screen doesn't know: {found[0]!r}")
            at = found.end() if found else at + 1

    def _obey(self, arguments: str, command: str) -> bool:
        """Do what a sequence asks for; False where that is not known."""
        match command, arguments:
            case "m", _:
                self.colors.add(arguments)
            case "A", _ if re.fullmatch(r"\d*", arguments):
                self.row = max(0, self.row - int(arguments or 1))
            case "H", _ if found := re.fullmatch(r"(\d*)(?:;(\d*))?", arguments):
                self._move(int(found[1] or 1) - 1, int(found[2] or 1) - 1)
            case "K", "" | "0":
                self._clear_line()
            case "J", "" | "0":
                self._clear_line()
                del self.lines[self.row + 1 :]
                if (self.row, self.column) == (0, 0):
                    self.broken.clear()
            case "h" | "l", "?25" | "?1049":
                self._switch(arguments[1:], on=command == "h")
            case _:
                return False
        return True

    def _switch(self, mode: str, *, on: bool) -> None:
        if on == (mode in self.modes):
            return
        self.modes ^= {mode}
        if mode == OTHER_SCREEN and on:
            self._below = self.lines, self.gone, self.row, self.column
            self.lines, self.gone = [""], []
            self._move(self.row, self.column)
        elif mode == OTHER_SCREEN and self._below:
            self.lines, self.gone, self.row, self.column = self._below
            self._scroll()

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self._down()
        elif letter.isprintable():
            width = measure(letter)
            if self.column + width > self.columns:
                self.broken.append(self.lines[self.row])
                self.column = 0
                self._down()
            line = self.lines[self.row]
            end = _cut(line, self.column + width)[1]
            self.lines[self.row] = _cut(line, self.column)[0] + letter + end
            self.column += width
        else:
            assert self.lenient, f"a control character: {letter!r}"

    def _clear_line(self) -> None:
        at = min(
            self.column, self.columns - 1
        )  # behind a full line the cursor still stands on its last letter
        self.lines[self.row] = _cut(self.lines[self.row], at)[0]

    def _move(self, row: int, column: int) -> None:
        self.row, self.column = min(row, self.rows - 1), min(column, self.columns - 1)
        self.lines += [""] * (self.row + 1 - len(self.lines))

    def _down(self) -> None:
        self.row += 1
        self.lines += [""] * (self.row + 1 - len(self.lines))
        self._scroll()

    def _scroll(self) -> None:
        while len(self.lines) > self.rows:
            self.gone.append(self.lines.pop(0))
            self.row = max(0, self.row - 1)


def _cut(line: str, column: int) -> tuple[str, str]:
    """What stands before that column, filled up with blanks, and what stands from there on."""
    end = column
    if not line.isascii():
        end = next((n for n in range(len(line)) if measure(line[: n + 1]) > column), len(line))
    before = line[:end]
    return before + " " * (column - measure(before)), line[end:]


class Terminal:
    """A command that runs in a terminal of its own. A context manager: at its end the command is killed.

    ``written`` is all that the command wrote, ``screen`` what is seen of it. ``lenient`` is for the programs of others,
    a shell or a pager: what they write to steer the terminal is passed over.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, env: Mapping[str, str], *, columns: int = 80, rows: int = 24,
        lenient: bool = False,
    ) -> None:  # fmt: skip
        self.written = ""
        self.screen = Screen(columns, rows, lenient)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._file, theirs = pty.openpty()
        self.resize(columns, rows)
        #: The terminal's settings, which the command may change and has to put back.
        self.before = self.settings
        self._process = subprocess.Popen(
            [sys.executable, "-ISc", _BEGIN, env.get("LC_CTYPE", "-"), *command], cwd=folder, env={"TERM": "xterm-256color", **env},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._file)

    @property
    def plain(self) -> str:
        """What was written, without colours and cursor movements, with simple line ends."""
        return _SEQUENCE.sub("", self.written).replace("\r\n", "\n")

    @property
    def settings(self) -> list[Any]:
        """The terminal's settings now, to be compared with ``before``."""
        return termios.tcgetattr(self._file)

    def press(self, keys: str) -> None:
        """Press keys, for example ``CTRL_C``."""
        os.write(self._file, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size; whoever is in it hears of it."""
        fcntl.ioctl(self._file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(columns, rows)

    def signal(self, number: signal.Signals) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    def wait_for(self, text: str) -> None:
        """Wait until ``text`` was written."""
        self.until(lambda _: text in self.plain)

    def until(self, seen: Callable[[Screen], object]) -> None:
        """Wait until the screen shows that."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen(self.screen):
            assert self._read(deadline), f"the command has ended{self._describe()}"

    def wait(self) -> int:
        """Wait for the command's end, when all is read; its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read(deadline):
            pass
        assert self.screen.lenient or not self.screen.half, f"half a sequence: {self.screen.half!r}"
        return self._process.wait(PATIENCE_S)

    def _read(self, deadline: float) -> bool:
        """Take what is written next; False at the end."""
        left = deadline - time.monotonic()
        ready = left > 0 and select.select([self._file], [], [], left)[0]
        assert ready, f"not within {PATIENCE_S:.0f} s{self._describe()}"
        try:
            data = os.read(self._file, 1 << 16)
        except OSError:  # Linux says so when nobody has the other end any more
            return False
        text = self._decoder.decode(data)
        self.written += text
        self.screen.feed(text)
        return bool(data)

    def _describe(self) -> str:
        return f"; the screen shows:\n{self.screen.history}\nafter this was written:\n{self.written!r}"
