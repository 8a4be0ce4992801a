"""Why a task can't be claimed now, or where it stands in the queue: every condition that a claim checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.conditions import Condition
from gitbaton.domain.queue import claimable_in_order, explain_reason
from gitbaton.errors import Refusal
from gitbaton.usecases.caps import find_outage, find_reached_cap, find_spent_budget
from gitbaton.usecases.eligibility import SKEW_MAX_S, explain_unended_run, judge_task
from gitbaton.usecases.project import Project, View, find_entry, load_view, own_task

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry

_CAPS_HINT = "wait, or change caps in tasks/config.yaml"


class Explanation(NamedTuple):
    """A task, every condition, and where it stands among those that may be claimed (1 = next; None: it isn't one of
    them) with the reason for that.
    """

    entry: Entry
    conditions: list[Condition]
    place: int | None
    queue: int
    reason: str

    @property
    def obstacles(self) -> list[Condition]:
        """The conditions that don't hold."""
        return [c for c in self.conditions if not c.met]

    @property
    def claimable(self) -> bool:
        """Whether an agent could claim it now."""
        return not self.obstacles


def explain_task(project: Project, text: str | None) -> Explanation:
    """Judge the task that ``text`` names (None: the attempt's own) as a claim would, as of the last fetch. A task that
    only this checkout has is judged by what stands here. Raises ``Refusal``.
    """
    view = load_view(project, local=False)
    text = text or own_task(project)
    try:
        entry = find_entry(view, text)
    except Refusal as error:
        local = load_view(project, local=True)
        try:
            entry, view = find_entry(local, text), local
        except Refusal:
            raise error from None
    queue = [e.row.id for e in claimable_in_order(view.board)]
    task = entry.row.id
    conditions = [*judge_task(project, view, entry), *_judge_fleet(project, view, entry)]
    place = queue.index(task) + 1 if task in queue else None
    return Explanation(entry, conditions, place, len(queue), explain_reason(entry) if place else entry.why)


def _judge_fleet(project: Project, view: View, entry: Entry) -> list[Condition]:
    """What is not about this task alone: bounds, money, the outside world, the clock."""
    config, now, task = project.repo.config, project.refs.now(), entry.row.id
    for_all = find_reached_cap(view, config, now=now, person=True)
    reached = find_reached_cap(view, config, now=now)
    outage = find_outage(view, config)
    spent = find_spent_budget(view, config, task)
    capped = for_all or (None if outage else reached)
    is_set = [name for name, value in config.caps.model_dump().items() if value is not None]
    free = "no cap is reached" if is_set else "no caps are set"
    found = [
        Condition("caps", not capped, capped.words if capped else free, _CAPS_HINT if capped else None),
        Condition(
            "money", spent is None, spent or "no limit on what it costs is reached", _CAPS_HINT if spent else None
        ),
    ]  # fmt: skip
    if reached and outage and not for_all:
        found.append(Condition("breaker", False, reached.words, "wait, or find out what fails: baton log ID"))
    else:
        words = (
            "one attempt may probe whether trouble has passed" if outage else "attempts don't fail in a row"
        )
        found.append(Condition("breaker", True, words))
    if unended := explain_unended_run(project, view, entry):
        found.append(Condition("workflow run", False, unended, f"wait until it has ended, or: baton stop {task}"))  # fmt: skip
    skew_s = project.refs.skew_s
    if skew_s is not None and abs(skew_s) > SKEW_MAX_S:
        found.append(Condition("clock", False, f"this machine's clock is {abs(skew_s):.0f} s off the server's", "set it right"))  # fmt: skip
    return found
