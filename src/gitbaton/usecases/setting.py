"""Setting fields of a task: the quick way for plain fields of a plain file, else the way of every edit.

The quick way needs neither models nor a YAML reader nor the board. It takes a task named by its whole id, a field
whose value is a word or a line, and texts in our own form, in which that is one line; whether the new text is
valid is for ``scan_task`` to say, which takes only files that are. It leaves everything else to ``tasks``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitbaton.domain.choices import PRIORITIES
from gitbaton.domain.ids import explain_bad_id, find_similar
from gitbaton.errors import UsageError
from gitbaton.store.indexfile import find_in_index
from gitbaton.store.layout import TASKS, classify
from gitbaton.store.scan import scan_task
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, refuse_inside
from gitbaton.usecases.writing import Written, write_documents

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Words that older readers of YAML don't take for text.
_DOUBTFUL = ("yes", "no", "on", "off", "y", "n", "true", "false", "null")
_PLAIN = re.compile(
    r"(status|type|priority|role|assignee|complexity|milestone|service|hold|title)=([a-zA-Z][\w .,-]*\w)",
    re.ASCII,
)


def set_fields(project: Project, text: str, assignments: Sequence[str], *, to: Delivery = HERE) -> Written:
    """As ``update_task``, with the words of the command line: ``FIELD=VALUE``, ``LIST+=ITEM``, ``LIST-=ITEM``,
    ``FIELD=`` (remove), nested as ``run.model=…``.
    """
    plain = {found[1]: found[2] for a in assignments if (found := _PLAIN.fullmatch(a))}
    if plain and len(plain) == len(assignments):
        message = f"Set {', '.join(plain)} of {text}"
        if done := _set_plain(project, text, plain, message, to):
            return done
    from gitbaton.usecases.tasks import change_fields

    return change_fields(project, text, assignments, to=to)


def set_priority(project: Project, text: str, level: str, *, to: Delivery = HERE) -> Written:
    """Set a task's priority. Raises ``UsageError`` for a level that there is not."""
    if level not in PRIORITIES:
        near = find_similar(level, PRIORITIES, 1)
        raise UsageError(
            f"there is no priority '{level}'",
            code="bad-value",
            hint=f"did you mean {near[0]}?" if near else f"one of: {', '.join(PRIORITIES)}",
        )
    if done := _set_plain(project, text, {"priority": level}, f"Set priority of {text} to {level}", to):
        return done
    from gitbaton.store.yamledit import SetField
    from gitbaton.usecases.tasks import edit_task

    edits = [SetField(("priority",), level)]
    return edit_task(project, text, edits, f"Set priority of {{task}} to {level}", to=to)


def _set_plain(
    project: Project, text: str, fields: dict[str, str], message: str, to: Delivery
) -> Written | None:
    """The quick way; None where it can't be gone."""
    refuse_inside(project, "edit task files")
    path = _find_file(project, text) if to.where == "here" else None
    if path is None:
        return None

    def change(old: bytes | None) -> bytes | None:
        return replace_lines(old, path, text, fields) or _edit(project, old, path, fields)

    return Written(text, path, write_documents(project, {path: change}, message, to))


def _find_file(project: Project, task: str) -> str | None:
    """The one file in git here that has this id, if ``task`` is a whole one."""
    if explain_bad_id(task):
        return None
    paths = find_in_index(project.repo, TASKS, f"{task}.yaml") or []
    place = classify(paths[0]) if len(paths) == 1 else None
    return paths[0] if place and place.kind == "task" and place.id == task and not place.complaint else None


def replace_lines(old: bytes | None, path: str, task: str, fields: dict[str, str]) -> bytes | None:
    """``old`` with the lines of ``fields`` replaced; None unless both texts are in our own form and valid."""
    before = scan_task(old, path, task) if old else None
    if old is None or before is None or any(v.lower() in _DOUBTFUL for v in fields.values()):
        return None
    new = old
    for name, value in fields.items():
        line = re.compile(rb"^%s: [^\n\"']*$" % name.encode(), re.MULTILINE)
        new, count = line.subn(f"{name}: {value}".encode(), new)
        if count != 1:
            return None
    return new if scan_task(new, path, task) == before._replace(**fields) else None  # type: ignore[arg-type] # names of its texts


def _edit(project: Project, old: bytes | None, path: str, fields: dict[str, str]) -> bytes:
    from gitbaton.store.yamledit import SetField
    from gitbaton.usecases.tasks import edit_text

    return edit_text(project, old, path, [SetField((name,), value) for name, value in fields.items()])
