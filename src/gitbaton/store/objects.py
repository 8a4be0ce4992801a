"""Reading a branch's tip in one question, and writing the few objects of a commit without asking git for each.

A loose object is a file whose name is the hash of its content, so that writing one twice, or from two processes at
once, does no harm; it comes into its place in one step. Where git was told to take more care than by default
(shared repositories, fsync), git writes them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.failures import explain_failure, explain_not_written
from gitbaton.store.git import TreeEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitbaton.store.git import Git
    from gitbaton.store.repository import Repository

_CAREFUL = ("core.sharedrepository", "core.fsync", "core.fsyncmethod", "core.fsyncobjectfiles")
TREE = "40000"


class Tip(NamedTuple):
    """A branch's last commit (None: there is none yet) as far as some paths go: the trees on the way to them by
    folder (``""`` is the top), their entries, and the texts of their blobs by id.
    """

    commit: str | None
    trees: dict[str, tuple[str, bytes]]
    entries: dict[str, TreeEntry]
    texts: dict[str, bytes]


def read_tip(git: Git, ref: str, paths: Sequence[str]) -> Tip:
    """Read ``paths`` at the tip of ``ref``. Should the ref move meanwhile, the commit is the one before: then a
    compare-and-swap from it fails.
    """
    folders = list(dict.fromkeys(folder for path in paths for folder in iter_folders(path)))
    asked = [ref, *(f"{ref}:{folder}" for folder in folders), *(f"{ref}:{path}" for path in paths)]
    found = _ask(git, asked)
    if not found[0]:
        return Tip(None, {}, {}, {})
    trees = {
        folder: (object_[0], object_[2])
        for folder, object_ in zip(folders, found[1:], strict=False)
        if object_ and object_[1] == "tree"
    }
    entries = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        if folder in trees and (entry := parse_tree(trees[folder][1], len(found[0][0])).get(name)):
            mode, oid = entry
            kind = "tree" if mode == TREE else "commit" if mode == "160000" else "blob"
            entries[path] = TreeEntry(mode.zfill(6), kind, oid, path)
    texts = {o[0]: o[2] for o in found[1 + len(folders) :] if o and o[1] == "blob"}
    return Tip(found[0][0], trees, entries, texts)


def iter_folders(path: str) -> Iterator[str]:
    """The folders above a path, the whole first."""
    parts = path.split("/")[:-1]
    for depth in range(len(parts) + 1):
        yield "/".join(parts[:depth])


def _ask(git: Git, names: Sequence[str]) -> list[tuple[str, str, bytes] | None]:
    """(id, kind, content) of each name; None where there is nothing."""
    asked = [name.encode("utf-8", "surrogateescape") for name in names]
    done = git.run("cat-file", "--batch", "--buffer", "-z", data=b"".join(name + b"\0" for name in asked))
    if done.code:
        raise explain_failure(("cat-file",), done)
    out, at = done.out, 0
    found: list[tuple[str, str, bytes] | None] = []
    for name in asked:
        if out.startswith(missing := name + b" missing\n", at):
            found.append(None)
            at += len(missing)
            continue
        end = out.index(b"\n", at)
        oid, kind, size = out[at:end].decode().split(" ")
        found.append((oid, kind, out[end + 1 : end + 1 + int(size)]))
        at = end + int(size) + 2
    return found


def parse_tree(data: bytes, oid_length: int) -> dict[str, tuple[str, str]]:
    """Name → (mode, id) of a tree's entries; ids have ``oid_length`` digits."""
    entries, at, size = {}, 0, oid_length // 2
    while at < len(data):
        space, end = data.index(b" ", at), data.index(b"\0", at)
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        entries[name] = (data[at:space].decode(), data[end + 1 : end + 1 + size].hex())
        at = end + 1 + size
    return entries


# -- writing -----------------------------------------------------------------------------------------------------


def write_object(repo: Repository, kind: str, data: bytes) -> str:
    """Store an object and return its id. Raises ``Refusal`` (``not-writable``, ``disk-full``)."""
    if any(setting in repo.settings for setting in _CAREFUL):
        return repo.git.text("hash-object", "-w", "-t", kind, "--stdin", "--no-filters", data=data)
    whole = b"%s %d\0%s" % (kind.encode(), len(data), data)
    sha256 = repo.settings.get("extensions.objectformat") == "sha256"
    oid = (hashlib.sha256 if sha256 else hashlib.sha1)(whole, usedforsecurity=False).hexdigest()
    folder = repo.common_dir / "objects" / oid[:2]
    path = folder / oid[2:]
    if path.exists():
        return oid
    temporary = folder / f"tmp_obj_{os.urandom(6).hex()}"  # git's clean-up knows this name
    try:
        folder.mkdir(exist_ok=True)
        with temporary.open("xb") as file:
            file.write(zlib.compress(whole, 1))
        temporary.chmod(0o444)
        temporary.rename(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise explain_not_written(error, os.fspath(folder)) from error
    return oid


def write_tree(repo: Repository, tip: Tip, leaves: Mapping[str, tuple[str, str] | None]) -> dict[str, str]:
    """The trees of ``tip`` with each path of ``leaves`` as (mode, blob id), or gone for None; by folder, ``""`` is
    the whole. Raises ``Refusal`` (``not-a-folder``).
    """
    written: dict[str, str] = {}
    _write_folder(repo, tip, "", leaves, written)
    if "" not in written:
        written[""] = write_object(repo, "tree", b"")
    return written


def _write_folder(
    repo: Repository, tip: Tip, at: str, leaves: Mapping[str, tuple[str, str] | None], written: dict[str, str]
) -> str | None:
    """The tree's id; None when nothing is left in it."""
    below: dict[str, dict[str, tuple[str, str] | None]] = {}
    entries = parse_tree(tip.trees[at][1], len(tip.commit or "")) if at in tip.trees else {}
    for path, leaf in leaves.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, {})[rest] = leaf
        elif leaf is None:
            entries.pop(name, None)
        else:
            entries[name] = (leaf[0].lstrip("0"), leaf[1])
    for name, inner in below.items():
        folder = f"{at}/{name}" if at else name
        if entries.get(name, (TREE,))[0] != TREE:
            raise Refusal(
                f"{folder} is no folder in git",
                code="not-a-folder",
                hint="replace it by one, and commit that",
            )
        if oid := _write_folder(repo, tip, folder, inner, written):
            entries[name] = (TREE, oid)
        else:
            entries.pop(name, None)
    if not entries:
        return None
    rows = sorted(
        (name.encode("utf-8", "surrogateescape"), mode, oid) for name, (mode, oid) in entries.items()
    )
    rows.sort(key=lambda row: row[0] + b"/" if row[1] == TREE else row[0])
    data = b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(oid)) for name, mode, oid in rows)
    written[at] = write_object(repo, "tree", data)
    return written[at]
