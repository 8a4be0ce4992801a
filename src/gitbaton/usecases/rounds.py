"""The rounds of one attempt: the agent works, guards and checks look at what it left, and what it can mend goes
back to it, in the same session and folder, until it is well, nothing changes any more, or a bound is reached.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.backoff import PAUSE_MAX_S, PAUSE_S, draw_backoff
from gitbaton.domain.conflicts import find_unresolved
from gitbaton.domain.durations import render_duration
from gitbaton.domain.feedback import render_clarifications, render_continuation, render_feedback
from gitbaton.domain.guards import judge_change, redact
from gitbaton.domain.outbox import QUESTION_MAX
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.usage import Usage, add_usage
from gitbaton.domain.verdict import DOCUMENT_TYPES, Evidence, Verdict, judge_attempt, say_unresolved
from gitbaton.domain.wording import clean_text, cut_text, shorten_to_line
from gitbaton.ports import AgentReport, AgentRequest, Limits, Progress
from gitbaton.store.capture import capture_tree, list_changes
from gitbaton.store.git import find_merge_base
from gitbaton.store.outbox import read_outbox
from gitbaton.usecases.checks import check_result, run_checks
from gitbaton.usecases.transitions import draw_chance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.guards import ChangedFile, Finding
    from gitbaton.domain.handoff import CheckResult
    from gitbaton.domain.outbox import Collected
    from gitbaton.ports import Agent
    from gitbaton.store.workplace import Workplace
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.joining import Joined
    from gitbaton.usecases.material import Surroundings
    from gitbaton.usecases.news import News
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.watch import Watch

INTERRUPTED = "interrupted at the keyboard"
#: Ends that are waited out within the attempt.
_WAITED_OUT = (Outcome.RATE_LIMITED, Outcome.OVERLOADED)
#: With less time than this, and less than this share of the limit, another round would only be cut off.
_ROUND_MIN_S, _ROUND_SHARE = 20.0, 0.1
_SAID_MAX = 5  # so many rounds more, because people said something
_LOOK_S = 1.0  # how often a waiting attempt asks whether it is still wanted


@dataclass(frozen=True, slots=True)
class Bench:
    """What all rounds of an attempt share. ``joined`` is where it began; ``check_env`` the environment of
    checks; ``secrets`` are what must not appear in anything that is kept, by name.
    """

    project: Project
    claim: Claim
    around: Surroundings
    place: Workplace
    joined: Joined
    log: AttemptLog
    agent: Agent
    watch: Watch
    news: News
    check_env: dict[str, str]
    secrets: dict[str, str]

    @property
    def start(self) -> str:
        """The commit it began at."""
        return self.joined.start


class Round(NamedTuple):
    """What one round came to. ``tree`` is what the agent left, an object of the workplace's own git dir;
    ``unresolved`` are files in which conflict markers are left.
    """

    report: AgentReport
    collected: Collected
    tree: str
    changes: list[ChangedFile]
    checks: tuple[CheckResult, ...]
    verdict: Verdict
    interrupted: bool
    unresolved: tuple[str, ...] = ()

    @property
    def state_of_work(self) -> tuple[object, ...]:
        """The same for two rounds between which nothing has come on."""
        return (self.tree, self.verdict.outcome, self.verdict.message, repr(self.collected.result))


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


def work_in_rounds(bench: Bench, request: AgentRequest) -> tuple[Round, tuple[str, ...]]:
    """The last round, with the use of all of them, and what was handed back before it."""
    meter, first = Meter(request.limits), request
    handed_back: list[str] = []
    before: Round | None = None
    while True:
        seen = _go_round(bench, request, meter, before)
        words = _find_words(bench, seen, before, handed_back)
        if not words:
            break
        left = meter.find_left()
        if left is None:
            bench.log.say("agent", "it is not handed back: too little time, turns or money is left")
            break
        handed_back.append(words.reason)
        bench.log.say("agent", f"handed back: {words.reason}")
        text = redact(words.text, bench.secrets)
        request = _hand_on(first, seen.report, text, left, len(handed_back) + 1)
        before = seen
    return seen._replace(report=replace(seen.report, usage=meter.usage)), tuple(handed_back)


class Words(NamedTuple):
    """What an agent is told that goes on, and the reason in a line."""

    reason: str
    text: str


def _find_words(bench: Bench, seen: Round, before: Round | None, handed_back: Sequence[str]) -> Words | None:
    """What the agent is to hear after a round: what is wrong with the work, as far as it can mend that, and what
    people said that it has not heard yet.
    """
    outcome, most = seen.verdict.outcome, bench.project.repo.config.retries.fix_rounds
    if (
        seen.interrupted
        or seen.report.outcome is not Outcome.SUCCEEDED
        or len(handed_back) >= most + _SAID_MAX
    ):
        return None
    reasons, texts = [], []
    if news := bench.news.take() if OUTCOMES[outcome].good or OUTCOMES[outcome].mendable else ():
        reasons.append("a person said more")
        texts.append(render_clarifications(news))
    if OUTCOMES[outcome].mendable and len(handed_back) < most:
        if news or before is None or seen.state_of_work != before.state_of_work:
            reasons.append(f"{outcome.value.replace('_', ' ')}: {shorten_to_line(seen.verdict.message, 500)}")
            number = len(handed_back) + 1
            texts.append(render_feedback(seen.verdict, seen.checks, number=number, most=most))
        else:
            bench.log.say("agent", "nothing has changed since, so it is not handed back again")
    return Words("; ".join(reasons), "\n".join(texts)) if texts else None


def _hand_on(
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


# -- one round ---------------------------------------------------------------------------------------------


def _go_round(bench: Bench, request: AgentRequest, meter: Meter, before: Round | None) -> Round:
    """Let the agent work, and judge what stands in its folder."""
    project, log, around, place = bench.project, bench.log, bench.around, bench.place
    report, interrupted = _run_patiently(bench, request, meter)
    said = {**(before.report.handoff if before else {}), **report.handoff}
    report = replace(report, message=redact(report.message, bench.secrets), handoff=said)
    collected = read_outbox(place.outbox, report.handoff, report.result, bench.secrets)
    if report.outcome is Outcome.NEEDS_INPUT and collected.question is None:
        asked = "\n".join(collected.handoff.questions) or report.message
        collected = collected._replace(question=cut_text(asked, QUESTION_MAX))
    for complaint in collected.complaints:
        log.say("guard", complaint)
    guards = project.repo.config.guards
    captured = capture_tree(place, bench.start)
    changes = list_changes(
        place, bench.start, captured, file_max=guards.max_file_bytes, total_max=guards.max_total_bytes
    )
    findings = judge_change(changes, paths=around.task.paths, guards=guards, secrets=bench.secrets)
    for finding in findings:
        log.say("guard", finding.message)
    unresolved = find_unresolved(bench.joined.conflicts, changes, bench.joined.sides)
    if unresolved:
        log.say("guard", say_unresolved(unresolved))
    checks: tuple[CheckResult, ...] = ()
    if report.outcome is Outcome.SUCCEEDED and not findings and collected.question is None and not unresolved:
        try:
            checks = run_checks(project, around, place, bench.check_env, log)
        except KeyboardInterrupt:  # what the agent did is a checkpoint all the same
            report, interrupted = replace(report, outcome=Outcome.STOPPED, message=INTERRUPTED), True
        meter.other_s += sum(check.seconds or 0 for check in checks)
        if ended := bench.watch():  # checks can take long
            report = replace(report, outcome=ended, message=OUTCOMES[ended].words)
    seen = _gather_evidence(bench, report, collected, findings, checks, changes)
    verdict = judge_attempt(seen._replace(unresolved=unresolved))
    # It may quote names of files, which an agent chooses.
    verdict = verdict._replace(message=redact(clean_text(verdict.message), bench.secrets))
    return Round(report, collected, captured.tree, changes, checks, verdict, interrupted, unresolved)


def _run_patiently(bench: Bench, request: AgentRequest, meter: Meter) -> tuple[AgentReport, bool]:
    """Run the agent, and go on with it after a service that was busy or unreachable, as often as it may. The
    report, and whether somebody pressed Ctrl-C.
    """
    first, failures = request, 0
    while True:
        report, interrupted = _run_agent(bench, request, meter)
        meter.usage = add_usage(meter.usage, report.usage)
        if interrupted or report.outcome not in _WAITED_OUT:
            return report, interrupted
        failures += 1
        wait_s = draw_backoff(
            failures, PAUSE_S, PAUSE_MAX_S, chance=draw_chance(bench.project), retry_after_s=report.retry_after_s
        )  # fmt: skip
        left = meter.find_left(wait_s)
        if failures > bench.project.repo.config.retries.resumes or left is None:
            return report, False
        bench.log.say("agent", f"{OUTCOMES[report.outcome].words}; goes on in {render_duration(wait_s)}")
        try:
            ended = _wait(bench, wait_s)
        except KeyboardInterrupt:
            return replace(report, outcome=Outcome.STOPPED, message=INTERRUPTED), True
        if ended:
            return replace(report, outcome=ended, message=OUTCOMES[ended].words), False
        meter.other_s += wait_s
        words = render_continuation()
        if first.words:  # what it was to mend it may not even have heard
            words += f"\n{first.words}"
        request = _hand_on(first, report, words, left)


def _wait(bench: Bench, seconds: float) -> Outcome | None:
    """Let time pass; why the attempt must end, if it must."""
    while seconds > 0:
        if ended := bench.watch():
            return ended
        bench.project.pause(min(_LOOK_S, seconds))
        seconds -= _LOOK_S
    return None


def _run_agent(bench: Bench, request: AgentRequest, meter: Meter) -> tuple[AgentReport, bool]:
    def show(progress: Progress) -> None:
        turns = progress.turns + (meter.usage.turns or 0)
        cost = None if progress.cost_usd is None else progress.cost_usd + (meter.usage.cost_usd or 0)
        bench.log.say("agent", progress.text, turns, cost)

    try:
        return bench.agent.run(request, show, bench.watch), False
    except KeyboardInterrupt:
        return AgentReport(Outcome.STOPPED, INTERRUPTED, Usage(), session=request.session), True


# -- what was seen -----------------------------------------------------------------------------------------


def _gather_evidence(
    bench: Bench, report: AgentReport, collected: Collected, findings: list[Finding], checks: tuple[CheckResult, ...],
    changes: list[ChangedFile],
) -> Evidence:  # fmt: skip
    claim, task = bench.claim, bench.around.task
    errors = None
    if task.result_schema is not None:
        errors = (
            [collected.result_problem]
            if collected.result_problem
            else check_result(task.result_schema, collected.result)
        )
    # Work of earlier attempts counts, unless a reviewer asked for more.
    earlier = bench.start != claim.base and claim.tip.state.claimed_from != "changes_requested"
    changed = bool(changes) or (earlier and _differs_from_base(bench.project, claim.base, bench.start))
    return Evidence(
        ended=report.outcome, message=report.message, changed=changed, findings=findings,
        checks=checks, next_action=collected.handoff.next_action, question=collected.question,
        blocker=collected.handoff.blockers[0] if collected.handoff.blockers else None,
        has_handoff=bool(collected.handoff.summary), result_errors=errors,
        documents_allowed=task.type in DOCUMENT_TYPES,
    )  # fmt: skip


def _differs_from_base(project: Project, base: str, start: str) -> bool:
    """Whether the branch changes anything besides gitbaton's own files."""
    fork = find_merge_base(project.repo.git, base, start) or base  # none in a shallow clone
    names = project.repo.git.call("diff-tree", "-r", "-z", "--name-only", fork, start).split(b"\0")
    return any(n and not n.startswith(b"tasks/") for n in names)
