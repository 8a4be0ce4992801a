"""People and agents in clones of one repository, who claim its tasks and get in each other's way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.state import Holder
from gitbaton.edges.local_forge import LocalForge
from gitbaton.errors import Refusal
from gitbaton.ports import RefUpdate
from gitbaton.store.live import render_time
from gitbaton.usecases.claim import Claim, claim_task
from gitbaton.usecases.transitions import advance
from gitbaton.usecases.work import attempt_ref
from support.repos import Checkout, Clock, make_repository, project
from support.state_history import read_history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gitbaton.domain.state import State
    from gitbaton.ports import Refs
    from gitbaton.usecases.choosing import Choice
    from gitbaton.usecases.project import Project

CONFIG = "base: main\nretries: {attempts: 2, backoff: 1m}\n"


@dataclass
class Team:
    """A repository with a remote, and people or agents in clones of it who share a clock."""

    folder: Path
    files: dict[str, str]
    remote: bool = True
    clock: Clock = field(default_factory=Clock)
    count: int = 0

    def __post_init__(self) -> None:
        files: dict[str, str | bytes | None] = {"tasks/config.yaml": CONFIG, **self.files}
        self.first = make_repository(self.folder, files, remote=self.remote)

    def join(self, name: str = "Tess Author") -> Project:
        """Somebody new, in a clone of their own (without a remote: in the one there is)."""
        self.count += 1
        where = self.first.clone(f"clone{self.count}") if self.remote else self.first
        return self.open(where, name)

    def open(self, where: Checkout, name: str = "Tess Author") -> Project:
        """The project of somebody in ``where``; reviews happen on bare Git."""
        made = project(
            where, clock=self.clock, actor=name, open_forge=lambda repo: LocalForge(repo, made.refs)
        )
        return made

    def publish(self, task: str, files: Mapping[str, str], who: Project | None = None) -> str:
        """An attempt at ``task`` changes ``files`` and goes to review; the commit that was published."""
        who = who or self.join("bot")
        claimed = take(who, task)
        at = Checkout(who.repo.top)
        here = at.git("symbolic-ref", "--short", "HEAD")
        at.git(
            "worktree",
            "add",
            "--quiet",
            "--detach",
            "../work-of-the-bot",
            claimed.tip.state.head or claimed.base,
        )
        place = Checkout(at.path.parent / "work-of-the-bot")
        text = place.read(f"tasks/{task}.yaml").rstrip().removesuffix("\nstatus: done")
        done = {f"tasks/{task}.yaml": f"{text}\nstatus: done\n"}
        head = place.commit({**files, **done}, f"Do {task}")
        at.git("worktree", "remove", "--force", "../work-of-the-bot")
        assert at.git("symbolic-ref", "--short", "HEAD") == here
        number, branch = claimed.tip.state.attempt, f"refs/heads/{claimed.tip.state.branch}"
        tip = who.refs.fetch_ref(branch)

        def change(old: State | None) -> dict[str, Any]:
            assert old
            ended = {"ended": render_time(who.clock()), "outcome": Outcome.SUCCEEDED, "head": head}
            return {
                "guidance": (),
                "head": head,
                "lease": None,
                "attempts": (*old.attempts[:-1], old.attempts[-1].model_copy(update=ended)),
            }

        moves = [RefUpdate(branch, head, tip), RefUpdate(attempt_ref(who, task, number), head, None)]
        advance(who, task, "published", change, run=claimed.run, also=lambda _: moves)
        return head

    @property
    def server(self) -> Path:
        return self.first.remote or self.first.path

    def state(self, task: str) -> State:
        return read_history(self.server, task)[-1]

    def change(self, files: dict[str, str]) -> None:
        """Push ``files`` to base."""
        self.first.commit({**files}, push=True)


def claim(who: Project, wanted: str | None = None, lease_s: float = 100.0) -> Claim | Choice:
    return claim_task(who, wanted, holder=Holder(name=who.actor, kind="agent"), lease_s=lambda _: lease_s)


def take(who: Project, wanted: str | None = None, lease_s: float = 100.0) -> Claim:
    claimed = claim(who, wanted, lease_s)
    assert isinstance(claimed, Claim), claimed
    return claimed


def refuse(act: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as refused:
        act()
    return refused.value


@dataclass
class Meddling:
    """Shared refs of somebody to whom ``happens`` happens right before their ``when``-th fetch; ``deaf``: no
    fetch brings anything.
    """

    refs: Refs
    when: int
    happens: Callable[[], object]
    deaf: bool = False
    fetches: int = 0

    def fetch(self) -> None:
        self.fetches += 1
        if self.fetches == self.when:
            self.happens()
        if not self.deaf:
            self.refs.fetch()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.refs, name)


def meddle(who: Project, when: int, happens: Callable[[], object]) -> Project:
    return replace(who, refs=Meddling(who.refs, when, happens))


@dataclass
class Overtaken:
    """Shared refs of somebody to whom ``happens`` happens right before their first push."""

    refs: Refs
    happens: Callable[[], object]
    pushed: bool = False

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        if not self.pushed:
            self.pushed = True
            self.happens()
        self.refs.swap(updates)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.refs, name)


def overtake(who: Project, happens: Callable[[], object]) -> Project:
    return replace(who, refs=Overtaken(who.refs, happens))


@dataclass
class Hurried:
    """Shared refs of somebody who presses Ctrl-C during their first push; the server has got it all the same."""

    refs: Refs
    pressed: bool = False

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        self.refs.swap(updates)
        if not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt

    def __getattr__(self, name: str) -> Any:
        return getattr(self.refs, name)


def make_unaware(who: Project) -> Project:
    """Somebody who hears of nothing from now on, so whose claims stay as they are."""
    return replace(who.fetched(), refs=Meddling(who.refs, 0, lambda: None, deaf=True))
