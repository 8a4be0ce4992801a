"""``baton diff``: what changed on tasks between two versions of the repository, told by tasks and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from gitbaton.domain.comparing import FieldChange, compare_values
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.git import find_merge_base, resolve
from gitbaton.store.layout import classify, is_archived
from gitbaton.store.overlay import read_dirty
from gitbaton.store.rows import read_texts
from gitbaton.store.snapshots import SourceFile, read_revision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gitbaton.store.layout import Place
    from gitbaton.store.repository import Repository
    from gitbaton.usecases.project import Project

What = Literal["added", "removed", "changed", "renamed", "moved", "archived", "restored"]
Files = dict[str, SourceFile]


class DocumentChange(NamedTuple):
    """What happened to one document. ``old_id`` and ``old_path`` are set where they were others; ``value`` is what
    its file says now, or said last; None where that can't be read, and ``trouble`` says why.
    """

    kind: str
    id: str
    what: What
    path: str
    old_path: str | None
    old_id: str | None
    fields: tuple[FieldChange, ...]
    value: dict[str, Any] | None
    trouble: str | None

    @property
    def title(self) -> str | None:
        """The title, where there is one."""
        return str(self.value["title"]) if self.value and "title" in self.value else None


class Difference(NamedTuple):
    """All changes from one version to another. ``new`` is None for this checkout with what isn't committed."""

    old: str
    new: str | None
    changes: list[DocumentChange]


class _Version(NamedTuple):
    path: str
    file: SourceFile
    place: Place


def diff_revisions(project: Project, text: str | None) -> Difference:
    """Compare as ``text`` says: ``A..B``, ``A...B`` (B against where both parted), ``A`` or nothing (HEAD) against
    this checkout. Raises ``Refusal`` (``unknown-revision``).
    """
    repo = project.repo
    if text is None or ".." not in text:
        old = _get_commit(repo, text or "HEAD")
        return Difference(old, None, compare_files(repo, read_revision(repo, old, handoffs=True), _read_here(repo)))  # fmt: skip
    dots = "..." if "..." in text else ".."
    old, new = (_get_commit(repo, side or "HEAD") for side in text.split(dots, 1))
    if dots == "...":
        fork = find_merge_base(repo.git, old, new)
        if fork is None:
            raise Refusal(f"{text}: these have no commit in common", code="unknown-revision", hint=f"baton diff {text.replace('...', '..')}")  # fmt: skip
        old = fork
    return Difference(old, new, compare_commits(repo, old, new))


def _get_commit(repo: Repository, revision: str) -> str:
    if found := resolve(repo.git, revision):
        return found
    raise Refusal(
        f"there is no commit '{revision}' here", code="unknown-revision", hint="see commits with: git log --oneline -- tasks",
        data={"revision": revision},
    )  # fmt: skip


def _read_here(repo: Repository) -> Files:
    """The documents of this checkout, with what isn't committed."""
    files = read_revision(repo, resolve(repo.git, "HEAD"), handoffs=True)
    for path, file in read_dirty(repo).items():
        if file is None:
            files.pop(path, None)
        else:
            files[path] = file
    return files


def compare_commits(repo: Repository, old: str | None, new: str | None) -> list[DocumentChange]:
    """What commit ``new`` has changed against ``old`` (None: nothing at all)."""
    if old == new:
        return []
    return compare_files(repo, *(read_revision(repo, commit, handoffs=True) for commit in (old, new)))


def compare_files(repo: Repository, old: Files, new: Files) -> list[DocumentChange]:
    """What differs, tasks first. Documents are told apart by kind and id: a file that moved is the same one."""
    before, after = (_by_key(files, other) for files, other in ((old, new), (new, old)))
    changed = list(dict.fromkeys([*before, *after]))
    both = [version[key] for version in (before, after) for key in changed if key in version]
    unread = [(v.path, v.file) for v in both if v.file.known is None and not v.file.complaint]
    for (_, file), text in zip(unread, read_texts(repo, unread), strict=True):
        file.known = text
    found = [_compare(before.get(key), after.get(key)) for key in changed]
    told = _pair_renamed([change for change in found if change is not None])
    order = ("task", "handoff", "plan", "config", "role", "workflow")
    return sorted(told, key=lambda c: (order.index(c.kind), c.id, c.path))


def _by_key(files: Mapping[str, SourceFile], others: Mapping[str, SourceFile]) -> dict[tuple[str, str], _Version]:  # fmt: skip
    """Documents that ``others`` don't have just so, by kind and id. Where two files share an id, their paths tell."""
    found: dict[tuple[str, str], _Version] = {}
    for path, file in files.items():
        other = others.get(path)
        if other is not None and file.oid is not None and (other.oid, other.link) == (file.oid, file.link):
            continue
        place = classify(path)
        assert place is not None, "only documents are read"
        name = path if place.kind == "handoff" else place.id
        key = (place.kind, name) if (place.kind, name) not in found else (place.kind, path)
        found[key] = _Version(path, file, place)
    return found


def _compare(old: _Version | None, new: _Version | None) -> DocumentChange | None:
    """The change; None where only something changed that means nothing, like a comment."""
    now = new or old
    assert now is not None
    place = now.place
    before, trouble_before = _read(old)
    after, trouble = _read(new)
    fields = (
        () if old is None or new is None else tuple(compare_values(before or {}, after or {}, place.kind))
    )
    what: What = "changed"
    if old is None or new is None:
        what = "removed" if new is None else "added"
    elif old.path != new.path:
        here, there = is_archived(old.path), is_archived(new.path)
        what = "moved" if here == there else "archived" if there else "restored"
    elif not fields and trouble is None and trouble_before is None:
        return None
    task = place.id
    if place.kind == "handoff":
        task = str((after or before or {}).get("task") or now.path.split("/")[-2])
    said = trouble_before if new is None else trouble
    mended = "it can be read again" if new is not None and trouble_before and not trouble else None
    return DocumentChange(
        place.kind, task, what, now.path, old.path if old is not None and old.path != now.path else None, None,
        () if trouble or trouble_before else fields, before if new is None else after, said or mended,
    )  # fmt: skip


def _read(version: _Version | None) -> tuple[dict[str, Any] | None, str | None]:
    """What a file says, as it says it; or why it can't be read."""
    from gitbaton.store.schemas import shape_for
    from gitbaton.store.yamlfile import parse_yaml

    if version is None:
        return None, None
    if version.file.complaint:
        return None, version.file.complaint[1]
    try:
        value = parse_yaml(version.file.data, version.path, shape_for(version.place.kind)).value
    except InvalidDocument as error:
        return None, f"it can't be read: {error.problems[0].message}"
    return value, None


def _pair_renamed(changes: Iterable[DocumentChange]) -> list[DocumentChange]:
    """A task that went and one that came with the same title and the same time of creation (or the same text) are one
    task with another id.
    """
    found = list(changes)
    gone = {_mark(c): c for c in found if c.kind == "task" and c.what == "removed" and c.value}
    for n, come in enumerate(found):
        old = (
            gone.pop(_mark(come), None)
            if come.kind == "task" and come.what == "added" and come.value
            else None
        )
        if old is None or old.value is None or come.value is None:
            continue
        fields = tuple(compare_values(old.value, come.value, "task"))
        found[n] = come._replace(what="renamed", old_id=old.id, old_path=old.path, fields=fields)
    renamed = {c.old_path for c in found if c.what == "renamed"}
    return [c for c in found if not (c.what == "removed" and c.path in renamed)]


def _mark(change: DocumentChange) -> str:
    value = change.value or {}
    if value.get("created"):
        return f"{value.get('title')}\0{value['created']}"
    return repr(sorted(value.items(), key=lambda item: item[0]))
