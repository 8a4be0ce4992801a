"""What Git tells about the past: every attempt at every task, archived ones too, and how long tasks waited for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.experience import Experience, Wait, list_waits
from gitbaton.domain.ids import find_id
from gitbaton.domain.stats import AttemptRow
from gitbaton.errors import UsageError
from gitbaton.store.chains import read_steps
from gitbaton.store.live import list_past, parse_time
from gitbaton.store.tips import States, list_tips

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.usecases.project import Project, View


class Past(NamedTuple):
    """All attempts, and the waits of each task."""

    rows: list[AttemptRow]
    waits: dict[str, list[Wait]]

    @property
    def lived(self) -> Experience:
        """What of it says how long things take."""
        return Experience(self.rows, (wait for waits in self.waits.values() for wait in waits))


def read_past(project: Project, view: View) -> Past:
    """What happened so far, as of the last fetch."""
    tips = view.tips.states
    oids = (
        {task: tips.all_oids[task] for task in tips} if isinstance(tips, States) else list_tips(project.repo)
    )
    waits = {task: list_waits(steps) for task, steps in read_steps(project.repo, oids).items()}
    return Past(list_attempts(view), waits)


def list_attempts(view: View) -> list[AttemptRow]:
    """Every attempt that the state tips tell of, by task and number. Role, complexity and plan are those of the task's
    file now; a task without a file has none.
    """
    found = []
    for task in sorted(view.tips.states):
        entry = view.board.entries.get(task)
        past = list_past(view.tips, task)
        found += [_read_attempt(task, entry, one, is_last=one is past[-1]) for one in past]
    return found


def _read_attempt(task: str, entry: Entry | None, said: dict[str, Any], *, is_last: bool) -> AttemptRow:
    row, live = (entry.row, entry.live) if entry else (None, None)
    used = said.get("usage") or {}
    ended = parse_time(said.get("ended"))
    return AttemptRow(
        task, said["number"], said["run"], said["agent"], parse_time(said["started"]) or 0.0, ended, said.get("outcome"),
        said.get("kind") or "agent", said.get("model"), row and row.role, row and row.complexity, row and row.plan,
        running=bool(is_last and ended is None and live and live.status == "in_progress"), agent_s=used.get("seconds"),
        turns=used.get("turns"), input_tokens=used.get("input_tokens"), output_tokens=used.get("output_tokens"),
        cost_usd=used.get("cost_usd"), tool_calls=used.get("tool_calls"),
    )  # fmt: skip


def find_plan(view: View, text: str) -> str:
    """The plan that ``text`` names: one that has a file, or that a task names. Raises ``Refusal``."""
    named = {entry.row.plan for entry in view.board.entries.values() if entry.row.plan}
    return find_id(text, {*view.contents.plans, *named}, noun="plan")


def parse_day(text: str, now: float, flag: str, *, ahead: bool = False) -> float:
    """Seconds since the epoch of a date (its beginning in UTC; its end where it lies ``ahead``), of a time, or of a length from
    now like ``30d`` or ``2w``: back, or ``ahead``. Raises ``UsageError``.
    """
    from datetime import UTC, datetime, timedelta

    try:
        length = re.fullmatch(r"([0-9]{1,4})(h|d|w)", text)
        if length:
            seconds = int(length[1]) * {"h": 3600, "d": 86400, "w": 604800}[length[2]]
            return now + seconds if ahead else now - seconds
        moment = datetime.fromisoformat(text)
        if re.fullmatch(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text) and ahead:
            moment += timedelta(days=1)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{flag}: '{text}' is no date",
            code="bad-value",
            hint=f"{flag} 2026-01-31, or a length of time: {flag} 30d",
        ) from error
