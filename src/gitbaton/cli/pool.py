"""``baton run`` with many attempts: starts the members of a pool, shows what they say, and heeds Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import EXIT_ATTEMPT_FAILED, EXIT_BUG, EXIT_INTERRUPTED, EXIT_NOTHING, Answer
from gitbaton.cli.filters import read_filters
from gitbaton.edges.crew import Crew, Member
from gitbaton.edges.interruption import SIGNALS
from gitbaton.errors import BatonError
from gitbaton.report.pool_text import PoolScreen, Seat, Totals, describe_end, describe_figures, open_view
from gitbaton.report.records import error_record, record
from gitbaton.usecases.pool import End, Idle, Pool, Wishes, explain_untried, resolve_wanted, see_refs
from gitbaton.usecases.recovery import kill_workers

if TYPE_CHECKING:
    import argparse

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
        self._totals = Totals(time.monotonic())
        self._view = open_view(sys.stderr if a.json else sys.stdout, self._totals)
        self._work: dict[int, _Work] = {}
        self._free: list[Member] = []
        self._runs: list[dict[str, Any]] = []
        self._errors: list[dict[str, Any]] = []
        self._codes: list[int] = []
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
                self._draw()
        finally:
            self._close()
        if self._work:
            self._kill()
        return self._answer()

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
        if self._heeded == 1 and self._pool.running:
            if isinstance(self._view, PoolScreen):
                self._view.note = "Ctrl-C again ends all at once"
            self._say(
                "stopping: agents are asked to end, and their work is kept; Ctrl-C again ends them at once"
            )
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
                    self._say(self._pool.found_nothing(idle, time.monotonic()))
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
        self._totals.seats[message["task"]] = Seat(
            message["task"], message["title"], message["attempt"], time.monotonic()
        )
        self._stream("claimed", message)
        self._pool.claimed(message["task"])

    def _event(self, work: _Work, message: dict[str, Any]) -> None:
        assert work.task is not None, "a member speaks of what it does once it has a task"
        work.has_begun = work.has_begun or message["event"] == "agent"
        if seat := self._totals.seats.get(work.task):
            seat.turns = max(seat.turns, message["turns"] or 0)
            seat.cost_usd = max(seat.cost_usd, message["cost_usd"] or 0.0)
        if not self._options.json:
            self._view.event(work.task, message["event"], message["text"])
        self._stream("event", {**message, "task": work.task})

    def _ended(self, work: _Work, message: dict[str, Any]) -> None:
        said, usage = message["record"], message["usage"]
        self._runs.append(said)
        self._codes.append(EXIT_ATTEMPT_FAILED if message["exit_code"] else 0)
        figures = (usage.get("turns") or 0, usage.get("cost_usd") or 0.0)
        text = describe_end(said["outcome"], said["message"])
        end = End.GOOD if message["state"] in ("in_review", "merged") else End.FAILED
        if message["state"] in _PERSONS:
            end = End.PERSON
        self._leave(work, end, text, figures, message["notes"].splitlines())
        self._stream("ended", {"task": work.task, "outcome": said["outcome"], "message": said["message"]})

    def _failed(self, work: _Work, error: dict[str, Any], code: int) -> None:
        """A member met an error: while it looked, with its task, or while it ended what another one had begun."""
        work.is_done = True
        if work.orphan is not None:
            return  # the lease ends what can't be ended now
        if work.task is None:
            self._look_failed(error, code)
            return
        self._note_error(error, work.task)
        if code == EXIT_INTERRUPTED:
            before = "" if work.has_begun else " before the agent began: the claim is given back"
            self._leave(work, End.PERSON, f"interrupted{before}", (0, 0.0), [])
            return
        self._codes.append(EXIT_ATTEMPT_FAILED)
        end = End.PERSON if error["code"] == "lease-lost" else End.FAILED
        self._leave(work, end, error["message"], (0, 0.0), [error["hint"]] if error["hint"] else [])

    def _look_failed(self, error: dict[str, Any], code: int) -> None:
        if code == EXIT_INTERRUPTED or self._pool.halt:
            self._pool.gave_up_look()
            return
        task = error.get("data", {}).get("task")
        problem = BatonError(error["message"], code=error["code"], hint=error["hint"], data=error.get("data"))
        problem.exit_code = code  # type: ignore[misc] # each class has its own; this one stands for them all
        said = self._pool.look_failed(problem, time.monotonic(), task)
        if said or self._pool.error is problem:
            self._note_error(error, task)
            self._say(f"{task}: {problem.message}" if task else said)
            self._say(f"  {problem.hint}" if said and problem.hint else None)
        if task:
            self._codes.append(code)

    def _note_error(self, error: dict[str, Any], task: str | None) -> None:
        self._errors.append({**error, "data": {**error.get("data", {}), **({"task": task} if task else {})}})

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

    def _leave(self, work: _Work, end: End, text: str, figures: tuple[int, float], notes: list[str]) -> None:
        work.is_done = True
        assert work.task is not None
        now = time.monotonic()
        seat = self._totals.seats.pop(work.task, None)
        turns, cost = figures
        if seat:
            turns, cost = turns or seat.turns, cost or seat.cost_usd
        self._totals.cost_usd += cost
        self._totals.review += end is End.GOOD
        self._totals.failed += end is End.FAILED
        self._totals.other += end is End.PERSON
        took = describe_figures(turns, cost, now - (seat.started if seat else work.began))
        if not self._options.json:
            mark = {End.GOOD: "good", End.FAILED: "bad", End.PERSON: "open"}[end]
            self._view.ended(work.task, mark, text, took, notes)
        self._pool.ended(end, now)
        if self._pool.halt:
            self._end_looks()

    def _end_looks(self) -> None:
        """Nothing more is to be started: not by the one that is looking either."""
        for work in self._work.values():
            if work.task is None and self._pool.counts[End.FAILED] and not self._pool.wishes.keep_going:
                work.member.send(signal.SIGTERM)

    # -- what is shown and answered ------------------------------------------------------------------------

    def _say(self, text: str | None) -> None:
        if text and not self._options.json:
            self._view.say(text)
        if text:
            self._stream("note", {"text": text})

    def _stream(self, kind: str, fields: dict[str, Any]) -> None:
        """One line of JSON on stderr for those who read along."""
        if self._options.json:
            shown = {k: v for k, v in fields.items() if k != "type"}
            with contextlib.suppress(OSError):  # nobody reads along any more; the work goes on
                print(json.dumps(record(kind, **shown), ensure_ascii=False), file=sys.stderr, flush=True)

    def _draw(self) -> None:
        if not self._options.json:
            self._view.draw()

    def _close(self) -> None:
        if not self._options.json:
            self._view.close()

    def _answer(self) -> Answer:
        pool = self._pool
        left = [i for i in pool.wishes.filters.ids if i not in self._seen()]
        for task in left if not pool.is_interrupted else ():
            error = explain_untried(self._project, task, pool.halt)
            self._errors.append(error_record(error))
            self._codes.append(1)
            self._say(f"{task}: {error.message}")
        if pool.error and not pool.started:
            raise pool.error
        totals = self._totals
        fields = {
            "runs": self._runs, "errors": self._errors, "started": pool.started, "in_review": totals.review,
            "failed": totals.failed, "for_a_person": totals.other, "cost_usd": round(totals.cost_usd, 4),
            "seconds": round(time.monotonic() - totals.started, 1), "reason": pool.halt,
        }  # fmt: skip
        lines = [totals.describe(time.monotonic())] if pool.started else []
        lines.append(f"ended: {pool.halt}" if pool.started else pool.halt)
        if pool.error and pool.error.hint:
            lines.append(f"hint: {pool.error.hint}")
        return Answer(record("runs", **fields), "\n".join(lines), self._find_code())

    def _seen(self) -> set[str]:
        return {r["task"]["id"] for r in self._runs} | {e.get("data", {}).get("task") for e in self._errors}

    def _find_code(self) -> int:
        if self._pool.is_interrupted:
            return EXIT_INTERRUPTED
        if EXIT_ATTEMPT_FAILED in self._codes:
            return EXIT_ATTEMPT_FAILED
        if self._pool.error:
            return self._pool.error.exit_code
        if worst := max(self._codes, default=0):
            return worst
        return 0 if self._pool.started else EXIT_NOTHING
