"""Real programs that misbehave in every way we could think of."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.edges.process import ProcessEnd, run_command, run_supervised
from gitbaton.errors import Refusal
from support.processes import is_alive

if TYPE_CHECKING:
    from pathlib import Path

PATH = {"PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"}  # noqa: PTH120 - a string for PATH
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only /proc shows who left the group")


@dataclass
class Run:
    """One run of a program, and what it printed. A line that begins with ``stop_at`` asks for its end."""

    cwd: Path
    lines: list[tuple[str, str]] = field(default_factory=list)
    stop_at: str = "stop"
    stop: Outcome | None = None
    end: ProcessEnd | None = None

    def python(self, program: str, **options: Any) -> ProcessEnd:
        return self.command([sys.executable, "-c", program], **options)

    def command(self, command: list[str], **options: Any) -> ProcessEnd:
        given = {"cwd": self.cwd, "env": PATH, "timeout_s": 60.0, "grace_s": 5.0, **options}
        self.end = run_supervised(command, on_line=self.on_line, should_stop=lambda: self.stop, **given)
        return self.end

    def on_line(self, stream: str, line: str) -> None:
        self.lines.append((stream, line))
        if line.startswith(self.stop_at):
            self.stop = Outcome.STOPPED

    @property
    def stdout(self) -> list[str]:
        return [line for stream, line in self.lines if stream == "stdout"]

    @property
    def pids(self) -> list[int]:
        return [int(line.removeprefix("pid ")) for line in self.stdout if line.startswith("pid ")]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_input_output_exit_code_and_the_whole_environment(run: Run) -> None:
    end = run.command(
        ["sh", "-c", "cat; echo oops >&2; env; pwd; exit 7"], stdin=b"hello\n", env={**PATH, "GIVEN": "1"}
    )
    assert (end.exit_code, end.stopped_by, end.survivors) == (7, None, 0)
    assert end.stderr_tail == "oops\n"
    names = {line.split("=")[0] for line in run.stdout if "=" in line}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "GIVEN", "BATON_PROCESS"}
    assert run.stdout[0] == "hello"
    assert run.stdout[-1] == str(run.cwd)


def test_two_megabytes_go_through_a_program_that_answers_while_it_reads(run: Run) -> None:
    block = b"x" * 63 + b"\n"
    assert run.command(["cat"], stdin=block * 32768).exit_code == 0
    assert len(run.stdout) == 32768


@pytest.mark.parametrize(
    "program",
    [
        "import os; os.close(0); print('fine')",
        "print('fine')",
        "import sys; sys.stdin.read(10); print('fine')",
    ],
)
def test_a_program_need_not_read_its_input(run: Run, program: str) -> None:
    assert run.python(program, stdin=b"x\n" * 500_000).exit_code == 0
    assert run.stdout == ["fine"]


def test_a_program_that_closes_its_output_is_waited_for(run: Run) -> None:
    program = "import os,time; os.close(1); os.close(2); time.sleep(0.4); os.mkdir('late')"
    assert run.python(program).exit_code == 0
    assert (run.cwd / "late").exists()


def test_the_last_words_of_a_program_are_heard(run: Run) -> None:
    assert run.command(["sh", "-c", "printf one; printf two >&2"]).stderr_tail == "two"
    assert sorted(run.lines) == [("stderr", "two"), ("stdout", "one")]


def test_a_wall_clock_ends_a_program_that_talks_all_the_time(run: Run) -> None:
    end = run.python("import time\nwhile True: print('x', flush=True); time.sleep(0.01)", timeout_s=0.5)
    assert (end.stopped_by, end.exit_code) == (Outcome.TIMEOUT, -signal.SIGTERM)
    assert 0.5 <= end.seconds < 3


def test_silence_ends_a_program_but_words_keep_it_going(run: Run) -> None:
    program = "import time\nfor _ in range(4): print('x', flush=True); time.sleep(0.2)\ntime.sleep(60)"
    end = run.python(program, idle_s=0.5)
    assert (end.stopped_by, len(run.stdout)) == (Outcome.IDLE, 4)


def test_words_on_stderr_are_no_silence(run: Run) -> None:
    program = "import sys,time\nfor _ in range(4): print('x', file=sys.stderr, flush=True); time.sleep(0.2)"
    assert run.python(program, idle_s=0.5).stopped_by is None


def test_who_asks_for_the_end_says_what_it_is_called(run: Run) -> None:
    end = run.python("import time; print('stop', flush=True); time.sleep(60)")
    assert (end.stopped_by, end.exit_code) == (Outcome.STOPPED, -signal.SIGTERM)


def test_a_program_may_clean_up_within_the_grace_and_its_words_are_heard(run: Run) -> None:
    program = """
import os, signal, sys, time
def end(*_):
    print('x' * 500_000)  # more than a pipe holds: somebody must read it
    print('cleaned up', flush=True)
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
os.write(1, b'stop\\n')  # no print, which the signal may interrupt: it can't be entered twice
time.sleep(60)
"""
    end = run.python(program)
    assert (end.stopped_by, end.exit_code, run.stdout[-1]) == (Outcome.STOPPED, 3, "cleaned up")


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(run: Run) -> None:
    program = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('stop', flush=True)
while True: time.sleep(60)
"""
    end = run.python(program, grace_s=0.3)
    assert (end.stopped_by, end.exit_code) == (Outcome.STOPPED, -signal.SIGKILL)


def test_a_stopped_program_is_ended_too(run: Run) -> None:
    end = run.python("import os,signal; os.kill(os.getpid(), signal.SIGSTOP)", idle_s=0.5, grace_s=0.3)
    assert (end.stopped_by, end.exit_code) == (Outcome.IDLE, -signal.SIGKILL)


CHILD = """
import os, subprocess, sys
def child(code, **options):
    code = f'import os,signal,time\\n{code}\\nprint("pid", os.getpid(), flush=True)\\ntime.sleep(600)'
    return subprocess.Popen([sys.executable, '-c', code], **options)
"""
IGNORE = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
DETACH = "os.fork() and os._exit(0); os.setsid(); os.fork() and os._exit(0)"


@pytest.mark.parametrize(
    ("code", "options"),
    [
        pytest.param(IGNORE, "", id="one that ignores SIGTERM in the group"),
        pytest.param("", "start_new_session=True", id="one in a session of its own", marks=on_linux),
        pytest.param(IGNORE, "start_new_session=True", id="one that is both", marks=on_linux),
        pytest.param(DETACH, "", id="a daemon", marks=on_linux),
        pytest.param("", "start_new_session=True, env={}", id="one without our mark", marks=on_linux),
    ],
)
@pytest.mark.parametrize(
    ("ending", "exit_code"),
    [
        ("time.sleep(1)", 0),  # long enough to be seen with its child
        ("time.sleep(600)", -signal.SIGTERM),
        ("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(600)", -signal.SIGKILL),
    ],
    ids=["ends well", "is ended", "is killed"],
)
def test_nothing_that_a_program_started_outlives_it(
    run: Run, code: str, options: str, ending: str, exit_code: int
) -> None:
    # The child writes to the program's own output: that it holds it open must not keep anybody waiting.
    if exit_code:
        run.stop_at = "pid "
    end = run.python(f"{CHILD}child({code!r}, {options})\nimport signal, time\n{ending}", grace_s=0.5)
    assert (end.stopped_by, end.exit_code) == (Outcome.STOPPED if exit_code else None, exit_code)
    assert len(run.pids) == 1
    assert not is_alive(run.pids[0])
    assert end.seconds < 10


def test_a_program_that_keeps_forking_is_got_rid_of(run: Run) -> None:
    run.stop_at = "forking"
    program = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    print('forking', flush=True)
    while True: time.sleep(600)
while True:  # each lives a moment, in a session of its own, and starts the next
    if os.fork(): os._exit(0)
    os.setsid()
    print('pid', os.getpid(), flush=True)
    time.sleep(0.05)
"""
    end = run.python(program, grace_s=0.3)
    assert end.exit_code == -signal.SIGKILL
    assert run.pids
    if sys.platform == "linux":
        assert end.survivors > 0
        assert not is_alive(run.pids[-1])


def test_processes_of_others_are_left_alone(run: Run) -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as bystander:
        try:
            run.stop_at = "pid "
            run.python(f"{CHILD}child('', start_new_session=True).wait()")
            assert is_alive(bystander.pid)
        finally:
            bystander.kill()


@pytest.mark.parametrize("raised", [KeyboardInterrupt, OSError])
def test_whatever_is_raised_meanwhile_ends_the_program(run: Run, raised: type[BaseException]) -> None:
    pids = []

    def on_line(_: str, line: str) -> None:
        pids.append(int(line))
        raise raised

    program = "import os,time; print(os.getpid(), flush=True); time.sleep(600)"
    with pytest.raises(raised):
        run_supervised(
            [sys.executable, "-c", program], cwd=run.cwd, env=PATH, on_line=on_line, timeout_s=60, grace_s=1
        )
    assert len(pids) == 1
    assert not is_alive(pids[0])


def test_control_c_ends_the_program_although_it_is_in_a_session_of_its_own(tmp_path: Path) -> None:
    runner = """
import sys
from pathlib import Path
from gitbaton.edges.process import run_supervised
program = "import os,time; print(os.getpid(), flush=True); time.sleep(600)"
run_supervised([sys.executable, "-c", program], cwd=Path.cwd(), env={}, timeout_s=60,
               on_line=lambda _, line: print(line, flush=True))
"""
    env = {**PATH, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", runner], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGINT)
        _, stderr = parent.communicate(timeout=30)
        assert b"KeyboardInterrupt" in stderr
    assert not is_alive(pid)


def test_a_hundred_megabytes_of_output_pass_through_in_bounded_memory(run: Run) -> None:
    count = 0

    def on_line(_: str, line: str) -> None:
        nonlocal count
        count += len(line) + 1

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    end = run_supervised(
        ["sh", "-c", "yes 'a program that can not stop talking about what it does' | head -c 100000000"],
        cwd=run.cwd, env=PATH, on_line=on_line, timeout_s=100,
    )  # fmt: skip
    assert end.exit_code == 0
    assert count in {100_000_000, 100_000_001}
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 20_000  # KiB


def test_a_line_without_end_passes_through_in_bounded_memory(run: Run) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run.command(["head", "-c", "50000000", "/dev/zero"], line_max=1000)
    assert run.stdout == ["\0" * 1000 + " … (49999000 more bytes dropped)"]
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 20_000  # KiB


@on_linux
def test_the_memory_of_all_processes_is_counted(run: Run) -> None:
    end = run.python(
        f"{CHILD}child('x=b\"x\"*60_000_000', start_new_session=True); import time; time.sleep(1)"
    )
    assert end.peak_memory_mb is not None
    assert 60 < end.peak_memory_mb < 200


@pytest.mark.parametrize(
    ("program", "code", "word"),
    [
        ("no-such-program", "program-missing", "PATH"),
        ("./missing.sh", "program-missing", "missing.sh"),
        ("./not-executable.sh", "program-not-executable", "chmod +x"),
        ("./folder", "program-not-executable", "folder"),
        ("./nonsense", "program-not-startable", "nonsense"),
        ("./wrong-interpreter.sh", "program-not-startable", "#!"),
    ],
)
def test_a_program_that_cannot_be_started_is_refused_with_a_hint(
    run: Run, program: str, code: str, word: str
) -> None:
    (run.cwd / "not-executable.sh").write_text("#!/bin/sh\n")
    (run.cwd / "folder").mkdir()
    (run.cwd / "nonsense").write_bytes(b"\x7fELF nonsense")
    (run.cwd / "wrong-interpreter.sh").write_text("#!/no/such/interpreter\n")
    for name in ("nonsense", "wrong-interpreter.sh"):
        (run.cwd / name).chmod(0o755)
    with pytest.raises(Refusal) as refused:
        run.command([program])
    assert refused.value.code == code
    assert word in f"{refused.value.message} {refused.value.hint}"


def test_a_missing_folder_is_refused(run: Run) -> None:
    with pytest.raises(Refusal, match="does not exist") as refused:
        run.command(["true"], cwd=run.cwd / "nowhere")
    assert refused.value.code == "folder-missing"


def test_the_path_of_this_process_does_not_count(run: Run) -> None:
    with pytest.raises(Refusal) as refused:
        run.command(["sh", "-c", "true"], env={})
    assert refused.value.code == "program-missing"


def test_a_relative_program_stands_in_the_workplace(run: Run) -> None:
    (run.cwd / "tools").mkdir()
    (run.cwd / "tools" / "agent").write_text("#!/bin/sh\necho here in $(pwd)\n")
    (run.cwd / "tools" / "agent").chmod(0o755)
    run.command(["./tools/agent"])
    assert run.stdout == [f"here in {run.cwd}"]


def test_a_command_gives_its_exit_code_and_the_end_of_both_its_streams(tmp_path: Path) -> None:
    result = run_command("echo one; echo two >&2; exit 5", cwd=tmp_path, env=PATH, timeout_s=60)
    assert (result.exit_code, result.output, result.timed_out) == (5, "one\ntwo\n", False)
    result = run_command(["sh", "-c", "seq 100000"], cwd=tmp_path, env=PATH, timeout_s=60, output_max=10)
    assert (result.exit_code, result.output) == (0, "…999\n100000\n"[0] + "99\n100000\n")


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    result = run_command("echo begun; sleep 600", cwd=tmp_path, env=PATH, timeout_s=0.5)
    assert (result.timed_out, result.stopped_by, result.output) == (True, Outcome.TIMEOUT, "begun\n")
    assert result.seconds < 5


def test_a_command_can_be_stopped(tmp_path: Path) -> None:
    result = run_command(
        "sleep 600", cwd=tmp_path, env=PATH, timeout_s=60, should_stop=lambda: Outcome.LOST_LEASE
    )
    assert (result.timed_out, result.stopped_by) == (False, Outcome.LOST_LEASE)
