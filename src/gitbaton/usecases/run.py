"""``baton run``: claim the next ready task, carry it out, publish what came of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.briefing import render_briefing
from gitbaton.domain.durations import render_duration
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.state import Holder
from gitbaton.domain.verdict import Verdict
from gitbaton.errors import BatonError, Refusal, explain_os_error
from gitbaton.store import workplace
from gitbaton.store.repository import require_config
from gitbaton.store.workplace import allow_environment
from gitbaton.usecases.attempt import carry_out, explain_breakdown
from gitbaton.usecases.attempt_log import AttemptLog, log_path
from gitbaton.usecases.choosing import Choice, choose_next, name_local_tasks
from gitbaton.usecases.claim import Claim, claim_task, lease_for
from gitbaton.usecases.contest import withdraw_if_arrived
from gitbaton.usecases.material import gather_material, read_surroundings
from gitbaton.usecases.project import Project, find_entry, load_view
from gitbaton.usecases.publish import Published, publish, record_failure
from gitbaton.usecases.salvage import keep_unfinished
from gitbaton.usecases.self_merge import merge_by_itself
from gitbaton.usecases.sync import reconcile
from gitbaton.usecases.transitions import read_tip
from gitbaton.usecases.watch import POLL_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.domain.board import Entry
    from gitbaton.store.live import Tip
    from gitbaton.usecases.attempt_log import RunEvent
from gitbaton.usecases.material import Settings, Surroundings

#: Statuses in which an attempt leaves its own work, published.
_PUBLISHED = ("in_review", "failed", "needs_input")


class Ran(NamedTuple):
    """What one run came to. ``published`` is None when the attempt could not begin."""

    claim: Claim
    verdict: Verdict
    tip: Tip
    published: Published | None
    interrupted: bool = False

    @property
    def good(self) -> bool:
        """Whether the work went to review."""
        return OUTCOMES[self.verdict.outcome].good


class Preview(NamedTuple):
    """What a run would do."""

    entry: Entry
    settings: Settings
    briefing: str
    reason: str


def run_task(
    project: Project,
    wanted: str | None,
    on_event: Callable[[RunEvent], None],
    *,
    on_claim: Callable[[Claim], None] = lambda _: None,
    agent_name: str | None = None,
    accept: Callable[[Entry], bool] = lambda _: True,
    host: str | None = None,
    watch_url: str | None = None,
    poll_s: float = POLL_S,
    keep_workplace: bool = False,
) -> Ran | Choice:
    """One whole run: reconcile, choose, claim, carry out, publish. Returns a ``Choice`` without entry when
    nothing is ready. Raises ``Refusal`` when ``wanted`` can't be claimed, ``LeaseLost`` when somebody took
    the claim over meanwhile. What stands against one task alone names it in ``data``.
    """
    reconcile(project)
    project = project.reread()
    require_config(project.repo)

    def read_around(entry: Entry) -> Surroundings:
        return read_surroundings(
            project, entry.row.path, project.repo.base.commit or "", agent_name=agent_name
        )

    def check(entry: Entry) -> None:  # a missing program or key must not cost the task an attempt
        try:
            check_agent(project, read_around(entry))
        except Refusal as error:
            error.data["task"] = entry.row.id
            raise

    holder_name = agent_name or project.repo.config.agent or "agent"
    claimed = claim_task(
        project,
        wanted,
        holder=Holder(name=holder_name, kind="agent", host=host),
        lease_s=lambda entry: lease_for(project, read_around(entry).task.run),
        check=check,
        accept=accept,
        watch_url=watch_url,
    )
    if isinstance(claimed, Choice):
        return name_local_tasks(project, claimed)
    on_claim(claimed)
    return run_claimed(
        project,
        claimed,
        on_event,
        agent_name=agent_name,
        poll_s=poll_s,
        keep_workplace=keep_workplace,
    )


def check_agent(project: Project, around: Surroundings) -> None:
    """Raises ``Refusal`` when the agent of a task can't run here: its program or key is missing."""
    settings = around.settings
    env = allow_environment(project.environment, (*settings.secrets, *settings.env_names))
    project.open_agent(settings.agent_name, settings.agent).check(env)


def run_claimed(
    project: Project,
    claim: Claim,
    on_event: Callable[[RunEvent], None],
    *,
    agent_name: str | None = None,
    poll_s: float = POLL_S,
    keep_workplace: bool = False,
) -> Ran:
    """Carry out a claim that is ours. Every way out leaves a state that says what happened."""
    row, state = claim.entry.row, claim.tip.state
    has_begun = False

    def follow(event: RunEvent) -> None:
        nonlocal has_begun
        has_begun = has_begun or event.kind == "agent"
        on_event(event)

    log = AttemptLog(project, log_path(project, row.id, state.attempt, claim.run), follow)
    root = find_root(project, claim)
    try:
        log.say("claim", f"{row.id}: {row.title} (attempt {state.attempt}; {claim.reason})")
        project = project.reread()
        done = carry_out(project, claim, log, agent_name=agent_name, poll_s=poll_s)
        log.say("end", f"{done.verdict.outcome.value.replace('_', ' ')}: {done.verdict.message}")
        published = merge_by_itself(project, done, publish(project, done, log), log)
    except BaseException as error:
        problem = explain_os_error(error) or error
        if isinstance(error, KeyboardInterrupt) and not has_begun:
            withdraw_if_arrived(project, row.id, claim.run)
        elif not record_breakdown(project, claim, log, problem, root):
            keep_workplace = True
            _name_folder(problem, root)
        if problem is error:
            raise
        raise problem from error
    else:
        return Ran(claim, published.verdict, published.tip, published, done.interrupted)
    finally:
        if keep_workplace:
            workplace.keep_workplace(root)
        else:
            workplace.remove_workplace(project.repo, root)


def find_root(project: Project, claim: Claim) -> Path:
    """Where the workplace of an attempt stands."""
    return project.cache / f"{claim.entry.row.id}-{claim.tip.state.attempt}-{claim.run}"


def record_breakdown(
    project: Project, claim: Claim, log: AttemptLog, problem: BaseException, root: Path
) -> bool:
    """Keep what the attempt left, and let the state say that it broke off, unless the state tells of something else
    by now: it was published, or somebody stopped it or took it over. Where that can't be done, the lease ends the
    claim: what went wrong first is what the person must hear. False when the work stands in the workplace alone.
    """
    task = claim.entry.row.id
    is_kept = isinstance(problem, BatonError) and bool(problem.data.get("kept"))
    kept, is_safe = None, True
    try:
        tip = read_tip(project, task)
    except (BatonError, OSError):
        return is_kept
    status = tip.state.status if tip and tip.state.run == claim.run else None
    if not is_kept and status not in _PUBLISHED:
        try:
            kept = keep_unfinished(project, claim, root)
        except (BatonError, OSError):
            is_safe = not (root / "work").is_dir()  # an agent may have deleted it all
    if status != "in_progress":
        return is_safe
    with contextlib.suppress(BatonError, OSError):
        verdict = explain_breakdown(problem)
        if isinstance(problem, KeyboardInterrupt):
            verdict = Verdict(Outcome.STOPPED, "interrupted while its end was being recorded", verified=False)
        if kept:
            verdict = verdict._replace(message=f"{verdict.message}; the work is kept as {kept} where it ran")
        record_failure(project, claim, verdict)
        log.say("end", f"{verdict.outcome.value}: {verdict.message}")
        if isinstance(problem, BatonError) and not is_kept:
            problem.message = f"{task} could not be run: {problem.message}"
    return is_safe


def _name_folder(problem: BaseException, root: Path) -> None:
    if isinstance(problem, BatonError) and root.exists():
        problem.message += f"; what the agent left is kept in {root / 'work'}"
        problem.args = (problem.message,)
        problem.data["kept"] = str(root)


def preview_run(
    project: Project,
    wanted: str | None,
    *,
    agent_name: str | None = None,
    accept: Callable[[Entry], bool] = lambda _: True,
) -> Preview | Choice:
    """What ``run`` would do now, without a claim."""
    project = project.fetched()
    require_config(project.repo)
    view = load_view(project, local=False)
    if wanted:
        entry = find_entry(view, wanted)
        reason = entry.why
    else:
        choice = choose_next(view, accept=accept)
        if choice.entry is None:
            return name_local_tasks(project, choice)
        entry, reason = choice.entry, choice.reason
    commit = project.repo.base.commit or ""
    around = read_surroundings(project, entry.row.path, commit, agent_name=agent_name)
    tip = view.tips.states.get(entry.row.id)
    state = tip.state if tip else None
    number = (state.attempt if state else 0) + 1
    work = project.refs.fetch_branch(state.branch) if state and state.branch and state.head else None
    material = gather_material(project, around, state, commit=commit, work=work, attempt=number)
    return Preview(entry, around.settings, render_briefing(material), reason)


def describe_settings(settings: Settings) -> list[str]:
    """How an attempt would run, line by line."""
    limits = settings.limits
    lines = [
        f"agent: {settings.agent_name} ({settings.agent.adapter})",
        f"time limit: {render_duration(limits.timeout_s)}",
    ]
    if settings.model:
        lines.append(f"model: {settings.model}")
    if limits.turns_max:
        lines.append(f"turn limit: {limits.turns_max}")
    if limits.budget_usd:
        lines.append(f"money limit: ${limits.budget_usd:.2f}")
    lines.append(
        "checks: "
        + (", ".join(f"{c.name} ({c.run})" for c in settings.checks) or "none: the result will be unverified")
    )
    if settings.policy.peer_review.value:
        lines.append("peer review: a second agent looks before a person is asked")
    if settings.policy.auto_merge.value:
        lines.append("merge: without asking, if everything passes")
    return lines
