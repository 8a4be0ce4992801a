"""A list of tasks that somebody broke a goal down into, before any of them has a file: by hand, or by an agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, field_validator

from gitbaton.domain.document import NonEmptyText, Part, TaskId, Text, TitleText
from gitbaton.domain.task import Criterion, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: More than this is no plan that a person reads.
TASKS_MAX = 500
#: Fields of a task that a list doesn't give: who says them, in words.
OTHERS_SAY = {
    "plan": "the command says which plan it is",
    "created": "it is created now",
    "version": "a list has no version",
    "imported": "nothing is imported here",
}


class GivenTask(Task):
    """A task of a list. ``depends_on`` and ``parent`` name others of the list by id, number or title, or tasks that
    there are. An item with the id of a task of the plan changes that task, where the plan is revised.
    """

    id: Annotated[TaskId | None, Field(description="Its id; made from the title where it has none.")] = None
    title: TitleText = ""
    depends_on: Annotated[
        tuple[NonEmptyText, ...],
        Field(description="Tasks that must be done first: id, number in this list, or title."),
    ] = ()
    parent: Annotated[NonEmptyText | None, Field(description="Task that this is a part of.")] = None

    @field_validator("title", mode="before")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        return " ".join(value.split()) if isinstance(value, str) else value


def _named(value: Any) -> Any:
    if isinstance(value, dict) and len(value) == 1:
        name = str(next(iter(value)))
        if " " in name or name[:1].isupper():  # "- Add it: now" is a mapping for YAML
            raise ValueError(f'a title with a colon needs quotes: "{name}: …"')
    return value if isinstance(value, dict | GivenTask) else {"title": value}


#: ``- some text`` is short for ``- title: some text``.
GivenItem = Annotated[
    GivenTask, BeforeValidator(_named, json_schema_input_type=GivenTask | NonEmptyText)
]  # fmt: skip


class Breakdown(Part):
    """A goal, and the tasks that reach it."""

    title: Annotated[TitleText | None, Field(description="The plan in one line.")] = None
    goal: Annotated[Text | None, Field(description="What will be true when it is done.")] = None
    description: Annotated[Text | None, Field(description="How it was broken down, and why.")] = None
    acceptance: tuple[Criterion, ...] = ()
    tasks: Annotated[tuple[GivenItem, ...], Field(max_length=TASKS_MAX)]


class Given(NamedTuple):
    """An item of a list: the fields as they were written, and what they mean."""

    raw: dict[str, Any]
    task: GivenTask


def list_given(raw: Sequence[Any], tasks: Sequence[GivenTask]) -> list[Given]:
    """The items of a list, each with what was written for it."""
    return [
        Given(_fields(one if isinstance(one, dict) else {"title": one}, task), task)
        for one, task in zip(raw, tasks, strict=True)
    ]


def _fields(raw: Mapping[str, Any], task: GivenTask) -> dict[str, Any]:
    """What is written to the file, with the title as one line. None stands for a field that is to say nothing."""
    kept = {k: v if v not in ([], {}, "") else None for k, v in raw.items() if k not in ("id", *OTHERS_SAY)}
    return {**kept, "title": task.title} if task.title else kept
