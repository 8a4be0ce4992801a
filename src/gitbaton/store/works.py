"""Telling works apart: whether two commits hold the same files, our own folder aside."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from gitbaton.store.layout import TASKS
from gitbaton.store.sealing import split_objects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitbaton.store.git import Git


def name_works(git: Git, commits: Iterable[str]) -> dict[str, str]:
    """By commit: the same text for those whose files are the same but for ``tasks/``. What isn't here is left out."""
    known = list(dict.fromkeys(commits))
    if not known:
        return {}
    asked = [f"{commit}^{{tree}}".encode() for commit in known]
    out = git.call("cat-file", "--batch", "--buffer", "-z", data=b"".join(a + b"\0" for a in asked))
    return {
        commit: _name(found[2], len(found[0]) // 2)
        for commit, found in zip(known, split_objects(asked, out), strict=True)
        if found and found[1] == b"tree"
    }


def _name(tree: bytes, id_bytes: int) -> str:
    """A hash of a tree's entries without ``tasks``: each is ``mode name``, NUL, and an id in bytes."""
    rest = hashlib.sha256()
    at = 0
    while at < len(tree):
        end = tree.index(b"\0", at)
        after = end + 1 + id_bytes
        if tree[at:end].partition(b" ")[2] != TASKS.encode():
            rest.update(tree[at:after])
        at = after
    return rest.hexdigest()
