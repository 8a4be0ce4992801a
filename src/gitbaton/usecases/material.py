"""What an attempt works with: the task as it stands on base, its surroundings, and how it is to run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.briefing import Material
from gitbaton.domain.config import AgentConfig, Author
from gitbaton.domain.guards import PROTECTED
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.plan import Plan
from gitbaton.domain.routing import UNROUTED, Policy, Run, choose_run, find_policy
from gitbaton.domain.task import Check, Task
from gitbaton.domain.troubleshooting import ROLE as TROUBLESHOOTER
from gitbaton.domain.troubleshooting import Recovery, find_failures
from gitbaton.domain.wording import is_note
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.ports import Limits
from gitbaton.store.documents import parse_document
from gitbaton.store.git import list_entries, list_tree, read_objects
from gitbaton.store.layout import HANDOFFS, doc_path, plan_path
from gitbaton.store.roles import find_role
from gitbaton.usecases.judging import judge_task
from gitbaton.usecases.recalling import iter_handoff_texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitbaton.domain.role import Role
    from gitbaton.domain.state import State
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project, View

#: Secrets that Claude Code reads its key from, in the order it prefers.
CLAUDE_KEYS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
_CLAUDE_SETTINGS = ("ANTHROPIC_BASE_URL", "CLAUDE_CODE_MAX_RETRIES", "API_TIMEOUT_MS")
#: Types of task whose result is no code.
_WITHOUT_TESTS = ("docs", "spike", "review", "chore")


class Settings(NamedTuple):
    """How an attempt runs. ``secrets`` are the agent's own keys by name; ``env_names`` what it may see of the
    environment. ``run`` says where model, limits and checks come from, ``policy`` what the task's complexity decides.
    """

    agent_name: str
    agent: AgentConfig
    model: str | None
    limits: Limits
    allowed_tools: tuple[str, ...]
    mcp_servers: Mapping[str, Mapping[str, object]]
    checks: tuple[Check, ...]
    author: Author
    secrets: tuple[str, ...]
    env_names: tuple[str, ...]
    policy: Policy
    run: Run


class Surroundings(NamedTuple):
    """The task's text on base, parsed, and the documents around it."""

    path: str
    text: bytes
    task: Task
    role: Role | None
    settings: Settings


def read_surroundings(
    project: Project, path: str, commit: str, *, agent_name: str | None = None
) -> Surroundings:
    """The task file at ``path`` of ``commit`` with role and settings. Raises ``Refusal``/``InvalidDocument``."""
    repo = project.repo
    text = read_objects(repo.git, [f"{commit}:{path}"])[0]
    if text is None:
        raise Refusal(
            f"{path} is not on {repo.base.branch}", code="only-local", hint="commit and push it first"
        )
    task = parse_document(text, path, Task, "task")
    role = find_role(repo, commit, task.role) if task.role else None
    judgement = judge_task(project, path, task)
    policy = find_policy(repo.config.routing, repo.config.checks, judgement)
    return Surroundings(path, text, task, role, settle(repo, task, role, agent_name, policy))


def settle(
    repo: Repository, task: Task, role: Role | None, agent_name: str | None, policy: Policy = UNROUTED
) -> Settings:
    """Task before role before what its complexity decides before config. Raises ``Refusal`` (``unknown-agent``,
    ``unknown-server``).
    """
    config, run = repo.config, task.run
    name, agent = choose_agent(repo, agent_name or (run.agent if run else None))
    servers: dict[str, Mapping[str, object]] = {}
    for server in run.mcp_servers if run else ():
        if server not in config.run.mcp_servers:
            raise Refusal(
                f"the task wants the MCP server '{server}', which the config does not name",
                code="unknown-server",
                hint="add it to run.mcp_servers in tasks/config.yaml",
            )
    servers.update(
        config.run.mcp_servers
        if not (run and run.mcp_servers)
        else {s: config.run.mcp_servers[s] for s in run.mcp_servers}
    )
    secrets = (
        (agent.token_secret,) if agent.token_secret else CLAUDE_KEYS if agent.adapter == "claude" else ()
    )
    extra = _CLAUDE_SETTINGS if agent.adapter == "claude" else ()
    chosen = choose_run(run, role, task.role, policy, config, name, agent)
    return Settings(
        agent_name=name,
        agent=agent,
        model=chosen.model.value,
        limits=Limits(
            timeout_s=chosen.timeout_s.value,
            idle_s=config.timeouts.idle,
            turns_max=chosen.max_turns.value,
            budget_usd=chosen.budget_usd.value,
        ),
        allowed_tools=tuple(
            dict.fromkeys(
                [
                    *config.run.allowed_tools,
                    *(role.allowed_tools if role else ()),
                    *(run.allowed_tools if run else ()),
                ]
            )
        ),
        mcp_servers=servers,
        checks=tuple(check.value for check in chosen.checks),
        author=agent.author or Author(),
        secrets=secrets,
        env_names=(*extra, *agent.env),
        policy=policy,
        run=chosen,
    )


def choose_agent(repo: Repository, name: str | None) -> tuple[str, AgentConfig]:
    """The agent to use: the one named, else the config's, else the only one, else Claude Code."""
    agents = repo.config.agents
    wanted = name or repo.config.agent
    if wanted is None:
        return (
            next(iter(agents.items()))
            if len(agents) == 1
            else ("claude", agents.get("claude", AgentConfig()))
        )
    if wanted in agents:
        return wanted, agents[wanted]
    if wanted == "claude":
        return "claude", AgentConfig()
    raise Refusal(
        f"there is no agent '{wanted}'",
        code="unknown-agent",
        hint=f"tasks/config.yaml on {repo.base.branch} knows: {', '.join(agents) or 'claude'}",
    )


def gather_material(
    project: Project,
    around: Surroundings,
    state: State | None,
    *,
    commit: str,
    work: str | None,
    attempt: int,
) -> Material:
    """The briefing's material. ``commit`` is the base; ``work`` the task branch's tip, where earlier handoffs
    of this task stand; ``attempt`` the number of the attempt that is to be briefed.
    """
    repo, task = project.repo, around.task
    task_id = around.path.rsplit("/", 1)[-1].removesuffix(".yaml")
    plan = None
    if task.plan and (text := read_objects(repo.git, [f"{commit}:{plan_path(task.plan)}"])[0]):
        plan = parse_document(text, plan_path(task.plan), Plan, "plan")
    dependencies, dependency_paths = [], []
    for need in task.depends_on:
        path, handoff = choose_telling(list_handoffs(repo, commit, need))
        dependencies.append((need, find_title(repo, commit, need), handoff))
        dependency_paths.append(path)
    if list_entries(repo.git, commit, [doc_path(task_id)]):
        task = task.model_copy(update={"context": tuple(dict.fromkeys((doc_path(task_id), *task.context)))})
    settings = around.settings
    earlier = _read_earlier(repo, commit, work, task_id)
    past = [a for a in state.attempts if a.number < attempt] if state else []
    fresh_since = find_fresh_start(state, attempt)
    failures = find_failures(past, [h for _, h in earlier], fresh_since=fresh_since)
    return Material(
        task_id=task_id, task=task, attempt=attempt, role_name=task.role, role=around.role, plan=plan,
        dependencies=dependencies, earlier=[h for _, h in earlier], attempts=past,
        guidance=state.guidance if state else (),
        checks=[(c.name, c.run) for c in settings.checks],
        protected=[p for p in PROTECTED if not p.startswith("**/") and p not in repo.config.guards.allow],
        timeout_s=settings.limits.timeout_s, max_turns=settings.limits.turns_max,
        has_tools=settings.agent.adapter == "claude", fresh_since=fresh_since,
        earlier_paths=[path for path, _ in earlier], dependency_paths=dependency_paths,
        context_tokens=repo.config.run.context_tokens,
        recovery=Recovery(failures, find_role(repo, commit, TROUBLESHOOTER)) if failures else None,
        wants_tests=settings.policy.tests.value and task.type not in _WITHOUT_TESTS,
    )  # fmt: skip


def _read_earlier(repo: Repository, commit: str, work: str | None, task_id: str) -> list[tuple[str, Handoff]]:
    """The handoffs of a task with their paths, oldest first: on its branch, and those that were left on base meanwhile."""
    found = dict(list_handoffs(repo, commit, task_id))
    if work and work != commit:
        found.update(list_handoffs(repo, work, task_id))
    return sorted(found.items())


def choose_telling(found: Sequence[tuple[str, Handoff]]) -> tuple[str | None, Handoff | None]:
    """Of (path, handoff), oldest first, the newest that still holds and says more than a note; else the newest."""
    superseded = {path for _, handoff in found for path in handoff.supersedes}
    for path, handoff in reversed(found):
        if path not in superseded and not is_note(handoff.model_dump(mode="json", exclude_defaults=True)):
            return path, handoff
    return found[-1] if found else (None, None)


def find_fresh_start(state: State | None, attempt: int) -> int:
    """The first attempt since work began anew: after a merge that is the one to come."""
    if state is None:
        return 1
    return attempt if state.status == "merged" else state.fresh_since or 1


def list_handoffs(repo: Repository, commit: str, task_id: str | None) -> list[tuple[str, Handoff]]:
    """(path, handoff) of a task's readable handoffs, oldest first: file names begin with the time."""
    entries = sorted(list_tree(repo.git, commit, f"{HANDOFFS}/{task_id or 'sessions'}"), key=lambda e: e.path)
    found = []
    for entry, text in zip(entries, read_objects(repo.git, (e.oid for e in entries)), strict=True):
        try:
            found.append((entry.path, parse_document(text or b"", entry.path, Handoff, "handoff")))
        except InvalidDocument:
            continue  # a briefing does without it; `validate` names it
    return found


def find_newest_handoffs(
    project: Project, view: View, task: str | None, limit: int
) -> list[tuple[str, Handoff]]:
    """(path, handoff) of the ``limit`` newest readable handoffs of a task (None: of everything) that no newer
    one supersedes. Only as many files are read as are wanted: their names tell the time.
    """
    newest: list[tuple[str, Handoff]] = []
    superseded: set[str] = set()
    for path, data in iter_handoff_texts(project, view, view.board.entries[task] if task else None):
        if len(newest) == limit:
            break
        if path in superseded:
            continue
        try:
            handoff = parse_document(data, path, Handoff, "handoff")
        except InvalidDocument:
            continue  # `validate` names it
        superseded.update(handoff.supersedes)
        newest.append((path, handoff))
    return newest


def find_title(repo: Repository, commit: str, task_id: str) -> str:
    """A task's title at ``commit``, or its id."""
    for entry in list_tree(repo.git, commit, "tasks"):
        if entry.path.endswith(f"/{task_id}.yaml") and (text := read_objects(repo.git, [entry.oid])[0]):
            try:
                return parse_document(text, entry.path, Task, "task").title
            except InvalidDocument:
                break
    return task_id


def own_server(environment: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Our own MCP server, as every agent gets it: this very interpreter with the modules that it has, wherever they
    stand. ``-P`` keeps it from loading a module that lies in the agent's folder, where it is started.
    """
    folders = [str(Path(f).absolute()) for f in sys.path if f and Path(f).exists()]
    return {
        "type": "stdio",
        "command": sys.executable,
        "args": ["-P", "-m", "gitbaton", "mcp"],
        "env": {**dict(environment), "PYTHONPATH": os.pathsep.join(folders)},
    }


#: Secrets of the runner itself that must never appear in what is published.
_SECRET_NAMES = (
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "BATON_GITHUB_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
)


def find_secrets(project: Project, settings: Settings) -> dict[str, str]:
    """What must not appear in anything that is kept, by name."""
    names = _SECRET_NAMES + settings.secrets
    return {n: project.environment[n] for n in names if project.environment.get(n)}


def read_instructions(project: Project, commit: str) -> str:
    """The repository's own CLAUDE.md or AGENTS.md on base, which every agent is told."""
    for text in read_objects(project.repo.git, [f"{commit}:CLAUDE.md", f"{commit}:AGENTS.md"]):
        if text:
            return text.decode("utf-8", "replace")
    return ""
