"""What an agent left in its folder, read without running anything of its making.

Git never runs in the agent's clone. Its files are read into a git dir that is made only now, when the agent
has ended, with a configuration of its own; filters, hooks, monitors and helpers that were planted anywhere
below the workplace are nobody's. What git can't or won't hold is named, so that nothing is left out in silence.
"""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.guards import ChangedFile
from gitbaton.errors import Refusal
from gitbaton.store.git import Git, read_objects
from gitbaton.store.workplace import SEALED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gitbaton.store.repository import Repository
    from gitbaton.store.workplace import Workplace

#: Larger files are not even looked into: no server takes them, and reading them could fill the disk.
LARGEST_BYTES = 1 << 30
_GITLINK = "160000"
_IGNORED = "Ignoring path "
#: Nested repositories are set aside one level at a time.
_LEVELS = 50


class Captured(NamedTuple):
    """The tree of everything in the agent's folder, ignored files left out, as an object in the runner's own
    git dir. ``left_out`` are files that git can't hold or that are too large, without their bytes.
    """

    tree: str
    left_out: tuple[ChangedFile, ...]


def capture_tree(place: Workplace, start: str) -> Captured:
    """Read the agent's files on top of commit ``start``. A repository inside of the repository counts with its
    files; a submodule stays what it was. Raises ``Refusal`` (``workplace-gone``).
    """
    if place.work.is_symlink() or not place.work.is_dir():
        raise Refusal("the agent's folder is gone", code="workplace-gone", hint="run the task again")
    git = _make_own(place, start)
    git.call("read-tree", start)
    tracked = _list_tracked(git)
    others = _list_others(git, place)
    sorted_out = _SortedOut(os.fsencode(place.work))
    for path, mode in [*tracked.items(), *((path, "000000") for path in others)]:
        sorted_out.judge(path, mode)
    # First what is gone: git would stumble over a path below what is a link by now.
    git.call("update-index", "-z", "--force-remove", "--stdin", data=_join(sorted_out.gone))
    said = git.run("update-index", "-z", "--add", "--replace", "--stdin", data=_join(sorted_out.taken))
    if said.code:
        raise Refusal(
            f"the agent's files can't be read: {said.err.strip().splitlines()[0]}", code="capture-failed",
            hint="look at them with: baton run --keep-workplace", data={"stderr": said.err[-2000:]},
        )  # fmt: skip
    refused = [line.removeprefix(_IGNORED) for line in said.err.splitlines() if line.startswith(_IGNORED)]
    left_out = [ChangedFile(show_path(name.encode()), "100644", "000000", 0, None) for name in refused]
    return Captured(git.text("write-tree"), (*sorted_out.too_large, *left_out))


def _make_own(place: Workplace, start: str) -> Git:
    """A fresh git dir of the runner's own. Whatever stands in its place is the agent's, and goes."""
    if place.own.is_symlink() or place.own.is_file():
        place.own.unlink()
    elif place.own.exists():
        shutil.rmtree(place.own)
    form = ["--object-format=sha256"] if len(start) > 40 else []
    Git(place.root, SEALED).call("init", "--quiet", "--bare", "--template=", *form, os.fspath(place.own))
    alternates = place.own / "objects" / "info" / "alternates"
    alternates.parent.mkdir(exist_ok=True)
    alternates.write_bytes(_quote_alternate(place.source / "objects") + b"\n")
    shallow = place.source / "shallow"
    if shallow.is_file():  # the history ends where the person's does
        shutil.copy(shallow, place.own / "shallow")
    return own_git(place)


def _quote_alternate(objects: Path) -> bytes:
    """One line of ``info/alternates``; a name with special characters is quoted as in C."""
    raw = os.fsencode(objects)
    if b'"' not in raw and b"\n" not in raw:
        return raw
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'


def own_git(place: Workplace) -> Git:
    """Git over the runner's own git dir and the agent's files."""
    overrides = {
        **SEALED,
        "GIT_DIR": os.fspath(place.own),
        "GIT_WORK_TREE": os.fspath(place.work),
        "GIT_INDEX_FILE": os.fspath(place.own / "capture.index"),
    }
    return Git(place.work, overrides)


def _list_tracked(git: Git) -> dict[bytes, str]:
    """Path → mode of what was there at the start."""
    lines = git.call("ls-files", "--stage", "-z").split(b"\0")
    return {path: meta[:6].decode() for meta, _, path in (line.partition(b"\t") for line in lines) if path}


def _list_others(git: Git, place: Workplace) -> list[bytes]:
    """Files that are new and not ignored. A repository that the agent made inside of this one (many a project
    generator does) loses its ``.git``, so that its files are found like all others.
    """
    found: list[bytes] = []
    for level in range(_LEVELS):
        found = [p for p in git.call("ls-files", "--others", "--exclude-standard", "-z").split(b"\0") if p]
        nested = [p for p in found if p.endswith(b"/")]
        moved = [_set_aside(place, path, f"{level}-{n}") for n, path in enumerate(nested)]
        if not any(moved):
            break
    return [p for p in found if not p.endswith(b"/")]


def _set_aside(place: Workplace, path: bytes, name: str) -> bool:
    inner = os.path.join(os.fsencode(place.work), path, b".git")
    if not os.path.lexists(inner):
        return False
    aside = place.root / "nested"
    aside.mkdir(exist_ok=True)
    os.rename(inner, os.fsencode(aside / name))
    return True


class _SortedOut:
    """Paths that are there to be taken, paths that are gone, and files too large to be taken."""

    def __init__(self, work: bytes) -> None:
        self._work = work
        self._folders: dict[bytes, bool] = {b"": True}
        self.taken: list[bytes] = []
        self.gone: list[bytes] = []
        self.too_large: list[ChangedFile] = []

    def judge(self, path: bytes, mode: str) -> None:
        """Sort ``path`` out; ``mode`` is the one it had at the start (``000000``: it is new)."""
        full = os.path.join(self._work, path)
        try:
            info = os.lstat(full) if self._is_folder(os.path.dirname(path)) else None
        except OSError:
            info = None
        if info is None:
            self.gone.append(path)
        elif mode == _GITLINK and stat.S_ISDIR(info.st_mode):
            pass  # a submodule stays what it was
        elif stat.S_ISREG(info.st_mode) and info.st_size > LARGEST_BYTES:
            self.too_large.append(ChangedFile(show_path(path), "100644", mode, info.st_size, None))
        elif stat.S_ISREG(info.st_mode) or stat.S_ISLNK(info.st_mode):
            if stat.S_ISREG(info.st_mode) and not info.st_mode & stat.S_IRUSR:
                os.chmod(full, stat.S_IMODE(info.st_mode) | stat.S_IRUSR)
            self.taken.append(path)
        else:  # a pipe, a socket, a folder where a file was
            self.gone.append(path)

    def _is_folder(self, path: bytes) -> bool:
        """Whether ``path`` and all above it are plain folders: a link would lead out of the workplace."""
        if path not in self._folders:
            above = self._is_folder(os.path.dirname(path))
            self._folders[path] = above and stat.S_ISDIR(os.lstat(os.path.join(self._work, path)).st_mode)
        return self._folders[path]


def _join(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)


def list_changes(
    place: Workplace,
    start: str,
    captured: Captured,
    *,
    file_max: int = LARGEST_BYTES,
    total_max: int = LARGEST_BYTES,
) -> list[ChangedFile]:
    """What differs between commit ``start`` and what was captured, with the new bytes: of files up to
    ``file_max`` bytes, as long as they are not more than ``total_max`` together.
    """
    changes = compare_trees(own_git(place), start, captured.tree, file_max=file_max, total_max=total_max)
    return [*changes, *captured.left_out]


def compare_trees(
    git: Git, start: str, tree: str, *, file_max: int = LARGEST_BYTES, total_max: int = LARGEST_BYTES
) -> list[ChangedFile]:
    """What differs between two commits or trees, as ``list_changes`` tells it."""
    raw = git.call("diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", start, tree)
    fields = raw.split(b"\0")
    rows = []
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, mode, _, oid, _ = meta.decode().lstrip(":").split()
        rows.append((show_path(path), mode, old_mode, oid))
    sizes = _list_sizes(git, (oid for _, mode, _, oid in rows if mode not in ("000000", _GITLINK)))
    wanted, total = [], 0
    for oid, size in sizes.items():
        total += size
        if size <= file_max and total <= total_max:
            wanted.append(oid)
    texts = dict(zip(wanted, read_objects(git, wanted), strict=True))
    return [
        ChangedFile(path, mode, old_mode, sizes.get(oid, 0), texts.get(oid))
        for path, mode, old_mode, oid in rows
    ]


def _list_sizes(git: Git, oids: Iterable[str]) -> dict[str, int]:
    asked = "".join(f"{oid}\n" for oid in dict.fromkeys(oids)).encode()
    lines = git.text("cat-file", "--batch-check=%(objectname) %(objectsize)", data=asked).splitlines()
    return {oid: int(size) for oid, size in (line.split(" ") for line in lines)}


def show_path(path: bytes) -> str:
    """A path for rules and for people: what is no text or would steer a terminal is written as an escape."""
    text = path.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def bring_home(repo: Repository, place: Workplace, commit: str) -> None:
    """Copy a commit made in the runner's own git dir, with all it needs, into the repository's objects."""
    repo.git.call(
        "-c", "protocol.version=2", "-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
        "--no-auto-maintenance", "--no-recurse-submodules", os.fspath(place.own), commit
    )  # fmt: skip
