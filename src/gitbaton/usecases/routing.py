"""What an attempt at a task would get, and where each part of that comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.routing import find_policy
from gitbaton.store.repository import require_config
from gitbaton.store.roles import find_role
from gitbaton.usecases.judging import count_dependents, judge_entry, read_wanted_text
from gitbaton.usecases.material import Settings, choose_agent, settle
from gitbaton.usecases.project import Project, find_entry, load_view

if TYPE_CHECKING:
    from gitbaton.domain.board import Entry
    from gitbaton.domain.complexity import Judgement
    from gitbaton.domain.routing import Chosen


class RouteOf(NamedTuple):
    """A task, how hard it is, and how attempts at it run. ``reviewer`` is the agent of a peer review, if there is one."""

    entry: Entry
    judgement: Judgement
    settings: Settings
    agent: Chosen[str]
    reviewer: str | None


def route_task(project: Project, text: str, *, agent_name: str | None = None) -> RouteOf:
    """The route of a task as this checkout has it. Raises ``Refusal``."""
    from gitbaton.domain.routing import Chosen

    view = load_view(project, local=True)
    entry = find_entry(view, text)
    require_config(project.repo)
    repo, config = project.repo, project.repo.config
    task = read_wanted_text(project, entry)
    judgement = judge_entry(view, entry.row.id, task, count_dependents(view))
    role = find_role(repo, repo.base.commit or "HEAD", task.role) if task.role else None
    policy = find_policy(config.routing, config.checks, judgement)
    settings = settle(repo, task, role, agent_name, policy)
    if agent_name:
        source = "asked for"
    elif task.run and task.run.agent:
        source = "run of the task (run.agent)"
    else:
        source = (
            "agent in tasks/config.yaml" if config.agent else "the only one" if config.agents else "default"
        )
    reviewer = (config.routing.reviewer or settings.agent_name) if policy.peer_review.value else None
    if reviewer:
        choose_agent(repo, reviewer)
    return RouteOf(entry, judgement, settings, Chosen(settings.agent_name, source), reviewer)
