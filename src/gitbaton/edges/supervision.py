"""The loop around one running program: move bytes, look at the clock, end it, leave nothing behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
import uuid
from typing import IO, TYPE_CHECKING, Literal, Self

from gitbaton.domain.outcome import Outcome
from gitbaton.edges.process_tree import MARK_VARIABLE, ProcessTree
from gitbaton.edges.program import start_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Stream = Literal["stdout", "stderr"]

TICK_S = 0.25  # should_stop is promised to be asked once a second
CHUNK = 1 << 16
DRAIN_S = 1.0  # for what is left in the pipes when everybody who could write to them is dead
LOOK_SHARE = 50  # looking at the process table costs at most a 50th of the time


#: All that run now in this process.
_running: set[Supervision] = set()


def kill_running() -> None:
    """Kill (SIGKILL) every program that runs under supervision now; whoever waits for one sees it end. For a signal
    handler: it raises nothing and waits for nothing.
    """
    for run in list(_running):
        run.kill()


class Watch:
    """Decides when a running program is to be ended."""

    def __init__(
        self,
        *,
        timeout_s: float,
        idle_s: float | None,
        should_stop: Callable[[], Outcome | None],
        grace_s: float,
    ) -> None:
        self.grace_s = grace_s
        self.started = self.heard = time.monotonic()
        self._timeout_s = timeout_s
        self._idle_s = idle_s
        self._should_stop = should_stop
        self._ask_at = 0.0

    def find_reason(self) -> Outcome | None:
        """Why the program is to be ended now. Cheap: ``should_stop`` is asked once per tick, not per call."""
        now = time.monotonic()
        if now >= self._ask_at:
            self._ask_at = now + TICK_S
            if asked := self._should_stop():
                return asked
        if now - self.started >= self._timeout_s:
            return Outcome.TIMEOUT
        if self._idle_s is not None and now - self.heard >= self._idle_s:
            return Outcome.IDLE
        return None

    def tick_s(self) -> float:
        """Seconds until there may be something to decide."""
        due = [self.started + self._timeout_s]
        if self._idle_s is not None:
            due.append(self.heard + self._idle_s)
        return max(0.0, min(TICK_S, min(due) - time.monotonic()))


class Supervision:
    """One run. A context manager: at its end nothing of the program is alive, and the public attributes
    say how it ended (as in ``process.ProcessEnd``). ``more_input`` is asked a few times a second for what the program
    is to be told besides ``stdin``; None from it closes the program's input.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes,
        on_data: Callable[[Stream, bytes], None],
        watch: Watch,
        merge: bool = False,
        more_input: Callable[[], bytes | None] | None = None,
    ) -> None:
        self.exit_code = 0
        self.stopped_by: Outcome | None = None
        self.seconds = 0.0
        self.peak_memory_mb: float | None = None
        self.survivors = 0
        self._on_data = on_data
        self._watch = watch
        self._kill_at: float | None = None
        self._look_at = 0.0
        mark = uuid.uuid4().hex
        self._process = start_program(argv, cwd, {**env, MARK_VARIABLE: mark}, stdin=bool(stdin), merge=merge)
        watch.started = watch.heard = time.monotonic()
        self._tree = ProcessTree(self._process.pid, mark)
        self._selector = selectors.DefaultSelector()
        self._stdin = memoryview(stdin)
        self._more_input = more_input
        self._register("stdout", self._process.stdout, selectors.EVENT_READ)
        self._register("stderr", self._process.stderr, selectors.EVENT_READ)
        self._register("stdin", self._process.stdin, selectors.EVENT_WRITE)
        _running.add(self)

    def kill(self) -> None:
        """Kill its process group; what else it left behind is swept up at the end."""
        self._signal(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, raised: type[BaseException] | None, *_: object) -> None:
        """Kill what still runs. Comes here with the program alive only when something was raised."""
        try:
            if self._process.poll() is None:
                self._signal(
                    signal.SIGTERM
                )  # its streams are read no more: if it waits for that, it is killed
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(self._watch.grace_s)
        finally:
            _running.discard(self)
            self._signal(signal.SIGKILL)
            self.exit_code = self._process.wait()
            self.survivors = self._tree.kill_survivors()
            self.seconds = time.monotonic() - self._watch.started
            try:
                if raised is None:
                    self._drain()
            finally:
                self._close()

    def until_end(self) -> None:
        """Return when the program has ended, by itself or because the watch said so."""
        while self._process.poll() is None:
            self._exchange(self._watch.tick_s() if self._kill_at is None else TICK_S)
            self._look()
            now = time.monotonic()
            if self._kill_at is not None:
                if now >= self._kill_at:
                    self._signal(signal.SIGKILL)
            elif reason := self._watch.find_reason():
                if self._process.poll() is not None:
                    return  # it was faster: that is its own end
                self.stopped_by = reason
                self._kill_at = now + self._watch.grace_s
                self._look(now=True)
                self._signal(signal.SIGTERM)

    def _exchange(self, tick_s: float) -> None:
        """Move bytes between the program and us, for at most ``tick_s``."""
        self._take_input()
        if not self._selector.get_map():  # it has closed its streams and goes on
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(tick_s)
            return
        for key, _ in self._selector.select(tick_s):
            if key.data == "stdin":
                self._write(key)
            else:
                self._read(key)

    def _write(self, key: selectors.SelectorKey) -> None:
        try:
            self._stdin = self._stdin[os.write(key.fd, self._stdin[:CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want its input; that is its business
            self._stdin = self._stdin[:0]
        if not self._stdin:
            self._selector.unregister(key.fileobj)
            if self._more_input is None:
                self._close_stdin()

    def _take_input(self) -> None:
        """What is to be written next, once all before it is."""
        pipe = self._process.stdin
        if self._more_input is None or self._stdin or pipe is None or pipe.closed:
            return
        more = self._more_input()
        if more is None:
            self._more_input = None
            self._close_stdin()
        elif more:
            self._stdin = memoryview(more)
            self._register("stdin", pipe, selectors.EVENT_WRITE)

    def _read(self, key: selectors.SelectorKey) -> bool:
        """Hand on what is there; True if there was something."""
        try:
            data = os.read(key.fd, CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._watch.heard = time.monotonic()
            self._on_data(key.data, data)
        else:
            self._selector.unregister(key.fileobj)
        return bool(data)

    def _drain(self) -> None:
        """Read what is left in the pipes. Nobody writes any more; if somebody does, the time is bounded."""
        deadline = time.monotonic() + DRAIN_S
        for key in list(self._selector.get_map().values()):
            while key.data != "stdin" and self._read(key) and time.monotonic() < deadline:
                pass

    def _close_stdin(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _close(self) -> None:
        self._selector.close()
        self._close_stdin()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _look(self, *, now: bool = False) -> None:
        began = time.monotonic()
        if not now and began < self._look_at:
            return
        used = self._tree.measure()
        if used is not None:
            self.peak_memory_mb = max(used, self.peak_memory_mb or 0.0)
        took = time.monotonic() - began
        often = min(1.0, 0.1 + began - self._watch.started)  # a short run deserves more than one look, too
        self._look_at = began + max(often, took * LOOK_SHARE)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
            os.killpg(self._process.pid, number)

    def _register(self, name: str, pipe: IO[bytes] | None, event: int) -> None:
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
            self._selector.register(pipe, event, name)
