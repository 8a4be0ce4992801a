"""``baton rename``: a task gets another id, with its file, all that refers to it, its handoffs and its live state.

Files and live state can't move in one step wherever the edit goes. So the task is put on hold first: from then on
nobody can claim it under its old name, and whoever claimed it just before is told of. The live state follows once the
base branch has the new name; where that comes later (a proposal), the same command then completes it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.ids import explain_bad_id
from gitbaton.domain.state import Event
from gitbaton.errors import BatonError, InvalidDocument, LostRace, Refusal, UsageError
from gitbaton.ports import RefUpdate
from gitbaton.store.documents import edit_document, parse_document
from gitbaton.store.git import list_tree, read_objects, resolve
from gitbaton.store.layout import HANDOFFS, doc_path, task_path
from gitbaton.store.live import render_time
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.moves import Changed, arrive, find_doc, leave
from gitbaton.usecases.project import Project, View, find_entry, load_view, refuse_inside
from gitbaton.usecases.references import change_references
from gitbaton.usecases.transitions import advance, read_tip
from gitbaton.usecases.work import attempt_ref
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from gitbaton.domain.board import TaskRow
    from gitbaton.domain.state import State
    from gitbaton.store.edits import Edited
    from gitbaton.store.threetexts import Change

_TRIES = 12


class Renamed(NamedTuple):
    """A task that has another id. ``others`` are the files that changed along; ``edited`` is None when the files had
    been renamed before. ``state``: the live state ``moved``, or ``waits`` for base to have the new name.
    """

    old: str
    new: str
    path: str
    others: tuple[str, ...]
    edited: Edited | None
    state: Literal["none", "moved", "waits"]


def rename_task(project: Project, text: str, new: str, *, to: Delivery = HERE) -> Renamed:
    """Give a task the id ``new``. Raises ``Refusal``: ``taken-id``, ``somebody-else`` (an attempt lives),
    ``open-work`` (work under the old name is not merged), ``dirty-files``, ``not-here``.
    """
    refuse_inside(project, "rename tasks")
    if reason := explain_bad_id(new):
        raise UsageError(f"'{new}' can't be an id: {reason}", code="bad-id", hint="choose another one")
    project = project.fetched()
    base = load_view(project, local=False)
    if text not in base.board.entries and text in base.tips.states and new in base.board.entries:
        moved = _move_state(project, text, new)
        return Renamed(text, new, base.board.entries[new].row.path, (), None, moved)
    for _ in range(_TRIES):
        project, view, to = open_target(project, to)
        row = find_entry(view, text).row
        _refuse_taken(view, new, row)
        _refuse_open(row.id, _find_state(project, row.id))
        commit = resolve(project.repo.git, "HEAD") if to.where == "here" else project.repo.base.commit
        changes, path = _plan(project, view, commit, row, new)
        try:
            edited, state = _carry_out(project, row, new, changes, to)
        except Changed:
            continue
        others = tuple(p for p in edited.paths if p not in (row.path, path))
        return Renamed(row.id, new, path, others, edited, state)
    raise LostRace(["HEAD"])


# -- deciding ------------------------------------------------------------------------------------------------


def _refuse_taken(view: View, new: str, row: TaskRow) -> None:
    if new == row.id:
        raise UsageError(f"{row.id} has that id already", code="same-id", hint="give another one")
    taken = {
        *view.board.entries,
        *(b.id for b in view.board.broken),
        *view.tips.states,
        *view.tips.unreadable,
    }
    if new in {name.lower() for name in taken}:
        raise Refusal(
            f"the id {new} is taken" + ("" if new in view.board.entries else " by what is known of an earlier task"),
            code="taken-id", hint="choose another one",
        )  # fmt: skip


def _find_state(project: Project, task: str) -> State | None:
    tip = read_tip(project, task)
    return tip.state if tip else None


def _refuse_open(task: str, state: State | None) -> None:
    """Somebody at it, or work on its branch that is not merged: those go by the old name."""
    if state is None:
        return
    if state.status == "in_progress":
        who = state.claimed_by.name if state.claimed_by else "somebody"
        raise Refusal(
            f"{who} is at {task} (attempt {state.attempt})", code="somebody-else", hint=f"wait, or end it: baton stop {task}"
        )  # fmt: skip
    if state.status == "taken_over" or (state.head and state.status not in ("merged", "closed")):
        raise Refusal(
            f"{task} has work that is not merged, on {state.branch}: it is {state.status.replace('_', ' ')}",
            code="open-work",
            hint=f"finish it first: baton show {task}",
        )


def _plan(
    project: Project, view: View, commit: str | None, row: TaskRow, new: str
) -> tuple[dict[str, Change], str]:
    """The changes of all files, and the path of the task's file afterwards."""
    git = project.repo.git
    if row.local == "uncommitted":
        raise Refusal(
            f"{row.path} has changes that are not committed", code="dirty-files", hint=f"commit them first: git commit {row.path}"
        )  # fmt: skip
    text = read_objects(git, [f"{commit}:{row.path}"])[0] if commit else None
    if text is None:
        raise Refusal(
            f"{row.path} is not in this checkout", code="not-here",
            hint=f"it is on {project.repo.base.branch}: rename it there with --base, or merge that first",
        )  # fmt: skip
    usual = task_path(row.id, project.repo.config.layout, row.plan)
    path = f"{row.path.rpartition('/')[0]}/{new}.yaml"
    if row.path == usual:
        path = task_path(new, project.repo.config.layout, row.plan)
    changes = change_references(project, view, commit, row.id, new)
    changes[row.path], changes[path] = leave(row.path, text), arrive(path, text)
    entries = list_tree(git, commit or "", f"{HANDOFFS}/{row.id}")
    for entry, said in zip(entries, read_objects(git, (e.oid for e in entries)), strict=True):
        target = f"{HANDOFFS}/{new}/{entry.path.rpartition('/')[2]}"
        changes[entry.path] = leave(entry.path, said or b"")
        changes[target] = arrive(target, _retitle(said or b"", entry.path, new))
    doc, target = doc_path(row.id), doc_path(new)
    if notes := find_doc(project, commit, row.id):
        changes[doc] = leave(doc, notes)
        changes[target] = arrive(target, notes.replace(f"# {row.id}: ".encode(), f"# {new}: ".encode(), 1))
    return changes, path


def _retitle(text: bytes, path: str, new: str) -> bytes:
    """A handoff that says which task it is about: nobody looks for it elsewhere."""
    try:
        parse_document(text, path, Handoff, "handoff")
        return edit_document(text, path, "handoff", [SetField(("task",), new)])
    except InvalidDocument:
        return text


# -- carrying out --------------------------------------------------------------------------------------------


def _carry_out(
    project: Project, row: TaskRow, new: str, changes: dict[str, Change], to: Delivery
) -> tuple[Edited, Literal["none", "moved", "waits"]]:
    task, repo = row.id, project.repo
    on_base = repo.git.find("symbolic-ref", "--quiet", "HEAD") == f"refs/heads/{repo.base.branch}"
    shared = repo.remote is None or to.push or (to.push is None and repo.config_file.facts.push == "auto")
    at_once = to.where == "base" or (to.where == "here" and on_base and bool(shared))
    known = read_tip(project, task) is not None
    fenced = at_once or known
    if fenced:
        _fence(project, task, new)
    try:
        edited = write_documents(project, changes, f"Rename {task} to {new}", to)
    except BaseException:
        if fenced:
            with contextlib.suppress(BatonError):
                _unfence(project, task, new)
        raise
    landed = at_once and (to.where == "base" or repo.remote is None or edited.pushed)
    if landed:
        return edited, _move_state(project.fetched(), task, new, ours=not known)
    return edited, "waits" if fenced else "none"


def _mark(new: str) -> str:
    return f"it is being renamed to {new}"


def _strip(hold: str | None, new: str) -> str | None:
    """What was on hold before the renaming."""
    if hold is None or not hold.startswith(_mark(new)):
        return hold
    return hold.removeprefix(_mark(new)).removeprefix("; ") or None


def _fence(project: Project, task: str, new: str) -> None:
    """From now on nobody claims the task by its old name. Raises as ``_refuse_open``."""

    def change(old: State | None) -> dict[str, Any]:
        before = _strip(old.hold if old else None, new)
        return {"hold": f"{_mark(new)}; {before}" if before else _mark(new)}

    advance(project, task, "held", change, expect=lambda old: _refuse_open(task, old))


def _unfence(project: Project, task: str, new: str) -> None:
    advance(
        project, task, "hold_released", lambda old: {"hold": _strip(old.hold if old else None, new)}
    )  # fmt: skip


def _move_state(project: Project, task: str, new: str, *, ours: bool = False) -> Literal["none", "moved"]:
    """Let the live state, its history and the work of all attempts go by the new name. One of ``ours``, which only
    says that the task is being renamed, goes away.
    """
    prefix = project.repo.state_prefix
    for _ in range(_TRIES):
        project.refs.fetch()
        tip = read_tip(project, task)
        if tip is None:
            return "none"
        state = tip.state
        _refuse_open(task, state)
        hold = _strip(state.hold, new)
        gone = RefUpdate(prefix + task, None, tip.oid)
        try:
            if ours and state.attempt == 0 and state.status == "open" and not (hold or state.guidance):
                project.refs.swap([gone])
                return "none"
            happened = Event(
                name="hold_released", id=project.random_id(12), at=render_time(project.refs.now()), by=project.actor
            )  # fmt: skip
            renamed = state.model_copy(update={"task": new, "hold": hold, "event": happened})
            oid = project.ledger.write_state(project.repo, renamed, tip.oid)
            moves = [RefUpdate(prefix + new, oid, None), gone, *_list_work(project, task, new, state.attempt)]
            project.refs.swap(moves)
        except LostRace:
            continue
        return "moved"
    raise LostRace([prefix + task])


def _list_work(project: Project, task: str, new: str, attempts: int) -> list[RefUpdate]:
    moves = []
    for number in range(1, attempts + 1):
        ref = attempt_ref(project, task, number)
        if oid := project.refs.fetch_ref(ref):
            moves += [RefUpdate(attempt_ref(project, new, number), oid, None), RefUpdate(ref, None, oid)]
    return moves
