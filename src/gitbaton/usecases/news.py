"""What people say to an attempt while it runs, on its way to the agent."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class News:
    """Words that the agent has not heard yet. They stand in the file at ``path`` too, for programs that look there;
    one that has read it empties or deletes it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._waiting: list[str] = []
        self._open(os.O_CREAT | os.O_EXCL, "")

    def add(self, words: tuple[str, ...]) -> None:
        """Somebody said ``words``."""
        self._waiting = self._list_unread()
        self._waiting += words
        self._open(os.O_CREAT, "".join(f"{text.strip()}\n\n" for text in words))

    def take(self) -> tuple[str, ...]:
        """All that was not heard yet; whoever takes it tells it."""
        taken, self._waiting = self._list_unread(), []
        self._open(os.O_CREAT | os.O_TRUNC, "")
        return tuple(taken)

    def _list_unread(self) -> list[str]:
        try:
            read = self.path.stat().st_size == 0
        except OSError:
            read = True
        return [] if read else self._waiting

    def _open(self, how: int, text: str) -> None:
        """Write at the end of the file. Nothing depends on it, so what can't be written is not."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | how
        with contextlib.suppress(OSError), os.fdopen(os.open(self.path, flags, 0o644), "wb") as file:
            file.write(text.encode(errors="replace"))
