"""Plain ``git`` as questions with answers, sealed from the environment and from hooks.

Everything hot goes through here; cold reading with GitPython stands in ``history.py``.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, Refusal, Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MINIMUM = (2, 38)  # `git merge-tree --write-tree`
#: Variables that redirect git to another repository, index or object store, or change how it parses.
#: Identity (GIT_AUTHOR_*, GIT_COMMITTER_*), transport (GIT_SSH*, GIT_ASKPASS, GIT_PROXY*) and
#: configuration given by the person (GIT_CONFIG_*) stay.
_REDIRECTING = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_CEILING_DIRECTORIES", "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS",
    "GIT_TRACE", "GIT_REFLOG_ACTION", "GIT_QUARANTINE_PATH", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE",
)  # fmt: skip
_NETWORK_WORDS = (
    "could not resolve host", "connection refused", "connection timed out", "connection reset", "operation timed out",
    "network is unreachable", "unable to access", "the remote end hung up", "early eof", "could not read from remote",
    "rpc failed", "no route to host", "temporary failure in name resolution", "gnutls", "ssl",
)  # fmt: skip
NETWORK_TIMEOUT_S = 300.0


class GitFailed(BatonError):
    """A git command failed in a way nobody foresaw; the message is git's own."""

    exit_code = 70


class Output(NamedTuple):
    """What a git command left: exit code, raw stdout, decoded stderr."""

    code: int
    out: bytes
    err: str


class Commit(NamedTuple):
    """An identity for commits made by plumbing; None = what git is configured with."""

    name: str
    email: str


class Git:
    """git in one repository. ``where`` is a worktree or a git dir; ``overrides`` go into the environment."""

    def __init__(self, where: Path, overrides: Mapping[str, str] | None = None) -> None:
        self.where = where
        self._overrides = dict(overrides or {})

    def environment(self) -> dict[str, str]:
        """The sealed environment git runs in."""
        env = {k: v for k, v in os.environ.items() if k not in _REDIRECTING}
        env.update(LC_ALL="C", GIT_TERMINAL_PROMPT="0", GIT_OPTIONAL_LOCKS="0", GIT_EDITOR="false")
        env.update(GIT_NO_LAZY_FETCH="0", GIT_HTTP_LOW_SPEED_LIMIT="1", GIT_HTTP_LOW_SPEED_TIME="60")
        env.update(self._overrides)
        return env

    def run(
        self,
        *args: str,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Output:
        """Run ``git ARGS``; never raises for a non-zero exit."""
        command = [
            "git",
            "-c",
            "core.hooksPath=/dev/null",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "gc.auto=0",
            *args,
        ]
        try:
            done = subprocess.run(
                command, cwd=self.where, env={**self.environment(), **(env or {})}, input=data,
                stdin=subprocess.DEVNULL if data is None else None, capture_output=True, check=False, timeout=timeout_s,
            )  # fmt: skip
        except FileNotFoundError as error:
            if not self.where.is_dir():
                raise Refusal(
                    f"{self.where} is gone", code="no-directory", hint="change to an existing folder"
                ) from error
            raise Refusal("git was not found", code="no-git", hint="install git 2.38 or newer") from error
        except subprocess.TimeoutExpired as error:
            raise Unreachable(
                f"git {args[0]} took longer than {timeout_s:.0f} s", code="timeout", hint="try again"
            ) from error
        return Output(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))

    def call(self, *args: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """Stdout of ``git ARGS``; raises ``GitFailed`` on a non-zero exit."""
        done = self.run(*args, data=data, env=env)
        if done.code:
            raise explain_failure(args, done)
        return done.out

    def text(self, *args: str, data: bytes | None = None, env: Mapping[str, str] | None = None) -> str:
        """Stdout as text without the final newline; raises ``GitFailed``."""
        return self.call(*args, data=data, env=env).decode("utf-8", "surrogateescape").rstrip("\n")

    def find(self, *args: str) -> str | None:
        """Stdout as text, or None when git says no (exit 1 or 128) or prints nothing."""
        done = self.run(*args)
        return done.out.decode("utf-8", "surrogateescape").rstrip("\n") or None if done.code == 0 else None


def explain_failure(args: Sequence[str], done: Output) -> BatonError:
    """The error for a failed git command: one the person can act on where we know it."""
    err = done.err.strip()
    low = err.lower()
    if "tell me who you are" in low or "unable to auto-detect email" in low or "empty ident name" in low:
        return Refusal(
            "git does not know who you are, so it can't commit",
            code="no-identity",
            hint='git config --global user.name "Your Name" && git config --global user.email you@example.org',
        )
    if "no space left on device" in low or "disk quota exceeded" in low:
        return Refusal(
            "the disk is full; nothing was changed", code="disk-full", hint="free some space and try again"
        )
    if "gpg failed" in low or "failed to sign" in low or "error: ssh-keygen" in low:
        return Refusal(
            "git could not sign the commit", code="signing-failed", hint="check commit.gpgsign and your key"
        )
    if ("permission denied" in low and "publickey" not in low) or "read-only file system" in low:
        return Refusal(
            f"git may not write here: {_last_line(err)}",
            code="not-writable",
            hint="check the folder's permissions",
        )
    if args and args[0] in ("fetch", "push", "ls-remote", "clone") and any(w in low for w in _NETWORK_WORDS):
        return Unreachable(
            f"the remote can't be reached: {_last_line(err)}",
            code="unreachable",
            hint="check the network and the remote's address (git remote -v), then try again",
        )
    verb = next(
        (a for n, a in enumerate(args) if not a.startswith("-") and (n == 0 or args[n - 1] != "-c")), ""
    )
    return GitFailed(
        f"git {verb} failed: {_last_line(err) or f'exit {done.code}'}",
        code="git-failed",
        hint="git's own message says more; if it makes no sense, report it as a bug",
        data={"command": list(args)[:8], "stderr": err[-2000:]},
    )


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("hint:")]
    for line in lines:
        if line.startswith(("fatal:", "error:", "remote:")):
            return line
    return lines[-1] if lines else ""


# -- questions ---------------------------------------------------------------------------------------


def check_version(git: Git) -> None:
    """Raises ``Refusal`` (``old-git``) below git 2.38."""
    words = git.text("version").split()
    found = tuple(int(n) for n in words[2].split(".")[:2]) if len(words) > 2 else (0, 0)
    if found < MINIMUM:
        raise Refusal(f"git {words[2]} is too old", code="old-git", hint="install git 2.38 or newer")


def resolve(git: Git, revision: str) -> str | None:
    """The commit id that ``revision`` names, or None."""
    return git.find("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    """Whether ``newer`` contains ``older``; False when either is unknown here."""
    return git.run("merge-base", "--is-ancestor", older, newer).code == 0


def find_merge_base(git: Git, first: str, second: str) -> str | None:
    """A best common ancestor, or None (unrelated, or cut off by a shallow clone)."""
    found = git.find("merge-base", first, second)
    return found.split("\n", 1)[0] if found else None


def list_refs(git: Git, prefix: str) -> dict[str, str]:
    """Full ref name → object id for all refs below ``prefix``."""
    out = git.text("for-each-ref", "--format=%(objectname) %(refname)", prefix)
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in out.splitlines())}


class TreeEntry(NamedTuple):
    """One entry of a tree listing."""

    mode: str
    kind: str
    oid: str
    path: str


def list_tree(git: Git, revision: str, folder: str = "") -> list[TreeEntry]:
    """All files below ``folder`` at ``revision``, recursively; paths from the repository's top."""
    out = git.run("ls-tree", "-r", "-z", "--full-tree", revision, "--", *([folder + "/"] if folder else []))
    if out.code:
        raise explain_failure(("ls-tree", revision), out)
    entries = []
    for line in out.out.split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, kind, oid = meta.decode().split()
            entries.append(TreeEntry(mode, kind, oid, path.decode("utf-8", "surrogateescape")))
    return entries


def read_objects(git: Git, names: Iterable[str]) -> list[bytes | None]:
    """The contents of objects (``<oid>`` or ``<oid>:<path>``), in order; None where there is none."""
    asked = list(names)
    if not asked:
        return []
    out = git.call(
        "cat-file", "--batch", "--buffer", data=("\n".join(asked) + "\n").encode("utf-8", "surrogateescape")
    )
    found: list[bytes | None] = []
    at = 0
    for _ in asked:
        end = out.index(b"\n", at)
        header = out[at:end].split(b" ")
        if len(header) == 3 and header[2].isdigit():
            size = int(header[2])
            found.append(out[end + 1 : end + 1 + size])
            at = end + size + 2
        else:
            found.append(None)
            at = end + 1
    return found


def write_blob(git: Git, data: bytes) -> str:
    """Store ``data`` as it is (no filters) and return its id."""
    return git.text("hash-object", "-w", "--stdin", "--no-filters", data=data)


def write_tree_with(git: Git, tree: str | None, changes: Mapping[str, tuple[str, str] | None]) -> str:
    """A tree like ``tree`` (None = empty) in which each path of ``changes`` has (mode, blob id), or is gone
    for None. Only the folders on the way are rewritten, so the cost doesn't grow with the repository.
    """
    here: dict[str, tuple[str, str] | None] = {}
    below: dict[str, dict[str, tuple[str, str] | None]] = {}
    for path, entry in changes.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = entry
        else:
            here[path] = entry
    listing: dict[bytes, bytes] = {}
    if tree:
        for line in git.call("ls-tree", "-z", tree).split(b"\0"):
            if line:
                meta, _, name = line.partition(b"\t")
                listing[name] = meta
    for folder, inner in below.items():
        name = folder.encode("utf-8", "surrogateescape")
        old = listing.get(name, b"").split()
        oid = write_tree_with(git, old[2].decode() if old and old[1] == b"tree" else None, inner)
        if git.run("ls-tree", oid).out:
            listing[name] = b"040000 tree " + oid.encode()
        else:
            listing.pop(name, None)
    for leaf, change in here.items():
        name = leaf.encode("utf-8", "surrogateescape")
        if change is None:
            listing.pop(name, None)
        else:
            listing[name] = f"{change[0]} blob {change[1]}".encode()
    return git.text(
        "mktree", "-z", data=b"".join(meta + b"\t" + name + b"\0" for name, meta in listing.items())
    )


def commit_tree(
    git: Git,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    author: Commit | None = None,
    sign: bool = False,
) -> str:
    """A commit object. ``author`` sets author and committer; ``sign`` honours commit.gpgsign, which plumbing
    ignores by itself. Raises ``Refusal`` (``no-identity``, ``signing-failed``).
    """
    args = [a for p in parents for a in ("-p", p)]
    if sign and git.find("config", "--type=bool", "commit.gpgsign") == "true":
        args.append("-S")
    env = {}
    if author:
        env = {
            "GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email,
            "GIT_COMMITTER_NAME": author.name, "GIT_COMMITTER_EMAIL": author.email,
        }  # fmt: skip
    return git.text("commit-tree", tree, *args, data=message.encode(), env=env)
