"""Adding a task: the quick way for a plain one with a fresh id, else the way of every task.

The quick way needs neither models nor a YAML reader nor the board. It takes fields of text and lists of text that
refer to nothing, and an id that stands nowhere: in no file name of base, of the index, of the working tree, and in no
state ref. Whether the new text is valid is for ``scan_task`` to say, which takes only files that are. It leaves
everything else to ``tasks``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from gitbaton.domain.ids import check_id, make_slug
from gitbaton.errors import Refusal
from gitbaton.store.indexfile import is_in_index
from gitbaton.store.layout import RESERVED, TASKS, schema_line, task_path
from gitbaton.store.scan import scan_task
from gitbaton.store.stamp import RefFiles
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.writing import Written, write_documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project

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
