"""Plain ``git`` as questions with answers, sealed from the environment and from hooks.

Everything hot goes through here; cold reading with GitPython stands in ``history.py``.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal, Unreachable
from gitbaton.store.failures import Output, could_not_answer, explain_failure
from gitbaton.store.sealing import COMMAND, seal, split_batch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MINIMUM = (2, 38)  # `git merge-tree --write-tree`, `cat-file --batch -z`
NETWORK_TIMEOUT_S = 300.0
#: More paths than this are too many for git's matching, which compares each of them with every entry.
PATHS_MAX = 200


class Commit(NamedTuple):
    """An identity for commits made by plumbing; None = what git is configured with."""

    name: str
    email: str


class Authorship(NamedTuple):
    """Who wrote a commit, and when (seconds and time zone, as git stores them)."""

    name: str
    email: str
    date: str


class Git:
    """git in one repository. ``where`` is a worktree or a git dir; ``overrides`` go into the environment."""

    def __init__(self, where: Path, overrides: Mapping[str, str] | None = None) -> None:
        self.where = where
        self._overrides = dict(overrides or {})

    def environment(self) -> dict[str, str]:
        """The sealed environment git runs in."""
        return seal(os.environ, self._overrides)

    def run(
        self,
        *args: str,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
        fds: Sequence[int] = (),
    ) -> Output:
        """Run ``git ARGS``; never raises for a non-zero exit. ``fds`` are open files that git inherits."""
        try:
            done = subprocess.run(
                [*COMMAND, *args], cwd=self.where, env={**self.environment(), **(env or {})}, input=data,
                stdin=subprocess.DEVNULL if data is None else None, capture_output=True, check=False, timeout=timeout_s,
                pass_fds=fds,
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
        """Stdout as text, or None when git says no (exit 1 or 128) or prints nothing. Raises as ``call`` when git
        could not answer at all: that must not be taken for a no.
        """
        done = self.run(*args)
        if could_not_answer(done):
            raise explain_failure(args, done)
        return done.out.decode("utf-8", "surrogateescape").rstrip("\n") or None if done.code == 0 else None


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
    asked = ("merge-base", "--is-ancestor", older, newer)
    done = git.run(*asked)
    if could_not_answer(done):
        raise explain_failure(asked, done)
    return done.code == 0


def has_nothing_new(git: Git, head: str, base: str) -> bool:
    """Whether merging ``head`` into ``base`` would change nothing: it was merged as a squash, or by hand."""
    merged = git.run("merge-tree", "--write-tree", base, head)
    return merged.code == 0 and merged.out.decode().strip() == git.find("rev-parse", f"{base}^{{tree}}")


def find_merge_base(git: Git, first: str, second: str) -> str | None:
    """A best common ancestor, or None (unrelated, or cut off by a shallow clone)."""
    found = git.find("merge-base", first, second)
    return found.split("\n", 1)[0] if found else None


def list_refs(git: Git, prefix: str) -> dict[str, str]:
    """Full ref name → object id for all refs below ``prefix``."""
    out = git.text("for-each-ref", "--format=%(objectname) %(refname)", prefix)
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in out.splitlines())}


class Ref(NamedTuple):
    """A ref's object id; ``target`` is the ref that it stands for, if it is a symbolic one."""

    oid: str
    target: str


def find_refs(git: Git, *names: str) -> dict[str, Ref]:
    """Those of the refs with these full names that exist."""
    out = git.text("for-each-ref", "--format=%(refname) %(objectname) %(symref)", *names)
    found = {}
    for line in out.splitlines():
        ref, oid, target = line.split(" ")
        if ref in names:
            found[ref] = Ref(oid, target)
    return found


class TreeEntry(NamedTuple):
    """One entry of a tree listing."""

    mode: str
    kind: str
    oid: str
    path: str


def list_tree(git: Git, revision: str, folder: str = "") -> list[TreeEntry]:
    """All files below ``folder`` at ``revision``, recursively; paths from the repository's top."""
    out = git.call("ls-tree", "-r", "-z", "--full-tree", revision, "--", *([folder + "/"] if folder else []))
    return _parse_tree(out)


def cover_paths(paths: Iterable[str]) -> list[str]:
    """``paths``, or, where they are too many for a command line, the top folders and files they are in."""
    asked = list(paths)
    return asked if len(asked) <= PATHS_MAX else list(dict.fromkeys(p.partition("/")[0] for p in asked))


def list_entries(git: Git, revision: str, paths: Iterable[str]) -> dict[str, TreeEntry]:
    """The entries of exactly these paths at ``revision``, folders included; what isn't there is left out."""
    wanted = set(paths)
    covering = cover_paths(wanted)
    deep = ["-r", "-t"] if len(covering) < len(wanted) else []
    out = git.call("ls-tree", "-z", *deep, "--full-tree", revision, "--", *covering)
    # Asked for a folder and for a file in it, git lists the folder's other entries, too.
    return {entry.path: entry for entry in _parse_tree(out) if entry.path in wanted}


def _parse_tree(out: bytes) -> list[TreeEntry]:
    entries = []
    for line in out.split(b"\0"):
        if line:
            meta, _, path = line.partition(b"\t")
            mode, kind, oid = meta.decode().split()
            entries.append(TreeEntry(mode, kind, oid, path.decode("utf-8", "surrogateescape")))
    return entries


def list_changed_since(git: Git, revision: str, since: float, folder: str) -> set[str]:
    """Paths below ``folder`` that changed on the way to ``revision`` (first parents) since ``since``, in seconds
    since the epoch. Beyond the end of a shallow history everything counts as changed.
    """
    out = git.run(
        "log", "-z", "--first-parent", "--diff-merges=first-parent", "--no-renames", "--name-only", "--format=",
        f"--since=@{max(int(since), 10**8)}", revision, "--", f":(top){folder}",
    )  # fmt: skip
    names = out.out.split(b"\0") if out.code == 0 else []  # there is no commit yet
    return {n.decode("utf-8", "surrogateescape").lstrip("\n") for n in names if n.strip()}


def read_objects(git: Git, names: Iterable[str]) -> list[bytes | None]:
    """The contents of files in git (``<oid>`` or ``<commit>:<path>``), in order; None where there is none."""
    asked = [name.encode("utf-8", "surrogateescape") for name in names]
    if not asked:
        return []
    out = git.call("cat-file", "--batch", "--buffer", "-z", data=b"".join(name + b"\0" for name in asked))
    return split_batch(asked, out)


def write_blob(git: Git, data: bytes) -> str:
    """Store ``data`` as it is (no filters) and return its id."""
    return git.text("hash-object", "-w", "--stdin", "--no-filters", data=data)


def write_tree_with(
    git: Git, tree: str | None, changes: Mapping[str, tuple[str, str] | None], *, replacing: bool = True
) -> str:
    """A tree like ``tree`` (None = empty) in which each path of ``changes`` has (mode, blob id), or is gone
    for None. What stands where a folder must be is replaced, or (not ``replacing``) refused. Only the folders
    on the way are rewritten, so the cost doesn't grow with the repository.
    """
    return _write_folder(git, tree, changes, replacing, "") or git.text("mktree", data=b"")


def _write_folder(
    git: Git, tree: str | None, changes: Mapping[str, tuple[str, str] | None], replacing: bool, at: str
) -> str | None:
    """The tree's id; None when nothing is left in it."""
    here: dict[str, tuple[str, str] | None] = {}
    below: dict[str, dict[str, tuple[str, str] | None]] = {}
    for path, entry in changes.items():
        head, slash, rest = path.partition("/")
        if slash:
            below.setdefault(head, {})[rest] = entry
        else:
            here[path] = entry
    listing = (
        {e.path: f"{e.mode} {e.kind} {e.oid}" for e in _parse_tree(git.call("ls-tree", "-z", tree))}
        if tree
        else {}
    )
    for folder, inner in below.items():
        _, kind, oid = listing.pop(folder, "- - -").split(" ")
        if kind not in ("tree", "-") and not replacing:
            raise Refusal(
                f"{at}{folder} is no folder in git",
                code="not-a-folder",
                hint="replace it by one, and commit that",
            )
        if written := _write_folder(git, oid if kind == "tree" else None, inner, replacing, f"{at}{folder}/"):
            listing[folder] = f"040000 tree {written}"
    for leaf, change in here.items():
        listing.pop(leaf, None)
        if change is not None:
            listing[leaf] = f"{change[0]} blob {change[1]}"
    if not listing:
        return None
    data = "".join(f"{meta}\t{name}\0" for name, meta in listing.items()).encode("utf-8", "surrogateescape")
    # Without --missing a partial clone would fetch every neighbour only to see that it is there.
    return git.text("mktree", "-z", "--missing", data=data)


def commit_tree(
    git: Git,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    author: Commit | None = None,
    credit: Authorship | None = None,
    sign: bool = False,
    settings: Mapping[str, str] | None = None,
) -> str:
    """A commit object. ``author`` sets author and committer, ``credit`` the author alone; ``sign`` honours
    commit.gpgsign, which plumbing ignores by itself (``settings`` are git's, where they are known). Raises ``Refusal`` (``no-identity``, ``signing-failed``).
    """
    args = [a for p in parents for a in ("-p", p)]
    unset = sign and settings is not None and "commit.gpgsign" not in settings
    if sign and not unset and git.find("config", "--type=bool", "commit.gpgsign") == "true":
        args.append("-S")
    env = {}
    if author:
        env = {
            "GIT_AUTHOR_NAME": author.name, "GIT_AUTHOR_EMAIL": author.email,
            "GIT_COMMITTER_NAME": author.name, "GIT_COMMITTER_EMAIL": author.email,
        }  # fmt: skip
    elif credit:
        env = {
            "GIT_AUTHOR_NAME": credit.name, "GIT_AUTHOR_EMAIL": credit.email, "GIT_AUTHOR_DATE": credit.date,
        }  # fmt: skip
    return git.text("commit-tree", tree, *args, data=message.encode("utf-8", "replace"), env=env)
