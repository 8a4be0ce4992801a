"""What an agent may hand over during an attempt: small validated items, read by the runner as untrusted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, field_validator

from gitbaton.domain.choices import Complexity, Priority, Type
from gitbaton.domain.document import NonEmptyText, Part, TaskId, Text, TitleText
from gitbaton.domain.handoff import DATA_BYTES_MAX, Decision, Handoff, NextAction
from gitbaton.domain.task import Criterion
from gitbaton.domain.wording import cut_text, measure_block

if TYPE_CHECKING:
    from collections.abc import Sequence

ItemKind = Literal["note", "context", "complete", "question", "task"]
#: Together these keep a handoff file far below the size that is still read (1 MiB).
TEXT_MAX = 20_000
QUESTION_MAX = 4_000  # it stands in the state too, which every clone reads
ENTRIES_MAX = 500
RESULT_BYTES_MAX = 256 * 1024
#: The reader's own limit is 64; a handoff adds a few levels around what an agent says.
DEPTH_MAX = 32
TASKS_MAX = 50
_FEW, _LINE = 100, 200


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
    description: Annotated[Text | None, Field(max_length=TEXT_MAX)] = None
    acceptance: Annotated[tuple[Criterion, ...], Field(max_length=_FEW)] = ()
    depends_on: Annotated[tuple[TaskId, ...], Field(max_length=_FEW)] = ()
    parent: TaskId | None = None
    plan: TaskId | None = None
    type: Type = "task"
    priority: Priority = "medium"
    role: Annotated[Text | None, Field(max_length=_LINE)] = None
    complexity: Complexity | None = None
    paths: Annotated[tuple[NonEmptyText, ...], Field(max_length=_FEW)] = ()
    labels: Annotated[tuple[NonEmptyText, ...], Field(max_length=_FEW)] = ()

    @field_validator("title", mode="before")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        return " ".join(value.split()) if isinstance(value, str) else value


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


class Collected(NamedTuple):
    """Everything an attempt handed over, folded into one and fit to be kept: the handoff's fields stay below
    the limits of a handoff file, notes stand in its ``data``. ``result_problem`` says why a structured result
    can't be kept; ``complaints`` name what was left out.
    """

    handoff: AgentHandoff = AgentHandoff()
    question: str | None = None
    tasks: tuple[ProposedTask, ...] = ()
    result: Any = None
    result_problem: str | None = None
    complaints: tuple[str, ...] = ()


def collect(items: Sequence[Item], complaints: Sequence[str] = ()) -> Collected:
    """Fold items in order: the last word of a field wins, lists grow without repeating. Values must be clean
    (``clean_value``) and not deeper than ``DEPTH_MAX``.
    """
    fields: dict[str, Any] = {}
    problems = list(complaints)
    notes = [i.text for i in items if i.kind == "note" and i.text]
    questions = [i.text for i in items if i.kind == "question" and i.text]
    tasks = [i.task for i in items if i.kind == "task" and i.task]
    results = [i.result for i in items if i.result is not None]
    for item in items:
        for name in item.handoff.model_fields_set:
            fields[name] = _merge(fields.get(name), getattr(item.handoff, name))
    if questions:
        fields["questions"] = _merge(fields.get("questions"), tuple(questions))
    fields = {name: _bound(name, value, problems) for name, value in fields.items()}
    if data := _fit_data(fields.pop("data", {}), notes, problems):
        fields["data"] = data
    handoff = AgentHandoff.model_validate(fields)
    if not questions and handoff.next_action == "needs_input":
        questions = list(handoff.questions)
    if len(tasks) > TASKS_MAX:
        problems.append(f"only the first {TASKS_MAX} of {len(tasks)} proposed tasks were kept")
    result = results[-1] if results else None
    too_large = measure_block(result) > RESULT_BYTES_MAX
    return Collected(
        handoff=handoff,
        question=cut_text("\n\n".join(dict.fromkeys(questions)), QUESTION_MAX) or None,
        tasks=tuple(tasks[:TASKS_MAX]),
        result=None if too_large else result,
        result_problem=f"it takes more than {RESULT_BYTES_MAX // 1024} KiB" if too_large else None,
        complaints=tuple(problems),
    )


def _merge(old: Any, new: Any) -> Any:
    """The later word: for lists both, without repeating; for objects the fields of both."""
    if isinstance(new, tuple):  # one more than may stay, so that the rest is noticed
        return tuple(dict.fromkeys((*(old or ()), *new)))[: ENTRIES_MAX + 1]
    return {**(old or {}), **new} if isinstance(new, dict) else new


def _bound(name: str, value: Any, problems: list[str]) -> Any:
    """``value`` of a handoff's field, cut to what a handoff may hold."""
    if isinstance(value, str) and len(value) > TEXT_MAX:
        problems.append(f"{name} was cut to {TEXT_MAX:,} characters")
        return cut_text(value, TEXT_MAX)
    if not isinstance(value, tuple):
        return value
    kept, room = [], TEXT_MAX
    for entry in value[:ENTRIES_MAX]:
        room -= measure_block(entry.model_dump() if isinstance(entry, Decision) else entry)
        if room < 0:
            break
        kept.append(entry)
    if len(kept) < len(value):
        problems.append(f"only the first {len(kept)} entries of {name} were kept")
    return tuple(kept)


def _fit_data(data: dict[str, Any], notes: list[str], problems: list[str]) -> dict[str, Any]:
    """``data`` with the notes in it: all that fit, the newest before older ones."""
    if not _fits(data):
        problems.append("data was left out: it is too large")
        data = {}
    kept: list[str] = []
    for note in reversed(notes):
        if not _fits({**data, "notes": [cut_text(note, TEXT_MAX), *kept]}):
            problems.append(f"only the newest {len(kept)} of {len(notes)} notes were kept")
            break
        kept.insert(0, cut_text(note, TEXT_MAX))
    return {**data, "notes": kept} if kept else data


def _fits(data: dict[str, Any]) -> bool:
    escaped = len(json.dumps(data).encode())  # as Handoff measures it
    return max(escaped, measure_block(data)) <= DATA_BYTES_MAX
