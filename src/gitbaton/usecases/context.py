"""Context between attempts and sessions: leaving it, reading it, saying that a task is complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.outbox import AgentHandoff, Item
from gitbaton.domain.task import Task
from gitbaton.errors import Refusal, UsageError
from gitbaton.store.documents import parse_document
from gitbaton.store.edits import Edited, commit_edits
from gitbaton.store.git import resolve
from gitbaton.store.layout import classify, handoff_path
from gitbaton.store.live import render_time
from gitbaton.store.outbox import write_item
from gitbaton.store.schemas import field_order, shape_for
from gitbaton.store.snapshots import read_worktree
from gitbaton.store.yamledit import SetField, edit_yaml
from gitbaton.usecases.material import list_handoffs
from gitbaton.usecases.project import Project, find_row, load_view
from gitbaton.usecases.publish import render_handoff
from gitbaton.usecases.tasks import pushed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Saved(NamedTuple):
    """Where context went: a commit with a handoff file, or (inside an attempt) the outbox."""

    task: str | None
    path: str | None
    edited: Edited | None


class Context(NamedTuple):
    """What there is to know: (path, handoff) newest first."""

    task: str | None
    handoffs: tuple[tuple[str, Handoff], ...]


def save_context(
    project: Project, text: str | None, fields: Mapping[str, Any], *, note: str | None = None, percent: int | None = None,
    question: str | None = None, push: bool | None = None,
) -> Saved:  # fmt: skip
    """Leave a handoff for the next session or attempt. ``fields`` are those of ``AgentHandoff``; ``note`` and
    ``percent`` say how far it is; ``question`` asks a person. Raises ``UsageError`` for fields that don't fit.
    """
    handoff = check_fields(fields)
    if project.outbox is not None:
        if question:
            write_item(project.outbox, Item(kind="question", text=question))
        if note or percent is not None:
            write_item(project.outbox, Item(kind="note", text=note, percent=percent))
        if handoff.model_fields_set:
            write_item(project.outbox, Item(kind="context", handoff=handoff))
        return Saved(text, None, None)
    task = find_row(load_view(project, local=True), text).id if text else None
    value = handoff.model_dump(mode="json", exclude_defaults=True)
    if note:
        value["data"] = {**value.get("data", {}), "notes": [note]}
    if question:
        value["questions"] = [*value.get("questions", []), question]
        value.setdefault("next_action", "needs_input")
    if not value:
        raise UsageError(
            "there is nothing to save",
            code="empty-context",
            hint='say something: baton context save --summary "…"',
        )
    path, create = _new_handoff(project, task, value)
    edited = commit_edits(project.repo, {path: create}, f"Save context of {task or 'a session'}")
    return Saved(task, path, pushed(project, edited, push=push))


def check_fields(fields: Mapping[str, Any]) -> AgentHandoff:
    """The handoff fields that an author may give. Raises ``UsageError``."""
    try:
        return AgentHandoff.model_validate({k: v for k, v in fields.items() if v not in (None, [], (), {})})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise UsageError(
            f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}",
            code="bad-field",
            hint="see the handoff schema in tasks/schemas",
        ) from None


def _new_handoff(
    project: Project, task: str | None, value: dict[str, Any]
) -> tuple[str, Callable[[bytes | None], bytes]]:
    now = project.clock()
    path = handoff_path(task, now, project.random_id(8))
    whole = Handoff.model_validate(
        {"task": task, "agent": project.actor, "created": render_time(now), **value}
    )
    text = render_handoff(whole, path).encode()

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="run the same command again")
        return text

    return path, create


def complete_task(
    project: Project, text: str, fields: Mapping[str, Any], *, result: object = None, push: bool | None = None
) -> Saved:
    """Say that a task is complete. Inside an attempt the runner decides what that is worth. Outside, one commit
    writes ``status: done`` and a handoff that is marked unverified, because nobody ran the checks.
    """
    handoff = check_fields(fields)
    if project.outbox is not None:
        said = handoff.model_copy(update={"next_action": handoff.next_action or "complete"})
        item = Item.model_construct(
            kind="complete",
            handoff=AgentHandoff.model_validate(said.model_dump(exclude_defaults=True)),
            result=result,
        )
        write_item(project.outbox, item)
        return Saved(text, None, None)
    view = load_view(project, local=True)
    row = find_row(view, text)
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
    value = {
        **handoff.model_dump(mode="json", exclude_defaults=True),
        "verified": False,
        "outcome": "succeeded",
    }
    value.setdefault("next_action", "complete")
    path, create = _new_handoff(project, row.id, value)

    def finish(old: bytes | None) -> bytes:
        if old is None:
            raise Refusal(
                f"{row.path} is not in this checkout",
                code="not-here",
                hint=f"merge {project.repo.base.branch} first",
            )
        new = edit_yaml(
            old, row.path, [SetField(("status",), "done")], order=field_order("task"), shape=shape_for("task")
        )
        parse_document(new, row.path, Task, "task")
        return new

    edited = commit_edits(project.repo, {row.path: finish, path: create}, f"Complete {row.id}: {row.title}")
    return Saved(row.id, path, pushed(project, edited, push=push))


def get_context(project: Project, text: str | None, *, limit: int = 5) -> Context:
    """The newest handoffs of a task, or of all tasks and sessions, newest first: those on the base branch, on
    the task's branch, and in this checkout.
    """
    repo = project.repo
    view = load_view(project, local=True)
    task = find_row(view, text).id if text else None
    found: dict[str, Handoff] = {}
    places = [c for c in (repo.base.commit, resolve(repo.git, "HEAD")) if c]
    if task and (tip := view.tips.states.get(task)) and tip.state.head and resolve(repo.git, tip.state.head):
        places.append(tip.state.head)
    for commit in dict.fromkeys(places):
        for name in [task] if text else _handoff_folders(project, commit):
            found.update(list_handoffs(repo, commit, name))
    for path, file in read_worktree(repo, handoffs=True).items():
        place = classify(path)
        if (
            place
            and place.kind == "handoff"
            and path not in found
            and (not task or path.split("/")[2] == task)
        ):
            try:
                found[path] = parse_document(file.data, path, Handoff, "handoff")
            except Refusal:
                continue
    newest = sorted(found.items(), key=lambda pair: pair[0].rsplit("/", 1)[-1], reverse=True)
    return Context(task, tuple(newest[:limit]))


def _handoff_folders(project: Project, commit: str) -> list[str | None]:
    out = project.repo.git.run("ls-tree", "-z", "--name-only", f"{commit}:tasks/handoffs")
    names = [n.decode("utf-8", "surrogateescape") for n in out.out.split(b"\0") if n] if out.code == 0 else []
    return [None if n == "sessions" else n for n in names]
