"""The repository a command works in: where it is, its settings, its base branch, its remote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.domain.config import Config
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.git import Git, check_version, list_refs, read_objects, resolve
from gitbaton.store.layout import CONFIG_PATH

if TYPE_CHECKING:
    from gitbaton.errors import Problem


@dataclass(frozen=True, slots=True)
class Base:
    """The base branch. ``ref`` is what the board is folded from: the remote-tracking ref where there is
    one, else the local branch; ``commit`` is None while it has no commit.
    """

    branch: str
    ref: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """One worktree of a repository. ``remote`` is None without one."""

    top: Path
    git_dir: Path
    common_dir: Path
    git: Git
    remote: str | None
    config: Config
    config_problems: tuple[Problem, ...]
    base: Base

    @property
    def tracking(self) -> str | None:
        """The remote-tracking ref of the base branch, where there is a remote."""
        return f"refs/remotes/{self.remote}/{self.base.branch}" if self.remote else None

    @property
    def state_prefix(self) -> str:
        """Prefix of the shared state refs, as they are named where they are shared."""
        return f"{self.config.namespace}/tasks/"

    @property
    def seen_prefix(self) -> str:
        """Prefix under which this clone sees the state refs."""
        return f"{self.config.namespace}/remote/tasks/" if self.remote else self.state_prefix

    def refreshed(self) -> Repository:
        """The same repository with config and base read anew (after a fetch or an edit)."""
        return _settle(self)


def open_repository(start: Path) -> Repository:
    """The repository that ``start`` is in. Raises ``Refusal``: not a repository, bare, git too old."""
    git = Git(start)
    check_version(git)
    found = git.run("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    if found.code:
        if git.find("rev-parse", "--is-bare-repository") == "true":
            raise Refusal(
                "this is a bare repository", code="bare-repository", hint="run baton in a clone of it"
            )
        if "dubious ownership" in found.err:
            raise Refusal(
                "git does not trust this folder, because somebody else owns it",
                code="dubious-ownership",
                hint=f"git config --global --add safe.directory {start}",
            )
        raise Refusal(
            "this is no git repository",
            code="no-repository",
            hint="change to one, or make one with: git init",
        )
    top, git_dir, common = found.out.decode("utf-8", "surrogateescape").splitlines()
    where = Path(top)
    inner = Git(where)
    empty = Base("main", "refs/heads/main", None)
    return _settle(
        Repository(
            where, Path(git_dir), (start / common).resolve(), inner, _find_remote(inner), Config(), (), empty
        )
    )


def _settle(repo: Repository) -> Repository:
    """Config and base depend on each other a little: the config stands on the base branch, which it may name."""
    remote = _find_remote(repo.git)
    base = _find_base(repo.git, remote, None)
    config, problems = _read_config(repo, base)
    if config.remote and config.remote != remote and repo.git.find("remote", "get-url", "--", config.remote):
        remote = config.remote
        base = _find_base(repo.git, remote, config.base)
        config, problems = _read_config(repo, base)
    if config.base and config.base != base.branch and not repo.git.find("config", "baton.base"):
        base = _find_base(repo.git, remote, config.base)
        config, problems = _read_config(repo, base)
    return replace(repo, remote=remote, base=base, config=config, config_problems=problems)


def _find_remote(git: Git) -> str | None:
    names = git.text("remote").split()
    return "origin" if "origin" in names else names[0] if len(names) == 1 else None


def _find_base(git: Git, remote: str | None, configured: str | None) -> Base:
    """``git config baton.base``, else the config's ``base``, else the remote's HEAD, else what is checked out."""
    branch = git.find("config", "baton.base") or configured
    if not branch and remote:
        head = git.find("symbolic-ref", "--quiet", f"refs/remotes/{remote}/HEAD")
        branch = head.removeprefix(f"refs/remotes/{remote}/") if head else None
        if not branch:
            tracked = list_refs(git, f"refs/remotes/{remote}/")
            for usual in ("main", "master"):
                if f"refs/remotes/{remote}/{usual}" in tracked:
                    branch = usual
                    break
    branch = branch or git.find("symbolic-ref", "--short", "--quiet", "HEAD") or "main"
    if remote:  # what was never pushed is not on base, and nobody else could see it
        tracking = f"refs/remotes/{remote}/{branch}"
        return Base(branch, tracking, resolve(git, tracking))
    return Base(branch, f"refs/heads/{branch}", resolve(git, f"refs/heads/{branch}"))


def _read_config(repo: Repository, base: Base) -> tuple[Config, tuple[Problem, ...]]:
    """The config on base; the working tree's only while base has none. A config that can't be read gives the
    defaults and its problems: commands that act refuse, commands that look go on.
    """
    data: bytes | None = None
    if base.commit:
        data = read_objects(repo.git, [f"{base.commit}:{CONFIG_PATH}"])[0]
    local = repo.top / CONFIG_PATH
    if data is None and local.is_file() and not local.is_symlink():
        data = local.read_bytes()
    if data is None:
        return Config(), ()
    try:
        return parse_document(data, CONFIG_PATH, Config, "config"), ()
    except InvalidDocument as error:
        return Config(), error.problems


def require_config(repo: Repository) -> Config:
    """The config, or ``InvalidDocument`` when the file can't be read: whoever acts must not act on defaults."""
    if repo.config_problems:
        raise InvalidDocument(repo.config_problems)
    return repo.config
