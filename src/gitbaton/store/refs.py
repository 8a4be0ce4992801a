"""The shared refs behind ``ports.Refs``: on a remote by compare-and-swap push, without one by a local
ref transaction.
"""

from __future__ import annotations

import random
import re
from time import sleep
from typing import TYPE_CHECKING

from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain, Unreachable
from gitbaton.store.failures import (
    Output,
    explain_failure,
    explain_remote_failure,
    may_have_arrived,
    rejections,
)
from gitbaton.store.git import NETWORK_TIMEOUT_S, list_refs
from gitbaton.store.server_time import ServerTime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gitbaton.ports import RefUpdate
    from gitbaton.store.git import Git
    from gitbaton.store.repository import Repository

#: Two git processes met at a ref; the one that failed may simply try again.
_MET = re.compile(
    r"cannot lock ref|failed to lock|unable to create|failed to update ref|another git process|stale info"
    r"|fetch first|non-fast-forward|atomic|incorrect old value|reference already exists",
    re.IGNORECASE,
)
#: A branch ``a`` and a branch ``a/b`` can't both exist.
_IN_THE_WAY = re.compile(r"'(?P<there>[^']+)' exists; cannot create '(?P<wanted>[^']+)'")
_TRIES = 6
#: Doubled with each try of a fetch.
_PAUSE_S = 0.04
#: Added to every lease that is judged by a local clock.
CLOCK_TOLERANCE_S = 120.0


def open_refs(repo: Repository, clock: Callable[[], datetime]) -> RemoteRefs | LocalRefs:
    """The shared refs of ``repo``: its remote's, or its own without a remote."""
    return RemoteRefs(repo, repo.remote, clock) if repo.remote else LocalRefs(repo, clock)


class LocalRefs:
    """Shared refs of a repository without a remote: its own."""

    tolerance_s = 0.0  # there is only one clock
    skew_s: float | None = None

    def __init__(self, repo: Repository, clock: Callable[[], datetime]) -> None:
        self._git = repo.git
        self._clock = clock

    def fetch(self) -> None:
        """Nothing to fetch."""

    def fetch_ref(self, ref: str) -> str | None:
        """The tip of a ref by its full name, or None."""
        return list_refs(self._git, ref).get(ref)

    def fetch_branch(self, branch: str) -> str | None:
        """The tip of a branch, or None."""
        return self.fetch_ref(f"refs/heads/{branch}")

    def read(self, prefix: str) -> dict[str, str]:
        """See ``ports.Refs``."""
        return list_refs(self._git, prefix)

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        """See ``ports.Refs``."""
        lines = ["start"]
        for u in updates:
            if u.new is None:
                lines.append(f"delete {u.ref} {u.old}")
            else:
                lines.append(f"update {u.ref} {u.new} {u.old}" if u.old else f"create {u.ref} {u.new}")
        lines += ["prepare", "commit", ""]
        for _ in range(_TRIES):
            done = self._git.run("update-ref", "--stdin", data="\n".join(lines).encode())
            if done.code == 0:
                return
            if moved := [u.ref for u in updates if self.read(u.ref).get(u.ref) != u.old]:
                raise LostRace(moved)
            _refuse_in_the_way(done.err)
            if not _MET.search(done.err):
                raise explain_failure(("update-ref",), done)
        raise TryAgain(
            "another git process holds a lock on the refs",
            code="ref-locked",
            hint="try again; if no git command is running, remove the .lock file under .git/refs",
        )

    def now(self) -> datetime:
        """The local clock: there is only one machine."""
        return self._clock()


class RemoteRefs:
    """Shared refs on a remote. This clone sees state refs under ``Repository.seen_prefix``."""

    def __init__(self, repo: Repository, remote: str, clock: Callable[[], datetime]) -> None:
        self._repo = repo
        self._git: Git = repo.git
        self._remote = remote
        self._clock = clock
        self._server = ServerTime(clock)

    # -- fetching ------------------------------------------------------------------------------------------

    def fetch(self) -> None:
        """See ``ports.Refs``. Never shallow: ``--depth`` would cut a person's clone."""
        repo = self._repo
        base = f"refs/heads/{repo.base.branch}"
        states = f"+{repo.state_prefix}*:{repo.seen_prefix}*"
        done = self._fetch("--prune", f"+{base}:{self._seen(base)}", states)
        if done.code and "couldn't find remote ref" in done.err:  # nobody has pushed the base branch yet
            done = self._fetch("--prune", states)
        if done.code:
            raise explain_remote_failure("fetch", done)

    def fetch_ref(self, ref: str) -> str | None:
        """Bring a ref here, by its full name, and return its tip, or None if the remote has none."""
        mine = self._seen(ref)
        done = self._fetch(f"+{ref}:{mine}")
        if done.code and "couldn't find remote ref" in done.err:
            return None
        if done.code:
            raise explain_remote_failure("fetch", done)
        return list_refs(self._git, mine).get(mine)

    def fetch_branch(self, branch: str) -> str | None:
        """Bring a branch here and return its tip, or None if the remote has none."""
        return self.fetch_ref(f"refs/heads/{branch}")

    def _fetch(self, *specs: str) -> Output:
        """Raises ``TryAgain`` when other processes were at the same refs of this clone each time."""
        done = Output(1, b"", "")
        for tried in range(_TRIES):
            if tried:  # those who met here part: each waits another while
                sleep(_PAUSE_S * 2**tried * random.uniform(0.5, 1.5))  # noqa: S311
            with self._server.listening() as wire:
                done = self._git.run(
                    "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
                    *(s for s in specs if s.startswith("--")), self._remote, *(s for s in specs if not s.startswith("--")),
                    timeout_s=NETWORK_TIMEOUT_S, env=wire.env, fds=wire.fds,
                )  # fmt: skip
            if done.code == 0 or not _MET.search(done.err):
                return done
        raise TryAgain(
            "other git processes keep moving the same refs of this clone",
            code="ref-locked",
            hint="try again; if no git command is running, remove the .lock file under .git/refs",
            data={"stderr": done.err[-2000:]},
        )

    def _seen(self, ref: str) -> str:
        """Under which name this clone sees a ref of the remote."""
        repo = self._repo
        if ref.startswith(repo.state_prefix):
            return repo.seen_prefix + ref.removeprefix(repo.state_prefix)
        if ref.startswith("refs/heads/"):
            return f"refs/remotes/{self._remote}/{ref.removeprefix('refs/heads/')}"
        return f"{repo.seen_prefix.removesuffix('/tasks/')}/{ref.removeprefix(repo.config.namespace + '/')}"

    def read(self, prefix: str) -> dict[str, str]:
        """See ``ports.Refs``."""
        mine = self._seen(prefix)
        return {prefix + ref.removeprefix(mine): oid for ref, oid in list_refs(self._git, mine).items()}

    def ask(self, refs: Sequence[str]) -> dict[str, str]:
        """What the remote says these refs are now. Raises as ``fetch`` does."""
        done = self._git.run("ls-remote", "--quiet", self._remote, *refs, timeout_s=NETWORK_TIMEOUT_S)
        if done.code:
            raise explain_remote_failure("fetch", done)
        pairs = (line.split("\t") for line in done.out.decode().splitlines())
        return {ref: oid for oid, ref in pairs if ref in refs}

    # -- moving refs -----------------------------------------------------------------------------------------

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        """See ``ports.Refs``. Success is read ref by ref from ``--porcelain``. After a failure the remote is
        asked what it holds: the push may have arrived although its answer was lost.
        """
        done = Output(1, b"", "")
        for _ in range(_TRIES):
            done = self._push(updates)
            if _succeeded(done, updates):
                self._remember(updates)
                return
            if not may_have_arrived(done):
                raise explain_remote_failure("push", done)
            now = self._ask_after(done, updates)
            if all(now.get(u.ref) == u.new for u in updates):  # only the answer was lost
                self._remember(updates)
                return
            if moved := [u.ref for u in updates if now.get(u.ref) != u.old]:
                raise LostRace(moved)
            _refuse_in_the_way(done.err + "\n".join(rejections(done)))
            if not _met_somebody(done):
                raise explain_remote_failure("push", done)
        raise TryAgain(
            f"the remote's refs are locked: {(rejections(done) or [''])[0]}",
            code="ref-locked",
            hint="try again; if it lasts, a .lock file was left behind under the remote's refs",
            data={"stderr": done.err[-2000:]},
        )

    def _push(self, updates: Sequence[RefUpdate]) -> Output:
        leases = [f"--force-with-lease={u.ref}:{u.old or ''}" for u in updates]
        specs = [f"{u.new or ''}:{u.ref}" for u in updates]
        atomic = ["--atomic"] if len(updates) > 1 else []
        try:
            return self._git.run(
                "push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no", "--no-signed", *atomic,
                *leases, self._remote, *specs, timeout_s=NETWORK_TIMEOUT_S,
            )  # fmt: skip
        except Unreachable as error:  # no answer in time; it may have arrived all the same
            return Output(1, b"", f"fatal: {error.message}: operation timed out")

    def _ask_after(self, done: Output, updates: Sequence[RefUpdate]) -> dict[str, str]:
        try:
            return self.ask([u.ref for u in updates])
        except BatonError as error:
            failure = explain_remote_failure("push", done)
            failure.message += "; it is not known whether the push arrived"
            failure.args = (failure.message,)
            raise failure from error

    def _remember(self, updates: Sequence[RefUpdate]) -> None:
        """Note what the remote now holds, as a fetch would. Where another process is just doing so, it may."""
        lines = [
            f"update {self._seen(u.ref)} {u.new}" if u.new else f"delete {self._seen(u.ref)}" for u in updates
        ]
        self._git.run("update-ref", "--stdin", data=("\n".join(lines) + "\n").encode())

    # -- time --------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """The server's time as of the last fetch and what has passed since. Over ssh and file://, and before the
        first fetch, the local clock's: there is no other.
        """
        return self._server.now() or self._clock()

    @property
    def tolerance_s(self) -> float:
        """See ``ports.Refs``."""
        return CLOCK_TOLERANCE_S if self.skew_s is None else 0.0

    @property
    def skew_s(self) -> float | None:
        """See ``ports.Refs``."""
        return self._server.skew_s


def _succeeded(done: Output, updates: Sequence[RefUpdate]) -> bool:
    """Whether the report of ``push --porcelain`` says so for each ref. ``=`` is success, too: our commits are
    unique, so whoever finds one on the remote put it there before.
    """
    flags = {}
    for line in done.out.decode("utf-8", "replace").splitlines():
        flag, tab, rest = line.partition("\t")
        if tab and len(flag) == 1:
            flags[rest.split("\t")[0].rpartition(":")[2]] = flag
    return done.code == 0 and all(flags.get(u.ref, "!") in " +*-=" for u in updates)


def _met_somebody(done: Output) -> bool:
    """Whether the refusal of a push that found nothing moved may be gone the next time. Of an atomic push the
    refs that only went down with another one say nothing.
    """
    said = rejections(done)
    telling = [line for line in said if "atomic" not in line] or said
    return bool(telling) and all(_MET.search(line) for line in telling)


def _refuse_in_the_way(said: str) -> None:
    if found := _IN_THE_WAY.search(said):
        raise Refusal(
            f"{found['wanted']} can't exist beside {found['there']}",
            code="ref-in-the-way",
            hint="rename that branch, or set another prefix or namespace in tasks/config.yaml",
        )
