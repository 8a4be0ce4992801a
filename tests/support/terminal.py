"""A program at a terminal: a pseudo-terminal of some size, keys that are typed, and what the screen was told."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>78A-Z])")
_PATIENCE_S = 180.0


class Terminal:
    """A program whose input and output are a terminal; a context, which ends it. ``text`` is all that was written."""

    def __init__(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], *, rows: int = 24, columns: int = 80
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._process = subprocess.Popen(
            words, cwd=folder, env=dict(env), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)
        self.text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._master)

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._master, keys.encode())

    def wait_for(self, text: str, *, after: int = 0) -> str:
        """All that was written, once ``text`` (escapes left out) stands in it behind the first ``after`` letters."""
        end = time.monotonic() + _PATIENCE_S
        while text not in self.plain[after:]:
            assert self._read(end - time.monotonic()), f"{text!r} did not come:\n{self.text}"
        return self.plain

    def wait(self) -> int:
        """The exit code; everything was read by then."""
        end = time.monotonic() + _PATIENCE_S
        while self._read(end - time.monotonic()):
            pass
        return self._process.wait(timeout=_PATIENCE_S)

    @property
    def plain(self) -> str:
        """What was written, without colours and cursor movements, with simple line ends."""
        return _ESCAPES.sub("", self.text).replace("\r\n", "\n")

    def _read(self, timeout_s: float) -> bool:
        if not select.select([self._master], [], [], max(0.0, timeout_s))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other end was closed
            return False
        self.text += data.decode("utf-8", "replace")
        return bool(data)
