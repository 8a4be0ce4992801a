"""How long to wait before something is tried again: exponential, with full jitter, never before it was asked for.

Full jitter means that the wait is drawn between nothing and a bound that doubles with every failure, so that many
who failed together don't come back together.
"""

from __future__ import annotations

#: Within an attempt. The agent itself has waited before it gave up, so there is no hurry.
PAUSE_S, PAUSE_MAX_S = 15.0, 300.0
#: Who all wait for the same moment shall not all come at it: up to this share more.
_SPREAD = 0.1
_DOUBLINGS_MAX = 30


def bound_backoff(failures: int, first_s: float, most_s: float) -> float:
    """The longest wait after so many ``failures`` in a row."""
    doublings = min(max(0, failures - 1), _DOUBLINGS_MAX)
    return float(min(first_s * 2**doublings, most_s))


def draw_backoff(
    failures: int, first_s: float, most_s: float, *, chance: float, retry_after_s: float | None = None
) -> float:
    """The wait after so many ``failures`` in a row. ``chance`` (0 up to 1) is drawn by the caller;
    ``retry_after_s`` is what the other side asked for: never less than that.
    """
    drawn = chance * bound_backoff(failures, first_s, most_s)
    if retry_after_s is None:
        return drawn
    return retry_after_s + min(drawn, _SPREAD * retry_after_s)
