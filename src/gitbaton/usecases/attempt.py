"""One attempt at a claimed task: private clone → briefing → agent → guards → checks → verdict → publish.

Whatever happens, the work is kept: published on the task branch, or under a ref that the message names.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitbaton.domain.briefing import render_briefing
from gitbaton.domain.conflicts import render_conflicts
from gitbaton.domain.feedback import render_answer
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.verdict import Verdict
from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain
from gitbaton.ports import AgentReport, AgentRequest
from gitbaton.store.git import is_ancestor
from gitbaton.store.workplace import Workplace, build_environment, make_workplace
from gitbaton.usecases.joining import Joined, join_base
from gitbaton.usecases.material import (
    Surroundings,
    find_secrets,
    gather_material,
    own_server,
    read_instructions,
    read_surroundings,
)
from gitbaton.usecases.news import News
from gitbaton.usecases.rounds import Bench, work_in_rounds
from gitbaton.usecases.watch import POLL_S, Watch
from gitbaton.usecases.work import bring_head
from gitbaton.usecases.worker import write_briefing

if TYPE_CHECKING:
    from gitbaton.domain.guards import ChangedFile
    from gitbaton.domain.handoff import CheckResult, PeerReview
    from gitbaton.domain.outbox import Collected
    from gitbaton.domain.state import Attempt, State
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt that ended, before anything was published: the verdict and all that stands behind it.
    ``tree`` is what the agent left, an object of the workplace's own git dir; ``joined`` where it began,
    ``branch_tip`` the task branch on the remote then (None: none). ``handed_back`` is what the agent was given to
    mend on the way; ``heard`` the guidance that reached it; ``unresolved`` files in which conflict markers are left;
    ``peer`` what a second agent says about the work.
    """

    claim: Claim
    around: Surroundings
    place: Workplace
    joined: Joined
    branch_tip: str | None
    tree: str
    changes: list[ChangedFile]
    report: AgentReport
    collected: Collected
    checks: tuple[CheckResult, ...]
    verdict: Verdict
    secrets: dict[str, str]
    interrupted: bool
    handed_back: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    unresolved: tuple[str, ...] = ()
    peer: PeerReview | None = None


def carry_out(
    project: Project,
    claim: Claim,
    log: AttemptLog,
    *,
    agent_name: str | None = None,
    poll_s: float = POLL_S,
) -> Finished:
    """Run the agent on a claimed task and judge what it left. Publishes nothing. Raises ``Refusal`` when the
    attempt can't even begin (agent missing, a person's branch in the way); the caller records that.
    """
    around = read_surroundings(project, claim.entry.row.path, claim.base, agent_name=agent_name)
    settings = around.settings
    agent = project.open_agent(settings.agent_name, settings.agent)
    tip, branch_tip = find_start(project, claim)
    task_id, state = claim.entry.row.id, claim.tip.state
    joined = join_base(project, around, tip, claim.base, state.branch or task_id)
    start, conflicts = joined.start, [c.path for c in joined.conflicts]
    base = project.repo.base.branch
    if joined.why_not:
        log.say("prepare", f"{base} has moved on, and is not merged into the work: {joined.why_not}")
    elif joined.base:
        log.say(
            "prepare",
            f"merged {base} into the work"
            + (f"; to be resolved: {', '.join(conflicts)}" if conflicts else ""),
        )
    root = project.cache / f"{task_id}-{state.attempt}-{claim.run}"
    place = make_workplace(project.repo, root, start=start, branch=state.branch or task_id)
    author = (settings.author.name, settings.author.email)
    env = build_environment(project.environment, (*settings.secrets, *settings.env_names), place, author)
    material = gather_material(project, around, state, commit=claim.base, work=start, attempt=state.attempt)
    material = material._replace(merged=base if joined.base else None, conflicts=conflicts)
    briefing = render_briefing(material)
    briefing_path, notes = place.root / "briefing.md", place.root / "notes.md"
    marks = {
        "BATON_TASK": task_id,
        "BATON_ATTEMPT": str(state.attempt),
        "BATON_RUN": claim.run,
        "BATON_OUTBOX": str(place.outbox),
        "BATON_BRIEFING": str(briefing_path),
        "BATON_NOTES": str(notes),
        "BATON_ROUND": "1",
    }
    env.update(marks)
    log.say("prepare", f"private clone at {start[:10]}, briefing of {len(briefing.split())} words")
    if material.recovery:
        count = len(material.recovery.failures)
        why = (
            "its own author wants it revised"
            if material.recovery.is_asked_for
            else f"{count} attempts in a row failed"
        )
        log.say("prepare", f"recovery: {why}, so it looks for the cause first, as a troubleshooter")
    request = AgentRequest(
        task=task_id, attempt=state.attempt, run=claim.run, workplace=place.work, outbox=place.outbox, briefing=briefing,
        briefing_path=briefing_path, log_path=log.path, limits=settings.limits, env=env, model=settings.model,
        allowed_tools=settings.allowed_tools, mcp_servers={"baton": own_server(tuple(marks.items())), **settings.mcp_servers},
        instructions=read_instructions(project, claim.base), sessions=project.repo.common_dir / "baton" / "sessions" / task_id,
    )  # fmt: skip
    if asked := find_question(state):
        more = f"\n{render_conflicts(base, conflicts)}\n" if conflicts else ""
        new = [g for g in state.guidance if g not in asked.guidance]
        request = replace(request, session=asked.session, words=render_answer(new) + more)
    write_briefing(request, briefing)
    secrets = find_secrets(project, settings)
    check_env = build_environment(project.environment, settings.agent.env, place, author)
    news = News(notes)

    def hear(words: tuple[str, ...]) -> None:
        for text in words:
            log.say("agent", f"a person says: {text}")
        news.add(words)

    def tell_hold(reason: str) -> None:
        log.say("agent", f"on hold: {reason}; nobody starts it again until it is released")

    watch = Watch(project, claim, poll_s, hear, tell_hold)
    request = replace(request, take_news=news.take)
    bench = Bench(project, claim, around, place, joined, log, agent, watch, news, check_env, secrets)
    last, handed_back = work_in_rounds(bench, request)
    if last.verdict.outcome is not Outcome.NEEDS_INPUT and request.sessions:  # nobody will go on with it
        shutil.rmtree(request.sessions, ignore_errors=True)
    return Finished(
        claim=claim, around=around, place=place, joined=joined, branch_tip=branch_tip, tree=last.tree, changes=last.changes,
        report=last.report, collected=last.collected, checks=last.checks, verdict=last.verdict, secrets=secrets,
        interrupted=last.interrupted, handed_back=handed_back, heard=watch.heard, unresolved=last.unresolved, peer=last.peer,
    )  # fmt: skip


def find_question(state: State) -> Attempt | None:
    """The attempt before the present one, if that ended with a question and left a session to go on with."""
    if len(state.attempts) < 2 or state.fresh_since == state.attempt:
        return None
    last = state.attempts[-2]
    return last if last.outcome is Outcome.NEEDS_INPUT and last.session else None


def find_start(project: Project, claim: Claim) -> tuple[str, str | None]:
    """(commit the attempt begins at, tip of the task branch now). Earlier work goes on unless it was merged or
    set aside; a branch that is not ours is not touched: ``Refusal`` (``foreign-branch``).
    """
    state = claim.tip.state
    assert state.branch is not None, "a claim sets the branch"
    tip = project.refs.fetch_branch(state.branch)
    if tip is None:
        return (bring_head(project, state) if state.head else claim.base), None
    ours = {a.head for a in state.attempts if a.head}
    if state.head and (tip == state.head or _contains(project, tip, state.head)):
        return tip, tip
    if tip in ours or _contains(project, claim.base, tip):
        return claim.base, tip
    raise Refusal(
        f"the branch {state.branch} exists and holds work that is not gitbaton's", code="foreign-branch",
        hint=f"rename or delete that branch, then: baton retry {claim.entry.row.id}",
    )  # fmt: skip


def _contains(project: Project, commit: str, other: str) -> bool:
    return is_ancestor(project.repo.git, other, commit)


def explain_breakdown(error: BaseException) -> Verdict:
    """The verdict on an attempt that could not begin, or whose work could not be published."""
    if isinstance(error, LostRace):
        words = "somebody pushed to the task branch meanwhile: " + error.message
        return Verdict(Outcome.TAKEN_OVER, words, verified=False)
    if isinstance(error, TryAgain):
        return Verdict(Outcome.CRASHED, error.message, verified=False)
    if isinstance(error, BatonError):
        outcome = Outcome.AUTH if error.code in ("model-key-missing", "no-credentials") else Outcome.CRASHED
        return Verdict(outcome, error.message, verified=False)
    return Verdict(Outcome.CRASHED, f"gitbaton failed: {type(error).__name__}: {error}", verified=False)
