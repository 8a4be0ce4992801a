"""Any program as an agent.

The program named in the configuration is looked up on the PATH of the agent's environment; a name with a
slash is a path, and a relative one (``./tools/agent``) starts at the workplace. It runs in the workplace,
gets the briefing on stdin and in the file ``$BATON_BRIEFING`` and knows its attempt by ``$BATON_TASK``,
``$BATON_ATTEMPT``, ``$BATON_RUN`` and ``$BATON_OUTBOX``. Exit code 0 says that it has finished, any other
that it has failed. It may say more in the JSON file ``$BATON_RESULT``, an object with any of

* ``outcome``: one of ``result_file.CLAIMABLE``; ``message``: a sentence for a person;
* ``question``: a text or a list of them for a person (outcome ``needs_input`` if none is given);
* ``result``: what the task's ``result_schema`` asks for;
* ``retry_after``: seconds for which the model's service asked to be left alone;
* ``usage``: tokens, cost, turns and tool calls, as in a handoff;
* ``summary`` and every other field of a handoff.
"""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.wording import clean_text, shorten_to_line
from gitbaton.edges.attempt import attempt_variables, name_result_path
from gitbaton.edges.process import GRACE_S, ProcessEnd, run_supervised
from gitbaton.edges.program import find_program
from gitbaton.edges.redaction import Redactor
from gitbaton.edges.result_file import BadResultFile, ResultFile, read_result_file
from gitbaton.edges.run_log import RunLog
from gitbaton.ports import AgentReport, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.ports import AgentRequest

LINE_MAX = 1 << 16
TAIL_LINES = 20
PROGRESS_PER_S = 20  # nobody reads faster, and a program may print a million lines


class CommandAgent:
    """The agent of adapter ``command``: ``command`` is the program and its arguments."""

    adapter = "command"

    def __init__(self, name: str, command: tuple[str, ...], *, grace_s: float = GRACE_S) -> None:
        self.name = name
        self._command = command
        self._grace_s = grace_s

    def check(self, env: Mapping[str, str]) -> None:
        """Raises ``Refusal`` when the program is missing; one in the workplace is only found in a run."""
        program = self._command[0]
        if "/" not in program or program.startswith("/"):
            find_program(program, cwd=Path("/"), path=env.get("PATH", ""))

    def run(
        self,
        request: AgentRequest,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Outcome | None],
    ) -> AgentReport:
        """See ``ports.Agent``. ``turns_max``, ``budget_usd``, ``model``, ``allowed_tools``,
        ``mcp_servers``, ``instructions`` and ``session`` mean nothing to a program that we don't know.
        """
        result_path = name_result_path(request)
        with contextlib.suppress(OSError):  # none there, or no file: then reading it says so
            result_path.unlink()  # what an earlier attempt said must not speak for this one
        redactor = Redactor(request.env, request.mcp_servers)
        on_progress(Progress("started", shorten_to_line(f"runs {' '.join(self._command)}")))
        with RunLog(request.log_path, redactor) as log:
            listener = _Listener(log, redactor, on_progress)
            end = run_supervised(
                self._command,
                cwd=request.workplace,
                env={**request.env, **attempt_variables(request)},
                stdin=request.briefing.encode(errors="replace"),
                on_line=listener.hear,
                timeout_s=request.limits.timeout_s,
                idle_s=request.limits.idle_s,
                should_stop=should_stop,
                grace_s=self._grace_s,
                line_max=LINE_MAX,
            )
        report = _judge(self._command[0], end, listener.last_words, result_path)
        good = report.outcome is Outcome.SUCCEEDED
        on_progress(Progress("ended", "finished" if good else OUTCOMES[report.outcome].words))
        return AgentReport(
            outcome=report.outcome,
            message=redactor.redact(clean_text(report.message)),
            usage=report.usage,
            result=report.result,
            handoff=report.handoff,
            exit_code=end.exit_code,
            retry_after_s=report.retry_after_s,
        )


class _Listener:
    """Hears every line: into the log, to whoever watches, and the last ones remembered."""

    def __init__(self, log: RunLog, redactor: Redactor, on_progress: Callable[[Progress], None]) -> None:
        self._log = log
        self._redactor = redactor
        self._on_progress = on_progress
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._second = 0
        self._told = 0

    @property
    def last_words(self) -> str:
        return "\n".join(shorten_to_line(line, 500) for line in self._tail)

    def hear(self, stream: str, line: str) -> None:
        self._log.append_line(stream, line)
        if not line.strip():
            return
        self._tail.append(line)
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        if self._told <= PROGRESS_PER_S:
            self._on_progress(Progress("text", self._redactor.redact(shorten_to_line(line))))


def _judge(program: str, end: ProcessEnd, last_words: str, result_path: Path) -> AgentReport:
    problem = ""
    try:
        said = read_result_file(result_path) or ResultFile()
    except BadResultFile as bad:
        said = ResultFile()
        problem = f"{program} left a result file that can't be used: {bad}"
    outcome, message = _name_outcome(program, end, last_words, said, problem)
    usage = said.usage.model_copy(
        update={"seconds": round(end.seconds, 3), "peak_memory_mb": _rounded(end.peak_memory_mb)}
    )
    return AgentReport(
        outcome, message, usage, result=said.result, handoff=said.handoff, retry_after_s=said.retry_after_s
    )


def _name_outcome(
    program: str, end: ProcessEnd, last_words: str, said: ResultFile, problem: str
) -> tuple[Outcome, str]:
    if end.stopped_by is not None:
        why = OUTCOMES[end.stopped_by].words
        return end.stopped_by, f"{program} was ended after {end.seconds:.0f} s, because {why}"
    if problem:
        return Outcome.AGENT_ERROR, problem
    summary = said.handoff.get("summary")
    message = said.message or (summary if isinstance(summary, str) else "")
    claimed = said.outcome or Outcome.SUCCEEDED
    if claimed is not Outcome.SUCCEEDED:  # it knows better than its exit code
        return claimed, message or f"{program}: {OUTCOMES[claimed].words}"
    if end.exit_code != 0:
        how = f"signal {-end.exit_code}" if end.exit_code < 0 else f"exit code {end.exit_code}"
        heard = message or last_words
        return Outcome.AGENT_ERROR, f"{program} ended with {how}" + (f": {heard}" if heard else "")
    return Outcome.SUCCEEDED, message or last_words.rpartition("\n")[2] or f"{program} finished"


def _rounded(memory_mb: float | None) -> float | None:
    return None if memory_mb is None else round(memory_mb, 1)
