"""The lifecycle of a task's live state, as one table.

Theory of operation. The tip of a state ref says where a task stands between two commits of the base
branch. It moves by events, each one commit, published by compare-and-swap. A task without a state ref
stands at ``open``, as does one that was given back. An event is legal from the statuses of its row and
leads to the status of its row; an illegal event raises ``IllegalEvent`` and changes nothing. ``SAME``
leaves the status as it is; ``BEFORE`` returns to where the claim came from, or to ``open`` if it was taken
from somebody whose lease had passed: nobody holds it then.

``stale`` and ``ready`` are not in this table: the board derives them (``domain/board.py``).
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from gitbaton.errors import Refusal

LiveStatus = Literal[
    "open", "in_progress", "needs_input", "in_review", "changes_requested", "failed", "stopped", "closed", "taken_over",
    "merged",
]  # fmt: skip
EventName = Literal[
    "claimed", "withdrawn", "released", "checkpointed", "published", "review_opened", "failed", "asked", "answered",
    "stopped", "changes_requested", "retried", "merged", "closed", "taken_over", "held", "hold_released", "clarified", "reminded",
    "refreshed",
]  # fmt: skip
ALL: tuple[LiveStatus, ...] = get_args(LiveStatus)
SAME: Literal["same"] = "same"
BEFORE: Literal["before"] = "before"


class Rule(NamedTuple):
    """``sources`` → ``target``, caused by ``actor``; ``fenced`` events need the holder's run id."""

    sources: tuple[LiveStatus, ...]
    target: LiveStatus | Literal["same", "before"]
    actor: Literal["runner", "person", "forge"]
    fenced: bool
    words: str


TABLE: dict[EventName, Rule] = {
    # event              from                                                              to              who       fenced  in words
    "claimed":           Rule(("open", "changes_requested", "failed", "in_progress", "taken_over", "merged"), "in_progress", "runner", False, "somebody took it"),
    "withdrawn":         Rule(("in_progress",),                                            BEFORE,         "runner", True,  "the claim was given back at once: a cap or overlapping paths"),
    "released":          Rule(("in_progress",),                                            BEFORE,         "person", False, "a person gave it back"),
    "checkpointed":      Rule(("in_progress", "stopped"),                                  SAME,           "runner", True,  "work in progress was saved"),
    "published":         Rule(("in_progress",),                                            "in_review",    "runner", True,  "the work went to review"),
    "review_opened":     Rule(("in_review",),                                              SAME,           "runner", True,  "the pull request was opened"),
    "failed":            Rule(("in_progress",),                                            "failed",       "runner", True,  "the attempt failed"),
    "asked":             Rule(("in_progress",),                                            "needs_input",  "runner", True,  "the agent asked a person"),
    "answered":          Rule(("needs_input",),                                            "open",         "person", False, "a person answered"),
    "stopped":           Rule(("open", "in_progress", "needs_input", "changes_requested", "failed"), "stopped", "person", False, "a person stopped it"),
    "changes_requested": Rule(("in_review", "closed"),                                     "changes_requested", "person", False, "a reviewer wants more"),
    "retried":           Rule(("failed", "stopped", "closed", "needs_input", "taken_over", "merged"), "open", "person", False, "a person wants another attempt"),
    "merged":            Rule(tuple(s for s in ALL if s != "merged"),                      "merged",       "forge",  False, "the work was merged"),
    "closed":            Rule(("in_review", "changes_requested"),                          "closed",       "forge",  False, "the review was closed without merging"),
    "taken_over":        Rule(("open", "in_progress", "needs_input", "in_review", "changes_requested", "failed", "stopped", "closed"), "taken_over", "person", False, "a person works on the branch"),
    "held":              Rule(ALL,                                                         SAME,           "person", False, "a person put it on hold"),
    "hold_released":     Rule(ALL,                                                         SAME,           "person", False, "a person lifted the hold"),
    "clarified":         Rule(ALL,                                                         SAME,           "person", False, "a person added a clarification"),
    "refreshed":         Rule(("in_review", "changes_requested", "needs_input", "failed", "stopped"), SAME, "person", False, "the base branch was merged into the published work"),
    "reminded":          Rule(("needs_input",),                                            SAME,           "runner", False, "people were reminded of a question"),
}  # fmt: skip


class IllegalEvent(Refusal):
    """The event may not happen from this status; nothing changed."""

    def __init__(self, task: str, event: EventName, status: LiveStatus) -> None:
        super().__init__(
            f"{task} is {status.replace('_', ' ')}: it can't be {event.replace('_', ' ')} from there",
            code="illegal-event",
            hint=f"see where it stands with: baton show {task}",
            data={"task": task, "event": event, "status": status, "allowed_from": list(TABLE[event].sources)},
        )


def apply_event(
    task: str, status: LiveStatus, event: EventName, *, before: LiveStatus | None = None
) -> LiveStatus:
    """The status after ``event``. ``before`` is the status the present claim came from.
    Raises ``IllegalEvent``.
    """
    rule = TABLE[event]
    if status not in rule.sources:
        raise IllegalEvent(task, event, status)
    if rule.target == "same":
        return status
    if rule.target == "before":
        return "open" if before in (None, "in_progress") else before
    return rule.target
