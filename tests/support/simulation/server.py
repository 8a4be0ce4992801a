"""A server with refs and commits in memory, a network that fails, and the clones that talk to it: what stands
behind ``ports.Refs``, ``store.ledger.Ledger`` and ``ports.Forge`` in a simulation.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.errors import LostRace, Unreachable
from gitbaton.ports import RefUpdate, Review
from gitbaton.store.git import Git
from gitbaton.store.live import Tip, Tips
from gitbaton.store.repository import Base, Repository
from gitbaton.store.snapshots import Contents

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from gitbaton.domain.board import TaskRow
    from gitbaton.domain.state import State
    from gitbaton.domain.workflow_run import WorkflowRun
    from gitbaton.ports import Remark
    from gitbaton.store.configfile import ConfigFile
    from support.simulation.world import World

BASE = "refs/heads/main"
STATES = "refs/baton/tasks/"
_CACHED = 64


class Died(BaseException):
    """The process is gone: nothing that it would do now happens."""


class Commit(NamedTuple):
    """A commit with what it holds: a state, or changes of task files (None: removed), or work."""

    parents: tuple[str, ...]
    height: int
    state: State | None = None
    rows: Mapping[str, TaskRow | None] | None = None


class Server:
    """Refs and objects. ``watch`` is told of every state that a push brings, before anybody sees it."""

    def __init__(self, watch: Callable[[State | None, State], None], config_file: ConfigFile) -> None:
        self.refs: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.commits: dict[str, Commit] = {}
        self.reviews: dict[str, Review] = {}
        self.config_file = config_file
        self._watch = watch
        self._contents: OrderedDict[str, Contents] = OrderedDict()

    def add(
        self,
        parents: Sequence[str],
        *,
        state: State | None = None,
        rows: Mapping[str, TaskRow | None] | None = None,
    ) -> str:
        """A new object's id."""
        oid = f"{len(self.commits) + 1:040x}"
        height = 1 + max((self.commits[p].height for p in parents), default=0)
        self.commits[oid] = Commit(tuple(parents), height, state, rows)
        return oid

    def get(self, ref: str) -> str | None:
        """Where a ref is."""
        return self.states.get(ref.removeprefix(STATES)) if ref.startswith(STATES) else self.refs.get(ref)

    def push(self, updates: Sequence[RefUpdate]) -> list[str]:
        """All updates, or none: then the refs that have moved."""
        if moved := [u.ref for u in updates if self.get(u.ref) != u.old]:
            return moved
        for ref, new, old in updates:
            if not ref.startswith(STATES):
                assert new is not None
                self.refs[ref] = new
                continue
            state = self.commits[new].state if new else None
            assert state is not None
            assert new is not None
            assert self.commits[new].parents == ((old,) if old else ())
            before = self.commits[old].state if old else None
            self._watch(before, state)
            self.states[ref.removeprefix(STATES)] = new
            if state.event.name == "published":
                self._open_review(state)
        return []

    def _open_review(self, state: State) -> None:
        assert state.branch is not None
        known = self.reviews.get(state.branch)
        if known is None or known.state != "open":
            number = len(self.commits)
            self.reviews[state.branch] = Review(
                state.branch, "main", "open", number, f"https://x.invalid/{number}"
            )

    def change_base(self, rows: Mapping[str, TaskRow | None]) -> str:
        """A commit on base that changes task files, by somebody who needs no clone."""
        old = self.refs.get(BASE)
        self.refs[BASE] = self.add([old] if old else [], rows=rows)
        return self.refs[BASE]

    def read_contents(self, commit: str) -> Contents:
        """The task files at a commit of base."""
        waiting = []
        at: str | None = commit
        while at is not None and at not in self._contents:
            waiting.append(at)
            parents = self.commits[at].parents
            at = parents[0] if parents else None
        tasks = self._contents[at].tasks if at else {}
        if waiting:
            tasks = dict(tasks)
            for oid in reversed(waiting):
                for task, row in (self.commits[oid].rows or {}).items():
                    if row is None:
                        tasks.pop(task, None)
                    else:
                        tasks[task] = row
            self._contents[commit] = Contents(tasks)
            if len(self._contents) > _CACHED:
                self._contents.popitem(last=False)
        return self._contents[commit]

    def contains(self, newer: str, older: str) -> bool:
        """Whether ``older`` is ``newer`` or an ancestor of it."""
        floor, at, met = self.commits[older].height, [newer], {newer}
        while at:
            oid = at.pop()
            if oid == older:
                return True
            before = [
                p for p in self.commits[oid].parents if p not in met and self.commits[p].height >= floor
            ]
            met.update(before)
            at += before
        return False


@dataclass
class Network:
    """How words travel between one clone and the server; ``faults`` is how often, of one, they don't. ``befall`` is
    asked at each word and may raise: the machine dies, somebody presses Ctrl-C.
    """

    world: World
    faults: float
    befall: Callable[[], None]
    outages: tuple[tuple[float, float], ...] = ()
    words: int = 0
    refused: int = 0
    lost: int = 0

    def send(self) -> None:
        """A word goes out. Raises ``Unreachable`` when it can't."""
        self.befall()
        self.words += 1
        self._travel()
        down = any(begin <= self.world.seconds < end for begin, end in self.outages)
        if down or self.world.random.random() < self.faults:
            self.refused += 1
            raise Unreachable("nobody answers", code="unreachable")

    def receive(self) -> bool:
        """The answer comes back; False when it is lost on the way."""
        self._travel()
        self.befall()
        if self.world.random.random() < self.faults:
            self.lost += 1
            return False
        return True

    def _travel(self) -> None:
        self.world.wait(self.world.random.lognormvariate(-1.2, 0.8))


class Clone:
    """``ports.Refs`` of one clone, with the clock of its machine."""

    tolerance_s = 120.0
    skew_s: float | None = None  # nobody tells the time

    def __init__(self, server: Server, network: Network, skew_s: float) -> None:
        self.server = server
        self.network = network
        self.skew = timedelta(seconds=skew_s)
        self.base = server.refs[BASE]
        self.states: dict[str, str] = {}
        self.lost_races = 0

    def now(self) -> datetime:
        """The clock of this machine."""
        return self.network.world.time + self.skew

    def fetch(self) -> None:
        """See ``ports.Refs``."""
        self.network.send()
        base, states = self.server.refs[BASE], self.server.states.copy()
        if not self.network.receive():
            raise Unreachable("the answer was lost", code="unreachable")
        self.base, self.states = base, states

    def fetch_ref(self, ref: str) -> str | None:
        """See ``ports.Refs``."""
        self.network.send()
        found = self.server.get(ref)
        if not self.network.receive():
            raise Unreachable("the answer was lost", code="unreachable")
        return found

    def fetch_branch(self, branch: str) -> str | None:
        """See ``ports.Refs``."""
        return self.fetch_ref(f"refs/heads/{branch}")

    def read(self, prefix: str) -> dict[str, str]:
        """See ``ports.Refs``."""
        return {BASE: self.base} if prefix == BASE else {STATES + t: oid for t, oid in self.states.items()}

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        """See ``ports.Refs``. As with git, the server is asked after a failure what it holds, which may fail, too."""
        self.network.send()
        moved = self.server.push(updates)
        if not self.network.receive() or moved:
            self.network.send()
            now = {u.ref: self.server.get(u.ref) for u in updates}
            if not self.network.receive():
                raise Unreachable("it is not known whether the push arrived", code="unreachable")
            if not all(now[u.ref] == u.new for u in updates):
                self.lost_races += 1
                raise LostRace([u.ref for u in updates if now[u.ref] != u.old] or [u.ref for u in updates])
        for u in updates:
            if u.new and u.ref.startswith(STATES):
                self.states[u.ref.removeprefix(STATES)] = u.new
            elif u.new and u.ref == BASE:
                self.base = u.new


@dataclass(frozen=True, slots=True)
class SimulatedRepository(Repository):
    """A repository of which only the settings that decisions ask for are there."""

    clone: Clone | None = field(default=None)

    def refreshed(self) -> Repository:
        """See ``Repository``."""
        assert self.clone is not None
        return replace(self, base=Base("main", BASE, self.clone.base))

    fetched = refreshed


def make_repository(clone: Clone) -> Repository:
    """The repository of a clone. Nobody may run git in it."""
    nowhere = Path("/nonexistent")
    return SimulatedRepository(
        nowhere, nowhere, nowhere, Git(nowhere), "origin", clone.server.config_file, (), Base("main", BASE, clone.base), {}, clone
    )  # fmt: skip


class SimulatedLedger:
    """``store.ledger.Ledger`` of a clone."""

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._server = clone.server

    def read_contents(self, repo: Repository) -> Contents:
        """See ``Ledger``."""
        assert repo.base.commit is not None
        return self._server.read_contents(repo.base.commit)

    def read_tips(self, repo: Repository, task: str = "") -> Tips:  # noqa: ARG002 the interface's
        """See ``Ledger``."""
        seen = self._clone.states
        oids = {task: seen[task]} if task in seen else {} if task else seen
        return Tips({t: Tip(oid, self._state(oid)) for t, oid in oids.items()}, {})

    def _state(self, oid: str) -> State:
        state = self._server.commits[oid].state
        assert state is not None
        return state

    def read_before_claim(self, repo: Repository, tip: Tip) -> State | None:  # noqa: ARG002 as above
        """See ``Ledger``."""
        at: str | None = tip.oid
        while at is not None:
            state, parents = self._state(at), self._server.commits[at].parents
            if state.run != tip.state.run:
                return state
            at = parents[0] if parents else None
        return None

    def has_event(self, repo: Repository, tip: Tip, event_id: str) -> bool:  # noqa: ARG002 as above
        """See ``Ledger``."""
        at: str | None = tip.oid
        while at is not None:
            if self._state(at).event.id == event_id:
                return True
            parents = self._server.commits[at].parents
            at = parents[0] if parents else None
        return False

    def write_state(self, repo: Repository, state: State, parent: str | None) -> str:  # noqa: ARG002 as above
        """See ``Ledger``."""
        return self._server.add([parent] if parent else [], state=state)

    def contains(self, repo: Repository, newer: str, older: str) -> bool:  # noqa: ARG002 as above
        """See ``Ledger``."""
        return self._server.contains(newer, older)


class SimulatedForge:
    """``ports.Forge`` on the server, as a hosted one is: it merges by itself, and the state is told afterwards."""

    kind: Literal["github", "local"] = "github"

    def __init__(self, clone: Clone) -> None:
        self._clone = clone
        self._server = clone.server

    def _ask(self) -> None:
        self._clone.network.send()

    def _hear(self) -> None:
        if not self._clone.network.receive():
            raise Unreachable("the answer was lost", code="unreachable")

    def find_review(self, head: str) -> Review | None:
        """See ``ports.Forge``."""
        self._ask()
        found = self._server.reviews.get(head)
        self._hear()
        return found

    def list_verdicts(self, review: Review) -> Sequence[Remark]:  # noqa: ARG002 the interface's
        """See ``ports.Forge``. People there reject with ``baton reject``."""
        return ()

    list_comments = list_verdicts

    def publish_review(self, head: str, base: str, title: str, body: str) -> Review:  # noqa: ARG002 the interface's
        """See ``ports.Forge``. The server opened it when the branch came."""
        found = self.find_review(head)
        assert found is not None
        return found

    def comment(self, review: Review, body: str) -> None:  # noqa: ARG002 as above
        """See ``ports.Forge``."""
        self._ask()
        self._hear()

    def merge(
        self,
        review: Review,
        *,
        head_oid: str,
        title: str,  # noqa: ARG002 as above
        record: Callable[[str, Sequence[RefUpdate]], None],
    ) -> str:
        """See ``ports.Forge``."""
        self._ask()
        head = self._server.refs.get(f"refs/heads/{review.head}")
        commit = merge_on_server(self._server, review.head) if head == head_oid else None
        self._hear()
        if commit is None:
            raise LostRace([f"refs/heads/{review.head}"])
        record(commit, ())
        return commit

    def close(self, review: Review) -> None:
        """See ``ports.Forge``."""
        self._ask()
        self._server.reviews[review.head] = review._replace(state="closed")
        self._hear()

    def has_run_ended(self, run: WorkflowRun) -> bool | None:  # noqa: ARG002 as above
        """See ``ports.Forge``. Nobody here is a workflow run."""
        return None


def merge_on_server(server: Server, branch: str) -> str | None:
    """Somebody presses the button: base has the work, and the task's file says done. None when it isn't open."""
    review = server.reviews.get(branch)
    if review is None or review.state != "open":
        return None
    base, head = server.refs[BASE], server.refs[f"refs/heads/{branch}"]
    task = branch.rpartition("/")[2]
    row = server.read_contents(base).tasks.get(task)
    commit = server.add([base, head], rows={task: row._replace(status="done")} if row else {})
    server.refs[BASE] = commit
    server.reviews[branch] = review._replace(state="merged", merge_commit=commit)
    return commit
