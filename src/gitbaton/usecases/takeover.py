"""``baton takeover``: a person takes a task from whoever has it, and works on its branch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.state import Holder
from gitbaton.errors import Refusal
from gitbaton.store.live import render_time
from gitbaton.store.repository import require_config
from gitbaton.usecases.project import Project, find_entry, load_view, refuse_inside
from gitbaton.usecases.transitions import advance

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.domain.state import State
    from gitbaton.store.live import Tip


class TakenOver(NamedTuple):
    """A task that is a person's now. ``branch`` is where its work stands, ``checkout`` the command that gets it;
    ``fenced`` is who had it and can publish nothing any more, None: nobody had it.
    """

    tip: Tip
    branch: str
    checkout: str
    fenced: str | None


def takeover_task(project: Project, text: str, *, sure: bool = False) -> TakenOver:
    """Make a task the actor's own: from now on nobody else's attempt can publish anything, and agents leave it
    alone until ``retry`` gives it back. A runner that was at it keeps its work under a local ref of its own
    machine. Raises ``Refusal``: somebody is at it (``somebody-else``; not if ``sure``), it is finished, or a
    person has it already.
    """
    refuse_inside(project, "take tasks over")
    project = project.fetched()
    require_config(project.repo)
    entry = find_entry(load_view(project, local=False), text)
    task = entry.row.id
    _refuse_finished(entry)
    if entry.state == "in_progress" and not sure:
        live = entry.live
        raise Refusal(
            f"{live.holder if live and live.holder else 'somebody'} is at {task} (attempt {live.attempt if live else 0})",
            code="somebody-else",
            hint=f"to take it all the same: baton takeover {task} --yes",
            data={"holder": live.holder if live else None},
        )
    seen = entry.live.run if entry.live else None
    had: list[str] = []

    def unchanged(old: State | None) -> None:
        if not sure and old is not None and old.status == "in_progress" and old.run != seen:
            raise Refusal(
                f"{old.claimed_by.name if old.claimed_by else 'somebody'} took {task} first", code="somebody-else",
                hint=f"to take it all the same: baton takeover {task} --yes",
            )  # fmt: skip

    def change(old: State | None) -> dict[str, Any]:
        had[:] = [old.claimed_by.name] if old and old.status == "in_progress" and old.claimed_by else []
        attempts = old.attempts if old else ()
        if attempts and attempts[-1].ended is None:
            update = {
                "ended": render_time(project.refs.now()),
                "outcome": Outcome.TAKEN_OVER,
                "message": f"{project.actor} took the task over",
            }
            attempts = (*attempts[:-1], attempts[-1].model_copy(update=update))
        return {
            "run": project.random_id(16), "claimed_by": Holder(name=project.actor, kind="person"), "claimed_from": None,
            "lease": None, "watch_url": None, "retry_at": None, "question": None, "reason": None, "attempts": attempts,
            "branch": (old.branch if old else None) or f"{project.repo.config.prefix}{task}",
            "base": (old.base if old else None) or project.repo.base.commit,
        }  # fmt: skip

    tip = advance(project, task, "taken_over", change, expect=unchanged)
    branch = tip.state.branch
    assert branch is not None, "it was set just now"
    return TakenOver(tip, branch, _find_checkout(project, branch), had[0] if had else None)


def _refuse_finished(entry: Entry) -> None:
    task = entry.row.id
    if entry.state in ("done", "cancelled"):
        raise Refusal(
            f"{task} is {entry.state}", code="already-finished", hint=f"to open it again: baton set {task} status=todo"
        )  # fmt: skip
    if entry.state == "taken_over":
        raise Refusal(f"{task} is taken over already: {entry.why}", code="somebody-else", hint=f"to give it back to agents: baton retry {task}")  # fmt: skip


def _find_checkout(project: Project, branch: str) -> str:
    """The command that checks out the task branch, which may not be there yet."""
    repo = project.repo
    if project.refs.fetch_branch(branch) is not None:
        return f"git switch {branch}"
    base = f"{repo.remote}/{repo.base.branch}" if repo.remote else repo.base.branch
    return f"git switch --create {branch} {base}"
