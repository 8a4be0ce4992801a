"""Ctrl-C, SIGTERM and a terminal that closes, while a program runs that doesn't listen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE
from support.processes import is_alive

if TYPE_CHECKING:
    from pathlib import Path

#: A runner that would wait ten minutes for its program, which is deaf to SIGTERM, and says what happens to it.
RUNNER = """\
import os, sys
from pathlib import Path
from gitbaton.edges.interruption import Interruption
from gitbaton.edges.process import run_supervised
interruption = Interruption(lambda: print("ignored", flush=True))
interruption.heed()
interruption.is_ending = "ending" in sys.argv
program = "trap 'echo > asked' TERM; echo $$; while :; do sleep 0.1; done"
def show(stream, line):
    if line.isdigit():
        print(line, flush=True)
try:
    run_supervised(["/bin/sh", "-c", program], cwd=Path.cwd(), env=dict(os.environ), on_line=show, timeout_s=600, grace_s=600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
else:
    print("went on", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_second_signal_waits_for_nobody(number: signal.Signals, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER], env={**os.environ, "PYTHONPATH": SOURCE}, cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as runner:  # fmt: skip
        assert runner.stdout
        program = int(runner.stdout.readline())
        runner.send_signal(number)
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)
        assert runner.poll() is None, "it has asked, and waits"
        runner.send_signal(number)
        assert runner.stdout.read() == "interrupted\n"
    assert not is_alive(program)


def test_what_is_being_published_is_not_broken_off() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, "ending"], env={**os.environ, "PYTHONPATH": SOURCE}, stdout=subprocess.PIPE, text=True
    ) as runner:  # fmt: skip
        assert runner.stdout
        program = int(runner.stdout.readline())
        runner.send_signal(signal.SIGTERM)
        assert runner.stdout.readline() == "ignored\n"
        os.kill(program, signal.SIGKILL)
        assert runner.stdout.read() == "went on\n"


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    said = tmp_path / "said"
    script = "from gitbaton.edges.interruption import Interruption; import os, signal; Interruption().heed(); os.kill(os.getpid(), signal.SIGHUP)"
    command = f'trap "" HUP; "{sys.executable}" -c "{script}" && echo fine > "{said}"'
    subprocess.run(
        ["/bin/sh", "-c", command], env={**os.environ, "PYTHONPATH": SOURCE}, check=True, timeout=60
    )
    assert said.read_text() == "fine\n", "nohup means that"
