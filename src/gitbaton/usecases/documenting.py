"""``baton docs``: an agent writes implementation notes and acceptance tests of tasks, and hands them in; they are
judged, and written to ``tasks/docs/`` as one commit, for review.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.documenting import SCHEMA, Subject, judge_document, render_document, render_request
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.plan import Plan
from gitbaton.domain.task import Task
from gitbaton.domain.usage import Usage, add_usage
from gitbaton.errors import AttemptFailed, BatonError, InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import parse_document
from gitbaton.store.git import list_entries, list_tree, read_objects, resolve
from gitbaton.store.layout import DOCS, doc_path, plan_path
from gitbaton.store.roles import find_role
from gitbaton.usecases.commission import Commission, carry_out_commission
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.material import choose_agent
from gitbaton.usecases.project import Project, View, find_entry, refuse_inside
from gitbaton.usecases.writing import open_target, write_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.store.edits import Edited
    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.attempt_log import RunEvent

#: The role whose guidance, model and tools the author has.
ROLE = "documenter"
_OVER = ("done", "cancelled")
#: Ends that would be the same for the next task.
_HOPELESS = (Outcome.AUTH, Outcome.RATE_LIMITED, Outcome.OVERLOADED)


class Doc(NamedTuple):
    """A document that was written. ``rounds`` are what was handed back to its author on the way."""

    task: str
    path: str
    replaced: bool
    rounds: tuple[str, ...]
    usage: Usage


class Refused(NamedTuple):
    """A task that has no new document, and why."""

    task: str
    message: str
    complaints: tuple[str, ...] = ()
    log: str | None = None


class Documented(NamedTuple):
    """What came of it. ``kept`` are documents that were there already; ``usage`` is that of all authors, refused ones
    too; ``edited`` is None when nothing was written. ``interrupted``: somebody pressed Ctrl-C; what was ready is
    written.
    """

    written: tuple[Doc, ...]
    kept: tuple[str, ...]
    refused: tuple[Refused, ...]
    usage: Usage
    edited: Edited | None
    interrupted: bool = False


class Asked(NamedTuple):
    """How documents are to be written: ``directory`` is the folder that they are about, instead of the tasks' own."""

    force: bool = False
    directory: str | None = None
    model: str | None = None
    agent: str | None = None


@dataclass(slots=True)
class _Desk:
    """What is worked off. ``texts`` are the finished documents, by path."""

    project: Project
    view: View
    to: Delivery
    asked: Asked
    commit: str
    on_progress: Callable[[RunEvent], None]
    texts: dict[str, str] = field(default_factory=dict)
    written: list[Doc] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)


def write_docs(
    project: Project,
    wanted: Sequence[str],
    asked: Asked,
    *,
    everything: bool = False,
    to: Delivery = HERE,
    on_progress: Callable[[RunEvent], None] = lambda _: None,
) -> Documented:
    """Write the documents of the tasks ``wanted``, or of all (``everything``) that are not over and have none. One that
    is there is kept, unless ``asked`` to replace it. A task that can't be documented keeps no other from being: it is
    among those refused. Raises ``UsageError``, ``Refusal`` where nothing can be begun, and what
    ``carry_out_commission`` raises when it was about one task alone.
    """
    refuse_inside(project, "let another agent write documents")
    if bool(wanted) == everything:
        said = (
            "either tasks or --all, not both" if wanted else "which tasks? their ids are missing, or --all is"
        )
        raise UsageError(said, code="usage", hint="baton docs ID, or: baton docs --all")
    project, view, to = open_target(project, to)
    project = project.fetched()
    commit = project.repo.base.commit
    if commit is None:
        raise Refusal(
            f"{project.repo.base.branch} has no commit yet", code="no-base", hint="commit something first"
        )
    desk = _Desk(project, view, to, asked, commit, on_progress)
    if asked.directory is not None and (problem := _judge_folder(desk, asked.directory)):
        raise UsageError(problem, code="bad-working-directory", hint="give a folder of the repository")
    tasks = _choose(desk, wanted)
    there = _list_there(desk) if not asked.force else set()
    kept = [t for t in tasks if doc_path(t) in there]
    interrupted = _work_off(desk, [t for t in tasks if t not in kept])
    if not desk.texts:
        return Documented((), tuple(kept), tuple(desk.refused), desk.usage, None)
    late: set[str] = set()
    edited = write_documents(project, _list_changes(desk, late), _word_commit(desk), to)
    written = tuple(doc for doc in desk.written if doc.path not in late)
    kept += [doc.task for doc in desk.written if doc.path in late]
    return Documented(written, tuple(kept), tuple(desk.refused), desk.usage, edited, interrupted)


# -- choosing ------------------------------------------------------------------------------------------------


def _choose(desk: _Desk, wanted: Sequence[str]) -> list[str]:
    """The ids, each once. A file that can't be read is refused by itself; an id that nobody knows is a slip."""
    board = desk.view.board
    broken = {b.id: b for b in board.broken if b.id not in board.entries}
    found = []
    for text in wanted:
        if text in broken:
            _refuse(desk, text, f"{broken[text].path} can't be read: baton validate")
        else:
            found.append(find_entry(desk.view, text).row.id)
    if not wanted:
        found = [e.row.id for _, e in sorted(board.entries.items()) if e.state not in _OVER]
        for task, row in sorted(broken.items()):
            _refuse(desk, task, f"{row.path} can't be read: baton validate")
    return list(dict.fromkeys(found))


def _refuse(desk: _Desk, task: str, message: str) -> None:
    desk.refused.append(Refused(task, message))


def _find_target(desk: _Desk) -> str | None:
    """The commit that the edit is made on."""
    repo = desk.project.repo
    return resolve(repo.git, "HEAD") if desk.to.where == "here" else repo.base.commit


def _list_there(desk: _Desk) -> set[str]:
    """The documents that are there already, as the edit would meet them."""
    repo, commit = desk.project.repo, _find_target(desk)
    found = {entry.path for entry in list_tree(repo.git, commit, DOCS)} if commit else set()
    if desk.to.where == "here" and (repo.top / DOCS).is_dir():
        found |= {f"{DOCS}/{file.name}" for file in (repo.top / DOCS).iterdir()}
    return found


def _read_old(desk: _Desk, task: str) -> str | None:
    """The document that is there already."""
    repo, path, commit = desk.project.repo, doc_path(task), _find_target(desk)
    text = read_objects(repo.git, [f"{commit}:{path}"])[0] if commit else None
    if desk.to.where == "here" and (repo.top / path).is_file():
        text = (repo.top / path).read_bytes()
    return None if text is None else text.decode("utf-8", "replace")


# -- writing -------------------------------------------------------------------------------------------------


def _work_off(desk: _Desk, tasks: Sequence[str]) -> bool:
    """One after the other. True when somebody pressed Ctrl-C, and something was ready."""
    for number, task in enumerate(tasks):
        try:
            _write(desk, task)
        except AttemptFailed as error:
            if len(tasks) == 1 and not desk.refused:
                raise
            desk.usage = add_usage(desk.usage, Usage.model_validate(error.data["usage"]))
            desk.refused.append(Refused(task, error.message, tuple(error.complaints), str(error.data["log"])))
            if error.data["outcome"] in _HOPELESS:
                _give_up(
                    desk, tasks[number + 1 :], "not begun: the next one would have ended in the same way"
                )
                break
        except _Unfit as unfit:
            if len(tasks) == 1 and not desk.refused:
                raise Refusal(f"{task}: {unfit}", code="bad-task", hint=f"baton edit {task}") from None
            _refuse(desk, task, str(unfit))
        except BatonError as error:  # it could not begin, and neither could the next
            if not desk.written:
                raise
            _give_up(desk, tasks[number:], f"not begun: {error.message}")
            break
        except KeyboardInterrupt:
            if not desk.written:
                raise
            _give_up(desk, tasks[number:], "interrupted")
            return True
    return False


def _give_up(desk: _Desk, tasks: Sequence[str], message: str) -> None:
    for task in tasks:
        _refuse(desk, task, message)


class _Unfit(Exception):
    """Something about the task itself; the text says what."""


def _write(desk: _Desk, task_id: str) -> None:
    """Let the document of one task be written. Raises ``_Unfit``, and as ``carry_out_commission``."""
    project, asked = desk.project, desk.asked
    task = _read_task(desk, task_id)
    folder = asked.directory or task.working_directory
    if folder and (problem := _judge_folder(desk, folder)):
        raise _Unfit(problem)
    old = _read_old(desk, task_id)
    role = find_role(project.repo, desk.commit, ROLE)
    subject = Subject(task_id, task, folder, _read_goal(desk, task), old, role)
    name, _ = choose_agent(project.repo, asked.agent)
    done = carry_out_commission(
        project,
        Commission(
            f"docs {task_id}", render_request(subject), SCHEMA, partial(judge_document, task=task), role=role,
            commit=desk.commit, agent_name=asked.agent, model=asked.model,
        ),
        desk.on_progress,
    )  # fmt: skip
    by = f"{name} ({asked.model})" if asked.model else name
    path = doc_path(task_id)
    desk.texts[path] = render_document(task_id, task, done.result, by=by, commit=desk.commit)
    desk.usage = add_usage(desk.usage, done.usage)
    desk.written.append(Doc(task_id, path, old is not None, done.rounds, done.usage))


def _read_task(desk: _Desk, task: str) -> Task:
    """The task as the board has it: with what this checkout adds, where the edit goes here."""
    repo, row = desk.project.repo, desk.view.board.entries[task].row
    data = None
    if row.local and (repo.top / row.path).is_file():
        data = (repo.top / row.path).read_bytes()
    elif text := read_objects(repo.git, [f"{desk.commit}:{row.path}"])[0]:
        data = text
    try:
        if data is None:
            raise _Unfit(f"{row.path} is not in this checkout")
        return parse_document(data, row.path, Task, "task")
    except InvalidDocument as error:
        raise _Unfit(error.message) from None


def _read_goal(desk: _Desk, task: Task) -> str | None:
    if not task.plan:
        return None
    path = plan_path(task.plan)
    text = read_objects(desk.project.repo.git, [f"{desk.commit}:{path}"])[0]
    try:
        plan = parse_document(text, path, Plan, "plan") if text else None
    except InvalidDocument:
        return None
    return f"{plan.title}\n\n{plan.goal or ''}" if plan else None


def _judge_folder(desk: _Desk, folder: str) -> str | None:
    """Why ``folder`` is none of the commit that the author sees."""
    path = PurePosixPath(folder)
    if path.is_absolute() or ".." in path.parts or "\\" in folder or not folder.isprintable():
        return f"'{folder}' is no folder of the repository: it must lead into it, from its top"
    entry = (
        list_entries(desk.project.repo.git, desk.commit, [str(path)]).get(str(path)) if path.parts else None
    )
    if path.parts and (entry is None or entry.kind != "tree"):
        return f"there is no folder '{folder}' on {desk.project.repo.base.branch}"
    return None


# -- delivering ----------------------------------------------------------------------------------------------


def _list_changes(desk: _Desk, late: set[str]) -> dict[str, Change]:
    """The edits. ``late`` comes to hold the paths at which somebody else wrote meanwhile: what is there is kept."""

    def write(path: str, text: str) -> Change:
        def change(old: bytes | None) -> bytes:
            if old is None or desk.asked.force:
                return text.encode()
            late.add(path)
            return old

        return change

    return {path: write(path, text) for path, text in desk.texts.items()}


def _word_commit(desk: _Desk) -> str:
    if len(desk.written) == 1:
        (doc,) = desk.written
        title = desk.view.board.entries[doc.task].row.title
        return f"{'Rewrite' if doc.replaced else 'Add'} docs of {doc.task}: {title}"
    listed = "\n".join(f"- {doc.task}" for doc in desk.written)
    return f"Write docs of {len(desk.written)} tasks\n\n{listed}"
