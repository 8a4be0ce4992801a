"""Lengths and points of time, as short as a person reads them."""

from __future__ import annotations

from gitbaton.domain.durations import render_duration

_MINUTE_S = 60


def render_age(seconds: float) -> str:
    """``5400`` → ``1h``: one unit, because more is noise where lines are compared."""
    return render_duration(seconds).split(" ")[0] if seconds >= _MINUTE_S else "<1m"


def render_moment(text: str) -> str:
    """``2026-01-31T09:00:00Z`` → ``2026-01-31 09:00``."""
    return text[:16].replace("T", " ")
