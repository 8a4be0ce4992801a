"""A file as it stands in three places: committed, staged, in the working tree; and what an edit makes of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, Refusal
from gitbaton.store.checkout import Entry, read_file, read_index
from gitbaton.store.git import read_objects
from gitbaton.store.journal import Step
from gitbaton.store.objects import write_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitbaton.store.git import TreeEntry
    from gitbaton.store.indexfile import IndexFile
    from gitbaton.store.objects import Tip
    from gitbaton.store.repository import Repository

    #: Old text (None = no file) → new text (None = delete). Pure, because it is applied to several texts and
    #: again after a lost race.
    Change = Callable[[bytes | None], bytes | None]

PLAIN = "100644"
#: ``git add -N`` puts the empty blob into the index, in either object format.
_EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)


class Texts(NamedTuple):
    """A path as it stands. ``tip`` is its place at the branch's tip, ``entry`` the one in the index."""

    tip: TreeEntry | None
    committed: bytes | None
    entry: Entry | None
    staged: bytes | None
    working: bytes | None


def change_staged(old: Texts, new: bytes | None, change: Change, path: str) -> bytes | None:
    if old.entry is None:
        return None if old.committed is not None or old.working is not None else new  # deleted, or a new file
    if old.staged is None:
        return None  # `git add -N`: there is no text yet
    return new if old.staged == old.committed else _apply(change, old.staged, path, "staged copy")


def change_working(old: Texts, new: bytes | None, change: Change, path: str) -> bytes | None:
    if old.working is None:
        return None if old.committed is not None or old.entry is not None else new  # deleted, or a new file
    return new if old.working == old.committed else _apply(change, old.working, path, "working copy")


def _apply(change: Change, text: bytes | None, path: str, what: str) -> bytes | None:
    try:
        return change(text)
    except BatonError as error:
        error.message = f"{path}, the {what}: {error.message}"
        error.args = (error.message,)
        raise


def make_step(
    repo: Repository,
    path: str,
    old: Texts,
    new: bytes | None,
    committed: str | None,
    staged: bytes | None,
    working: bytes | None,
) -> Step:
    """``committed`` is the blob that holds ``new``, the committed text."""
    entry = None
    if staged != old.staged:
        mode = old.entry.mode if old.entry else old.tip.mode if old.tip else PLAIN
        oid = staged and (committed if staged == new and committed else write_object(repo, "blob", staged))
        known = oid or (old.entry and old.entry.oid) or ""
        entry = (old.entry, f"{mode} {oid}\t{path}" if oid else f"0 {'0' * len(known)}\t{path}")
    return Step(committed, entry, None if working == old.working else (old.working, working))


def read_texts(repo: Repository, tip: Tip, file: IndexFile | None, paths: Sequence[str]) -> dict[str, Texts]:
    """Committed, staged and working text of each path. Raises ``Refusal`` for links, submodules, unmerged
    paths, and files where folders must be.
    """
    git, tips = repo.git, tip.entries
    index = {p: Entry(t.mode, t.oid) for p, t in tips.items()} if file else read_index(git, paths)
    modes = [(p, t.mode) for p, t in tips.items()] + [(p, e.mode) for p, e in index.items()]
    for path, mode in modes:
        if not mode.startswith("100"):
            raise Refusal(
                f"{path} is no plain file in git",
                code="not-a-file",
                hint="replace it by a plain one, and commit that",
            )
    wanted = [oid for oid in dict.fromkeys(e.oid for e in index.values()) if oid not in tip.texts]
    texts: dict[str, bytes | None] = {
        **tip.texts,
        **dict(zip(wanted, read_objects(git, wanted), strict=True)),
    }
    found = {}
    for path in paths:
        there, entry = tips.get(path), index.get(path)
        staged = texts[entry.oid] if entry else None
        if entry and there is None and entry.oid in _EMPTY_BLOBS:
            staged = None
        found[path] = Texts(
            there, texts[there.oid] if there else None, entry, staged, read_file(repo.top, path)
        )
    return found
