"""A whole terminal for one command: what is drawn there is gone afterwards, and the terminal is as it was before,
however the command ends.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import tty
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """The other screen of a terminal, without a cursor; keys arrive as they are pressed. A new size, and coming back
    after Ctrl-Z, wake ``wait``.
    """

    def __init__(self) -> None:
        self._settings: list[Any] | None = None
        self._handlers: dict[int, Any] = {}
        self._woken, self._wake = -1, -1
        self._lines: list[str] = []
        self._signalled: list[int] = []

    def __enter__(self) -> Self:
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        signal.set_wakeup_fd(self._wake)
        for number in (signal.SIGWINCH, signal.SIGTSTP):
            self._handlers[number] = signal.signal(number, self._note)
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        os.close(self._woken)
        os.close(self._wake)

    def draw(self, text: str) -> None:
        """Show ``text``; only the lines that differ from what is there are written."""
        lines = text.split("\n")[: os.get_terminal_size(sys.stdout.fileno()).lines]
        out = []
        for number, line in enumerate(lines):
            if number >= len(self._lines) or self._lines[number] != line:
                out.append(f"\x1b[{number + 1};1H{line}{_CLEAR_LINE}")
        out += [f"\x1b[{number + 1};1H{_CLEAR_LINE}" for number in range(len(lines), len(self._lines))]
        self._lines = lines
        sys.stdout.write("".join(out))
        sys.stdout.flush()

    def wait(self, seconds: float) -> str:
        """The keys that were pressed, as soon as there are some; nothing after ``seconds``, or when the terminal
        changed.
        """
        if self._signalled:
            self._obey()
        watched = [self._woken, *([sys.stdin.fileno()] if self._settings else [])]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 512)
            self._obey()
        if self._settings and sys.stdin.fileno() in ready:
            return os.read(sys.stdin.fileno(), 64).decode("utf-8", "replace") or "\x04"
        return ""

    def _enter(self) -> None:
        if sys.stdin.isatty():
            self._settings = termios.tcgetattr(sys.stdin.fileno())
            tty.setcbreak(sys.stdin.fileno(), termios.TCSADRAIN)
        sys.stdout.write(_ENTER + _HOME + _CLEAR_BELOW)
        sys.stdout.flush()
        self._lines = []

    def _leave(self) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            sys.stdout.write("\x1b[0m" + _LEAVE)
            sys.stdout.flush()
        if self._settings:
            with contextlib.suppress(OSError, termios.error):
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._settings)
            self._settings = None

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signalled.append(
            number
        )  # in the middle of anything: it is obeyed where nothing is being written

    def _obey(self) -> None:
        while self._signalled:
            if self._signalled.pop(0) == signal.SIGTSTP:
                self._leave()
                os.kill(os.getpid(), signal.SIGSTOP)
                self._enter()
            else:
                sys.stdout.write(_HOME + _CLEAR_BELOW)
                self._lines = []
