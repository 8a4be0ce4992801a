"""An attempt whose runner was killed on this machine: ended as far as that goes without it."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gitbaton.domain.queue import explain_reason
from gitbaton.errors import Refusal
from gitbaton.store import workplace
from gitbaton.store.leftovers import find_processes
from gitbaton.usecases.attempt_log import AttemptLog, log_path
from gitbaton.usecases.claim import Claim
from gitbaton.usecases.project import Project, load_view
from gitbaton.usecases.run import find_root, record_breakdown

if TYPE_CHECKING:
    from pathlib import Path

_SWEEP_S = 3.0


def end_orphan(project: Project, task: str, run: str, reason: str) -> bool:
    """End the attempt of a runner of this machine that is known to be dead: what the agent had started is killed,
    what it left is kept, and the state says that it failed, so that nobody waits for its lease. False when the
    attempt isn't its any more. Raises what the refs raise.
    """
    project = project.fetched()
    view = load_view(project, local=False)
    tip, entry = view.tips.states.get(task), view.board.entries.get(task)
    if tip is None or entry is None or tip.state.run != run:
        return False
    claim = Claim(entry, tip, run, tip.state.base or "", explain_reason(entry), entry)
    root = find_root(project, claim)
    kill_workers(root)
    if tip.state.status != "in_progress":
        workplace.remove_workplace(project.repo, root)
        return False
    log = AttemptLog(project, log_path(project, task, tip.state.attempt, run), lambda _: None)
    problem = Refusal(reason, code="runner-killed", hint=f"baton show {task}")
    if record_breakdown(project, claim, log, problem, root):
        workplace.remove_workplace(project.repo, root)
    return True


def kill_workers(root: Path) -> None:
    """Kill every process that works in the workplace at ``root``, until there is none."""
    deadline = time.monotonic() + _SWEEP_S
    while (found := find_processes(root)) and time.monotonic() < deadline:
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)  # there is nothing to wait on: they are nobody's children here
