"""Virtual time: actors as threads, of which exactly one runs; who waits is woken in the order of the clock."""

from __future__ import annotations

import heapq
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


class Over(BaseException):
    """The story has ended: whoever is in the middle of something stops."""


def _make_closed() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class Actor:
    """Somebody with a thread of their own. ``turn`` is open when it is theirs."""

    name: str
    body: Callable[[], None]
    turn: threading.Lock = field(default_factory=_make_closed)


class World:
    """The clock, the generator, and the queue of those who wait."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.seconds = 0.0
        self.over = False
        self.failure: BaseException | None = None
        self.switches = 0
        self._queue: list[tuple[float, int, Actor]] = []
        self._count = 0
        self._me: Actor | None = None
        self._threads: list[threading.Thread] = []
        self._end = _make_closed()

    @property
    def time(self) -> datetime:
        """The true time."""
        return EPOCH + timedelta(seconds=self.seconds)

    def enter(self, name: str, body: Callable[[], None]) -> None:
        """Somebody who begins within the first minute."""
        actor = Actor(name, body)
        thread = threading.Thread(target=self._live, args=(actor,), name=name, daemon=True)
        self._threads.append(thread)
        self._enqueue(actor, self.random.uniform(0, 60))
        thread.start()

    def run(self) -> None:
        """Let everybody act until the story is over. Raises what went wrong in it."""
        self._wake_next()
        self._end.acquire()
        for thread in self._threads:
            thread.join()
        if self.failure:
            raise self.failure

    def wait(self, seconds: float) -> None:
        """Called by who acts: let the others act for ``seconds``. Raises ``Over`` when the story has ended."""
        if self.over:
            raise Over
        me = self._me
        assert me is not None
        self._enqueue(me, seconds)
        if self._wake_next() is not me:
            me.turn.acquire()
        if self.over:
            raise Over

    def _enqueue(self, actor: Actor, seconds: float) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.seconds + max(0.0, seconds), self._count, actor))

    def _wake_next(self) -> Actor | None:
        if not self._queue:
            self._end.release()
            return None
        when, _, actor = heapq.heappop(self._queue)
        self.seconds = max(self.seconds, when)
        self.switches += 1
        me, self._me = self._me, actor
        if actor is not me:
            actor.turn.release()
        return actor

    def _live(self, actor: Actor) -> None:
        actor.turn.acquire()
        try:
            if not self.over:
                actor.body()
        except Over:
            pass
        except BaseException as error:  # noqa: BLE001 it is raised again where the story was begun
            self.failure = self.failure or error
            self.over = True
        self._me = None
        self._wake_next()
