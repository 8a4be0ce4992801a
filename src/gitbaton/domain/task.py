"""The task file: what is wanted, in a person's words, plus the few fields the board needs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from gitbaton.domain.choices import Complexity, Priority, Status, Type
from gitbaton.domain.document import (
    Document,
    Duration,
    NonEmptyText,
    Part,
    TaskId,
    Text,
    TitleText,
    take_text,
)
from gitbaton.domain.ids import ID_PATTERN

PlanId = Annotated[
    str, Field(pattern=ID_PATTERN, title="Plan id", examples=["user-accounts"]), BeforeValidator(take_text)
]


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
    checked: Annotated[bool, Field(strict=True, description="True once somebody found it to hold.")] = False


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

    percent: Annotated[int | None, Field(strict=True, ge=0, le=100, description="0 to 100.")] = None
    note: Annotated[Text | None, Field(description="In a sentence.")] = None


class TaskRun(Part):
    """How attempts at this task run; what is unset comes from role and config."""

    agent: Annotated[Text | None, Field(description="Name of an agent from tasks/config.yaml.")] = None
    model: Annotated[Text | None, Field(description="Model the agent should use.", examples=["sonnet"])] = (
        None
    )
    timeout: Annotated[Duration | None, Field(description="Time limit of one attempt.")] = None
    max_turns: Annotated[
        int | None, Field(strict=True, ge=1, le=10_000, description="Turn limit of one attempt.")
    ] = None
    budget_usd: Annotated[
        float | None, Field(strict=True, gt=0, description="Money limit of one attempt, US dollars.")
    ] = None
    allowed_tools: Annotated[
        tuple[NonEmptyText, ...],
        Field(description="Tools the agent may use besides reading and editing files."),
    ] = ()
    mcp_servers: Annotated[
        tuple[NonEmptyText, ...], Field(description="Names of MCP servers from the config's run.mcp_servers.")
    ] = ()
    checks: Annotated[tuple[Check, ...], Field(description="Checks besides those of the config.")] = ()
    attempts: Annotated[
        int | None, Field(strict=True, ge=1, le=100, description="Attempts before a person is asked.")
    ] = None


class Approval(Part):
    """A person's word that a task may be started, bound to what it said then."""

    by: Annotated[NonEmptyText, Field(description="Who approved it.")]
    when: Annotated[Text | None, Field(description="Time, ISO 8601.", examples=["2026-01-31T09:00:00Z"])] = (
        None
    )
    of: Annotated[
        NonEmptyText,
        Field(
            description="Digest of what was approved: once the task asks for something else, the approval counts no more."
        ),
    ]


class Imported(Part):
    """Where an imported task came from, and everything that found no home here."""

    origin: Annotated[Text | None, Field(description="The tool or address it came from.")] = None
    data: Annotated[dict[str, Any], Field(description="Fields of the origin that have no place here.")] = {}


class Task(Document):
    """One unit of work. Only the title is needed; the file's name is the task's id."""

    model_config = ConfigDict(
        title="Task",
        json_schema_extra={
            "examples": [
                {"title": "Add a health endpoint", "acceptance": ["GET /health answers 200"]},
                {
                    "title": "Let people reset their password",
                    "status": "todo",
                    "type": "story",
                    "priority": "high",
                    "role": "implementer",
                    "description": "People who forgot their password write to support today.",
                    "acceptance": [
                        "A link sent by mail sets a new password",
                        {"text": "A link works once, for an hour", "checked": False},
                    ],
                    "depends_on": ["add-mail-service"],
                    "paths": ["src/accounts/**", "tests/accounts/**"],
                    "run": {
                        "timeout": "45m",
                        "checks": [{"name": "accounts", "run": "pytest tests/accounts"}],
                    },
                },
            ],
        },
    )

    title: Annotated[
        TitleText,
        Field(
            title="Title",
            description="What is to be done, in one line.",
            examples=["Add a health endpoint"],
        ),
    ]
    status: Annotated[
        Status,
        Field(
            title="Status",
            description=(
                "draft: not meant yet. todo: to be done. done, cancelled: over. Who works on it"
                " now is not written here."
            ),
        ),
    ] = "todo"
    type: Annotated[
        Type,
        Field(
            title="Type",
            description=("Kind of work. An epic or story is done when the tasks that name it as parent are."),
        ),
    ] = "task"
    priority: Annotated[
        Priority, Field(title="Priority", description="Which of the ready tasks comes first.")
    ] = "medium"
    role: Annotated[
        Text | None,
        Field(
            title="Role",
            description=(
                "Specialist who should do it. A built-in role or one from tasks/roles adds its "
                "guidance; any other name is fine."
            ),
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
        tuple[TaskId, ...], Field(title="Depends on", description="Ids of tasks that must be done first.")
    ] = ()
    parent: Annotated[
        TaskId | None, Field(title="Parent", description="Id of the task that this one is a part of.")
    ] = None
    plan: Annotated[
        PlanId | None, Field(title="Plan", description="Id of the plan in tasks/plans that this belongs to.")
    ] = None
    milestone: Annotated[
        Text | None, Field(title="Milestone", description="Name of a milestone from tasks/config.yaml.")
    ] = None
    paths: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            title="Paths",
            description=(
                "Globs of the files the work may touch; unset means any. * stays within a "
                "folder, ** does not; a plain folder name means all in it."
            ),
            examples=[["src/api/**", "tests/**"]],
        ),
    ] = ()
    labels: Annotated[
        tuple[NonEmptyText, ...],
        Field(title="Labels", description="Words to find it by.", examples=[["api", "good-first"]]),
    ] = ()
    assignee: Annotated[Text | None, Field(title="Assignee", description="Person who should do it.")] = None
    complexity: Annotated[
        Complexity | None,
        Field(
            title="Complexity",
            description=("How hard it is. critical work is not begun before a person approved it."),
        ),
    ] = None
    approved: Annotated[
        Approval | None,
        Field(
            title="Approved", description="A person's word that it may be started; baton approve writes it."
        ),
    ] = None
    estimate: Annotated[
        Text | None,
        Field(title="Estimate", description="How much work it is, in your own words.", examples=["2 days"]),
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
    progress: Annotated[
        TaskProgress | None,
        Field(title="Progress", description="How far somebody says it is; nothing depends on it."),
    ] = None
    hold: Annotated[
        Text | None,
        Field(title="Hold", description=("Why nobody should start it now. Remove the field to release it.")),
    ] = None
    service: Annotated[
        Text | None, Field(title="Service", description="Name of a service from tasks/config.yaml.")
    ] = None
    repository: Annotated[
        Text | None,
        Field(
            title="Repository",
            description=("Address of the repository the work is in, if it is another one."),
        ),
    ] = None
    working_directory: Annotated[
        Text | None,
        Field(
            title="Working directory",
            description=("Folder that checks run in, relative to the top of the repository."),
        ),
    ] = None
    run: Annotated[TaskRun | None, Field(title="Run", description="How attempts at this task run.")] = None
    result_schema: Annotated[
        dict[str, Any] | None,
        Field(
            title="Result schema",
            description=("JSON Schema (draft 2020-12) that the result an agent hands over must meet."),
        ),
    ] = None
    created: Annotated[Text | None, Field(title="Created", description="Time, ISO 8601.")] = None
    imported: Annotated[Imported | None, Field(title="Imported", description="Where it came from.")] = None
