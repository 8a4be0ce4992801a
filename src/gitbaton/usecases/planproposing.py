"""An agent proposes a plan, a change of one, or the parts of a task: it reads the repository and hands it in, it is
judged as a person's own list is and more strictly, and what is taken goes out as a proposal for review.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.proposing import (
    TASKS_MAX,
    Wish,
    build_schema,
    judge_plan,
    judge_tasks,
    render_wish,
)
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.git import read_objects
from gitbaton.store.library import read_shelf
from gitbaton.store.roles import find_role
from gitbaton.usecases.commission import Commission, Commissioned, carry_out_commission
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.material import choose_agent
from gitbaton.usecases.planchanging import (
    ground_for_parts,
    ground_for_revision,
    is_begun,
    refuse_busy,
    refuse_closed,
    revise_plan,
    split_task,
)
from gitbaton.usecases.planfiles import Planned, draft_files, ground_of
from gitbaton.usecases.planlist import take_list
from gitbaton.usecases.planmaking import check_plan, make_plan
from gitbaton.usecases.planreading import PlanFiles, get_plan, list_members
from gitbaton.usecases.project import Project, View, find_entry, refuse_inside
from gitbaton.usecases.writing import open_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.domain.planning import Ground
    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.planlist import TaskList

#: The role whose guidance, model and tools the agent has.
ROLE = "architect"
PROPOSAL = Delivery("proposal")
#: What a list of the agent's is called in problems.
_NAME = "the proposal"
_OVER = ("done", "cancelled")


class Asked(NamedTuple):
    """Who is to propose it, and how much at the most."""

    agent: str | None = None
    model: str | None = None
    tasks_max: int = TASKS_MAX


class Proposed(NamedTuple):
    """What came of it, and what it took."""

    planned: Planned
    work: Commissioned


@dataclass(slots=True)
class _Desk:
    """What a proposal is made with. ``view`` is base as it was fetched."""

    project: Project
    view: View
    asked: Asked
    on_progress: Callable[[RunEvent], None]

    def commission(self, name: str, wish: Wish, ground: Ground) -> tuple[TaskList, Commissioned, str]:
        """Let an agent do it; the list that came, judged. Raises as ``carry_out_commission``."""
        project, asked, commit = self.project, self.asked, self.project.repo.base.commit
        if commit is None:
            raise Refusal(f"there is no commit on {project.repo.base.branch} yet", code="no-base", hint="commit something first")  # fmt: skip
        role = find_role(project.repo, commit, ROLE)
        known = tuple(read_shelf(project.repo, "roles", commit))
        wish = wish._replace(roles=known, role=role, tasks_max=asked.tasks_max)
        allowed = project.repo.config.guards.allow
        agent, _ = choose_agent(project.repo, asked.agent)

        def judge(value: Any) -> Sequence[str]:
            return list(_judge(project, value, ground, allowed))

        done = carry_out_commission(
            project,
            Commission(
                name, render_wish(wish), build_schema(wish), judge, role=role, commit=commit, agent_name=asked.agent,
                model=asked.model,
            ),
            self.on_progress,
        )  # fmt: skip
        by = f"Proposed by {agent}{f' ({asked.model})' if asked.model else ''}, read at {commit[:10]}."
        return take_list(_level(done.result), _NAME), done, by


def _open(project: Project, asked: Asked, on_progress: Callable[[RunEvent], None]) -> _Desk:
    refuse_inside(project, "let another agent plan")
    if not 1 <= asked.tasks_max <= TASKS_MAX:
        raise UsageError(f"--tasks-max is from 1 to {TASKS_MAX}", code="bad-value", hint=f"--tasks-max {TASKS_MAX}")  # fmt: skip
    project, view, _ = open_target(project, PROPOSAL)
    return _Desk(project, view, asked, on_progress)


def _level(result: Mapping[str, Any]) -> dict[str, Any]:
    """What was handed in, as a list has it."""
    return {**result.get("plan", {}), "tasks": result["tasks"]}


def _judge(project: Project, value: Mapping[str, Any], ground: Ground, allowed: Sequence[str]) -> list[str]:
    """Everything that is wrong with what was handed in."""
    problems = [*judge_plan(value.get("plan", {})), *judge_tasks(value["tasks"], ground.mine, allowed)]
    try:
        tasks = take_list(_level(value), _NAME)
        _, findings = draft_files(project, tasks.given, ground)
        tasks.refuse(findings)
    except InvalidDocument as error:
        problems += [f"{p.field}: {p.message}" if p.field else p.message for p in error.problems]
    return list(dict.fromkeys(problems))


# -- the three things that can be asked for ----------------------------------------------------------------


def propose_plan(
    project: Project,
    fields: Mapping[str, Any],
    words: str | None,
    asked: Asked,
    *,
    plan_id: str | None = None,
    on_progress: Callable[[RunEvent], None] = lambda _: None,
) -> Proposed:
    """Let an agent break a goal down. ``fields`` are what a person says about the plan, ``words`` what is wanted.
    Raises as ``make_plan`` and ``carry_out_commission``; then nothing is written.
    """
    desk = _open(project, asked, on_progress)
    check_plan(desk.project, desk.view, fields, plan_id)  # before anybody is paid for it
    title = " ".join(str(fields["title"]).split())
    wish = Wish("plan", title, words, fields.get("goal"), others=_list_others(desk.view))
    tasks, done, by = desk.commission(f"plan {plan_id or title}", wish, ground_of(desk.view)._replace(plan="plan"))  # fmt: skip
    planned = make_plan(project, fields, tasks, plan_id=plan_id, to=PROPOSAL, by=by)
    return Proposed(planned, done)


def propose_revision(
    project: Project,
    text: str,
    words: str,
    asked: Asked,
    *,
    on_progress: Callable[[RunEvent], None] = lambda _: None,
) -> Proposed:
    """Let an agent change a plan as ``words`` ask for. Raises as ``revise_plan`` and ``carry_out_commission``."""
    desk = _open(project, asked, on_progress)
    file, plan = get_plan(desk.project, desk.view, PlanFiles(desk.project, local=False), text)
    refuse_closed(file, plan)
    members = list_members(desk.view.board, file.id, plan.tasks)
    fixed = [f"`{e.row.id}`: {e.row.title} ({e.state.replace('_', ' ')})" for e in members if is_begun(e)]
    present = _show(desk.project, [file.path, *(e.row.path for e in members if not is_begun(e))])
    mine = {e.row.id for e in members}
    wish = Wish("revise", plan.title, words, plan.goal, present, _list_others(desk.view, mine), fixed)
    tasks, done, by = desk.commission(f"revise {file.id}", wish, ground_for_revision(desk.view, file.id))
    return Proposed(revise_plan(project, file.id, tasks, to=PROPOSAL, by=by), done)


def propose_parts(
    project: Project,
    text: str,
    words: str | None,
    asked: Asked,
    *,
    on_progress: Callable[[RunEvent], None] = lambda _: None,
) -> Proposed:
    """Let an agent cut a task into parts. Raises as ``split_task`` and ``carry_out_commission``."""
    desk = _open(project, asked, on_progress)
    entry = find_entry(desk.view, text)
    refuse_busy(entry)
    present = _show(desk.project, [entry.row.path])
    wish = Wish("split", entry.row.title, words, None, present, _list_others(desk.view, {entry.row.id}))
    ground = ground_for_parts(PlanFiles(desk.project, local=False), desk.view, entry)
    tasks, done, by = desk.commission(f"split {entry.row.id}", wish, ground)
    return Proposed(split_task(project, entry.row.id, tasks, to=PROPOSAL, by=by), done)


def _list_others(view: View, mine: set[str] | frozenset[str] = frozenset()) -> list[str]:
    """The tasks that are not over, a line each."""

    def tell(entry: Entry) -> str:
        return f"`{entry.row.id}`: {entry.row.title} ({entry.state.replace('_', ' ')})"

    there = sorted(view.board.entries.values(), key=lambda e: e.row.id)
    return [tell(e) for e in there if e.state not in _OVER and e.row.id not in mine]


def _show(project: Project, paths: Sequence[str]) -> str:
    """The texts of files on base, each below its path."""
    commit = project.repo.base.commit
    texts = read_objects(project.repo.git, [f"{commit}:{path}" for path in paths])
    shown = (f"# {path}\n{text.decode('utf-8', 'replace').strip()}" for path, text in zip(paths, texts, strict=True) if text)  # fmt: skip
    return "\n\n".join(shown)
