"""Whole processes: how long they take, what they use, and how two of them compare.

Machines drift, and others work on them. So what is compared is run in turns, A B A B, each round gives one ratio,
and the median of the ratios is the figure; the least and the greatest say how far to trust it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    #: Given the times of one round, side by side: the figure of that round.
    Combine = Callable[[Sequence[float]], float]

#: Runs a program and prints its peak of memory in KiB. A process of its own, and a small one, because a child
#: begins with the peak of the process that started it.
_WATCH = """
import os, sys
null = os.open(os.devnull, os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
_, status, used = os.wait4(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions), 0)
os.write(1, b"%d" % used.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


#: Three rounds are measured however long they take; more only within that time.
_ROUNDS_LEAST, _PATIENCE_S = 3, 40.0


class Sample(NamedTuple):
    """What one run took: wall and CPU seconds, its children's included."""

    wall_s: float
    cpu_s: float


class Side(NamedTuple):
    """One of the things that are compared: commands that are run one after the other in ``top``. ``prepare`` is
    called with the round's number before, and is not measured; it may give the commands of this round.
    """

    top: Path
    commands: Sequence[Sequence[str]]
    prepare: Callable[[int], Sequence[Sequence[str]] | None] | None = None


class Spread(NamedTuple):
    """The figures of some rounds."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raises ``ValueError`` for none."""
        return cls(statistics.median(values), min(values), max(values))


class Compared(NamedTuple):
    """Some sides, measured in turns: the ratio of their walls, that of their CPU (which other people's work on the
    machine disturbs less), and the medians of each side.
    """

    ratio: Spread
    cpu_ratio: Spread
    walls_s: tuple[float, ...]
    cpus_s: tuple[float, ...]


def divide(walls: Sequence[float]) -> float:
    """The first side by the second."""
    return walls[0] / walls[1]


def compare(
    sides: Sequence[Side], env: Mapping[str, str], rounds: int, combine: Combine = divide
) -> Compared:
    """Measure ``sides`` in turns. A round before them, which warms files and caches, is thrown away (not where only
    one is asked for: that one proves nothing anyhow); slow sides get fewer rounds.
    """
    table: list[list[Sample]] = []
    begun = time.monotonic()
    for number in range(rounds + 1 if rounds > 1 else 1):
        table.append([run_side(side, env, number) for side in sides])
        if len(table) > _ROUNDS_LEAST and time.monotonic() - begun > _PATIENCE_S:
            break
    measured = table[1:] or table
    columns = list(zip(*measured, strict=True))
    return Compared(
        Spread.of([combine([sample.wall_s for sample in row]) for row in measured]),
        Spread.of([combine([sample.cpu_s for sample in row]) for row in measured]),
        tuple(statistics.median(s.wall_s for s in column) for column in columns),
        tuple(statistics.median(s.cpu_s for s in column) for column in columns),
    )


def run_side(side: Side, env: Mapping[str, str], number: int) -> Sample:
    """Run a side once. A command that fails ends the measurement: ``RuntimeError``."""
    commands = (side.prepare and side.prepare(number)) or side.commands
    samples = [_run(command, side.top, env) for command in commands]
    return Sample(sum(s.wall_s for s in samples), sum(s.cpu_s for s in samples))


def _run(command: Sequence[str], top: Path, env: Mapping[str, str]) -> Sample:
    os.chdir(top)  # posix_spawn, the cheapest way to start a process, takes no folder
    start = time.perf_counter()
    child = os.posix_spawnp(command[0], [*command], env, file_actions=_quiet())
    _, status, used = os.wait4(child, 0)
    wall_s = time.perf_counter() - start
    if status:
        run(command, top, env)  # once more, to show why
        raise RuntimeError(f"{' '.join(command)}: exit {os.waitstatus_to_exitcode(status)}")
    return Sample(wall_s, used.ru_utime + used.ru_stime)


def _quiet() -> list[tuple[int, int, str, int, int] | tuple[int, int, int]]:
    return [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]


def run(command: Sequence[str], top: Path, env: Mapping[str, str], data: bytes = b"") -> bytes:
    """What a command prints, unmeasured. Raises ``RuntimeError`` with its words when it fails."""
    done = subprocess.run(command, cwd=top, env=dict(env), input=data, capture_output=True, check=False)
    if done.returncode:
        words = done.stderr.decode(errors="replace")
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {words}")
    return done.stdout


def peak_memory(command: Sequence[str], top: Path, env: Mapping[str, str]) -> int:
    """The greatest resident memory of a command or one of its children, in bytes."""
    return int(run([sys.executable, "-I", "-S", "-c", _WATCH, *command], top, env)) * 1024


def _find_git() -> str:
    """Where git is: a long PATH is searched anew by every process."""
    found = shutil.which("git")
    if found is None:
        raise RuntimeError("there is no git")
    return found


def make_environment(home: Path) -> dict[str, str]:
    """The whole environment of every process that is measured: own HOME and git settings, no gc behind one's back."""
    home.mkdir()
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Bench Mark\n\temail = bench@example.org\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
        '[protocol "file"]\n\tallow = always\n',
        encoding="utf-8",
    )
    return {
        "PATH": os.pathsep.join(dict.fromkeys([str(Path(_find_git()).parent), "/usr/bin", "/bin"])),
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
