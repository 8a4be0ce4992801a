"""The launcher of ``disturbance.py``: forks a process for each command it is told on stdin, a JSON object a
line, and answers with the exit code (negative: the signal).
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from typing import Any

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REMOVING = {"os.remove", "os.rmdir"}
_CHANGING = {
    "open", "os.rename", "os.link", "os.symlink", "os.mkdir", "os.truncate", "os.chmod", "os.chown", "os.utime",
    "sqlite3.connect", *_REMOVING,
}  # fmt: skip


class Writes:
    """Counts this process's writes below ``root`` as they are about to happen, and strikes at the ``at``-th."""

    def __init__(self, at: int, how: str, log: str, root: str) -> None:
        self._at, self._how, self._root = at, how, root
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND)
        self._count = 0
        self._inside = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGING or self._inside:
            return
        path, flags = arguments[0], arguments[2] if event == "open" else 0
        if not isinstance(path, str | bytes) or (event == "open" and not flags & _WRITING):
            return
        name = os.fsdecode(path)
        if name.startswith("/") and not name.startswith(self._root):
            return
        self._count += 1
        os.write(self._log, f"{event} {' '.join(map(str, arguments[:2]))}\n".encode(errors="replace"))
        if self._at == 0 or self._count < self._at:
            return
        if self._how == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        if self._how == "full" and event in _REMOVING:
            return
        if event == "open" and name.startswith("/"):
            self._touch(name, flags)
        if self._how == "torn":
            os.kill(os.getpid(), signal.SIGKILL)
        if event == "sqlite3.connect":
            raise sqlite3.OperationalError("database or disk is full")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    def _touch(self, name: str, flags: int) -> None:
        """Open the file as it would have been opened, and write nothing."""
        self._inside = True
        try:
            os.close(os.open(name, flags, 0o666))
        finally:
            self._inside = False


def _carry_out(order: dict[str, Any]) -> None:
    """Become the command. Never returns."""
    for stream, name in ((1, order["out"]), (2, order["err"])):
        os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["where"])
    os.environ.clear()
    os.environ.update(order["env"])
    signal.alarm(order["limit_s"])  # the default action ends the process
    if order["ahead_s"]:
        _shift_clock(timedelta(seconds=order["ahead_s"]))
    if order.get("writes"):
        sys.addaudithook(Writes(**order["writes"]))
    from gitbaton.cli import main

    code = main(order["words"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _shift_clock(ahead: timedelta) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz or UTC) + ahead  # noqa: TID251 this is the clock

    import_module("gitbaton.wiring").datetime = Ahead  # type: ignore[attr-defined] # what `from datetime import` made


def _preload() -> None:
    """Load what commands load, so that forked processes need not."""
    from gitbaton.cli import COMMANDS

    for name in {listed.module for listed in COMMANDS.values()} - {"server", "demo"}:
        import_module(f"gitbaton.cli.{name}")
    for name in (
        "wiring", "edges.local_forge", "edges.command_agent", "store.merge", "store.documents", "store.history",
        "report.records", "report.run_text", "usecases.run", "usecases.review", "usecases.sync", "usecases.validate",
    ):  # fmt: skip
        import_module(f"gitbaton.{name}")
    import_module("jsonschema")


def _serve() -> None:
    _preload()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                _carry_out(order)
            except BaseException:  # noqa: BLE001 whatever it is, it is the command's end
                import traceback

                traceback.print_exc()
            finally:
                os._exit(99)
        answers.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")


if __name__ == "__main__":
    _serve()
