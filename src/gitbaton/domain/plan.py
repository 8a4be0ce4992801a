"""The plan file: a goal and the tasks it was broken down into. Merging it approves it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gitbaton.domain.document import Document, NonEmptyText, Text
from gitbaton.domain.task import Criterion, TaskId


class Plan(Document):
    """A goal that several tasks serve. A task names its plan in its own file."""

    model_config = ConfigDict(title="Plan")

    title: Annotated[NonEmptyText, Field(max_length=200, title="Title", description="The plan in one line.")]
    goal: Annotated[
        Text | None, Field(title="Goal", description="What will be true when it is done, in Markdown.")
    ] = None
    status: Annotated[
        Literal["draft", "active", "closed"], Field(title="Status", description="Missing means active.")
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
        Field(title="Tasks", description="Its tasks in reading order; the tasks' own plan field decides."),
    ] = ()
    workflow: Annotated[Text | None, Field(title="Workflow", description="Workflow it was made from.")] = None
    milestone: Annotated[
        Text | None, Field(title="Milestone", description="Name of a milestone from the config.")
    ] = None
    created: Annotated[Text | None, Field(title="Created", description="Time, ISO 8601.")] = None
