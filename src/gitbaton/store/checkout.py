"""The index and the working files of one worktree, changed so that everything else stays as it is.

The index is replaced the way git does it: ``index.lock`` is held from the last look at the old index to the
moment the new one takes its place, so nobody's ``git add`` can fall in between. New working files are
written beside the old ones first; what remains is renaming, which needs no space and no permission that
was not there before.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from gitbaton.errors import Refusal, TryAgain
from gitbaton.store.git import PATHS_MAX, Git, cover_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from gitbaton.store.repository import Repository

#: How long to wait for somebody else's git command to give the index back, and how often to look.
LOCK_PATIENCE_S = 5.0
_LOCK_POLL_S = 0.02
#: No other way of taking the lock has more room.
_FULL = (errno.ENOSPC, errno.EDQUOT)
_EFFECTIVE = os.access in os.supports_effective_ids


class Entry(NamedTuple):
    """One path of the index. ``skipped`` (sparse checkouts) and ``assumed`` (assume-unchanged) are bits that
    ``git update-index`` would drop.
    """

    mode: str
    oid: str
    skipped: bool = False
    assumed: bool = False


def read_index(git: Git, paths: Sequence[str]) -> dict[str, Entry]:
    """The index entries of ``paths``. Raises ``Refusal`` (``merge-in-progress``) for an unmerged one."""
    found = {}
    wanted = set(paths)
    out = git.call(
        "ls-files", "--stage", "-v", "-z", "--", *(f":(top,literal){p}" for p in cover_paths(paths))
    )
    for line in out.split(b"\0"):
        if not line:
            continue
        meta, _, name = line.partition(b"\t")
        tag, mode, oid, stage = meta.decode().split()
        path = name.decode("utf-8", "surrogateescape")
        if path not in wanted:
            continue
        if stage != "0":
            raise Refusal(
                f"{path} is in the middle of a merge",
                code="merge-in-progress",
                hint=f"resolve it first, then: git add {path}",
            )
        found[path] = Entry(mode, oid, skipped=tag in "Ss", assumed=tag.islower())
    return found


def read_file(top: Path, path: str) -> bytes | None:
    """A working file's bytes, or None. Raises ``Refusal`` for anything that is not a plain file in plain
    folders: a link would lead the edit elsewhere.
    """
    folder = top
    for part in path.split("/")[:-1]:
        folder = folder / part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise Refusal(
                f"{folder.relative_to(top)} is not a plain folder, so {path} can't stand in it",
                code="not-a-folder",
                hint="replace it by a plain folder",
            )
    full = top / path
    try:
        info = full.lstat()
        if not stat.S_ISREG(info.st_mode):
            raise Refusal(f"{path} is not a plain file", code="not-a-file", hint="replace it by a plain file")
        return full.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Refusal(
            f"{path} can't be read: {error.strerror}", code="not-readable", hint="check its permissions"
        ) from error


# -- the index ---------------------------------------------------------------------------------------------


class IndexLock:
    """Holds ``index.lock`` while the context is open. ``ticket`` is the file that becomes the lock, by a hard
    link where the disk has them: its content tells a lock that a killed process left from somebody else's.
    """

    def __init__(self, repo: Repository, ticket: Path) -> None:
        self._git = repo.git
        self._index = repo.git_dir / "index"
        self._lock = repo.git_dir / "index.lock"
        self._ticket = ticket
        self._new = ticket.with_suffix(".index")

    def __enter__(self) -> Self:
        end = time.monotonic() + LOCK_PATIENCE_S
        while True:
            try:
                self._take()
            except FileExistsError:
                if time.monotonic() > end:
                    raise TryAgain(
                        f"another git command is at work: {self._lock} exists",
                        code="index-locked",
                        hint=f"try again; if no git command is running: rm '{self._lock}'",
                    ) from None
                time.sleep(_LOCK_POLL_S)
            else:
                return self

    def _take(self) -> None:
        """Raises ``FileExistsError``."""
        try:
            os.link(self._ticket, self._lock)
        except OSError as error:
            if isinstance(error, FileExistsError) or error.errno in _FULL:
                raise
            said = self._ticket.read_bytes()
            with self._lock.open("xb") as lock:
                try:
                    lock.write(said)
                    lock.flush()
                except OSError:  # a full disk: a lock that nobody knows must not stay
                    self._lock.unlink()
                    raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._new.unlink(missing_ok=True)
        self._lock.unlink(missing_ok=True)

    def prepare(self, lines: Iterable[str], kept: Mapping[str, Entry]) -> None:
        """Write the next index beside the present one: ``lines`` as for ``--index-info``, with the bits of the
        entries ``kept``.
        """
        if self._index.exists():
            import shutil

            # With its time: by that git knows which files may have changed since in the same second.
            shutil.copy2(self._index, self._new)
        lines = list(lines)
        self._update(["--index-info"], lines)
        gone = {line.partition("\t")[2] for line in lines if line.startswith("0 ")}
        left = {path: entry for path, entry in kept.items() if path not in gone}
        self._update(["--skip-worktree", "--stdin"], [p for p, e in left.items() if e.skipped])
        self._update(["--assume-unchanged", "--stdin"], [p for p, e in left.items() if e.assumed])

    def _update(self, arguments: Sequence[str], lines: Iterable[str]) -> None:
        data = "".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape")
        if data:
            # Into a sparse index git 2.39 would put the entry beside the folder that stands for it.
            self._git.call(
                "-c",
                "index.sparse=false",
                "update-index",
                "-z",
                *arguments,
                data=data,
                env=self._environment(),
            )

    def publish(self, refresh: Iterable[str]) -> None:
        """Let the new index take the old one's place, with fresh file times for the paths of ``refresh``."""
        if paths := list(refresh):
            # `add --refresh` looks at these paths alone and stages nothing; `update-index PATH` would.
            refresh_all = len(paths) > PATHS_MAX
            few = ["--literal-pathspecs", "add", "--refresh", "--", *paths]
            self._git.run(
                *(["update-index", "-q", "--refresh"] if refresh_all else few), env=self._environment()
            )
        self._new.replace(self._index)

    def hold(self, data: bytes | bytearray) -> None:
        """Write the next index beside the present one, whole."""
        self._new.write_bytes(data)
        self._new.chmod(stat.S_IMODE(self._index.stat().st_mode))

    def publish_held(self, data: bytes | bytearray) -> None:
        """Let ``data``, which is as long as what was held, take the old index's place."""
        with self._new.open("r+b") as file:
            file.write(data)
        # With the old one's time: by that git knows which files may have changed since in the same second.
        times = self._index.stat()
        os.utime(self._new, ns=(times.st_atime_ns, times.st_mtime_ns))
        self._new.replace(self._index)

    def holds(self, data: bytes) -> bool:
        """Whether the present index is ``data``, byte for byte."""
        try:
            return self._index.read_bytes() == data
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        return {"GIT_INDEX_FILE": os.fspath(self._new)}


# -- working files -----------------------------------------------------------------------------------------


class Replacements:
    """New texts of working files (None = the file goes), ready under other names until ``apply``. They wait
    beside ``note`` (inside the git dir, where nobody's ``git add --all`` finds them). ``__enter__`` raises
    ``Refusal`` (``not-writable``) while nothing has changed.
    """

    def __init__(self, top: Path, texts: Mapping[str, bytes | None], note: Path) -> None:
        self._top = top
        self._ready = {
            path: None if text is None else note.with_suffix(f".{n}.text")
            for n, (path, text) in enumerate(texts.items())
        }
        self._texts = texts
        self._made: list[Path] = []

    def __enter__(self) -> Self:
        path = ""
        try:
            for path, ready in self._ready.items():
                self._prepare(self._top / path, ready, self._texts[path])
        except OSError as error:
            self._discard()
            raise Refusal(
                f"{path} can't be written: {error.strerror}",
                code="not-writable",
                hint="check permissions and free space",
            ) from error
        return self

    def _prepare(self, path: Path, ready: Path | None, text: bytes | None) -> None:
        for folder in reversed(path.parents):
            if not folder.exists():
                folder.mkdir()
                self._made.append(folder)
        if not os.access(path.parent, os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        if ready is None or text is None:
            return
        self._made.append(ready)
        ready.write_bytes(text)
        if path.exists():
            old = path.stat()
            ready.chmod(stat.S_IMODE(old.st_mode))
            with suppress(OSError):  # only root may give files away
                os.chown(ready, old.st_uid, old.st_gid)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._discard()

    def apply(self) -> None:
        """Put every new text in its place, each in one step."""
        for path, ready in self._ready.items():
            if ready is not None:
                _move_file(ready, self._top / path)
        for path, ready in self._ready.items():
            if ready is None:
                (self._top / path).unlink(missing_ok=True)
                self._remove_empty(path)
        self._made.clear()

    def _remove_empty(self, path: str) -> None:
        """As git does it: folders that are empty now go, too."""
        folder = os.path.dirname(path)
        with suppress(OSError):
            while folder:
                (self._top / folder).rmdir()
                folder = os.path.dirname(folder)

    def _discard(self) -> None:
        for made in reversed(self._made):
            with suppress(OSError):
                made.rmdir() if made.is_dir() else made.unlink()
        self._made.clear()


def _move_file(ready: Path, path: Path) -> None:
    try:
        ready.replace(path)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        import shutil

        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # the git dir is on another disk
        shutil.copy2(ready, beside)
        beside.replace(path)
        ready.unlink()
