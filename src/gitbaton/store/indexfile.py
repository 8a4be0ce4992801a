"""The index file itself, for the commonest of edits: files that are in git, staged and typed as they are committed.

git's own commands read and write the index whole, again for each step; in a large repository that is most of what
an edit costs. Here the file is read once, and a few fields of fixed size are overwritten: an entry's blob and file
times, and the folders' trees that git keeps beside them. Entries are found by blob and name together, so nothing
else can be taken for one. Whatever isn't just so (other versions, extensions that depend on an entry's content,
anything staged) is left to git: https://git-scm.com/docs/index-format
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitbaton.store.git import TreeEntry
    from gitbaton.store.objects import Tip
    from gitbaton.store.repository import Repository

_VERSIONS = (2, 3)
#: Times, device, inode, mode, owner, group and size stand before the blob's id.
_STAT = struct.Struct(">10I")
_NAME_MAX = 0xFFF
_PATH_MAX = 1024
#: Extensions that say nothing about the content of an entry.
_HARMLESS = (b"TREE", b"REUC", b"UNTR", b"EOIE")
_MASK = 0xFFFFFFFF


class IndexFile(NamedTuple):
    """An index as it was read, where some paths' entries begin, and where the id of each folder's tree stands."""

    data: bytes
    places: dict[str, int]
    folders: dict[str, int]


def read_index_file(repo: Repository, entries: Mapping[str, TreeEntry]) -> IndexFile | None:
    """The index, if each of ``entries`` stands in it just as in the commit, and nothing else speaks against
    changing it in place.
    """
    data = _read(repo)
    if data is None:
        return None
    places = {}
    for path, entry in entries.items():
        name = path.encode("utf-8", "surrogateescape")
        flags = min(len(name), _NAME_MAX).to_bytes(2, "big")  # no bit for a stage, or for "don't look"
        at = data.find(bytes.fromhex(entry.oid) + flags + name + b"\0") - _STAT.size
        if at < 0 or int.from_bytes(data[at + 24 : at + 28], "big") != int(entry.mode, 8):
            return None
        places[path] = at
    size = len(next(iter(entries.values())).oid) // 2
    try:
        folders = _find_folders(data, size)
    except ValueError:
        return None
    return None if folders is None else IndexFile(data, places, folders)


def find_in_index(repo: Repository, top: str, name: str) -> list[str] | None:
    """The paths below the folder ``top`` whose last part is ``name``; None where only git can tell."""
    data = _read(repo)
    if data is None:
        return None
    wanted, start = b"/" + name.encode() + b"\0", top.encode() + b"/"
    found: list[str] = []
    end = data.find(wanted)
    while end >= 0:
        end += len(wanted) - 1
        for length in range(len(top) + len(wanted) - 1, min(end, _PATH_MAX)):
            flags = int.from_bytes(data[end - length - 2 : end - length], "big")
            if flags & _NAME_MAX == length and data.startswith(start, end - length):
                found.append(data[end - length : end].decode("utf-8", "surrogateescape"))
                break
        end = data.find(wanted, end)
    return found


def _read(repo: Repository) -> bytes | None:
    """The index, if it holds every entry, each with its whole name."""
    try:
        data = (repo.git_dir / "index").read_bytes()
        split = any(name.startswith("sharedindex.") for name in os.listdir(repo.git_dir))
    except OSError:
        return None
    whole = data[:4] == b"DIRC" and int.from_bytes(data[4:8], "big") in _VERSIONS
    return data if whole and not split else None


def _find_folders(data: bytes, size: int) -> dict[str, int] | None:
    """Folder → where its tree's id stands, of the folders whose tree git knows. None (or ``ValueError``) where that
    can't be told.
    """
    end = len(data) - size
    at = data.rfind(b"TREE", 0, end)
    while at >= 0 and not _ends_well(data, at, end):
        at = data.rfind(b"TREE", 0, at)
    if at < 0:
        return None
    found: dict[str, int] = {}
    waiting = [("", 1)]  # folders above, and how many of each one's own are still to come
    at += 8
    while waiting:
        above, left = waiting.pop()
        if not left:
            continue
        waiting.append((above, left - 1))
        name_end, line_end = data.index(b"\0", at), data.index(b"\n", at)
        name = data[at:name_end].decode("utf-8", "surrogateescape")
        folder = f"{above}/{name}" if above else name
        count, below = data[name_end + 1 : line_end].split(b" ")
        at = line_end + 1
        if int(count) >= 0:
            found[folder] = at
            at += size
        waiting.append((folder, int(below)))
    return found


def _ends_well(data: bytes, at: int, end: int) -> bool:
    """Whether extensions stand one behind the other from here to the end, all harmless ones."""
    while at < end:
        if data[at : at + 4] not in _HARMLESS:
            return False
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")
    return at == end


def patch_index(
    index: IndexFile, tip: Tip, blobs: Mapping[str, str], trees: Mapping[str, str]
) -> bytearray | None:
    """The index with new ``blobs`` (by path) and ``trees`` (by folder) in it; None where a folder has other things
    staged, so that its tree is not the new commit's.
    """
    data = bytearray(index.data)
    for path, oid in blobs.items():
        at = index.places[path] + _STAT.size
        data[at : at + len(oid) // 2] = bytes.fromhex(oid)
    for folder, oid in trees.items():
        if at := index.folders.get(folder, 0):
            size = len(oid) // 2
            if folder not in tip.trees or data[at : at + size].hex() != tip.trees[folder][0]:
                return None
            data[at : at + size] = bytes.fromhex(oid)
    return data


def stamp_index(data: bytearray, index: IndexFile, top: Path, size: int) -> None:
    """Put in the times of the files as they are now, and the checksum, which has ``size`` bytes."""
    for path, at in index.places.items():
        info = os.lstat(top / path)
        seconds = [divmod(moment, 10**9) for moment in (info.st_ctime_ns, info.st_mtime_ns)]
        mode = int.from_bytes(data[at + 24 : at + 28], "big")
        fields = (
            *seconds[0],
            *seconds[1],
            info.st_dev,
            info.st_ino,
            mode,
            info.st_uid,
            info.st_gid,
            info.st_size,
        )
        _STAT.pack_into(data, at, *(field & _MASK for field in fields))
    digest = hashlib.sha1 if size == hashlib.sha1(usedforsecurity=False).digest_size else hashlib.sha256
    data[-size:] = digest(memoryview(data)[:-size], usedforsecurity=False).digest()
