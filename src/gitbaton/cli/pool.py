"""``baton run`` with many attempts: starts the members of a pool, shows what they say, and heeds Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import EXIT_BUG, EXIT_INTERRUPTED
from gitbaton.cli.filters import read_filters
from gitbaton.cli.tally import Tally
from gitbaton.edges.crew import Crew, Member
from gitbaton.edges.interruption import SIGNALS
from gitbaton.errors import BatonError
from gitbaton.report.records import error_record
from gitbaton.usecases.pool import End, Idle, Pool, Wishes, resolve_wanted, see_refs
from gitbaton.usecases.recovery import kill_workers

if TYPE_CHECKING:
    import argparse

    from gitbaton.cli.face import Answer
    from gitbaton.usecases.project import Project

#: After a second Ctrl-C, so long for those that nearly have given their claims back.
_LAST_S = 3.0
#: How often refs in this clone are looked at while there is a place free.
_REFS_S = 1.0
_TICK_S = 1.0
#: States that an attempt leaves which is no failure, and no success: a person is next.
_PERSONS = ("needs_input", "stopped", "taken_over")


def run_pool(project: Project, a: argparse.Namespace) -> Answer:
    """Run a pool to its end and say what came of it."""
    wanted = resolve_wanted(project, a.ids)
    wishes = Wishes(
        read_filters(a)._replace(ids=wanted), parallel=a.parallel or 1, attempts_max=a.max, until_empty=a.until_empty,
        keep_going=a.keep_going, watch=a.watch,
    )  # fmt: skip
    command = [sys.executable, "-P", "-m", "gitbaton.cli.member"]
    folders = [str(Path(f).absolute()) for f in sys.path if f and Path(f).exists()]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(folders)}
    with Crew(command, cwd=Path.cwd(), env=env) as crew:
        return _Face(project, a, Pool(wishes), crew).run()


@dataclass
class _Work:
    """What one member is at. ``task`` is None as long as it looks. ``orphan``: it ends what another one had begun, and
    this is what happened to that.
    """

    member: Member
    task: str | None = None
    run: str = ""
    orphan: dict[str, Any] | None = None
    has_begun: bool = False
    is_done: bool = False
    began: float = field(default_factory=time.monotonic)


class _Face:
    """One run of a pool: members, what is shown, what is answered."""

    def __init__(self, project: Project, a: argparse.Namespace, pool: Pool, crew: Crew) -> None:
        self._project = project
        self._options = a
        self._pool = pool
        self._crew = crew
        self._tally = Tally(as_json=a.json)
        self._work: dict[int, _Work] = {}
        self._free: list[Member] = []
        self._interrupts = self._heeded = 0
        self._kill_at: float | None = None
        self._refs = see_refs(project)
        self._refs_at = time.monotonic() + _REFS_S

    # -- the loop ------------------------------------------------------------------------------------------

    def run(self) -> Answer:
        """Until nothing runs and nothing more will."""
        self._crew.on(SIGNALS, self._hear_signal)
        try:
            while not self._pool.is_over or self._work:
                now = time.monotonic()
                while self._heeded < self._interrupts:
                    self._interrupt(now)
                if self._kill_at is not None and now >= self._kill_at:
                    break
                self._notice_refs(now)
                if self._pool.wants_look(now):
                    self._start(now)
                for heard in self._crew.wait(self._wait_s(now)):
                    self._hear(heard.member, heard.messages)
                self._tally.draw()
        finally:
            self._tally.close()
        if self._work:
            self._kill()
        return self._tally.answer(self._project, self._pool)

    def _kill(self) -> None:
        """There is no time for more: those that have not ended by now are killed, with all that they had started."""
        self._crew.kill()
        for work in self._work.values():
            if work.task is not None:
                for root in self._project.cache.glob(f"{work.task}-*-{work.run}"):
                    kill_workers(root)

    def _wait_s(self, now: float) -> float:
        due = [now + _TICK_S]
        if (at := self._pool.next_look()) is not None:
            due += [at, self._refs_at]
        if self._kill_at is not None:
            due.append(self._kill_at)
        return max(0.0, min(due) - now)

    def _notice_refs(self, now: float) -> None:
        """An accept, an answer or a fetch in this clone may have made something ready."""
        if now < self._refs_at or self._pool.next_look() is None:
            return
        self._refs_at = now + _REFS_S
        seen = see_refs(self._project)
        if seen != self._refs:
            self._refs = seen
            self._pool.hurry(now)

    def _hear_signal(self) -> None:
        self._interrupts += 1

    def _interrupt(self, now: float) -> None:
        """Ctrl-C or SIGTERM: the first time cleanly, the second time at once."""
        self._heeded += 1
        self._pool.stop()
        for member in self._crew.members:
            member.send(signal.SIGTERM)
        self._free = []
        if self._heeded == 1 and self._pool.running:
            self._tally.announce_stop()
        elif self._heeded > 1 and self._kill_at is None:
            self._kill_at = now + _LAST_S

    def _start(self, now: float) -> None:
        filters = self._pool.filters
        order = {
            "filters": filters,
            "agent": self._options.agent,
            "keep_workplace": self._options.keep_workplace,
        }
        self._order(_Work(self._find_member(), began=now), order)
        self._pool.began_look()

    def _find_member(self) -> Member:
        return self._free.pop() if self._free else self._crew.start()

    def _order(self, work: _Work, order: dict[str, Any]) -> None:
        self._work[work.member.pid] = work
        work.member.tell(order)

    # -- what members say ----------------------------------------------------------------------------------

    def _hear(self, member: Member, messages: list[dict[str, Any]]) -> None:
        work = self._work.get(member.pid) or _Work(member, is_done=True)
        for message in messages:
            match message["type"]:
                case "claimed":
                    self._claimed(work, message)
                case "event":
                    self._event(work, message)
                case "ended":
                    self._ended(work, message)
                case "idle":
                    work.is_done = True
                    idle = Idle(message["reason"], message["wait_s"], message["is_blocked"])
                    self._tally.say(self._pool.found_nothing(idle, time.monotonic()))
                case "error":
                    self._failed(work, message["error"], message["exit_code"])
                case _:
                    work.is_done = True
        if work.is_done and member.end is None and member.pid in self._work:
            del self._work[member.pid]
            self._free.append(member)
        if member.end is not None:
            self._work.pop(member.pid, None)
            self._free = [other for other in self._free if other is not member]
            if not work.is_done and work.orphan is None:
                self._broke_down(work)
            work.is_done = True
        if work.is_done and (error := work.orphan):
            work.orphan = None
            self._failed(work, error, EXIT_BUG)

    def _claimed(self, work: _Work, message: dict[str, Any]) -> None:
        work.task, work.run = message["task"], message["run"]
        self._tally.tell_claim(message)
        self._pool.claimed(message["task"])

    def _event(self, work: _Work, message: dict[str, Any]) -> None:
        assert work.task is not None, "a member speaks of what it does once it has a task"
        work.has_begun = work.has_begun or message["event"] == "agent"
        self._tally.tell_event(work.task, message)

    def _ended(self, work: _Work, message: dict[str, Any]) -> None:
        end = End.GOOD if message["state"] in ("in_review", "merged") else End.FAILED
        if message["state"] in _PERSONS:
            end = End.PERSON
        self._tally.tell_end(end, message)
        self._leave(work, end)

    def _failed(self, work: _Work, error: dict[str, Any], code: int) -> None:
        """A member met an error: while it looked, with its task, or while it ended what another one had begun."""
        work.is_done = True
        if work.orphan is not None:
            return  # the lease ends what can't be ended now
        if work.task is None:
            self._look_failed(error, code)
            return
        end, words = End.FAILED, error["message"]
        if code == EXIT_INTERRUPTED:
            before = "" if work.has_begun else " before the agent began: the claim is given back"
            end, words = End.PERSON, f"interrupted{before}"
        elif error["code"] == "lease-lost":
            end = End.PERSON
        self._tally.tell_breakdown(work.task, end, words, error)
        self._leave(work, end)

    def _look_failed(self, error: dict[str, Any], code: int) -> None:
        if code == EXIT_INTERRUPTED or self._pool.halt:
            self._pool.gave_up_look()
            return
        task = error.get("data", {}).get("task")
        problem = BatonError(
            error["message"], code=error["code"], hint=error["hint"], data=error.get("data"), exit_code=code
        )
        said = self._pool.look_failed(problem, time.monotonic(), task)
        if said or self._pool.error is problem:
            self._tally.note_error(error, task, code if task else 0)
        if said:
            self._tally.say(f"{task}: {said}" if task else said)
            self._tally.say(f"  {problem.hint}" if problem.hint else None)

    def _broke_down(self, work: _Work) -> None:
        """A member has ended without a word: somebody killed it, or the machine is out of memory. What it was at is
        ended by another one; its place is free only then, so that caps and the circuit breaker count it.
        """
        end = work.member.end or 0
        if work.task is None and work.member.orders > 1 and end >= 0:  # it was leaving when it was told
            self._pool.gave_up_look()
            self._pool.hurry(time.monotonic())
            return
        why = "its runner ended with " + (f"signal {-end}" if end < 0 else f"exit code {end}")
        if complaint := work.member.complaint:
            why += f": {complaint.splitlines()[-1]}"
        error = error_record(BatonError(why, code="runner-killed", hint=None))
        if work.task is None or self._kill_at is not None:
            self._failed(work, error, EXIT_BUG)
            return
        orphan = {"task": work.task, "run": work.run, "reason": why}
        self._order(_Work(self._find_member(), work.task, work.run, orphan=error), {"recover": orphan})

    def _leave(self, work: _Work, end: End) -> None:
        work.is_done = True
        self._pool.ended(end, time.monotonic())
        if self._pool.halt:
            self._end_looks()

    def _end_looks(self) -> None:
        """Nothing more is to be started: not by the one that is looking either."""
        for work in self._work.values():
            if work.task is None and self._pool.counts[End.FAILED] and not self._pool.wishes.keep_going:
                work.member.send(signal.SIGTERM)
