"""The word ``last`` in the place of a task's id: the task that a command in this checkout wrote or showed last.

It is kept in a small file in the worktree's own git dir, which may be deleted at any time. A task whose id is really
``last`` is meant before it.
"""

from __future__ import annotations

import os

from gitbaton.errors import UsageError
from gitbaton.store.layout import TASKS
from gitbaton.store.stamp import find_place, read_file, write_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

WORD = "last"
_NAME = "last"
#: Answers about a task that nobody wrote or looked at: what comes next is not yet what one has.
_PASSING = ("next",)


def resolve_last() -> str:
    """The id that ``last`` stands for. Raises ``UsageError`` (``no-last``) where there was none."""
    place = find_place(os.environ)
    if place and is_task_here(WORD):
        return WORD
    found = read_file(f"{place.git_dir}/baton/{_NAME}") if place else None
    if not found:
        raise UsageError(
            "no command here was about a task yet", code="no-last", hint="see the ids with: baton list"
        )
    return found.decode("utf-8", "replace").strip()


def remember_last(record: dict[str, Any]) -> None:
    """Keep the task that an answer is about; where that can't be done, nothing is said about it."""
    task = record.get("task")
    name = task.get("id") if isinstance(task, dict) else task
    if not isinstance(name, str) or not name or record.get("kind") in _PASSING:
        return
    place = find_place(os.environ)
    if place is None:
        return
    file, data = f"{place.git_dir}/baton/{_NAME}", name.encode()
    if read_file(file) != data:
        write_file(file, data)


def is_task_here(name: str) -> bool:
    """Whether this checkout has the file of a task of that id right below ``tasks/``."""
    place = find_place(os.environ)
    if place is None or "/" in name:
        return False
    return os.path.isfile(f"{place.top}/{TASKS}/{name}.yaml")  # noqa: PTH113 pathlib is slow to load
