"""Commits made apart from any checkout: an edit on top of a given commit, and commits carried onto another one.

Nothing moves here. Objects are written that nothing refers to yet; whoever calls publishes them by
compare-and-swap, or leaves them to git's clean-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, Refusal
from gitbaton.store.git import (
    Authorship,
    commit_tree,
    list_entries,
    list_tree,
    read_objects,
    write_blob,
    write_tree_with,
)
from gitbaton.store.layout import TASKS, classify
from gitbaton.store.merge import merge_documents
from gitbaton.store.threeway import compare_three

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitbaton.store.git import Git, TreeEntry
    from gitbaton.store.repository import Repository
    from gitbaton.store.threetexts import Change

_PLAIN = "100644"
#: Mode and blob of a file in a tree.
_Leaf = tuple[str, str]


class Carried(NamedTuple):
    """A commit that was made anew on top of others. ``new`` is None where those said everything already."""

    old: str
    new: str | None
    subject: str


class Clash(NamedTuple):
    """A document that two sides changed in ways that don't go together, and the fields that are at odds."""

    path: str
    fields: tuple[str, ...]


def commit_apart(repo: Repository, parent: str, changes: Mapping[str, Change], message: str) -> str | None:
    """A commit on top of ``parent`` with ``changes`` made; None when it says so already. Raises what the changes
    raise, and ``Refusal`` (``no-identity``, ``signing-failed``, ``not-a-file``).
    """
    git = repo.git
    entries = list_entries(git, parent, changes)
    for path, entry in entries.items():
        if not entry.mode.startswith("100"):
            raise Refusal(
                f"{path} is no plain file in git",
                code="not-a-file",
                hint="replace it by a plain one, and commit that",
            )
    texts = dict(zip(entries, read_objects(git, (e.oid for e in entries.values())), strict=True))
    leaves: dict[str, _Leaf | None] = {}
    for path, change in changes.items():
        old = texts.get(path)
        new = change(old)
        if new != old:
            mode = entries[path].mode if path in entries else _PLAIN
            leaves[path] = None if new is None else (mode, write_blob(git, new))
    if not leaves:
        return None
    tree = write_tree_with(git, f"{parent}^{{tree}}", leaves, replacing=False)
    return commit_tree(git, tree, [parent], message, sign=True)


# -- carrying commits onto others --------------------------------------------------------------------------------


def carry_commits(repo: Repository, upstream: str, head: str, name: str) -> list[Carried]:
    """Make the commits of ``head`` that ``upstream`` lacks anew on top of it, documents field by field; author and
    message stay. ``name`` is what people call the upstream.

    Raises ``Refusal``: ``not-linear`` (a merge among them), ``other-changes`` (files outside of ``tasks/``),
    ``merge-conflict`` with files and fields in ``data["conflicts"]``; then nothing has happened.
    """
    git = repo.git
    lines = git.text("rev-list", "--reverse", "--topo-order", "--parents", f"{upstream}..{head}").splitlines()
    rows = [line.split(" ") for line in lines]
    by_hand = f"git pull --rebase {name.replace('/', ' ', 1)}"
    if any(len(row) != 2 for row in rows):
        raise Refusal(
            f"your branch and {name} have both moved, and there is a merge among your commits",
            code="not-linear", hint=f"bring them together yourself: {by_hand.replace(' --rebase', ' --no-rebase')}",
        )  # fmt: skip
    steps = [(commit, parent, _read_changes(git, parent, commit)) for commit, parent in rows]
    if other := sorted({p for _, _, changes in steps for p in changes if not p.startswith(f"{TASKS}/")}):
        raise Refusal(
            f"your branch and {name} have both moved, and your commits change more than tasks: {', '.join(other[:5])}",
            code="other-changes", hint=f"bring them together yourself: {by_hand}", data={"files": other},
        )  # fmt: skip
    done: list[Carried] = []
    tip = upstream
    for commit, _, changes in steps:
        subject, message, credit = _read_message(git, commit)
        leaves, clashes = _carry(git, tip, changes)
        if clashes:
            said = "; ".join(f"{c.path} ({', '.join(c.fields)})" for c in clashes)
            raise Refusal(
                f"you and {name} changed the same: {said}", code="merge-conflict",
                hint=f"nothing was changed here; choose in your editor after: {by_hand}",
                data={"commit": commit, "conflicts": [{"path": c.path, "fields": list(c.fields)} for c in clashes]},
            )  # fmt: skip
        new = None
        if leaves:
            tree = write_tree_with(git, f"{tip}^{{tree}}", leaves)
            tip = new = commit_tree(git, tree, [tip], message, credit=credit, sign=True)
        done.append(Carried(commit, new, subject))
    return done


def list_subjects(git: Git, *revisions: str) -> list[tuple[str, str]]:
    """(commit, subject) of the commits that these arguments of ``git rev-list`` name, oldest first."""
    out = git.text("log", "--reverse", "--topo-order", "--format=%H %s", *revisions, "--")
    return [(line[: line.index(" ")], line[line.index(" ") + 1 :]) for line in out.splitlines()]


class _Changed(NamedTuple):
    old: _Leaf | None
    new: _Leaf | None


def _read_changes(git: Git, parent: str, commit: str) -> dict[str, _Changed]:
    fields = git.call("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", parent, commit).split(
        b"\0"
    )
    changes = {}
    for meta, path in zip(fields[::2], fields[1::2], strict=False):
        mode, new_mode, oid, new_oid, _ = meta.decode().removeprefix(":").split(" ")
        old, new = ((m, o) if m != "000000" else None for m, o in ((mode, oid), (new_mode, new_oid)))
        changes[path.decode("utf-8", "surrogateescape")] = _Changed(old, new)
    return changes


def _read_message(git: Git, commit: str) -> tuple[str, str, Authorship]:
    """Subject, whole message and author."""
    out = git.call("log", "-1", "--date=raw", "--format=%an%x00%ae%x00%ad%x00%s%x00%B", commit)
    name, email, date, subject, message = out[:-1].decode("utf-8", "replace").split("\0", 4)
    return subject, message, Authorship(name, email, date)


def _carry(
    git: Git, tip: str, changes: Mapping[str, _Changed]
) -> tuple[dict[str, _Leaf | None], list[Clash]]:
    """What one commit's changes come to on top of ``tip``. A task's file is followed where either side moved it
    to another folder.
    """
    there = {p: (e.mode, e.oid) for p, e in list_entries(git, tip, changes).items()}
    moved = _find_moves(changes)
    leaves: dict[str, _Leaf | None] = {}
    clashes = []
    for path, (old, new) in changes.items():
        if path in moved.values() and old is None:
            continue  # handled with the place it came from
        target, mine, source = path, new, path
        if path in moved:
            target, mine = moved[path], changes[moved[path]].new
            if path not in there and target in there:  # they moved it there, too
                source = target
        elif path not in there and old and new and (place := _find_elsewhere(git, tip, path)):
            source = target = place.path
            there[target] = (place.mode, place.oid)
        result = _merge_leaf(git, target, old, mine, there.get(source))
        if isinstance(result, Clash):
            clashes.append(result)
            continue
        if result != there.get(target):
            leaves[target] = result
        if target != path and path in there and path in moved:
            leaves[path] = None
    return leaves, clashes


def _find_moves(changes: Mapping[str, _Changed]) -> dict[str, str]:
    """Old path → new path of the tasks that a commit moves to another folder."""
    added = {
        place.id: p
        for p, c in changes.items()
        if c.old is None and (place := classify(p)) and place.kind == "task"
    }
    gone = {
        p: place.id
        for p, c in changes.items()
        if c.new is None and (place := classify(p)) and place.kind == "task"
    }
    return {p: added[task] for p, task in gone.items() if task in added}


def _find_elsewhere(git: Git, tip: str, path: str) -> TreeEntry | None:
    """The file of the same task in another folder."""
    place = classify(path)
    if place is None or place.kind != "task":
        return None
    name = path.rpartition("/")[2]
    found = [e for e in list_tree(git, tip, TASKS) if e.path.rpartition("/")[2] == name and _is_task(e.path)]
    return found[0] if len(found) == 1 else None


def _is_task(path: str) -> bool:
    place = classify(path)
    return place is not None and place.kind == "task"


def _merge_leaf(
    git: Git, path: str, old: _Leaf | None, mine: _Leaf | None, there: _Leaf | None
) -> _Leaf | Clash | None:
    if there in (old, mine):
        return mine
    if mine == old:
        return there
    if mine is None or there is None:
        return Clash(
            path, ("changed there, deleted here" if mine is None else "changed here, deleted there",)
        )
    if not all(leaf is None or leaf[0].startswith("100") for leaf in (old, mine, there)):
        return Clash(path, ("no plain file",))
    texts = [t or b"" for t in read_objects(git, [leaf[1] for leaf in (old, mine, there) if leaf])]
    base, ours, theirs = texts if old else [b"", *texts]
    mode = mine[0] if old is None or mine[0] != old[0] else there[0]
    merged = _merge_any(base, theirs, ours, path)
    return merged if isinstance(merged, Clash) else (mode, write_blob(git, merged))


def _merge_any(base: bytes, there: bytes, mine: bytes, path: str) -> bytes | Clash:
    if classify(path):
        try:
            merged = merge_documents(base, there, mine, path)
        except BatonError as error:
            return Clash(path, (error.message,))
        return Clash(path, merged.conflicts) if merged.conflicts else merged.text
    lines: list[str] = []
    for region in compare_three(
        *(t.decode("latin-1").splitlines(keepends=True) for t in (base, there, mine))
    ):
        if region.merged is None:
            return Clash(path, ("the same lines",))
        lines += region.merged
    return "".join(lines).encode("latin-1")


def last_commit(carried: Sequence[Carried], upstream: str) -> str:
    """The tip that the carried commits came to."""
    return next((c.new for c in reversed(carried) if c.new), upstream)
