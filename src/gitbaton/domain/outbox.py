"""What an agent may hand over during an attempt: small validated items, read by the runner as untrusted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from gitbaton.domain.document import NonEmptyText, Part, Text, TitleText
from gitbaton.domain.handoff import Decision, Handoff, NextAction
from gitbaton.domain.task import Complexity, Criterion, Priority, TaskId, Type

ItemKind = Literal["note", "context", "complete", "question", "task"]


class AgentHandoff(Part):
    """The fields of a handoff that its author may fill in; the rest is the runner's to say."""

    summary: Annotated[Text | None, Field(description="What was done, in a few sentences.")] = None
    completed: Annotated[
        tuple[NonEmptyText, ...], Field(max_length=500, description="What is finished.")
    ] = ()
    remaining: Annotated[tuple[NonEmptyText, ...], Field(max_length=500, description="What is not.")] = ()
    decisions: Annotated[tuple[Decision, ...], Field(max_length=500, description="Choices and reasons.")] = ()
    blockers: Annotated[
        tuple[NonEmptyText, ...], Field(max_length=500, description="What stands in the way.")
    ] = ()
    questions: Annotated[
        tuple[NonEmptyText, ...], Field(max_length=500, description="What a person must answer.")
    ] = ()
    next_steps: Annotated[
        tuple[NonEmptyText, ...], Field(max_length=500, description="What to do next.")
    ] = ()
    artifacts: Annotated[
        tuple[NonEmptyText, ...], Field(max_length=500, description="Paths or links of results.")
    ] = ()
    tests_passing: Annotated[bool | None, Field(description="Whether the tests pass.")] = None
    next_action: Annotated[NextAction | None, Field(description="What should happen next.")] = None
    guidance: Annotated[Text | None, Field(description="Free words to whoever goes on.")] = None
    data: Annotated[dict[str, Any], Field(description="Anything else; 64 KiB as JSON at the most.")] = {}

    @field_validator("decisions", mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return (
            [{"decision": v} if isinstance(v, str) else v for v in value]
            if isinstance(value, list | tuple)
            else value
        )

    @field_validator("data")
    @classmethod
    def _bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        Handoff(data=value)
        return value


class ProposedTask(Part):
    """A task that the agent proposes; it becomes a draft that the review decides on."""

    id: TaskId | None = None
    title: TitleText
    description: Text | None = None
    acceptance: tuple[Criterion, ...] = ()
    depends_on: tuple[TaskId, ...] = ()
    parent: TaskId | None = None
    plan: TaskId | None = None
    type: Type = "task"
    priority: Priority = "medium"
    role: Text | None = None
    complexity: Complexity | None = None
    paths: tuple[NonEmptyText, ...] = ()
    labels: tuple[NonEmptyText, ...] = ()


class Item(Part):
    """One thing handed over. ``handoff`` goes with context and complete, ``text`` with note and question,
    ``task`` with task; ``result`` is the structured result.
    """

    kind: ItemKind
    text: Text | None = None
    percent: Annotated[int | None, Field(ge=0, le=100)] = None
    handoff: AgentHandoff = AgentHandoff()
    task: ProposedTask | None = None
    result: Any = None


class Collected(Part):
    """Everything an attempt handed over, folded into one."""

    handoff: AgentHandoff = AgentHandoff()
    question: Text | None = None
    completed: bool = False
    notes: tuple[str, ...] = ()
    tasks: tuple[ProposedTask, ...] = ()
    result: Any = None
    complaints: tuple[str, ...] = ()


def collect(items: list[Item], complaints: list[str]) -> Collected:
    """Fold items in order: the last word of a field wins, lists grow without repeating."""
    fields: dict[str, Any] = {}
    notes: list[str] = []
    tasks: list[ProposedTask] = []
    question, result, completed = None, None, False
    for item in items:
        for name in item.handoff.model_fields_set:
            value = getattr(item.handoff, name)
            if isinstance(value, tuple):
                value = (
                    tuple(dict.fromkeys([*fields.get(name, ()), *value]))
                    if name != "decisions"
                    else (*fields.get(name, ()), *(v for v in value if v not in fields.get(name, ())))
                )
            elif isinstance(value, dict):
                value = {**fields.get(name, {}), **value}
            fields[name] = value
        if item.kind == "note" and item.text:
            notes.append(item.text)
        elif item.kind == "question" and item.text:
            question = item.text
        elif item.kind == "task" and item.task:
            tasks.append(item.task)
        elif item.kind == "complete":
            completed = True
        if item.result is not None:
            result = item.result
    handoff = AgentHandoff.model_construct(**{**AgentHandoff().__dict__, **fields})
    if question is None and handoff.next_action == "needs_input" and handoff.questions:
        question = "\n".join(handoff.questions)
    return Collected.model_construct(
        handoff=handoff, question=question, completed=completed, notes=tuple(notes), tasks=tuple(tasks), result=result,
        complaints=tuple(complaints),
    )  # fmt: skip
