"""Where the work of attempts stands: on the task branch, and for ever under a ref of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.errors import Refusal
from gitbaton.store.git import resolve

if TYPE_CHECKING:
    from gitbaton.domain.state import State
    from gitbaton.usecases.project import Project


def attempt_ref(project: Project, task: str, number: int) -> str:
    """The ref that holds an attempt's work for ever."""
    return f"{project.repo.config.namespace}/attempts/{task}/{number}"


def bring_head(project: Project, state: State) -> str:
    """The commit that was published for a task, fetched if it isn't here: from the task branch, else (it may
    have been deleted or forced) from the attempt's own ref. Raises ``Refusal`` (``lost-commit``).
    """
    head = state.head
    assert head, "asked for work that was never published"
    refs = [f"refs/heads/{state.branch}"] if state.branch else []
    refs += [attempt_ref(project, state.task, a.number) for a in reversed(state.attempts) if a.head]
    for ref in refs:
        if resolve(project.repo.git, head):
            break
        project.refs.fetch_ref(ref)
    if not resolve(project.repo.git, head):
        raise Refusal(
            f"the commit {head[:12]} of {state.task} can't be fetched any more",
            code="lost-commit",
            hint=f"it stood on: {', '.join(refs)}",
        )
    return head
