"""Real programs as agents: well-behaved, broken and hostile."""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.edges.command_agent import CommandAgent
from gitbaton.errors import Refusal
from gitbaton.ports import AgentReport, AgentRequest, Limits, Progress
from support.processes import is_alive

if TYPE_CHECKING:
    from pathlib import Path

PATH = f"{os.path.dirname(sys.executable)}:/usr/bin:/bin"  # noqa: PTH120 - a string for PATH


@dataclass
class Desk:
    """A workplace, and a program in it."""

    folder: Path
    told: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("work", "outbox"):
            (self.folder / name).mkdir()

    def request(self, **options: Any) -> AgentRequest:
        given: dict[str, Any] = {
            "task": "add-login",
            "attempt": 3,
            "run": "run-1",
            "workplace": self.folder / "work",
            "outbox": self.folder / "outbox",
            "briefing": "Do the task.\n",
            "briefing_path": self.folder / "briefing.md",
            "log_path": self.folder / "logs" / "log.jsonl",
            "limits": Limits(timeout_s=60),
            "env": {"PATH": PATH, **options.pop("env", {})},
        }
        return AgentRequest(**{**given, **options})

    def run(self, *command: str, grace_s: float = 5, **options: Any) -> AgentReport:
        agent = CommandAgent("ours", command, grace_s=grace_s)
        return agent.run(self.request(**options), self.told.append, lambda: None)

    def shell(self, script: str, **options: Any) -> AgentReport:
        return self.run("sh", "-c", script, **options)

    def with_result(self, content: object, *, exit_code: int = 0) -> AgentReport:
        text = content if isinstance(content, str) else json.dumps(content)
        return self.shell(f'printf %s "$TEXT" > $BATON_RESULT; exit {exit_code}', env={"TEXT": text})

    @property
    def log(self) -> list[dict[str, str]]:
        lines = (self.folder / "logs" / "log.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_program_gets_its_briefing_and_knows_its_attempt(desk: Desk) -> None:
    (desk.folder / "briefing.md").write_text("Do the task.\n")
    report = desk.shell("cat > stdin.txt; cmp stdin.txt $BATON_BRIEFING && pwd; env; echo done >&2")
    assert (report.outcome, report.exit_code) == (Outcome.SUCCEEDED, 0)
    assert (desk.folder / "work" / "stdin.txt").read_text() == "Do the task.\n"
    lines = [entry["text"] for entry in desk.log if entry["type"] == "stdout"]
    assert lines[0] == str(desk.folder / "work")
    env = dict(line.split("=", 1) for line in lines[1:])
    assert {name: env[name] for name in env if name.startswith("BATON_") and name != "BATON_PROCESS"} == {
        "BATON_TASK": "add-login",
        "BATON_ATTEMPT": "3",
        "BATON_RUN": "run-1",
        "BATON_BRIEFING": str(desk.folder / "briefing.md"),
        "BATON_OUTBOX": str(desk.folder / "outbox"),
        "BATON_RESULT": str(desk.folder / "outbox" / "result.json"),
    }
    assert set(env) - {"PWD", "OLDPWD", "SHLVL", "_"} == {"PATH", "BATON_PROCESS"} | {
        name for name in env if name.startswith("BATON_")
    }
    assert {"type": "stderr", "text": "done"} in desk.log
    assert [progress.kind for progress in desk.told[:2]] == ["started", "text"]
    assert desk.told[-1] == Progress("ended", "finished")


def test_the_exit_code_decides_and_the_last_words_explain(desk: Desk) -> None:
    report = desk.shell("echo working; echo 'no compiler' >&2; exit 3")
    assert report.outcome is Outcome.AGENT_ERROR
    assert report.message.startswith("sh ended with exit code 3: ")
    assert set(report.message.splitlines()[0].split(": ")[1:] + report.message.splitlines()[1:]) == {
        "working",
        "no compiler",
    }
    assert desk.shell("kill -9 $$").message == "sh ended with signal 9"
    assert desk.shell("true").message == "sh finished"
    assert desk.shell("echo one; echo two").message == "two"


def test_a_program_may_say_more_in_its_result_file(desk: Desk) -> None:
    report = desk.with_result(
        {
            "outcome": "succeeded",
            "message": "Added the endpoint.",
            "summary": "One endpoint.",
            "next_steps": ["test it"],
            "result": {"answer": 42},
            "usage": {"input_tokens": 10, "cost_usd": 0.25, "seconds": 99999},
        }
    )
    assert (report.outcome, report.message) == (Outcome.SUCCEEDED, "Added the endpoint.")
    assert report.result == {"answer": 42}
    assert report.handoff == {"summary": "One endpoint.", "next_steps": ["test it"]}
    assert (report.usage.input_tokens, report.usage.cost_usd) == (10, 0.25)
    assert report.usage.seconds is not None
    assert report.usage.seconds < 30  # measured, not believed


@pytest.mark.parametrize("outcome", ["agent_refused", "needs_input", "blocked", "rate_limited", "overloaded"])
@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_program_may_claim_another_outcome(desk: Desk, outcome: str, exit_code: int) -> None:
    report = desk.with_result({"outcome": outcome, "message": "Because."}, exit_code=exit_code)
    assert (report.outcome, report.message) == (Outcome(outcome), "Because.")


def test_a_program_that_failed_cannot_claim_that_it_succeeded(desk: Desk) -> None:
    report = desk.with_result({"outcome": "succeeded", "message": "All fine."}, exit_code=1)
    assert (report.outcome, report.message) == (Outcome.AGENT_ERROR, "sh ended with exit code 1: All fine.")


def test_a_question_is_for_a_person(desk: Desk) -> None:
    report = desk.with_result({"question": "Which colour?"})
    assert report.outcome is Outcome.NEEDS_INPUT
    assert report.handoff == {"questions": ["Which colour?"]}
    report = desk.with_result({"question": ["A?", "B?"], "outcome": "succeeded"})
    assert report.outcome is Outcome.SUCCEEDED
    assert report.handoff == {"questions": ["A?", "B?"]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{broken", "no valid JSON"),
        ("", "no valid JSON"),
        ("[1]", "no JSON object"),
        ('{"outcome": "lost_lease"}', "its outcome must be one of succeeded"),
        ('{"outcome": 5}', "its outcome must be one of succeeded"),
        ('{"outcome": ["succeeded"]}', "its outcome must be one of succeeded"),
        ('{"message": {}}', "its message is no text"),
        ('{"usage": {"turns": -1}}', "its usage is wrong: turns"),
        ('{"usage": {"turnz": 1}}', "its usage is wrong"),
        ('{"usage": [1]}', "its usage is wrong"),
        ('{"result": NaN}', "NaN is no number"),
        ('{"result": 1e999}', "1e999 is no number"),
        ('{"result": "\\ud800"}', "no valid JSON"),
        ("[" * 60_000, "no valid JSON"),
        (json.dumps({"a": "x" * (100 << 10)}), ""),
    ],
)
def test_a_result_that_makes_no_sense_is_an_error_that_says_so(desk: Desk, content: str, words: str) -> None:
    report = desk.with_result(content)
    if words:
        assert report.outcome is Outcome.AGENT_ERROR
        assert report.message.startswith("sh left a result file that can't be used: it")
        assert words in report.message
    else:
        assert report.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("head -c 2000000 /dev/zero > $BATON_RESULT", "larger than 1 MiB"),
        ("printf '\\377' > $BATON_RESULT", "no valid JSON"),
        ("ln -s /etc/passwd $BATON_RESULT", "no regular file"),
        ("ln -s $BATON_OUTBOX/nowhere $BATON_RESULT", "no regular file"),
        ("mkfifo $BATON_RESULT", "no regular file"),
        ("mkdir $BATON_RESULT", "no regular file"),
        ("mv $BATON_OUTBOX /$BATON_OUTBOX.old; ln -s /etc $BATON_OUTBOX", "its folder can't be opened"),
        ("rm -r $BATON_OUTBOX", "its folder can't be opened"),
    ],
)
def test_a_result_that_is_no_honest_file_is_an_error(desk: Desk, script: str, words: str) -> None:
    report = desk.shell(script)
    assert report.outcome is Outcome.AGENT_ERROR
    assert words in report.message


def test_the_result_of_an_earlier_attempt_does_not_speak_for_this_one(desk: Desk) -> None:
    (desk.folder / "outbox" / "result.json").write_text('{"outcome": "blocked"}')
    assert desk.shell("true").outcome is Outcome.SUCCEEDED


def test_a_program_that_hangs_is_ended_and_what_it_left_is_handed_on(desk: Desk) -> None:
    report = desk.shell('echo \'{"summary": "half"}\' > $BATON_RESULT; sleep 600', limits=Limits(0.7))
    assert report.outcome is Outcome.TIMEOUT
    assert report.message == "sh was ended after 1 s, because the time limit was reached"
    assert report.handoff == {"summary": "half"}
    report = desk.shell("echo begun; sleep 600", limits=Limits(60, idle_s=0.5))
    assert report.outcome is Outcome.IDLE


def test_a_program_that_forks_and_ignores_signals_is_gone_afterwards(desk: Desk) -> None:
    program = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
print(os.getpid(), flush=True)
while True: time.sleep(600)
"""
    report = desk.run(sys.executable, "-c", program, limits=Limits(0.7), grace_s=0.3)
    assert (report.outcome, report.exit_code) == (Outcome.TIMEOUT, -9)
    pids = [int(entry["text"]) for entry in desk.log]
    assert len(pids) == 2
    alive = [pid for pid in pids if is_alive(pid)]
    assert alive == [] or sys.platform != "linux"


def test_a_person_can_stop_it(desk: Desk) -> None:
    agent = CommandAgent("ours", ("sh", "-c", "echo begun; sleep 600"))

    def should_stop() -> Outcome | None:
        return Outcome.STOPPED if any(progress.text == "begun" for progress in desk.told) else None

    assert agent.run(desk.request(), desk.told.append, should_stop).outcome is Outcome.STOPPED


def test_a_hundred_megabytes_are_too_much_for_the_log_but_not_for_us(desk: Desk) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = desk.shell(
        "yes 'a line of a program that has lost its mind' | head -c 100000000; echo; echo the end"
    )
    assert (report.outcome, report.message) == (Outcome.SUCCEEDED, "the end")
    log = desk.folder / "logs" / "log.jsonl"
    assert log.stat().st_size < 65 << 20
    with log.open("rb") as file:
        file.seek(-80, os.SEEK_END)
        assert b"the log is full" in file.read()
    assert len(desk.told) < 10_000, "of two million lines; how many depends on the machine"
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 30_000  # KiB


def test_garbage_is_kept_as_text(desk: Desk) -> None:
    report = desk.shell("printf '\\377\\000\\033[31mred\\n'; printf 'no end'; exit 1")
    assert [entry["text"] for entry in desk.log] == ["\ufffd\0\x1b[31mred", "no end"]
    assert [progress.text for progress in desk.told if progress.kind == "text"] == ["\ufffdred", "no end"]
    assert report.message == "sh ended with exit code 1: \ufffdred\nno end"


def test_secrets_stand_in_no_log_no_progress_and_no_message(desk: Desk) -> None:
    report = desk.shell("echo key $MODEL_KEY; exit 1", env={"MODEL_KEY": "sk-0123456789"})
    assert "sk-0123456789" not in (desk.folder / "logs" / "log.jsonl").read_text() + str(desk.told) + str(
        report
    )
    assert report.message == "sh ended with exit code 1: key [secret removed]"


def test_a_program_in_the_workplace_and_one_on_the_path(desk: Desk) -> None:
    script = desk.folder / "work" / "agent.sh"
    script.write_text("#!/bin/sh\necho from $0\n")
    script.chmod(0o755)
    assert desk.run("./agent.sh").message == f"from {script}"
    with pytest.raises(Refusal):
        desk.run("agent.sh")
    bin_folder = desk.folder / "bin"
    bin_folder.mkdir()
    script.rename(bin_folder / "agent.sh")
    assert (
        desk.run("agent.sh", env={"PATH": f"{bin_folder}:{PATH}"}).message
        == f"from {bin_folder / 'agent.sh'}"
    )


def test_a_check_finds_a_missing_program_before_any_run(desk: Desk) -> None:
    CommandAgent("ours", ("sh",)).check({"PATH": PATH})
    CommandAgent("ours", ("./only-in-a-workplace",)).check({"PATH": PATH})
    for program in ("no-such-program", "/no/such/program"):
        with pytest.raises(Refusal) as refused:
            CommandAgent("ours", (program,)).check({"PATH": PATH})
        assert refused.value.code == "program-missing"
    with pytest.raises(Refusal):
        desk.run("no-such-program")


def test_the_use_that_nobody_told_is_left_out(desk: Desk) -> None:
    usage = desk.shell("sleep 0.3").usage
    assert usage.model_dump(exclude={"seconds", "peak_memory_mb"}, exclude_none=True) == {}
    assert isinstance(usage, Usage)
    if sys.platform == "linux":
        assert usage.peak_memory_mb is not None
        assert usage.peak_memory_mb > 0
