"""Commands that are killed, or that fail, at a chosen git call or file write: real processes, a real kill.

One *launcher* process has gitbaton loaded and forks a process for each command, which saves the second that
loading takes and changes nothing else. A disturbance counts what the command does, of one of two kinds:

* ``git``: calls of git, through a program of that name at the front of the command's PATH;
* ``file``: what the command itself writes to the disk, seen by an audit hook.

At the chosen one it strikes, in one of six ways (:data:`WAYS`). Nothing of this is known to the product.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from support.cli import SOURCE, Said
from support.hermetic_git import git_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

#: Kind and way of a disturbance. git: killed right before the call; right after it; git says that the disk is
#: full and does nothing. file: killed before the write; killed when the file is there but empty; the disk is
#: full from then on, and what was opened is left empty.
WAYS = (
    ("git", "before"),
    ("git", "after"),
    ("git", "fails"),
    ("file", "before"),
    ("file", "torn"),
    ("file", "full"),
)
_TESTS = str(Path(__file__).parents[1])
_LIMIT_S = 120
#: Kills whoever called git, as told; else does what git does.
_WRAPPER = """\
#!/bin/sh
read -r n < "$DISTURBED_COUNT"
n=$((n + 1))
echo $n > "$DISTURBED_COUNT"
echo "$*" >> "$DISTURBED_LOG"
if [ $n = "$DISTURBED_AT" ]; then
  case "$DISTURBED_HOW" in
    before) kill -9 $PPID; exit 1 ;;
    after) '{git}' "$@"; kill -9 $PPID; exit 1 ;;
    fails) echo 'fatal: unable to write file: No space left on device' >&2; exit 128 ;;
  esac
fi
exec '{git}' "$@"
"""


class Disturbance(NamedTuple):
    """Strike at the ``at``-th event of ``kind``; 0 = never, only count. ``how``: see :data:`WAYS`."""

    kind: str
    how: str
    at: int = 0


class Trace(NamedTuple):
    """What a disturbed command left, and its events of the chosen kind, in order."""

    said: Said
    events: list[str]


@dataclass
class Launcher:
    """Starts commands in processes of their own. ``folder`` is for its files; it lies outside every scene."""

    folder: Path
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        (programs / "git").write_text(_WRAPPER.format(git=shutil.which("git")))
        (programs / "git").chmod(0o755)
        self._process = subprocess.Popen(
            [sys.executable, "-B", str(Path(__file__).with_name("disturbed_process.py"))],
            env={**git_environment(), "PYTHONPATH": f"{SOURCE}:{_TESTS}", "PYTHONHASHSEED": "0"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def run(
        self,
        where: Path,
        *words: str,
        env: Mapping[str, str] | None = None,
        disturbance: Disturbance | None = None,
        ahead_s: float = 0.0,
    ) -> Trace:
        """``baton WORDS`` in the folder ``where``. ``ahead_s``: how far its clock is ahead."""
        out, err, log, count = (self.folder / name for name in ("out", "err", "log", "count"))
        log.write_text("")
        count.write_text("0\n")
        whole = {**git_environment(), "PATH": os.environ["PATH"], "USER": "tess", **(env or {})}
        if disturbance and disturbance.kind == "git":
            whole |= {
                "PATH": f"{self.folder / 'bin'}:{whole['PATH']}", "DISTURBED_COUNT": str(count),
                "DISTURBED_LOG": str(log), "DISTURBED_AT": str(disturbance.at), "DISTURBED_HOW": disturbance.how,
            }  # fmt: skip
        order: dict[str, Any] = {
            "words": words, "where": str(where), "env": whole, "out": str(out), "err": str(err), "ahead_s": ahead_s,
            "limit_s": _LIMIT_S,
        }  # fmt: skip
        if disturbance and disturbance.kind == "file":
            order["writes"] = {
                "at": disturbance.at,
                "how": disturbance.how,
                "log": str(log),
                "root": str(where.parent),
            }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        said = Said(code, out.read_text(errors="replace"), err.read_text(errors="replace"))
        return Trace(said, log.read_text(errors="replace").splitlines())
