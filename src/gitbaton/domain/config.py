"""The settings file ``tasks/config.yaml``. Every key is optional."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from gitbaton.domain.document import Document, NonEmptyText, Part, Text
from gitbaton.domain.durations import Duration
from gitbaton.domain.task import Check


class Author(Part):
    """Identity that an agent's commits carry."""

    name: Annotated[NonEmptyText, Field(description="Name.")] = "gitbaton"
    email: Annotated[NonEmptyText, Field(description="Address.")] = "gitbaton@users.noreply.github.com"


class AgentConfig(Part):
    """One agent that may run tasks."""

    adapter: Annotated[
        Literal["claude", "command"], Field(description="claude: Claude Code. command: any program.")
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
            raise ValueError("adapter command needs command: [PROGRAM, ARG…]")
        if self.adapter == "claude" and self.command:
            raise ValueError("command is for adapter command; Claude Code's path goes into program")
        return self


class Caps(Part):
    """Upper bounds; unset means none."""

    running: Annotated[int | None, Field(ge=1, description="Attempts that run at once.")] = None
    open_reviews: Annotated[int | None, Field(ge=1, description="Tasks in review at once.")] = None
    cost_per_task_usd: Annotated[float | None, Field(gt=0, description="Money per task, US dollars.")] = None
    cost_per_day_usd: Annotated[float | None, Field(gt=0, description="Money per day (UTC), US dollars.")] = (
        None
    )


class Retries(Part):
    """What happens after a failed attempt."""

    attempts: Annotated[int, Field(ge=1, le=100, description="Attempts before a person is asked.")] = 3
    backoff: Annotated[Duration, Field(description="Wait after the first failure; doubles with each.")] = 60.0
    backoff_max: Annotated[Duration, Field(description="Longest wait.")] = 3600.0


class Breaker(Part):
    """Stops claiming after failures that have nothing to do with the tasks."""

    failures: Annotated[int, Field(ge=1, description="Infrastructure failures in a row that open it.")] = 5
    cooldown: Annotated[Duration, Field(description="Wait before one attempt may probe.")] = 900.0


class Timeouts(Part):
    """Limits in time."""

    attempt: Annotated[Duration, Field(description="One attempt of an agent.")] = 3600.0
    idle: Annotated[Duration, Field(description="An agent that says nothing.")] = 900.0
    check: Annotated[Duration, Field(description="One check.")] = 900.0
    queue: Annotated[Duration, Field(description="Added to the lease: waiting for a machine.")] = 600.0
    grace: Annotated[Duration, Field(description="Added to the lease: checks, publishing.")] = 1800.0


class Guards(Part):
    """What an agent's change may not contain."""

    allow: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            description="Globs of protected files that agents may change all the same.",
            examples=[["CLAUDE.md"]],
        ),
    ] = ()
    max_files: Annotated[int, Field(ge=1, description="Files changed.")] = 500
    max_file_bytes: Annotated[int, Field(ge=1, description="Size of one changed file.")] = 5 * 1024 * 1024
    max_total_bytes: Annotated[int, Field(ge=1, description="Size of all changed files together.")] = (
        50 * 1024 * 1024
    )


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
        Field(description="MCP servers by name, in the form of Claude Code's mcpServers."),
    ] = {}
    max_turns: Annotated[int | None, Field(ge=1, le=10_000, description="Turn limit of one attempt.")] = None
    budget_usd: Annotated[
        float | None, Field(gt=0, description="Money limit of one attempt, US dollars.")
    ] = None


class Milestone(Part):
    """A date and a goal that tasks name."""

    due: Annotated[Text | None, Field(description="Date, ISO 8601.")] = None
    goal: Annotated[Text | None, Field(description="What is true then.")] = None


class Service(Part):
    """A part of the system that tasks name."""

    path: Annotated[Text | None, Field(description="Its folder.")] = None
    repository: Annotated[Text | None, Field(description="Its repository, if another.")] = None
    description: Annotated[Text | None, Field(description="What it does.")] = None


class Config(Document):
    """Settings of gitbaton for this repository."""

    model_config = ConfigDict(title="Config")

    base: Annotated[
        Text | None,
        Field(
            title="Base branch", description="Branch that finished work is merged into.", examples=["main"]
        ),
    ] = None
    remote: Annotated[
        Text | None,
        Field(title="Remote", description="Remote that is shared; unset: origin, or the only one."),
    ] = None
    prefix: Annotated[
        NonEmptyText,
        Field(
            title="Branch prefix",
            description="Task branches are <prefix><id>.",
            pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*/?$",
        ),
    ] = "baton/"
    namespace: Annotated[
        NonEmptyText,
        Field(
            title="Ref namespace",
            description="Where live state stands.",
            pattern=r"^refs/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$",
        ),
    ] = "refs/baton"
    forge: Annotated[
        Literal["auto", "github", "local"],
        Field(
            title="Forge",
            description="Where reviews happen; auto: GitHub if the remote's host is github.com, else local.",
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
    caps: Annotated[Caps, Field(title="Caps", description="Upper bounds; off until set.")] = Caps()
    retries: Annotated[Retries, Field(title="Retries", description="After a failed attempt.")] = Retries()
    breaker: Annotated[
        Breaker, Field(title="Circuit breaker", description="After failures of the infrastructure.")
    ] = Breaker()
    timeouts: Annotated[Timeouts, Field(title="Timeouts", description="Limits in time.")] = Timeouts()
    guards: Annotated[
        Guards, Field(title="Guards", description="What an agent's change may not contain.")
    ] = Guards()
    run: Annotated[RunConfig, Field(title="Run", description="What every attempt gets.")] = RunConfig()
    milestones: Annotated[dict[str, Milestone], Field(title="Milestones", description="By name.")] = {}
    services: Annotated[dict[str, Service], Field(title="Services", description="By name.")] = {}
    push: Annotated[
        Literal["manual", "auto"], Field(title="Push", description="auto: document edits are pushed at once.")
    ] = "manual"
    layout: Annotated[
        Literal["flat", "plan", "shard"], Field(title="Layout", description="Where new task files stand.")
    ] = "flat"

    @model_validator(mode="after")
    def _agent_exists(self) -> Config:
        if self.agent is not None and self.agents and self.agent not in self.agents:
            raise ValueError(f"agent '{self.agent}' is not among agents: {', '.join(self.agents)}")
        return self
