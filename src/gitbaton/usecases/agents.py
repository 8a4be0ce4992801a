"""The agents of this repository: which there are, and whether they could run here."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.task import Task
from gitbaton.errors import BatonError, Refusal
from gitbaton.ports import AgentRequest, Limits
from gitbaton.store.git import Git
from gitbaton.store.workplace import allow_environment
from gitbaton.usecases.material import choose_agent, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.ports import AgentReport, Progress
    from gitbaton.usecases.material import Settings
    from gitbaton.usecases.project import Project

LIVE_TIMEOUT_S = 180.0
_LIVE_BUDGET_USD = 0.5
_BRIEFING = "This is a trial of the connection. Answer with the one word: ready. Use no tool, change no file."
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Listed(NamedTuple):
    """An agent of the settings. ``chosen``: the one that is used unless a task or a command names another."""

    name: str
    adapter: str
    command: tuple[str, ...]
    model: str | None
    chosen: bool


class Checked(NamedTuple):
    """What was found out about an agent. ``program`` is where it stands, ``keys`` the variables with its keys that are
    set. ``error`` is what is in its way. ``report`` is how a live trial ended, ``None`` without one.
    """

    agent: Listed
    program: str | None
    version: str | None
    keys: tuple[str, ...]
    error: BatonError | None
    report: AgentReport | None

    @property
    def good(self) -> bool:
        """Whether it could run, as far as that was tried."""
        return self.error is None and (self.report is None or self.report.outcome is Outcome.SUCCEEDED)


def list_agents(project: Project) -> list[Listed]:
    """The agents of the settings on base; Claude Code alone where they name none."""
    agents = project.repo.config.agents
    try:
        chosen = choose_agent(project.repo, None)
    except BatonError:  # several, and none is the usual one
        chosen = None
    found = {**agents, **({chosen[0]: chosen[1]} if chosen and not agents else {})}
    return [
        Listed(
            name, a.adapter, tuple(a.command) if a.adapter == "command" else (a.program or "claude",), a.model,
            chosen is not None and name == chosen[0],
        )
        for name, a in found.items()
    ]  # fmt: skip


def check_agents(
    project: Project,
    name: str | None,
    *,
    live: bool,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> list[Checked]:
    """Look whether the agent of that name (all, if None) could run here: its program, its version, its key. ``live``
    gives it a trial question, in an empty folder; that costs a few tokens. Raises ``Refusal`` (``unknown-agent``).
    """
    if name is not None:
        choose_agent(project.repo, name)
    wanted = [a for a in list_agents(project) if name in (None, a.name)]
    return [_check(project, agent, live=live, on_progress=on_progress) for agent in wanted]


def _check(
    project: Project, agent: Listed, *, live: bool, on_progress: Callable[[Progress], None]
) -> Checked:
    settings = settle(project.repo, Task(title="A trial"), None, agent.name)
    env = allow_environment(project.environment, (*settings.secrets, *settings.env_names))
    keys = tuple(key for key in settings.secrets if env.get(key))
    program = shutil.which(agent.command[0], path=env.get("PATH"))
    version = _ask_version(project, program, env) if program and agent.adapter == "claude" else None
    error: BatonError | None = None
    report = None
    try:
        project.open_agent(agent.name, settings.agent).check(env)
        missing = settings.agent.token_secret
        if missing and missing not in keys:
            raise Refusal(
                f"{missing} is not set, which holds its key",
                code="model-key-missing",
                hint=f"export {missing}=…",
            )
        if live:
            report = _try(project, settings, env, on_progress)
    except BatonError as found:
        error = found
    return Checked(agent, program, version, keys, error, report)


def _ask_version(project: Project, program: str, env: Mapping[str, str]) -> str | None:
    asked = project.run_shell(f"{shlex.quote(program)} --version", cwd=Path("/"), env=env, timeout_s=30)
    found = _VERSION.search(asked.output)
    return found[0] if found and asked.exit_code == 0 else None


def _try(
    project: Project, settings: Settings, env: Mapping[str, str], on_progress: Callable[[Progress], None]
) -> AgentReport:
    with tempfile.TemporaryDirectory(prefix="baton-trial-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        for part in ("work", "outbox", "home"):
            (root / part).mkdir()
        Git(root / "work").call("init", "--quiet")
        briefing = root / "briefing.md"
        briefing.write_text(_BRIEFING, encoding="utf-8")
        home = env.get("HOME") or os.fspath(root / "home")
        request = AgentRequest(
            task="trial", attempt=1, run=project.random_id(16), workplace=root / "work", outbox=root / "outbox",
            briefing=_BRIEFING, briefing_path=briefing, log_path=root / "log.jsonl",
            limits=Limits(timeout_s=LIVE_TIMEOUT_S, budget_usd=_LIVE_BUDGET_USD), env={**env, "HOME": home, "TERM": "dumb"},
            model=settings.model,
        )  # fmt: skip
        return project.open_agent(settings.agent_name, settings.agent).run(request, on_progress, lambda: None)
