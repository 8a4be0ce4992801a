"""An agent at work: run, waited for while the model's service is busy, told more, and kept within its limits."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.backoff import PAUSE_MAX_S, PAUSE_S, draw_backoff
from gitbaton.domain.durations import render_duration
from gitbaton.domain.feedback import render_continuation
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.usage import Usage, add_usage
from gitbaton.ports import AgentReport, AgentRequest, Limits, Progress
from gitbaton.usecases.transitions import draw_chance

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.ports import Agent
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.project import Project

INTERRUPTED = "interrupted at the keyboard"
#: Ends that are waited out.
_WAITED_OUT = (Outcome.RATE_LIMITED, Outcome.OVERLOADED)
#: With less time than this, and less than this share of the limit, another round would only be cut off.
_ROUND_MIN_S, _ROUND_SHARE = 20.0, 0.1
_LOOK_S = 1.0  # how often one that waits asks whether it is still wanted


class Worker(NamedTuple):
    """An agent with who follows it. ``watch`` tells why it must end, if it must."""

    project: Project
    agent: Agent
    log: AttemptLog
    watch: Callable[[], Outcome | None]


@dataclass(slots=True)
class Meter:
    """What an attempt has used of its limits. ``other_s`` is time in which no agent ran: checks and waits."""

    limits: Limits
    usage: Usage = field(default_factory=Usage)
    other_s: float = 0.0

    def find_left(self, wait_s: float = 0.0) -> Limits | None:
        """The limits that are left after another wait; None when that is too little to do anything in."""
        most = self.limits
        time = most.timeout_s - (self.usage.seconds or 0) - self.other_s - wait_s
        turns = None if most.turns_max is None else most.turns_max - (self.usage.turns or 0)
        money = None if most.budget_usd is None else most.budget_usd - (self.usage.cost_usd or 0)
        enough = time > min(_ROUND_MIN_S, _ROUND_SHARE * most.timeout_s)
        if not enough or (turns is not None and turns < 1) or (money is not None and money <= 0):
            return None
        return most._replace(timeout_s=time, turns_max=turns, budget_usd=money)


def hand_on(
    first: AgentRequest, report: AgentReport, words: str, left: Limits, number: int | None = None
) -> AgentRequest:
    """The request to go on with ``words``: in the session, or told everything once more."""
    briefing = f"{first.briefing}\n{words}"
    write_briefing(first, briefing)
    env = first.env if number is None else {**first.env, "BATON_ROUND": str(number)}
    return replace(
        first, briefing=briefing, words=words, session=report.session or first.session, limits=left, env=env
    )


def write_briefing(request: AgentRequest, text: str) -> None:
    """Write the file with the briefing, whatever an agent has put in its place."""
    path = request.briefing_path
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)


def run_patiently(worker: Worker, request: AgentRequest, meter: Meter) -> tuple[AgentReport, bool]:
    """Run the agent, and go on with it after a service that was busy or unreachable, as often as it may. The
    report, and whether somebody pressed Ctrl-C.
    """
    first, failures = request, 0
    while True:
        report, interrupted = _run_agent(worker, request, meter)
        meter.usage = add_usage(meter.usage, report.usage)
        if interrupted or report.outcome not in _WAITED_OUT:
            return report, interrupted
        failures += 1
        wait_s = draw_backoff(
            failures, PAUSE_S, PAUSE_MAX_S, chance=draw_chance(worker.project), retry_after_s=report.retry_after_s
        )  # fmt: skip
        left = meter.find_left(wait_s)
        if failures > worker.project.repo.config.retries.resumes or left is None:
            return report, False
        worker.log.say("agent", f"{OUTCOMES[report.outcome].words}; goes on in {render_duration(wait_s)}")
        try:
            ended = _wait(worker, wait_s)
        except KeyboardInterrupt:
            return replace(report, outcome=Outcome.STOPPED, message=INTERRUPTED), True
        if ended:
            return replace(report, outcome=ended, message=OUTCOMES[ended].words), False
        meter.other_s += wait_s
        words = render_continuation()
        if first.words:  # what it was to mend it may not even have heard
            words += f"\n{first.words}"
        request = hand_on(first, report, words, left)


def _wait(worker: Worker, seconds: float) -> Outcome | None:
    """Let time pass; why the attempt must end, if it must."""
    while seconds > 0:
        if ended := worker.watch():
            return ended
        worker.project.pause(min(_LOOK_S, seconds))
        seconds -= _LOOK_S
    return None


def _run_agent(worker: Worker, request: AgentRequest, meter: Meter) -> tuple[AgentReport, bool]:
    def show(progress: Progress) -> None:
        turns = progress.turns + (meter.usage.turns or 0)
        cost = None if progress.cost_usd is None else progress.cost_usd + (meter.usage.cost_usd or 0)
        worker.log.say("agent", progress.text, turns, cost)

    try:
        return worker.agent.run(request, show, worker.watch), False
    except KeyboardInterrupt:
        return AgentReport(Outcome.STOPPED, INTERRUPTED, Usage(), session=request.session), True
