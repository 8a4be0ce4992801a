"""A project with a past: attempts, reviews, questions and failures, written by the use-cases themselves, with a clock
that the story moves on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.state import Holder
from gitbaton.domain.usage import Usage
from gitbaton.store.git import commit_tree, read_objects, write_blob, write_tree_with
from gitbaton.usecases.answering import answer_task
from gitbaton.usecases.claim import Claim, claim_task
from gitbaton.usecases.review import accept_task, reject_task, retry_task
from support.attempts import BOT, finish, handoff_of
from support.repos import Clock
from support.team import Team

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitbaton.usecases.project import Project

MINUTE, HOUR, DAY = 60, 3600, 86400
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)  # a Monday
CONFIG = "base: main\nretries: {attempts: 2, backoff: 1m}\n"


@dataclass
class Past:
    """The project, in one repository without a remote (or with one)."""

    folder: Path
    tasks: dict[str, str]
    config: str = CONFIG
    remote: bool = False
    team: Team = field(init=False)

    def __post_init__(self) -> None:
        files = {f"tasks/{task}.yaml": text for task, text in self.tasks.items()}
        self.team = Team(self.folder, {**files, "tasks/config.yaml": self.config}, self.remote, Clock(START))

    @property
    def project(self) -> Project:
        """As it is now."""
        return self.team.open(self.team.first)

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.team.clock.advance(seconds)

    def attempt(
        self, task: str, seconds: float, outcome: Outcome = Outcome.SUCCEEDED, *, checks: Mapping[str, bool] | None = None,
        text: str | None = None, usage: Usage | None = None, agent: str = "claude", kind: str = "agent",
    ) -> Claim:  # fmt: skip
        """An attempt that takes so long. ``checks`` says which passed; ``text`` is what its file then holds."""
        who = self.project
        holder = Holder.model_validate({"name": agent, "kind": kind})
        claim = claim_task(who, task, holder=holder, lease_s=lambda _: 10 * DAY)
        assert isinstance(claim, Claim), claim
        self.wait(seconds)
        state = claim.tip.state
        head = self._work(who, claim, state.head or claim.base, outcome, checks or {}, text)
        finish(
            who,
            claim,
            outcome,
            head=head,
            branch_tip=state.head,
            usage=usage or Usage(seconds=float(seconds)),
        )
        return claim

    def accept(self, task: str, after: float) -> None:
        """A person merges it after so many seconds."""
        self.wait(after)
        accept_task(self.project, task)

    def reject(self, task: str, after: float) -> None:
        """A person wants more."""
        self.wait(after)
        reject_task(self.project, task, "once more")

    def answer(self, task: str, after: float) -> None:
        """A person answers a question."""
        self.wait(after)
        answer_task(self.project, task, "yes")

    def retry(self, task: str, after: float) -> None:
        """A person allows another attempt."""
        self.wait(after)
        retry_task(self.project, task)

    def _work(self, who: Project, claim: Claim, start: str, outcome: Outcome, checks: Mapping[str, bool], text: str | None) -> str:  # fmt: skip
        git, task = who.repo.git, claim.entry.row.id
        handoff: dict[str, Any] = {
            "task": task, "attempt": claim.tip.state.attempt, "outcome": outcome.value,
            "checks": [{"name": name, "passed": passed, "seconds": 1.0} for name, passed in checks.items()],
        }  # fmt: skip
        files = {
            f"src/{task}.txt": text or f"by {claim.run}\n",
            handoff_of(claim): json.dumps(handoff) + "\n",
        }
        if OUTCOMES[outcome].good:
            path = claim.entry.row.path
            known = next(t for t in read_objects(git, [f"{start}:{path}"]) if t).decode()
            files[path] = "".join(line for line in known.splitlines(keepends=True) if not line.startswith("status:")) + "status: done\n"  # fmt: skip
        blobs = {path: ("100644", write_blob(git, content.encode())) for path, content in files.items()}
        tree = write_tree_with(git, f"{start}^{{tree}}", blobs)
        return commit_tree(git, tree, [start], f"Work of {claim.run}", author=BOT)


DONE = tuple(f"done-{n:02}" for n in range(1, 13))


def make_past(folder: Path, *, remote: bool = False) -> Past:
    """Twelve tasks that were done within two weeks (18 attempts), and nine that are open: a chain, a question, a
    review, a hold and a draft among them.
    """
    tasks = {
        task: f"title: {task}\nrole: {'tester' if n % 3 == 2 else 'implementer'}\ncomplexity: {'complex' if n % 4 == 3 else 'medium'}\nplan: first\n"
        for n, task in enumerate(DONE)
    }  # fmt: skip
    tasks |= {
        "add-login": "title: Add login\nrole: implementer\nplan: accounts\n",
        "add-logout": "title: Add logout\nrole: implementer\nplan: accounts\ndepends_on: [add-login]\n",
        "test-login": "title: Test login\nrole: tester\nplan: accounts\ndepends_on: [add-logout]\n",
        "send-mail": "title: Send mail\nplan: accounts\nassignee: ann\n",
        "export-orders": "title: Export orders\n",
        "import-orders": "title: Import orders\ndepends_on: [export-orders]\n",
        "choose-colours": "title: Choose colours\nplan: accounts\nhold: until the brand book is there\n",
        "paint-it": "title: Paint it\nplan: accounts\ndepends_on: [choose-colours]\n",
        "maybe-later": "title: Maybe later\nstatus: draft\n",
    }
    tasks |= {"plans/first": "title: First steps\n", "plans/accounts": "title: User accounts\n"}
    past = Past(folder, tasks, remote=remote)
    for n, task in enumerate(DONE):
        role_s = 90 * MINUTE if n % 3 == 2 else 20 * MINUTE
        used = Usage(seconds=role_s * 0.9, turns=10 + n, input_tokens=1000 * n, output_tokens=500, cost_usd=0.25, tool_calls=20 + n)  # fmt: skip
        if n % 4 == 1:
            past.attempt(task, role_s / 2, Outcome.CHECKS_FAILED, checks={"tests": False, "lint": True}, text="same\n", usage=used)  # fmt: skip
            past.wait(2 * MINUTE)
        if n == 6:
            past.attempt(task, role_s / 4, Outcome.NEEDS_INPUT, usage=used)
            past.answer(task, 5 * HOUR)
        text = "same\n" if n == 5 else None
        past.attempt(task, role_s + n * MINUTE, checks={"tests": True, "lint": True}, text=text, usage=used)
        if n == 8:
            past.reject(task, 2 * HOUR)
            past.attempt(task, role_s, checks={"tests": True, "lint": True})
        past.accept(task, (1 + n % 5) * HOUR)
        past.wait(14 * HOUR)
    past.attempt("send-mail", 10 * MINUTE, Outcome.NEEDS_INPUT)
    past.attempt("export-orders", 30 * MINUTE, checks={"tests": True})
    past.wait(30 * HOUR)
    return past
