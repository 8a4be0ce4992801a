"""Merging published work without asking a person, where the task's route allows that and everything is well."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gitbaton.domain.routing import find_merge_obstacle
from gitbaton.errors import BatonError, LostRace, TryAgain
from gitbaton.usecases.review import accept_task
from gitbaton.usecases.transitions import read_tip

if TYPE_CHECKING:
    from gitbaton.usecases.attempt import Finished
    from gitbaton.usecases.attempt_log import AttemptLog
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.publish import Published

#: Others may merge at the same time: each makes the next one begin anew.
_TRIES = 3


def merge_by_itself(project: Project, done: Finished, published: Published, log: AttemptLog) -> Published:
    """Accept the work of an attempt, if its route says so. What stands against that leaves it in review, and is said:
    in the log, as the warning of the run, and to those who review.
    """
    policy, task = done.around.settings.policy, done.claim.entry.row.id
    if not policy.auto_merge.value or published.review is None:
        return published
    why = find_merge_obstacle(policy, published.verdict.outcome, published.handoff)
    if why is None:
        try:
            merge = _accept(project, task)
        except BatonError as error:
            why = error.message + (f" ({error.hint})" if error.hint else "")
        else:
            log.say("review", f"merged without asking, as {policy.auto_merge.source} says: {merge[:10]}")
            return published._replace(tip=read_tip(project, task) or published.tip, merge=merge)
    words = f"it stays in review, and is not merged by itself: {why}"
    log.say("review", words)
    if published.review.number is not None:
        with contextlib.suppress(BatonError):
            project.open_forge(project.repo).comment(published.review, f"Not merged by itself: {why}")
    return published._replace(warning="; ".join(filter(None, (published.warning, words))))


def _accept(project: Project, task: str) -> str:
    for left in reversed(range(_TRIES)):
        try:
            return accept_task(project, task).merge
        except (LostRace, TryAgain):
            if not left:
                raise
            project.pause(1.0)
    raise AssertionError
