"""Markdown that is put together: sections, and text of others, which is marked as theirs and unable to end the mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def section(title: str, body: str | None, *, level: int = 2) -> str:
    """A heading with what stands below it; nothing where nothing would."""
    return f"{'#' * level} {title}\n\n{body.strip()}" if body and body.strip() else ""


def join_parts(parts: Iterable[str]) -> str:
    """Those of the parts that say something, with a blank line between, ending in one newline."""
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def quote(text: str) -> str:
    """``text`` as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def fence(text: str) -> str:
    """``text`` as a block of code, whatever fences it holds itself."""
    ticks = "```"
    while ticks in text:
        ticks += "`"
    return f"{ticks}\n{text}\n{ticks}"
