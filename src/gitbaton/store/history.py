"""Cold reading with GitPython: diffs and logs for people. The one file that imports it."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.store.capture import show_path
from gitbaton.store.failures import Output, explain_failure
from gitbaton.store.sealing import REDIRECTING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gitbaton.store.repository import Repository


class Change(NamedTuple):
    """One file of a diff. ``kind`` is git's letter (A, M, D, R, T); ``patch`` is unified diff text, without
    header; binary files have none.
    """

    path: str
    kind: str
    added: int
    removed: int
    patch: str
    old_path: str | None = None


class Touched(NamedTuple):
    """A file that a commit changed: its blobs before and after; None where there was, or is, none."""

    path: str
    old: str | None
    new: str | None


class LoggedCommit(NamedTuple):
    """A commit and what it changed; ``at`` is when it was written, in seconds since the epoch."""

    oid: str
    at: float
    author: str
    subject: str
    files: tuple[Touched, ...]
    is_merge: bool = False


@contextlib.contextmanager
def _open(repo: Repository) -> Iterator[Any]:
    """GitPython's repository. Its processes take the environment as it is, so what would lead them elsewhere is
    gone for the while; our own git leaves those variables aside anyway.
    """
    away = {name: os.environ.pop(name) for name in REDIRECTING if name in os.environ}
    try:
        import git  # noqa: TID251 the one file that may

        opened = git.Repo(repo.top, search_parent_directories=False)
        first = int(os.environ.get("GIT_CONFIG_COUNT") or 0)
        for n, (name, value) in enumerate(_QUIET.items(), first):
            opened.git.update_environment(**{f"GIT_CONFIG_KEY_{n}": name, f"GIT_CONFIG_VALUE_{n}": value})
        opened.git.update_environment(
            GIT_CONFIG_COUNT=str(first + len(_QUIET)), GIT_TRACE="0", GIT_OPTIONAL_LOCKS="0"
        )
        try:
            yield opened
        except git.exc.GitCommandError as error:
            said = str(error.stderr).strip().removeprefix("stderr: '").rstrip("'")  # as GitPython dresses it
            raise explain_failure(("diff-tree",), Output(1, b"", said)) from error
        finally:
            opened.close()
    finally:
        os.environ.update(away)


#: As for our own git: no monitor and no hook of the repository runs.
_QUIET = {"core.fsmonitor": "false", "core.hooksPath": os.devnull}


def list_changes(repo: Repository, base: str, head: str) -> list[Change]:
    """What ``head`` changes against commit ``base``, file by file, in path order. No external diff or text
    conversion runs: both could be configured by whoever wrote the files.
    """
    with _open(repo) as opened:
        diffs = opened.commit(base).diff(
            head, create_patch=True, no_ext_diff=True, no_textconv=True, find_renames=True
        )
        return sorted((_read(diff) for diff in diffs), key=lambda change: change.path)


def _read(diff: Any) -> Change:
    patch = diff.diff.decode("utf-8", "replace") if isinstance(diff.diff, bytes) else str(diff.diff or "")
    old, new = (show_path(raw) if raw else None for raw in (diff.a_rawpath, diff.b_rawpath))
    kind = "A" if diff.new_file else "D" if diff.deleted_file else "R" if diff.renamed_file else "M"
    if kind == "M" and diff.a_mode and diff.b_mode and stat.S_IFMT(diff.a_mode) != stat.S_IFMT(diff.b_mode):
        kind = "T"
    lines = patch.split("\n")
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return Change(new or old or "", kind, added, removed, patch, old if kind == "R" else None)


def list_commits(
    repo: Repository, revisions: Sequence[str], paths: Sequence[str], *, most: int | None = None, first_parent: bool = False
) -> list[LoggedCommit]:  # fmt: skip
    """The commits among ``revisions`` (as ``git log`` takes them: ids, ``^id`` for what is left out) that changed
    ``paths`` (git's pathspecs), newest first; merges only where they differ from all that they merge. With
    ``first_parent`` what a branch itself went through: a merge stands for all that it brought.
    """
    if not any(not r.startswith("^") for r in revisions):
        return []
    limit = [f"--max-count={most}"] if most is not None else []
    limit += ["--first-parent", "--diff-merges=first-parent"] if first_parent else []
    with _open(repo) as opened:
        out: bytes = opened.git.log(
            "-z", "--raw", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-show-signature", "--no-decorate",
            "--no-color", "--no-mailmap", "--encoding=UTF-8", "--format=%x01%H %at %p%x03%an%x02%s", *limit, *revisions, "--", *paths,
            stdout_as_string=False,
        )  # fmt: skip
    commits: list[LoggedCommit] = []
    tokens = iter(out.split(b"\0"))
    for raw in tokens:
        token = raw.lstrip(b"\n")
        if token.startswith(b"\x01"):
            commits.append(_read_head(token[1:]))
        elif token.startswith(b":") and commits:
            _, _, old, new, _ = token.decode().split(" ")
            touched = Touched(
                next(tokens).decode("utf-8", "surrogateescape"), *(None if not o.strip("0") else o for o in (old, new))
            )  # fmt: skip
            commits[-1] = commits[-1]._replace(files=(*commits[-1].files, touched))
    return commits


def _read_head(token: bytes) -> LoggedCommit:
    head, _, subject = token.decode("utf-8", "replace").partition("\x02")
    marks, _, author = head.partition("\x03")
    oid, at, *parents = marks.split()
    return LoggedCommit(oid, float(at), author, subject, (), len(parents) > 1)
