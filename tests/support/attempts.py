"""What a runner does with its claim, without an agent: some work on top of where the attempt begins, and the end
of the attempt as ``usecases.publish`` records it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.verdict import Verdict
from gitbaton.ports import RefUpdate
from gitbaton.store.git import Commit, commit_tree, read_objects, write_blob, write_tree_with
from gitbaton.usecases.publish import end_of_attempt
from gitbaton.usecases.transitions import advance
from gitbaton.usecases.work import attempt_ref

if TYPE_CHECKING:
    from gitbaton.domain.lifecycle import EventName
    from gitbaton.domain.state import State
    from gitbaton.domain.usage import Usage
    from gitbaton.store.live import Tip
    from gitbaton.usecases.claim import Claim
    from gitbaton.usecases.project import Project

BOT = Commit("bot", "bot@example.org")


def make_work(project: Project, claim: Claim, start: str, *, good: bool) -> str:
    """A commit on top of ``start``: a changed file, a handoff and, for good work, the task's file set done."""
    git, task = project.repo.git, claim.entry.row.id
    files = {f"src/{task}.txt": f"by {claim.run}\n", handoff_of(claim): f"task: {task}\nsummary: S\n"}
    if good:
        path = claim.entry.row.path
        text = next(t for t in read_objects(git, [f"{start}:{path}", f"{claim.base}:{path}"]) if t).decode()
        lines = [line for line in text.splitlines() if not line.startswith("status:")]
        files[path] = "\n".join([*lines, "status: done", ""])
    blobs = {path: ("100644", write_blob(git, text.encode())) for path, text in files.items()}
    tree = write_tree_with(git, f"{start}^{{tree}}", blobs)
    return commit_tree(git, tree, [start], f"Work of {claim.run}", author=BOT)


def handoff_of(claim: Claim) -> str:
    """Where the handoff of an attempt stands."""
    return f"tasks/handoffs/{claim.entry.row.id}/{claim.run}.yaml"


def finish(
    project: Project, claim: Claim, outcome: Outcome, *, head: str | None, branch_tip: str | None, usage: Usage | None = None,
    patience: int = 0,
) -> Tip:  # fmt: skip
    """Record the end of an attempt with its work ``head``: state, task branch and attempt ref in one step."""
    task, good = claim.entry.row.id, OUTCOMES[outcome].good
    event: EventName = "published" if good else "failed"
    if outcome is Outcome.NEEDS_INPUT:
        event = "asked"
    elif outcome is Outcome.STOPPED:
        event = "checkpointed"
    branch = f"refs/heads/{claim.tip.state.branch}"
    moves = [
        RefUpdate(branch, head, branch_tip),
        RefUpdate(attempt_ref(project, task, claim.tip.state.attempt), head, None),
    ]

    def change(old: State | None) -> dict[str, Any]:
        assert old is not None
        return end_of_attempt(
            project, old, Verdict(outcome, f"{outcome.value} by {claim.run}", verified=good), head=head,
            handoff=handoff_of(claim) if head else None, usage=usage, question=f"what about {claim.run}?",
        )  # fmt: skip

    return advance(
        project, task, event, change, run=claim.run, also=lambda _: moves if head else [], patience=patience
    )
