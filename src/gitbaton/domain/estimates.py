"""How much work somebody says a task is: ``2 days``, ``3h``, ``1-2 weeks``. Read as hours of work, for comparing."""

from __future__ import annotations

import re

#: Hours of work: people estimate in working days.
_HOURS = {"m": 1 / 60, "h": 1.0, "d": 8.0, "w": 40.0, "mo": 160.0}
_UNITS = {
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "w"),
    **dict.fromkeys(("month", "months"), "mo"),
}
_NUMBERS = {"a": 1.0, "an": 1.0, "one": 1.0, "two": 2.0, "three": 3.0, "half a": 0.5, "half an": 0.5}
_PART = re.compile(
    r"(?P<low>\d+(?:[.,]\d+)?|half an?|an?|one|two|three)"
    r"(?:\s*(?:-|–|to)\s*(?P<high>\d+(?:[.,]\d+)?))?\s*(?P<unit>[a-z]+)\b"
)


def parse_estimate(text: str | None) -> float | None:
    """Hours of work; the middle of a range; None for words that don't say (``3 points``, ``small``)."""
    if not text:
        return None
    hours, found = 0.0, False
    for part in _PART.finditer(text.lower()):
        unit = _UNITS.get(part["unit"])
        if unit is None:
            continue
        low = _number(part["low"])
        high = _number(part["high"]) if part["high"] else low
        hours, found = hours + (low + high) / 2 * _HOURS[unit], True
    return hours if found and hours > 0 else None


def _number(text: str) -> float:
    return _NUMBERS[text] if text in _NUMBERS else float(text.replace(",", "."))


def render_hours(hours: float) -> str:
    """``12`` → ``1.5 days``: in working days where it is one or more."""
    if hours < 1:
        return f"{round(hours * 60)} min"
    if hours < _HOURS["d"]:
        return f"{hours:g}h" if hours == round(hours) else f"{hours:.1f}h"
    days = hours / _HOURS["d"]
    said = f"{days:.1f}".removesuffix(".0")
    return f"{said} day{'s' if said != '1' else ''}"
