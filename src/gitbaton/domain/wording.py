"""Words of agents made fit for a person's terminal, a file and a pull request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TERMINAL_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
#: What a terminal would obey, what reorders text for the eye, and halves of characters that no file takes.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CUT = " […cut]"
_BLANK = re.compile(r"\s+")


def clean_text(text: str) -> str:
    """``text`` with its lines and tabs, without anything that can't be seen."""
    return _UNPRINTABLE.sub("", _TERMINAL_SEQUENCE.sub("", text.replace("\r\n", "\n")))


def shorten_to_line(text: str, length_max: int = 160) -> str:
    """``text`` as one clean line of at most ``length_max`` characters."""
    # More than this can't be shown, and the text may be a whole file.
    words = _BLANK.sub(" ", clean_text(text[: 20 * length_max].replace("\r", "\n"))).strip()
    return words if len(words) <= length_max else words[: length_max - 1].rstrip() + "…"


def clean_value(value: Any) -> Any:
    """``value`` (as JSON has it) with all text in it cleaned, keys included."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, dict):
        return {clean_text(str(key)): clean_value(item) for key, item in value.items()}
    return [clean_value(item) for item in value] if isinstance(value, list | tuple) else value


def is_deeper(value: object, levels: int) -> bool:
    """Whether lists and objects are nested more than ``levels`` deep."""
    if not isinstance(value, dict | list | tuple):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(is_deeper(item, levels - 1) for item in inner)


def measure_block(value: object, depth: int = 1) -> int:
    """About how many bytes ``value`` takes as indented text: deep nesting costs more than it says."""
    if isinstance(value, dict):
        return sum(
            2 * depth + len(str(k).encode()) + 3 + measure_block(v, depth + 1) for k, v in value.items()
        )
    if isinstance(value, list | tuple):
        return sum(2 * depth + 3 + measure_block(item, depth + 1) for item in value)
    text = str(value)
    return len(text.encode(errors="replace")) + 2 * depth * text.count("\n") + 3


def cut_text(text: str, length_max: int) -> str:
    """``text``, or its beginning with a mark that the rest was cut off."""
    return text if len(text) <= length_max else text[: length_max - len(_CUT)].rstrip() + _CUT


def is_note(handoff: Mapping[str, Any]) -> bool:
    """Whether a handoff, as plain values, is a short note and nothing more."""
    said = handoff.keys() - {"version", "task", "agent", "created"}
    return said == {"data"} and handoff["data"].keys() <= {"notes", "percent"}


def render_note(handoff: Mapping[str, Any]) -> str:
    """A note in a line or more: how far it is, and what was said."""
    data = handoff["data"]
    said = " ".join(str(n).strip() for n in data.get("notes", ()))
    percent = f"{data['percent']} %" if "percent" in data else ""
    return ": ".join(part for part in (percent, said) if part)
