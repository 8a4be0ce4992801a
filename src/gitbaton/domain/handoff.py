"""The handoff file: what an attempt or a session did, and what the next one must know. Never rewritten."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from gitbaton.domain.document import Document, NonEmptyText, Part, TaskId, Text
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage

NextAction = Literal["continue", "needs_revision", "blocked", "needs_input", "complete"]
DATA_BYTES_MAX = 64 * 1024
_LIST_MAX = 500


class Decision(Part):
    """A choice that was made, and why."""

    decision: Annotated[NonEmptyText, Field(description="What was decided.")]
    reason: Annotated[Text | None, Field(description="Why.")] = None


class CheckResult(Part):
    """How a check ended, as the runner itself saw it."""

    name: Annotated[NonEmptyText, Field(description="Name of the check.")]
    passed: Annotated[bool, Field(strict=True, description="Whether it succeeded.")]
    exit_code: Annotated[
        int | None, Field(strict=True, description="Its exit code, if it ended by itself.")
    ] = None
    seconds: Annotated[float | None, Field(strict=True, ge=0, description="How long it took.")] = None
    output: Annotated[Text | None, Field(description="The end of what it printed.")] = None


class PeerFinding(Part):
    """Something that a second agent found in the work."""

    place: Annotated[NonEmptyText, Field(description="Where: a path, with a line where there is one.")]
    what: Annotated[NonEmptyText, Field(description="What is wrong, or missing.")]
    why: Annotated[Text | None, Field(description="Why it matters.")] = None
    weight: Annotated[
        Literal["must", "should", "note"],
        Field(description="must: to be mended before it is merged. should: better so. note: worth knowing."),
    ] = "should"


class PeerReview(Part):
    """What a second agent says about the work, after it passed its checks."""

    agent: Annotated[Text | None, Field(description="Name of the agent that reviewed it.")] = None
    verdict: Annotated[
        Literal["accept", "change"] | None,
        Field(description="change: it wants something mended first. Unset: there was no review."),
    ] = None
    summary: Annotated[Text | None, Field(description="What it thinks of the work, in a sentence.")] = None
    findings: Annotated[
        tuple[PeerFinding, ...], Field(max_length=_LIST_MAX, description="What it found.")
    ] = ()
    reviews: Annotated[
        int | None,
        Field(strict=True, ge=1, description="How often it looked; more than once: after changes."),
    ] = None
    error: Annotated[Text | None, Field(description="Why there was no review.")] = None


class Handoff(Document):
    """What was done, and what the next one must know. Written once, as a new file."""

    model_config = ConfigDict(
        title="Handoff",
        json_schema_extra={
            "examples": [
                {
                    "task": "add-login-endpoint",
                    "summary": "The endpoint works; the lock-out after five tries is missing.",
                    "completed": ["POST /login answers 200 and sets the session cookie"],
                    "remaining": ["Lock an account for a minute after five wrong passwords"],
                    "decisions": [
                        {"decision": "Sessions stay in the database", "reason": "There are two servers"}
                    ],
                    "next_action": "continue",
                }
            ],
        },
    )

    task: Annotated[
        TaskId | None, Field(title="Task", description="Task it is about; unset for a session.")
    ] = None
    attempt: Annotated[
        int | None, Field(strict=True, ge=1, title="Attempt", description="Number of the attempt.")
    ] = None
    run: Annotated[Text | None, Field(title="Run", description="Run id of the attempt.")] = None
    agent: Annotated[
        Text | None, Field(title="Agent", description="Who did it: an agent's or a person's name.")
    ] = None
    created: Annotated[Text | None, Field(title="Created", description="Time, ISO 8601.")] = None
    outcome: Annotated[
        Outcome | None, Field(title="Outcome", description="How the attempt ended, as the runner saw it.")
    ] = None
    error: Annotated[Text | None, Field(title="Error", description="What went wrong, in a sentence.")] = None
    incomplete: Annotated[
        bool,
        Field(
            strict=True, title="Incomplete", description="True when the work was cut short, or still goes on."
        ),
    ] = False
    verified: Annotated[
        bool | None,
        Field(
            strict=True,
            title="Verified",
            description="Whether checks run by the runner passed; unset or false: unverified.",
        ),
    ] = None
    summary: Annotated[
        Text | None, Field(title="Summary", description="What was done, in a few sentences.")
    ] = None
    completed: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=_LIST_MAX, title="Completed", description="What is finished."),
    ] = ()
    remaining: Annotated[
        tuple[NonEmptyText, ...], Field(max_length=_LIST_MAX, title="Remaining", description="What is not.")
    ] = ()
    decisions: Annotated[
        tuple[Decision, ...],
        Field(max_length=_LIST_MAX, title="Decisions", description="Choices and reasons."),
    ] = ()
    blockers: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=_LIST_MAX, title="Blockers", description="What stands in the way."),
    ] = ()
    questions: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=_LIST_MAX, title="Questions", description="What a person must answer."),
    ] = ()
    next_steps: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=_LIST_MAX, title="Next steps", description="What to do next."),
    ] = ()
    files_modified: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=10_000, title="Files modified", description="Paths that changed."),
    ] = ()
    artifacts: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=_LIST_MAX, title="Artifacts", description="Paths or links of results."),
    ] = ()
    checks: Annotated[
        tuple[CheckResult, ...],
        Field(max_length=_LIST_MAX, title="Checks", description="Checks the runner ran."),
    ] = ()
    rounds: Annotated[
        tuple[NonEmptyText, ...],
        Field(
            max_length=_LIST_MAX,
            title="Rounds",
            description="What the runner handed back to the agent within this attempt, in order.",
        ),
    ] = ()
    peer_review: Annotated[
        PeerReview | None,
        Field(title="Peer review", description="What a second agent said about the work."),
    ] = None
    tests_passing: Annotated[
        bool | None,
        Field(strict=True, title="Tests passing", description="Whether the tests pass, as the author says."),
    ] = None
    next_action: Annotated[
        NextAction | None, Field(title="Next action", description="What should happen next.")
    ] = None
    guidance: Annotated[
        Text | None, Field(title="Guidance", description="Free words to whoever goes on.")
    ] = None
    data: Annotated[
        dict[str, Any], Field(title="Data", description="Anything else; 64 KiB as JSON at the most.")
    ] = {}
    result: Annotated[
        Any, Field(title="Result", description="Structured result that met the task's result_schema.")
    ] = None
    usage: Annotated[Usage | None, Field(title="Usage", description="What it cost.")] = None
    supersedes: Annotated[
        tuple[NonEmptyText, ...],
        Field(max_length=_LIST_MAX, title="Supersedes", description="Earlier handoffs that no longer hold."),
    ] = ()

    @field_validator("data")
    @classmethod
    def _bounded(cls, value: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(value, default=str).encode()) > DATA_BYTES_MAX:
            raise ValueError(
                "data is larger than 64 KiB; put large results into files and name them in artifacts"
            )
        return value
