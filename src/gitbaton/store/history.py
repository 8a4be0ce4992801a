"""Cold reading with GitPython: diffs and logs for people. The one file that imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
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


def _open(repo: Repository) -> Any:
    import git  # noqa: TID251 the one file that may

    return git.Repo(repo.top, search_parent_directories=False)


def list_changes(repo: Repository, base: str, head: str) -> list[Change]:
    """What ``head`` changes against commit ``base``, file by file, in path order. No external diff or text
    conversion runs: both could be configured by whoever wrote the files.
    """
    opened = _open(repo)
    try:
        diffs = opened.commit(base).diff(
            head, create_patch=True, no_ext_diff=True, no_textconv=True, find_renames=True
        )
        changes = []
        for diff in diffs:
            patch = (
                diff.diff.decode("utf-8", "replace") if isinstance(diff.diff, bytes) else str(diff.diff or "")
            )
            lines = patch.splitlines()
            path = diff.b_path or diff.a_path or ""
            kind = "A" if diff.new_file else "D" if diff.deleted_file else "R" if diff.renamed_file else "M"
            changes.append(
                Change(
                    path,
                    kind,
                    sum(1 for x in lines if x.startswith("+")),
                    sum(1 for x in lines if x.startswith("-")),
                    patch,
                    diff.a_path if diff.renamed_file else None,
                )
            )
        return sorted(changes)
    finally:
        opened.close()
