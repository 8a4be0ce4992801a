"""What is given on the command line as a text, as a file, or on standard input; and numbers of things."""

from __future__ import annotations

import sys
from pathlib import Path

from gitbaton.errors import UsageError

#: What standard input is called where a problem names the file.
STDIN = "standard input"


def read_bytes(file: str, kind: str = "a text file") -> tuple[bytes, str]:
    """The bytes of ``file`` (``-`` is standard input), and what to call it. Raises ``UsageError`` (``no-file``), whose
    hint asks for ``kind``.
    """
    if file == "-":
        return sys.stdin.buffer.read(), STDIN
    try:
        return Path(file).read_bytes(), file
    except (OSError, ValueError) as error:  # a name may hold what no path can
        said = error.strerror if isinstance(error, OSError) else error
        hint = f"give the path of {kind}, or - for standard input"
        raise UsageError(f"{file} can't be read: {said}", code="no-file", hint=hint) from error


def read_text(text: str | None, file: str | None, command: str) -> str | None:
    """What ``text`` says (``-``: standard input), or a file. Raises ``UsageError``."""
    if text is not None and file is not None:
        raise UsageError("give the text or a file, not both", code="usage", hint=f"baton {command} --help")
    if file is None and text != "-":
        return text
    data, name = read_bytes(file or "-")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        said = f"{name} is no text in UTF-8 (byte {error.start + 1})"
        raise UsageError(said, code="no-file", hint="give the path of a text file") from error


def count(text: str) -> int:
    """A number from 1 on, as a parser reads it. Raises ``ValueError``."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number
