"""Several command lines at once, each in a process of its own, and what they say as it comes."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

_GRACE_S = 15.0


class Runners:
    """``baton`` with each of ``lines``, by this very Python. A context manager: whatever is raised inside it,
    Ctrl-C included, ends them as Ctrl-C ends one in a terminal, so that each keeps its work.
    """

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        self._said: queue.SimpleQueue[tuple[int, str | None]] = queue.SimpleQueue()
        self._processes = [_start(words) for words in lines]
        for number, process in enumerate(self._processes):
            assert process.stdout is not None
            threading.Thread(target=self._listen, args=(number, process.stdout), daemon=True).start()

    def _listen(self, number: int, stream: IO[str]) -> None:
        for line in stream:
            self._said.put((number, line.rstrip("\n")))
        self._said.put((number, None))

    def iter_lines(self) -> Iterator[tuple[int, str]]:
        """(number, line) as they come, until all have ended. Numbers count from 0."""
        ended = 0
        while ended < len(self._processes):
            number, line = self._said.get()
            if line is None:
                ended += 1
            else:
                yield number, line

    def wait(self) -> list[int]:
        """Their exit codes."""
        return [process.wait() for process in self._processes]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            return
        for process in self._processes:
            process.send_signal(signal.SIGINT)
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
            process.kill()


def _start(words: Sequence[str]) -> subprocess.Popen[str]:
    """-P: the repository's folder is no place to import from. In a session of its own, Ctrl-C reaches it once."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "gitbaton", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, encoding="utf-8", errors="replace", start_new_session=True,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
