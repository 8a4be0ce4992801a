"""What an answer of the board hangs on, read from the files of git itself: no process, no module that Python hasn't
loaded at its start. Whatever is not as it mostly is (another ref storage, somebody else's files, odd variables)
gives None, and the answer is found the long way.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from gitbaton import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

#: Raised by one whenever what is kept, or what it means, changes within a version.
FORMAT = 6
#: Part of the name of every file that is kept. Another version, or another Python (``marshal`` is not the same
#: everywhere), has files of its own.
MARK = f"{FORMAT}-{__version__}-{sys.implementation.cache_tag}"
#: Variables that change which repository git finds, how it reads it, or what gitbaton does.
_TELLING = ("GIT_", "BATON_")
_HOMES = ("HOME", "XDG_CONFIG_HOME")
_HEX = frozenset("0123456789abcdef")


class Place:
    """A worktree: its top, its git dir, and the git dir that all worktrees share."""

    __slots__ = ("common_dir", "git_dir", "top")

    def __init__(self, top: str, git_dir: str, common_dir: str) -> None:
        self.top = top
        self.git_dir = git_dir
        self.common_dir = common_dir


def find_place(environment: Mapping[str, str]) -> Place | None:
    """The worktree of the current folder."""
    if "GIT_CEILING_DIRECTORIES" in environment or environment.get("BATON_ATTEMPT"):
        return None
    try:
        top = os.getcwd()
        device, me = os.stat(top).st_dev, os.geteuid()
        while not os.path.lexists(f"{top}/.git"):
            if top == "/" or os.path.lexists(f"{top}/HEAD"):  # inside of a git dir
                return None
            top = os.path.dirname(top)
        git_dir = f"{top}/.git"
        if not os.path.isdir(git_dir):
            with open(git_dir, encoding="utf-8") as file:
                said = file.read()
            if not said.startswith("gitdir: "):
                return None
            git_dir = os.path.normpath(os.path.join(top, said[8:].rstrip("\n")))
        common = read_file(f"{git_dir}/commondir")
        common_dir = (
            os.path.normpath(os.path.join(git_dir, os.fsdecode(common).rstrip("\n"))) if common else git_dir
        )
        owners = {os.stat(p).st_uid for p in (top, f"{top}/.git", git_dir)}
        if owners != {me} or os.stat(top).st_dev != device or not os.path.lexists(f"{git_dir}/HEAD"):
            return None
    except (OSError, ValueError):
        return None
    if os.path.lexists(f"{common_dir}/reftable") or os.path.lexists(f"{common_dir}/refs/replace"):
        return None
    return Place(top, git_dir, common_dir)


def read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that an answer hangs on."""
    return {k: v for k, v in environment.items() if k.startswith(_TELLING) or k in _HOMES}


def read_file(path: str) -> bytes | None:
    """The bytes of a file; None if there is none that can be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def write_file(path: str, data: bytes) -> None:
    """Put a small file in place in one step. Where that can't be, nothing is said: what is kept here may be missing."""
    mine = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(mine, "wb") as out:
            out.write(data)
        os.replace(mine, path)
    except OSError:
        try:  # noqa: SIM105 contextlib is slow to load
            os.unlink(mine)
        except OSError:
            pass


def read_kept(path: str) -> Any:
    """What ``write_kept`` left there; None if that is not there whole."""
    data = read_file(path)
    if data is None or zlib.crc32(data[4:]).to_bytes(4) != data[:4]:
        return None
    return marshal.loads(data[4:])  # noqa: S302 only what this program wrote comes here, and whole


def write_kept(path: str, value: Any) -> None:
    """Keep a plain value for ``read_kept``."""
    data = marshal.dumps(value)
    write_file(path, zlib.crc32(data).to_bytes(4) + data)


def is_interrupted(folders: Iterable[str]) -> bool:
    """As ``journal.is_interrupted``."""
    for folder in folders:
        try:
            names = os.listdir(f"{folder}/baton")
        except OSError:
            continue
        if any(name.startswith(("edit-", "checkout-")) for name in names):
            return True
    return False


def read_head(git_dir: str, common_dir: str) -> str | None:
    """The branch that HEAD names, as a full ref; None where there is none, or only git can tell."""
    if os.path.islink(f"{git_dir}/HEAD") or os.path.lexists(f"{common_dir}/reftable"):
        return None
    said = read_file(f"{git_dir}/HEAD") or b""
    ref = said[5:-1].decode("utf-8", "surrogateescape")
    if said[:5] != b"ref: " or said[-1:] != b"\n" or not ref.startswith("refs/heads/") or "\n" in ref:
        return None
    branch = read_file(f"{common_dir}/{ref}")
    return (
        None if branch is not None and _parse_id(branch) is None else ref
    )  # a branch can stand for another one


class RefFiles:
    """The refs of a repository as they stand in its files. Loose files are read before the packed ones, as git does,
    because packing writes the latter first.
    """

    def __init__(self, common_dir: str) -> None:
        self._common_dir = common_dir
        self._packed: bytes | None = None

    def find(self, name: str) -> str | None:
        """The object id of a ref; None if there is none, or it is no plain one."""
        loose = read_file(f"{self._common_dir}/{name}")
        if loose is not None:
            return _parse_id(loose)
        at = self.packed.find(f" {name}\n".encode("utf-8", "surrogateescape"))
        if at < 0:
            return None
        return _parse_id(self.packed[self.packed.rfind(b"\n", 0, at) + 1 : at])

    @property
    def packed(self) -> bytes:
        """The packed refs, read once."""
        if self._packed is None:
            self._packed = read_file(f"{self._common_dir}/packed-refs") or b""
        return self._packed

    def list_loose(self, prefix: str) -> dict[str, str | None]:
        """The loose refs below ``prefix``, which ends in a slash, by the rest of their names."""
        found: dict[str, str | None] = {}
        folders = [""]
        while folders:
            below = folders.pop()
            try:
                entries = list(os.scandir(f"{self._common_dir}/{prefix}{below}"))
            except OSError:
                continue
            for entry in entries:
                name = below + entry.name
                if entry.is_dir():
                    folders.append(f"{name}/")
                elif not name.endswith(".lock") and (text := read_file(entry.path)) is not None:
                    found[name] = _parse_id(text)  # gone in between: packed, or deleted
        return found

    def list_packed(self, prefix: str) -> dict[str, str]:
        """The packed refs below ``prefix``, by the rest of their names."""
        if (mark := f" {prefix}".encode()) not in self.packed:
            return {}
        lines = (line.partition(mark) for line in self.packed.split(b"\n"))
        return {name.decode(): oid.decode() for oid, found, name in lines if found and b" " not in oid}


def _parse_id(text: bytes) -> str | None:
    oid = text.decode("ascii", "replace").rstrip("\n")
    return oid if len(oid) in (40, 64) and _HEX.issuperset(oid) else None
