"""Words of agents made fit for a person's terminal, a file and a pull request."""

from __future__ import annotations

import re

_TERMINAL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
#: What a terminal would obey, what reorders text for the eye, and halves of characters that no file takes.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_BLANK = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """``text`` with its lines and tabs, without anything that can't be seen."""
    return _UNPRINTABLE.sub("", _TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n")))


def shorten_to_line(text: str, length_max: int = 160) -> str:
    """``text`` as one clean line of at most ``length_max`` characters."""
    # More than this can't be shown, and the text may be a whole file.
    words = _BLANK.sub(" ", clean_text(text[: 20 * length_max].replace("\r", "\n"))).strip()
    return words if len(words) <= length_max else words[: length_max - 1].rstrip() + "…"
