"""Finding handoffs again: those of a task, the newest of all, or the very one that somebody names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.ids import find_similar
from gitbaton.domain.wording import is_note
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.layout import HANDOFFS, classify
from gitbaton.store.live import list_past
from gitbaton.store.plain import list_handoff_files, read_in_turn
from gitbaton.usecases.project import Project, View, find_entry, load_view, own_task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.domain.board import Entry


class Left(NamedTuple):
    """A handoff, and the file it stands in."""

    path: str
    handoff: Handoff


class Recalled(NamedTuple):
    """Handoffs, newest first: of one task, or (None) of all tasks and sessions. ``more`` says that there are older ones;
    ``broken`` are files that can't be read.
    """

    task: str | None
    left: list[Left]
    more: bool
    broken: list[str]


def recall_handoffs(project: Project, text: str | None, limit: int) -> Recalled:
    """The ``limit`` newest handoffs of the task that ``text`` names; None: of all, inside an attempt its own. Raises
    ``Refusal``.
    """
    view = load_view(project, local=True)
    text = text or project.own_task
    entry = find_entry(view, text) if text else None
    found: list[Left] = []
    broken: list[str] = []
    for path, data in iter_handoff_texts(project, view, entry):
        if len(found) == limit:
            return Recalled(entry.row.id if entry else None, found, True, broken)
        try:
            found.append(Left(path, parse_document(data, path, Handoff, "handoff")))
        except InvalidDocument:
            broken.append(path)
    return Recalled(entry.row.id if entry else None, found, False, broken)


def iter_handoff_texts(project: Project, view: View, entry: Entry | None) -> Iterator[tuple[str, bytes]]:
    """(path, text) of the handoffs of a task (None: of everything), newest first."""
    return read_in_turn(project.repo, list_files(project, view, entry))


def list_files(project: Project, view: View, entry: Entry | None) -> list[tuple[str, str | None]]:
    """Where handoffs stand, newest first: on base and in this checkout, on branches that people of this clone work on, and
    with every attempt, whatever became of its branch.
    """
    entries = [entry] if entry else view.board.entries.values()
    known: dict[str, str] = {}
    heads: list[str] = []
    for one in entries:
        if one.live is None:
            continue
        for past in list_past(view.tips, one.row.id):
            if past.get("head") and past.get("handoff"):
                known[past["handoff"]] = f"{past['head']}:{past['handoff']}"
        if one.live.branch and (one.live.person or entry):
            heads.append(f"refs/heads/{one.live.branch}")
        if entry and one.live.head:
            heads.append(one.live.head)
    return list_handoff_files(project.repo, entry.row.id if entry else None, heads, known)


def find_handoff(project: Project, text: str | None) -> Left:
    """The one handoff that ``text`` names: ``TASK`` (its newest that says more than a note), ``TASK/2`` (of its second
    attempt), or a file. None: the newest of the attempt's own task. Raises ``Refusal`` (``no-handoff``, ``unknown-id``),
    ``InvalidDocument``.
    """
    if text and (place := _read_as_path(project, text)):
        return _find_file(project, place)
    task, _, number = (text or own_task(project)).partition("/")
    view = load_view(project, local=True)
    entry = find_entry(view, task)
    task = entry.row.id
    left = [_parse(p, data) for p, data in iter_handoff_texts(project, view, entry)]
    if number:
        return _find_of_attempt(task, number, left)
    telling = (x for x in left if not is_note(x.handoff.model_dump(mode="json", exclude_defaults=True)))
    if found := next(telling, left[0] if left else None):
        return found
    raise Refusal(f"nothing was left on {task} yet", code="no-handoff", hint=f"leave something with: baton handoff save {task}")  # fmt: skip


def _find_of_attempt(task: str, number: str, left: list[Left]) -> Left:
    """The handoff that an attempt ended with, else the newest checkpoint in it."""
    of = [x for x in left if str(x.handoff.attempt) == number]
    if found := next((x for x in of if x.handoff.outcome is not None), of[0] if of else None):
        return found
    known = sorted({str(x.handoff.attempt) for x in left if x.handoff.attempt}, key=int)
    there = (
        f"there are handoffs of {', '.join(f'{task}/{n}' for n in known)}" if known else "no attempt left one"
    )
    raise Refusal(
        f"there is no handoff of {task}/{number}; {there}", code="no-handoff", hint=f"see all with: baton handoff list {task}",
        data={"attempts": known},
    )  # fmt: skip


def _read_as_path(project: Project, text: str) -> str | None:
    """The repository path that ``text`` means, if it means a file: from the top, from this folder, or absolute."""
    if not text.endswith((".yaml", ".yml")):
        return None
    if text.startswith(f"{HANDOFFS}/") or "/" not in text:
        return text
    full = os.path.realpath(text)
    top = os.path.realpath(project.repo.top)
    return os.path.relpath(full, top).replace(os.sep, "/") if full.startswith(top + os.sep) else text


def _find_file(project: Project, path: str) -> Left:
    """The handoff at ``path``, or with that file name, wherever this clone has it."""
    place = classify(path) if "/" in path else None
    if place is not None and place.kind != "handoff":
        raise Refusal(f"{path} is no handoff", code="no-handoff", hint="see them with: baton handoff list")
    repo = project.repo
    files = list_files(project, load_view(project, local=True), None)
    for known, oid in files:
        if path in (known, known.rsplit("/", 1)[-1]):
            for there, data in read_in_turn(repo, [(known, oid)]):
                return _parse(there, data)
    names = [known.rsplit("/", 1)[-1] for known, _ in files]
    near = find_similar(path.rsplit("/", 1)[-1], names, 1)
    raise Refusal(
        f"there is no handoff {path}", code="no-handoff",
        hint=f"did you mean {near[0]}?" if near else "see them with: baton handoff list", data={"similar": near},
    )  # fmt: skip


def _parse(path: str, data: bytes) -> Left:
    return Left(path, parse_document(data, path, Handoff, "handoff"))
