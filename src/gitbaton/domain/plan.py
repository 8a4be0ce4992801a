"""The plan file: a goal and the tasks it was broken down into. Merging it approves it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gitbaton.domain.document import Document, TaskId, Text, TitleText
from gitbaton.domain.task import Criterion


class Plan(Document):
    """A goal that several tasks serve. Merging it approves it; each task names its plan in its own file."""

    model_config = ConfigDict(
        title="Plan",
        json_schema_extra={
            "examples": [
                {
                    "title": "User accounts",
                    "goal": "People sign up, sign in and reset their password by themselves.",
                    "tasks": ["add-mail-service", "add-login-endpoint"],
                }
            ],
        },
    )

    title: Annotated[TitleText, Field(title="Title", description="The plan in one line.")]
    goal: Annotated[
        Text | None, Field(title="Goal", description="What will be true when it is done, in Markdown.")
    ] = None
    status: Annotated[
        Literal["draft", "active", "closed"],
        Field(
            title="Status", description=("draft: still being thought about. active: worked on. closed: over.")
        ),
    ] = "active"
    description: Annotated[
        Text | None, Field(title="Description", description="How it was broken down, and why.")
    ] = None
    acceptance: Annotated[
        tuple[Criterion, ...],
        Field(title="Acceptance criteria", description="What must hold when it is done."),
    ] = ()
    tasks: Annotated[
        tuple[TaskId, ...],
        Field(
            title="Tasks",
            description=("Ids of its tasks in reading order. What counts is the plan field of each task."),
        ),
    ] = ()
    workflow: Annotated[
        Text | None, Field(title="Workflow", description="Name of the workflow it was made from.")
    ] = None
    milestone: Annotated[
        Text | None, Field(title="Milestone", description="Name of a milestone from tasks/config.yaml.")
    ] = None
    created: Annotated[Text | None, Field(title="Created", description="Time, ISO 8601.")] = None
