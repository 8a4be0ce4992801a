"""``baton changes``: what is new on base and in live states since one looked last."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.cursor import (
    Cursor,
    digest_tips,
    find_position,
    make_cursor,
    parse_cursor,
    render_cursor,
)
from gitbaton.errors import Refusal
from gitbaton.store.git import resolve
from gitbaton.store.history import LoggedCommit, list_commits
from gitbaton.store.live import read_chain, read_tips
from gitbaton.store.tips import list_tips
from gitbaton.usecases.chronicle import TASKS_SPEC, Happening, read_changes, read_moment, tell_events
from gitbaton.usecases.differences import DocumentChange, compare_commits

if TYPE_CHECKING:
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project

#: Who never looked before is shown no more than this of the past.
LAST = 20


class News(NamedTuple):
    """What changed: documents on base by their commits and as a whole, and events of live states, oldest first.
    ``cursor`` is where to go on next time. Without a place to start from, ``documents`` is empty, and the others are
    the last ones.
    """

    since: str | None
    cursor: str
    commits: list[Happening]
    documents: list[DocumentChange]
    events: list[Happening]


def tell_news(project: Project, since: str | None = None, *, last: int = LAST) -> News:
    """Everything on base and in live states since the cursor ``since``, as of the last fetch; without one the ``last``
    things that happened. Raises ``Refusal``: ``bad-cursor``, ``foreign-cursor`` (this clone lacks what it names).
    """
    repo = project.repo
    base, tips = repo.base.commit, list_tips(repo)
    rows = read_tips(repo)
    known = dict(rows.rows or {})
    times: dict[str, float | None] = {}
    for task, oid in tips.items():
        row = known.get(task)
        since_text = row.since if row and row.oid == oid else None
        times[oid] = read_moment(since_text, 0.0) if since_text else None
    now = render_cursor(make_cursor(base, times))
    if since is None:
        return _tell_last(repo, base, tips, times, now, last)
    start = parse_cursor(since)
    if start.base is not None and resolve(repo.git, start.base) is None:
        raise _refuse(f"the commit {start.base[:12]} that this cursor names is not in this clone")
    events = _follow_tips(repo, start, tips, times)
    ranged = [base, f"^{start.base}"] if base and start.base else [base] if base else []
    commits = [_tell_commit(repo, c) for c in reversed(list_commits(repo, ranged, [TASKS_SPEC]))]
    documents = compare_commits(repo, start.base, base)
    return News(since, now, [c for c in commits if c.changes], documents, events)


def _refuse(said: str) -> Refusal:
    return Refusal(
        said, code="foreign-cursor", hint="fetch with: baton sync; or begin anew with: baton changes"
    )


def _tell_commit(repo: Repository, commit: LoggedCommit) -> Happening:
    changes = tuple(read_changes(repo, commit))
    tasks = ", ".join(dict.fromkeys(c.id for c in changes))
    return Happening(commit.at, "edit", tasks, commit.author, commit.subject, (), commit.oid, changes)


def _follow_tips(
    repo: Repository, start: Cursor, tips: dict[str, str], times: dict[str, float | None]
) -> list[Happening]:
    """The events after the cursor, oldest first."""
    positions: list[str] = []
    told: list[Happening] = []
    for task, tip in sorted(tips.items()):
        if find_position(start, [(tip, times[tip])]) == 0:
            positions.append(tip)
            continue
        chain = read_chain(repo, tip)
        newest_first = [(oid, read_moment(s.event.at, 0.0) if s else None) for oid, s in reversed(chain)]
        place = find_position(start, newest_first)
        seen = None if place is None else len(chain) - 1 - place
        if seen is not None:
            positions.append(chain[seen][0])
        before = chain[seen][1] if seen is not None else None
        told += tell_events(task, chain[(seen or 0) + 1 :] if seen is not None else chain, before)
    if digest_tips(positions) != start.digest:
        raise _refuse("this cursor does not fit the live states of this clone")
    return sorted(told, key=lambda h: (h.at, h.task))


def _tell_last(
    repo: Repository, base: str | None, tips: dict[str, str], times: dict[str, float | None], cursor: str, last: int
) -> News:  # fmt: skip
    commits = [_tell_commit(repo, c) for c in list_commits(repo, [base] if base else [], [TASKS_SPEC], most=last)]  # fmt: skip
    commits = [c for c in commits if c.changes]
    newest = sorted(tips, key=lambda task: -(times[tips[task]] or 0.0))[:last]
    events = [h for task in newest for h in tell_events(task, read_chain(repo, tips[task]))]
    both = sorted([*commits, *events], key=lambda h: (int(h.at), h.kind == "edit"))[-last:] if last else []
    return News(
        None, cursor, [h for h in both if h.kind == "edit"], [], [h for h in both if h.kind == "event"]
    )
