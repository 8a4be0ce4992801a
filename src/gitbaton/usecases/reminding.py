"""Reminding people of questions that nobody has answered for a while: once per period, whoever notices first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.domain.durations import render_duration
from gitbaton.domain.lifecycle import IllegalEvent
from gitbaton.errors import BatonError
from gitbaton.store.live import parse_time
from gitbaton.usecases.transitions import advance, read_tip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitbaton.domain.state import State
    from gitbaton.ports import Forge
    from gitbaton.store.live import Tip
    from gitbaton.usecases.project import Project


def remind_of_questions(
    project: Project, tips: dict[str, Tip], open_forge: Callable[[], Forge]
) -> Iterator[str]:
    """The tasks whose question is due to be brought to mind again. That is written to its state, so that
    it happens once per ``timeouts.reminder``, and said at its pull request, where it has one.
    """
    period_s = project.repo.config.timeouts.reminder
    for task, tip in sorted(tips.items()):
        age_s = _find_age(project, tip.state)
        times = int(age_s // period_s) if age_s is not None else 0
        if times < 1 or age_s is None:
            continue
        try:
            _write(project, task, f"reminded/{tip.state.attempt}/{times}")
        except (IllegalEvent, _Told):
            continue  # it was answered meanwhile, or somebody else reminds of it
        words = f"waits for an answer for {render_duration(age_s)}: {tip.state.question or 'see its handoff'}"
        _comment(tip.state, task, words, open_forge)
        yield task


class _Told(Exception):
    """Somebody was quicker."""


def _write(project: Project, task: str, event_id: str) -> None:
    def refuse_told(_: State | None) -> None:
        now = read_tip(project, task)
        if now and project.ledger.has_event(project.repo, now, event_id):
            raise _Told

    advance(project, task, "reminded", lambda _: {}, expect=refuse_told, event_id=event_id)


def _find_age(project: Project, state: State) -> float | None:
    """Seconds for which the question waits; None where nobody asks."""
    if state.status != "needs_input":
        return None
    asked = parse_time(state.attempts[-1].ended if state.attempts else state.event.at)
    return None if asked is None else project.refs.now().timestamp() - asked


def _comment(state: State, task: str, words: str, open_forge: Callable[[], Forge]) -> None:
    """Say it where people review. A forge that can't be asked now is no reason not to remind here."""
    if state.pull_request is None or state.branch is None:
        return
    try:
        forge = open_forge()
        review = forge.find_review(state.branch) if forge.kind != "local" else None
        if review and review.state == "open":
            forge.comment(review, f'`{task}` {words}\n\nAnswer it: `baton answer {task} "…"`')
    except BatonError:
        return
