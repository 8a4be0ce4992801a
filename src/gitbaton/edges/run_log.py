"""The JSON-lines log of one agent run, free of secrets and of bounded size."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.edges.redaction import Redactor

LOG_FULL = b'{"type": "note", "text": "the log is full, the rest is left out"}\n'
LOG_MAX = 64 << 20  # bytes that one run may add; far above any honest one


class RunLog:
    """Appends to ``path`` (made with mode 0600, folders too). A context manager."""

    def __init__(self, path: Path, redactor: Redactor, *, bytes_max: int = LOG_MAX) -> None:
        self._redactor = redactor
        self._room = bytes_max
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600), "wb"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append_line(self, stream: str, line: str) -> None:
        """One line of a program that prints no events."""
        if self._room > 0:
            self._write(json.dumps({"type": stream, "text": self._redactor.redact(line)}, ensure_ascii=False))

    def append_event(self, line: str) -> None:
        """One line that is a JSON object already."""
        if self._room > 0:
            clean = self._redactor.redact(line)
            # A secret with JSON's own signs in it can take the object apart.
            self._write(clean) if clean == line or _is_json(clean) else self.append_line("stdout", clean)

    def _write(self, text: str) -> None:
        data = text.encode(errors="replace") + b"\n"
        self._room -= len(data)
        if self._room <= 0:
            data = (
                json.dumps({"type": "note", "text": "the log is full, the rest is left out"}).encode() + b"\n"
            )
        self._file.write(data)
        self._file.flush()  # somebody may be following it


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
