"""What happened: the whole history of one task (``log``), and what is new since one looked last (``changes``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.cursor import (
    Cursor,
    digest_tips,
    find_position,
    make_cursor,
    parse_cursor,
    render_cursor,
)
from gitbaton.domain.lifecycle import TABLE
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.reviewtext import render_usage
from gitbaton.errors import BatonError, Refusal
from gitbaton.store.git import read_objects, resolve
from gitbaton.store.history import LoggedCommit, list_commits
from gitbaton.store.layout import TASKS, classify
from gitbaton.store.live import parse_time, read_chain, read_tips
from gitbaton.store.plain import iter_newest_handoffs, read_plain
from gitbaton.store.snapshots import SourceFile
from gitbaton.store.tips import list_tips
from gitbaton.usecases.differences import DocumentChange, compare_commits, compare_files
from gitbaton.usecases.project import Project, find_entry, load_view, own_task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.domain.state import Attempt, State
    from gitbaton.store.repository import Repository

#: Who never looked before is shown no more than this of the past.
LAST = 20
_TASKS_SPEC = f":(top){TASKS}"


class Happening(NamedTuple):
    """Something that happened to a task. ``kind`` says where it is written: ``edit`` (a commit of files), ``event``
    (a live state), ``handoff``. ``at`` is in seconds since the epoch; ``details`` are further sentences; ``ref`` is
    the commit.
    """

    at: float
    kind: str
    task: str
    who: str
    words: str
    details: tuple[str, ...] = ()
    ref: str | None = None
    changes: tuple[DocumentChange, ...] = ()


class Chronicle(NamedTuple):
    """A task and all that happened to it, oldest first."""

    entry: Entry
    happenings: list[Happening]


def tell_history(project: Project, text: str | None) -> Chronicle:
    """The history of the task that ``text`` names (None: the attempt's own): edits of its file on base and here,
    wherever it stood; every event of its live state; its handoffs. Raises ``Refusal``.
    """
    repo = project.repo
    entry = find_entry(load_view(project, local=True), text or own_task(project))
    task = entry.row.id
    places = list(dict.fromkeys(c for c in (repo.base.commit, resolve(repo.git, "HEAD")) if c))
    commits = list_commits(repo, places, [f":(top,glob){TASKS}/**/{task}.yaml", f":(top,glob){TASKS}/**/{task}.yml"])  # fmt: skip
    edits = [h for commit in reversed(commits) if (h := _tell_edit(repo, commit, task)) is not None]
    tip = list_tips(repo).get(task)
    events = _tell_events(task, read_chain(repo, tip)) if tip else []
    return Chronicle(entry, _merge(edits, events, sorted(_tell_handoffs(repo, entry), key=lambda h: h.at)))


def _merge(*chains: list[Happening]) -> list[Happening]:
    """All happenings by time, each chain in its own order: times are in seconds, and within one much may happen."""
    left = [list(chain) for chain in chains]
    told: list[Happening] = []
    while heads := [chain for chain in left if chain]:
        told.append(min(heads, key=lambda chain: (int(chain[0].at), _rank(chain[0]))).pop(0))
    return told


def _rank(happening: Happening) -> int:
    """What comes first within a second: a task is written, taken, handed over, edited, published."""
    if happening.kind == "edit":
        return 0 if any(change.what == "added" for change in happening.changes) else 3
    if happening.kind == "handoff":
        return 2
    return 1 if happening.words.endswith(" began") else 4


# -- edits -------------------------------------------------------------------------------------------------------


def _tell_edit(repo: Repository, commit: LoggedCommit, task: str) -> Happening | None:
    """What a commit did to a task's file; None for nothing that means anything."""
    changes = [c for c in read_changes(repo, commit) if c.kind == "task" and task in (c.id, c.old_id)]
    if not changes:
        return None
    return Happening(commit.at, "edit", task, commit.author, commit.subject, (), commit.oid, tuple(changes))


def read_changes(repo: Repository, commit: LoggedCommit) -> list[DocumentChange]:
    """What a commit changed in documents."""
    sides: list[dict[str, SourceFile]] = [{}, {}]
    for touched in commit.files:
        if classify(touched.path):
            for side, oid in zip(sides, (touched.old, touched.new), strict=True):
                if oid:
                    side[touched.path] = SourceFile(None, oid, git=repo.git)
    return compare_files(repo, *sides)


# -- live states -------------------------------------------------------------------------------------------------


def _tell_events(task: str, chain: Sequence[tuple[str, State | None]], before: State | None = None) -> list[Happening]:  # fmt: skip
    """The events of a chain of states, oldest first. ``before`` is the state before them."""
    told: list[Happening] = []
    at = 0.0
    for oid, state in chain:
        if state is None:
            told.append(Happening(at, "event", task, "", "a state that can't be read", (), oid))
            continue
        event = state.event
        at = _time(event.at, at)
        words = TABLE[event.name].words
        if event.name == "claimed":
            words = f"attempt {state.attempt} began"
        told.append(Happening(at, "event", task, event.by, words, tuple(_detail(before, state)), oid))
        before = state
    return told


def _time(text: str, otherwise: float) -> float:
    try:
        return parse_time(text) or otherwise
    except BatonError:
        return otherwise


def _detail(before: State | None, state: State) -> Iterable[str]:
    """What a state says that the one before didn't."""
    known = {a.run: a for a in before.attempts} if before else {}
    for attempt in state.attempts:
        old = known.get(attempt.run)
        if attempt.ended and not (old and old.ended):
            yield _say_attempt(attempt)
    if state.question and (before is None or before.question != state.question):
        yield f"question: {state.question}"
    for guidance in state.guidance:
        if before is None or guidance not in before.guidance:
            yield f"guidance: {guidance}"
    if state.hold and (before is None or before.hold != state.hold):
        yield f"hold: {state.hold}"
    reason = state.reason
    ended = state.attempts[-1].message if state.attempts else None
    if reason and reason != ended and (before is None or before.reason != reason):
        yield reason
    url = state.pull_request.url if state.pull_request else None
    if url and (before is None or before.pull_request != state.pull_request):
        yield url
    if state.merge and (before is None or before.merge != state.merge):
        yield f"merged as {state.merge[:12]}"


def _say_attempt(attempt: Attempt) -> str:
    good = attempt.outcome is not None and OUTCOMES[attempt.outcome].good
    said = OUTCOMES[attempt.outcome].words if attempt.outcome else "it ended"
    if attempt.message and not (good and attempt.message == said):
        said = f"{said} ({attempt.message})" if attempt.message != said else said
    start, end = (_time(text or "", 0.0) for text in (attempt.started, attempt.ended))
    figures = render_usage(attempt.usage)
    if not (attempt.usage and attempt.usage.seconds is not None) and end > start:
        from gitbaton.domain.durations import render_duration

        figures = [render_duration(end - start), *figures]
    return f"attempt {attempt.number} by {attempt.agent}: {said}" + (f" [{', '.join(figures)}]" if figures else "")  # fmt: skip


# -- handoffs ----------------------------------------------------------------------------------------------------


def _tell_handoffs(repo: Repository, entry: Entry) -> list[Happening]:
    task, live = entry.row.id, entry.live
    found = dict(iter_newest_handoffs(repo, task, live.head if live else None))
    tip = read_tips(repo, task).states.get(task)
    kept = [a for a in (tip.state.attempts if tip else ()) if a.head and a.handoff and a.handoff not in found]
    texts = read_objects(repo.git, (f"{a.head}:{a.handoff}" for a in kept))
    found |= {a.handoff: text for a, text in zip(kept, texts, strict=True) if a.handoff and text is not None}
    told = []
    for path, data in sorted(found.items()):
        value = read_plain(repo, data, path, "handoff")
        if value is None:
            told.append(Happening(0.0, "handoff", task, "", f"{path} can't be read"))
            continue
        told.append(Happening(_time(value.get("created") or "", 0.0), "handoff", task, value.get("agent") or "somebody", describe_handoff(value), (), path))  # fmt: skip
    return told


def describe_handoff(value: dict[str, Any]) -> str:
    """A handoff in a sentence."""
    of = f" of attempt {value['attempt']}" if value.get("attempt") else ""
    summary = value.get("summary") or value.get("error") or value.get("guidance") or ""
    return f"handoff{of}" + (f": {summary}" if summary else "")


# -- since a cursor ----------------------------------------------------------------------------------------------


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
        times[oid] = _time(since_text, 0.0) if since_text else None
    now = render_cursor(make_cursor(base, times))
    if since is None:
        return _tell_last(repo, base, tips, times, now, last)
    start = parse_cursor(since)
    if start.base is not None and resolve(repo.git, start.base) is None:
        raise _refuse(f"the commit {start.base[:12]} that this cursor names is not in this clone")
    events = _follow_tips(repo, start, tips, times)
    ranged = [base, f"^{start.base}"] if base and start.base else [base] if base else []
    commits = [_tell_commit(repo, c) for c in reversed(list_commits(repo, ranged, [_TASKS_SPEC]))]
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
        newest_first = [(oid, _time(s.event.at, 0.0) if s else None) for oid, s in reversed(chain)]
        place = find_position(start, newest_first)
        seen = None if place is None else len(chain) - 1 - place
        if seen is not None:
            positions.append(chain[seen][0])
        before = chain[seen][1] if seen is not None else None
        told += _tell_events(task, chain[(seen or 0) + 1 :] if seen is not None else chain, before)
    if digest_tips(positions) != start.digest:
        raise _refuse("this cursor does not fit the live states of this clone")
    return sorted(told, key=lambda h: (h.at, h.task))


def _tell_last(
    repo: Repository, base: str | None, tips: dict[str, str], times: dict[str, float | None], cursor: str, last: int
) -> News:  # fmt: skip
    commits = [_tell_commit(repo, c) for c in list_commits(repo, [base] if base else [], [_TASKS_SPEC], most=last)]  # fmt: skip
    commits = [c for c in commits if c.changes]
    newest = sorted(tips, key=lambda task: -(times[tips[task]] or 0.0))[:last]
    events = [h for task in newest for h in _tell_events(task, read_chain(repo, tips[task]))]
    both = sorted([*commits, *events], key=lambda h: (int(h.at), h.kind == "edit"))[-last:] if last else []
    return News(
        None, cursor, [h for h in both if h.kind == "edit"], [], [h for h in both if h.kind == "event"]
    )
