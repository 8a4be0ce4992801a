"""The agent's workplace: a private clone that shares nothing writable with the person's repository.

Git never runs in the agent's clone on the runner's behalf. What the agent left is read with a git dir and
configuration of the runner's own, because a filter, hook or remote helper planted in the clone's
configuration would otherwise run with the runner's rights.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.guards import ChangedFile
from gitbaton.store.git import Git, read_objects

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitbaton.store.repository import Repository

#: Configuration of nobody: neither the system's, the person's nor the clone's filters and helpers apply.
SEALED = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ATTR_NOSYSTEM": "1"}


class Workplace(NamedTuple):
    """``work`` is the agent's folder, ``outbox`` the other one it may write to, ``home`` its HOME;
    ``own`` is the runner's git dir, out of the agent's sight.
    """

    root: Path
    work: Path
    outbox: Path
    home: Path
    own: Path

    def remove(self) -> None:
        """Delete it all; what can't be deleted stays, because nothing depends on it."""
        shutil.rmtree(self.root, ignore_errors=True)


def make_workplace(repo: Repository, root: Path, *, start: str, branch: str) -> Workplace:
    """A fresh workplace at commit ``start`` with ``branch`` checked out. The clone has no remote."""
    place = Workplace(root, root / "work", root / "outbox", root / "home", root / "own.git")
    for folder in (place.outbox, place.home):
        folder.mkdir(parents=True, mode=0o700)
    place.work.mkdir()
    clone = Git(place.work, SEALED)
    clone.call("init", "--quiet", "--template=")
    base = repo.base.commit or start
    source = os.fspath(repo.common_dir)
    clone.call(
        "-c", "uploadpack.allowAnySHA1InWant=true", "fetch", "--update-head-ok", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
        "--update-shallow", source, f"{start}:refs/heads/{branch}", f"{base}:refs/heads/{repo.base.branch}",
    )  # fmt: skip
    clone.call("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    clone.call("config", "baton.base", repo.base.branch)
    clone.call("read-tree", "--reset", "-u", "HEAD")
    own = Git(root, SEALED)
    own.call("init", "--quiet", "--bare", "--template=", os.fspath(place.own))
    alternates = place.own / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_text(os.fspath(repo.common_dir / "objects") + "\n")
    shallow = repo.common_dir / "shallow"
    if shallow.is_file():  # the history ends where the person's does
        shutil.copy(shallow, place.own / "shallow")
    return place


def capture_tree(place: Workplace, start: str) -> str:
    """The tree of everything in the agent's folder, ignored files left out, as an object in the runner's own
    git dir. Reads the files only: not the clone's ``.git``.
    """
    git = _own_git(place)
    git.call("read-tree", start)
    git.call("add", "--all", "--", ".")
    return git.text("write-tree")


def _own_git(place: Workplace) -> Git:
    overrides = {
        **SEALED,
        "GIT_DIR": os.fspath(place.own),
        "GIT_WORK_TREE": os.fspath(place.work),
        "GIT_INDEX_FILE": os.fspath(place.own / "capture.index"),
    }
    return Git(place.work, overrides)


def list_changes(place: Workplace, start: str, tree: str) -> list[ChangedFile]:
    """What differs between commit ``start`` and ``tree``, with the new bytes."""
    git = _own_git(place)
    fields = git.call("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", start, tree).split(
        b"\0"
    )
    rows = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, mode, _, oid, _ = meta.decode().lstrip(":").split()
        rows.append((path.decode("utf-8", "surrogateescape"), mode, old_mode, oid))
    wanted = [oid for _, mode, _, oid in rows if mode not in ("000000", "160000")]
    texts = dict(zip(wanted, read_objects(git, wanted), strict=True))
    return [
        ChangedFile(path, mode, old_mode, len(texts.get(oid) or b""), texts.get(oid))
        for path, mode, old_mode, oid in rows
    ]  # fmt: skip


def bring_home(repo: Repository, place: Workplace, commit: str) -> None:
    """Copy a commit made in the runner's own git dir, with all it needs, into the repository's objects."""
    repo.git.call(
        "-c", "uploadpack.allowAnySHA1InWant=true", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
        "--no-auto-maintenance", "--no-recurse-submodules", os.fspath(place.own), commit,
    )  # fmt: skip


def own_git(place: Workplace) -> Git:
    """Git over the runner's own git dir, for making the commit."""
    return _own_git(place)


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
