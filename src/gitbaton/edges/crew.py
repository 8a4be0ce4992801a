"""The processes of a pool: one for each place, started, told, heard, ended.

A member takes its orders as JSON objects, one per line of its standard input, and answers in the same way on its
standard output. When its input ends, the pool is gone, however that came, and the member stops as if it had been asked
to. It has a session of its own, so that Ctrl-C in the terminal reaches the pool alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_CHUNK = 1 << 16
_TAIL = 4000
_LEAVE_S = 10.0  # for members that are at something although the pool has ended, which only a failure of ours can mean


class Member:
    """One process. ``end`` is its exit code, negative for a signal; None while it lives. ``orders`` counts what it was
    told to do.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self.end: int | None = None
        self.orders = 0
        self._process = process
        self._said = b""
        self._complained = b""

    @property
    def complaint(self) -> str:
        """The last of what it wrote to stderr."""
        return self._complained.decode(errors="replace").strip()

    def tell(self, order: Mapping[str, Any]) -> None:
        """Give it something to do. If it has ended, ``hear`` says so."""
        assert self._process.stdin is not None
        self.orders += 1
        with contextlib.suppress(OSError):
            self._process.stdin.write(f"{json.dumps(order)}\n".encode())

    def dismiss(self) -> None:
        """There are no more orders: it ends, and what it is at is stopped."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def hear(self) -> list[dict[str, Any]]:
        """What it has said since, and whether it has ended."""
        ended = self._process.poll()  # first: what it said before it ended is in the pipe then
        stdout, stderr = self._process.stdout, self._process.stderr
        assert stdout is not None
        assert stderr is not None
        self._complained = (self._complained + _read(stdout=stderr.fileno()))[-_TAIL:]
        *lines, self._said = (self._said + _read(stdout=stdout.fileno())).split(b"\n")
        if ended is not None:
            self.end = ended
            for pipe in (stdout, stderr, self._process.stdin):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        return [said for line in lines if (said := _parse(line))]

    def files(self) -> tuple[int, int]:
        """The file descriptors that tell when there is something to hear."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        return self._process.stdout.fileno(), self._process.stderr.fileno()


class Heard(NamedTuple):
    """What one member said."""

    member: Member
    messages: list[dict[str, Any]]


class Crew:
    """The members that live. A context manager, which also wakes ``wait`` at every signal while it is open; at its
    end no member lives.
    """

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self.members: list[Member] = []
        self._command = command
        self._cwd = cwd
        self._env = dict(env)
        self._bell, self._clapper = socket.socketpair()
        self._before: Any = None
        self._old_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for end in (self._bell, self._clapper):
            end.setblocking(False)
        self._before = signal.set_wakeup_fd(self._clapper.fileno(), warn_on_full_buffer=False)
        self._old_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.dismiss()
        deadline = time.monotonic() + _LEAVE_S
        while self.members and time.monotonic() < deadline:
            self.wait(deadline - time.monotonic())
        self.kill()
        signal.set_wakeup_fd(self._before)
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)
        self._bell.close()
        self._clapper.close()

    def kill(self) -> None:
        """Kill every member."""
        for member in self.members:
            member.send(signal.SIGKILL)
        while self.members:
            self.wait(1.0)

    def on(self, numbers: Sequence[signal.Signals], act: Callable[[], None]) -> None:
        """Call ``act`` when one of these signals comes, until the end. One that is ignored stays ignored."""
        for number in numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._old_handlers[number] = signal.signal(number, lambda *_: act())

    def start(self) -> Member:
        """One more."""
        process = subprocess.Popen(
            self._command, cwd=self._cwd, env=self._env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, start_new_session=True,
        )  # fmt: skip
        member = Member(process)
        for file in member.files():
            os.set_blocking(file, False)
        self.members.append(member)
        return member

    def wait(self, timeout_s: float) -> list[Heard]:
        """What was said, at the latest after ``timeout_s``; sooner when somebody says something, ends, or a signal
        comes. Who has ended is told of once more, and then no member any longer.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            for member in self.members:
                for file in member.files():
                    selector.register(file, selectors.EVENT_READ)
            selector.select(max(0.0, timeout_s))
        with contextlib.suppress(BlockingIOError):
            while self._bell.recv(_CHUNK):
                pass
        heard = [Heard(member, member.hear()) for member in self.members]
        self.members = [member for member in self.members if member.end is None]
        return [h for h in heard if h.messages or h.member.end is not None]


def _read(*, stdout: int) -> bytes:
    found = b""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(stdout, _CHUNK):
            found += data
    return found


def _parse(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        said = json.loads(line)
        if isinstance(said, dict):
            return said
    return None  # something that a library printed
