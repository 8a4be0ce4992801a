"""One attempt at a claimed task: private clone → briefing → agent → guards → checks → verdict → publish.

Whatever happens, the work is kept: published on the task branch, or under a ref that the message names.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.domain.briefing import render_briefing
from gitbaton.domain.guards import judge_change, redact
from gitbaton.domain.handoff import CheckResult
from gitbaton.domain.outbox import QUESTION_MAX
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.domain.verdict import DOCUMENT_TYPES, Evidence, Verdict, judge_attempt
from gitbaton.domain.wording import clean_text, cut_text
from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain
from gitbaton.ports import AgentReport, AgentRequest, Progress
from gitbaton.store.capture import capture_tree, list_changes
from gitbaton.store.git import find_merge_base, is_ancestor, read_objects
from gitbaton.store.outbox import read_outbox
from gitbaton.store.workplace import Workplace, build_environment, make_workplace
from gitbaton.usecases.material import Surroundings, gather_material, own_server, read_surroundings
from gitbaton.usecases.transitions import read_tip
from gitbaton.usecases.work import bring_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.domain.guards import ChangedFile, Finding
    from gitbaton.domain.outbox import Collected
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project

POLL_S = 30.0
_CHECK_OUTPUT = 4000
_INTERRUPTED = "interrupted at the keyboard"
_CHECK_LINES = 6  # of a failed check are shown at once; the handoff keeps more
_WORD = re.compile(r"\w")


class RunEvent(NamedTuple):
    """Something the runner did, for people to follow. ``kind`` groups lines; ``text`` is one line."""

    kind: Literal["claim", "prepare", "agent", "guard", "check", "publish", "review", "end"]
    text: str
    turns: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt that ended, before anything was published: the verdict and all that stands behind it.
    ``tree`` is what the agent left, an object of the workplace's own git dir; ``start`` the commit it began at,
    ``branch_tip`` the task branch on the remote then (None: none).
    """

    claim: Claim
    around: Surroundings
    place: Workplace
    start: str
    branch_tip: str | None
    tree: str
    changes: list[ChangedFile]
    report: AgentReport
    collected: Collected
    checks: tuple[CheckResult, ...]
    verdict: Verdict
    secrets: dict[str, str]
    interrupted: bool


class Watch:
    """Asks the state ref, now and then, whether the attempt still is ours and still wanted."""

    def __init__(self, project: Project, claim: Claim, poll_s: float = POLL_S) -> None:
        self._project = project
        self._claim = claim
        self._poll_s = poll_s
        self._next = project.clock().timestamp() + poll_s

    def __call__(self) -> Outcome | None:
        """STOPPED or LOST_LEASE when the agent must end, else None."""
        now = self._project.clock().timestamp()
        if now < self._next:
            return None
        self._next = now + self._poll_s
        try:
            self._project.refs.fetch()
            tip = read_tip(self._project, self._claim.entry.row.id)
        except BatonError:
            return None  # the network comes back; the fence decides at the end
        if tip is None or tip.state.run != self._claim.run:
            return Outcome.LOST_LEASE
        return Outcome.STOPPED if tip.state.status == "stopped" else None


class AttemptLog:
    """JSON lines of everything the runner does; the agent's adapter appends its own events."""

    def __init__(self, project: Project, path: Path, on_event: Callable[[RunEvent], None]) -> None:
        self._project = project
        self.path = path
        self._on_event = on_event
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)

    def say(self, kind: str, text: str, turns: int = 0, cost_usd: float | None = None) -> None:
        """Show one line and keep it."""
        text = clean_text(text)
        event = RunEvent(kind, text, turns, cost_usd)  # type: ignore[arg-type] # callers pass literals
        line = {"type": "runner", "at": self._project.clock().isoformat(), "kind": kind, "text": text}
        with contextlib.suppress(OSError), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")  # a full disk must not end the attempt
        self._on_event(event)


def log_path(project: Project, task: str, attempt: int, run: str) -> Path:
    """Where the log of an attempt stands: a cache, in the common git dir."""
    return project.repo.common_dir / "baton" / "logs" / task / f"{attempt:03d}-{run}.jsonl"


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
    start, branch_tip = find_start(project, claim)
    task_id, state = claim.entry.row.id, claim.tip.state
    root = project.cache / f"{task_id}-{state.attempt}-{claim.run}"
    place = make_workplace(project.repo, root, start=start, branch=state.branch or task_id)
    author = (settings.author.name, settings.author.email)
    env = build_environment(project.environment, (*settings.secrets, *settings.env_names), place, author)
    briefing = render_briefing(
        gather_material(project, around, state, commit=claim.base, work=start, attempt=state.attempt)
    )
    briefing_path = place.root / "briefing.md"
    briefing_path.write_text(briefing, encoding="utf-8")
    marks = {
        "BATON_TASK": task_id,
        "BATON_ATTEMPT": str(state.attempt),
        "BATON_RUN": claim.run,
        "BATON_OUTBOX": str(place.outbox),
        "BATON_BRIEFING": str(briefing_path),
    }
    env.update(marks)
    log.say("prepare", f"private clone at {start[:10]}, briefing of {len(briefing.split())} words")
    request = AgentRequest(
        task=task_id, attempt=state.attempt, run=claim.run, workplace=place.work, outbox=place.outbox, briefing=briefing,
        briefing_path=briefing_path, log_path=log.path, limits=settings.limits, env=env, model=settings.model,
        allowed_tools=settings.allowed_tools, mcp_servers={"baton": own_server(tuple(marks.items())), **settings.mcp_servers},
        instructions=read_instructions(project, claim.base),
    )  # fmt: skip
    secrets = {
        n: project.environment[n] for n in _SECRET_NAMES + settings.secrets if project.environment.get(n)
    }
    report, interrupted = _run_agent(agent.run, request, log, Watch(project, claim, poll_s))
    report = replace(report, message=redact(report.message, secrets))
    collected = read_outbox(place.outbox, report.handoff, report.result, secrets)
    if report.outcome is Outcome.NEEDS_INPUT and collected.question is None:
        asked = "\n".join(collected.handoff.questions) or report.message
        collected = collected._replace(question=cut_text(asked, QUESTION_MAX))
    for complaint in collected.complaints:
        log.say("guard", complaint)
    guards = project.repo.config.guards
    captured = capture_tree(place, start)
    changes = list_changes(
        place, start, captured, file_max=guards.max_file_bytes, total_max=guards.max_total_bytes
    )
    findings = judge_change(changes, paths=around.task.paths, guards=guards, secrets=secrets)
    for finding in findings:
        log.say("guard", finding.message)
    worth_checking = report.outcome is Outcome.SUCCEEDED and not findings and collected.question is None
    check_env = build_environment(project.environment, settings.agent.env, place, author)
    checks: tuple[CheckResult, ...] = ()
    try:
        checks = run_checks(project, around, place, check_env, log) if worth_checking else ()
    except KeyboardInterrupt:  # what the agent did is a checkpoint all the same
        report, interrupted = replace(report, outcome=Outcome.STOPPED, message=_INTERRUPTED), True
    verdict = judge_attempt(
        _evidence(project, claim, around, report, collected, findings, checks, start, changes)
    )
    # It may quote names of files, which an agent chooses.
    verdict = verdict._replace(message=redact(clean_text(verdict.message), secrets))
    return Finished(
        claim,
        around,
        place,
        start,
        branch_tip,
        captured.tree,
        changes,
        report,
        collected,
        checks,
        verdict,
        secrets,
        interrupted,
    )


#: Secrets of the runner itself that must never appear in what is published.
_SECRET_NAMES = (
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "BATON_GITHUB_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
)


def _run_agent(
    run: Callable[..., AgentReport], request: AgentRequest, log: AttemptLog, watch: Watch
) -> tuple[AgentReport, bool]:
    def show(progress: Progress) -> None:
        log.say("agent", progress.text, progress.turns, progress.cost_usd)

    try:
        return run(request, show, watch), False
    except KeyboardInterrupt:
        return AgentReport(Outcome.STOPPED, _INTERRUPTED, Usage()), True


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


def read_instructions(project: Project, commit: str) -> str:
    """The repository's own CLAUDE.md or AGENTS.md on base, which every agent is told."""
    for text in read_objects(project.repo.git, [f"{commit}:CLAUDE.md", f"{commit}:AGENTS.md"]):
        if text:
            return text.decode("utf-8", "replace")
    return ""


def run_checks(
    project: Project, around: Surroundings, place: Workplace, env: dict[str, str], log: AttemptLog
) -> tuple[CheckResult, ...]:
    """Run every check, in order, in the agent's folder; later ones too when one fails, so that the next
    attempt hears of all.
    """
    results = []
    folder = _inside(place.work, around.task.working_directory)
    for check in around.settings.checks:
        log.say("check", f"{check.name}: {check.run}")
        done = project.run_shell(
            check.run, cwd=folder, env=env, timeout_s=check.timeout or project.repo.config.timeouts.check
        )
        passed = done.exit_code == 0 and not done.timed_out
        output = clean_text(done.output)[-_CHECK_OUTPUT:].strip()
        if done.timed_out:
            output += f"\n(ended after {done.seconds:.0f} s)"
        results.append(
            CheckResult(
                name=check.name,
                passed=passed,
                exit_code=None if done.timed_out else done.exit_code,
                seconds=round(done.seconds, 2),
                output=None if passed else output or None,
            )
        )
        log.say("check", f"{check.name} {'passed' if passed else 'failed'} in {done.seconds:.1f} s")
        for line in [] if passed else [x for x in output.splitlines() if _WORD.search(x)][-_CHECK_LINES:]:
            log.say("check", f"  {line}")
    return tuple(results)


def _inside(work: Path, folder: str | None) -> Path:
    if not folder:
        return work
    path = (work / folder).resolve()
    if not path.is_relative_to(work.resolve()) or not path.is_dir():
        raise Refusal(
            f"working_directory '{folder}' is no folder of the repository",
            code="bad-working-directory",
            hint="correct it in the task file",
        )
    return path


def _evidence(
    project: Project, claim: Claim, around: Surroundings, report: AgentReport, collected: Collected,
    findings: list[Finding], checks: tuple[CheckResult, ...], start: str, changes: list[ChangedFile],
) -> Evidence:  # fmt: skip
    schema = around.task.result_schema
    errors = None
    if schema is not None:
        errors = (
            [collected.result_problem] if collected.result_problem else check_result(schema, collected.result)
        )
    # Work of earlier attempts counts, unless a reviewer asked for more.
    earlier = start != claim.base and claim.tip.state.claimed_from != "changes_requested"
    changed = bool(changes) or (earlier and _differs_from_base(project, claim.base, start))
    return Evidence(
        ended=report.outcome, message=report.message, changed=changed, findings=findings,
        checks=checks, next_action=collected.handoff.next_action, question=collected.question,
        blocker=collected.handoff.blockers[0] if collected.handoff.blockers else None,
        has_handoff=bool(collected.handoff.summary), result_errors=errors,
        documents_allowed=around.task.type in DOCUMENT_TYPES,
    )  # fmt: skip


def _differs_from_base(project: Project, base: str, start: str) -> bool:
    """Whether the branch changes anything besides gitbaton's own files."""
    fork = find_merge_base(project.repo.git, base, start) or base  # none in a shallow clone
    names = project.repo.git.call("diff-tree", "-r", "-z", "--name-only", fork, start).split(b"\0")
    return any(n and not n.startswith(b"tasks/") for n in names)


def check_result(schema: dict[str, object], result: object) -> list[str]:
    """What is wrong with a structured result, in words; empty when it fits."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    from gitbaton.store.documents import schema_errors
    from gitbaton.store.yamlfile import field_name

    if result is None:
        return ["no structured result was handed over"]
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return [f"the task's result_schema is no valid JSON Schema: {error.message}"]
    return [
        f"{field_name(field) or 'result'}: {message}"
        for field, message in schema_errors(result, Draft202012Validator(schema))
    ]


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
