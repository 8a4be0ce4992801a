"""The names in a checkout, for completing them: quickly, from the names of files and from the kept index. Nothing here
is an answer to act on: the index may lag behind.
"""

from __future__ import annotations

import marshal
import os

from gitbaton.store.stamp import MARK, read_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.store.stamp import Place

#: Where a row has its title and its labels, and a live row its status: in the order of ``domain.board``.
TITLE, LABELS, STATUS = 2, 12, 1
_END = ".yaml"
#: As ``store.layout`` has them, which loads more than a Tab may wait for (a test compares them).
TASKS = "tasks"
APART = ("plans", "handoffs", "roles", "workflows", "schemas", "docs", "archive")


class Known:
    """What the index knows of a task. ``status`` is that of its live state."""

    __slots__ = ("claimable", "finished", "labels", "status", "title")

    def __init__(self, row: bytes | None, live: bytes | None, finished: object, claimable: object) -> None:
        said = marshal.loads(row) if row else ()  # noqa: S302 only what this program wrote comes here
        self.title: str = said[TITLE] if said else ""
        self.labels: tuple[str, ...] = tuple(said[LABELS]) if said else ()
        self.status: str = marshal.loads(live)[STATUS] if live else ""  # noqa: S302 as above
        self.finished = bool(finished)
        self.claimable = bool(claimable)


def list_tasks(place: Place, prefix: str) -> dict[str, Known | None]:
    """The tasks whose ids begin with ``prefix``, by id, with what the index knows of them."""
    found: dict[str, Known | None] = {}
    for name in _iter_files(f"{place.top}/{TASKS}"):
        if name.startswith(prefix) and name != "config":
            found[name] = None
    found.update(_ask_index(place, prefix))
    return dict(sorted(found.items()))


def _iter_files(folder: str) -> Iterator[str]:
    folders = [(folder, True)]
    while folders:
        here, is_top = folders.pop()
        try:
            entries = list(os.scandir(here))
        except OSError:
            continue
        for entry in entries:
            name = entry.name
            if name.endswith(_END):
                yield name[: -len(_END)]
            elif "." not in name and entry.is_dir(follow_symlinks=False) and not (is_top and name in APART):
                folders.append((entry.path, False))


def _ask_index(place: Place, prefix: str) -> dict[str, Known]:
    file = f"{place.common_dir}/baton/cache-{MARK}.sqlite"
    if not os.path.exists(file):
        return {}
    import sqlite3

    try:
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=0.1)
        rows = db.execute(
            "SELECT id, row, live, finished, claimable FROM tasks WHERE id >= ? AND id < ?",
            (prefix, f"{prefix}\U0010ffff"),
        ).fetchall()
        db.close()
        return {task: Known(*rest) for task, *rest in rows}
    except (sqlite3.Error, ValueError, IndexError, TypeError, EOFError):
        return {}  # damaged, busy, or of somebody else: there are the files


def list_documents(place: Place, folder: str) -> list[str]:
    """The names of the documents in a folder below ``tasks/``: plans, roles, workflows."""
    try:
        names = os.listdir(f"{place.top}/{TASKS}/{folder}")
    except OSError:
        return []
    return sorted(name[: -len(_END)] for name in names if name.endswith(_END))


def list_agents(place: Place) -> list[str]:
    """The agents in this checkout's settings, as far as that can be seen without reading YAML."""
    import re

    text = (read_file(f"{place.top}/{TASKS}/config.yaml") or b"") + b"\n"
    block = re.search(rb"^agents:[^\n]*\n((?:[ \t]+[^\n]*\n|[ \t]*\n|#[^\n]*\n)*)", text, re.MULTILINE)
    lines = [
        line
        for line in (block[1] if block else b"").split(b"\n")
        if line.strip() and line.strip()[:1] != b"#"
    ]
    depth = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    keys = [re.match(rb"[ \t]{%d}([\w.-]+)[ \t]*:" % depth, line) for line in lines]
    return [key[1].decode() for key in keys if key]
