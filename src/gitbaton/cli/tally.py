"""What a pool shows while it runs, and what it answers in the end."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from gitbaton.cli.face import EXIT_ATTEMPT_FAILED, EXIT_INTERRUPTED, EXIT_NOTHING, Answer
from gitbaton.report.pool_text import PoolScreen, Seat, Totals, describe_end, describe_figures, open_view
from gitbaton.report.records import error_record, record
from gitbaton.usecases.pool import End, explain_untried

if TYPE_CHECKING:
    from gitbaton.errors import BatonError
    from gitbaton.usecases.pool import Pool
    from gitbaton.usecases.project import Project

_MARKS = {End.GOOD: "good", End.FAILED: "bad", End.PERSON: "open"}


class Tally:
    """Everything that happened. With ``as_json`` it goes to stderr as one object a line, else into a view."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._totals = Totals(time.monotonic())
        self._view = None if as_json else open_view(sys.stdout, self._totals)
        self._runs: list[dict[str, Any]] = []
        self._errors: list[dict[str, Any]] = []
        self._codes: list[int] = []

    # -- what happens --------------------------------------------------------------------------------------

    def tell_claim(self, message: dict[str, Any]) -> None:
        """An attempt begins."""
        task = message["task"]
        self._totals.seats[task] = Seat(task, message["title"], message["attempt"], time.monotonic())
        self._stream("claimed", message)

    def tell_event(self, task: str, message: dict[str, Any]) -> None:
        """An attempt did something."""
        if seat := self._totals.seats.get(task):
            seat.turns = max(seat.turns, message["turns"] or 0)
            seat.cost_usd = max(seat.cost_usd, message["cost_usd"] or 0.0)
        if self._view:
            self._view.event(task, message["event"], message["text"])
        self._stream("event", {**message, "task": task})

    def tell_end(self, end: End, message: dict[str, Any]) -> None:
        """An attempt has ended by itself, and says how."""
        said, usage = message["record"], message["usage"]
        task = said["task"]["id"]
        self._runs.append(said)
        self._codes.append(EXIT_ATTEMPT_FAILED if message["exit_code"] else 0)
        figures = (usage.get("turns") or 0, usage.get("cost_usd") or 0.0)
        self._leave(
            task, end, describe_end(said["outcome"], said["message"]), figures, message["notes"].splitlines()
        )
        self._stream("ended", {"task": task, "outcome": said["outcome"], "message": said["message"]})

    def tell_breakdown(self, task: str, end: End, words: str, error: dict[str, Any]) -> None:
        """An attempt was broken off: ``words`` are for people, ``error`` is for programs."""
        self.note_error(error, task, EXIT_ATTEMPT_FAILED)
        notes = [error["hint"]] if error["hint"] and end is End.FAILED else []
        self._leave(task, end, words, (0, 0.0), notes)

    def note_error(self, error: dict[str, Any], task: str | None, code: int) -> None:
        """Something stood in the way of a task, or of all."""
        data = {**error.get("data", {}), **({"task": task} if task else {})}
        self._errors.append({**error, "data": data})
        self._codes.append(code)

    def say(self, text: str | None) -> None:
        """Something about the pool itself."""
        if text and self._view:
            self._view.say(text)
        if text:
            self._stream("note", {"text": text})

    def announce_stop(self) -> None:
        """A person said stop, and it takes a while."""
        if isinstance(self._view, PoolScreen):
            self._view.note = "Ctrl-C again ends all at once"
        self.say("stopping: agents are asked to end, and their work is kept; Ctrl-C again ends them at once")

    def _leave(self, task: str, end: End, text: str, figures: tuple[int, float], notes: list[str]) -> None:
        totals, now = self._totals, time.monotonic()
        seat = totals.seats.pop(task)
        turns, cost = figures[0] or seat.turns, figures[1] or seat.cost_usd
        totals.cost_usd += cost
        totals.review += end is End.GOOD
        totals.failed += end is End.FAILED
        totals.other += end is End.PERSON
        if self._view:
            took = describe_figures(turns, cost, now - seat.started)
            self._view.ended(task, _MARKS[end], text, took, notes)

    def _stream(self, kind: str, fields: dict[str, Any]) -> None:
        if self._as_json:
            shown = {k: v for k, v in fields.items() if k != "type"}
            with contextlib.suppress(OSError):  # nobody reads along any more; the work goes on
                print(json.dumps(record(kind, **shown), ensure_ascii=False), file=sys.stderr, flush=True)

    # -- what is shown and answered ------------------------------------------------------------------------

    def draw(self) -> None:
        """Bring the view up to date."""
        if self._view:
            self._view.draw()

    def close(self) -> None:
        """The view is over."""
        if self._view:
            self._view.close()

    def answer(self, project: Project, pool: Pool) -> Answer:
        """What came of it all. Raises the error that kept everything from beginning."""
        if pool.error and not pool.started:
            raise pool.error
        totals = self._totals
        lines = []
        for task in () if pool.is_interrupted else self._list_untried(pool):
            error = explain_untried(project, task, pool.halt)
            self.note_error(error_record(error), task, error.exit_code)
            lines += _describe(task, error)
        fields = {
            "runs": self._runs, "errors": self._errors, "started": pool.started, "in_review": totals.review,
            "failed": totals.failed, "for_a_person": totals.other, "cost_usd": round(totals.cost_usd, 4),
            "seconds": round(time.monotonic() - totals.started, 1), "reason": pool.halt,
        }  # fmt: skip
        if pool.started:
            lines.append(totals.describe(time.monotonic()))
        lines.append(f"ended: {pool.halt}" if pool.started else pool.halt)
        if pool.error and pool.error.hint:
            lines.append(f"hint: {pool.error.hint}")
        return Answer(record("runs", **fields), "\n".join(lines), self._find_code(pool))

    def _list_untried(self, pool: Pool) -> list[str]:
        seen = {r["task"]["id"] for r in self._runs} | {e["data"].get("task") for e in self._errors}
        return [task for task in pool.wishes.filters.ids if task not in seen]

    def _find_code(self, pool: Pool) -> int:
        if pool.is_interrupted:
            return EXIT_INTERRUPTED
        if EXIT_ATTEMPT_FAILED in self._codes:
            return EXIT_ATTEMPT_FAILED
        if pool.error:
            return pool.error.exit_code
        return max(self._codes, default=0) or (0 if pool.started else EXIT_NOTHING)


def _describe(task: str, error: BatonError) -> list[str]:
    return [f"{task}: {error.message}", *([f"  {error.hint}"] if error.hint else [])]
