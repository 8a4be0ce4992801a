"""The live state of one task: the document ``state.yaml`` at the tip of its state ref."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gitbaton.domain.document import Document, NonEmptyText, Part, TaskId, Text
from gitbaton.domain.lifecycle import EventName, LiveStatus
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage

ObjectId = Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]


class Event(Part):
    """What happened last: each commit of the state ref is one event."""

    name: Annotated[EventName, Field(description="Name from the lifecycle table.")]
    id: Annotated[NonEmptyText, Field(description="Unique; an event seen twice is applied once.")]
    at: Annotated[NonEmptyText, Field(description="Time, ISO 8601, UTC.")]
    by: Annotated[NonEmptyText, Field(description="Who caused it.")]


class Holder(Part):
    """Who holds the claim. The run id is what counts; this is for people."""

    name: Annotated[NonEmptyText, Field(description="Agent's or person's name.")]
    kind: Annotated[Literal["agent", "person"], Field(description="A person's claim has no lease.")]
    host: Annotated[Text | None, Field(description="Machine or workflow run.")] = None
    through: Annotated[
        Literal["mcp"] | None,
        Field(description="mcp: a session that works with gitbaton's tools, for a person."),
    ] = None


class Attempt(Part):
    """One attempt, past or present."""

    number: Annotated[int, Field(strict=True, ge=1, description="Counts from 1, over all attempts.")]
    run: Annotated[NonEmptyText, Field(description="Run id.")]
    agent: Annotated[NonEmptyText, Field(description="Agent's or person's name.")]
    kind: Annotated[
        Literal["agent", "person", "session"] | None,
        Field(
            description=(
                "Who made it: an agent that gitbaton ran, a person, or a session that took the task through MCP."
            )
        ),
    ] = None
    model: Annotated[
        Text | None,
        Field(description="Model that did it, as the agent reports it, else as it was asked for."),
    ] = None
    started: Annotated[NonEmptyText, Field(description="Time, ISO 8601, UTC.")]
    ended: Annotated[Text | None, Field(description="Time, ISO 8601, UTC; unset while it runs.")] = None
    outcome: Annotated[Outcome | None, Field(description="How it ended.")] = None
    message: Annotated[Text | None, Field(description="How it ended, in a sentence.")] = None
    base: Annotated[ObjectId | None, Field(description="Commit it started from.")] = None
    head: Annotated[ObjectId | None, Field(description="Commit that holds its work.")] = None
    handoff: Annotated[Text | None, Field(description="Path of its handoff file on the task branch.")] = None
    guidance: Annotated[
        tuple[NonEmptyText, ...], Field(description="What a person had asked it to heed.")
    ] = ()
    session: Annotated[Text | None, Field(description="The agent's own session id.")] = None
    usage: Annotated[Usage | None, Field(description="What it cost.")] = None


class PullRequest(Part):
    """Where people review it."""

    number: Annotated[int | None, Field(strict=True, ge=1, description="Its number; unset on bare Git.")] = (
        None
    )
    url: Annotated[Text | None, Field(description="Its address.")] = None


class State(Document):
    """Everything that is live about a task; the tip alone answers every question."""

    model_config = ConfigDict(
        title="State",
        json_schema_extra={
            "examples": [
                {
                    "task": "add-login-endpoint",
                    "status": "in_progress",
                    "event": {"name": "claimed", "id": "k3v9", "at": "2026-01-31T09:00:00Z", "by": "claude"},
                    "run": "q7m2x0a4",
                    "attempt": 1,
                    "attempts": [
                        {"number": 1, "run": "q7m2x0a4", "agent": "claude", "started": "2026-01-31T09:00:00Z"}
                    ],
                }
            ],
        },
    )

    task: Annotated[TaskId, Field(description="The task.")]
    status: Annotated[LiveStatus, Field(description="Where it stands.")]
    event: Annotated[Event, Field(description="What brought it here.")]
    run: Annotated[Text | None, Field(description="Run id of the holder: the fence.")] = None
    attempt: Annotated[int, Field(strict=True, ge=0, description="Number of the newest attempt.")] = 0
    attempt_limit: Annotated[
        int | None,
        Field(
            strict=True,
            ge=0,
            description=("Highest attempt number that needs no person; unset: the config's."),
        ),
    ] = None
    fresh_since: Annotated[
        int | None,
        Field(
            strict=True,
            ge=1,
            description="First attempt since the work began anew from base, after a merge or a closed review.",
        ),
    ] = None
    claimed_by: Annotated[Holder | None, Field(description="Who holds it.")] = None
    claimed_from: Annotated[LiveStatus | None, Field(description="Status before the claim.")] = None
    lease: Annotated[Text | None, Field(description="Time after which others may try, ISO 8601, UTC.")] = None
    watch_url: Annotated[Text | None, Field(description="Where to watch the run.")] = None
    base: Annotated[ObjectId | None, Field(description="Commit of the base branch it was decided on.")] = None
    head: Annotated[ObjectId | None, Field(description="Tip of the task branch as published.")] = None
    branch: Annotated[Text | None, Field(description="Task branch.")] = None
    pull_request: Annotated[PullRequest | None, Field(description="Where people review it.")] = None
    merge: Annotated[ObjectId | None, Field(description="Commit that merged it.")] = None
    guidance: Annotated[tuple[NonEmptyText, ...], Field(description="What the next attempt must heed.")] = ()
    question: Annotated[Text | None, Field(description="What the agent asked.")] = None
    reason: Annotated[Text | None, Field(description="Why it stands here, in a sentence.")] = None
    retry_at: Annotated[
        Text | None, Field(description="Time before which nobody tries again, ISO 8601, UTC.")
    ] = None
    hold: Annotated[Text | None, Field(description="Why nobody should start it.")] = None
    attempts: Annotated[tuple[Attempt, ...], Field(description="Every attempt so far.")] = ()
