"""Having work reviewed by a second agent, within an attempt, after its checks passed and before a person is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gitbaton.domain.handoff import PeerReview
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.peerreview import (
    ROLE,
    SCHEMA,
    File,
    Work,
    judge_review,
    list_musts,
    read_review,
    render_peer_briefing,
    say_verdict,
)
from gitbaton.domain.usage import Usage, add_usage
from gitbaton.domain.verdict import Verdict
from gitbaton.domain.wording import shorten_to_line
from gitbaton.errors import BatonError
from gitbaton.store.capture import bring_home, own_git
from gitbaton.store.git import Commit, commit_tree, find_merge_base
from gitbaton.store.history import list_changes
from gitbaton.store.roles import find_role
from gitbaton.usecases.commission import Commission, carry_out_commission
from gitbaton.usecases.worker import INTERRUPTED, Meter

if TYPE_CHECKING:
    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.rounds import Bench, Round

#: Problems with a review are handed back to its author so often.
_ROUNDS = 2
#: What the reviewer's own log says that is of interest in the attempt's.
_SHOWN = ("agent", "guard")


def is_wanted(bench: Bench, seen: Round) -> bool:
    """Whether a second agent is to look at what a round came to."""
    wanted = bench.around.settings.policy.peer_review.value
    return wanted and seen.verdict.outcome is Outcome.SUCCEEDED and not seen.interrupted


def review_round(bench: Bench, seen: Round, before: Round | None, meter: Meter) -> Round:
    """``seen`` with the review of a second agent, whose use is added to the attempt's. Work that it has seen already is
    not shown to it again. A review that doesn't come about is no failure of the work: a person is told so.
    """
    last = before.peer if before else None
    if before is not None and last is not None and last.verdict and before.tree == seen.tree:
        return _conclude(seen, last)
    name = bench.project.repo.config.routing.reviewer or bench.around.settings.agent_name
    left = meter.find_left()
    if left is None:
        return _give_up(bench, seen, name, "too little time, turns or money was left")
    bench.log.say("peer", f"{name} reviews the work, as {ROLE}")
    used = meter.usage

    def follow(event: RunEvent) -> None:
        if event.kind in _SHOWN:
            cost = None if event.cost_usd is None else event.cost_usd + (used.cost_usd or 0)
            bench.log.say("peer", event.text, event.turns + (used.turns or 0) if event.turns else 0, cost)

    try:
        commission = _commission(bench, seen, last, name)
        done = carry_out_commission(
            bench.project, replace(commission, limits=left, watch=bench.watch), follow
        )
    except KeyboardInterrupt:
        stopped = Verdict(Outcome.STOPPED, INTERRUPTED, verified=False)
        report = replace(seen.report, outcome=Outcome.STOPPED, message=INTERRUPTED)
        return seen._replace(report=report, verdict=stopped, interrupted=True)
    except BatonError as error:
        meter.usage = add_usage(meter.usage, Usage.model_validate(error.data.get("usage") or {}))
        if ended := bench.watch():
            return _end(seen, ended)
        listed = error.data.get("complaints")
        complaints = "; ".join(map(str, listed)) if isinstance(listed, list) else ""
        said = shorten_to_line(f"{error.message}: {complaints}" if complaints else error.message, 500)
        return _give_up(bench, seen, name, said)
    meter.usage = add_usage(meter.usage, done.usage)
    review = read_review(done.result, agent=name, reviews=((last.reviews if last else None) or 0) + 1)
    _say(bench, review)
    if ended := bench.watch():
        return _end(seen, ended)
    return _conclude(seen, review)


def _commission(bench: Bench, seen: Round, last: PeerReview | None, name: str) -> Commission:
    project, task_id = bench.project, bench.claim.entry.row.id
    git, author = own_git(bench.place), bench.around.settings.author
    commit = commit_tree(
        git, seen.tree, bench.joined.parents, f"Work on {task_id}, to be reviewed", author=Commit(author.name, author.email)
    )  # fmt: skip
    bring_home(project.repo, bench.place, commit)
    fork = find_merge_base(project.repo.git, bench.claim.base, commit) or bench.claim.base
    changes = list_changes(project.repo, fork, commit)
    files = [
        File(c.path, c.kind, c.added, c.removed, c.patch) for c in changes if not c.path.startswith("tasks/")
    ]
    work = Work(task_id, bench.around.task, files, seen.checks, seen.collected.handoff, last)
    role = find_role(project.repo, bench.claim.base, ROLE)
    return Commission(
        name=f"review {task_id}", briefing=render_peer_briefing(work, role), schema=SCHEMA, judge=judge_review, role=role,
        commit=commit, agent_name=name, rounds=_ROUNDS,
    )  # fmt: skip


def _say(bench: Bench, review: PeerReview) -> None:
    musts = list_musts(review)
    head = "accepted" if not musts else f"{len(musts)} thing{'s' if len(musts) != 1 else ''} must be mended"
    bench.log.say("peer", f"{head}: {shorten_to_line(review.summary or '', 300)}")
    for finding in review.findings:
        bench.log.say("peer", f"  {finding.weight}: {finding.place}: {shorten_to_line(finding.what, 300)}")


def _conclude(seen: Round, review: PeerReview) -> Round:
    message = f"{seen.verdict.message}; {say_verdict(review)}"
    return seen._replace(peer=review, verdict=seen.verdict._replace(message=message))


def _give_up(bench: Bench, seen: Round, name: str, why: str) -> Round:
    bench.log.say("peer", f"no review: {why}")
    return _conclude(seen, PeerReview(agent=name, error=why))


def _end(seen: Round, ended: Outcome) -> Round:
    """Somebody stopped the attempt, or took it over, while the work was reviewed."""
    words = OUTCOMES[ended].words
    report = replace(seen.report, outcome=ended, message=words)
    return seen._replace(report=report, verdict=Verdict(ended, words, verified=False))
