"""The time as a git server tells it: from the ``Date`` headers of the answers to git's own requests.

No request is made for it. While git fetches, it is made to write down the headers that pass (``GIT_TRACE_CURL``),
so proxies, certificates, rewritten addresses and credentials are git's own, and a server that takes its time
costs nothing more. The trace may hold secrets that git doesn't blacken (a password in an address, a header of
somebody's own), so it goes to a file without a name, in memory where the system has that, and only the dates are
read from it. Over ssh and file:// no headers pass, and so no time is known.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The one form in which servers may send it (RFC 9110, 5.6.7).
_DATE = re.compile(
    rb"^\S+ \S+ +<= Recv header: date:[ \t]*\w{3}, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT[ \t]*\r?$",
    re.IGNORECASE | re.MULTILINE,
)
_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")
#: A ``Date`` has whole seconds: the time was up to this much later.
_GRAIN = timedelta(seconds=1)


class Wire(NamedTuple):
    """What a git command needs so that its headers are heard: variables, and an open file it inherits."""

    env: dict[str, str]
    fds: tuple[int, ...]


class ServerTime:
    """What is known of a server's time. ``clock`` is the local one; ``elapsed`` counts seconds and never jumps,
    so that a local clock that is set while we run moves nothing.
    """

    def __init__(self, clock: Callable[[], datetime], elapsed: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._elapsed = elapsed
        self._told: tuple[datetime, float] | None = None
        self._skew_s: float | None = None

    @property
    def skew_s(self) -> float | None:
        """Seconds by which the local clock was ahead of the server's when it told its time, as far as that is
        certain: how long the answer travelled is not. None when it never told.
        """
        return self._skew_s

    def now(self) -> datetime | None:
        """The server's time, or None. Never ahead of it, so that no lease ends early."""
        if self._told is None:
            return None
        date, at = self._told
        return date + timedelta(seconds=max(0.0, self._elapsed() - at))

    @contextmanager
    def listening(self) -> Iterator[Wire]:
        """Hear the answers to one git command. A person who traces git's requests themselves goes first."""
        if os.environ.get("GIT_TRACE_CURL", "").startswith("/"):
            yield Wire({}, ())
            return
        with _open_nameless() as trace:
            path = f"/dev/fd/{trace.fileno()}"
            start = self._clock()
            yield Wire(
                {"GIT_TRACE_CURL": path, "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"},
                (trace.fileno(),),
            )
            trace.seek(0)
            self._learn(trace.read(), start, self._clock())

    def _learn(self, trace: bytes, start: datetime, end: datetime) -> None:
        date = find_date(trace)
        if date is None:
            return
        self._told = (date, self._elapsed())
        # The server's time at the end was no earlier than date; at the start, no later than date and its grain.
        ahead = (start - date - _GRAIN).total_seconds()
        behind = (date - end).total_seconds()
        self._skew_s = ahead if ahead > 0 else -behind if behind > 0 else 0.0


def find_date(trace: bytes) -> datetime | None:
    """The last ``Date`` that a server sent in a trace of git's, or None where it is missing or no date."""
    found = None
    for day, month, *numbers in _DATE.findall(trace):
        year, hour, minute, second = map(int, numbers)
        with suppress(ValueError):
            number = _MONTHS.index(month.lower()) + 1
            found = datetime(year, number, int(day), hour, minute, min(second, 59), tzinfo=UTC)
    return found


def _open_nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("git-headers"), "w+b")
    import tempfile  # only where it is needed: it loads a good deal

    return tempfile.TemporaryFile()
