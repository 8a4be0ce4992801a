"""The interfaces between the use-cases and the outside world.

Three things are behind a port because more than one real thing answers it: the refs that hold live
state (a remote, a local repository), the agent (Claude Code, any program) and the forge (GitHub, bare Git).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from gitbaton.domain.outcome import Outcome
    from gitbaton.domain.usage import Usage
    from gitbaton.domain.workflow_run import WorkflowRun


# -- refs: compare-and-swap ------------------------------------------------------------------------


class RefUpdate(NamedTuple):
    """Move ``ref`` (full name) from ``old`` to ``new``; ``old`` None = it must not exist yet,
    ``new`` None = delete it. Object ids in full.
    """

    ref: str
    new: str | None
    old: str | None


class Refs(Protocol):
    """The shared refs, wherever they live."""

    @property
    def tolerance_s(self) -> float:
        """Seconds added to every lease, because the clocks it is judged by may differ."""

    def fetch(self) -> None:
        """Bring base branch and state refs here. Raises ``Unreachable``."""

    def fetch_ref(self, ref: str) -> str | None:
        """Bring one ref here, by its full name, and return its tip, or None if there is none."""

    def fetch_branch(self, branch: str) -> str | None:
        """Bring a branch here and return its tip, or None if there is none."""

    def read(self, prefix: str) -> dict[str, str]:
        """Full ref name → object id of all shared refs below ``prefix``, as of the last fetch."""

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        """All updates or none. Raises ``LostRace`` (a ref moved), ``Refusal`` (rules, permission,
        size), ``Unreachable`` (network).
        """

    def now(self) -> datetime:
        """The time that leases are judged by: the server's where it tells, else the local clock (UTC)."""

    @property
    def skew_s(self) -> float | None:
        """Seconds by which the local clock is ahead of the server's; None where the server doesn't tell."""


# -- agents -----------------------------------------------------------------------------------------


class Limits(NamedTuple):
    """Bounds on one agent run. Seconds, counts, US dollars; None = no bound."""

    timeout_s: float
    idle_s: float | None = None
    turns_max: int | None = None
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """All an agent is told. ``env`` is its whole environment: nothing is inherited.

    ``workplace`` is its working directory; ``outbox`` the one other folder it may write to;
    ``log_path`` a JSON-lines file that the adapter appends to; ``session`` resumes an earlier one.
    ``mcp_servers`` has the shape of Claude Code's ``mcpServers`` object. ``words`` is what an agent is told that
    goes on with its ``session``; one that can't is told the whole ``briefing``, in which they stand too.
    ``sessions`` is a folder in which sessions outlive the workplace; None: they don't. ``take_news`` gives what people
    have said since it was last called: an adapter that can tell it to its agent asks now and then.
    """

    task: str
    attempt: int
    run: str
    workplace: Path
    outbox: Path
    briefing: str
    briefing_path: Path
    log_path: Path
    limits: Limits
    env: Mapping[str, str]
    model: str | None = None
    allowed_tools: tuple[str, ...] = ()
    mcp_servers: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    instructions: str = ""
    session: str | None = None
    words: str = ""
    sessions: Path | None = None
    take_news: Callable[[], Sequence[str]] = tuple


class Progress(NamedTuple):
    """Something the agent just did, in words fit for one line of a terminal."""

    kind: Literal["started", "text", "tool", "retry", "note", "ended"]
    text: str
    turns: int = 0
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class AgentReport:
    """How the agent process ended. ``outcome`` is SUCCEEDED when the agent says it is finished: that
    the work is any good is for guards and checks to find. ``message`` is one readable sentence or the
    agent's last words; ``result`` what it handed over as structured data, unchecked; ``handoff`` the
    unchecked fields of a handoff where the adapter received some. ``retry_after_s`` is how long the model's service
    asked to be left alone; ``model`` is the one that answered, where the adapter knows.
    """

    outcome: Outcome
    message: str
    usage: Usage
    session: str | None = None
    result: object = None
    handoff: Mapping[str, object] = field(default_factory=dict)
    exit_code: int | None = None
    retry_after_s: float | None = None
    model: str | None = None


class Agent(Protocol):
    """A coding agent."""

    name: str
    adapter: str

    def check(self, env: Mapping[str, str]) -> None:
        """Raises ``Refusal`` with a hint when the agent can't run here (program or key missing)."""

    def run(
        self,
        request: AgentRequest,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Outcome | None],
    ) -> AgentReport:
        """Run to the end. ``should_stop`` is asked at least once a second; an outcome it returns ends
        the agent (process tree included) and becomes the report's outcome. Never raises for what the
        agent does; raises ``Refusal`` only when it can't be started.
        """


def never() -> None:
    """A ``should_stop`` that lets everything run."""


class ShellRun(NamedTuple):
    """How a shell command ended, and the end of what it printed. ``stopped_by`` is what ``should_stop`` gave, if that
    ended it.
    """

    exit_code: int
    output: str
    seconds: float
    timed_out: bool
    stopped_by: Outcome | None = None


class Shell(Protocol):
    """Runs checks."""

    def __call__(
        self,
        command: str,
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        should_stop: Callable[[], Outcome | None] = never,
    ) -> ShellRun:
        """Run ``command`` with nothing but ``env``, and end all it started. ``should_stop`` is asked at least once a
        second, and what it gives ends the command. Never raises for what it does.
        """


# -- forge ------------------------------------------------------------------------------------------


class Review(NamedTuple):
    """A published piece of work that waits for, or has had, its review.

    ``number`` and ``url`` are None on bare Git. ``state`` is ``open``, ``merged`` or ``closed``;
    ``merge_commit`` is set once merged. ``ended`` is when it was merged or closed (ISO 8601), where the forge
    knows: a review may be closed, opened and closed again. ``head_oid`` is the commit that was, or is to be,
    merged, where the forge knows.
    """

    head: str
    base: str
    state: Literal["open", "merged", "closed"]
    number: int | None = None
    url: str | None = None
    merge_commit: str | None = None
    ended: str | None = None
    head_oid: str | None = None


class Remark(NamedTuple):
    """Something that was written at a review. ``id`` is the forge's; ``by`` the name there; ``at`` ISO 8601.
    ``verdict`` is what a review as a whole comes to, as far as it stands; ``place`` the ``path:line`` it is about.
    Only those who belong to the repository are ``trusted``: everybody else's words are nobody's guidance.
    """

    id: str
    by: str
    at: str
    text: str
    trusted: bool
    verdict: Literal["changes_requested", "approved"] | None = None
    place: str | None = None


class Forge(Protocol):
    """Where people review: GitHub, or bare Git with ``baton review`` and ``baton accept``."""

    kind: Literal["github", "local"]

    def find_review(self, head: str) -> Review | None:
        """The newest review of branch ``head`` (short name), open ones before others."""

    def publish_review(self, head: str, base: str, title: str, body: str) -> Review:
        """Open a review of ``head`` against ``base``, or bring the open one up to date: idempotent by
        head. Raises ``Refusal`` (permission, no difference) or ``Unreachable``.
        """

    def comment(self, review: Review, body: str) -> None:
        """Say something to the people who review."""

    def list_verdicts(self, review: Review) -> Sequence[Remark]:
        """The reviews that people handed in and nobody dismissed, oldest first."""

    def list_comments(self, review: Review) -> Sequence[Remark]:
        """What people wrote besides: about single lines, and about the whole; oldest first."""

    def merge(
        self, review: Review, *, head_oid: str, title: str, record: Callable[[str, Sequence[RefUpdate]], None]
    ) -> str:
        """Merge ``review`` if its head still is ``head_oid``; returns the merge commit's id. ``record`` publishes
        the task's new state: on bare Git it is handed the move of the base branch too, so that both happen
        in one atomic step; a server merges first and then calls it with nothing to add. Raises ``Refusal``
        (conflicts, rules), ``LostRace``, ``Unreachable``.
        """

    def close(self, review: Review) -> None:
        """Close without merging."""

    def has_run_ended(self, run: WorkflowRun) -> bool | None:
        """Whether a workflow run of our own repository has ended; None when that can't be known here, and for
        every run of another repository: those are never asked about. Raises as ``find_review``.
        """
