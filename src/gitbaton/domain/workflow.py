"""The workflow file: a recipe of steps that becomes plain tasks; nothing hidden runs later."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from gitbaton.domain.choices import Complexity, Priority, Type
from gitbaton.domain.document import Document, NonEmptyText, Part, TaskId, Text, TitleText
from gitbaton.domain.task import Criterion


class Parameter(Part):
    """Something to fill in when the workflow is used; {{name}} in texts of the steps stands for it."""

    description: Annotated[Text | None, Field(description="What to give.")] = None
    default: Annotated[Text | None, Field(description="Used when nothing is given.")] = None
    required: Annotated[bool, Field(strict=True, description="Refuse to start without it.")] = False


class Step(Part):
    """One step, which becomes one task."""

    id: Annotated[TaskId, Field(description="Name within the workflow.")]
    title: Annotated[TitleText, Field(description="Title of the task.")]
    description: Annotated[Text | None, Field(description="Description of the task.")] = None
    acceptance: Annotated[tuple[Criterion, ...], Field(description="Acceptance criteria of the task.")] = ()
    role: Annotated[Text | None, Field(description="Role of the task.")] = None
    type: Annotated[Type | None, Field(description="Type of the task.")] = None
    priority: Annotated[Priority | None, Field(description="Priority of the task.")] = None
    complexity: Annotated[Complexity | None, Field(description="Complexity of the task.")] = None
    depends_on: Annotated[tuple[TaskId, ...], Field(description="Steps that come before.")] = ()
    paths: Annotated[tuple[NonEmptyText, ...], Field(description="Globs the task may touch.")] = ()
    when: Annotated[
        Text | None, Field(description="Parameter that must be set for this step to be used.")
    ] = None


class Workflow(Document):
    """A recipe of steps that become tasks. Its name is the file's."""

    model_config = ConfigDict(
        title="Workflow",
        json_schema_extra={
            "examples": [
                {
                    "title": "Add an endpoint",
                    "parameters": {"name": {"description": "Path of the endpoint", "required": True}},
                    "steps": [
                        {"id": "build", "title": "Add {{name}}", "role": "implementer"},
                        {"id": "describe", "title": "Document {{name}}", "depends_on": ["build"]},
                    ],
                }
            ],
        },
    )

    title: Annotated[TitleText, Field(title="Title", description="The workflow in one line.")]
    description: Annotated[Text | None, Field(title="Description", description="When to use it.")] = None
    parameters: Annotated[
        dict[str, Parameter], Field(title="Parameters", description="What to fill in, by name.")
    ] = {}
    steps: Annotated[tuple[Step, ...], Field(min_length=1, title="Steps", description="At least one.")]
