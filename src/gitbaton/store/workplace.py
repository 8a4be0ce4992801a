"""The agent's workplace: a private clone that shares nothing writable with the person's repository.

Git never runs in the agent's clone once the agent was there. What it left is read with a git dir and
configuration of the runner's own (``capture.py``), because a filter, hook or remote helper planted in the
clone's configuration would otherwise run with the runner's rights.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.store.git import Git, list_refs, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitbaton.store.repository import Repository

#: Configuration of nobody: neither the system's, the person's nor the clone's filters and helpers apply, and no
#: ignore list of one machine.
SEALED = {
    "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_COUNT": "0", "GIT_CONFIG_PARAMETERS": "",
    "GIT_ATTR_NOSYSTEM": "1", "HOME": os.devnull, "XDG_CONFIG_HOME": os.devnull,
}  # fmt: skip
#: Refs of the person's repository that keep what running attempts stand on from being cleaned away.
STARTED = "refs/baton/started/"
#: The file that a runner holds locked as long as it lives; the kernel lets go of it however the process ends.
RUNNER_LOCK = "runner.lock"
#: The file that says a person wants the folder to stay.
KEPT = "kept"


class Workplace(NamedTuple):
    """``work`` is the agent's folder, ``outbox`` the other one it may write to, ``home`` its HOME; ``own`` is
    where the runner's git dir comes to stand when the agent has ended; ``source`` is the git dir of the
    person's repository; ``hold`` is alive while the runner is.
    """

    root: Path
    work: Path
    outbox: Path
    home: Path
    own: Path
    source: Path
    hold: object = None


class _Hold:
    """A file that this process holds locked until the object is gone. Children don't inherit it."""

    def __init__(self, file: Path) -> None:
        self._descriptor = -1
        with suppress(OSError):  # a disk without locks
            self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)


def place_at(repo: Repository, root: Path, hold: object = None) -> Workplace:
    """The workplace that stands, or shall stand, at ``root``."""
    return Workplace(
        root, root / "work", root / "outbox", root / "home", root / "own.git", repo.common_dir, hold
    )


def find_start(repo: Repository, root: Path) -> str | None:
    """The commit that the workplace at ``root`` was made from, or None if there is none."""
    return resolve(repo.git, f"{STARTED}{root.name}") if root.exists() else None


def make_workplace(repo: Repository, root: Path, *, start: str, branch: str) -> Workplace:
    """A fresh workplace at commit ``start`` with ``branch`` checked out. The clone has no remote."""
    root.mkdir(parents=True)
    place = place_at(repo, root, _Hold(root / RUNNER_LOCK))
    for folder in (place.outbox, place.home):
        folder.mkdir(mode=0o700)
    place.work.mkdir()
    _hold_start(repo, root, start)
    clone = Git(place.work, SEALED)
    form = ["--object-format=sha256"] if len(start) > 40 else []
    clone.call("init", "--quiet", "--template=", *form)
    base = repo.base.commit or start
    # With the person's own settings: whether git trusts that folder, and how it fetches what a partial clone lacks.
    Git(place.work).call(
        "-c", "protocol.version=2", "-c", "protocol.file.allow=always", "fetch", "--update-head-ok", "--quiet", "--no-tags",
        "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules", "--update-shallow", os.fspath(place.source),
        f"{start}:refs/heads/{branch}", f"{base}:refs/heads/{repo.base.branch}"
    )  # fmt: skip
    clone.call("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    clone.call("config", "baton.base", repo.base.branch)
    clone.call("read-tree", "--reset", "-u", "HEAD")
    return place


def _hold_start(repo: Repository, root: Path, start: str) -> None:
    """Keep ``start`` from ``git gc`` while the attempt runs, should its branch move away; and let go of what
    attempts held that are no more.
    """
    held = list_refs(repo.git, STARTED)
    lines = [f"delete {ref}" for ref in held if not (root.parent / ref.removeprefix(STARTED)).exists()]
    lines.append(f"update {STARTED}{root.name} {start}")
    repo.git.call("update-ref", "--stdin", data="".join(f"{line}\n" for line in lines).encode())


def remove_workplace(repo: Repository, root: Path) -> None:
    """Delete it all; what can't be deleted stays, because nothing depends on it."""

    def unlock(_: object, path: str, __: object) -> None:
        """Folders may have been made read-only, as some package caches are."""
        with suppress(OSError):
            for folder in (os.path.dirname(path), path):
                if not os.path.islink(folder) and os.path.isdir(folder):
                    os.chmod(folder, stat.S_IRWXU)

    for _ in range(2):
        if root.exists():
            shutil.rmtree(root, onerror=unlock)
    repo.git.run("update-ref", "-d", f"{STARTED}{root.name}")


def keep_workplace(root: Path) -> None:
    """Let a workplace stay although nobody works there any more, because a person wants to look at it."""
    if root.is_dir():
        (root / KEPT).touch()


def build_environment(
    inherited: Mapping[str, str], allowed: tuple[str, ...], place: Workplace, author: tuple[str, str]
) -> dict[str, str]:
    """The whole environment of an agent or a check: what is on the allow-list, a HOME of its own, and an
    identity for commits it may make in its clone.
    """
    env = allow_environment(inherited, allowed)
    env.update(
        HOME=os.fspath(place.home) if "HOME" not in allowed else inherited.get("HOME", os.fspath(place.home)),
        TERM="dumb", GIT_TERMINAL_PROMPT="0", GIT_CONFIG_NOSYSTEM="1", GIT_EDITOR="false", GIT_PAGER="cat", PAGER="cat",
        GIT_AUTHOR_NAME=author[0], GIT_AUTHOR_EMAIL=author[1], GIT_COMMITTER_NAME=author[0], GIT_COMMITTER_EMAIL=author[1],
    )  # fmt: skip
    return env


def allow_environment(inherited: Mapping[str, str], allowed: tuple[str, ...]) -> dict[str, str]:
    """The part of ``inherited`` that agents and checks may see: ``allowed`` and what programs need."""
    plain = {"PATH": os.defpath, "LANG": "C.UTF-8"}
    return plain | {name: inherited[name] for name in (*_PLAIN, *allowed) if name in inherited}


#: Variables that programs need to run at all, and that carry no credential.
_PLAIN = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SHELL", "USER", "LOGNAME", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy",
    "no_proxy", "CI", "SYSTEMROOT",
)  # fmt: skip
