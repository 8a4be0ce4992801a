"""Estimates as people write them on a task: ``2 days``, ``1.5 hours``, ``90m``, ``1d 4h``, ``2-3 days``."""

from __future__ import annotations

import re

from gitbaton.domain.durations import LONGEST_S

_HOUR_S, _DAY_H = 3600.0, 8
#: A day of work is eight hours, a week five of them: that is what somebody means who plans work.
_UNITS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": _HOUR_S, "hr": _HOUR_S, "hour": _HOUR_S,
    "d": 8 * _HOUR_S, "day": 8 * _HOUR_S, "w": 40 * _HOUR_S, "wk": 40 * _HOUR_S, "week": 40 * _HOUR_S,
}  # fmt: skip
_NUMBER = r"[0-9]{1,6}(?:[.,][0-9]{1,3})?"
_PART = re.compile(rf"({_NUMBER})(?:\s*(?:-|–|to)\s*({_NUMBER}))?\s*([a-z]+)")
_WORDS = {"half": "0.5", "an": "1", "a": "1", "one": "1", "two": "2", "three": "3"}


def parse_estimate(text: str | None) -> float | None:
    """Seconds of work that an estimate names; the middle of a range. None where it names no time (``M``, ``5``): a
    number alone may be points.
    """
    said = re.sub(r"\b(about|around|approx|roughly|of|work|working|and)\b|[~≈()]", " ", (text or "").lower())
    words = [_WORDS.get(word, word) for word in said.split()]
    said = re.sub(r"\b0\.5 1\b", "0.5", " ".join(words))  # half a day
    total, at = 0.0, 0
    for found in _PART.finditer(said):
        unit = found[3] if found[3] in _UNITS else found[3].removesuffix("s")
        if unit not in _UNITS or said[at : found.start()].strip(" ,"):
            return None
        numbers = [float(n.replace(",", ".")) for n in found.group(1, 2) if n]
        total += sum(numbers) / len(numbers) * _UNITS[unit]
        at = found.end()
    if said[at:].strip(" .,") or not 0 < total <= LONGEST_S:
        return None
    return total


def render_work(seconds: float) -> str:
    """An amount of work: ``43200`` → ``1.5 days``; in working days where it is one or more."""
    hours = seconds / _HOUR_S
    if hours < 1:
        return f"{round(hours * 60)} min"
    if hours < _DAY_H:
        return f"{hours:g}h" if hours == round(hours) else f"{hours:.1f}h"
    said = f"{hours / _DAY_H:.1f}".removesuffix(".0")
    return f"{said} day{'s' if said != '1' else ''}"
