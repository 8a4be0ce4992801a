"""The shared refs behind ``ports.Refs``: on a remote by compare-and-swap push, without one by a local
ref transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.errors import LostRace, Refusal, TryAgain, Unreachable
from gitbaton.store.git import NETWORK_TIMEOUT_S, Output, explain_failure, list_refs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from gitbaton.ports import RefUpdate
    from gitbaton.store.git import Git
    from gitbaton.store.repository import Repository

_ZERO = "0" * 40
_LOCK_WORDS = ("cannot lock ref", "unable to create", "another git process", "failed to update ref")
_LOCK_TRIES = 5


def open_refs(repo: Repository, clock: Callable[[], datetime]) -> RemoteRefs | LocalRefs:
    """The shared refs of ``repo``: its remote's, or its own without a remote."""
    return RemoteRefs(repo, repo.remote, clock) if repo.remote else LocalRefs(repo, clock)


class LocalRefs:
    """Shared refs of a repository without a remote: its own."""

    def __init__(self, repo: Repository, clock: Callable[[], datetime]) -> None:
        self._git = repo.git
        self._clock = clock

    def fetch(self) -> None:
        """Nothing to fetch."""

    def fetch_branch(self, branch: str) -> str | None:
        """The tip of a branch, or None."""
        return self.read(f"refs/heads/{branch}").get(f"refs/heads/{branch}")

    def read(self, prefix: str) -> dict[str, str]:
        """See ``ports.Refs``."""
        return list_refs(self._git, prefix)

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        """See ``ports.Refs``."""
        lines = ["start"]
        for u in updates:
            old = u.old or _ZERO
            lines.append(f"update {u.ref} {u.new} {old}" if u.new else f"delete {u.ref} {old}")
        lines += ["prepare", "commit", ""]
        done = self._git.run("update-ref", "--stdin", data="\n".join(lines).encode())
        if done.code == 0:
            return
        moved = [u.ref for u in updates if self.read(u.ref).get(u.ref) != u.old]
        if moved:
            raise LostRace(moved)
        if any(w in done.err.lower() for w in _LOCK_WORDS):
            raise TryAgain(
                "another git process holds a lock on the refs",
                code="ref-locked",
                hint="try again; if no git command is running, remove the .lock file under .git/refs",
            )
        raise explain_failure(("update-ref",), done)

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

    def fetch(self) -> None:
        """See ``ports.Refs``. Never shallow: ``--depth`` would cut a person's clone."""
        repo = self._repo
        base = f"+refs/heads/{repo.base.branch}:refs/remotes/{self._remote}/{repo.base.branch}"
        states = f"+{repo.state_prefix}*:{repo.seen_prefix}*"
        done = self._fetch("--prune", base, states)
        if done.code and "couldn't find remote ref" in done.err:
            done = self._fetch("--prune", states)
        if done.code:
            raise explain_push_or_fetch("fetch", done)

    def fetch_branch(self, branch: str) -> str | None:
        """Bring a branch here and return its tip, or None if the remote has none."""
        ref = f"refs/heads/{branch}"
        mine = f"refs/remotes/{self._remote}/{branch}"
        done = self._fetch(f"+{ref}:{mine}")
        if done.code and "couldn't find remote ref" in done.err:
            return None
        if done.code:
            raise explain_push_or_fetch("fetch", done)
        return list_refs(self._git, mine).get(mine)

    def _fetch(self, *specs: str) -> Output:
        done = Output(1, b"", "")
        for _ in range(_LOCK_TRIES):  # two fetches in one clone can meet at a ref's lock
            done = self._git.run(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules",
                *(s for s in specs if s.startswith("--")), self._remote, *(s for s in specs if not s.startswith("--")),
                timeout_s=NETWORK_TIMEOUT_S,
            )  # fmt: skip
            if done.code == 0 or not any(w in done.err.lower() for w in _LOCK_WORDS):
                break
        return done

    def read(self, prefix: str) -> dict[str, str]:
        """See ``ports.Refs``."""
        repo = self._repo
        if prefix.startswith(repo.state_prefix):
            seen = list_refs(self._git, repo.seen_prefix + prefix.removeprefix(repo.state_prefix))
            return {repo.state_prefix + ref.removeprefix(repo.seen_prefix): oid for ref, oid in seen.items()}
        branch = prefix.removeprefix("refs/heads/")
        seen = list_refs(self._git, f"refs/remotes/{self._remote}/{branch}")
        return {
            "refs/heads/" + ref.removeprefix(f"refs/remotes/{self._remote}/"): oid
            for ref, oid in seen.items()
        }

    def ask(self, refs: Sequence[str]) -> dict[str, str]:
        """What the remote says these refs are now."""
        done = self._git.run("ls-remote", "--quiet", self._remote, *refs, timeout_s=NETWORK_TIMEOUT_S)
        if done.code:
            raise explain_push_or_fetch("ls-remote", done)
        pairs = (line.split("\t") for line in done.out.decode().splitlines())
        return {ref: oid for oid, ref in pairs if ref in refs}

    def swap(self, updates: Sequence[RefUpdate]) -> None:
        """See ``ports.Refs``. Success is read from ``--porcelain``: an exit code alone can't tell a new ref
        from one that somebody else made the same way. After a failure the remote is asked, not guessed at.
        """
        leases = [f"--force-with-lease={u.ref}:{u.old or ''}" for u in updates]
        specs = [f"{u.new or ''}:{u.ref}" for u in updates]
        for last in (False, True):
            done = self._git.run("push", "--porcelain", "--atomic", "--no-verify", *leases, self._remote, *specs, timeout_s=NETWORK_TIMEOUT_S)  # fmt: skip
            if done.code == 0 and not _rejected(done):
                self._remember(updates)
                return
            if done.code and not _rejected(done) and not _may_have_reached(done):
                raise explain_push_or_fetch("push", done)
            now = self.ask([u.ref for u in updates])
            if all(now.get(u.ref) == u.new for u in updates):  # the answer was lost, not the push
                self._remember(updates)
                return
            moved = [u.ref for u in updates if now.get(u.ref) != u.old]
            if moved:
                raise LostRace(moved)
            if last or not any(
                w in (done.err + done.out.decode("utf-8", "replace")).lower() for w in _LOCK_WORDS
            ):
                raise explain_push_or_fetch("push", done)

    def _remember(self, updates: Sequence[RefUpdate]) -> None:
        """Note what the remote now holds, as a fetch would."""
        repo = self._repo
        lines = []
        for u in updates:
            if u.ref.startswith(repo.state_prefix):
                mine = repo.seen_prefix + u.ref.removeprefix(repo.state_prefix)
            elif u.ref.startswith("refs/heads/"):
                mine = f"refs/remotes/{self._remote}/{u.ref.removeprefix('refs/heads/')}"
            else:
                continue
            lines.append(f"update {mine} {u.new}" if u.new else f"delete {mine}")
        if lines:
            self._git.run("update-ref", "--stdin", data=("\n".join(lines) + "\n").encode())

    def now(self) -> datetime:
        """The local clock. Over ssh and file:// there is no other."""
        return self._clock()


def _rejected(done: Output) -> list[str]:
    return [line for line in done.out.decode("utf-8", "replace").splitlines() if line.startswith("!")]


def _may_have_reached(done: Output) -> bool:
    """Whether a failed push might have been carried out all the same (the connection broke late)."""
    low = done.err.lower()
    return any(w in low for w in ("hung up", "early eof", "rpc failed", "connection reset", *_LOCK_WORDS))


def explain_push_or_fetch(verb: str, done: Output) -> Exception:
    """The error for a remote that said no: rules and permission are the person's to change."""
    said = done.err + "\n".join(_rejected(done))
    low = said.lower()
    words = " ".join(
        line.removeprefix("remote:").strip() for line in done.err.splitlines() if line.startswith("remote:")
    ).strip()
    if any(
        w in low
        for w in (
            "authentication failed",
            "could not read username",
            "permission denied",
            "403",
            "access denied",
            "publickey",
        )
    ):
        return Refusal(
            f"the remote does not let you {verb}: no valid credentials or no permission",
            code="no-permission",
            hint="check your credentials and that you may write to this repository",
            data={"stderr": done.err[-2000:]},
        )
    if (
        any(w in low for w in ("does not appear to be a git repository", "repository not found", "not found"))
        and "ref" not in low
    ):
        return Unreachable(
            "the remote's repository was not found",
            code="no-remote-repository",
            hint="check its address with: git remote -v",
            data={"stderr": done.err[-2000:]},
        )
    if "hidden ref" in low:
        return Refusal(
            "the remote refuses refs outside branches and tags",
            code="namespace-refused",
            hint="set namespace: refs/heads/baton-state in tasks/config.yaml",
            data={"stderr": done.err[-2000:]},
        )
    if _rejected(done):
        return Refusal(
            f"the remote refused the push: {words or _rejected(done)[0]}",
            code="push-refused",
            hint="its branch rules, a hook or a size limit say no; change the rule, or use a pull request",
            data={"stderr": done.err[-2000:]},
        )
    return explain_failure((verb,), done)
