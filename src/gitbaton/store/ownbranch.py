"""A task branch in a person's own working trees: where it is, getting it there, and going back.

What a checkout was begun with stands in the repository's git config, with the branch: it is a note for ``finish`` and
``abandon``, goes with the branch, and nothing is lost without it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.git import is_ancestor, resolve
from gitbaton.store.merging import find_checkout, move_branch

if TYPE_CHECKING:
    from gitbaton.store.git import Git
    from gitbaton.store.repository import Repository

_BUSY = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "BISECT_LOG")
_SHOWN = 5


class Note(NamedTuple):
    """What is noted with a branch: the run that it was begun for, and what was checked out before."""

    run: str | None
    came_from: str | None


def read_note(repo: Repository, branch: str) -> Note:
    """The note of a branch."""
    return Note(
        *(repo.git.find("config", "--get", f"branch.{branch}.{key}") for key in ("batonrun", "batonfrom"))
    )


def write_note(repo: Repository, branch: str, note: Note) -> None:
    """Note it with the branch; None takes a part away."""
    for key, value in zip(("batonrun", "batonfrom"), note, strict=True):
        name = f"branch.{branch}.{key}"
        if value is None:
            repo.git.run("config", "--unset-all", name)
        else:
            repo.git.call("config", name, value)


def list_noted(repo: Repository) -> list[str]:
    """The branches that were begun here and not given back."""
    found = repo.git.find("config", "--name-only", "--get-regexp", r"^branch\..*\.batonrun$") or ""
    return [line.removeprefix("branch.").removesuffix(".batonrun") for line in found.splitlines()]


def find_current(git: Git) -> str | None:
    """The branch checked out there; None: a commit is."""
    found = git.find("symbolic-ref", "--quiet", "--short", "HEAD")
    return found or None


def list_changed(git: Git, *, untracked: bool) -> list[str]:
    """Files with changes that are not committed."""
    kind = "normal" if untracked else "no"
    out = git.call("status", "--porcelain", "-z", f"--untracked-files={kind}", "--no-renames")
    return [field[3:].decode("utf-8", "replace") for field in out.split(b"\0") if field]


def refuse_unclean(repo: Repository, git: Git, doing: str, hint: str, *, untracked: bool = False) -> None:
    """Raises ``Refusal``: ``merge-in-progress``, or ``dirty-files`` with their names."""
    folder = Path(git.text("rev-parse", "--absolute-git-dir"))
    if any((folder / name).exists() for name in _BUSY):
        raise Refusal(
            f"a merge or rebase is under way in {git.where}: {doing} waits for its end",
            code="merge-in-progress", hint="see what: git status",
        )  # fmt: skip
    if dirty := list_changed(git, untracked=untracked):
        more = " …" if len(dirty) > _SHOWN else ""
        where = "" if git.where == repo.git.where else f" of {git.where}"
        raise Refusal(
            f"files{where} have changes that are not committed: {', '.join(dirty[:_SHOWN])}{more}",
            code="dirty-files", hint=hint, data={"files": dirty},
        )  # fmt: skip


def bring_branch(repo: Repository, branch: str, start: str, folder: Path | None) -> tuple[Path, str | None]:
    """Have ``branch`` checked out, at ``start`` or where commits of the person's own have led it since: in this
    checkout, or (``folder``) in a new worktree there. Returns where it is, and what was checked out before, None:
    another worktree has it. Raises ``Refusal``: ``branch-diverged``, ``not-switched``, ``taken-path``.
    """
    git, ref = repo.git, f"refs/heads/{branch}"
    local = resolve(git, ref)
    there = find_checkout(repo, branch)
    target = local if local and is_ancestor(git, start, local) else start
    if local and target != local:
        if not is_ancestor(git, local, start):
            raise Refusal(
                f"the branch {branch} of this clone and its published work have parted", code="branch-diverged",
                hint=f"keep yours under another name: git branch -m {branch} {branch}-mine",
            )  # fmt: skip
        if there:
            done = there.git.run("merge", "--ff-only", "--quiet", start)
            _refuse_failed(done.code, done.err, branch)
        else:
            move_branch(repo, ref, start, local, "bring the published work")
    if there:
        return there.git.where, None
    if folder is None:
        came_from = find_current(git) or resolve(git, "HEAD")
        done = git.run(
            "switch", "--quiet", *([branch] if local else ["--no-track", "--create", branch, start])
        )
        _refuse_failed(done.code, done.err, branch)
        return repo.top, came_from
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal(f"there is something at {folder} already", code="taken-path", hint="name another folder with --worktree PATH")  # fmt: skip
    new = [os.fspath(folder), branch] if local else ["--no-track", "-b", branch, os.fspath(folder), start]
    done = git.run("worktree", "add", "--quiet", *new)
    _refuse_failed(done.code, done.err, branch)
    return folder.resolve(), None


def _refuse_failed(code: int, said: str, branch: str) -> None:
    if code:
        line = next((x for x in said.splitlines() if x.strip()), "git says no more")
        raise Refusal(
            f"{branch} could not be checked out: {line.removeprefix('error: ').removeprefix('fatal: ')}",
            code="not-switched", hint="move what is in the way, or take a folder beside this one: --worktree",
            data={"stderr": said[-2000:]},
        )  # fmt: skip


def go_back(git: Git, came_from: str) -> bool:
    """Check out again what was there before; False when git refuses."""
    is_branch = git.find("rev-parse", "--verify", "--quiet", f"refs/heads/{came_from}") is not None
    return git.run("switch", "--quiet", *([] if is_branch else ["--detach"]), came_from).code == 0
