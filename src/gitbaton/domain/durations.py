"""Durations as people write them: ``90s``, ``10m``, ``2h``, ``1d``; a bare number is seconds."""

from __future__ import annotations

import re

#: At least one digit that is not 0, because a duration of nothing is a slip of the pen.
PATTERN = r"^(?=.*[1-9])[0-9]+(\.[0-9]+)?[smhd]?$"
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86400
_SECONDS = {"": 1, "s": 1, "m": _MINUTE_S, "h": _HOUR_S, "d": _DAY_S}
_MATCH = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
#: A hundred days: longer is a slip of the pen, and keeps every sum of times within range.
LONGEST_S = 100 * _DAY_S
_TENTHS_BELOW_S = 10


def parse_duration(value: object) -> float:
    """Seconds of ``value`` (``"10m"``, ``600``, ``"600"``). Raises ``ValueError`` in words for people."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a duration is a number of seconds or a text like 90s, 10m, 2h")  # noqa: TRY004 pydantic turns only ValueError into a problem
    if isinstance(value, str):
        found = _MATCH.fullmatch(value)
        if not found:
            raise ValueError(f"'{value}' is no duration: write 90s, 10m or 2h")
        seconds = float(found[1]) * _SECONDS[found[2]]
    else:
        seconds = value
    if not 0 < seconds <= LONGEST_S:  # before float(): a huge whole number has none
        raise ValueError("a duration is more than 0 and at most 100 days")
    return float(seconds)


def render_duration(seconds: float) -> str:
    """``5400`` → ``1h 30m``: at most two units, for people. Tenths of a second only below ten seconds."""
    if seconds < _TENTHS_BELOW_S and round(seconds, 1) != round(seconds):
        return f"{seconds:.1f}s"
    left = round(seconds)
    parts = []
    for unit, size in (("d", _DAY_S), ("h", _HOUR_S), ("m", _MINUTE_S)):
        if left >= size:
            parts.append(f"{left // size}{unit}")
            left %= size
    if left or not parts:
        parts.append(f"{left}s")
    return " ".join(parts[:2])
