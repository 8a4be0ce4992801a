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
    NEEDS_REVISION = "needs_revision"
    STOPPED = "stopped"
    LOST_LEASE = "lost_lease"
    TAKEN_OVER = "taken_over"
    CRASHED = "crashed"
    MACHINE_LOST = "machine_lost"


class OutcomeRule(NamedTuple):
    """``good``: the work goes to review. ``transient``: the cause may pass without anybody's help.
    ``infrastructure``: counts for the circuit breaker (nothing to do with the task itself). ``next_step`` is what a
    person does about it, ``{task}`` standing for the task's id. ``mendable``: the agent itself can mend it, so it is
    told and goes on.
    """

    good: bool
    transient: bool
    infrastructure: bool
    words: str
    next_step: str
    mendable: bool = False


_REVIEW = "look at it: baton review {task}; then merge it: baton accept {task}"
_RETRY = 'baton retry {task} --guidance "…"'
_WAIT = "nothing is wrong with the task; to try again now: baton retry {task}"

OUTCOMES: dict[Outcome, OutcomeRule] = {
    Outcome.SUCCEEDED: OutcomeRule(True, False, False, "the work passed its checks", _REVIEW),
    Outcome.DELIVERED: OutcomeRule(True, False, False, "the document asked for was delivered", _REVIEW),
    Outcome.NO_CHANGE: OutcomeRule(
        False, False, False, "the agent changed nothing",
        f"say what is missing: {_RETRY}; if nothing is: baton set {{task}} status=done", mendable=True,
    ),
    Outcome.OUT_OF_SCOPE: OutcomeRule(
        False, False, False, "the work leaves the task's paths",
        f'allow more: baton set {{task}} "paths+=…"; or say how to do without: {_RETRY}', mendable=True,
    ),
    Outcome.GUARD_REFUSED: OutcomeRule(
        False, False, False, "a guard refused the change", f"look at what is kept, then say what to leave alone: {_RETRY}"
    ),
    Outcome.CHECKS_FAILED: OutcomeRule(
        False, False, False, "a check failed", f"see what it printed: baton logs {{task}}; help it on: {_RETRY}", mendable=True
    ),
    Outcome.INVALID_RESULT: OutcomeRule(
        False, False, False, "the result does not fit the task's result_schema",
        f"correct result_schema in its file, or say what to hand over: {_RETRY}", mendable=True,
    ),
    Outcome.AGENT_REFUSED: OutcomeRule(
        False, False, False, "the agent refused the task", f"word the task anew: baton show {{task}}; then: {_RETRY}"
    ),
    Outcome.AGENT_ERROR: OutcomeRule(
        False, True, False, "the agent ended with an error", "see why: baton logs {task}; try again: baton retry {task}"
    ),
    Outcome.RATE_LIMITED: OutcomeRule(False, True, True, "the model's rate limit was reached", _WAIT),
    Outcome.OVERLOADED: OutcomeRule(False, True, True, "the model was overloaded or unreachable", _WAIT),
    Outcome.AUTH: OutcomeRule(
        False, False, True, "the model's service did not accept the credentials",
        "set a key that is valid, in the environment or the secret; then: baton retry {task}",
    ),
    Outcome.TIMEOUT: OutcomeRule(
        False, True, False, "the time limit was reached",
        "the next attempt goes on from what it left; more time: baton set {task} run.timeout=2h; now: baton retry {task}",
    ),
    Outcome.IDLE: OutcomeRule(
        False, True, False, "the agent went silent",
        "see what it did last: baton logs {task}; longer silence is allowed by timeouts.idle; now: baton retry {task}",
    ),
    Outcome.TURNS: OutcomeRule(
        False, False, False, "the turn limit was reached",
        "allow more: baton set {task} run.max_turns=…; or make the task smaller; then: baton retry {task}",
    ),
    Outcome.BUDGET: OutcomeRule(
        False, False, False, "the money limit was reached",
        "allow more: baton set {task} run.budget_usd=…; or make the task smaller; then: baton retry {task}",
    ),
    Outcome.NEEDS_INPUT: OutcomeRule(
        False, False, False, "the agent asked a question", 'answer it: baton answer {task} "…"'
    ),
    Outcome.BLOCKED: OutcomeRule(
        False, False, False, "the agent says it is blocked", "clear the way, then: baton retry {task}"
    ),
    Outcome.NEEDS_REVISION: OutcomeRule(
        False, False, False, "the agent says that its work needs revision",
        f"the next attempt begins with a search for the cause; help it on: {_RETRY}",
    ),
    Outcome.STOPPED: OutcomeRule(
        False, False, False, "a person stopped it", "its work is kept; go on with: baton retry {task}"
    ),
    Outcome.LOST_LEASE: OutcomeRule(
        False, False, False, "somebody else holds the claim now", "see who has it: baton show {task}"
    ),
    Outcome.TAKEN_OVER: OutcomeRule(
        False, False, False, "a person took the branch over", "give it back to agents when you are done: baton retry {task}"
    ),
    Outcome.CRASHED: OutcomeRule(
        False, True, True, "the runner failed", "look for what is broken: baton doctor; try again: baton retry {task}"
    ),
    Outcome.MACHINE_LOST: OutcomeRule(
        False, True, True, "the machine was lost", "nothing: whoever claims the task next goes on from the branch"
    ),
}  # fmt: skip


#: Ends that say nothing about the task or the work: somebody else decided, or is asked.
_NOT_ITS_OWN = (Outcome.NEEDS_INPUT, Outcome.STOPPED, Outcome.LOST_LEASE, Outcome.TAKEN_OVER)


def is_own_failure(outcome: Outcome) -> bool:
    """Whether an attempt failed because of the task itself or of how it was gone about."""
    rule = OUTCOMES[outcome]
    return not rule.good and not rule.infrastructure and outcome not in _NOT_ITS_OWN


def say_next_step(outcome: Outcome, task: str) -> str:
    """What a person does next about an attempt at ``task`` that ended so."""
    return OUTCOMES[outcome].next_step.replace("{task}", task)
