"""Live state: reading the tips of all state refs, and making the next state of one."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.board import LiveRow
from gitbaton.errors import InvalidDocument, Problem, Refusal
from gitbaton.store.git import Commit, commit_tree, list_refs, read_objects
from gitbaton.store.tips import STATE_FILE, Past, Seen, States, keep_tip, open_states

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gitbaton.domain.state import State
    from gitbaton.store.repository import Repository

_EVENTS_OF_A_CLAIM = 200
#: Trailer of a state's commit that repeats its event's id, so that a history is searched without reading states.
_EVENT = "Baton-Event"
_DATE_LENGTH = len("2026-01-31T09:00:00Z")
#: Git takes some earlier times for something else.
_EARLY_S = 10**8
#: State commits are made by the tool on somebody's behalf (``event.by`` says whose), so they need no git identity.
TOOL = Commit("gitbaton", "gitbaton@users.noreply.github.com")


class Tip(NamedTuple):
    """The tip of a task's state ref."""

    oid: str
    state: State


class Tips(NamedTuple):
    """All tips that can be read, and the problems of those that can't, both by task. ``rows`` is what the board
    needs of those that can be read, where it is known already; leases as they are written.
    """

    states: Mapping[str, Tip]
    unreadable: dict[str, tuple[Problem, ...]]
    rows: Mapping[str, LiveRow] | None = None


def read_tips(repo: Repository, task: str = "") -> Tips:
    """The state tips as this clone last saw them; of all tasks, or of ``task``."""
    if not task:
        states, known = open_states(repo)
        return Tips(states, known.unreadable, known.rows)
    seen = list_refs(repo.git, repo.seen_prefix + task)
    oids = {ref.removeprefix(repo.seen_prefix): oid for ref, oid in seen.items()}
    texts = read_objects(repo.git, (f"{oid}:{STATE_FILE}" for oid in oids.values()))
    found: dict[str, Tip] = {}
    unreadable: dict[str, tuple[Problem, ...]] = {}
    for (name, oid), text in zip(oids.items(), texts, strict=True):
        try:
            found[name] = parse_tip(text, oid, name, f"{repo.state_prefix}{name}:{STATE_FILE}")
        except InvalidDocument as error:
            unreadable[name] = error.problems
    return Tips(found, unreadable)


def parse_tip(text: bytes | None, oid: str, task: str, path: str) -> Tip:
    """The tip of ``task`` from the text of its state. Raises ``InvalidDocument``."""
    state = _parse(text, path)
    wrong = [("task", f"it is the state of {state.task}")] if state.task != task else []
    for field, moment in _iter_times(state):
        try:
            parse_time(moment)
        except Refusal as error:
            wrong.append((field, error.message))
    if wrong:
        raise InvalidDocument([Problem(path, 1, 1, field, "bad-value", said) for field, said in wrong])
    return Tip(oid, state)


def _iter_times(state: State) -> Iterator[tuple[str, str | None]]:
    """(field, text) of the times that the board and the caps go by."""
    yield "event.at", state.event.at
    yield "lease", state.lease
    yield "retry_at", state.retry_at
    for n, attempt in enumerate(state.attempts):
        yield f"attempts[{n}].started", attempt.started
        yield f"attempts[{n}].ended", attempt.ended


def reduce_tip(tip: Tip) -> tuple[str, list[Past]]:
    """A tip's state as text that ``revive_tip`` reads quickly, and its attempts as answers show them."""
    return tip.state.model_dump_json(exclude_unset=True), describe_past(tip.state)


def revive_tip(oid: str, text: str) -> Tip:
    """The tip that ``reduce_tip`` was given."""
    from gitbaton.domain.state import State

    return Tip(oid, State.model_validate_json(text))


def describe_past(state: State) -> list[Past]:
    """The attempts of a state as plain values."""
    return [a.model_dump(mode="json", exclude_none=True) for a in state.attempts]


def list_past(tips: Tips, task: str) -> list[Past]:
    """The attempts at a task as plain values."""
    if isinstance(tips.states, States):
        return tips.states.list_past(task)
    return describe_past(tips.states[task].state) if task in tips.states else []


def _parse(text: bytes | None, path: str) -> State:
    from gitbaton.domain.state import State
    from gitbaton.store.documents import parse_document

    return parse_document(text or b"", path, State, "state")


def read_state_at(repo: Repository, commit: str, task: str) -> State | None:
    """The state of ``task`` that a commit of its state ref holds, or None when it can't be read."""
    try:
        state = _parse(read_objects(repo.git, [f"{commit}:{STATE_FILE}"])[0], STATE_FILE)
    except InvalidDocument:
        return None
    return state if state.task == task else None


def read_before_claim(repo: Repository, tip: Tip) -> State | None:
    """The state as it was before whoever holds the task now claimed it; None when there was none, or when it
    can't be read any more.
    """
    found = repo.git.text("rev-list", "--first-parent", f"--max-count={_EVENTS_OF_A_CLAIM}", tip.oid)
    oids = found.splitlines()
    for oid, text in zip(oids, read_objects(repo.git, (f"{oid}:{STATE_FILE}" for oid in oids)), strict=True):
        try:
            state = _parse(text, f"{oid[:12]}:{STATE_FILE}")
        except InvalidDocument:
            return None
        if state.run != tip.state.run:
            return state
    return None


def read_chain(repo: Repository, tip: str) -> list[tuple[str, State | None]]:
    """(commit, state) of a state ref's whole history up to ``tip``, oldest first; None for a state that can't be read."""
    oids = repo.git.text("rev-list", "--first-parent", "--reverse", tip).splitlines()
    chain: list[tuple[str, State | None]] = []
    for oid, text in zip(oids, read_objects(repo.git, (f"{oid}:{STATE_FILE}" for oid in oids)), strict=True):
        try:
            chain.append((oid, _parse(text, f"{oid[:12]}:{STATE_FILE}")))
        except InvalidDocument:
            chain.append((oid, None))
    return chain


def write_state(repo: Repository, state: State, parent: str | None) -> str:
    """Store ``state`` as a commit on top of ``parent`` and return its id; no ref moves. What it says is kept for when
    the ref has moved there. Raises ``InvalidDocument`` for a state that nobody could read again.
    """
    from gitbaton.store.objects import write_object
    from gitbaton.store.schemas import field_order
    from gitbaton.store.yamlwrite import render_yaml

    value = state.model_dump(mode="json", exclude_defaults=True)
    text = render_yaml({"version": 1, **value}, order=field_order("state")).encode()
    tip = parse_tip(text, "", state.task, f"{repo.state_prefix}{state.task}:{STATE_FILE}")
    blob = write_object(repo, "blob", text)
    tree = write_object(repo, "tree", b"100644 %s\0%s" % (STATE_FILE.encode(), bytes.fromhex(blob)))
    event = state.event
    subject = f"{state.task}: {event.name.replace('_', ' ')}" + (
        f" (attempt {state.attempt})" if state.attempt else ""
    )
    trailers = f"By: {' '.join(event.by.split())}\n{_EVENT}: {event.id}\n"
    message = f"{subject}\n\n{trailers}"
    oid = _write_commit(repo, tree, parent, message)
    keep_tip(repo, state.task, tip._replace(oid=oid))
    return oid


def _write_commit(repo: Repository, tree: str, parent: str | None, message: str) -> str:
    """The commit that ``git commit-tree`` would make of it just now."""
    from gitbaton.store.objects import write_object

    parents = [parent] if parent else []
    environment = repo.git.environment()
    author, committer = (_stamp(environment.get(name)) for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"))
    if author is None or committer is None or "\0" in message:
        return commit_tree(repo.git, tree, parents, message, author=TOOL)
    who = f"{TOOL.name} <{TOOL.email}>"
    head = [f"tree {tree}", *(f"parent {oid}" for oid in parents)]
    text = "\n".join([*head, f"author {who} {author}", f"committer {who} {committer}", "", message])
    return write_object(repo, "commit", text.encode("utf-8", "replace"))


def _stamp(date: str | None) -> str | None:
    """The time of a commit as git stores it; ``date`` is a person's word for it, None: now. None where only git
    knows what is meant.
    """
    if date is None:
        return f"{int(time.time())} {time.strftime('%z')}"
    try:
        seconds = (
            datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
            if len(date) == _DATE_LENGTH
            else -1.0
        )
    except ValueError:
        return None
    return f"{int(seconds)} +0000" if seconds > _EARLY_S else None


def has_event(repo: Repository, tip: Tip, event_id: str) -> bool:
    """Whether an event with this id stands anywhere in the history of ``tip``."""
    if tip.state.event.id == event_id:
        return True
    found = repo.git.text("log", "--first-parent", f"--format=%(trailers:key={_EVENT},valueonly)", tip.oid)
    return event_id in found.splitlines()


def to_live_rows(tips: Tips, *, tolerance_s: float = 0.0) -> dict[str, LiveRow]:
    """The board's view of all tips. ``tolerance_s`` is added to every lease. A task whose tip can't be read is
    held, so that nobody takes it.
    """
    rows = (
        {task: to_live_row(task, tip) for task, tip in tips.states.items()}
        if tips.rows is None
        else dict(tips.rows)
    )
    return Seen(rows, tips.unreadable).to_rows(tolerance_s)


def to_live_row(task: str, tip: Tip) -> LiveRow:
    """The board's view of a tip, with its lease as it is written."""
    from gitbaton.domain.workflow_run import find_workflow_run

    s = tip.state
    last = s.attempts[-1] if s.attempts else None
    asked = last.ended if last and s.status == "needs_input" else None  # a reminder doesn't make it younger
    workflow = find_workflow_run(s.watch_url, s.claimed_by.host if s.claimed_by else None)
    return LiveRow(
        task=task, status=s.status, oid=tip.oid, run=s.run, attempt=s.attempt, attempt_limit=s.attempt_limit,
        holder=s.claimed_by.name if s.claimed_by else None, person=bool(s.claimed_by and s.claimed_by.kind == "person"),
        lease=parse_time(s.lease), retry_at=parse_time(s.retry_at), reason=s.reason, hold=s.hold, question=s.question,
        guidance=s.guidance, outcome=last.outcome.value if last and last.outcome else None, branch=s.branch, head=s.head, merge=s.merge,
        pull_request=s.pull_request.url if s.pull_request else None,
        cost_usd=sum(a.usage.cost_usd or 0.0 for a in s.attempts if a.usage), since=asked or s.event.at,
        workflow=str(workflow) if workflow else None,
    )  # fmt: skip


def parse_time(text: str | None) -> float | None:
    """Seconds since the epoch of an ISO 8601 time; None for none. A time without a zone is UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise Refusal(
            f"'{text}' is no time", code="bad-time", hint="write ISO 8601, like 2026-01-31T09:00:00Z"
        ) from error


def render_time(moment: datetime) -> str:
    """``2026-01-31T09:00:00Z``: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
