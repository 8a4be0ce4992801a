"""What an interrupted edit left, and how the next command completes it.

Git can't move a branch, replace the index and change working files in one step. An edit that is killed in
between would look like a staged revert of itself. So it notes beforehand, in a file of its own, what it is
about to do; the note goes away with the last step. Whoever finds one completes the edit, path by path, and
only where nothing has changed since: a person may have switched branches, committed, staged or typed.
"""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.checkout import Entry, IndexLock, Replacements, read_file, read_index
from gitbaton.store.git import is_ancestor, list_entries

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitbaton.store.repository import Repository


class Step(NamedTuple):
    """What an edit does to one path. ``committed`` is the new blob at the branch's tip; ``staged`` the index
    entry before and the line that replaces it; ``working`` the text before and after. None as a pair = left alone.
    """

    committed: str | None
    staged: tuple[Entry | None, str] | None
    working: tuple[bytes | None, bytes | None] | None


class Journal:
    """The note of one edit, and beside it, under names that begin alike, all that it leaves for a while: the
    ticket of its index lock, the next index, new texts.
    """

    def __init__(self, repo: Repository, name: str) -> None:
        self.file = repo.git_dir / "baton" / f"edit-{name}.json"
        self.ticket = self.file.with_suffix(".lock")
        self.mark = name

    def write(self, ref: str, commit: str | None, steps: Mapping[str, Step]) -> None:
        """Note what is about to happen, in one step."""
        self.file.parent.mkdir(exist_ok=True)
        self.issue_ticket()
        body = {
            "ref": ref,
            "commit": commit,
            "steps": {path: _render(step) for path, step in steps.items()},
        }
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(json.dumps(body))
        temporary.replace(self.file)

    def issue_ticket(self) -> None:
        """Write the file that becomes the index lock; no other has its content."""
        self.ticket.write_text(f"gitbaton, edit {self.mark}, process {os.getpid()}\n")

    def close(self) -> None:
        """The edit is complete, or never began."""
        self.file.unlink(missing_ok=True)
        self.ticket.unlink(missing_ok=True)


def _render(step: Step) -> dict[str, Any]:
    working = step.working and [None if t is None else base64.b64encode(t).decode() for t in step.working]
    return {"committed": step.committed, "staged": step.staged, "working": working}


def _parse(body: Mapping[str, Any]) -> Step:
    staged, working = body["staged"], body["working"]
    return Step(
        body["committed"],
        staged and (staged[0] and Entry(*staged[0]), str(staged[1])),
        working and tuple(None if t is None else base64.b64decode(t) for t in working),
    )


def is_interrupted(repo: Repository) -> bool:
    """Whether a command was interrupted here, or is just at work."""
    for folder in {repo.git_dir, repo.common_dir}:
        try:
            names = os.listdir(folder / "baton")
        except OSError:
            continue
        if any(name.startswith(("edit-", "checkout-")) for name in names):
            return True
    return False


def recover(repo: Repository) -> list[str]:
    """Complete what interrupted edits left; returns the paths that were mended. The caller holds the writers'
    lock, so that no edit is under way. Raises ``TryAgain`` while somebody else holds the index.
    """
    folder = repo.git_dir / "baton"
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    mended: list[str] = []
    for name in names:
        if name.startswith("edit-") and name.endswith(".json"):
            mended += _recover(repo, folder / name)
    for name in names:
        if name.startswith("edit-"):  # tickets, indexes and notes that were never finished
            (folder / name).unlink(missing_ok=True)
    return sorted(set(mended))


def _recover(repo: Repository, file: Path) -> list[str]:
    try:
        body = json.loads(file.read_bytes())
        steps = {path: _parse(step) for path, step in body["steps"].items()}
        ref, commit = str(body["ref"]), body["commit"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []  # of another version
    journal = Journal(repo, file.stem.removeprefix("edit-"))
    _drop_lock(repo, journal)
    if (
        not commit
        or repo.git.find("symbolic-ref", "--quiet", "HEAD") != ref
        or not is_ancestor(repo.git, commit, ref)
    ):
        return []
    tips = list_entries(repo.git, ref, steps)
    standing = {p: s for p, s in steps.items() if (tips[p].oid if p in tips else None) == s.committed}
    return _complete(repo, journal, standing)


def _drop_lock(repo: Repository, journal: Journal) -> None:
    """Remove the index lock if it is the one that the killed edit held."""
    lock = repo.git_dir / "index.lock"
    try:
        if lock.read_bytes() == journal.ticket.read_bytes():
            lock.unlink()
    except OSError:
        pass  # there is none, or it is somebody else's


def _complete(repo: Repository, journal: Journal, steps: Mapping[str, Step]) -> list[str]:
    if not steps:
        return []
    journal.issue_ticket()
    with IndexLock(repo, journal.ticket) as index:
        try:
            entries = read_index(repo.git, list(steps))
        except Refusal as refusal:
            if refusal.code != "merge-in-progress":  # git could not say: the note stays for the next command
                raise
            return []  # a person is in the middle of a merge there
        lines = {p: s.staged[1] for p, s in steps.items() if s.staged and entries.get(p) == s.staged[0]}
        texts = {
            p: s.working[1]
            for p, s in steps.items()
            if s.working and s.working[0] != s.working[1] and _still_says(repo, p, s.working[0])
        }
        with Replacements(repo.top, texts, journal.file) as files:
            index.prepare(lines.values(), {p: e for p, e in entries.items() if p in lines})
            files.apply()
            if lines:
                index.publish(steps)
    return [*lines, *texts]


def _still_says(repo: Repository, path: str, text: bytes | None) -> bool:
    try:
        return read_file(repo.top, path) == text
    except Refusal:
        return False  # something else stands there now
