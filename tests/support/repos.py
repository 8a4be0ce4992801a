"""Repositories for tests, and the project that use-cases work with: real git, a clock and ids that the
test moves, no outside world unless the test brings one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from gitbaton.store.refs import open_refs
from gitbaton.store.repository import open_repository
from gitbaton.usecases.project import Project
from support.hermetic_git import create_bare, git, git_environment, try_git

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gitbaton.domain.config import AgentConfig
    from gitbaton.ports import Agent, Forge, Shell, ShellRun
    from gitbaton.store.repository import Repository

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class Clock:
    """A clock that stands still until somebody moves it; ``pause`` moves it instead of waiting."""

    time: datetime = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        """``seconds`` pass."""
        self.time += timedelta(seconds=seconds)


@dataclass
class Ids:
    """Letters and digits as a random source gives them, but the same ones in every run of a test."""

    given: int = 0

    def __call__(self, length: int) -> str:
        self.given += 1
        text, left = "", self.given
        while left or len(text) < length:
            left, digit = divmod(left, len(_ALPHABET))
            text = _ALPHABET[digit] + text
        return text[-length:]


@dataclass(frozen=True)
class Checkout:
    """A worktree. ``remote`` is the bare repository it was pushed to or cloned from; ``ids`` is shared with
    its clones, so that no two of them make the same run id.
    """

    path: Path
    remote: Path | None = None
    ids: Ids = field(default_factory=Ids)
    env: Mapping[str, str] = field(default_factory=git_environment)

    def git(self, *arguments: str, stdin: str = "") -> str:
        """What git prints, without the last line break; a failure of git fails the test."""
        return git(self.path, *arguments, env=self.env, stdin=stdin)

    def try_git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What git does, whatever its exit code."""
        return try_git(self.path, *arguments, env=self.env)

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files (path → text; None removes one) and tell git nothing."""
        for name, text in files.items():
            target = self.path / name
            if text is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, name: str) -> str:
        """The text of a file in the worktree, line ends as they are."""
        return (self.path / name).read_bytes().decode()

    def commit(
        self,
        files: Mapping[str, str | bytes | None] | None = None,
        message: str = "Change",
        *,
        push: bool = False,
    ) -> str:
        """Write ``files``, commit everything in the worktree and return the commit's id."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        if push:
            self.git("push", "--quiet", "origin", "HEAD")
        return self.head()

    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    def status(self) -> str:
        """What differs from the last commit, staged and unstaged, as ``git status --porcelain`` says."""
        return self.git("status", "--porcelain", "--untracked-files=all")

    def clone(self, name: str) -> Checkout:
        """A fresh clone of the remote, in a folder beside this one."""
        assert self.remote, "only a repository with a remote can be cloned"
        where = self.path.parent / name
        git(self.path.parent, "clone", "--quiet", self.remote.as_uri(), str(where), env=self.env)
        return Checkout(where, self.remote, self.ids, self.env)


def make_repository(
    folder: Path,
    files: Mapping[str, str | bytes | None] | None = None,
    *,
    remote: bool = False,
    name: str = "work",
) -> Checkout:
    """A repository in ``folder/name`` with ``files`` in its first commit on ``main`` (no commit without
    files), pushed to the bare repository ``folder/name.git`` where it shall have a remote.
    """
    where = folder / name
    where.mkdir(parents=True)
    git(where, "init", "--quiet", "--initial-branch=main")
    bare = create_bare(folder / f"{name}.git") if remote else None
    checkout = Checkout(where, bare)
    if bare:
        checkout.git("remote", "add", "origin", bare.as_uri())
    if files:
        checkout.commit(files, "Start")
        if bare:
            checkout.git("push", "--quiet", "--set-upstream", "origin", "main")
            checkout.git("remote", "set-head", "origin", "main")
    return checkout


def project(
    checkout: Checkout,
    *,
    clock: Clock | None = None,
    actor: str = "Tess Author",
    environment: Mapping[str, str] | None = None,
    open_forge: Callable[[Repository], Forge] | None = None,
    open_agent: Callable[[str, AgentConfig], Agent] | None = None,
    run_shell: Shell | None = None,
) -> Project:
    """The project of a checkout. Forge and agent are refused unless the test brings them."""
    time = clock or Clock()
    repo = open_repository(checkout.path)
    return Project(
        repo=repo,
        refs=open_refs(repo, time),
        clock=time,
        random_id=checkout.ids,
        pause=time.advance,
        actor=actor,
        environment=dict(environment or {}),
        cache=checkout.path.parent / "cache",
        open_forge=open_forge or _no_forge,
        open_agent=open_agent or _no_agent,
        run_shell=run_shell or _no_shell,
    )


def _no_shell(command: str, **_: object) -> ShellRun:
    raise AssertionError(f"nobody said that {command} may run")


def _no_forge(repo: Repository) -> Forge:
    raise AssertionError(f"nobody said that {repo.top} has a forge")


def _no_agent(name: str, config: AgentConfig) -> Agent:
    raise AssertionError(f"nobody said that there is an agent {name} ({config.adapter})")
