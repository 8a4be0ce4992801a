"""What a runner asks while its agent works: is the attempt still ours, still wanted, and is there news?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.outcome import Outcome
from gitbaton.errors import BatonError
from gitbaton.usecases.transitions import read_tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project

POLL_S = 30.0


class Watch:
    """Asks the state ref, now and then, whether the attempt still is ours and still wanted. ``on_words`` is told
    what people say to the attempt meanwhile, once each; ``heard`` is all that was said to it. ``on_hold`` is told why
    the task was put on hold: the attempt goes on, but no other follows.
    """

    def __init__(
        self,
        project: Project,
        claim: Claim,
        poll_s: float = POLL_S,
        on_words: Callable[[tuple[str, ...]], None] = lambda _: None,
        on_hold: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._project = project
        self._claim = claim
        self._poll_s = poll_s
        self._on_words = on_words
        self._on_hold = on_hold
        self._hold = claim.tip.state.hold
        self.heard = claim.tip.state.guidance
        self._ended: Outcome | None = None
        self._next = project.clock().timestamp() + poll_s

    def __call__(self) -> Outcome | None:
        """STOPPED or LOST_LEASE when the attempt must end, and ever after, else None."""
        now = self._project.clock().timestamp()
        if self._ended is None and now >= self._next:
            self._ended = self._look(now)
        return self._ended

    def _look(self, now: float) -> Outcome | None:
        self._next = now + self._poll_s
        try:
            self._project.refs.fetch()
            tip = read_tip(self._project, self._claim.entry.row.id)
        except BatonError:
            return None  # the network comes back; the fence decides at the end
        if tip is None or tip.state.run != self._claim.run:
            return Outcome.LOST_LEASE
        if tip.state.status == "stopped":
            return Outcome.STOPPED
        if tip.state.hold != self._hold:
            self._hold = tip.state.hold
            if self._hold:
                self._on_hold(self._hold)
        if tip.state.guidance != self.heard:
            news = tuple(g for g in tip.state.guidance if g not in self.heard)
            self.heard = tip.state.guidance
            if news:
                self._on_words(news)
        return None
