"""The task file: what is wanted, in a person's words, plus the few fields the board needs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from gitbaton.domain.document import Document, NonEmptyText, Part, Text
from gitbaton.domain.durations import Duration
from gitbaton.domain.ids import ID_PATTERN

Status = Literal["draft", "todo", "done", "cancelled"]
Type = Literal["epic", "story", "task", "subtask", "todo", "bug", "chore", "docs", "spike", "review"]
Priority = Literal["critical", "high", "medium", "low"]
Complexity = Literal["simple", "medium", "complex", "critical"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")

TaskId = Annotated[str, Field(pattern=ID_PATTERN, title="Task id", examples=["add-login-endpoint"])]
PlanId = Annotated[str, Field(pattern=ID_PATTERN, title="Plan id", examples=["user-accounts"])]


class Check(Part):
    """A command that must succeed before the work counts."""

    name: Annotated[
        NonEmptyText, Field(title="Name", description="Short name, shown in reviews.", examples=["tests"])
    ]
    run: Annotated[
        NonEmptyText,
        Field(
            title="Command",
            description="Shell command, run in the working directory.",
            examples=["pytest -q"],
        ),
    ]
    timeout: Annotated[
        Duration | None,
        Field(title="Timeout", description="How long it may take; unset: timeouts.check of the config."),
    ] = None


class Acceptance(Part):
    """One criterion that the result must meet."""

    text: Annotated[NonEmptyText, Field(description="What must hold.")]
    checked: Annotated[bool, Field(description="True once somebody found it to hold.")] = False


def _criterion(value: Any) -> Any:
    return value if isinstance(value, dict | Acceptance) else {"text": value}


#: ``- some text`` is short for ``- text: some text``.
Criterion = Annotated[
    Acceptance, BeforeValidator(_criterion, json_schema_input_type=Acceptance | NonEmptyText)
]  # fmt: skip


class Clarification(Part):
    """Something that was settled after the task was written."""

    when: Annotated[Text | None, Field(description="Time, ISO 8601.", examples=["2026-01-31T09:00:00Z"])] = (
        None
    )
    who: Annotated[Text | None, Field(description="Who said it.")] = None
    text: Annotated[NonEmptyText, Field(description="What was said.")]


class TaskProgress(Part):
    """How far somebody says the work is."""

    percent: Annotated[int | None, Field(ge=0, le=100, description="0 to 100.")] = None
    note: Annotated[Text | None, Field(description="In a sentence.")] = None


class TaskRun(Part):
    """How attempts at this task run; what is unset comes from role and config."""

    agent: Annotated[Text | None, Field(description="Name of an agent from tasks/config.yaml.")] = None
    model: Annotated[Text | None, Field(description="Model the agent should use.", examples=["sonnet"])] = (
        None
    )
    timeout: Annotated[Duration | None, Field(description="Time limit of one attempt.")] = None
    max_turns: Annotated[int | None, Field(ge=1, le=10_000, description="Turn limit of one attempt.")] = None
    budget_usd: Annotated[
        float | None, Field(gt=0, description="Money limit of one attempt, US dollars.")
    ] = None
    allowed_tools: Annotated[
        tuple[NonEmptyText, ...],
        Field(description="Tools the agent may use besides reading and editing files."),
    ] = ()
    mcp_servers: Annotated[
        tuple[NonEmptyText, ...], Field(description="Names of MCP servers from the config's run.mcp_servers.")
    ] = ()
    checks: Annotated[tuple[Check, ...], Field(description="Checks besides those of the config.")] = ()
    attempts: Annotated[int | None, Field(ge=1, le=100, description="Attempts before a person is asked.")] = (
        None
    )


class Imported(Part):
    """Where an imported task came from, and everything that found no home here."""

    origin: Annotated[Text | None, Field(description="The tool or address it came from.")] = None
    data: Annotated[dict[str, Any], Field(description="Fields of the origin that have no place here.")] = {}


class Task(Document):
    """One unit of work. Only ``title`` is needed."""

    model_config = ConfigDict(
        title="Task",
        json_schema_extra={
            "patternProperties": {"^x-": {}},
            "examples": [{"title": "Add a health endpoint", "acceptance": ["GET /health answers 200"]}],
        },
    )

    title: Annotated[
        NonEmptyText,
        Field(
            max_length=200,
            title="Title",
            description="What is to be done, in one line.",
            examples=["Add a health endpoint"],
        ),
    ]
    status: Annotated[
        Status,
        Field(
            title="Status",
            description="Written by people and merges; live states stand in git refs. Missing means todo.",
        ),
    ] = "todo"
    type: Annotated[Type, Field(title="Type", description="Kind of work.")] = "task"
    priority: Annotated[Priority, Field(title="Priority", description="Order among ready tasks.")] = "medium"
    role: Annotated[
        Text | None,
        Field(
            title="Role",
            description="Specialist who should do it; known roles add guidance.",
            examples=["implementer"],
        ),
    ] = None
    description: Annotated[
        Text | None, Field(title="Description", description="What and why, in Markdown.")
    ] = None
    acceptance: Annotated[
        tuple[Criterion, ...],
        Field(title="Acceptance criteria", description="What must hold when it is done."),
    ] = ()
    depends_on: Annotated[
        tuple[TaskId, ...], Field(title="Depends on", description="Tasks that must be done first.")
    ] = ()
    parent: Annotated[
        TaskId | None, Field(title="Parent", description="Task that this one is a part of.")
    ] = None
    plan: Annotated[
        PlanId | None, Field(title="Plan", description="Plan in tasks/plans that this belongs to.")
    ] = None
    milestone: Annotated[
        Text | None, Field(title="Milestone", description="Name of a milestone from the config.")
    ] = None
    paths: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            title="Paths",
            description="Globs of files the work may touch; unset means any.",
            examples=[["src/api/**", "tests/**"]],
        ),
    ] = ()
    labels: Annotated[
        tuple[NonEmptyText, ...], Field(title="Labels", description="Words to find it by.")
    ] = ()
    assignee: Annotated[Text | None, Field(title="Assignee", description="Person who should do it.")] = None
    complexity: Annotated[Complexity | None, Field(title="Complexity", description="How hard it is.")] = None
    estimate: Annotated[
        Text | None, Field(title="Estimate", description="Free text.", examples=["2 days"])
    ] = None
    context: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            title="Context",
            description="Files and links to read first.",
            examples=[["docs/api.md", "https://example.com/spec"]],
        ),
    ] = ()
    clarifications: Annotated[
        tuple[Clarification, ...], Field(title="Clarifications", description="What was settled later.")
    ] = ()
    progress: Annotated[TaskProgress | None, Field(title="Progress", description="How far it is.")] = None
    hold: Annotated[
        Text | None, Field(title="Hold", description="Why nobody should start it now; remove it to release.")
    ] = None
    service: Annotated[
        Text | None, Field(title="Service", description="Name of a service from the config.")
    ] = None
    repository: Annotated[
        Text | None, Field(title="Repository", description="Repository the work is in, if another.")
    ] = None
    working_directory: Annotated[
        Text | None,
        Field(title="Working directory", description="Folder that checks run in, relative to the top."),
    ] = None
    run: Annotated[TaskRun | None, Field(title="Run", description="How attempts at this task run.")] = None
    result_schema: Annotated[
        dict[str, Any] | None,
        Field(
            title="Result schema", description="JSON Schema that an attempt's structured result must meet."
        ),
    ] = None
    created: Annotated[Text | None, Field(title="Created", description="Time, ISO 8601.")] = None
    imported: Annotated[Imported | None, Field(title="Imported", description="Where it came from.")] = None
