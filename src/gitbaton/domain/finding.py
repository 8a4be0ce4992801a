"""What ``baton doctor`` finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

#: error: something can't work. warning: something is wrong. note: good to know, nothing needs doing.
Severity = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One thing that is not as it should be. ``code`` is stable. ``remedy`` is what ``--fix`` does where there is
    a ``fix``, else what a person can do, if anything. ``fix`` may be run again, and by two at once.
    """

    code: str
    severity: Severity
    message: str
    remedy: str | None = None
    fix: Callable[[], object] | None = None
