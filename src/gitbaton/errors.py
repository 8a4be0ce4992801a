"""What can go wrong, who can act on it, and the exit code that says so.

Every expected failure is a :class:`BatonError`. It carries a stable ``code``, one sentence, a ``hint``
(the next command or the change to make) and, where files are at fault, every problem found in them.
Nothing below a face prints or exits; each face meets these errors at one boundary.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Problem(NamedTuple):
    """One thing wrong in one file of the repository.

    ``path`` is relative to the repository's top. ``line`` and ``column`` count from 1; 1:1 stands for
    the file as a whole. ``field`` is the dotted path of the field (``depends_on[0]``), empty for the
    file as a whole. ``code`` is stable: ``unknown-field``, ``duplicate-key``, ``dangling-dependency`` …
    """

    path: str
    line: int
    column: int
    field: str
    code: str
    message: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}"
        return escape(f"{where}: {self.field}: {self.message}" if self.field else f"{where}: {self.message}")


def escape(text: str) -> str:
    """``text`` in one line with escapes for what can't be seen. Names of files are anybody's: they must not steer a
    terminal, nor look like two lines.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class BatonError(Exception):
    """An expected failure: one sentence, a stable code, the next step.

    ``data`` holds what a program needs to act (ids, the cycle, the refs); values are JSON scalars,
    lists and objects. ``exit_code`` is that of the class, unless the error tells of one in another process.
    """

    exit_code: int = 1

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str | None = None,
        problems: Iterable[Problem] = (),
        data: Mapping[str, object] | None = None,
        exit_code: int | None = None,
    ) -> None:
        super().__init__(message)
        if exit_code is not None:
            self.exit_code = exit_code
        self.message = message
        self.code = code
        self.hint = hint
        self.problems = tuple(problems)
        self.data = dict(data or {})

    @property
    def complaints(self) -> list[str]:
        """What is wrong with something that stands in no file, a line each; also in ``data``."""
        said = self.data.get("complaints")
        return [str(line) for line in said] if isinstance(said, list) else []


class Refusal(BatonError):
    """A rule, a file or the repository's condition says no; the person can change that (exit 1)."""


class InvalidDocument(Refusal):
    """One or more files do not say what their schema wants; ``problems`` names each (exit 1)."""

    def __init__(
        self, problems: Iterable[Problem], *, message: str | None = None, hint: str | None = None
    ) -> None:
        found = tuple(problems)
        super().__init__(
            message
            or (str(found[0]) if len(found) == 1 else f"{len(found)} problems in the repository's files"),
            code="invalid-document",
            hint=hint or "fix the file, then run: baton validate",
            problems=found,
        )


class UsageError(BatonError):
    """The command line or the tool call itself is wrong (exit 2)."""

    exit_code = 2


class AttemptFailed(BatonError):
    """An attempt ran and did not succeed; the task's state says why (exit 4)."""

    exit_code = 4


class TryAgain(BatonError):
    """Nothing is wrong here: a race was lost, or a remote or forge could not be reached (exit 75)."""

    exit_code = 75


class LostRace(TryAgain):
    """A ref moved under us; nothing was changed. ``data['refs']`` names those that moved."""

    def __init__(self, refs: Iterable[str], *, message: str | None = None, hint: str | None = None) -> None:
        moved = sorted(refs)
        super().__init__(
            message or "somebody else changed it first: " + ", ".join(moved),
            code="lost-race",
            hint=hint or "run the same command again",
            data={"refs": moved},
        )


class Unreachable(TryAgain):
    """The remote or the forge did not answer (network, DNS, a server error)."""


#: What the disk may say to anybody at any time: code, words, what to do.
_DISK_SAYS = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT), ("disk-full", "the disk is full", "free some space and try again")
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS),
        ("not-writable", "permission is missing", "check who owns it, and whether the disk is read-only"),
    ),
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN),
        ("exhausted", "this machine could not do it", "free memory, processes or files, and try again"),
    ),
    errno.EIO: ("disk-error", "the disk fails", "check the disk"),
}


def explain_os_error(error: BaseException) -> BatonError | None:
    """The expected failure behind what the operating system said, or None when it isn't one. Every write may meet
    a full disk, so this belongs to the faces' boundaries.
    """
    if not isinstance(error, OSError) or error.errno not in _DISK_SAYS:
        return None
    code, words, hint = _DISK_SAYS[error.errno]
    where = f": {error.filename!s}" if error.filename else ""
    said = f" ({error.strerror})" if code != "disk-full" and error.strerror else ""
    return Refusal(f"{words}{where}{said}", code=code, hint=hint)
