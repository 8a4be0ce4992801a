"""Where things stand, for whoever starts now: the whole project, or one task."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.attention import find_want
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.history import Dependency, History
from gitbaton.domain.plan import Plan
from gitbaton.domain.state import Attempt
from gitbaton.domain.task import Task
from gitbaton.domain.wording import is_note
from gitbaton.errors import InvalidDocument
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import plan_path
from gitbaton.store.live import list_past
from gitbaton.store.snapshots import read_source
from gitbaton.usecases.board import read_text
from gitbaton.usecases.material import choose_telling, find_newest_handoffs
from gitbaton.usecases.project import Project, View, find_entry, load_view
from gitbaton.usecases.recalling import iter_handoff_texts
from gitbaton.usecases.survey import Survey, survey_project

if TYPE_CHECKING:
    from gitbaton.domain.attention import Want
    from gitbaton.domain.board import Entry

_HANDOFFS_READ = 30
_HANDOFFS_TOLD, _OF_A_TASK = 8, 2


class PlanStanding(NamedTuple):
    """A plan that is not closed: how many of its tasks there are, how many are over."""

    id: str
    title: str
    goal: str | None
    status: str
    over: int
    tasks: int


class Standing(NamedTuple):
    """The project as it stands: what ``survey`` shows, open plans, and the newest handoffs as (path, handoff)."""

    survey: Survey
    plans: list[PlanStanding]
    handoffs: list[tuple[str, Handoff]]


class TaskStanding(NamedTuple):
    """One task as it stands: its text (None: it can't be read), the tasks that it depends on, everything that was left about
    it, and what a person is wanted for. ``tokens`` is in how many its history is told.
    """

    entry: Entry
    task: Task | None
    needs: list[Entry | str]
    history: History
    running: Attempt | None
    want: Want | None
    tokens: int


def describe_standing(project: Project, *, fetch: bool = False) -> Standing:
    """The whole project, as of the last fetch, or (``fetch``) of now."""
    survey = survey_project(project, fetch=fetch, checkup=False)
    project = project.reread() if fetch else project
    view = load_view(project, local=True)
    found = find_newest_handoffs(project, view, None, _HANDOFFS_READ)
    return Standing(survey, _list_plans(project, view), _choose_some(found)[:_HANDOFFS_TOLD])


def _choose_some(found: list[tuple[str, Handoff]]) -> list[tuple[str, Handoff]]:
    """Of handoffs, newest first, those that say more than a note, and no more than two of a task."""
    some: list[tuple[str, Handoff]] = []
    for path, handoff in found:
        same = sum(h.task == handoff.task for _, h in some) if handoff.task else 0
        if same < _OF_A_TASK and not is_note(handoff.model_dump(mode="json", exclude_defaults=True)):
            some.append((path, handoff))
    return some


def _list_plans(project: Project, view: View) -> list[PlanStanding]:
    repo = project.repo
    paths = [plan_path(plan) for plan in view.contents.plans]
    names = [f"{repo.base.commit}:{path}" for path in paths] if repo.base.commit else []
    plans = []
    texts = dict(zip(paths, read_objects(repo.git, names), strict=False))
    for plan, path in zip(view.contents.plans, paths, strict=True):
        here = read_source(repo.top / path)  # it may stand only here, so far
        try:
            read = parse_document(texts.get(path) or (here.data if here else b""), path, Plan, "plan")
        except InvalidDocument:
            continue  # `validate` names it
        if read.status == "closed":
            continue
        tasks = [e for e in view.board.entries.values() if e.row.plan == plan]
        over = sum(e.state in ("done", "cancelled") for e in tasks)
        if not tasks or over < len(tasks):
            plans.append(PlanStanding(plan, read.title, read.goal, read.status, over, len(tasks)))
    return plans


def describe_task_standing(project: Project, text: str, *, fetch: bool = False) -> TaskStanding:
    """One task, as this checkout has it. Raises ``Refusal``."""
    project = project.fetched() if fetch else project
    view = load_view(project, local=True)
    entry = find_entry(view, text)
    row = entry.row
    plain = read_text(project, entry)
    past = [Attempt.model_validate(a) for a in list_past(view.tips, row.id)]
    running = past.pop() if past and entry.running and past[-1].outcome is None else None
    tip = view.tips.states.get(row.id)
    history = History(
        [_find_dependency(project, view, need) for need in row.depends_on], past, _recall(project, view, entry),
        (tip.state.fresh_since if tip else None) or 1,
    )  # fmt: skip
    return TaskStanding(
        entry, Task.model_validate(plain) if plain is not None else None,
        [view.board.entries.get(need, need) for need in row.depends_on], history, running, find_want(view.board, entry),
        project.repo.config.run.context_tokens,
    )  # fmt: skip


def _find_dependency(project: Project, view: View, need: str) -> Dependency:
    entry = view.board.entries.get(need)
    path, handoff = choose_telling(_recall(project, view, entry)) if entry else (None, None)
    return Dependency(need, entry.row.title if entry else need, handoff, path)


def _recall(project: Project, view: View, entry: Entry) -> list[tuple[str, Handoff]]:
    """The readable handoffs of a task, oldest first."""
    found = []
    for path, data in iter_handoff_texts(project, view, entry):
        try:
            found.append((path, parse_document(data, path, Handoff, "handoff")))
        except InvalidDocument:
            continue  # `validate` names it
    return found[::-1]
