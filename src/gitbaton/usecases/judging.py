"""How hard tasks are: measured from their text, the board and their history, and judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.complexity import Judgement, judge_complexity, measure_task
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.snapshots import read_source
from gitbaton.usecases.project import find_entry, load_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.usecases.project import Project, View


class Judged(NamedTuple):
    """A task on the board, its text, and how hard it is."""

    entry: Entry
    task: Task
    judgement: Judgement


def judge_task(project: Project, path: str, task: Task) -> Judgement:
    """How hard the task at ``path`` is. The board is folded only where the config routes by what is judged; else the
    text alone speaks, which decides nothing.
    """
    if task.complexity is not None or not project.repo.config.routing.judge:
        return judge_complexity(measure_task(task), task.complexity)
    view = load_view(project, local=False)
    task_id = path.rsplit("/", 1)[-1].removesuffix(".yaml")
    return judge_entry(view, task_id, task, count_dependents(view))


def judge_entry(view: View, task_id: str, task: Task, dependents: dict[str, int]) -> Judgement:
    """How hard a task of the board is, with its place there and its history."""
    tip = view.tips.states.get(task_id)
    size = measure_task(
        task,
        dependents=dependents.get(task_id, 0),
        attempts=tip.state.attempts if tip else (),
        changes_wanted=tip is not None and tip.state.status == "changes_requested",
        parts=len(view.board.children.get(task_id, ())),
    )
    return judge_complexity(size, task.complexity)


def count_dependents(view: View) -> dict[str, int]:
    """How many open tasks depend on each task."""
    counts: dict[str, int] = {}
    for entry in view.board.entries.values():
        if entry.state not in ("done", "cancelled"):
            for need in entry.row.depends_on:
                counts[need] = counts.get(need, 0) + 1
    return counts


def judge_tasks(project: Project, wanted: Sequence[str] = ()) -> list[Judged]:
    """The tasks that are ``wanted`` (none: all that are open and no parents), as this checkout has them, hardest first.
    Raises ``Refusal`` for an id that there is not.
    """
    view = load_view(project, local=True)
    if wanted:
        chosen = list({e.row.id: e for e in (find_entry(view, text) for text in wanted)}.values())
    else:
        entries = view.board.entries.values()
        chosen = [
            e for e in entries if e.state not in ("done", "cancelled") and e.row.id not in view.board.children
        ]
    dependents = count_dependents(view)
    judged = [
        Judged(entry, task, judge_entry(view, entry.row.id, task, dependents))
        for entry, task in zip(chosen, _read_texts(project, chosen), strict=True)
        if task is not None
    ]
    return judged if wanted else sorted(judged, key=_rank)


def _rank(one: Judged) -> tuple[int, int, str]:
    from gitbaton.domain.complexity import LEVELS

    return (-LEVELS.index(one.judgement.level), -one.judgement.score, one.entry.row.id)


def _read_texts(project: Project, entries: Iterable[Entry]) -> list[Task | None]:
    """The parsed texts, each from this checkout where it differs from base; None for one that is broken just now."""
    rows = [entry.row for entry in entries]
    commit = project.repo.base.commit
    committed = iter(read_objects(project.repo.git, [f"{commit}:{r.path}" for r in rows if not r.local]))
    found: list[Task | None] = []
    for row in rows:
        if row.local:
            mine = read_source(project.repo.top / row.path)
            data = mine.data if mine else None
        else:
            data = next(committed)
        try:
            found.append(parse_document(data or b"", row.path, Task, "task"))
        except InvalidDocument:
            found.append(None)
    return found


def read_wanted_text(project: Project, entry: Entry) -> Task:
    """The text of one task, as this checkout has it. Raises ``Refusal`` (``broken-task``)."""
    task = _read_texts(project, [entry])[0]
    if task is None:
        raise Refusal(
            f"the file of {entry.row.id} can't be read", code="broken-task", hint="see what is wrong: baton validate"
        )  # fmt: skip
    return task
