"""``baton run``: claim the next ready task, carry it out, publish what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.briefing import render_briefing
from gitbaton.domain.durations import render_duration
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.state import Holder
from gitbaton.errors import BatonError
from gitbaton.store.repository import require_config
from gitbaton.store.workplace import allow_environment, remove_workplace
from gitbaton.usecases.attempt import POLL_S, AttemptLog, carry_out, explain_breakdown, log_path
from gitbaton.usecases.choosing import Choice, choose_next
from gitbaton.usecases.claim import Claim, claim_task, lease_for
from gitbaton.usecases.material import gather_material, read_surroundings
from gitbaton.usecases.project import Project, find_entry, load_view
from gitbaton.usecases.publish import Published, publish, record_failure
from gitbaton.usecases.sync import reconcile
from gitbaton.usecases.transitions import LeaseLost, read_tip

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.board import Entry
    from gitbaton.domain.verdict import Verdict
    from gitbaton.store.live import Tip
    from gitbaton.usecases.attempt import RunEvent
    from gitbaton.usecases.material import Settings, Surroundings


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
    agent_name: str | None = None,
    accept: Callable[[Entry], bool] = lambda _: True,
    host: str | None = None,
    watch_url: str | None = None,
    poll_s: float = POLL_S,
    keep_workplace: bool = False,
) -> Ran | Choice:
    """One whole run: reconcile, choose, claim, carry out, publish. Returns a ``Choice`` without entry when
    nothing is ready. Raises ``Refusal`` when ``wanted`` can't be claimed, ``LeaseLost`` when somebody took
    the claim over meanwhile.
    """
    reconcile(project)
    project = project.reread()
    require_config(project.repo)

    def read_around(entry: Entry) -> Surroundings:
        return read_surroundings(
            project, entry.row.path, project.repo.base.commit or "", agent_name=agent_name
        )

    def check(entry: Entry) -> None:  # a missing program or key must not cost the task an attempt
        settings = read_around(entry).settings
        allowed = (*settings.secrets, *settings.env_names)
        env = allow_environment(project.environment, allowed)
        project.open_agent(settings.agent_name, settings.agent).check(env)

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
        return claimed
    return run_claimed(
        project,
        claimed,
        on_event,
        agent_name=agent_name,
        poll_s=poll_s,
        keep_workplace=keep_workplace,
    )


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
    log = AttemptLog(project, log_path(project, row.id, state.attempt, claim.run), on_event)
    root = project.cache / f"{row.id}-{state.attempt}-{claim.run}"
    try:
        log.say("claim", f"{row.id}: {row.title} (attempt {state.attempt}; {claim.reason})")
        project = project.reread()
        done = carry_out(project, claim, log, agent_name=agent_name, poll_s=poll_s)
        log.say("end", f"{done.verdict.outcome.value.replace('_', ' ')}: {done.verdict.message}")
        published = publish(project, done, log)
    except LeaseLost:
        raise
    except BaseException as error:
        ours = read_tip(project, row.id)
        if ours is None or ours.state.run != claim.run or ours.state.status != "in_progress":
            raise
        verdict = explain_breakdown(error)
        record_failure(project, claim, verdict)
        log.say("end", f"{verdict.outcome.value}: {verdict.message}")
        if isinstance(error, BatonError) and not error.data.get("kept"):
            error.message = f"{row.id} could not be run: {error.message}"
        raise
    else:
        return Ran(claim, published.verdict, published.tip, published, done.interrupted)
    finally:
        if not keep_workplace:
            remove_workplace(project.repo, root)


def preview_run(project: Project, wanted: str | None, *, agent_name: str | None = None) -> Preview | Choice:
    """What ``run`` would do now, without a claim."""
    project = project.fetched()
    require_config(project.repo)
    view = load_view(project, local=False)
    if wanted:
        entry = find_entry(view, wanted)
        reason = entry.why
    else:
        choice = choose_next(view)
        if choice.entry is None:
            return choice
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
    return lines
