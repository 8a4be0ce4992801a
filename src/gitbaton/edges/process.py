"""Run a program under supervision: bounded in time, in output and in what it leaves behind.

The program gets a session of its own, the environment that it is given and nothing else, its input from
bytes, and a reader for every line that it prints. It ends by itself, or it is ended: SIGTERM to its
process group, a grace to clean up, SIGKILL, and then every process that it left behind is killed too,
also after a good end, because whoever supervises looks at the files next and wants them to hold still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.outcome import Outcome
from gitbaton.edges.lines import LineSplitter, Tail
from gitbaton.edges.program import find_program
from gitbaton.edges.supervision import Stream, Supervision, Watch
from gitbaton.ports import never

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

GRACE_S = 5.0  # Claude Code needs up to 1.7 s after SIGTERM to end its children and write its transcript
LINE_MAX = 8 << 20  # a stream-json event may carry a picture that was read
STDERR_TAIL = 8 << 10


class ProcessEnd(NamedTuple):
    """How a program ended. ``exit_code`` is negative for a signal; ``stopped_by`` says why it was ended
    from outside, None when it ended by itself; ``survivors`` counts the processes it had left behind,
    which were killed; ``peak_memory_mb`` (MiB, all its processes) is None where it can't be measured.
    """

    exit_code: int
    stopped_by: Outcome | None
    stderr_tail: str
    seconds: float
    peak_memory_mb: float | None
    survivors: int


class CommandResult(NamedTuple):
    """How a command ended and the end of what it printed, both streams in one."""

    exit_code: int
    output: str
    seconds: float
    stopped_by: Outcome | None

    @property
    def timed_out(self) -> bool:
        return self.stopped_by is Outcome.TIMEOUT


def run_supervised(
    command: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    on_line: Callable[[Stream, str], None],
    timeout_s: float,
    stdin: bytes = b"",
    more_input: Callable[[], bytes | None] | None = None,
    idle_s: float | None = None,
    should_stop: Callable[[], Outcome | None] = never,
    grace_s: float = GRACE_S,
    line_max: int = LINE_MAX,
) -> ProcessEnd:
    """Run ``command`` in ``cwd`` to its end.

    ``env`` is the whole environment (one variable, ``BATON_PROCESS``, is added to find descendants by);
    the program is looked up on its PATH, and relative to ``cwd`` when its name has a slash. ``on_line``
    gets every line of both streams as it comes, cut to ``line_max`` bytes. ``idle_s`` bounds the time
    without any output. ``more_input`` is asked a few times a second for what comes after ``stdin``, until it gives
    None, which ends the program's input. Whatever this function raises, ``KeyboardInterrupt`` included, the program and
    all that it started are gone by then. Raises ``Refusal`` when the program can't be started.
    """
    program = find_program(command[0], cwd=cwd, path=env.get("PATH", ""))
    splitters = {"stdout": LineSplitter(line_max), "stderr": LineSplitter(line_max)}
    stderr_tail = Tail(STDERR_TAIL)

    def on_data(stream: Stream, data: bytes) -> None:
        if stream == "stderr":
            stderr_tail.feed(data)
        for line in splitters[stream].feed(data):
            on_line(stream, line)

    watch = Watch(timeout_s=timeout_s, idle_s=idle_s, should_stop=should_stop, grace_s=grace_s)
    argv = [program, *command[1:]]
    with Supervision(
        argv, cwd=cwd, env=env, stdin=stdin, on_data=on_data, watch=watch, more_input=more_input
    ) as run:
        run.until_end()
    for line in splitters["stdout"].flush():
        on_line("stdout", line)
    for line in splitters["stderr"].flush():
        on_line("stderr", line)
    return ProcessEnd(
        exit_code=run.exit_code,
        stopped_by=run.stopped_by,
        stderr_tail=stderr_tail.text,
        seconds=run.seconds,
        peak_memory_mb=run.peak_memory_mb,
        survivors=run.survivors,
    )


def run_command(
    command: str | Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    output_max: int = 1 << 16,
    should_stop: Callable[[], Outcome | None] = never,
    grace_s: float = GRACE_S,
) -> CommandResult:
    """Run a command (a string goes to ``/bin/sh -c``) without input and keep the last ``output_max``
    bytes that it prints. Environment, ends and errors as in ``run_supervised``.
    """
    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else [*command]
    program = find_program(argv[0], cwd=cwd, path=env.get("PATH", ""))
    tail = Tail(output_max)
    watch = Watch(timeout_s=timeout_s, idle_s=None, should_stop=should_stop, grace_s=grace_s)

    def on_data(_: Stream, data: bytes) -> None:
        tail.feed(data)

    argv[0] = program
    with Supervision(argv, cwd=cwd, env=env, stdin=b"", on_data=on_data, watch=watch, merge=True) as run:
        run.until_end()
    return CommandResult(run.exit_code, tail.text, run.seconds, run.stopped_by)
