"""Routing by difficulty: what the complexity of a task decides about attempts at it. Pure.

The table of defaults stands below; the config's ``routing`` changes it, field by field. A task's own ``run`` comes
before its role, the role before its route, the route before the config's general settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Generic, Literal, NamedTuple, TypeVar

from pydantic import BeforeValidator, Field

from gitbaton.domain.document import NonEmptyText, Part, Text, take_text
from gitbaton.domain.gates import Gates
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.task import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.choices import Complexity
    from gitbaton.domain.complexity import Judgement
    from gitbaton.domain.config import AgentConfig, Config
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.role import Role
    from gitbaton.domain.task import TaskRun

T = TypeVar("T")


def _named(value: object) -> object:
    return value if isinstance(value, dict | Check) else take_text(value)


#: The name of one of the config's checks, or a check of its own.
RouteCheck = Annotated[Check | NonEmptyText, BeforeValidator(_named)]


class Route(Part):
    """What attempts at tasks of one level get. Unset fields keep the level's defaults."""

    model: Annotated[Text | None, Field(description="Model, unless task or role names one.")] = None
    max_turns: Annotated[
        int | None, Field(strict=True, ge=1, le=10_000, description="Turn limit, unless the task sets one.")
    ] = None
    budget_usd: Annotated[
        float | None,
        Field(strict=True, gt=0, description="Money limit in US dollars, unless the task sets one."),
    ] = None
    checks: Annotated[
        tuple[RouteCheck, ...] | None,
        Field(
            description="Checks that run instead of all those of the config: names of these, or further ones.",
            examples=[["lint", {"name": "quick", "run": "pytest -q tests/quick"}]],
        ),
    ] = None
    tests: Annotated[
        bool | None, Field(strict=True, description="Whether the briefing asks for tests of what changes.")
    ] = None
    breakdown: Annotated[
        Annotated[bool, Field(strict=True)] | Literal["required"] | None,
        Field(
            description=(
                "true: such a task is named as one to split. required: nobody can claim it before it is split into parts."
            )
        ),
    ] = None
    peer_review: Annotated[
        bool | None,
        Field(
            strict=True, description="Whether a second agent reviews the work before a person is asked to."
        ),
    ] = None
    approval: Annotated[
        bool | None,
        Field(strict=True, description="Whether a person must approve such a task before anybody starts it."),
    ] = None
    auto_merge: Annotated[
        bool | None,
        Field(
            strict=True, description="Whether work that passed everything is merged without asking a person."
        ),
    ] = None


class Routing(Part):
    """What the complexity of a task decides."""

    judge: Annotated[
        bool,
        Field(
            strict=True,
            description="true: a task without a complexity is routed by the judged one. Approval, required splitting and auto_merge go by a given one alone.",
        ),
    ] = False
    reviewer: Annotated[
        Text | None,
        Field(description="Name of the agent for peer reviews; unset: the one that did the work."),
    ] = None
    simple: Annotated[Route, Field(description="For simple tasks.")] = Route()
    medium: Annotated[Route, Field(description="For medium tasks.")] = Route()
    complex: Annotated[Route, Field(description="For complex tasks.")] = Route()
    critical: Annotated[Route, Field(description="For critical tasks.")] = Route()

    def route(self, level: Complexity) -> Route:
        """The route of a level."""
        found: Route = getattr(self, level)
        return found


class _Defaults(NamedTuple):
    tests: bool
    breakdown: bool
    peer_review: bool
    approval: bool
    auto_merge: bool


#: What holds where the config says nothing.
DEFAULTS: dict[Complexity, _Defaults] = {
    "simple":   _Defaults(tests=False, breakdown=False, peer_review=False, approval=False, auto_merge=False),
    "medium":   _Defaults(tests=True,  breakdown=False, peer_review=False, approval=False, auto_merge=False),
    "complex":  _Defaults(tests=True,  breakdown=True,  peer_review=True,  approval=False, auto_merge=False),
    "critical": _Defaults(tests=True,  breakdown=True,  peer_review=True,  approval=True,  auto_merge=False),
}  # fmt: skip


class Chosen(NamedTuple, Generic[T]):
    """A setting, and where it comes from, in words."""

    value: T
    source: str


class Policy(NamedTuple):
    """What a level decides about a task. ``level`` None: nothing was given, and nothing is judged."""

    level: Complexity | None
    given: bool
    model: Chosen[str | None]
    max_turns: Chosen[int | None]
    budget_usd: Chosen[float | None]
    checks: Chosen[tuple[Check, ...] | None]
    tests: Chosen[bool]
    breakdown: Chosen[bool | str]
    peer_review: Chosen[bool]
    approval: Chosen[bool]
    auto_merge: Chosen[bool]


_OFF = Chosen(False, "it has no complexity")
#: For a task without a complexity.
UNROUTED = Policy(
    None, False, Chosen(None, ""), Chosen(None, ""), Chosen(None, ""), Chosen(None, ""), _OFF, Chosen(False, _OFF.source), _OFF,
    _OFF, _OFF,
)  # fmt: skip


def find_policy(routing: Routing, checks: Sequence[Check], judgement: Judgement) -> Policy:
    """The policy for a task that was judged so. ``checks`` are the config's."""
    given = judgement.given is not None
    if not given and not routing.judge:
        return UNROUTED
    level = judgement.level
    route, defaults = routing.route(level), DEFAULTS[level]
    ours, usual = f"routing.{level} in tasks/config.yaml", f"default for {level} work"

    def choose(name: str, *, only_given: bool = False) -> Chosen[bool]:
        wanted = getattr(route, name)
        found = Chosen(
            getattr(defaults, name) if wanted is None else wanted, usual if wanted is None else ours
        )
        if only_given and not given and found.value:
            return Chosen(False, "its complexity is only judged")
        return found

    split = route.breakdown
    breakdown: Chosen[bool | str] = (
        Chosen(defaults.breakdown, usual) if split is None else Chosen(split, ours)
    )
    if split == "required" and not given:
        breakdown = Chosen(True, "its complexity is only judged")
    named = {check.name: check for check in checks}
    wanted = (
        None if route.checks is None else tuple(named[c] if isinstance(c, str) else c for c in route.checks)
    )
    return Policy(
        level, given, Chosen(route.model, ours), Chosen(route.max_turns, ours), Chosen(route.budget_usd, ours),
        Chosen(wanted, ours), choose("tests"), breakdown, choose("peer_review"), choose("approval", only_given=True),
        choose("auto_merge", only_given=True),
    )  # fmt: skip


class Run(NamedTuple):
    """How attempts at a task run, with the source of each setting."""

    model: Chosen[str | None]
    timeout_s: Chosen[float]
    max_turns: Chosen[int | None]
    budget_usd: Chosen[float | None]
    checks: tuple[Chosen[Check], ...]


def choose_run(
    run: TaskRun | None, role: Role | None, role_name: str | None, policy: Policy, config: Config, agent_name: str, agent: AgentConfig
) -> Run:  # fmt: skip
    """Task before role before route before config."""
    task, general = "run of the task", "tasks/config.yaml"
    by_role = f"role {role_name}"
    model = _first(
        (run.model if run else None, f"{task} (run.model)"), (role.model if role else None, by_role), policy.model,
        (agent.model, f"agent {agent_name}"), none="the agent's own choice",
    )  # fmt: skip
    base = policy.checks.value
    checks = [Chosen(c, f"checks in {general}") for c in config.checks]
    if base is not None:
        checks = [Chosen(c, policy.checks.source) for c in base]
    checks += [Chosen(c, by_role) for c in (role.checks if role else ())]
    checks += [Chosen(c, f"{task} (run.checks)") for c in (run.checks if run else ())]
    limit = run.timeout if run else None
    return Run(
        model,
        Chosen(limit or config.timeouts.attempt, f"{task} (run.timeout)" if limit else _say_set(config, "timeouts", "attempt")),
        _first(
            (run.max_turns if run else None, f"{task} (run.max_turns)"), policy.max_turns,
            (config.run.max_turns, f"run.max_turns in {general}"), none="not limited",
        ),
        _first(
            (run.budget_usd if run else None, f"{task} (run.budget_usd)"), policy.budget_usd,
            (config.run.budget_usd, f"run.budget_usd in {general}"), none="not limited",
        ),
        tuple(checks),
    )  # fmt: skip


def _say_set(config: Config, part: str, name: str) -> str:
    is_set = part in config.model_fields_set and name in getattr(config, part).model_fields_set
    return f"{part}.{name} in tasks/config.yaml" if is_set else "default"


def _first(*options: tuple[T | None, str], none: str) -> Chosen[T | None]:
    found = next(((value, source) for value, source in options if value is not None), (None, none))
    return Chosen(*found)


def find_merge_obstacle(policy: Policy, outcome: Outcome, handoff: Handoff) -> str | None:
    """Why work that a route lets be merged without a person is not, or None. Everything must be as good as can be."""
    if outcome is not Outcome.SUCCEEDED:
        return "it is a document, which a person reads"
    if not handoff.verified:
        return "no check vouches for it"
    if policy.peer_review.value:
        review = handoff.peer_review
        if review is None or review.verdict != "accept":
            return (
                "no second agent has accepted it"
                if not (review and review.verdict)
                else "a second agent wants changes"
            )
    if handoff.questions:
        return "its author asks a person something"
    if handoff.remaining:
        return "its author says that something remains"
    return None


def list_gates(routing: Routing) -> Gates:
    """The gates that the config sets."""
    levels = DEFAULTS

    def wants_approval(level: Complexity) -> bool:
        said = routing.route(level).approval
        return levels[level].approval if said is None else said

    def wants_split(level: Complexity) -> bool:
        said = routing.route(level).breakdown
        return levels[level].breakdown if said is None else said is True

    return Gates(
        tuple(level for level in levels if wants_approval(level)),
        tuple(level for level in levels if routing.route(level).breakdown == "required"),
        tuple(level for level in levels if wants_split(level)),
    )
