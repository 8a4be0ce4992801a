"""Whether an attempt succeeded: one pure decision over everything the runner saw for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.outcome import OUTCOMES, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.guards import Finding
    from gitbaton.domain.handoff import CheckResult

#: Types of task that may deliver a document (their handoff) instead of a change.
DOCUMENT_TYPES = ("spike", "review")


class Evidence(NamedTuple):
    """What the runner saw. ``ended`` and ``message`` come from the agent's process; ``next_action``,
    ``question`` and ``blocker`` are what the agent said in its handoff; ``result_errors`` what is wrong with
    its structured result (None: the task declares none); ``documents_allowed``: the type of task may
    deliver its handoff alone; ``unresolved`` are files in which conflict markers are left; ``revise`` is what it said about work that it
    wants to be revised.
    """

    ended: Outcome
    message: str
    changed: bool
    findings: Sequence[Finding]
    checks: Sequence[CheckResult]
    next_action: str | None = None
    question: str | None = None
    blocker: str | None = None
    has_handoff: bool = False
    result_errors: Sequence[str] | None = None
    documents_allowed: bool = False
    unresolved: Sequence[str] = ()
    revise: str | None = None


class Verdict(NamedTuple):
    """How the attempt ended, in a sentence, and whether runner-run checks vouch for it."""

    outcome: Outcome
    message: str
    verified: bool


def judge_attempt(seen: Evidence) -> Verdict:
    """The verdict. Guards come before everything: what they refuse is never published, however well the
    attempt ended otherwise.
    """
    verified = bool(seen.checks) and all(c.passed for c in seen.checks)
    guard = [f.message for f in seen.findings if f.kind == "guard"]
    if guard:
        return Verdict(Outcome.GUARD_REFUSED, _several(guard), verified=False)
    if seen.ended is not Outcome.SUCCEEDED:
        asked = seen.question if seen.ended is Outcome.NEEDS_INPUT else None
        return Verdict(seen.ended, asked or seen.message or OUTCOMES[seen.ended].words, verified=False)
    scope = [f.message for f in seen.findings if f.kind == "scope"]
    if scope:
        return Verdict(Outcome.OUT_OF_SCOPE, _several(scope), verified=False)
    if seen.question is not None or seen.next_action == "needs_input":
        return Verdict(
            Outcome.NEEDS_INPUT, seen.question or "the agent needs input, but asked nothing", verified=False
        )
    if seen.next_action == "blocked":
        return Verdict(Outcome.BLOCKED, seen.blocker or "the agent says it is blocked", verified=False)
    if seen.result_errors:
        return Verdict(
            Outcome.INVALID_RESULT,
            "the structured result does not fit: " + _several(seen.result_errors),
            verified=False,
        )
    if seen.unresolved:
        return Verdict(Outcome.CHECKS_FAILED, say_unresolved(seen.unresolved), verified=False)
    failed = [c.name for c in seen.checks if not c.passed]
    if failed:
        return Verdict(Outcome.CHECKS_FAILED, f"{', '.join(failed)} did not pass", verified=False)
    if seen.next_action == "needs_revision":
        words = "the agent itself says that its work needs revision" + (
            f": {seen.revise}" if seen.revise else ""
        )
        return Verdict(Outcome.NEEDS_REVISION, words, verified)
    if not seen.changed:
        delivered = seen.result_errors is not None or (seen.documents_allowed and seen.has_handoff)
        if delivered:
            return Verdict(Outcome.DELIVERED, "the document asked for was delivered", verified)
        return Verdict(Outcome.NO_CHANGE, "the agent ended, but changed nothing", verified=False)
    words = (
        f"{len(seen.checks)} check{'s' if len(seen.checks) != 1 else ''} passed"
        if seen.checks
        else "unverified: no checks are configured"
    )
    return Verdict(Outcome.SUCCEEDED, words, verified)


def say_unresolved(paths: Sequence[str]) -> str:
    """What is wrong with work in which conflict markers are left."""
    return "conflict markers are left in " + ", ".join(paths[:5]) + (" and more" if len(paths) > 5 else "")


def _several(messages: Sequence[str], most: int = 5) -> str:
    rest = len(messages) - most
    return "; ".join(messages[:most]) + (f"; and {rest} more" if rest > 0 else "")
