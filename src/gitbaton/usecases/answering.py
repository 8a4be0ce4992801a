"""``baton answer``: a person answers what an agent asked, and the task goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.feedback import word_answer
from gitbaton.errors import Refusal, UsageError
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import advance

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip

#: It stands in the state, which every clone reads.
ANSWER_MAX = 20_000


class Answered(NamedTuple):
    """A question that was answered: the task's state now, and what had been asked."""

    tip: Tip
    question: str | None


def answer_task(project: Project, text: str, answer: str) -> Answered:
    """Give ``answer`` to what the agent asked about a task. The next attempt goes on with it, and it counts as no
    attempt of its own. Raises ``Refusal`` (``nothing-asked``) and ``UsageError`` (``no-answer``, ``too-large``).
    """
    refuse_inside(project, "answer questions")
    answer = answer.strip()
    if not answer:
        raise UsageError("the answer is empty", code="no-answer", hint=f'baton answer {text} "…"')
    if len(answer) > ANSWER_MAX:
        raise UsageError(
            f"the answer has more than {ANSWER_MAX:,} characters", code="too-large",
            hint="put it into a file of the repository, and name that",
        )  # fmt: skip
    project = project.fetched()
    entry = find_entry(load_view(project, local=False), text)
    _refuse_no_question(entry)
    asked: list[str | None] = []

    def change(old: State | None) -> dict[str, Any]:
        assert old is not None
        asked[:] = [old.question]
        return {
            "guidance": (*old.guidance, word_answer(old.question, answer)),
            "attempt_limit": max(old.attempt_limit or 0, old.attempt) + 1,  # asking must not cost an attempt
            "question": None, "reason": None, "retry_at": None, "lease": None, "run": None, "claimed_by": None,
        }  # fmt: skip

    tip = advance(project, entry.row.id, "answered", change)
    return Answered(tip, asked[0])


def _refuse_no_question(entry: Entry) -> None:
    task = entry.row.id
    if entry.live is None or entry.live.status != "needs_input" or entry.state in ("done", "cancelled"):
        raise Refusal(
            f"{task} asks nothing: it is {entry.state.replace('_', ' ')}",
            code="nothing-asked",
            hint=f"see where it stands: baton show {task}",
            data={"state": entry.state},
        )
