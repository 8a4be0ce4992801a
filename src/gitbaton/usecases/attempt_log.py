"""The log of one attempt: what the runner does and sees, line by line, kept and shown."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.wording import clean_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.usecases.project import Project


class RunEvent(NamedTuple):
    """Something the runner did, for people to follow. ``kind`` groups lines; ``text`` is one line."""

    kind: Literal["claim", "prepare", "agent", "guard", "check", "peer", "publish", "review", "end"]
    text: str
    turns: int = 0
    cost_usd: float | None = None


class AttemptLog:
    """JSON lines of everything the runner does; the agent's adapter appends its own events."""

    def __init__(self, project: Project, path: Path, on_event: Callable[[RunEvent], None]) -> None:
        self._project = project
        self.path = path
        self._on_event = on_event
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)

    def say(self, kind: str, text: str, turns: int = 0, cost_usd: float | None = None) -> None:
        """Show one line and keep it."""
        text = clean_text(text)
        event = RunEvent(kind, text, turns, cost_usd)  # type: ignore[arg-type] # callers pass literals
        line = {"type": "runner", "at": self._project.clock().isoformat(), "kind": kind, "text": text}
        with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")  # a full disk must not end the attempt
        self._on_event(event)


def log_path(project: Project, task: str, attempt: int, run: str) -> Path:
    """Where the log of an attempt stands: a cache, in the common git dir."""
    return project.repo.common_dir / "baton" / "logs" / task / f"{attempt:03d}-{run}.jsonl"
