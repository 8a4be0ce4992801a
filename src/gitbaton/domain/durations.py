"""Durations as people write them: ``90s``, ``10m``, ``2h``, ``1d``; a bare number is seconds."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

PATTERN = r"^[0-9]+(\.[0-9]+)?(s|m|h|d)?$"
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MATCH = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h|d)?")
#: A hundred days: longer is a slip of the pen, and keeps every sum of times within range.
LONGEST_S = 100 * 86400.0


def parse_duration(value: object) -> float:
    """Seconds of ``value`` (``"10m"``, ``600``, ``"600"``). Raises ``ValueError`` in words for people."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration is a number of seconds or a text like 90s, 10m, 2h")  # noqa: TRY004 pydantic turns only ValueError into a problem
    if isinstance(value, str):
        found = _MATCH.fullmatch(value.strip())
        if not found:
            raise ValueError(f"'{value}' is no duration: write 90s, 10m or 2h")
        seconds = float(found[1]) * _SECONDS[found[2] or ""]
    else:
        seconds = float(value)
    if not 0 < seconds <= LONGEST_S:
        raise ValueError("a duration is more than 0 and at most 100 days")
    return seconds


def render_duration(seconds: float) -> str:
    """``5400`` → ``1h 30m``: at most two units, for people."""
    if seconds < 60:
        return f"{seconds:.0f}s" if seconds >= 10 or seconds == int(seconds) else f"{seconds:.1f}s"
    left, parts = round(seconds), []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    return " ".join(parts[:2])


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(examples=["90s", "10m", "2h", 600]),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_S},
                {"type": "string", "pattern": PATTERN},
            ]
        }
    ),
]
