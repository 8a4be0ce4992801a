"""How a plan came on: what was done of how much, day by day, as base went through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.store.git import read_objects
from gitbaton.store.history import list_commits
from gitbaton.store.layout import classify
from gitbaton.store.plain import read_plain
from gitbaton.usecases.planapproval import specs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.store.history import LoggedCommit
    from gitbaton.usecases.planreading import PlanFile
    from gitbaton.usecases.project import Project


class Moment(NamedTuple):
    """What stood on base at a time: tasks done, and tasks there were (without cancelled ones)."""

    at: float
    done: int
    total: int
    commit: str


def tell_past(project: Project, file: PlanFile, tasks: Sequence[Entry]) -> list[Moment]:
    """The moments at which something changed, oldest first."""
    repo = project.repo
    if repo.base.commit is None or not tasks:
        return []
    mine = {e.row.id for e in tasks}
    past = list_commits(repo, [repo.base.commit], specs_of(mine), first_parent=True)[::-1]
    touched = [(commit, _list_touched(commit, mine)) for commit in past]
    blobs = list(dict.fromkeys(blob for _, files in touched for _, _, blob in files if blob))
    texts = dict(zip(blobs, read_objects(repo.git, blobs), strict=True))
    states: dict[str, str] = {}
    moments: list[Moment] = []
    for commit, files in touched:
        for task, path, blob in files:
            value = read_plain(repo, texts[blob] or b"", path, "task") if blob else None
            if value is not None and value.get("plan") == file.id:
                states[task] = str(value.get("status", "todo"))
            elif blob is None or value is not None:
                states.pop(task, None)
        done = sum(s == "done" for s in states.values())
        total = sum(s != "cancelled" for s in states.values())
        if not moments or (moments[-1].done, moments[-1].total) != (done, total):
            moments.append(Moment(commit.at, done, total, commit.oid))
    return moments


def _list_touched(commit: LoggedCommit, mine: Collection[str]) -> list[tuple[str, str, str | None]]:
    """Task, path and text of what a commit changed; a file that moved is there, wherever it went."""
    found: dict[str, tuple[str, str, str | None]] = {}
    for touched in commit.files:
        place = classify(touched.path)
        if place and place.kind == "task" and place.id in mine and (touched.new or place.id not in found):
            found[place.id] = (place.id, touched.path, touched.new)
    return list(found.values())
