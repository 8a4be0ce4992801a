"""Roles: those that ship with gitbaton, and those of the repository, which replace them by name."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from gitbaton.domain.role import Role
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import ROLES

if TYPE_CHECKING:
    from gitbaton.store.repository import Repository


@cache
def builtin_roles() -> dict[str, Role]:
    """The roles that ship with gitbaton, by name."""
    folder = resources.files("gitbaton").joinpath("builtin", "roles")
    found = {}
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.name.endswith(".yaml"):
            found[file.name.removesuffix(".yaml")] = parse_document(
                file.read_bytes(), f"builtin/roles/{file.name}", Role, "role"
            )
    return dict(sorted(found.items()))


def find_role(repo: Repository, commit: str, name: str) -> Role | None:
    """The role of that name at ``commit``, else the built-in one, else None: any name is allowed, and a role
    that nobody described adds no guidance. Raises ``InvalidDocument`` for a file that can't be read.
    """
    path = f"{ROLES}/{name}.yaml"
    text = read_objects(repo.git, [f"{commit}:{path}"])[0] if "\n" not in name else None
    if text is not None:
        return parse_document(text, path, Role, "role")
    return builtin_roles().get(name)
