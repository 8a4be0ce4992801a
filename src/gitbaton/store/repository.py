"""The repository a command works in: where it is, its settings, its base branch, its remote."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.errors import InvalidDocument, Problem, Refusal
from gitbaton.store.cache import open_cache
from gitbaton.store.configfile import ConfigFile
from gitbaton.store.failures import Output, explain_failure
from gitbaton.store.git import Git, check_version, find_refs, read_objects
from gitbaton.store.layout import CONFIG_PATH
from gitbaton.store.stamp import RefFiles, read_head

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.domain.config import Config
    from gitbaton.errors import BatonError

#: Where a clone keeps what it saw of the remote's state, whatever the refs are called there. Not a place for
#: branches, so that nobody's branch list shows them.
SEEN = "refs/baton/remote"


@dataclass(frozen=True, slots=True)
class Base:
    """The base branch. ``ref`` is what the board is folded from: with a remote its remote-tracking ref (what
    was never pushed is not on base, and nobody else could see it), else the local branch; ``commit`` is None
    while it has no commit.
    """

    branch: str
    ref: str
    commit: str | None


@dataclass(frozen=True, slots=True)
class Repository:
    """One worktree of a repository. ``remote`` is None without one; ``settings`` are git's, by name in lower
    case.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    git: Git
    remote: str | None
    config_file: ConfigFile
    config_problems: tuple[Problem, ...]
    base: Base
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Config:
        """The settings; the defaults where the file can't be read."""
        return self.config_file.config

    @property
    def state_prefix(self) -> str:
        """Prefix of the shared state refs, as they are named where they are shared."""
        return f"{self.config_file.facts.namespace}/tasks/"

    @property
    def seen_prefix(self) -> str:
        """Prefix under which this clone sees the state refs."""
        return f"{SEEN}/tasks/" if self.remote else self.state_prefix

    @property
    def keeps_cache(self) -> bool:
        """Whether what was read is kept for the next time: ``git config baton.cache``."""
        return self.settings.get("baton.cache", "true").lower() not in ("false", "no", "off", "0")

    def refreshed(self) -> Repository:
        """The same repository with settings, config and base read anew (after an edit)."""
        return _settle(self, read_settings(self.git))

    def fetched(self) -> Repository:
        """The same repository with config and base read anew: a fetch changes nothing else."""
        return _settle(self, self.settings)


def open_repository(start: Path) -> Repository:
    """The repository that ``start`` is in. Raises ``Refusal``: not a repository, bare, git too old."""
    git = Git(start)
    check_version(git)
    asked = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    found = git.run("rev-parse", *asked)
    if found.code:
        raise _explain_no_repository(git, found.err)
    lines = found.out.decode("utf-8", "surrogateescape").splitlines()
    if len(lines) != len(asked):  # a path with a line break
        lines = [git.text("rev-parse", question) for question in asked]
    top, git_dir, common = lines
    empty = Base("main", "refs/heads/main", None)
    repo = Repository(
        Path(top),
        Path(git_dir),
        (start / common).resolve(),
        Git(Path(top)),
        None,
        ConfigFile(None),
        (),
        empty,
    )
    return _settle(repo, read_settings(repo.git))


def _explain_no_repository(git: Git, said: str) -> BatonError:
    if "dubious ownership" in said:
        return explain_failure(("rev-parse",), Output(128, b"", said))
    if git.find("rev-parse", "--is-bare-repository") == "true":
        return Refusal("this is a bare repository", code="bare-repository", hint="run baton in a clone of it")
    if git.find("rev-parse", "--is-inside-git-dir") == "true":
        return Refusal(
            "this is the inside of a .git folder",
            code="no-repository",
            hint="change to the repository's own files",
        )
    return Refusal(
        "this is no git repository", code="no-repository", hint="change to one, or make one with: git init"
    )


def _settle(repo: Repository, settings: Mapping[str, str]) -> Repository:
    """Config and base depend on each other a little: the config stands on the base branch, which it may name."""
    repo = replace(repo, settings=settings)
    remotes = [k.removeprefix("remote.").removesuffix(".url") for k in settings if _is_remote(k)]
    chosen = settings.get("baton.remote")
    remote = chosen or _usual_remote(remotes)
    branch = settings.get("baton.base")
    base = _find_base(repo, remote, branch)
    config = _read_config(repo, base)
    wanted = chosen or config.facts.remote or remote
    if wanted != remote and wanted in remotes:
        remote = wanted
        base = _find_base(repo, remote, branch or config.facts.base)
        config = _read_config(repo, base)
    if config.facts.base and config.facts.base != base.branch and not branch:
        base = _find_base(repo, remote, config.facts.base)
        config = _read_config(repo, base)
    problems = (*config.problems, *_judge_remote(wanted, remotes))
    return replace(repo, remote=remote, base=base, config_file=config, config_problems=problems)


def read_settings(git: Git) -> dict[str, str]:
    """Everything that ``git config`` knows here; of a setting with several values the last."""
    entries = git.call("config", "--list", "-z").decode("utf-8", "surrogateescape").split("\0")
    return dict(_parse_setting(entry) for entry in entries if entry)


def _parse_setting(entry: str) -> tuple[str, str]:
    name, has_value, value = entry.partition("\n")
    return name, value if has_value else "true"


def list_settings_files(repo: Repository) -> tuple[dict[str, str], list[str]]:
    """All settings as ``read_settings`` gives them, and the files that they come from or would come from if they were
    there, included ones among them.
    """
    out = (
        repo.git.call("config", "--list", "-z", "--show-origin")
        .decode("utf-8", "surrogateescape")
        .split("\0")
    )
    home = os.environ.get("HOME", "")
    folder = os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config"
    files = [
        f"{repo.common_dir}/config", f"{repo.git_dir}/config.worktree", f"{home}/.gitconfig", f"{folder}/git/config",
        os.environ.get("GIT_CONFIG_GLOBAL", ""), os.environ.get("GIT_CONFIG_SYSTEM", "/etc/gitconfig"),
    ]  # fmt: skip
    settings = {}
    for origin, entry in zip(out[::2], out[1::2], strict=False):
        name, value = _parse_setting(entry)
        settings[name] = value
        kind, _, path = origin.partition(":")
        path = os.path.join(repo.top, path) if kind == "file" else ""
        files.append(path)
        if name == "include.path" or (name.startswith("includeif.") and name.endswith(".path")):
            files.append(os.path.join(os.path.dirname(path), os.path.expanduser(value)))
    return settings, sorted({file for file in files if file})


def _is_remote(name: str) -> bool:
    return name.startswith("remote.") and name.endswith(".url")


def _usual_remote(remotes: list[str]) -> str | None:
    return "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else None


def _judge_remote(wanted: str | None, remotes: list[str]) -> list[Problem]:
    """Whoever acts must not share state with nobody, or with the wrong ones."""
    if wanted is None and remotes:
        words = f"there are several remotes ({', '.join(sorted(remotes))}): say which one is shared"
    elif wanted is not None and wanted not in remotes:
        words = (
            f"this clone has no remote '{wanted}'; add it, or name another one: git config baton.remote NAME"
        )
    else:
        return []
    return [Problem(CONFIG_PATH, 1, 1, "remote", "bad-value", words)]


def _find_base(repo: Repository, remote: str | None, branch: str | None) -> Base:
    """``branch`` (from git's or our config) if it is given, else the remote's HEAD, else what is checked out."""
    git = repo.git
    if remote is None:
        branch = branch or _find_checked_out(repo) or "main"
        ref = f"refs/heads/{branch}"
        return Base(branch, ref, _find_ref(repo, ref))
    tracking = f"refs/remotes/{remote}/"
    known = find_refs(
        git, *(tracking + name for name in ([branch] if branch else ["HEAD", "main", "master"]))
    )
    if not branch and (head := known.pop(tracking + "HEAD", None)) and head.target:
        branch = head.target.removeprefix(tracking)
        known[tracking + branch] = head
    if not branch and known:
        branch = next(name for name in ("main", "master") if tracking + name in known)
    branch = branch or _find_checked_out(repo) or "main"
    if tracking + branch not in known:
        known = find_refs(git, tracking + branch)
    return Base(
        branch, tracking + branch, known[tracking + branch].oid if tracking + branch in known else None
    )


def _find_checked_out(repo: Repository) -> str | None:
    """The branch that is checked out."""
    ref = read_head(os.fspath(repo.git_dir), os.fspath(repo.common_dir))
    return (
        ref.removeprefix("refs/heads/")
        if ref
        else repo.git.find("symbolic-ref", "--short", "--quiet", "HEAD")
    )


def _find_ref(repo: Repository, ref: str) -> str | None:
    """The commit that a ref names: from its file where that says so plainly, else from git."""
    files = None if os.path.lexists(repo.common_dir / "reftable") else RefFiles(os.fspath(repo.common_dir))
    if oid := files and files.find(ref):
        return oid
    known = find_refs(repo.git, ref)
    return known[ref].oid if ref in known else None


def _read_config(repo: Repository, base: Base) -> ConfigFile:
    """The config on base; the working tree's only while base has none. A config that can't be read gives the
    defaults and its problems: commands that act refuse, commands that look go on.
    """
    if base.commit:
        if repo.config_file.commit == base.commit:
            return repo.config_file
        data = read_objects(repo.git, [f"{base.commit}:{CONFIG_PATH}"])[0]
        if data is not None:
            return ConfigFile(data, open_cache(repo), commit=base.commit)
    return ConfigFile(_read_local_config(repo), open_cache(repo))


def _read_local_config(repo: Repository) -> bytes | None:
    local = repo.top / CONFIG_PATH
    try:
        return local.read_bytes() if local.is_file() and not local.is_symlink() else None
    except OSError:
        return None


def require_config(repo: Repository) -> None:
    """Raises ``InvalidDocument`` when the settings file can't be read: whoever acts must not act on defaults."""
    if repo.config_problems:
        raise InvalidDocument(repo.config_problems, hint=_hint_at_repair(repo))


def _hint_at_repair(repo: Repository) -> str | None:
    """The next command; where the file is sound in this checkout already, only base lacks the repair."""
    if any(p.field == "remote" for p in repo.config_problems):
        return "git config baton.remote NAME"
    data = _read_local_config(repo)
    if data is None:
        return None
    if ConfigFile(data).problems:
        return None
    where = f"{repo.base.branch} of {repo.remote}" if repo.remote else repo.base.branch
    return f"it is repaired in this checkout: bring that to {where}"
