"""``baton log``: everything that happened to one task, told from its file, its live states and its handoffs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.lifecycle import TABLE
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.reviewtext import render_usage
from gitbaton.errors import BatonError
from gitbaton.store.git import resolve
from gitbaton.store.history import LoggedCommit, list_commits
from gitbaton.store.layout import TASKS, classify
from gitbaton.store.live import parse_time, read_chain
from gitbaton.store.plain import read_plain
from gitbaton.store.snapshots import SourceFile
from gitbaton.store.tips import list_tips
from gitbaton.usecases.differences import DocumentChange, compare_files
from gitbaton.usecases.project import Project, View, find_entry, load_view, own_task
from gitbaton.usecases.recalling import iter_handoff_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.board import Entry
    from gitbaton.domain.state import Attempt, State
    from gitbaton.store.repository import Repository

TASKS_SPEC = f":(top){TASKS}"


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
    view = load_view(project, local=True)
    entry = find_entry(view, text or own_task(project))
    task = entry.row.id
    edits = _list_edits(repo, task)
    tip = list_tips(repo).get(task)
    events = tell_events(task, read_chain(repo, tip)) if tip else []
    return Chronicle(
        entry, _merge(edits, events, sorted(_tell_handoffs(project, view, entry), key=lambda h: h.at))
    )


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


def _list_edits(repo: Repository, task: str) -> list[Happening]:
    """What commits on base and here did to a task's file, oldest first, under the names that it had before, too."""
    places = list(dict.fromkeys(c for c in (repo.base.commit, resolve(repo.git, "HEAD")) if c))
    edits: list[Happening] = []
    names = [task]
    for name in names:
        files = [f":(top,glob){TASKS}/**/{name}.{ending}" for ending in ("yaml", "yml")]
        told = [h for commit in list_commits(repo, places, files) if (h := _tell_edit(repo, commit, name))]
        known = {h.ref for h in edits}
        told = [h for h in told if h.ref not in known]
        if told and (renamed := _find_renaming(repo, told[-1], name)):
            told[-1] = told[-1]._replace(changes=(renamed,))
            if renamed.old_id and renamed.old_id not in names:
                names.append(renamed.old_id)
        edits += told
    return edits[::-1]


def _tell_edit(repo: Repository, commit: LoggedCommit, task: str) -> Happening | None:
    """What a commit did to a task's file; None for nothing that means anything."""
    changes = [c for c in read_changes(repo, commit) if c.kind == "task" and c.id == task]
    if not changes:
        return None
    return Happening(commit.at, "edit", task, commit.author, commit.subject, (), commit.oid, tuple(changes))


def _find_renaming(repo: Repository, first: Happening, task: str) -> DocumentChange | None:
    """The change by which a file came that stood there under another name before."""
    if first.ref is None or all(change.what != "added" for change in first.changes):
        return None
    whole = list_commits(repo, [first.ref], [TASKS_SPEC], most=1)
    found = (c for commit in whole if commit.oid == first.ref for c in read_changes(repo, commit))
    return next((c for c in found if c.what == "renamed" and c.id == task), None)


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


def tell_events(task: str, chain: Sequence[tuple[str, State | None]], before: State | None = None) -> list[Happening]:  # fmt: skip
    """The events of a chain of states, oldest first. ``before`` is the state before them."""
    told: list[Happening] = []
    at = 0.0
    for oid, state in chain:
        if state is None:
            told.append(Happening(at, "event", task, "", "a state that can't be read", (), oid))
            continue
        event = state.event
        at = read_moment(event.at, at)
        words = TABLE[event.name].words
        if event.name == "claimed":
            words = f"attempt {state.attempt} began"
        told.append(Happening(at, "event", task, event.by, words, tuple(_detail(before, state)), oid))
        before = state
    return told


def read_moment(text: str, otherwise: float) -> float:
    """Seconds since the epoch of a time that may be no time."""
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
    start, end = (read_moment(text or "", 0.0) for text in (attempt.started, attempt.ended))
    figures = render_usage(attempt.usage)
    if not (attempt.usage and attempt.usage.seconds is not None) and end > start:
        from gitbaton.domain.durations import render_duration

        figures = [render_duration(end - start), *figures]
    return f"attempt {attempt.number} by {attempt.agent}: {said}" + (f" [{', '.join(figures)}]" if figures else "")  # fmt: skip


# -- handoffs ----------------------------------------------------------------------------------------------------


def _tell_handoffs(project: Project, view: View, entry: Entry) -> list[Happening]:
    repo, task = project.repo, entry.row.id
    told = []
    for path, data in reversed(list(iter_handoff_texts(project, view, entry))):
        value = read_plain(repo, data, path, "handoff")
        if value is None:
            told.append(Happening(0.0, "handoff", task, "", f"{path} can't be read"))
            continue
        told.append(Happening(read_moment(value.get("created") or "", 0.0), "handoff", task, value.get("agent") or "somebody", describe_handoff(value), (), path))  # fmt: skip
    return told


def describe_handoff(value: dict[str, Any]) -> str:
    """A handoff in a sentence."""
    of = f" of attempt {value['attempt']}" if value.get("attempt") else ""
    summary = value.get("summary") or value.get("error") or value.get("guidance") or ""
    return f"handoff{of}" + (f": {summary}" if summary else "")
