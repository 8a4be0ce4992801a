"""Builds what the faces hand to use-cases: the project, its forge and its agents. The one place of lazy
imports, so that a command loads only what it needs.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.errors import Refusal, UsageError
from gitbaton.ports import ShellRun, never
from gitbaton.store.edits import complete_interrupted
from gitbaton.store.refs import open_refs
from gitbaton.store.repository import Repository, open_repository
from gitbaton.usecases.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.domain.config import AgentConfig
    from gitbaton.domain.outcome import Outcome
    from gitbaton.ports import Agent, Forge

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def read_clock() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def heed_termination() -> None:
    """Let SIGTERM end a run as Ctrl-C does: with a checkpoint and a state that says so."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)


def random_id(length: int) -> str:
    """Fresh lower-case letters and digits."""
    import secrets

    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def open_project(
    start: Path,
    environment: Mapping[str, str] = os.environ,
    clock: Callable[[], datetime] = read_clock,
    pause: Callable[[float], None] = time.sleep,
    *,
    complete: bool = True,
) -> Project:
    """The project that ``start`` is in. Raises ``Refusal`` (no repository, bare, git too old). Without
    ``complete``, an edit that was interrupted stays as it is.
    """
    repo = open_repository(start)
    if complete:
        complete_interrupted(repo)
    # An attempt that doesn't know its outbox must not commit either: what it writes fails.
    outbox = (
        Path(environment.get("BATON_OUTBOX") or "/dev/null/outbox")
        if environment.get("BATON_ATTEMPT")
        else None
    )
    return Project(
        repo=repo, refs=open_refs(repo, clock), clock=clock, random_id=random_id, pause=pause, actor=find_actor(repo, environment),
        environment=dict(environment), cache=find_cache(repo, environment), open_forge=lambda r: open_forge(r, environment, clock),
        open_agent=open_agent, run_shell=run_shell, outbox=outbox,
    )  # fmt: skip


def open_here(*, complete: bool = True) -> Project:
    """The project of the current folder, as it is now; as ``open_project``."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise UsageError(
            "the current folder is gone", code="no-directory", hint="change to an existing one"
        ) from None
    return open_project(here, complete=complete)


def find_actor(repo: Repository, environment: Mapping[str, str]) -> str:
    """Who acts, for people to read: the GitHub actor, git's user name, the login."""
    return (
        environment.get("BATON_ACTOR") or environment.get("GITHUB_ACTOR") or repo.settings.get("user.name")
        or environment.get("USER") or "somebody"
    )  # fmt: skip


def find_cache(repo: Repository, environment: Mapping[str, str]) -> Path:
    """Where the agents' workplaces of this repository stand: outside of any ``.git``, because Claude Code
    refuses to write there.
    """
    home = environment.get("XDG_CACHE_HOME") or os.path.join(
        environment.get("HOME") or os.path.expanduser("~"), ".cache"
    )
    mark = hashlib.sha256(os.fsencode(repo.common_dir)).hexdigest()[:8]
    return Path(home) / "gitbaton" / f"{repo.top.name}-{mark}"


def open_forge(
    repo: Repository, environment: Mapping[str, str], clock: Callable[[], datetime] = read_clock
) -> Forge:
    """GitHub when the remote's host is github.com, or the server whose Actions run this, or the config says so;
    else bare Git. Raises ``Refusal`` when GitHub is meant but no token or no repository can be found.
    """
    from gitbaton.domain.remote_url import parse_remote_url

    url = repo.git.find("remote", "get-url", repo.remote) if repo.remote else None
    where = parse_remote_url(url) if url else None
    if repo.config.forge == "local" or (
        repo.config.forge == "auto" and not (where and _is_github(where.host, environment))
    ):
        from gitbaton.edges.local_forge import LocalForge

        return LocalForge(repo, open_refs(repo, clock))
    from gitbaton.edges.github import PUBLIC_API, GitHubForge

    token = (
        environment.get("BATON_GITHUB_TOKEN")
        or environment.get("GITHUB_TOKEN")
        or environment.get("GH_TOKEN")
    )
    slug = environment.get("GITHUB_REPOSITORY") or (where.full_name if where else None)
    if not token:
        raise Refusal(
            "there is no token for GitHub",
            code="no-credentials",
            hint="set GITHUB_TOKEN (pull requests: write, contents: write), or forge: local in tasks/config.yaml",
        )
    if not slug:
        raise Refusal(
            "the remote's address names no GitHub repository",
            code="no-remote-repository",
            hint="set GITHUB_REPOSITORY=owner/name, or forge: local in tasks/config.yaml",
        )
    return GitHubForge(
        slug, token, api_url=environment.get("GITHUB_API_URL") or (where.api_url if where else PUBLIC_API)
    )


def _is_github(host: str, environment: Mapping[str, str]) -> bool:
    from urllib.parse import urlsplit

    served = urlsplit(environment.get("GITHUB_SERVER_URL", "")).netloc
    return host in {"github.com", served.lower()}


def open_agent(name: str, config: AgentConfig) -> Agent:
    """The agent of that name."""
    if config.adapter == "command":
        from gitbaton.edges.command_agent import CommandAgent

        return CommandAgent(name, tuple(config.command))
    from gitbaton.edges.claude_code import ClaudeCode

    return ClaudeCode(name, program=config.program or "claude")


def run_shell(
    command: str,
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    should_stop: Callable[[], Outcome | None] = never,
) -> ShellRun:
    """``ports.Shell`` by a supervised process."""
    from gitbaton.edges.process import run_command

    done = run_command(command, cwd=cwd, env=env, timeout_s=timeout_s, should_stop=should_stop)
    ended = None if done.timed_out else done.stopped_by
    return ShellRun(done.exit_code, done.output, done.seconds, done.timed_out, ended)
