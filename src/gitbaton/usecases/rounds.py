"""The rounds of one attempt: the agent works, guards and checks look at what it left, and what it can mend goes
back to it, in the same session and folder, until it is well, nothing changes any more, or a bound is reached.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.conflicts import find_unresolved
from gitbaton.domain.feedback import render_clarifications, render_feedback
from gitbaton.domain.guards import judge_change, redact
from gitbaton.domain.outbox import QUESTION_MAX
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.peerreview import list_musts, render_review_feedback
from gitbaton.domain.verdict import DOCUMENT_TYPES, Evidence, Verdict, judge_attempt, say_unresolved
from gitbaton.domain.wording import clean_text, cut_text, shorten_to_line
from gitbaton.store.capture import capture_tree, list_changes
from gitbaton.store.git import find_merge_base
from gitbaton.store.outbox import read_outbox
from gitbaton.usecases.checks import check_result, run_checks
from gitbaton.usecases.peer_review import is_wanted, review_round
from gitbaton.usecases.worker import INTERRUPTED, Meter, Worker, hand_on, run_patiently

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.guards import ChangedFile, Finding
    from gitbaton.domain.handoff import CheckResult, PeerReview
    from gitbaton.domain.outbox import Collected
    from gitbaton.ports import Agent, AgentReport, AgentRequest
    from gitbaton.store.workplace import Workplace
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.joining import Joined
    from gitbaton.usecases.material import Surroundings
    from gitbaton.usecases.news import News
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.watch import Watch

_SAID_MAX = 5  # so many rounds more, because people said something


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
    def worker(self) -> Worker:
        """The agent, and who follows it."""
        return Worker(self.project, self.agent, self.log, self.watch)

    @property
    def start(self) -> str:
        """The commit it began at."""
        return self.joined.start


class Round(NamedTuple):
    """What one round came to. ``tree`` is what the agent left, an object of the workplace's own git dir;
    ``unresolved`` are files in which conflict markers are left; ``peer`` is what a second agent says about it.
    """

    report: AgentReport
    collected: Collected
    tree: str
    changes: list[ChangedFile]
    checks: tuple[CheckResult, ...]
    verdict: Verdict
    interrupted: bool
    unresolved: tuple[str, ...] = ()
    peer: PeerReview | None = None

    @property
    def state_of_work(self) -> tuple[object, ...]:
        """The same for two rounds between which nothing has come on."""
        said = "" if self.peer else self.verdict.message  # a reviewer may word the same anew
        return (self.tree, self.verdict.outcome, said, repr(self.collected.result))


def work_in_rounds(bench: Bench, request: AgentRequest) -> tuple[Round, tuple[str, ...]]:
    """The last round, with the use of all of them, and what was handed back before it."""
    meter, first = Meter(request.limits), request
    handed_back: list[str] = []
    before: Round | None = None
    while True:
        seen = _go_round(bench, request, meter, before)
        if is_wanted(bench, seen):
            seen = review_round(bench, seen, before, meter)
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
        request = hand_on(first, seen.report, text, left, len(handed_back) + 1)
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
    wants_more = bool(list_musts(seen.peer))
    if (OUTCOMES[outcome].mendable or wants_more) and len(handed_back) < most:
        number = len(handed_back) + 1
        if wants_more and (before is None or before.tree != seen.tree):
            assert seen.peer is not None, "somebody wants more"
            reasons.append(f"peer review: {shorten_to_line(_name_musts(seen.peer), 500)}")
            texts.append(render_review_feedback(seen.peer, number=number, most=most))
        elif not wants_more and (news or before is None or seen.state_of_work != before.state_of_work):
            reasons.append(f"{outcome.value.replace('_', ' ')}: {shorten_to_line(seen.verdict.message, 500)}")
            texts.append(render_feedback(seen.verdict, seen.checks, number=number, most=most))
        else:
            bench.log.say("agent", "nothing has changed since, so it is not handed back again")
    return Words("; ".join(reasons), "\n".join(texts)) if texts else None


def _name_musts(review: PeerReview) -> str:
    return "; ".join(f"{f.place}: {f.what}" for f in list_musts(review))


# -- one round ---------------------------------------------------------------------------------------------


def _go_round(bench: Bench, request: AgentRequest, meter: Meter, before: Round | None) -> Round:
    """Let the agent work, and judge what stands in its folder."""
    project, log, around, place = bench.project, bench.log, bench.around, bench.place
    report, interrupted = run_patiently(bench.worker, request, meter)
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
            checks = run_checks(project, around, place, bench.check_env, log, bench.watch)
        except KeyboardInterrupt:  # what the agent did is a checkpoint all the same
            report, interrupted = replace(report, outcome=Outcome.STOPPED, message=INTERRUPTED), True
        meter.other_s += sum(check.seconds or 0 for check in checks)
        if ended := bench.watch():
            report = replace(report, outcome=ended, message=OUTCOMES[ended].words)
    seen = _gather_evidence(bench, report, collected, findings, checks, changes)
    verdict = judge_attempt(seen._replace(unresolved=unresolved))
    # It may quote names of files, which an agent chooses.
    verdict = verdict._replace(message=redact(clean_text(verdict.message), bench.secrets))
    return Round(report, collected, captured.tree, changes, checks, verdict, interrupted, unresolved)


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
        documents_allowed=task.type in DOCUMENT_TYPES, revise=_find_revision(collected),
    )  # fmt: skip


def _find_revision(collected: Collected) -> str | None:
    """What an agent says is to be revised: its first word on what is left, in a line."""
    said = collected.handoff
    words = next((w for w in (*said.remaining, *said.blockers, said.guidance, *said.next_steps) if w), None)
    return shorten_to_line(words, 300) if words else None


def _differs_from_base(project: Project, base: str, start: str) -> bool:
    """Whether the branch changes anything besides gitbaton's own files."""
    fork = find_merge_base(project.repo.git, base, start) or base  # none in a shallow clone
    names = project.repo.git.call("diff-tree", "-r", "-z", "--name-only", fork, start).split(b"\0")
    return any(n and not n.startswith(b"tasks/") for n in names)
