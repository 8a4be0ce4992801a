"""Logs of attempts that ran on this machine: a cache, so they may be gone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.leftovers import is_runner_alive
from gitbaton.usecases.project import Project, find_row, load_view

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: How often a log that is followed is looked at.
POLL_S = 0.3
#: How long an attempt may take from its claim to its workplace without a word.
_BEGIN_S = 120.0


class Log(NamedTuple):
    """The events of one attempt, oldest first."""

    task: str
    attempt: int
    events: list[dict[str, Any]]


def read_log(project: Project, text: str, *, attempt: int | None = None) -> Log:
    """The newest log of a task, or that of ``attempt``. Raises ``Refusal`` (``no-log``)."""
    task, path = _find_log(project, text, attempt)
    return Log(task, _number(path), [_parse_line(line) for line in _read_lines(path, 0)[0]])


def follow_log(
    project: Project, text: str, show: Callable[[dict[str, Any]], None], *, attempt: int | None = None
) -> Log:
    """As ``read_log``, but give every event to ``show`` as it comes, until nobody works at the attempt any more: its
    runner is through with it, or dead.
    """
    task, path = _find_log(project, text, attempt)
    root = project.cache / f"{task}-{_number(path)}-{path.stem.partition('-')[2]}"
    events: list[dict[str, Any]] = []
    offset, was_there, quiet_s = 0, False, 0.0
    while True:
        is_held = is_runner_alive(root)
        was_there = was_there or is_held
        lines, offset = _read_lines(path, offset)  # after looking, so that the last words are not missed
        for line in lines:
            events.append(_parse_line(line))
            show(events[-1])
        quiet_s = 0.0 if lines else quiet_s + POLL_S
        begun = any(event.get("kind") in ("prepare", "end") for event in events)
        if not is_held and (was_there or begun or quiet_s > _BEGIN_S):
            return Log(task, _number(path), events)
        project.pause(POLL_S)


def _find_log(project: Project, text: str, attempt: int | None) -> tuple[str, Path]:
    task = find_row(load_view(project, local=True), text).id
    folder = project.repo.common_dir / "baton" / "logs" / task
    found = sorted(folder.glob("*.jsonl")) if folder.is_dir() else []
    if attempt is not None:
        found = [p for p in found if _number(p) == attempt]
    if not found:
        nth = f"attempt {attempt} of {task}" if attempt is not None else task
        raise Refusal(
            f"no log of {nth} is on this machine",
            code="no-log",
            hint=f"see its attempts with: baton show {task}",
        )
    return task, found[-1]


def _number(path: Path) -> int:
    return int(path.name.split("-", 1)[0])


def _read_lines(path: Path, offset: int) -> tuple[list[str], int]:
    """The whole lines from ``offset`` on, and where the next one begins."""
    with path.open("rb") as file:
        file.seek(offset)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    return whole.decode("utf-8", "replace").splitlines(), offset + len(whole)


def _parse_line(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"type": "text", "text": line}
