"""Logs of attempts that ran on this machine: a cache, so they may be gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.usecases.project import Project, find_row, load_view

if TYPE_CHECKING:
    from pathlib import Path


class Log(NamedTuple):
    """The events of one attempt, oldest first."""

    task: str
    attempt: int
    events: list[dict[str, Any]]


def read_log(project: Project, text: str, *, attempt: int | None = None) -> Log:
    """The newest log of a task, or that of ``attempt``. Raises ``Refusal`` (``no-log``)."""
    task = find_row(load_view(project, local=True), text).id
    folder = project.repo.common_dir / "baton" / "logs" / task
    found = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if attempt is not None:
        found = [p for p in found if int(p.name.split("-", 1)[0]) == attempt]
    if not found:
        nth = f"attempt {attempt} of {task}" if attempt is not None else task
        raise Refusal(
            f"no log of {nth} is on this machine",
            code="no-log",
            hint=f"see its attempts with: baton show {task}",
        )
    newest = found[-1]
    return Log(task, int(newest.name.split("-", 1)[0]), _read_lines(newest))


def _read_lines(path: Path) -> list[dict[str, Any]]:
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            event = {"type": "text", "text": line}
        events.append(event if isinstance(event, dict) else {"type": "text", "text": line})
    return events
