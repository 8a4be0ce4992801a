"""Context between attempts and sessions: leaving it, reading it, saying that a task is complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from gitbaton.domain.compaction import CONTEXT_TOKENS
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.ids import MARK
from gitbaton.domain.outbox import AgentHandoff, Item
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import edit_document, parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import handoff_path
from gitbaton.store.live import render_time
from gitbaton.store.outbox import ITEM_BYTES_MAX, write_item
from gitbaton.store.yamledit import SetField
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.handoffs import render_handoff
from gitbaton.usecases.material import find_newest_handoffs
from gitbaton.usecases.project import Project, View, find_entry, find_row, load_view, own_task
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.domain.board import TaskRow
    from gitbaton.store.edits import Edited

#: How many handoffs are looked at where nobody says.
_OF_A_TASK, _OF_EVERYTHING = 200, 5


class Saved(NamedTuple):
    """Where context went: a commit with a handoff file, or (inside an attempt) the outbox. ``on_the_way`` is the number of the
    attempt that is not at its end yet.
    """

    task: str | None
    path: str | None
    edited: Edited | None
    on_the_way: int | None = None


class Context(NamedTuple):
    """What there is to know: (path, handoff) newest first, and in how many tokens it is to be told. ``more`` says that there
    are older ones.
    """

    task: str | None
    handoffs: tuple[tuple[str, Handoff], ...]
    tokens: int = CONTEXT_TOKENS
    more: bool = False


# -- leaving it ----------------------------------------------------------------------------------------------


def save_context(
    project: Project, text: str | None, fields: Mapping[str, Any], *, note: str | None = None, percent: int | None = None,
    question: str | None = None, to: Delivery = HERE,
) -> Saved:  # fmt: skip
    """Leave a handoff for the next session or attempt. ``fields`` are those of ``AgentHandoff``; ``note`` and
    ``percent`` say how far it is; ``question`` asks a person. While somebody is at the task it is marked as left on the way.
    Raises ``UsageError`` for fields that don't fit.
    """
    handoff = check_fields(fields)
    if percent is not None and not 0 <= percent <= 100:
        raise UsageError(f"{percent} is no percentage", code="bad-value", hint="give a number from 0 to 100")
    if not (handoff.model_fields_set or note or question or percent is not None):
        raise UsageError(
            "there is nothing to save", code="empty-context", hint="give a summary, a note or a question"
        )
    if project.outbox is not None:
        return _hand_over(project.outbox, _find_own(project, text), handoff, note, percent, question)
    project, view, to = open_target(project, to)
    entry = find_entry(view, text) if text else None
    task = entry.row.id if entry else None
    value = handoff.model_dump(mode="json", exclude_defaults=True)
    if note:
        value["data"] = {**value.get("data", {}), "notes": [note]}
    if percent is not None:
        value["data"] = {**value.get("data", {}), "percent": percent}
    if question:
        value["questions"] = [*value.get("questions", []), question]
        value.setdefault("next_action", "needs_input")
    live = entry.live if entry and (entry.running or entry.state == "taken_over") else None
    if live and not value.keys() <= {"data"}:  # a short note is only that
        value |= {"incomplete": True, "attempt": live.attempt or None}
    path, create = _new_handoff(project, task, value)
    edited = write_documents(project, {path: create}, f"Save context of {task or 'a session'}", to)
    return Saved(task, path, edited, live.attempt if live and "incomplete" in value else None)


def _hand_over(
    outbox: Path,
    task: str,
    handoff: AgentHandoff,
    note: str | None,
    percent: int | None,
    question: str | None,
) -> Saved:
    if question:
        write_item(outbox, Item(kind="question", text=question))
    if note or percent is not None:
        write_item(outbox, Item(kind="note", text=note, percent=percent))
    if handoff.model_fields_set:
        write_item(outbox, Item(kind="context", handoff=handoff))
    return Saved(task, None, None)


def _find_own(project: Project, text: str | None) -> str:
    """The attempt's own task. Raises ``Refusal`` (``inside-attempt``) when ``text`` means another one."""
    own = own_task(project)
    if text and text != own and find_row(load_view(project, local=True), text).id != own:
        raise Refusal(
            f"inside an attempt you speak for {own} alone, not for {text}",
            code="inside-attempt",
            hint="leave the id out; to propose other work, create a task",
        )
    return own


def check_fields(fields: Mapping[str, Any]) -> AgentHandoff:
    """The handoff fields that an author may give. Raises ``UsageError`` that names all that don't fit."""
    try:
        return AgentHandoff.model_validate(
            {k: v for k, v in fields.items() if v not in (None, "", [], (), {})}
        )
    except ValidationError as error:
        said = [
            f"{'.'.join(str(p) for p in e['loc'])}: {e['msg'][:1].lower()}{e['msg'][1:]}"
            for e in error.errors(include_url=False)[:5]
        ]
        raise UsageError(
            "; ".join(said), code="bad-field", hint="see the handoff schema in tasks/schemas"
        ) from None


def _new_handoff(
    project: Project, task: str | None, value: dict[str, Any]
) -> tuple[str, Callable[[bytes | None], bytes]]:
    now = project.clock()
    path = handoff_path(task, now, project.random_id(8))
    whole = Handoff.model_validate(
        {"task": task, "agent": project.actor, "created": render_time(now), **value}
    )
    text = render_handoff(whole, path)
    if len(text) > ITEM_BYTES_MAX:
        raise Refusal(
            f"a handoff has at most {ITEM_BYTES_MAX // 1024} KiB, this one {len(text) // 1024}",
            code="too-large",
            hint="put the rest into files of the repository and name them in artifacts",
        )
    try:
        parse_document(text, path, Handoff, "handoff")
    except InvalidDocument as error:  # too deep, say: never write what nobody can read back
        raise UsageError(error.problems[0].message, code="bad-field", hint="say it more simply") from None

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="run the same command again")
        return text

    return path, create


# -- completing ----------------------------------------------------------------------------------------------


def complete_task(
    project: Project, text: str | None, fields: Mapping[str, Any], *, result: object = None, to: Delivery = HERE,
) -> Saved:  # fmt: skip
    """Say that a task is complete; ``text`` may be None inside an attempt. Inside, the runner decides what that
    is worth. Outside, one commit writes ``status: done`` and a handoff that is marked unverified, because
    nobody ran the checks. A ``result`` must meet the task's ``result_schema``, else ``Refusal`` (``bad-result``).
    """
    handoff = check_fields(fields)
    if project.outbox is not None:
        return _hand_over_completion(project, project.outbox, text, handoff, result)
    project, view, to = open_target(project, to)
    row = find_row(view, text or own_task(project))
    _refuse_completion(view, row)
    if result is not None:
        refuse_result(row.id, _read_task(project, row.path), result)
    value = {
        **handoff.model_dump(mode="json", exclude_defaults=True),
        "verified": False,
        "outcome": "succeeded",
    }
    value.setdefault("next_action", "complete")
    if result is not None:
        value["result"] = result
    path, create = _new_handoff(project, row.id, value)

    def finish(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(
                f"{row.path} is not in this checkout",
                code="not-here",
                hint=f"merge {project.repo.base.branch} first",
            )
        new = edit_document(old, row.path, "task", [SetField(("status",), "done")])
        parse_document(new, row.path, Task, "task")
        return new

    edited = write_documents(project, {row.path: finish, path: create}, f"Complete {row.id}: {row.title}", to)
    return Saved(row.id, path, edited)


def _hand_over_completion(
    project: Project, outbox: Path, text: str | None, handoff: AgentHandoff, result: object
) -> Saved:
    own = _find_own(project, text)
    if own.startswith(MARK):
        _refuse_commissioned(project, result)
    row = load_view(project, local=False).board.entries.get(own)
    task = _read_task(project, row.row.path) if row else None
    if task and (result is not None or task.result_schema is not None):
        refuse_result(own, task, result)
    said = {**handoff.model_dump(exclude_defaults=True), "next_action": handoff.next_action or "complete"}
    write_item(outbox, Item(kind="complete", handoff=AgentHandoff.model_validate(said), result=result))
    return Saved(own, None, None)


def _refuse_completion(view: View, row: TaskRow) -> None:
    entry = view.board.entries[row.id]
    if row.status in ("done", "cancelled"):
        raise Refusal(
            f"{row.id} is {row.status} already",
            code="already-finished",
            hint=f"to open it again: baton set {row.id} status=todo",
        )
    if entry.state in ("in_progress", "in_review") and entry.live and not entry.live.person:
        raise Refusal(
            f"{row.id} is {entry.state.replace('_', ' ')}: {entry.why}",
            code="somebody-else",
            hint=f"baton show {row.id}; to end it: baton stop {row.id}",
        )


def refuse_result(task_id: str, task: Task | None, result: object) -> None:
    """Raises ``Refusal`` (``bad-result``) with everything that keeps ``result`` from meeting the task's
    ``result_schema``, or when it has none. Whoever hands a result over can still mend it then.
    """
    from gitbaton.usecases.checks import check_result

    if task is None or task.result_schema is None:
        raise Refusal(f"{task_id} declares no result_schema", code="bad-result", hint="leave result out")
    if wrong := check_result(task.result_schema, result):
        raise Refusal(
            "the result does not fit the task's result_schema: " + "; ".join(wrong[:10]),
            code="bad-result",
            hint="nothing was handed over; correct the result and complete the task again",
        )


def _refuse_commissioned(project: Project, result: object) -> None:
    """Raises ``Refusal`` (``bad-result``) unless ``result`` meets the schema of the commission that this is. A first
    word to its author: the runner judges it anew.
    """
    from gitbaton.usecases.checks import check_result

    try:
        schema = json.loads(Path(project.environment.get("BATON_SCHEMA", "")).read_bytes())
    except (OSError, ValueError):
        return
    if wrong := check_result(schema, result):
        raise Refusal(
            "the result does not fit the schema that you were given: " + "; ".join(wrong[:20]),
            code="bad-result",
            hint="nothing was handed in; correct the result and call complete_task again",
        )


def _read_task(project: Project, path: str) -> Task | None:
    """The task document on base, or in the working tree where base has none; None if it can't be read."""
    commit = project.repo.base.commit
    data = read_objects(project.repo.git, [f"{commit}:{path}"])[0] if commit else None
    if data is None and (project.repo.top / path).is_file():
        data = (project.repo.top / path).read_bytes()
    try:
        return parse_document(data, path, Task, "task") if data else None
    except InvalidDocument:
        return None


# -- reading it ----------------------------------------------------------------------------------------------


def get_context(
    project: Project, text: str | None, *, limit: int | None = None, tokens: int | None = None
) -> Context:
    """The newest handoffs of a task that still hold, or (None) of all tasks and sessions, newest first: those on the base
    branch, on the task's branch, and in this checkout. Inside an attempt None is its own task. ``limit``: how many; by
    default all of a task, and a few of everything.
    """
    view = load_view(project, local=True)
    text = text or project.own_task
    task = find_row(view, text).id if text else None
    most = limit or (_OF_A_TASK if task else _OF_EVERYTHING)
    found = find_newest_handoffs(project, view, task, most + 1)
    tokens = tokens or project.repo.config.run.context_tokens
    return Context(task, tuple(found[:most]), tokens, len(found) > most)
