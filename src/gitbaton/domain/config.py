"""The settings file ``tasks/config.yaml``. Every key is optional."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from gitbaton.domain.compaction import CONTEXT_TOKENS, TOKENS_MIN
from gitbaton.domain.document import Document, Duration, NonEmptyText, Part, Text, WrongField, take_text
from gitbaton.domain.routing import DEFAULTS, Routing
from gitbaton.domain.task import Check

#: A part of a ref between slashes: no dot first, last or doubled (git-check-ref-format(1)), no dash first.
_REF_PART = r"[A-Za-z0-9_][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*"
_BranchPrefix = Annotated[str, Field(pattern=rf"^{_REF_PART}(/{_REF_PART})*/?$"), BeforeValidator(take_text)]
_Namespace = Annotated[str, Field(pattern=rf"^refs(/{_REF_PART})+$"), BeforeValidator(take_text)]


class Author(Part):
    """Identity that an agent's commits carry."""

    name: Annotated[NonEmptyText, Field(description="Name that the commits carry.")] = "gitbaton"
    email: Annotated[NonEmptyText, Field(description="Mail address that the commits carry.")] = (
        "gitbaton@users.noreply.github.com"
    )


class AgentConfig(Part):
    """One agent that may run tasks."""

    adapter: Annotated[
        Literal["claude", "command"],
        Field(
            description=(
                "claude is Claude Code; command is any program that takes the briefing on its standard input."
            )
        ),
    ] = "claude"
    command: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            description="Program and arguments; for adapter command.",
            examples=[["python3", "tools/agent.py"]],
        ),
    ] = ()
    program: Annotated[Text | None, Field(description="Path of Claude Code, if not claude on PATH.")] = None
    model: Annotated[Text | None, Field(description="Model, unless task or role names one.")] = None
    author: Annotated[Author | None, Field(description="Identity of its commits.")] = None
    token_secret: Annotated[
        Text | None,
        Field(
            description="Name of the environment variable (in Actions: the secret) with its key.",
            examples=["ANTHROPIC_API_KEY"],
        ),
    ] = None
    env: Annotated[
        tuple[NonEmptyText, ...], Field(description="Names of further environment variables it may see.")
    ] = ()

    @model_validator(mode="after")
    def _command_needs_program(self) -> AgentConfig:
        if self.adapter == "command" and not self.command:
            raise WrongField("adapter command needs command: [PROGRAM, ARG…]", "command")
        if self.adapter == "claude" and self.command:
            raise WrongField(
                "command is for adapter command; Claude Code's path goes into program", "command"
            )
        return self


class Caps(Part):
    """Upper bounds; unset means none."""

    running: Annotated[int | None, Field(strict=True, ge=1, description="Attempts that run at once.")] = None
    open_reviews: Annotated[int | None, Field(strict=True, ge=1, description="Tasks in review at once.")] = (
        None
    )
    cost_per_task_usd: Annotated[
        float | None, Field(strict=True, gt=0, description="Money per task, US dollars.")
    ] = None
    cost_per_day_usd: Annotated[
        float | None, Field(strict=True, gt=0, description="Money per day (UTC), US dollars.")
    ] = None


class Retries(Part):
    """What happens after a failed attempt."""

    attempts: Annotated[
        int, Field(strict=True, ge=1, le=100, description="Attempts before a person is asked.")
    ] = 3
    backoff: Annotated[
        Duration,
        Field(
            description=(
                "Longest wait after the first failure; doubles with each. Where the cause may pass by itself, the wait "
                "is drawn between nothing and this."
            )
        ),
    ] = 60.0
    backoff_max: Annotated[Duration, Field(description="Longest wait between attempts.")] = 3600.0
    fix_rounds: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=20,
            description="How often one attempt is handed back to its agent, with what is wrong; 0: never.",
        ),
    ] = 2
    resumes: Annotated[
        int,
        Field(
            strict=True,
            ge=0,
            le=20,
            description="How often one attempt waits for a model that is busy or unreachable, and goes on; 0: never.",
        ),
    ] = 4


class Breaker(Part):
    """Stops claiming after failures that have nothing to do with the tasks."""

    failures: Annotated[
        int, Field(strict=True, ge=1, description="Infrastructure failures in a row that open it.")
    ] = 5
    cooldown: Annotated[Duration, Field(description="Wait before one attempt may probe.")] = 900.0


class Timeouts(Part):
    """Limits in time."""

    attempt: Annotated[Duration, Field(description="Time limit of one attempt of an agent.")] = 3600.0
    idle: Annotated[Duration, Field(description="How long an agent may be silent.")] = 900.0
    check: Annotated[Duration, Field(description="Time limit of one check.")] = 900.0
    queue: Annotated[
        Duration, Field(description="Time added to a claim for waiting until a machine is free.")
    ] = 600.0
    grace: Annotated[Duration, Field(description="Time added to a claim for checks and publishing.")] = 1800.0
    reminder: Annotated[
        Duration, Field(description="How often a person is reminded of a question that nobody answered.")
    ] = 86400.0


class Guards(Part):
    """What an agent's change may not contain."""

    allow: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            description="Globs of protected files that agents may change all the same.",
            examples=[["CLAUDE.md"]],
        ),
    ] = ()
    max_files: Annotated[int, Field(strict=True, ge=1, description="Most files one change may touch.")] = 500
    max_file_bytes: Annotated[
        int, Field(strict=True, ge=1, description="Largest size of one changed file, in bytes.")
    ] = 5 * 1024 * 1024
    max_total_bytes: Annotated[
        int, Field(strict=True, ge=1, description="Largest size of all changed files together, in bytes.")
    ] = 50 * 1024 * 1024


class RunConfig(Part):
    """What every attempt gets."""

    allowed_tools: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            description="Tools besides reading and editing files.",
            examples=[["Bash(npm test *)", "Bash(git log *)"]],
        ),
    ] = ()
    mcp_servers: Annotated[
        dict[str, dict[str, Any]],
        Field(
            description=("MCP servers that agents may use, by name, in the form of Claude Code's mcpServers.")
        ),
    ] = {}
    max_turns: Annotated[
        int | None, Field(strict=True, ge=1, le=10_000, description="Turn limit of one attempt.")
    ] = None
    budget_usd: Annotated[
        float | None, Field(strict=True, gt=0, description="Money limit of one attempt, US dollars.")
    ] = None
    context_tokens: Annotated[
        int,
        Field(
            strict=True,
            ge=TOKENS_MIN,
            le=1_000_000,
            description=(
                "Tokens (of 3.5 bytes) that handoffs and notes may take wherever an agent reads them; older ones are shortened first."
            ),
        ),
    ] = CONTEXT_TOKENS


class Milestone(Part):
    """A date and a goal that tasks name."""

    due: Annotated[Text | None, Field(description="Date, like 2026-03-31.")] = None
    goal: Annotated[Text | None, Field(description="What is true then.")] = None


class Service(Part):
    """A part of the system that tasks name."""

    path: Annotated[Text | None, Field(description="Its folder, relative to the top of the repository.")] = (
        None
    )
    repository: Annotated[
        Text | None, Field(description="Address of its repository, if it is another one.")
    ] = None
    description: Annotated[Text | None, Field(description="What it does.")] = None


class Config(Document):
    """Settings of gitbaton for this repository. Every one may be left out."""

    model_config = ConfigDict(
        title="Config",
        json_schema_extra={
            "examples": [
                {
                    "base": "main",
                    "agent": "claude",
                    "agents": {"claude": {"adapter": "claude", "model": "sonnet"}},
                    "checks": [{"name": "tests", "run": "pytest -q", "timeout": "10m"}],
                    "caps": {"running": 3, "cost_per_day_usd": 20},
                }
            ],
        },
    )

    base: Annotated[
        Text | None,
        Field(
            title="Base branch", description="Branch that finished work is merged into.", examples=["main"]
        ),
    ] = None
    remote: Annotated[
        Text | None,
        Field(
            title="Remote",
            description=("Remote that is shared. Unset means origin, or the only one there is."),
        ),
    ] = None
    prefix: Annotated[
        _BranchPrefix,
        Field(
            title="Branch prefix", description="What the names of task branches begin with; the id follows."
        ),
    ] = "baton/"
    namespace: Annotated[
        _Namespace,
        Field(
            title="Ref namespace",
            description=(
                "Where the refs with live state stand. Change it for servers that refuse refs "
                "outside branches and tags."
            ),
        ),
    ] = "refs/baton"
    forge: Annotated[
        Literal["auto", "github", "local"],
        Field(
            title="Forge",
            description=(
                "Where reviews happen. auto: on GitHub if the remote's host is github.com, else"
                " in Git itself (local)."
            ),
        ),
    ] = "auto"
    agent: Annotated[
        Text | None, Field(title="Agent", description="Name of the agent used unless a task names one.")
    ] = None
    agents: Annotated[
        dict[str, AgentConfig],
        Field(title="Agents", description="Agents by name.", examples=[{"claude": {"adapter": "claude"}}]),
    ] = {}
    checks: Annotated[
        tuple[Check, ...],
        Field(
            title="Checks",
            description="Commands that must succeed before work counts.",
            examples=[[{"name": "tests", "run": "pytest -q", "timeout": "10m"}]],
        ),
    ] = ()
    caps: Annotated[
        Caps,
        Field(title="Caps", description=("Upper bounds for all attempts together; none until you set one.")),
    ] = Caps()
    retries: Annotated[
        Retries, Field(title="Retries", description="What happens after a failed attempt.")
    ] = Retries()
    breaker: Annotated[
        Breaker,
        Field(
            title="Circuit breaker",
            description=("When to pause because something other than the tasks is broken."),
        ),
    ] = Breaker()
    timeouts: Annotated[Timeouts, Field(title="Timeouts", description="Limits in time.")] = Timeouts()
    guards: Annotated[
        Guards, Field(title="Guards", description="What an agent's change may not contain.")
    ] = Guards()
    run: Annotated[RunConfig, Field(title="Run", description="What every attempt gets.")] = RunConfig()
    routing: Annotated[
        Routing,
        Field(title="Routing", description="What the complexity of a task decides about attempts at it."),
    ] = Routing()
    milestones: Annotated[
        dict[str, Milestone],
        Field(
            title="Milestones",
            description="Dates and goals that tasks may name.",
            examples=[{"beta": {"due": "2026-03-31"}}],
        ),
    ] = {}
    services: Annotated[
        dict[str, Service],
        Field(
            title="Services",
            description="Parts of the system that tasks may name.",
            examples=[{"api": {"path": "services/api"}}],
        ),
    ] = {}
    push: Annotated[
        Literal["manual", "auto"],
        Field(
            title="Push", description=("auto: edits of documents are pushed at once. manual: you push them.")
        ),
    ] = "manual"
    layout: Annotated[
        Literal["flat", "plan", "shard"],
        Field(
            title="Layout",
            description=(
                "Where new task files go. flat: tasks/ itself. plan: a folder for each plan. "
                "shard: spread over 256 folders by id. Files that are there stay where they are."
            ),
        ),
    ] = "flat"

    @model_validator(mode="after")
    def _agent_exists(self) -> Config:
        if self.agent is not None and self.agents and self.agent not in self.agents:
            raise WrongField(f"agent '{self.agent}' is not among agents: {', '.join(self.agents)}", "agent")
        return self

    @model_validator(mode="after")
    def _routes_exist(self) -> Config:
        known = [check.name for check in self.checks]
        for level in DEFAULTS:
            for check in self.routing.route(level).checks or ():
                if isinstance(check, str) and check not in known:
                    words = f"there is no check '{check}' among checks: {', '.join(known) or 'none'}"
                    raise WrongField(words, "routing", level, "checks")
        reviewer = self.routing.reviewer
        if reviewer is not None and reviewer != "claude" and reviewer not in self.agents:
            raise WrongField(
                f"agent '{reviewer}' is not among agents: {', '.join(self.agents) or 'claude'}",
                "routing",
                "reviewer",
            )
        return self
