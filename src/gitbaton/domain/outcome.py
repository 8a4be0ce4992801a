"""How an attempt can end, as one table: what it means, and whether another attempt may help by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """How one attempt ended."""

    # The values stand in state and handoff files, so they never change.

    SUCCEEDED = "succeeded"
    DELIVERED = "delivered"
    NO_CHANGE = "no_change"
    OUT_OF_SCOPE = "out_of_scope"
    GUARD_REFUSED = "guard_refused"
    CHECKS_FAILED = "checks_failed"
    INVALID_RESULT = "invalid_result"
    AGENT_REFUSED = "agent_refused"
    AGENT_ERROR = "agent_error"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    AUTH = "auth"
    TIMEOUT = "timeout"
    IDLE = "idle"
    TURNS = "turns"
    BUDGET = "budget"
    NEEDS_INPUT = "needs_input"
    BLOCKED = "blocked"
    STOPPED = "stopped"
    LOST_LEASE = "lost_lease"
    TAKEN_OVER = "taken_over"
    CRASHED = "crashed"
    MACHINE_LOST = "machine_lost"


class OutcomeRule(NamedTuple):
    """``good``: the work goes to review. ``transient``: the cause may pass without anybody's help.
    ``infrastructure``: counts for the circuit breaker (nothing to do with the task itself).
    """

    good: bool
    transient: bool
    infrastructure: bool
    words: str


OUTCOMES: dict[Outcome, OutcomeRule] = {
    Outcome.SUCCEEDED: OutcomeRule(True, False, False, "the work passed its checks"),
    Outcome.DELIVERED: OutcomeRule(True, False, False, "the document asked for was delivered"),
    Outcome.NO_CHANGE: OutcomeRule(False, False, False, "the agent changed nothing"),
    Outcome.OUT_OF_SCOPE: OutcomeRule(False, False, False, "the work leaves the task's paths"),
    Outcome.GUARD_REFUSED: OutcomeRule(False, False, False, "a guard refused the change"),
    Outcome.CHECKS_FAILED: OutcomeRule(False, False, False, "a check failed"),
    Outcome.INVALID_RESULT: OutcomeRule(
        False, False, False, "the result does not fit the task's result_schema"
    ),
    Outcome.AGENT_REFUSED: OutcomeRule(False, False, False, "the agent refused the task"),
    Outcome.AGENT_ERROR: OutcomeRule(False, True, False, "the agent ended with an error"),
    Outcome.RATE_LIMITED: OutcomeRule(False, True, True, "the model's rate limit was reached"),
    Outcome.OVERLOADED: OutcomeRule(False, True, True, "the model was overloaded or unreachable"),
    Outcome.AUTH: OutcomeRule(False, False, True, "the model's service did not accept the credentials"),
    Outcome.TIMEOUT: OutcomeRule(False, True, False, "the time limit was reached"),
    Outcome.IDLE: OutcomeRule(False, True, False, "the agent went silent"),
    Outcome.TURNS: OutcomeRule(False, False, False, "the turn limit was reached"),
    Outcome.BUDGET: OutcomeRule(False, False, False, "the money limit was reached"),
    Outcome.NEEDS_INPUT: OutcomeRule(False, False, False, "the agent asked a question"),
    Outcome.BLOCKED: OutcomeRule(False, False, False, "the agent says it is blocked"),
    Outcome.STOPPED: OutcomeRule(False, False, False, "a person stopped it"),
    Outcome.LOST_LEASE: OutcomeRule(False, False, False, "somebody else holds the claim now"),
    Outcome.TAKEN_OVER: OutcomeRule(False, False, False, "a person took the branch over"),
    Outcome.CRASHED: OutcomeRule(False, True, True, "the runner failed"),
    Outcome.MACHINE_LOST: OutcomeRule(False, True, True, "the machine was lost"),
}
