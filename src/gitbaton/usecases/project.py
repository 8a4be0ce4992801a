"""What every use-case works with: one repository, its shared refs, and the outside world behind ports."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.ids import find_id
from gitbaton.errors import Refusal, UsageError
from gitbaton.store.ledger import GIT_LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from gitbaton.domain.board import Board, Entry, LiveRow, TaskRow
    from gitbaton.domain.config import AgentConfig
    from gitbaton.ports import Agent, Forge, Refs, Shell
    from gitbaton.store.ledger import Ledger
    from gitbaton.store.live import Tips
    from gitbaton.store.repository import Repository
    from gitbaton.store.snapshots import Contents


@dataclass(frozen=True, slots=True)
class Project:
    """``actor`` is who acts, for people to read. ``environment`` is the process's, from which agents get an
    allow-listed part. ``cache`` is where agents' workplaces stand. ``outbox`` is set inside an attempt, where
    nothing is committed and everything is handed over as files. ``random_id`` gives fresh lower-case
    letters and digits.
    """

    repo: Repository
    refs: Refs
    clock: Callable[[], datetime]
    random_id: Callable[[int], str]
    pause: Callable[[float], None]
    actor: str
    environment: Mapping[str, str]
    cache: Path
    open_forge: Callable[[Repository], Forge]
    open_agent: Callable[[str, AgentConfig], Agent]
    run_shell: Shell
    outbox: Path | None = None
    ledger: Ledger = GIT_LEDGER

    @property
    def own_task(self) -> str | None:
        """The task that this attempt is for; None outside of one."""
        return self.environment.get("BATON_TASK") if self.outbox is not None else None

    def fetched(self) -> Project:
        """This project after a fetch of base and state refs."""
        self.refs.fetch()
        return replace(self, repo=self.repo.fetched())

    def reread(self) -> Project:
        """This project with settings, config and base as they are now."""
        return replace(self, repo=self.repo.refreshed())


class View(NamedTuple):
    """The board with what it was folded from."""

    board: Board
    contents: Contents
    tips: Tips


def load_view(project: Project, *, local: bool) -> View:
    """The board as of the last fetch. ``local`` overlays what this checkout adds (for looking); without it
    the answer is base and state refs alone (for acting).
    """
    from gitbaton.domain.board import fold_board
    from gitbaton.domain.gates import Gates
    from gitbaton.store.live import to_live_rows
    from gitbaton.store.overlay import overlay_local
    from gitbaton.store.rows import pause_collector
    from gitbaton.store.snapshots import read_revision

    repo = project.repo
    contents = (
        overlay_local(repo, read_revision(repo, repo.base.commit))
        if local
        else project.ledger.read_contents(repo)
    )
    tips = project.ledger.read_tips(repo)
    live = to_live_rows(tips, tolerance_s=project.refs.tolerance_s)
    if own := project.own_task:
        live[own] = _own_row(project, own)
    merges = {
        row.merge
        for row in live.values()
        if row.status == "merged" and row.merge and _todo(contents, row.task)
    }
    seen = [m for m in merges if repo.base.commit and project.ledger.contains(repo, repo.base.commit, m)]
    with pause_collector():
        board = fold_board(
            contents.tasks.values(), contents.broken, live, now=project.refs.now().timestamp(),
            attempts_max=repo.config_file.facts.attempts_max, merges_seen=seen, plans=contents.plans,
            gates=Gates(*repo.config_file.facts.gates),
        )  # fmt: skip
    return View(board, contents, tips)


def _own_row(project: Project, task: str) -> LiveRow:
    """The live state of an attempt's own task, as told by the environment: the private clone has no state refs."""
    from gitbaton.domain.board import LiveRow

    number = project.environment.get("BATON_ATTEMPT", "")
    return LiveRow(
        task, "in_progress", "", run=project.environment.get("BATON_RUN"),
        attempt=int(number) if number.isdecimal() else 1, holder="this attempt",
    )  # fmt: skip


def _todo(contents: Contents, task: str) -> bool:
    row = contents.tasks.get(task)
    return row is not None and row.status == "todo"


def find_entry(view: View, text: str) -> Entry:
    """The board's entry that ``text`` names. Raises ``Refusal``: unknown, ambiguous, or broken file."""
    for broken in view.board.broken:
        if broken.id == text and text not in view.board.entries:
            raise Refusal(
                f"the file of {text} can't be read", code="broken-task", hint=f"fix {broken.path}, then run: baton validate",
                problems=broken.problems,
            )  # fmt: skip
    return view.board.entries[find_id(text, view.board.entries)]


def find_row(view: View, text: str) -> TaskRow:
    """The task file's row that ``text`` names; raises as ``find_entry``."""
    return find_entry(view, text).row


def own_task(project: Project) -> str:
    """The task of this attempt, for commands that may leave its id out. Raises ``UsageError`` (``no-task``)."""
    if not project.own_task:
        raise UsageError("which task?", code="no-task", hint="give its id; see the ids with: baton list")
    return project.own_task


def refuse_inside(
    project: Project, what: str, *, hint: str = "hand over a note with save_context; a person decides"
) -> None:
    """Raises ``Refusal`` inside an attempt: an agent commits nothing and moves no state."""
    if project.outbox is not None:
        raise Refusal(f"inside an attempt nobody can {what}", code="inside-attempt", hint=hint)
