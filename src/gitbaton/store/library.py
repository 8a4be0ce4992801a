"""Roles and workflows by name: those that ship with gitbaton, and those of a repository, which replace them."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.store.git import list_tree, read_objects
from gitbaton.store.layout import ROLES, WORKFLOWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.repository import Repository

Shelf = Literal["roles", "workflows"]
FOLDERS: Mapping[Shelf, str] = {"roles": ROLES, "workflows": WORKFLOWS}
_ENDING = ".yaml"


class Volume(NamedTuple):
    """A file: where it stands, and its text."""

    path: str
    text: bytes
    builtin: bool = False


@cache
def read_builtin(shelf: Shelf) -> Mapping[str, Volume]:
    """The files that ship with gitbaton, by name."""
    folder = resources.files("gitbaton").joinpath("builtin", shelf)
    found = {
        file.name.removesuffix(_ENDING): Volume(
            f"builtin/{shelf}/{file.name}", file.read_bytes(), builtin=True
        )
        for file in (folder.iterdir() if folder.is_dir() else ())
        if file.name.endswith(_ENDING)
    }
    return dict(sorted(found.items()))


def read_own(repo: Repository, shelf: Shelf, commit: str | None = None) -> dict[str, Volume]:
    """The repository's files by name: of this checkout as it is, or at ``commit``."""
    folder = FOLDERS[shelf]
    if commit is None:
        top = repo.top / folder
        files = sorted(top.glob(f"*{_ENDING}")) if top.is_dir() and not top.is_symlink() else []
        read = {f.name: f.read_bytes() for f in files if f.is_file() and not f.is_symlink()}
    else:
        entries = [
            e for e in list_tree(repo.git, commit, folder) if e.path.count("/") == folder.count("/") + 1
        ]
        texts = read_objects(repo.git, [e.oid for e in entries])
        read = {
            e.path.rpartition("/")[2]: text
            for e, text in zip(entries, texts, strict=True)
            if text is not None and e.path.endswith(_ENDING)
        }
    return {
        name.removesuffix(_ENDING): Volume(f"{folder}/{name}", text) for name, text in sorted(read.items())
    }


def read_shelf(repo: Repository, shelf: Shelf, commit: str | None = None) -> dict[str, Volume]:
    """All of them by name, the repository's in place of built-in ones."""
    return dict(sorted({**read_builtin(shelf), **read_own(repo, shelf, commit)}.items()))
