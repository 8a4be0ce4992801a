"""Bytes from a pipe as lines of text and as a bounded tail, whatever a program prints."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class LineSplitter:
    """Cuts a stream of bytes into lines; holds at most ``line_max`` bytes.

    Lines come without their end (LF or CRLF), bytes that are no UTF-8 as U+FFFD. Of a longer
    line its first ``line_max`` bytes are kept, and it says at its end how many were dropped.
    """

    def __init__(self, line_max: int) -> None:
        self._line_max = line_max
        self._parts: list[bytes] = []
        self._held = 0
        self._dropped = 0

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that ``data`` completes."""
        *complete, rest = data.split(b"\n")
        for piece in complete:
            self._hold(piece)
            yield self._take()
        self._hold(rest)

    def flush(self) -> Iterator[str]:
        """The last line, if the stream ended without an end of line."""
        if self._held or self._dropped:
            yield self._take()

    def _hold(self, piece: bytes) -> None:
        room = self._line_max - self._held
        kept = piece[:room]
        self._dropped += len(piece) - len(kept)
        if kept:
            self._parts.append(kept)
            self._held += len(kept)

    def _take(self) -> str:
        line = b"".join(self._parts)
        if not self._dropped:
            line = line.removesuffix(b"\r")
        text = line.decode(errors="replace")
        if self._dropped:
            text += f" … ({self._dropped} more bytes dropped)"
        self._parts.clear()
        self._held = self._dropped = 0
        return text


class Tail:
    """The last ``bytes_max`` bytes of a stream."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._pieces: deque[bytes] = deque()
        self._held = 0
        self._dropped = False

    def feed(self, data: bytes) -> None:
        if not data:  # dropping it later would count as a loss
            return
        self._pieces.append(data)
        self._held += len(data)
        while self._held - len(self._pieces[0]) >= self._bytes_max:
            self._held -= len(self._pieces.popleft())
            self._dropped = True

    @property
    def text(self) -> str:
        """The tail as text; starts with an ellipsis when something before it was dropped."""
        kept = b"".join(self._pieces)
        cut = kept[-self._bytes_max :] if self._bytes_max else b""
        text = cut.decode(errors="replace")
        return "…" + text if self._dropped or len(cut) < len(kept) else text
