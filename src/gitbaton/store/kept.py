"""One task whole, from what is kept: its place on the board from the index, its text, attempts and handoffs. That is
right only where this checkout adds nothing to base, which is asked of git first.

No more modules are loaded, and git is asked no more often, than that takes: ``show`` is asked for most.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.store.sealing import ask_git, read_blobs, split_objects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.domain.board import Entry
    from gitbaton.store.cache import Cache
    from gitbaton.store.cachemove import Wanted

_OID_LENGTHS = (40, 64)


class Kept(NamedTuple):
    """A task on the board, its text (None where it isn't valid) and its attempts as plain values, and (path, text) of its handoffs,
    newest first, read as they are asked for.
    """

    entry: Entry
    text: dict[str, Any] | None
    past: list[dict[str, Any]]
    handoffs: Iterator[tuple[str, bytes]]


class Unreadable(Exception):
    """Git could not say now what it could before."""


def find_head(top: str, base: str) -> str | None:
    """The commit that is checked out, if nothing under ``tasks/`` is different here from what ``base`` or an ancestor
    of it says; None where there may be something.
    """
    out = ask_git(
        top,
        ("status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z", "--untracked-files=all", "--no-renames",
         "--ignore-submodules=all", "--", ":(top)tasks"),
    )  # fmt: skip
    lines = (out or b"").split(b"\0")
    heads = [line[13:].decode() for line in lines if line.startswith(b"# branch.oid ")]
    if len(heads) != 1 or any(not line.startswith(b"# ") for line in lines if line):
        return None
    head = heads[0]
    if head == base:
        return head
    forks = (ask_git(top, ("merge-base", head, base)) or b"").decode().split()
    if not forks:
        return None
    same = ("diff-tree", "--quiet", forks[0], head, "--", "tasks/")
    is_same = head == forks[0] or ask_git(top, same, GIT_INDEX_FILE="/nonexistent") is not None
    return head if is_same else None


def read_task(cache: Cache, wanted: Wanted, head: str, entry: Entry) -> Kept | None:
    """What else is to be said about a task of base; None where that isn't kept, or git can't say."""
    from gitbaton.store.layout import HANDOFFS

    task, live = entry.row.id, entry.live
    folder = f"{HANDOFFS}/{task}"
    commits = list(dict.fromkeys([wanted.base, head, *([live.head] if live and live.head else [])]))
    if any(len(commit) not in _OID_LENGTHS for commit in commits):
        return None
    asked = [
        name.encode("utf-8", "surrogateescape")
        for name in (f"{wanted.base}:{entry.row.path}", *(f"{commit}:{folder}" for commit in commits))
    ]
    out = ask_git(wanted.top, ("cat-file", "--batch", "--buffer", "-z"), b"".join(a + b"\0" for a in asked))
    if out is None:
        return None
    document, *folders = split_objects(asked, out)
    past = _list_past(cache, wanted, task)
    if document is None or document[1] != b"blob" or not document[2] or past is None:
        return None
    text = read_document(cache, document[2], entry.row.path, "task", document[0])
    there = [commit for commit, found in zip(commits, folders, strict=True) if found and found[1] == b"tree"]
    return Kept(entry, text, past, _iter_handoffs(wanted.top, folder, there))


def _list_past(cache: Cache, wanted: Wanted, task: str) -> list[dict[str, Any]] | None:
    """The attempts at a task; None where they aren't kept."""
    oid = wanted.tips.get(task)
    if oid is None:
        return []
    kept = cache.find_state(task, oid)
    return None if kept is None else list(kept[1])


def read_document(
    cache: Cache, data: bytes, path: str, kind: str, oid: str | None = None
) -> dict[str, Any] | None:
    """The fields of a document that say something; None where it isn't valid. ``oid`` is its blob id, if known."""
    if oid is None or len(oid) != _OID_LENGTHS[0]:
        from gitbaton.store.cache import hash_blob

        oid = hash_blob(data)
    kept = cache.find_document(kind, oid)
    if kept is None:
        kept = _parse(data, path, kind)
        cache.keep_document(kind, oid, kept)
    return kept if isinstance(kept, dict) else None


def _parse(data: bytes, path: str, kind: str) -> Any:
    from gitbaton.errors import InvalidDocument
    from gitbaton.store.documents import parse_document
    from gitbaton.store.schemas import model_of

    try:
        document = parse_document(data, path, model_of(kind), kind)
    except InvalidDocument:
        return "invalid"
    return document.model_dump(mode="json", exclude_defaults=True, exclude={"version"})


def _iter_handoffs(top: str, folder: str, commits: list[str]) -> Iterator[tuple[str, bytes]]:
    found: dict[str, str | None] = {}
    for commit in commits:
        out = ask_git(top, ("ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{folder}/"))
        if out is None:
            raise Unreadable
        for line in out.split(b"\0"):
            meta, _, name = line.decode("utf-8", "surrogateescape").partition("\t")
            if meta.split(" ")[1:2] == ["blob"]:
                found.setdefault(name, meta.split(" ")[2])
    for path, oid in sort_handoffs(top, folder, found):
        if oid is None:
            with open(f"{top}/{path}", "rb") as file:
                yield path, file.read()
            continue
        texts = read_blobs(top, [oid])
        if texts is None:
            raise Unreadable
        yield path, texts[0] or b""


def sort_handoffs(top: str, folder: str, found: dict[str, str | None]) -> list[tuple[str, str | None]]:
    """(path, blob) of handoffs, newest first: their names tell the time. ``found`` are the files that are known in
    git; to them come those of the working tree, for which the blob is None.
    """
    from gitbaton.store.layout import classify

    def is_handoff(path: str) -> bool:
        place = classify(path)
        return place is not None and place.kind == "handoff"

    all_files = {path: oid for path, oid in found.items() if is_handoff(path)}
    if os.path.isdir(f"{top}/{folder}"):
        from pathlib import Path

        for file in Path(top, folder).rglob("*.yaml"):
            path = file.relative_to(top).as_posix()
            if path not in all_files and is_handoff(path) and file.is_file() and not file.is_symlink():
                all_files[path] = None
    return sorted(all_files.items(), key=lambda item: item[0].rsplit("/", 1)[-1], reverse=True)
