"""The index file itself, for the commonest of edits: files that are in git, staged and typed as they are committed.

git's own commands read and write the index whole, again for each step; in a large repository that is most of what
an edit costs. Here the file is read once, and a few fields of fixed size are overwritten: an entry's blob and file
times, and the folders' trees that git keeps beside them. Entries are found by blob and name together, so nothing
else can be taken for one. A new file's entry goes in beside a neighbour's, where git knows that the folder is as it was
committed: then there is none for it yet, and the commit tells its neighbours. Whatever isn't just so (other versions, extensions that depend on an entry's content,
anything staged) is left to git: https://git-scm.com/docs/index-format
"""

from __future__ import annotations

import hashlib
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.store.objects import TREE, iter_folders, parse_tree

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from gitbaton.store.objects import Tip
    from gitbaton.store.repository import Repository

_VERSIONS = (2, 3)
#: Times, device, inode, mode, owner, group and size stand before the blob's id.
_STAT = struct.Struct(">10I")
_NAME_MAX = 0xFFF
_PATH_MAX = 1024
#: Extensions that say nothing about the content of an entry.
_HARMLESS = (b"TREE", b"REUC", b"UNTR", b"EOIE")
#: Those that say nothing about which entries there are, and where.
_FIXED = (b"TREE", b"REUC")
#: A table of places, if there is one, stands close before the trees.
_TABLE, _TABLE_MAX = b"IEOT", 4096
_MASK = 0xFFFFFFFF
#: The extension of an index in which folders may stand for all that is below them.
_SPARSE = b"sdir"
_PLAIN = 0o100644


class IndexFile(NamedTuple):
    """An index as it was read, where some paths' entries begin, where the id of each folder's tree stands, and where
    all those begin. ``new`` is a path that has no entry yet; its place is where the entry belongs.
    """

    data: bytes
    places: dict[str, int]
    folders: dict[str, int]
    trees_at: int
    new: str | None = None


def read_index_file(repo: Repository, tip: Tip, paths: Sequence[str]) -> IndexFile | None:
    """The index, if each of ``paths`` stands in it just as in the commit, and nothing else speaks against changing it
    in place. A single path may be a new one.
    """
    new = paths[0] if len(paths) == 1 and not tip.entries else None
    if not tip.commit or (len(tip.entries) < len(paths) and not new):
        return None
    data, size = _read(repo), len(tip.commit) // 2
    if data is None:
        return None
    places = {path: _find_entry(data, path, (entry.mode, entry.oid)) for path, entry in tip.entries.items()}
    try:
        trees_at, folders = _find_folders(data, size)
        if new:
            places[new] = _find_gap(data, tip, new, trees_at, folders)
    except ValueError:
        return None
    return None if -1 in places.values() else IndexFile(data, places, folders, trees_at, new)


def _find_entry(data: bytes, path: str, leaf: tuple[str, str]) -> int:
    """Where the entry of a file begins that has this mode and id, and no bits of its own; -1 if there is none."""
    name = path.encode("utf-8", "surrogateescape")
    flags = min(len(name), _NAME_MAX).to_bytes(2, "big")  # no bit for a stage, or for "don't look"
    at = data.find(bytes.fromhex(leaf[1]) + flags + name + b"\0") - _STAT.size
    return at if at >= 0 and int.from_bytes(data[at + 24 : at + 28], "big") == int(leaf[0], 8) else -1


def _find_gap(data: bytes, tip: Tip, path: str, trees_at: int, folders: Mapping[str, int]) -> int:
    """Where the entry of a new file belongs, whose folder the index has as it was committed; -1 where only git can
    tell.
    """
    size = len(tip.commit or "") // 2
    folder, _, name = path.rpartition("/")
    at = folders.get(folder, 0)
    is_known = folder in tip.trees and at and data[at : at + size].hex() == tip.trees[folder][0]
    if not is_known or not _ends_well(data, trees_at, len(data) - size, _FIXED):
        return -1
    if data.find(_TABLE, max(0, trees_at - _TABLE_MAX), trees_at) >= 0:
        return -1
    wanted = _sort_key(name, "")
    siblings = parse_tree(tip.trees[folder][1], 2 * size)
    keys = {_sort_key(other, leaf[0]): other for other, leaf in siblings.items()}
    above = f"{folder}/" if folder else ""
    if later := min((key for key in keys if key > wanted), default=None):
        found = _find_entry(data, above + keys[later], siblings[keys[later]])
        if found >= 0:
            return found
    if earlier := max((key for key in keys if key < wanted), default=None):
        found = _find_entry(data, above + keys[earlier], siblings[keys[earlier]])
        return found if found < 0 else found + _measure(above + keys[earlier], size)
    return -1


def _sort_key(name: str, mode: str) -> bytes:
    """What git sorts a folder's names by."""
    return name.encode("utf-8", "surrogateescape") + (b"/" if mode == TREE else b"")


def _measure(path: str, size: int) -> int:
    """The length of an entry: one to eight zeros bring it to a multiple of eight."""
    return (_STAT.size + size + 2 + len(path.encode("utf-8", "surrogateescape")) + 8) & ~7


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


def is_in_index(repo: Repository, part: str) -> bool | None:
    """Whether ``part`` (of small letters) stands in the name of any path, whatever its capitals; it may be True where
    it doesn't. None where only git can tell.
    """
    data = _read(repo)
    return None if data is None or _SPARSE in data else part.encode() in data.lower()


def _read(repo: Repository) -> bytes | None:
    """The index, if it holds every entry, each with its whole name."""
    try:
        data = (repo.git_dir / "index").read_bytes()
        split = any(name.startswith("sharedindex.") for name in os.listdir(repo.git_dir))
    except OSError:
        return None
    whole = data[:4] == b"DIRC" and int.from_bytes(data[4:8], "big") in _VERSIONS
    return data if whole and not split else None


def _find_folders(data: bytes, size: int) -> tuple[int, dict[str, int]]:
    """Where the folders' trees begin, and folder → where its tree's id stands, of the folders whose tree git knows.
    Raises ``ValueError`` where that can't be told.
    """
    end = len(data) - size
    at = data.rfind(b"TREE", 0, end)
    while at >= 0 and not _ends_well(data, at, end, _HARMLESS):
        at = data.rfind(b"TREE", 0, at)
    if at < 0:
        raise ValueError("git keeps no trees there, or something unknown beside them")
    begun = at
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
    return begun, found


def _ends_well(data: bytes, at: int, end: int, known: Collection[bytes]) -> bool:
    """Whether extensions stand one behind the other from here to the end, all of them ``known`` ones."""
    while at < end:
        if data[at : at + 4] not in known:
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
        if path == index.new:
            continue
        at = index.places[path] + _STAT.size
        data[at : at + len(oid) // 2] = bytes.fromhex(oid)
    for folder, oid in trees.items():
        if at := index.folders.get(folder, 0):
            size = len(oid) // 2
            if folder not in tip.trees or data[at : at + size].hex() != tip.trees[folder][0]:
                return None
            data[at : at + size] = bytes.fromhex(oid)
    if index.new:
        _insert(data, index, index.new, blobs[index.new])
    return data


def _insert(data: bytearray, index: IndexFile, path: str, oid: str) -> None:
    """Put in an entry for a new file, and count it; from the end of the index on, so that no place moves too early."""
    before = len(data)
    for folder in sorted(iter_folders(path), key=lambda folder: -index.folders.get(folder, 0)):
        if at := index.folders.get(folder, 0):
            begin = data.rindex(b"\0", 0, at) + 1  # a folder's name ends there; two numbers follow
            end = data.index(b" ", begin)
            data[begin:end] = b"%d" % (int(data[begin:end]) + 1)
    grown = int.from_bytes(data[index.trees_at + 4 : index.trees_at + 8], "big") + len(data) - before
    data[index.trees_at + 4 : index.trees_at + 8] = grown.to_bytes(4, "big")
    name = path.encode("utf-8", "surrogateescape")
    entry = bytearray(_STAT.size) + bytes.fromhex(oid) + min(len(name), _NAME_MAX).to_bytes(2, "big") + name
    entry[24:28] = _PLAIN.to_bytes(4, "big")
    at = index.places[path]
    data[at:at] = entry.ljust(_measure(path, len(oid) // 2), b"\0")
    data[8:12] = (int.from_bytes(data[8:12], "big") + 1).to_bytes(4, "big")


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
