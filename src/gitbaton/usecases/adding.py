"""Adding a task: the quick way for a plain one with a fresh id, else the way of every task.

The quick way needs neither models nor a YAML reader nor the board. It takes fields of text and lists of text that
refer to nothing, and an id that stands nowhere: in no file name of base, of the index, of the working tree, and in no
state ref. Whether the new text is valid is for ``scan_task`` to say, which takes only files that are. It leaves
everything else to ``tasks``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gitbaton.domain.ids import check_id, make_slug
from gitbaton.errors import Refusal
from gitbaton.store.indexfile import is_in_index
from gitbaton.store.layout import RESERVED, TASKS, schema_line, task_path
from gitbaton.store.scan import scan_task
from gitbaton.store.stamp import RefFiles
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.writing import Written, write_documents

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gitbaton.errors import Problem
    from gitbaton.store.edits import Edited
    from gitbaton.store.repository import Repository
    from gitbaton.store.threetexts import Change
    from gitbaton.usecases.project import Project, View

#: Fields that refer to nothing, in the order of the schema.
PLAIN = (
    "title", "status", "type", "priority", "role", "description", "acceptance", "paths", "labels", "created",
)  # fmt: skip


def add_task(
    project: Project, fields: Mapping[str, Any], *, task_id: str | None = None, to: Delivery = HERE
) -> Written:
    """Write a new task file with ``fields`` (as in the task schema) and commit it. The id comes from the title
    unless given. Raises ``Refusal`` (``bad-id``, ``taken-id``, ``unknown-id`` of something it refers to) and
    ``UsageError`` for fields that don't fit the schema.
    """
    if to.where == "here" and project.outbox is None and (done := add_plain(project, fields, task_id, to)):
        return done
    from gitbaton.usecases.tasks import add_any_task

    return add_any_task(project, fields, task_id=task_id, to=to)


def add_plain(
    project: Project, fields: Mapping[str, Any], task_id: str | None, to: Delivery
) -> Written | None:
    """``add_task`` the quick way; None where it can't be gone."""
    value = {k: v for k, v in fields.items() if v not in (None, [], ())}
    title = value.get("title")
    if not isinstance(title, str) or not all(k in PLAIN and _is_text(v) for k, v in value.items()):
        return None
    value["title"] = " ".join(title.split())
    task = check_id(task_id) if task_id is not None else make_slug(value["title"])
    repo = project.repo
    path = task_path(task, repo.config_file.facts.layout)
    text = render_plain(value, path, project)
    if scan_task(text, path, task) is None or not _is_fresh(repo, task):
        return None

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="choose another id")
        return text

    edited = write_documents(project, {path: create}, f"Add task {task}: {value['title']}", to)
    return Written(task, path, edited)


def _is_text(value: object) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))


def render_plain(value: Mapping[str, Any], path: str, project: Project) -> bytes:
    """The text of a new task, as ``documents.render_document`` gives it."""
    from gitbaton.store.live import render_time
    from gitbaton.store.yamlwrite import render_yaml

    whole = {"created": render_time(project.clock()), "status": "todo", **value}
    return render_yaml(whole, order=PLAIN, header=schema_line("task", path), spaced=("status",)).encode()


def _is_fresh(repo: Repository, task: str) -> bool:
    """Whether the id surely stands nowhere: neither on the board, nor where it could come to it."""
    ref = f"{repo.seen_prefix}{task}"
    if os.path.lexists(repo.common_dir / "reftable") or os.path.lexists(repo.common_dir / ref):
        return False
    if f" {ref}\n".encode() in RefFiles(os.fspath(repo.common_dir)).packed:
        return False
    if is_in_index(repo, f"/{task}.") is not False or _is_on_disk(os.fspath(repo.top / TASKS), f"{task}."):
        return False
    try:
        head = (repo.git_dir / "HEAD").read_bytes()
    except OSError:
        return False
    if head == f"ref: {repo.base.ref}\n".encode("utf-8", "surrogateescape") or repo.base.commit is None:
        return True  # what base has, the index has, unless it was deleted here
    names = repo.git.call(
        "ls-tree", "-r", "-z", "--name-only", "--full-tree", repo.base.commit, "--", f"{TASKS}/"
    )
    return f"/{task}.".encode() not in names.lower()


def _is_on_disk(folder: str, start: str) -> bool:
    """Whether the name of a file below ``folder`` begins with ``start``, whatever its capitals."""
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(at := waiting.pop()) as entries:
                for entry in entries:
                    if entry.name.lower().startswith(start):
                        return True
                    if entry.is_dir(follow_symlinks=False) and not (at == folder and entry.name in RESERVED):
                        waiting.append(entry.path)
        except OSError:
            return True  # nobody knows what is there
    return False


# -- several documents in one commit ---------------------------------------------------------------------------


class NewDocument(NamedTuple):
    """A file to be written, and its fields as in its schema. Ids that it names are whole."""

    kind: Literal["task", "plan"]
    id: str
    fields: Mapping[str, Any]


def add_documents(
    project: Project,
    view: View,
    documents: Sequence[NewDocument],
    message: str,
    *,
    to: Delivery,
    also: Mapping[str, Change] | None = None,
) -> Edited:
    """Write new tasks and plans, and make the edits ``also`` (path → function of its text), in one commit: all or
    nothing. They may refer to one another. ``project``, ``view`` and ``to`` come from ``open_target``.

    Raises ``Refusal`` (``taken-id``, ``inside-attempt``; ``bad-documents`` with every problem of what would be
    written) and what ``write_documents`` raises; then nothing is written.
    """
    from gitbaton.usecases.project import refuse_inside

    refuse_inside(project, "write several files", hint="propose tasks one by one with create_task")
    _refuse_taken([d.id for d in documents if d.kind == "task"], list_taken(view), "task")
    _refuse_taken([d.id for d in documents if d.kind == "plan"], view.contents.plans, "plan")
    texts = render_documents(project, documents)
    if problems := find_new_problems(view, texts):
        raise Refusal(
            str(problems[0]) if len(problems) == 1 else f"{len(problems)} problems in what would be written",
            code="bad-documents", hint="nothing was written; give values that fit", problems=problems,
        )  # fmt: skip
    changes: dict[str, Change] = {path: creating(path, text) for path, text in texts.items()}
    return write_documents(project, {**changes, **(also or {})}, message, to)


def list_taken(view: View) -> set[str]:
    """The ids that a new task can't have."""
    return {*view.board.entries, *(b.id for b in view.board.broken), *view.tips.states}


def _refuse_taken(ids: Sequence[str], taken: Collection[str], noun: str) -> None:
    seen: set[str] = set()
    for name in map(check_id, ids):
        if name in taken or name in seen:
            raise Refusal(f"there is a {noun} '{name}' already", code="taken-id", hint="choose another id")
        seen.add(name)


def render_documents(project: Project, documents: Sequence[NewDocument]) -> dict[str, bytes]:
    """Path → text of each."""
    return dict(_render(project, document) for document in documents)


def _render(project: Project, document: NewDocument) -> tuple[str, bytes]:
    from gitbaton.store.documents import render_document
    from gitbaton.store.layout import plan_path
    from gitbaton.store.live import render_time

    kind, name, fields = document
    value = {k: v for k, v in fields.items() if v not in (None, [], (), {})}
    path = (
        task_path(name, project.repo.config.layout, value.get("plan")) if kind == "task" else plan_path(name)
    )
    status = "todo" if kind == "task" else "active"
    whole = {"status": status, "created": render_time(project.clock()), **value}
    return path, render_document(whole, path, kind)


def creating(path: str, text: bytes) -> Change:
    """The change that makes a new file. Raises ``Refusal`` (``taken-id``) where there is one."""

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="choose another id")
        return text

    return create


def find_new_problems(view: View, texts: Mapping[str, bytes]) -> list[Problem]:
    """Every problem of new files (path → text), by themselves and with what there is."""
    from gitbaton.domain.plan import Plan
    from gitbaton.domain.rules import PlanRow, check_graph, check_links
    from gitbaton.domain.task import Task
    from gitbaton.errors import Problem
    from gitbaton.store.documents import judge_document, row_of
    from gitbaton.store.layout import classify
    from gitbaton.store.schemas import shape_for
    from gitbaton.store.yamlfile import field_name, parse_yaml

    problems: list[Problem] = []
    rows, plans, sources = [], [], {}
    tasks = {*view.board.entries, *(b.id for b in view.board.broken)}
    known_plans = {*view.contents.plans}
    for path, text in texts.items():
        place = classify(path)
        assert place is not None
        sources[path] = parse_yaml(text, path, shape_for(place.kind))
        document, found = judge_document(sources[path], place.kind)
        problems += found
        (tasks if place.kind == "task" else known_plans).add(place.id)
        if isinstance(document, Task):
            rows.append(row_of(document, path, place.id))
        elif isinstance(document, Plan):
            plans.append(PlanRow(place.id, path, document.tasks))
    together = [*rows, *(entry.row for entry in view.board.entries.values())]
    for finding in (*check_links(rows, plans, tasks, known_plans), *check_graph(together)):
        if finding.path in sources:
            where = sources[finding.path].position(finding.field)
            problems.append(
                Problem(finding.path, *where, field_name(finding.field), finding.code, finding.message)
            )
    return sorted(problems)
