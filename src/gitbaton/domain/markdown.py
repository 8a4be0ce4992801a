"""Text of others within Markdown: marked as theirs, and unable to end the mark."""

from __future__ import annotations


def quote(text: str) -> str:
    """``text`` as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def fence(text: str) -> str:
    """``text`` as a block of code, whatever fences it holds itself."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}\n{text}\n{ticks}"
