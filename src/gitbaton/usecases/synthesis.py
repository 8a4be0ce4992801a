"""``baton synthesize``: what came of a plan, written beside its file, from the handoffs and states of its tasks."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.ids import find_id
from gitbaton.domain.plan import Plan
from gitbaton.domain.synthesis import (
    SCHEMA,
    PlanFacts,
    TaskFacts,
    is_provisional,
    judge_prose_parts,
    make_prose,
    render_request,
    render_synthesis,
)
from gitbaton.domain.usage import Usage
from gitbaton.errors import InvalidDocument, Refusal, TryAgain
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects, resolve
from gitbaton.store.layout import plan_path, result_path
from gitbaton.store.roles import find_role
from gitbaton.usecases.commission import Commission, carry_out_commission
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.material import choose_agent, list_handoffs
from gitbaton.usecases.project import Project, View, refuse_inside
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitbaton.domain.handoff import Handoff
    from gitbaton.store.edits import Edited
    from gitbaton.usecases.attempt_log import RunEvent

ROLE = "documenter"


class Asked(NamedTuple):
    """How it is to be written. By an agent when ``agent`` or ``model`` is given, else by the template alone.
    ``partial``: although tasks are open. ``force``: over a text that says something else.
    """

    partial: bool = False
    force: bool = False
    agent: str | None = None
    model: str | None = None


BY_TEMPLATE = Asked()


class Synthesized(NamedTuple):
    """What was written. ``edited`` is None where the file said exactly this already; ``rounds`` and ``usage`` are the
    author's, where there was one.
    """

    facts: PlanFacts
    path: str
    text: str
    edited: Edited | None
    rounds: tuple[str, ...] = ()
    usage: Usage = Usage()


def synthesize_plan(
    project: Project,
    text: str,
    asked: Asked = BY_TEMPLATE,
    *,
    to: Delivery = HERE,
    on_progress: Callable[[RunEvent], None] = lambda _: None,
) -> Synthesized:
    """Write the result of the plan that ``text`` names. Raises ``Refusal``: ``open-tasks`` (``data`` names them),
    ``no-tasks``, ``exists`` (a text that says something else, and not that tasks were open); and as ``carry_out_commission``.
    """
    refuse_inside(project, "write the result of a plan")
    if to.where == "here":
        with suppress(TryAgain):  # what is known here will do
            project = project.fetched()
    project, view, to = open_target(project, to)
    facts = gather_facts(project, view, text)
    _refuse_unfinished(facts, asked)
    path = result_path(facts.id)
    if not asked.force and (asked.agent or asked.model):
        _refuse_other(path, _read_target(project, to, path), None)  # before it costs anything
    rounds: tuple[str, ...] = ()
    usage, written = Usage(), render_synthesis(facts)
    if asked.agent or asked.model:
        commit = project.repo.base.commit or ""
        name, _ = choose_agent(project.repo, asked.agent)
        done = carry_out_commission(
            project,
            Commission(
                f"result of {facts.id}", render_request(facts), SCHEMA, judge_prose_parts, role=find_role(project.repo, commit, ROLE),
                commit=commit or None, agent_name=asked.agent, model=asked.model,
            ),
            on_progress,
        )  # fmt: skip
        rounds, usage = done.rounds, done.usage
        by = f"{name} ({asked.model})" if asked.model else name
        written = render_synthesis(facts, make_prose(done.result, by))
    new = written.encode()

    def change(old: bytes | None) -> bytes:
        if not asked.force:
            _refuse_other(path, old, new)
        return new

    edited = write_documents(
        project, {path: change}, f"Write the result of {facts.id}: {facts.plan.title}", to
    )
    return Synthesized(facts, path, written, edited if edited.commit else None, rounds, usage)


def _refuse_unfinished(facts: PlanFacts, asked: Asked) -> None:
    if not facts.tasks:
        raise Refusal(
            f"the plan {facts.id} has no tasks", code="no-tasks", hint=f"tasks name it: baton set ID plan={facts.id}"
        )  # fmt: skip
    left = [t.id for t in facts.open]
    if left and not asked.partial:
        raise Refusal(
            f"{len(left)} of the {len(facts.tasks)} tasks of {facts.id} are open: {', '.join(left)}"
            if len(left) > 1
            else f"a task of {facts.id} is open: {left[0]}",
            code="open-tasks", hint=f"to write what there is so far: baton synthesize {facts.id} --partial",
            data={"open": {t.id: t.state for t in facts.open}},
        )  # fmt: skip


def _refuse_other(path: str, old: bytes | None, new: bytes | None) -> None:
    if old is None or is_provisional(old.decode("utf-8", "replace")):
        return
    if new is None or old.replace(b"\r\n", b"\n") != new:
        raise Refusal(
            f"{path} is there already" + ("" if new is None else ", and says something else"),
            code="exists",
            hint="to write it anew: --force",
        )


def _read_target(project: Project, to: Delivery, path: str) -> bytes | None:
    repo, here = project.repo, to.where == "here"
    if here and (repo.top / path).is_file():
        return (repo.top / path).read_bytes()
    commit = resolve(repo.git, "HEAD") if here else repo.base.commit
    return read_objects(repo.git, [f"{commit}:{path}"])[0] if commit else None


# -- facts ---------------------------------------------------------------------------------------------------


def gather_facts(project: Project, view: View, text: str) -> PlanFacts:
    """The plan that ``text`` names, with all that is known of its tasks. Raises ``Refusal`` (unknown, ambiguous) and
    ``InvalidDocument``.
    """
    plan_id = find_id(text, view.contents.plans, noun="plan")
    plan = _read_plan(project, plan_id)
    entries = [e for e in view.board.entries.values() if e.row.plan == plan_id]
    tasks = []
    for entry in entries:
        tip = view.tips.states.get(entry.row.id)
        state = tip.state if tip else None
        row, handoffs = entry.row, _read_handoffs(project, entry.row.id, state.head if state else None)
        attempts, is_parent = state.attempts if state else (), entry.row.id in view.board.children
        tasks.append(TaskFacts(row.id, row.title, entry.state, entry.why, handoffs, attempts, is_parent))
    broken = [b for b in view.board.broken if b.id not in view.board.entries and b.id in plan.tasks]
    tasks += [TaskFacts(b.id, b.id, "broken", f"{b.path} can't be read") for b in broken]
    return PlanFacts(plan_id, plan, tuple(tasks))


def _read_plan(project: Project, plan_id: str) -> Plan:
    repo, path = project.repo, plan_path(plan_id)
    data = (repo.top / path).read_bytes() if (repo.top / path).is_file() else None
    if repo.base.commit and (text := read_objects(repo.git, [f"{repo.base.commit}:{path}"])[0]):
        data = data or text
    if data is None:
        raise Refusal(f"{path} is not in this checkout", code="not-here", hint="merge the base branch first")
    return parse_document(data, path, Plan, "plan")


def _read_handoffs(project: Project, task: str, work: str | None) -> tuple[tuple[str, Handoff], ...]:
    """Those on base, in this checkout's commit, and on the task's own branch."""
    repo = project.repo
    found: dict[str, Handoff] = {}
    for commit in dict.fromkeys((work, repo.base.commit, resolve(repo.git, "HEAD"))):
        if commit and resolve(repo.git, f"{commit}^{{commit}}"):
            with suppress(InvalidDocument):
                found.update(list_handoffs(repo, commit, task))
    return tuple(sorted(found.items(), key=lambda item: item[0]))
