"""The tools of ``baton mcp``, one method each: it translates, and calls the use-case of its name.

The docstrings and the descriptions of arguments are what a model reads, so they are short. Optional text is
``""`` and not None: the SDK would take text that looks like JSON for JSON.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, JsonValue

from gitbaton.domain.board import EffectiveState  # noqa: TC001 the SDK evaluates annotations
from gitbaton.domain.choices import Complexity, Priority, Type  # noqa: TC001 as above
from gitbaton.errors import UsageError
from gitbaton.mcp_answers import (
    ContextFound,
    NextTask,
    TaskList,
    TaskText,
    Written,
    brief,
    describe_next,
    describe_write,
    page,
)
from gitbaton.mcp_history import describe_context, describe_task

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.usecases.project import Project

Texts = tuple[str, ...]
OwnId = Annotated[str, Field(description="Task id; optional inside an attempt")]
Remaining = Annotated[Texts, Field(description="What is not finished")]
Decisions = Annotated[Texts, Field(description="Choices made, each with its reason")]
NextSteps = Annotated[Texts, Field(description="What to do next")]

#: Whatever JSON can say, in a way that every client's schema dialect knows.
_JSON_TYPES: tuple[JsonValue, ...] = ("object", "array", "string", "number", "boolean")
_UNFINISHED: tuple[EffectiveState, ...] = (
    "draft", "held", "waiting", "ready", "in_progress", "stale", "needs_input", "in_review",
    "changes_requested", "failed", "stopped", "closed", "taken_over",
)  # fmt: skip
_HANDED_OVER = "handed over; the runner reads it when this attempt ends"


class Tools:
    """``open_project`` is called for every call, so that what changed on disk is seen. Use-cases are imported when
    they are first called: a client waits for the server to start.
    """

    def __init__(self, open_project: Callable[[], Project], *, quick: bool = False) -> None:
        self._open = open_project
        self._quick = quick

    def next_task(
        self,
        claim: Annotated[bool, Field(description="Also claim it, for the person you work for")] = False,
        id: Annotated[str, Field(description="Claim this task instead of the next")] = "",
        label: Annotated[str, Field(description="Only tasks with this label")] = "",
        plan: Annotated[str, Field(description="Only tasks of this plan")] = "",
    ) -> NextTask:
        """Which ready task comes next, and why. Read it whole with get_task."""
        from gitbaton.usecases.board import next_task
        from gitbaton.usecases.choosing import Filters
        from gitbaton.usecases.claim import Claim, claim_as_person

        wanted = Filters((label,) if label else (), plan or None)
        if not claim:
            if id:
                raise UsageError(
                    "an id only goes with claim", code="usage", hint="get_task shows a task and its state"
                )
            from gitbaton.quick import look, remember

            is_plain = self._quick and not (label or plan)
            if is_plain and (said := look(os.environ)):
                return describe_next(said[1])
            project = self._open()
            choice = next_task(project, wanted)
            if is_plain and choice.entry:
                remember(project)
            return NextTask(task=brief(choice.entry) if choice.entry else None, reason=choice.reason)
        project = self._open()
        got = claim_as_person(project, id or None, among=wanted, through="mcp")
        if not isinstance(got, Claim):
            return NextTask(reason=got.reason)
        task = brief(got.entry)
        task.state = "in_progress"
        return NextTask(
            task=task, reason=got.reason, claimed=True, note=f"to give it back: baton stop {task.id}"
        )

    def list_tasks(
        self,
        state: Annotated[
            tuple[EffectiveState, ...],
            Field(description="Only these states; default: all but done and cancelled"),
        ] = (),
        ready: Annotated[bool, Field(description="Only what can be claimed now, best first")] = False,
        label: Annotated[str, Field(description="Only tasks with this label")] = "",
        plan: Annotated[str, Field(description="Only tasks of this plan")] = "",
        role: Annotated[str, Field(description="Only tasks of this role")] = "",
        limit: Annotated[int, Field(ge=1, le=100, description="How many")] = 20,
        after: Annotated[str, Field(description="Go on behind this id, from the last page's `after`")] = "",
    ) -> TaskList:
        """Tasks with their states, by id, a page at a time. `blocked_by` are the unfinished tasks that one waits for."""
        from gitbaton.usecases.board import list_tasks

        project = self._open()
        found = list_tasks(
            project,
            states=state or _UNFINISHED,
            ready=ready,
            label=label or None,
            plan=plan or None,
            role=role or None,
        )
        note = (
            "as of the start of this attempt; who works on other tasks is not known here"
            if project.outbox
            else None
        )
        answer = page(found, limit=limit, after=after, note=note)
        if answer is None:
            raise UsageError(
                f"'{after}' is not in this list any more", code="lost-place", hint="list again without after"
            )
        return answer

    def get_task(self, id: OwnId = "") -> TaskText:
        """One task in full: text, acceptance criteria, state and why, attempts, newest handoff."""
        from gitbaton.usecases.board import show_task

        project = self._open()
        return describe_task(show_task(project, id or None), project.repo.config.run.context_tokens)

    def create_task(
        self,
        title: Annotated[str, Field(description="What is to be done, in one line")],
        description: Annotated[str, Field(description="What and why, in Markdown")] = "",
        acceptance: Annotated[Texts, Field(description="What must hold when it is done")] = (),
        depends_on: Annotated[Texts, Field(description="Ids of tasks that must be done first")] = (),
        priority: Annotated[Priority | None, Field(description="Default: medium")] = None,
        type: Annotated[Type | None, Field(description="Default: task")] = None,
        role: Annotated[str, Field(description="Specialist who should do it")] = "",
        parent: Annotated[str, Field(description="Id of the task it is a part of")] = "",
        plan: Annotated[str, Field(description="Id of its plan")] = "",
        paths: Annotated[Texts, Field(description="Globs of files it may change; default: any")] = (),
        labels: Texts = (),
        complexity: Complexity | None = None,
        id: Annotated[str, Field(description="Default: made from the title")] = "",
        draft: Annotated[bool, Field(description="Nobody starts a draft")] = False,
    ) -> Written:
        """Write a new task file and commit it. Inside an attempt: propose it; the review decides."""
        from gitbaton.usecases.adding import add_task

        fields = {
            "title": title, "description": description or None, "acceptance": list(acceptance),
            "depends_on": list(depends_on), "priority": priority, "type": type, "role": role or None,
            "parent": parent or None, "plan": plan or None, "paths": list(paths), "labels": list(labels),
            "complexity": complexity, "status": "draft" if draft else None,
        }  # fmt: skip
        done = add_task(self._open(), fields, task_id=id or None)
        return describe_write(
            done.task,
            done.path,
            done.edited,
            handed_over="proposed; the review of this attempt decides on it",
        )

    def update_task(
        self,
        id: str,
        fields: Annotated[
            dict[str, Any] | None,
            Field(
                description='Fields to set, null removes: {"priority": "high", "run.timeout": "30m", "hold": null}'
            ),
        ] = None,
        add: Annotated[
            dict[str, list[str | dict[str, Any]]] | None,
            Field(description='Items to add to lists: {"depends_on": ["other-id"]}'),
        ] = None,
        remove: Annotated[
            dict[str, list[str | dict[str, Any]]] | None, Field(description="Items to remove from lists")
        ] = None,
    ) -> Written:
        """Change a task and commit it. Fields are those of create_task and status (draft, todo, done, cancelled), hold,
        context, milestone, assignee, estimate, run, result_schema. To finish work use complete_task.
        """
        from gitbaton.usecases.tasks import update_task

        done = update_task(self._open(), id, fields=fields, add=add, remove=remove)
        return describe_write(done.task, done.path, done.edited, handed_over=_HANDED_OVER)

    def complete_task(
        self,
        summary: Annotated[str, Field(min_length=1, description="What was done, in a few sentences")],
        id: OwnId = "",
        decisions: Decisions = (),
        remaining: Remaining = (),
        next_steps: NextSteps = (),
        artifacts: Annotated[Texts, Field(description="Paths or links of results")] = (),
        tests_passing: bool | None = None,
        guidance: Annotated[
            str, Field(description="What whoever builds on this must know, in your words")
        ] = "",
        result: Annotated[
            Any,
            Field(
                description="The structured result, if the task has a result_schema",
                json_schema_extra={"anyOf": [{"type": t} for t in _JSON_TYPES]},
            ),
        ] = None,
    ) -> Written:
        """Say that a task is done, with a handoff for those who build on it. Sets status: done in one commit, marked
        unverified. Inside an attempt the runner then checks the work.
        """
        from gitbaton.usecases.context import complete_task

        fields = {
            "summary": summary, "decisions": list(decisions), "remaining": list(remaining),
            "next_steps": list(next_steps), "artifacts": list(artifacts), "tests_passing": tests_passing,
            **({"guidance": guidance, "next_action": "continue"} if guidance else {}),
        }  # fmt: skip
        done = complete_task(self._open(), id or None, fields, result=result)
        return describe_write(
            done.task,
            done.path,
            done.edited,
            handed_over="handed over; the runner checks the work when you end",
        )

    def save_context(
        self,
        id: Annotated[
            str, Field(description="Task it is about; empty: this attempt's, else the session as such")
        ] = "",
        note: Annotated[str, Field(description="Something worth keeping")] = "",
        question: Annotated[
            str, Field(description="What only a person can answer; inside an attempt, end after asking")
        ] = "",
        summary: Annotated[str, Field(description="How things stand, in a few sentences")] = "",
        completed: Annotated[Texts, Field(description="What is finished")] = (),
        remaining: Remaining = (),
        decisions: Decisions = (),
        blockers: Annotated[Texts, Field(description="What stands in the way")] = (),
        next_steps: NextSteps = (),
        next_action: Annotated[
            Literal["continue", "needs_revision", "blocked"] | None,
            Field(description="blocked: it can't go on without somebody else"),
        ] = None,
    ) -> Written:
        """Leave a note, a question or a handoff for the next session or attempt, in a file of its own and one commit."""
        from gitbaton.usecases.context import save_context

        fields = {
            "summary": summary, "completed": list(completed), "remaining": list(remaining), "decisions": list(decisions),
            "blockers": list(blockers), "next_steps": list(next_steps), "next_action": next_action,
        }  # fmt: skip
        done = save_context(self._open(), id or None, fields, note=note or None, question=question or None)
        return describe_write(done.task, done.path, done.edited, handed_over=_HANDED_OVER)

    def get_context(
        self,
        id: Annotated[
            str, Field(description="Task; empty: this attempt's, else all tasks and sessions")
        ] = "",
        limit: Annotated[
            int, Field(ge=0, le=200, description="How many; 0: all of a task, 5 of everything")
        ] = 0,
        budget: Annotated[int, Field(ge=0, description="Tokens for all; 0: as configured")] = 0,
    ) -> ContextFound:
        """The newest handoffs: what was done, decided and left open. Where room is short, older ones tell only decisions,
        questions and failures; `path` has all.
        """
        from gitbaton.usecases.context import get_context

        return describe_context(
            get_context(self._open(), id or None, limit=limit or None, tokens=budget or None)
        )
