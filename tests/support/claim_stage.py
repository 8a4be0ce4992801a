"""Everything that people, runners, machines and networks do to a repository's tasks, each as one operation, and
what must hold after each of them whatever the order.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.state import Holder
from gitbaton.edges.local_forge import LocalForge
from gitbaton.errors import BatonError, Refusal, TryAgain, Unreachable
from gitbaton.store.git import Git, commit_tree, write_blob, write_tree_with
from gitbaton.store.live import read_tips
from gitbaton.usecases.attempt import explain_breakdown, find_start
from gitbaton.usecases.claim import Claim, claim_as_person, claim_task, stop_task
from gitbaton.usecases.contest import withdraw_if_arrived
from gitbaton.usecases.project import load_view
from gitbaton.usecases.publish import record_failure
from gitbaton.usecases.review import accept_task, reject_task, retry_task
from gitbaton.usecases.sync import sync_reviews
from gitbaton.usecases.transitions import LeaseLost, advance, read_tip
from support.attempts import BOT, finish, make_work
from support.hermetic_git import git, try_git
from support.repos import Checkout, Clock, project
from support.state_history import STATES, check_step, read_refs, read_states
from support.team import Team

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from gitbaton.domain.lifecycle import LiveStatus
    from gitbaton.domain.state import State
    from gitbaton.ports import Refs, RefUpdate
    from gitbaton.usecases.project import Project

Answer = TypeVar("Answer")

TASKS = ("a", "b", "c", "d")
PEOPLE = 3
FILES = {
    "tasks/a.yaml": "title: A\npriority: high\n",
    "tasks/b.yaml": "title: B\ndepends_on: [a]\n",
    "tasks/c.yaml": "title: C\npaths: [src/**]\n",
    "tasks/d.yaml": "title: D\npaths: [src/d.py]\n",
}
CONFIG = "base: main\nretries: {attempts: 3, backoff: 1m}\ncaps: {running: 2}\n"
LEASE_S = 100.0
ATTEMPTS = "refs/baton/attempts/"
BASE = "refs/heads/main"


#: Where a task stands when an operation makes sense for it.
AIMS: dict[str, tuple[LiveStatus, ...]] = {
    "stop": ("in_progress", "needs_input"),
    "retry": ("failed", "stopped", "closed", "needs_input", "taken_over", "merged"),
    "reject": ("in_review", "closed"),
    "accept": ("in_review", "changes_requested"),
    "answer": ("needs_input",),
    "close": ("in_review", "changes_requested"),
    "merge_by_hand": ("in_review", "changes_requested", "closed", "taken_over"),
    "delete_branch": ("in_review", "changes_requested", "failed"),
    "force_branch": ("in_review", "changes_requested", "failed", "in_progress"),
}
#: Operations whose author is a claim.
OF_RUNS = ("end", "withdraw", "break_down")


class Died(BaseException):
    """The process is gone: nothing that it would do now happens."""


class Trouble(NamedTuple):
    """What befalls an operation at its ``call``-th word with the remote: the process ``dies`` before or (``dies
    after``) right after it; the network is ``refused`` or the ``answer lost``; or, ``meanwhile``, somebody else
    does ``operation``.
    """

    call: int
    kind: str
    operation: tuple[Any, ...] = ()


@dataclass
class Beset:
    """Shared refs of somebody whom trouble befalls."""

    refs: Refs
    meanwhile: Callable[[tuple[Any, ...]], None]
    trouble: Trouble | None = None
    calls: int = 0
    dead: bool = False

    def begin(self, trouble: Trouble | None) -> None:
        self.trouble, self.calls, self.dead = trouble, 0, False

    def fetch(self) -> None:
        self._talk(self.refs.fetch)

    def fetch_ref(self, ref: str) -> str | None:
        return self._talk(lambda: self.refs.fetch_ref(ref))

    def fetch_branch(self, branch: str) -> str | None:
        return self._talk(lambda: self.refs.fetch_branch(branch))

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        self._talk(lambda: self.refs.swap(updates))

    def read(self, prefix: str) -> dict[str, str]:
        return self.refs.read(prefix)

    def now(self) -> datetime:
        return self.refs.now()

    @property
    def tolerance_s(self) -> float:
        return self.refs.tolerance_s

    @property
    def skew_s(self) -> float | None:
        return self.refs.skew_s

    def _talk(self, say: Callable[[], Answer]) -> Answer:
        self.calls += 1
        now = self.trouble if self.trouble and self.trouble.call == self.calls else None
        if self.dead or (now and now.kind == "dies"):
            self.dead = True
            raise Died
        if now and now.kind == "refused":
            raise Unreachable("nobody answers", code="unreachable")
        if now and now.kind == "meanwhile":
            self.meanwhile(now.operation)
        answer = say()
        if now and now.kind == "dies after":
            self.dead = True
            raise Died
        if now and now.kind == "answer lost":
            raise Unreachable("the answer was lost", code="unreachable")
        return answer


class Run(NamedTuple):
    """A claim in the memory of a runner, which may be alive, asleep for days, or long replaced."""

    who: int
    claim: Claim
    start: str
    branch_tip: str | None


@dataclass
class ClaimStage:
    """A server, people in clones of it with clocks of their own, and what they were told.

    ``published``, ``said`` and ``merged`` hold what somebody was told has happened: an attempt ref with its
    commit, a task with words for its next attempt. ``rewritten`` says that a person has forced the base branch.
    """

    folder: Path
    runs: list[Run] = field(default_factory=list)
    published: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    said: list[tuple[str, str]] = field(default_factory=list)
    histories: dict[str, list[tuple[str, State]]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    done: int = 0
    checks: int = 0

    def __post_init__(self) -> None:
        self.team = Team(self.folder, {**FILES, "tasks/config.yaml": CONFIG})
        self.server = Git(self.team.server)
        self.observer = self.team.join("observer")
        self.clocks = [Clock() for _ in range(PEOPLE)]
        self.beset: list[Beset] = []
        self.people = [self._join(number) for number in range(PEOPLE)]
        self.event_ids: set[str] = set()
        self.forced = False

    def _join(self, number: int) -> Project:
        where = self.team.first.clone(f"p{number}")
        made = project(
            where,
            clock=self.clocks[number],
            actor=f"p{number}",
            open_forge=lambda repo: LocalForge(repo, refs),
        )
        refs = Beset(made.refs, self.perform)
        self.beset.append(refs)
        return replace(made, refs=refs)

    # -- what happens --------------------------------------------------------------------------------------

    def happen(self, trouble: Trouble | None, operation: tuple[Any, ...]) -> None:
        """An operation, to whose author ``trouble`` happens."""
        name, who, *_ = operation
        if name in OF_RUNS:
            who = self.runs[who % len(self.runs)].who if self.runs else 0
        self.beset[who].begin(trouble)
        with suppress(Died):
            self.perform(operation)
        self.beset[who].begin(None)

    def perform(self, operation: tuple[Any, ...]) -> None:
        """An operation as (name, who, arguments …); who is a number among the people or, for those ``OF_RUNS``,
        among the claims that were ever made. What is refused, or met somebody else, changes nothing.
        """
        name, *arguments = operation
        if name in OF_RUNS and not self.runs:
            return
        self.done += 1
        with suppress(Refusal, TryAgain):
            getattr(self, name)(*arguments)

    def aim(self, operation: tuple[Any, ...]) -> tuple[Any, ...]:
        """The same operation on a task for which it makes sense, if there is one."""
        name, who, *rest = operation
        found = [t for t, h in self.histories.items() if name in AIMS and h[-1][1].status in AIMS[name]]
        return (name, who, found[TASKS.index(rest[0]) % len(found)], *rest[1:]) if found else operation

    def _at(self, who: int) -> Project:
        return self.people[who].reread()

    def claim(self, who: int, task: str | None) -> None:
        """A runner takes a task and finds out where to begin."""
        at, holder = self._at(who), Holder(name=f"p{who}", kind="agent")
        self._begin(who, claim_task(at, task, holder=holder, lease_s=lambda _: LEASE_S))

    def claim_as_person(self, who: int, task: str | None) -> None:
        self._begin(who, claim_as_person(self._at(who), task))

    def _begin(self, who: int, claimed: object) -> None:
        if not isinstance(claimed, Claim):
            return
        at = self._at(who)
        try:
            start, branch_tip = find_start(at, claimed)
        except BatonError as error:
            record_failure(at, claimed, explain_breakdown(error))
            return
        self.runs.append(Run(who, claimed, start, branch_tip))

    def end(self, number: int, outcome: Outcome) -> None:
        """A runner ends one of the attempts that it remembers, however long ago that was; once more if it was not
        told that it did, but never twice at once.
        """
        run = self.runs[number % len(self.runs)]
        if run.claim.run in self.ended:
            return
        self.ended.add(run.claim.run)
        try:
            self._end(run, outcome)
        except BaseException:
            self.ended.discard(run.claim.run)
            raise

    def _end(self, run: Run, outcome: Outcome) -> None:
        at = self._at(run.who)
        head = make_work(at, run.claim, run.start, good=outcome is Outcome.SUCCEEDED)
        task = run.claim.entry.row.id
        holder = self._holder(task)
        try:
            if outcome is Outcome.STOPPED and not self._is_stopped(at, run):
                advance(at, task, "stopped", lambda _: {"lease": None}, run=run.claim.run)  # Ctrl-C
            finish(at, run.claim, outcome, head=head, branch_tip=run.branch_tip)
        except LeaseLost:
            assert self._holder(task) != run.claim.run, f"{run.claim.run} holds {task} and was turned away"
            raise
        assert holder == run.claim.run or self.beset[run.who].trouble, f"{holder} held {task}"
        self.published[f"{ATTEMPTS}{task}/{run.claim.tip.state.attempt}"] = head

    def _is_stopped(self, at: Project, run: Run) -> bool:
        """As far as the runner knows, somebody has stopped it."""
        tip = read_tip(at, run.claim.entry.row.id)
        return tip is not None and tip.state.run == run.claim.run and tip.state.status == "stopped"

    def _holder(self, task: str) -> str | None:
        self._read_new()
        history = self.histories.get(task)
        return history[-1][1].run if history else None

    def withdraw(self, number: int) -> None:
        run = self.runs[number % len(self.runs)]
        withdraw_if_arrived(self._at(run.who), run.claim.entry.row.id, run.claim.run)

    def break_down(self, number: int, outcome: Outcome) -> None:
        """A runner fails, or (``TAKEN_OVER``) leaves the branch to a person."""
        run = self.runs[number % len(self.runs)]
        at = self._at(run.who)
        tip = read_tip(at, run.claim.entry.row.id)
        if tip and tip.state.run == run.claim.run and tip.state.status == "in_progress":  # as far as it knows
            verdict = explain_breakdown(Unreachable("gone", code="unreachable"))._replace(outcome=outcome)
            record_failure(at, run.claim, verdict)

    def stop(self, who: int, task: str) -> None:
        stop_task(self._at(who), task)

    def retry(self, who: int, task: str) -> None:
        words = f"words {self.done}"
        retry_task(self._at(who), task, words)
        self.said.append((task, words))

    def reject(self, who: int, task: str) -> None:
        words = f"words {self.done}"
        reject_task(self._at(who), task, words)
        self.said.append((task, words))

    def accept(self, who: int, task: str) -> None:
        accept_task(self._at(who), task)

    def sync(self, who: int) -> None:
        sync_reviews(self._at(who))

    def answer(self, who: int, task: str) -> None:
        words = f"words {self.done}"

        def change(old: State | None) -> dict[str, Any]:
            return {"guidance": (*(old.guidance if old else ()), words), "question": None}

        advance(self._at(who).fetched(), task, "answered", change)
        self.said.append((task, words))

    def hold(self, who: int, task: str) -> None:
        advance(self._at(who).fetched(), task, "held", lambda _: {"hold": "wait"})

    def release(self, who: int, task: str) -> None:
        advance(self._at(who).fetched(), task, "hold_released", lambda _: {"hold": None})

    def close(self, who: int, task: str) -> None:
        advance(self._at(who).fetched(), task, "closed", lambda _: {"reason": "closed", "lease": None})

    def look(self, who: int) -> None:
        """Whoever fetches sees what everybody sees."""
        mine = self._at(who).fetched()
        self.observer = self.observer.fetched()
        seen = load_view(mine, local=False)
        assert self.observer.repo.base.commit == mine.repo.base.commit
        now = replace(self.observer, refs=mine.refs)  # by the same clock
        assert seen.board == load_view(now, local=False).board

    # -- what machines and people do beside the tool ----------------------------------------------------------

    def turn_clock(self, who: int, seconds: float) -> None:
        self.clocks[who].advance(seconds)

    def forget_seen(self, who: int) -> None:
        """Somebody deletes what a clone has seen."""
        at = Checkout(self.people[who].repo.top)
        gone = read_refs(at.path, "refs/baton/remote/")
        at.git("update-ref", "--stdin", stdin="".join(f"delete {ref}\n" for ref in gone))

    def edit_base(self, who: int, task: str, how: str) -> None:  # noqa: ARG002 no clone of ours
        """A person changes a task's file on base."""
        paths = [f"tasks/{task}.yaml", f"tasks/later/{task}.yaml"]
        there = next(
            (p for p in paths if not try_git(self.team.server, "cat-file", "-e", f"main:{p}").returncode),
            None,
        )
        text = git(self.team.server, "show", f"main:{there}") if there else FILES[paths[0]].rstrip()
        lines = [line for line in text.splitlines() if not line.startswith(("status:", "hold:"))]
        text = "\n".join([*lines, "hold: wait" if how == "held" else f"status: {how}", ""])
        changes: dict[str, str | None] = {there or paths[0]: text}
        if how == "deleted":
            changes = dict.fromkeys(p for p in paths if p == there)
        elif how == "moved":
            other = next(p for p in paths if p != there)
            changes = {other: "\n".join([*lines, ""]), **({there: None} if there else {})}
        if changes:
            entries = {p: t and ("100644", write_blob(self.server, t.encode())) for p, t in changes.items()}
            tree = write_tree_with(self.server, "main^{tree}", entries)  # type: ignore[arg-type] # None or a pair
            self._move_base(tree, ["main"])

    def merge_by_hand(self, who: int, task: str, how: str) -> None:  # noqa: ARG002 as above
        """A person merges (or squashes) the task branch, or what was published, and pushes."""
        known = self.histories.get(task)
        head = known[-1][1].head if known else None
        if head is None:
            return
        merged = try_git(self.team.server, "merge-tree", "--write-tree", "main", head)
        if merged.returncode == 0:
            self._move_base(merged.stdout.strip(), ["main", head] if how == "merge" else ["main"])

    def revert(self, who: int) -> None:  # noqa: ARG002 as above
        """A person reverts the newest commit of base."""
        if not try_git(self.team.server, "rev-parse", "--verify", "--quiet", "main~1").returncode:
            self._move_base("main~1^{tree}", ["main"])

    def _move_base(self, tree: str, parents: list[str]) -> None:
        commit = commit_tree(
            self.server, self.server.text("rev-parse", tree), parents, f"By hand {self.done}", author=BOT
        )
        git(self.team.server, "update-ref", BASE, commit)

    def rewrite_base(self, who: int) -> None:  # noqa: ARG002 as above
        """A person forces base: its newest commit never was."""
        if not try_git(self.team.server, "rev-parse", "--verify", "--quiet", "main~1").returncode:
            git(self.team.server, "update-ref", BASE, git(self.team.server, "rev-parse", "main~1"))
            self.forced = True

    def delete_branch(self, who: int, task: str) -> None:  # noqa: ARG002 as above
        git(self.team.server, "update-ref", "-d", f"refs/heads/baton/{task}")

    def force_branch(self, who: int, task: str) -> None:  # noqa: ARG002 as above
        """A person replaces the task branch by something of their own."""
        tree = git(self.team.server, "rev-parse", "main^{tree}")
        commit = commit_tree(self.server, tree, ["main"], f"Mine {self.done}", author=BOT)
        git(self.team.server, "update-ref", f"refs/heads/baton/{task}", commit)

    # -- what must hold ------------------------------------------------------------------------------------

    def check(self) -> None:
        """Everything that must hold now. Reads only what is new."""
        before = self.refs
        self._read_new()
        if self.refs == before and self.checks:
            return
        self.checks += 1
        for ref, oid in before.items():
            if ref.startswith(ATTEMPTS):
                assert self.refs.get(ref) == oid, f"the work under {ref} was lost"
        if not self.forced:
            assert self._contains(self.refs[BASE], before.get(BASE)), "base lost a commit"
        self.forced = False
        for ref, head in self.published.items():
            assert self.refs.get(ref) == head, f"{ref} was published, and is not there"
        for task, words in self.said:
            told = [
                words in (*s.guidance, *(g for a in s.attempts for g in a.guidance))
                for _, s in self.histories[task]
            ]
            assert any(told), f"'{words}' was said about {task}, and nobody will read it"
            gone = told[-1] or any(s.event.name == "merged" for _, s in self.histories[task])
            assert gone, f"'{words}' was said about {task}, and the next attempt won't hear it"
        self._check_board()

    def _read_new(self) -> None:
        """The server's refs, and the states that are new; each must follow the one before it."""
        now = read_refs(self.team.server, "refs/")
        for ref in self.histories:
            assert f"{STATES}{ref}" in now, f"the state of {ref} was lost"
        for ref, oid in now.items():
            if not ref.startswith(STATES) or self.refs.get(ref) == oid:
                continue
            task = ref.removeprefix(STATES)
            history = self.histories.setdefault(task, [])
            known = [f"^{history[-1][0]}"] if history else []
            if history:
                assert self._contains(oid, history[-1][0]), f"the history of {task} was rewritten"
            for commit, state in read_states(self.team.server, task, oid, *known):
                check_step(history[-1][1] if history else None, state)
                assert state.event.id not in self.event_ids, "an event happened twice"
                self.event_ids.add(state.event.id)
                history.append((commit, state))
        self.refs = now

    def _contains(self, newer: str, older: str | None) -> bool:
        if older is None or newer == older:
            return True
        return try_git(self.team.server, "merge-base", "--is-ancestor", older, newer).returncode == 0

    def _check_board(self) -> None:
        self.observer = self.observer.fetched()
        assert not self.observer.repo.config_problems
        view = load_view(self.observer, local=False)
        assert not view.board.broken, view.board.broken
        found = try_git(
            self.team.server, "grep", "--name-only", "^status: done", "main", "--", "tasks/*.yaml"
        ).stdout
        done = {line.rpartition("/")[2].removesuffix(".yaml") for line in found.splitlines()}
        for task, entry in view.board.entries.items():
            tip = self.histories[task][-1][1] if task in self.histories else None
            recorded = tip is not None and tip.status == "merged" and tip.merge is not None
            assert entry.state != "done" or task in done or recorded, f"{task} is not done"
            assert task not in done or entry.state == "done", f"{task} is done"
        running = [e for e in view.board.entries.values() if e.live and e.live.status == "in_progress"]
        assert all(e.live and e.live.run for e in running)
        tips = read_tips(self.observer.repo)
        assert not tips.unreadable
        assert {t: tip.oid for t, tip in tips.states.items()} == {
            t: h[-1][0] for t, h in self.histories.items()
        }
