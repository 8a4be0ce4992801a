"""What on the board wants a person, and in which column of it a task stands. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from gitbaton.domain.board import Board, Entry

Column = Literal["ready", "running", "review", "person", "waiting", "done"]
COLUMNS: tuple[Column, ...] = ("ready", "running", "review", "person", "waiting", "done")
#: Most urgent first: who asks stands still until somebody answers.
_URGENCY = ("question", "failed", "review", "approval", "set aside", "stuck", "held")


class Want(NamedTuple):
    """A task that waits for a person: for what, in words, and the command that helps."""

    entry: Entry
    kind: Literal["question", "failed", "review", "approval", "set aside", "stuck", "held"]
    words: str
    remedy: str

    @property
    def rank(self) -> tuple[int, str, str]:
        """Sort key: most urgent first, then what waits longest."""
        live = self.entry.live
        return (_URGENCY.index(self.kind), (live.since if live else None) or "~", self.entry.row.id)


def find_want(board: Board, entry: Entry) -> Want | None:
    """What a person is wanted for at a task, or None."""
    task, live = entry.row.id, entry.live
    if entry.gate == "approval":
        return Want(entry, "approval", entry.why, f"baton approve {task}")
    if entry.gate:
        return Want(entry, "stuck", entry.why, f"baton plan split {task}")
    match entry.state:
        case "needs_input":
            question = (live.question if live else None) or "see its handoff"
            return Want(entry, "question", f"asks: {question}", f'baton answer {task} "…"')
        case "in_review":
            where = live.pull_request if live else None
            return Want(entry, "review", f"review: {where}" if where else "to be reviewed", f"baton review {task}")  # fmt: skip
        case "failed" | "stale" if not entry.attempts_left:
            tried = f"after {live.attempt} attempts" if live and live.attempt != 1 else "after 1 attempt"
            why = (live.reason if live else None) or entry.why
            return Want(entry, "failed", f"failed {tried}: {why}", f'baton retry {task} --guidance "…"')
        case "stopped" | "closed":
            return Want(entry, "set aside", entry.why, f"baton retry {task}")
        case "held":
            return Want(entry, "held", entry.why, f"baton release {task}")
        case "waiting":
            dead = [n for n in entry.row.depends_on if n in entry.blocked_by and _is_dead(board, n)]
            if dead:
                off = " ".join(f"--off {n}" for n in dead[:3])
                words = f"waits for {', '.join(dead[:3])}, which nobody will do"
                return Want(entry, "stuck", words, f"baton depend {task} {off}")
            if not entry.blocked_by:
                return Want(entry, "stuck", entry.why, f"baton done {task}")
            return None
        case _:
            return None


def _is_dead(board: Board, task: str) -> bool:
    return task not in board.entries or board.entries[task].state == "cancelled"


def list_wants(board: Board) -> list[Want]:
    """Everything that waits for a person, most urgent first."""
    found = (find_want(board, entry) for entry in board.entries.values())
    return sorted((want for want in found if want is not None), key=lambda want: want.rank)


def find_column(board: Board, entry: Entry) -> Column:
    """Where a task stands on the board that people look at."""
    if entry.running or entry.state == "taken_over":
        return "running"
    if entry.state in ("done", "cancelled"):
        return "done"
    if entry.state == "in_review":
        return "review"
    if entry.claimable:
        return "ready"
    return "person" if find_want(board, entry) else "waiting"


class Queue(NamedTuple):
    """What waits for what: how many tasks wait, the longest chain of them (first what is done first), and the tasks
    that most others wait for, with how many.
    """

    waiting: int
    chain: tuple[str, ...]
    gates: tuple[tuple[str, int], ...]


def measure_queue(board: Board, *, gates_max: int = 3) -> Queue:
    """What holds the rest of the board up."""
    waiters: dict[str, list[str]] = {}
    waiting = [e for e in board.entries.values() if e.state == "waiting"]
    for entry in waiting:
        for need in entry.blocked_by:
            waiters.setdefault(need, []).append(entry.row.id)
    ranked = sorted(((n, len(w)) for n, w in waiters.items()), key=lambda pair: (-pair[1], pair[0]))
    return Queue(len(waiting), _find_chain(board, waiters), tuple(ranked[:gates_max]))


def _find_chain(board: Board, waiters: dict[str, list[str]]) -> tuple[str, ...]:
    open_ = [
        e for e in board.entries.values() if e.state not in ("done", "cancelled") and e.row.id in waiters
    ]
    if not open_:
        return ()
    at = min(open_, key=lambda e: (-e.depth, e.row.id))
    chain = [at.row.id]
    while below := [
        board.entries[w] for w in waiters.get(at.row.id, ()) if board.entries[w].depth < at.depth
    ]:
        at = min(below, key=lambda e: (-e.depth, e.row.id))
        chain.append(at.row.id)
    return tuple(chain)
