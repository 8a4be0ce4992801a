"""What an agent is told that goes on within an attempt, or with an earlier session. Deterministic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.markdown import fence, quote
from gitbaton.domain.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.handoff import CheckResult
    from gitbaton.domain.verdict import Verdict

_OUTPUT_LINES = 60
_ASKS = {
    Outcome.NO_CHANGE: (
        "You ended, but no file in your folder differs from what was there before. Do the work that the task asks for. "
        "If nothing needs to be done, or you can't do it, say so in your handoff: what is in the way, or your question."
    ),
    Outcome.OUT_OF_SCOPE: (
        "You changed files that this task must not touch. Put them back as they were and do without:"
    ),
    Outcome.INVALID_RESULT: "The structured result that you handed over can't be taken. Hand over a corrected one:",
    Outcome.CHECKS_FAILED: "These checks failed after you had ended. Mend what they found; don't weaken the checks.",
}


def render_feedback(verdict: Verdict, checks: Sequence[CheckResult], *, number: int, most: int) -> str:
    """What is wrong with the work so far, for the agent to mend: round ``number`` of ``most``."""
    failed = [check for check in checks if not check.passed]
    ask = _ASKS[verdict.outcome]
    if verdict.outcome is Outcome.CHECKS_FAILED and not failed:
        ask = "The merge is not resolved yet. Write what serves both sides, and take every marker out:"
    parts = [f"## Not done yet: round {number} of {most}", ask]
    if failed and verdict.outcome is Outcome.CHECKS_FAILED:
        parts += [_describe(check) for check in failed]
    elif verdict.outcome is not Outcome.NO_CHANGE:
        parts.append(quote(verdict.message))
    parts.append(
        "What you did so far stands in your folder. Go on there, and end as you were asked to before."
    )
    return "\n\n".join(parts) + "\n"


def _describe(check: CheckResult) -> str:
    how = (
        "was ended because it took too long"
        if check.exit_code is None
        else f"ended with exit code {check.exit_code}"
    )
    output = "\n".join((check.output or "").strip().splitlines()[-_OUTPUT_LINES:])
    printed = f" and printed at its end:\n\n{fence(output)}" if output else "."
    return f"The check `{check.name}` {how}{printed}"


def render_continuation() -> str:
    """For an agent whose model could not be reached for a while."""
    return "The model's service could not be reached for a while. It can now: go on where you were.\n"


def render_clarifications(texts: Sequence[str]) -> str:
    """What people said meanwhile, for an agent that is at work."""
    return "\n\n".join(["A person says about this task. Heed it, and go on:", *map(quote, texts)]) + "\n"


def render_answer(guidance: Sequence[str]) -> str:
    """For an agent that asked a person something, ended, and goes on with its session."""
    said = ["A person says:", *map(quote, guidance)] if guidance else ["You may go on."]
    parts = [
        "You had asked a person something, and ended.",
        *said,
        (
            "Go on with the task. Your folder was made anew from what you had left, so look at a file again before you "
            "edit it. End as you were asked to before."
        ),
    ]
    return "\n\n".join(parts) + "\n"


def word_answer(question: str | None, answer: str) -> str:
    """An answer as it stands in the guidance, so that it can be understood by itself."""
    return (
        f"To your question: {question.strip()}\n\nThe answer: {answer.strip()}"
        if question
        else answer.strip()
    )
