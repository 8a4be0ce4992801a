"""Many attempts at once: when the next one is started, what stops that, and when all is over.

Theory of operation. The pool runs no attempt itself. It has members, each a process that looks for a task, claims
it, carries it out and publishes, exactly as ``baton run`` does alone; so the claim protocol guards members against
each other as it guards any two machines. One member at a time looks: as soon as it has claimed something, or found
nothing, the next one may. ``Pool`` is told what happens and answers what is to be done; it touches no process and
no clock.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError
from gitbaton.store.stamp import RefFiles
from gitbaton.usecases.caps import find_reached_cap
from gitbaton.usecases.choosing import ANY, Filters
from gitbaton.usecases.eligibility import get_claimable
from gitbaton.usecases.project import find_entry, load_view, refuse_inside

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.usecases.choosing import Choice
    from gitbaton.usecases.project import Project

#: While there is nothing to start, the pool looks again after that long, then twice as long, up to the most.
LOOK_S, LOOK_MAX_S = 2.0, 30.0
#: How often a look may fail for the same reason before the pool gives up.
_PATIENCE = 3


class Wishes(NamedTuple):
    """What a pool is asked for. ``attempts_max``: start no more than that; None: no bound. ``until_empty``: go on
    until nothing can be claimed. ``keep_going``: a failed attempt stops nothing. ``watch``: wait for more work.
    """

    filters: Filters = ANY
    parallel: int = 1
    attempts_max: int | None = None
    until_empty: bool = False
    keep_going: bool = False
    watch: bool = False

    @property
    def is_open(self) -> bool:
        """Whether the pool goes on as long as there is work, instead of doing so many attempts."""
        return self.until_empty or self.watch

    @property
    def bound(self) -> int | None:
        """How many attempts may be started. Without a word about it: each named task once, or each place once."""
        if self.attempts_max is not None or self.is_open:
            return self.attempts_max
        return len(self.filters.ids) or self.parallel


class Idle(NamedTuple):
    """Why a look found nothing to claim. ``wait_s``: a back-off, or the pause of the circuit breaker, has passed by
    then. ``is_blocked``: there is something, and a cap, the breaker or somebody's paths stand against it.
    """

    reason: str
    wait_s: float | None = None
    is_blocked: bool = False


class End(Enum):
    """What an attempt's end means for those that would come after it."""

    GOOD = "good"  # in review
    PERSON = "person"  # it asks somebody, or a person stopped it or took it over: no failure
    FAILED = "failed"


class Pool:
    """What a pool does next. Times are seconds of any one clock that only goes forward."""

    def __init__(self, wishes: Wishes) -> None:
        self.wishes = wishes
        self.started = 0
        self.running = 0
        self.counts = dict.fromkeys(End, 0)
        #: Why nothing more is started; empty as long as that isn't so.
        self.halt = ""
        #: What no look could get past, if that is why.
        self.error: BatonError | None = None
        self.is_interrupted = False
        self.is_looking = False
        self._is_outdated = False
        self._look_at = 0.0
        self._pause_s = LOOK_S
        self._tried: list[str] = []
        self._said: dict[str, int] = {}  # and how many had been started by then
        self._failures: tuple[str, int] = ("", 0)

    # -- questions -----------------------------------------------------------------------------------------

    @property
    def filters(self) -> Filters:
        """What the next look may claim."""
        return self.wishes.filters._replace(without=(*self.wishes.filters.without, *self._tried))

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing more will."""
        return bool(self.halt) and not self.running and not self.is_looking

    def wants_look(self, now: float) -> bool:
        """Whether a member is to be started now."""
        free = self.running < self.wishes.parallel and not self.is_looking
        return free and not self.halt and now >= self._look_at

    def next_look(self) -> float | None:
        """When there may be something to start; None: not before something else happens."""
        free = self.running < self.wishes.parallel and not self.is_looking
        return self._look_at if free and not self.halt else None

    # -- events --------------------------------------------------------------------------------------------

    def began_look(self) -> None:
        """A member looks for something to claim."""
        self.is_looking = True
        self._is_outdated = False

    def claimed(self, task: str) -> None:
        """The one that looked has a task."""
        self.is_looking = False
        self.running += 1
        self.started += 1
        self._failures = ("", 0)
        if self.wishes.filters.ids and not self.wishes.is_open:
            self._tried.append(task)  # each of the named ones once
        if self.wishes.bound is not None and self.started >= self.wishes.bound:
            self._stop_starting("as many were started as were asked for")
        self.hurry(0.0)

    def found_nothing(self, idle: Idle, now: float) -> str | None:
        """The one that looked found nothing. What is new about the reason, to be said."""
        self.is_looking = False
        if self._is_outdated:  # it may have looked before that happened
            return None
        waits = self.wishes.watch and (not self.wishes.until_empty or idle.wait_s is not None)
        if not self.running and not waits:
            self._stop_starting(idle.reason)
            return None
        self._wait(now, idle.wait_s)
        if self.running and not idle.is_blocked:
            return None
        return self._say_once(idle.reason, passes=idle.wait_s is not None)

    def gave_up_look(self) -> None:
        """The one that looked was told to stop."""
        self.is_looking = False

    def look_failed(self, error: BatonError, now: float, task: str | None = None) -> str | None:
        """The one that looked met an error, if ``task`` is given with that task, which is left alone from now on.
        What is new about it, to be said.
        """
        self.is_looking = False
        words = _level(error.message)
        self._failures = (words, self._failures[1] + 1 if words == self._failures[0] else 1)
        many = self._failures[1] >= _PATIENCE
        if task is not None:
            self._tried.append(task)
            self.hurry(now)
            if not many:
                return error.message
        elif self.wishes.watch or self.running or (error.exit_code == 75 and not many):
            self._wait(now, None)
            return self._say_once(error.message, passes=True)
        self.error = error
        self._stop_starting(error.message)
        return error.message if task is not None else None

    def ended(self, end: End, now: float) -> None:
        """An attempt has ended: a place is free, and what came of it may allow others."""
        self.running -= 1
        self.counts[end] += 1
        if end is End.FAILED and not self.wishes.keep_going:
            self._stop_starting("an attempt failed; --keep-going starts others all the same")
        self.hurry(now)

    def hurry(self, now: float) -> None:
        """Something has changed: look at once; what a look under way finds may be older than that."""
        self._is_outdated = self.is_looking
        self._look_at = min(self._look_at, now)
        self._pause_s = LOOK_S

    def stop(self) -> None:
        """Start nothing more, because a person says so."""
        self.is_interrupted = True
        self.halt = "interrupted"

    def _stop_starting(self, why: str) -> None:
        self.halt = self.halt or why

    def _wait(self, now: float, wait_s: float | None) -> None:
        self._look_at = now + (self._pause_s if wait_s is None else min(self._pause_s, max(wait_s, 0.05)))
        self._pause_s = min(2 * self._pause_s, LOOK_MAX_S)

    def _say_once(self, words: str, *, passes: bool) -> str | None:
        """``words``, if they are new; what ``passes`` is new again once something was started since."""
        before = self._said.get(_level(words))
        if before is not None and not (passes and before < self.started):
            return None
        self._said[_level(words)] = self.started
        return words


def _level(words: str) -> str:
    """``words`` without figures, which change while nothing else does."""
    return "".join(c for c in words if not c.isdigit())


# -- what a pool and its members ask the repository -------------------------------------------------------------


def resolve_wanted(project: Project, names: Sequence[str]) -> tuple[str, ...]:
    """The tasks that ``names`` (ids or prefixes) mean, each once, after a fetch. Raises ``Refusal``."""
    refuse_inside(project, "run tasks")
    if not names:
        return ()
    view = load_view(project.fetched(), local=False)
    return tuple(dict.fromkeys(find_entry(view, name).row.id for name in names))


def explain_untried(project: Project, task: str, reason: str) -> BatonError:
    """Why ``task``, which was asked for, was not run. ``reason`` is why the last look found nothing."""
    from gitbaton.errors import Refusal

    try:
        get_claimable(project, load_view(project.reread(), local=False), task)
    except BatonError as error:
        error.data["task"] = task
        return error
    return Refusal(
        f"{task} was not run: {reason}", code="not-run", hint=f"baton run {task}", data={"task": task}
    )


def explain_idle(project: Project, choice: Choice, filters: Filters) -> Idle:
    """Why there was nothing, and whether time alone will change that. As of the last fetch."""
    project = project.reread()
    view = load_view(project, local=False)
    now = project.refs.now()
    waits = [
        entry.live.retry_at - now.timestamp()
        for entry in view.board.entries.values()
        if filters.accept(entry)
        and entry.state == "failed"
        and entry.attempts_left
        and entry.live
        and entry.live.retry_at
    ]
    waits = [wait for wait in waits if wait > 0]
    reason = choice.reason
    if waits:
        many = f"{len(waits)} retries are" if len(waits) > 1 else "a retry is"
        reason += f"; {many} due later, the first in {min(waits):.0f} s"
    is_blocked = any(filters.accept(e) and e.claimable for e in view.board.entries.values())
    cap = find_reached_cap(view, project.repo.config, now=now)
    if is_blocked and cap and cap.wait_s is not None:
        waits.append(cap.wait_s)
    return Idle(reason, min(waits, default=None), is_blocked)


def see_refs(project: Project) -> int:
    """A mark that changes when base or a live state moves in this clone: somebody fetched, accepted, answered. Read
    from files alone, because it is asked every second; where refs stand elsewhere (reftable) it never changes.
    """
    repo = project.repo
    files = RefFiles(str(repo.common_dir))
    return hash(
        (files.find(repo.base.ref), files.packed, *sorted(files.list_loose(repo.seen_prefix).items()))
    )
