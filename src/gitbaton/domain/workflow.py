"""The workflow file: a recipe of steps that becomes plain tasks; nothing hidden runs later."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from gitbaton.domain.choices import Complexity, Priority, Type
from gitbaton.domain.document import Document, NonEmptyText, Part, TaskId, Text, TitleText
from gitbaton.domain.task import Criterion, TaskRun


class Parameter(Part):
    """Something to fill in when the workflow is used; {{name}} in texts of the steps stands for it."""

    description: Annotated[Text | None, Field(description="What to give.")] = None
    default: Annotated[Text | None, Field(description="Used when nothing is given.")] = None
    required: Annotated[bool, Field(strict=True, description="Refuse to start without it.")] = False
    one_of: Annotated[tuple[NonEmptyText, ...], Field(description="The only values it may have.")] = ()


class Step(Part):
    """One step, which becomes one task. A line of the description, or an item of a list, that names a parameter that
    isn't set is left out.
    """

    id: Annotated[TaskId, Field(description="Name within the workflow.")]
    title: Annotated[TitleText, Field(description="Title of the task.")]
    description: Annotated[Text | None, Field(description="Description of the task.")] = None
    acceptance: Annotated[tuple[Criterion, ...], Field(description="Acceptance criteria of the task.")] = ()
    role: Annotated[Text | None, Field(description="Role of the task.")] = None
    type: Annotated[Type | None, Field(description="Type of the task.")] = None
    priority: Annotated[Priority | None, Field(description="Priority of the task.")] = None
    complexity: Annotated[Complexity | None, Field(description="Complexity of the task.")] = None
    estimate: Annotated[Text | None, Field(description="How much work it is.", examples=["2 days"])] = None
    depends_on: Annotated[
        tuple[TaskId, ...],
        Field(
            description=(
                "Steps that come before. Where one of them is left out, what it depended on counts instead."
            )
        ),
    ] = ()
    parent: Annotated[
        TaskId | None,
        Field(
            description="Step that this one is a part of, an epic or story. Left out if all its parts are."
        ),
    ] = None
    milestone: Annotated[Text | None, Field(description="Milestone of the task.")] = None
    paths: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            description=(
                "Globs the task may touch. For a value with commas an item of this, labels or context stands once "
                "for each part."
            )
        ),
    ] = ()
    labels: Annotated[tuple[NonEmptyText, ...], Field(description="Labels of the task.")] = ()
    context: Annotated[tuple[NonEmptyText, ...], Field(description="Files and links to read first.")] = ()
    assignee: Annotated[Text | None, Field(description="Person who should do it.")] = None
    hold: Annotated[Text | None, Field(description="Why nobody starts it before a person releases it.")] = (
        None
    )
    run: Annotated[
        TaskRun | None,
        Field(
            description=(
                "How attempts at the task run. In the command of a check a value is quoted as one word, "
                "unless it is all of it."
            )
        ),
    ] = None
    when: Annotated[
        Text | None,
        Field(
            description=(
                "Use this step only if that holds. One of: name (it is set, and not no, false, off or 0); !name; name == value; "
                "name != value."
            ),
            examples=["migration", "!quick", "risk == high"],
        ),
    ] = None


class Repeat(Part):
    """Steps that are done several times, each time as tasks of their own. In their texts {{round}} is the number of the
    round, {{item}} the item of over.
    """

    steps: Annotated[
        tuple[TaskId, ...], Field(min_length=1, description="Steps of a round, named where they stand.")
    ]
    times: Annotated[
        Text | None,
        Field(description="How many rounds, 0 to 20. Give this or over.", examples=["3", "{{rounds}}"]),
    ] = None
    over: Annotated[
        Text | None,
        Field(description="A round for each item: a list with commas between.", examples=["{{milestones}}"]),
    ] = None
    at_once: Annotated[
        bool, Field(strict=True, description="True: the rounds don't wait for one another.")
    ] = False


class Workflow(Document):
    """A recipe of steps that become tasks. Its name is the file's; it replaces a built-in one of that name."""

    model_config = ConfigDict(
        title="Workflow",
        json_schema_extra={
            "examples": [
                {
                    "title": "Add an endpoint",
                    "parameters": {
                        "name": {"description": "Path of the endpoint", "required": True},
                        "audit": {"description": "yes: look at it as an attacker, too", "default": "no"},
                    },
                    "steps": [
                        {"id": "build", "title": "Add {{name}}", "role": "implementer"},
                        {
                            "id": "audit",
                            "title": "Look for holes in {{name}}",
                            "role": "security",
                            "depends_on": ["build"],
                            "when": "audit",
                        },
                        {"id": "describe", "title": "Document {{name}}", "depends_on": ["audit"]},
                    ],
                },
                {
                    "title": "Move modules, one by one",
                    "parameters": {
                        "modules": {"description": "Folders, with commas between", "required": True}
                    },
                    "steps": [
                        {"id": "move", "title": "Move {{item}}", "paths": ["{{item}}/**"]},
                        {"id": "review", "title": "Review the move of {{item}}", "depends_on": ["move"]},
                    ],
                    "repeat": [{"steps": ["move", "review"], "over": "{{modules}}"}],
                },
            ],
        },
    )

    title: Annotated[TitleText, Field(title="Title", description="The workflow in one line.")]
    description: Annotated[Text | None, Field(title="Description", description="When to use it.")] = None
    parameters: Annotated[
        dict[str, Parameter], Field(title="Parameters", description="What to fill in, by name.")
    ] = {}
    steps: Annotated[
        tuple[Step, ...], Field(min_length=1, max_length=200, title="Steps", description="At least one.")
    ]
    repeat: Annotated[
        tuple[Repeat, ...], Field(title="Repeat", description="Steps that are done several times.")
    ] = ()
