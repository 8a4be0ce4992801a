"""Whole documents as plain values, for answers that only show them: kept in the cache, so that no model and no YAML
reader is needed the second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitbaton.errors import InvalidDocument
from gitbaton.store.cache import hash_blob, open_cache
from gitbaton.store.git import list_tree, read_objects, resolve
from gitbaton.store.layout import HANDOFFS, classify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.store.repository import Repository


def read_plain(repo: Repository, data: bytes, path: str, kind: str) -> dict[str, Any] | None:
    """The fields of a document that say something; None where it isn't valid."""
    cache, oid = open_cache(repo), hash_blob(data)
    kept = cache.find_document(kind, oid)
    if kept is None:
        kept = _parse(data, path, kind)
        cache.keep_document(kind, oid, kept)
    return kept if isinstance(kept, dict) else None


def _parse(data: bytes, path: str, kind: str) -> Any:
    from gitbaton.store.documents import parse_document
    from gitbaton.store.schemas import model_of

    try:
        document = parse_document(data, path, model_of(kind), kind)
    except InvalidDocument:
        return "invalid"
    return document.model_dump(mode="json", exclude_defaults=True, exclude={"version"})


def iter_newest_handoffs(repo: Repository, task: str | None, head: str | None) -> Iterator[tuple[str, bytes]]:
    """(path, text) of the handoffs of a task (None: of everything), newest first: their names tell the time. They
    are looked for on base, in this checkout and at ``head``, the published work; only those asked for are read.
    """
    folder = f"{HANDOFFS}/{task}" if task else HANDOFFS
    places = [repo.base.commit, resolve(repo.git, "HEAD"), resolve(repo.git, head) if head else None]
    found: dict[str, str | None] = {}  # path → blob; None: in the working tree alone
    for commit in dict.fromkeys(c for c in places if c):
        for entry in list_tree(repo.git, commit, folder):
            if entry.kind == "blob" and _is_handoff(entry.path):
                found.setdefault(entry.path, entry.oid)
    for file in (repo.top / folder).rglob("*.yaml"):
        path = file.relative_to(repo.top).as_posix()
        if path not in found and _is_handoff(path) and file.is_file() and not file.is_symlink():
            found[path] = None
    for path in sorted(found, key=lambda p: p.rsplit("/", 1)[-1], reverse=True):
        oid = found[path]
        yield path, (read_objects(repo.git, [oid])[0] or b"") if oid else (repo.top / path).read_bytes()


def _is_handoff(path: str) -> bool:
    place = classify(path)
    return place is not None and place.kind == "handoff"
