"""A commission: an agent is to write something and hand it in, without a claim.

It works as in an attempt: in a private clone, with nothing of ours in its environment but its own key, within the
same limits. What it changes in the clone is thrown away; what it hands in is read as untrusted, and what is wrong with
it goes back to the agent, a bounded number of times. Nothing is written anywhere but the log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.commission import (
    bound_problems,
    find_leaks,
    find_unseen,
    render_handing_in,
    render_problems,
)
from gitbaton.domain.guards import redact
from gitbaton.domain.ids import MARK, make_slug
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.task import Task, TaskRun
from gitbaton.domain.wording import clean_value, shorten_to_line
from gitbaton.errors import AttemptFailed, Refusal
from gitbaton.ports import AgentReport, AgentRequest, Limits
from gitbaton.store.outbox import empty_outbox, read_outbox, read_result
from gitbaton.store.repository import require_config
from gitbaton.store.workplace import (
    Workplace,
    allow_environment,
    build_environment,
    make_workplace,
    remove_workplace,
)
from gitbaton.usecases.attempt_log import AttemptLog
from gitbaton.usecases.checks import check_result
from gitbaton.usecases.material import Settings, find_secrets, own_server, read_instructions, settle
from gitbaton.usecases.project import Project, refuse_inside
from gitbaton.usecases.worker import Meter, Worker, hand_on, run_patiently, write_briefing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gitbaton.domain.role import Role
    from gitbaton.domain.usage import Usage
    from gitbaton.usecases.attempt_log import RunEvent

ROUNDS = 3
#: Ends after which what was handed in still counts: the agent was cut off, but not before it had handed it in.
_CUT_OFF = (
    Outcome.TIMEOUT, Outcome.IDLE, Outcome.TURNS, Outcome.BUDGET, Outcome.RATE_LIMITED, Outcome.OVERLOADED,
)  # fmt: skip
#: What a person does about it, where an attempt's own advice speaks of a task.
_HINTS = {
    Outcome.AUTH: "set a key that is valid, in the environment, and run the same command again",
    Outcome.RATE_LIMITED: "try again later",
    Outcome.OVERLOADED: "try again later",
    Outcome.TIMEOUT: "more time: baton config set timeouts.attempt 2h",
    Outcome.IDLE: "longer silence: baton config set timeouts.idle 30m",
    Outcome.TURNS: "more turns: baton config set run.max_turns 200",
    Outcome.BUDGET: "more money: baton config set run.budget_usd 5",
    Outcome.NEEDS_INPUT: "put the answer into what you ask for, and run the command again",
}


def _watch_nothing() -> Outcome | None:
    return None


@dataclass(frozen=True, slots=True)
class Commission:
    """Something that an agent is to write and hand in, without a claim. ``name`` is for the log and the progress line
    (``plan user-accounts``); ``briefing`` is whole, in Markdown: how to hand it in is added. ``schema`` is the JSON
    Schema (draft 2020-12) of what is handed in; ``judge`` gives the problems with a value that meets it (none: it is
    taken). ``commit`` is what the private clone shows; None: base, as fetched. ``rounds`` is how often problems are
    handed back before it is refused. ``limits`` are less than those of an attempt; ``watch`` tells why it must end, if it
    must.
    """

    name: str
    briefing: str
    schema: Mapping[str, Any]
    judge: Callable[[Any], Sequence[str]]
    role: Role | None = None
    commit: str | None = None
    agent_name: str | None = None
    model: str | None = None
    rounds: int = ROUNDS
    limits: Limits | None = None
    watch: Callable[[], Outcome | None] = _watch_nothing


class Commissioned(NamedTuple):
    """What was handed in and taken. ``rounds`` are the problems handed back on the way, a line for each round;
    ``usage`` is that of all rounds; ``log`` the path of the log.
    """

    result: Any
    usage: Usage
    rounds: tuple[str, ...]
    log: str


class _Bench(NamedTuple):
    """What all rounds share. ``secrets`` must not appear in anything that is kept."""

    commission: Commission
    settings: Settings
    worker: Worker
    place: Workplace
    secrets: Mapping[str, str]

    @property
    def has_tools(self) -> bool:
        return self.settings.agent.adapter == "claude"


class _Look(NamedTuple):
    """What one round came to: problems, or a result that can be taken. ``is_final``: going on would not help."""

    result: Any
    problems: list[str]
    is_final: bool


def carry_out_commission(
    project: Project,
    commission: Commission,
    on_progress: Callable[[RunEvent], None] = lambda _: None,
) -> Commissioned:
    """Let an agent write it. Raises ``AttemptFailed`` (``not-handed-in``; ``data`` has the ``complaints``, the
    ``outcome``, the ``usage`` and the ``log``), ``Refusal`` where it can't begin, ``KeyboardInterrupt`` on Ctrl-C. No
    process and no folder of it is left then.
    """
    refuse_inside(project, "let another agent write something")
    if commission.commit is None:
        project = project.fetched()
    commit = commission.commit or project.repo.base.commit
    if commit is None:
        raise Refusal(
            f"there is no commit on {project.repo.base.branch} yet",
            code="no-base",
            hint="commit something first",
        )
    require_config(project.repo)
    run = TaskRun(model=commission.model) if commission.model else None
    settings = settle(project.repo, Task(title="commission", run=run), commission.role, commission.agent_name)
    if commission.model and settings.agent.adapter == "command":
        raise Refusal(
            f"the agent {settings.agent_name} is a program that chooses its model itself",
            code="no-model",
            hint="leave --model out, or name an agent that is Claude Code: --agent NAME",
        )
    agent = project.open_agent(settings.agent_name, settings.agent)
    agent.check(allow_environment(project.environment, (*settings.secrets, *settings.env_names)))
    slug, run_id = make_slug(commission.name), project.random_id(16)
    moment = project.clock().strftime("%Y%m%dT%H%M%SZ")
    path = project.repo.common_dir / "baton" / "commissions" / f"{slug}-{moment}-{run_id}.jsonl"
    log = AttemptLog(project, path, on_progress)
    root = project.cache / f"{MARK}{slug}-1-{run_id}"
    try:
        place = make_workplace(project.repo, root, start=commit, branch=f"{project.repo.config.prefix}{slug}")
        worker = Worker(project, agent, log, commission.watch)
        bench = _Bench(commission, settings, worker, place, find_secrets(project, settings))
        request = _make_request(bench, commit, run_id, path)
        return _work(bench, request)
    finally:
        remove_workplace(project.repo, root)


def _make_request(bench: _Bench, commit: str, run: str, log: Path) -> AgentRequest:
    """What the agent is told, and where it works."""
    commission, settings, place, project = (
        bench.commission,
        bench.settings,
        bench.place,
        bench.worker.project,
    )
    limits = commission.limits or settings.limits
    task, path = f"{MARK}{make_slug(commission.name)}", place.root / "briefing.md"
    schema = place.root / "schema.json"
    schema.write_text(json.dumps(commission.schema), encoding="utf-8")
    marks = {
        "BATON_TASK": task, "BATON_ATTEMPT": "1", "BATON_RUN": run, "BATON_OUTBOX": str(place.outbox),
        "BATON_BRIEFING": str(path), "BATON_ROUND": "1", "BATON_SCHEMA": str(schema),
    }  # fmt: skip
    author = (settings.author.name, settings.author.email)
    env = build_environment(project.environment, (*settings.secrets, *settings.env_names), place, author)
    how = render_handing_in(
        commission.schema, commit=commit, rounds=commission.rounds, has_tools=bench.has_tools,
        timeout_s=limits.timeout_s, turns_max=limits.turns_max,
    )  # fmt: skip
    briefing = redact(f"{commission.briefing.rstrip()}\n\n{how}", bench.secrets)
    request = AgentRequest(
        task=task, attempt=1, run=run, workplace=place.work, outbox=place.outbox, briefing=briefing,
        briefing_path=path, log_path=log, limits=limits, env={**env, **marks}, model=settings.model,
        allowed_tools=settings.allowed_tools, mcp_servers={"baton": own_server(tuple(marks.items())), **settings.mcp_servers},
        instructions=read_instructions(project, commit),
    )  # fmt: skip
    write_briefing(request, briefing)
    said = f"{commission.name}: private clone at {commit[:10]}, briefing of {len(briefing.split())} words"
    bench.worker.log.say("prepare", said)
    return request


def _work(bench: _Bench, request: AgentRequest) -> Commissioned:
    """Round after round, until it can be taken. Raises as ``carry_out_commission``."""
    commission, log = bench.commission, bench.worker.log
    meter, first = Meter(request.limits), request
    handed_back: list[str] = []
    before: object = None
    while True:
        report, interrupted = run_patiently(bench.worker, request, meter)
        if interrupted:
            log.say("end", "interrupted: nothing was written")
            raise KeyboardInterrupt
        look = _look(bench, report)
        if not look.problems:
            log.say("end", "succeeded: it was handed in, and taken")
            return Commissioned(look.result, meter.usage, tuple(handed_back), str(log.path))
        for problem in look.problems:
            log.say("guard", problem)
        left = meter.find_left()
        is_same = look.result is not None and look.result == before
        if look.is_final or is_same or left is None or len(handed_back) >= commission.rounds:
            raise _explain(bench, report, look, meter.usage, len(handed_back) + 1)
        number = len(handed_back) + 1
        handed_back.append(shorten_to_line("; ".join(look.problems), 500))
        count = f"{len(look.problems)} problem{'s' if len(look.problems) != 1 else ''}"
        log.say("agent", f"{count} handed back, {number} of {commission.rounds}")
        words = render_problems(
            look.problems, number=number, most=commission.rounds, has_tools=bench.has_tools
        )
        empty_outbox(bench.place.outbox)
        request = hand_on(first, report, words, left, number + 1)
        before = look.result


def _look(bench: _Bench, report: AgentReport) -> _Look:
    """Judge what stands in the outbox."""
    commission, secrets, good = bench.commission, bench.secrets, report.outcome is Outcome.SUCCEEDED
    result, complaints = read_result(bench.place.outbox, report.result)
    if result is None or not (good or report.outcome in _CUT_OFF):
        collected = read_outbox(bench.place.outbox, report.handoff, None, secrets)
        asked = collected.question or "; ".join(collected.handoff.questions)
        if good and not asked:
            return _Look(None, bound_problems(complaints or ["nothing was handed in"]), is_final=False)
        is_question = asked and (good or report.outcome is Outcome.NEEDS_INPUT)
        said = f"it asks: {asked}" if is_question else _word_end(report)
        return _Look(None, bound_problems([redact(said, secrets), *complaints]), is_final=True)
    if leaked := list(find_leaks(result, secrets)):  # which form of it was found is nothing to tell an agent
        return _Look(result, bound_problems(leaked), is_final=True)
    problems = [*find_unseen(result), *check_result(dict(commission.schema), result)]
    if not problems:
        result = clean_value(result)  # nothing but line endings is left to clean
        problems = list(commission.judge(result))
    return _Look(result, bound_problems([redact(p, secrets) for p in problems]), is_final=not good)


def _word_end(report: AgentReport) -> str:
    """Why the agent ended without having handed anything in."""
    words, said = OUTCOMES[report.outcome].words, report.message.strip()
    return f"{words}: {said}" if said and said not in words else words


def _explain(bench: _Bench, report: AgentReport, look: _Look, usage: Usage, rounds: int) -> AttemptFailed:
    """The refusal, with everything that was wrong at the end."""
    log, outcome = bench.worker.log, report.outcome
    advice = None if look.result is not None else _HINTS.get(outcome)
    name = bench.settings.agent_name
    said = f"what {name} handed in was refused" if look.result is not None else f"{name} handed nothing in"
    if rounds > 1:
        said += f", after {rounds} rounds"
    log.say("end", f"{said}; nothing was written")
    return AttemptFailed(
        f"{bench.commission.name}: {said}; nothing was written",
        code="not-handed-in",
        hint=f"{advice}; what it did: {log.path}" if advice else f"see what it did: {log.path}",
        data={
            "complaints": look.problems, "outcome": outcome.value, "rounds": rounds, "log": str(log.path),
            "usage": usage.model_dump(exclude_none=True),
        },
    )  # fmt: skip
