"""What Ctrl-C, SIGTERM and the end of the terminal mean to a process that carries an attempt out."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Self

from gitbaton.edges.supervision import kill_running

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a person, a service manager and a terminal that closes send.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AT_ONCE = 2


class Interruption:
    """The first signal is a ``KeyboardInterrupt``: the agent is asked to end, its work is kept, the state says so.
    The second ends the agent at once, and lets what keeps the work go on; from the third on, everything stops.
    ``is_ending`` is set by whoever publishes: what is nearly done is done then, not broken off, and ``say_so`` is
    called.
    """

    def __init__(self, say_so: Callable[[], None] = lambda: None) -> None:
        self._say_so = say_so
        self.count = 0
        self.is_ending = False
        self._before: dict[signal.Signals, Any] = {}

    def heed(self) -> None:
        """Take the signals over. One that is ignored (``nohup``) stays ignored."""
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)

    def __enter__(self) -> Self:
        self.heed()
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back: the process may go on with something else."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, *_: object) -> None:
        self.count += 1
        if self.count == 1 and self.is_ending:
            self._say_so()
            return
        if self.count == _AT_ONCE:
            kill_running()
            return
        raise KeyboardInterrupt
