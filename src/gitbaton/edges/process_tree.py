"""The processes that a supervised program has started, found again when they have left its group.

A program that starts others in a session of their own (Claude Code does so for every command that it
runs) can't be ended through its process group: kill it hard and those live on. On Linux two marks find
them, and neither needs a privilege:

* an unguessable variable in the environment that the program was started with, which descendants
  inherit and ``/proc/PID/environ`` shows;
* the parents: every descendant that was seen alive while the program ran is remembered, so one whose
  parent has died since, or that has cleared its environment, is still known.

A process that clears its environment and detaches between two looks is not found. Without ``/proc``
(macOS) nothing is found here, and the process group is all there is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

MARK_VARIABLE = "BATON_PROCESS"

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "stat").exists()
PAGE_MB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
SWEEP_S = 2.0  # a killed process is gone within milliseconds; one that keeps forking gets so long


class _Process(NamedTuple):
    """One row of the process table; ``started`` in clock ticks since boot."""

    pid: int
    started: int
    parent: int
    state: str
    memory_mb: float

    @property
    def identity(self) -> tuple[int, int]:
        """What no other process ever has: ids alone are used again."""
        return self.pid, self.started


class ProcessTree:
    """The descendants of one program, started with ``MARK_VARIABLE=mark`` in its environment."""

    def __init__(self, root: int, mark: str) -> None:
        self._mark = f"{MARK_VARIABLE}={mark}".encode()
        row = _read_row(str(root)) if HAS_PROC else None
        self._seen = {row.identity} if row else set()

    def measure(self) -> float | None:
        """Resident memory of all that live now, in MiB; None where it can't be told. Shared pages count
        once per process.
        """
        members = self._members(_read_table(), marked=set())
        return sum(member.memory_mb for member in members) if members else None

    def kill_survivors(self) -> int:
        """Kill (SIGKILL) every descendant that still lives and return how many those were. To be called
        after the program itself has ended and was waited for.
        """
        killed = set()
        deadline = time.monotonic() + SWEEP_S
        while time.monotonic() < deadline:
            table = _read_table()
            marked = {row.pid for row in table.values() if self._has_mark(row.pid)}
            alive = [row for row in self._members(table, marked) if row.state not in "ZX"]
            if not alive:
                break
            for row in alive:
                killed.add(row.identity)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(row.pid, signal.SIGKILL)
            time.sleep(0.005)  # there is nothing to wait on: they are nobody's children here
        return len(killed)

    def _members(self, table: dict[int, _Process], marked: set[int]) -> list[_Process]:
        """The processes remembered or ``marked``, with all their descendants; remembers those too."""
        children: dict[int, list[int]] = {}
        for row in table.values():
            children.setdefault(row.parent, []).append(row.pid)
        waiting = [row.pid for row in table.values() if row.pid in marked or row.identity in self._seen]
        found: dict[int, _Process] = {}
        while waiting:
            pid = waiting.pop()
            if pid not in found:
                found[pid] = table[pid]
                waiting += children.get(pid, ())
        self._seen |= {row.identity for row in found.values()}
        return list(found.values())

    def _has_mark(self, pid: int) -> bool:
        try:
            return self._mark in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:  # gone, or somebody else's
            return False


def _read_table() -> dict[int, _Process]:
    if not HAS_PROC:
        return {}
    rows = (_read_row(place.name) for place in PROC.iterdir() if place.name.isdigit())
    return {row.pid: row for row in rows if row}


def _read_row(pid: str) -> _Process | None:
    try:
        stat = (PROC / pid / "stat").read_bytes()
    except OSError:
        return None
    # proc_pid_stat(5). The name (field 2) stands in parentheses and may hold blanks and parentheses itself.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return _Process(
        pid=int(pid),
        started=int(fields[19]),
        parent=int(fields[1]),
        state=fields[0].decode(),
        memory_mb=int(fields[21]) * PAGE_MB,
    )
