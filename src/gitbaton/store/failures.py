"""What git's own words mean: the error for a git command that failed, one the person can act on where we
know it. Git speaks English here, because it always runs with ``LC_ALL=C``.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, Refusal, TryAgain, Unreachable

if TYPE_CHECKING:
    from collections.abc import Sequence


class Output(NamedTuple):
    """What a git command left: exit code, raw stdout, decoded stderr."""

    code: int
    out: bytes
    err: str


class GitFailed(BatonError):
    """A git command failed in a way nobody foresaw; the message is git's own."""

    exit_code = 70


class _Words:
    """A pattern that is made when something has failed: making them all takes longer than a git command."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self._pattern = pattern
        self._flags = flags

    def search(self, text: str) -> re.Match[str] | None:
        """As ``re.search``."""
        return re.search(self._pattern, text, self._flags)


_IDENTITY = _Words(
    r"tell me who you are|unable to auto-detect email|empty ident name|no email was given", re.IGNORECASE
)
_DISK_FULL = _Words(r"no space left on device|disk quota exceeded", re.IGNORECASE)
#: The machine, not the repository, kept git from its work.
_EXHAUSTED = _Words(
    r"out of memory|cannot allocate memory|cannot fork|cannot create (?:async )?thread|resource temporarily unavailable"
    r"|too many open files|input/output error",
    re.IGNORECASE,
)
_SIGNING = _Words(
    r"gpg failed|failed to sign|error: ssh-keygen|cannot run gpg|user\.signingkey", re.IGNORECASE
)
_NOT_WRITABLE = _Words(r"permission denied|read-only file system|insufficient permission", re.IGNORECASE)
_LOCKED = _Words(r"unable to create '(?P<lock>[^']*\.lock)': file exists", re.IGNORECASE)
_OWNERSHIP = _Words(r"dubious ownership in repository at '(?P<path>[^']*)'")

_NO_PERMISSION = _Words(
    r"authentication failed|could not read (?:username|password)|permission (?:to \S+ )?denied|access denied"
    r"|insufficient permission|(?:returned error:|\bHTTP) 40[13]\b|\(publickey",
    re.IGNORECASE,
)
_NO_REPOSITORY = _Words(
    r"does not appear to be a git repository|repository '[^']*' not found|repository not found"
    r"|(?:returned error:|\bHTTP) 404\b|no such file or directory",
    re.IGNORECASE,
)
_NETWORK = _Words(
    r"could not resolve host|connection (?:refused|timed out|reset)|failed to connect|operation (?:timed out|too slow)"
    r"|network is unreachable|no route to host|unable to access|hung up|early eof|could not read from remote|rpc failed"
    r"|name resolution|unexpected disconnect|gnutls|\bssl\b|\btls\b|bad line length|remote failure",
    re.IGNORECASE,
)
#: Failures that come before anything of a push can have reached the repository.
_BEFORE_SENDING = _Words(
    r"could not resolve|failed to connect|couldn't connect|connection refused|no route to host|does not support --atomic",
    re.IGNORECASE,
)


def could_not_answer(done: Output) -> bool:
    """Whether a question was not answered with no, but not at all: git was killed, or the machine gave out."""
    return done.code < 0 or (
        done.code > 1 and bool(_DISK_FULL.search(done.err) or _EXHAUSTED.search(done.err))
    )


def explain_failure(args: Sequence[str], done: Output) -> BatonError:
    """The error for a git command that failed here, not on a remote."""
    err = done.err.strip()
    if _IDENTITY.search(err):
        return Refusal(
            "git does not know who you are, so it can't commit",
            code="no-identity",
            hint='git config --global user.name "Your Name" && git config --global user.email you@example.org',
        )
    if _DISK_FULL.search(err):
        return Refusal("the disk is full", code="disk-full", hint="free some space and try again")
    if done.code < 0:
        return TryAgain(
            f"git {_verb(args)} was ended by signal {-done.code}",
            code="git-killed",
            hint="try again; if it lasts, look for what ends processes here (memory limits do)",
        )
    if _EXHAUSTED.search(err):
        return TryAgain(
            f"this machine could not do it: {_telling_line(err)}",
            code="exhausted",
            hint="free memory, processes or files, and try again",
        )
    if _SIGNING.search(err):
        return Refusal(
            "git could not sign the commit",
            code="signing-failed",
            hint="check user.signingkey and gpg.program, or switch signing off: git config commit.gpgsign false",
            data={"stderr": err[-2000:]},
        )
    if found := _LOCKED.search(err):
        return Refusal(
            f"another git command is at work: {found['lock']} exists",
            code="locked",
            hint=f"try again; if no git command is running: rm '{found['lock']}'",
        )
    if found := _OWNERSHIP.search(err):
        return Refusal(
            f"git does not trust {found['path']}, because somebody else owns it",
            code="dubious-ownership",
            hint=f"git config --global --add safe.directory '{found['path']}'",
        )
    if _NOT_WRITABLE.search(err):
        return Refusal(
            f"git may not write here: {_telling_line(err)}",
            code="not-writable",
            hint="check the folder's permissions",
        )
    return GitFailed(
        f"git {_verb(args)} failed: {_telling_line(err) or f'exit {done.code}'}",
        code="git-failed",
        hint="git's own message says more; if it makes no sense, report it as a bug",
        data={"command": list(args)[:8], "stderr": err[-2000:]},
    )


def explain_not_written(error: OSError, where: str) -> Refusal:
    """The error for a file of ours below ``.git`` that can't be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refusal("the disk is full", code="disk-full", hint="free some space and try again")
    return Refusal(
        f"the repository can't be written: {error.strerror}", code="not-writable", hint=f"check {where}"
    )


def explain_remote_failure(verb: str, done: Output) -> BatonError:
    """The error for a ``fetch``, ``push`` or ``ls-remote`` that failed. What rules and permissions forbid is
    the person's to change (``Refusal``); what the network did may pass (``Unreachable``).
    """
    said = "\n".join([done.err, *rejections(done)])
    data = {"stderr": done.err[-2000:]}
    if _OWNERSHIP.search(said):
        return explain_failure((verb,), done)
    if "hidden ref" in said:
        return Refusal(
            "the remote refuses refs outside branches and tags", code="namespace-refused",
            hint="set namespace: refs/heads/baton-state in tasks/config.yaml", data=data,
        )  # fmt: skip
    if "does not support --atomic" in said:
        return Refusal(
            "the remote can't move two refs in one step (no --atomic push)", code="no-atomic-push",
            hint="use a server that runs git 2.4 or newer", data=data,
        )  # fmt: skip
    if "shallow update not allowed" in said:
        return Refusal(
            "the remote refuses a push from this shallow clone", code="shallow-refused",
            hint="git fetch --unshallow, then try again", data=data,
        )  # fmt: skip
    if _NO_PERMISSION.search(said):
        return Refusal(
            f"the remote does not let you {verb}: no valid credentials or no permission", code="no-permission",
            hint="check your credentials and that you may write to this repository", data=data,
        )  # fmt: skip
    if refused := [line for line in rejections(done) if "[remote rejected]" in line]:
        return Refusal(
            f"the remote refused the push: {_remote_words(done.err) or refused[0]}", code="push-refused",
            hint="its branch rules, a hook or a size limit say no; change the rule, or use a pull request",
            data={**data, "refused": refused},
        )  # fmt: skip
    if _NO_REPOSITORY.search(said):
        return Unreachable(
            f"the remote's repository was not found: {_telling_line(done.err)}", code="no-remote-repository",
            hint="check its address with: git remote -v", data=data,
        )  # fmt: skip
    if _NETWORK.search(said):
        return Unreachable(
            f"the remote can't be reached: {_telling_line(done.err)}", code="unreachable",
            hint="check the network and the remote's address (git remote -v), then try again", data=data,
        )  # fmt: skip
    return explain_failure((verb,), done)


def rejections(done: Output) -> list[str]:
    """The lines of ``push --porcelain`` that say no, as ``REF REASON``."""
    lines = done.out.decode("utf-8", "replace").splitlines()
    return [
        " ".join([line.split("\t")[1].rpartition(":")[2], *line.split("\t")[2:]])
        for line in lines
        if line.startswith("!\t")
    ]


def may_have_arrived(done: Output) -> bool:
    """Whether a push that failed can have been carried out all the same: its answer may have been lost."""
    return bool(done.out.strip()) or not (_BEFORE_SENDING.search(done.err) or _NO_PERMISSION.search(done.err))


def _verb(args: Sequence[str]) -> str:
    return next(
        (a for n, a in enumerate(args) if not a.startswith("-") and (n == 0 or args[n - 1] != "-c")), ""
    )


def _remote_words(err: str) -> str:
    """What a hook on the server said."""
    lines = [line.removeprefix("remote:").strip() for line in err.splitlines() if line.startswith("remote:")]
    return " ".join(line for line in lines if line)


def _telling_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("hint:")]
    for line in lines:
        if line.startswith(("fatal:", "error:")):
            return line
    return lines[-1] if lines else ""
