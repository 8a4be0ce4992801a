"""Roles: those of the repository, and the built-in ones that they replace by name."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from gitbaton.domain.role import Role
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitbaton.store.repository import Repository

#: A task's role is free text; only names like these can be files. Everything else must not reach git.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")


def find_role(repo: Repository, commit: str | None, name: str) -> Role | None:
    """The role called ``name`` at ``commit``: the repository's own, else the built-in one, else None, because
    any other name is allowed, too. Raises ``InvalidDocument`` for a role file that can't be read.
    """
    if not _FILE_NAME.fullmatch(name):
        return None
    path = f"{ROLES}/{name}.yaml"
    text = read_objects(repo.git, [f"{commit}:{path}"])[0] if commit else None
    return parse_document(text, path, Role, "role") if text is not None else find_builtin_role(name)


@cache
def find_builtin_role(name: str) -> Role | None:
    """The role that ships with gitbaton under this name."""
    if name not in builtin_roles():
        return None
    file = resources.files("gitbaton").joinpath("builtin", "roles", f"{name}.yaml")
    return parse_document(file.read_bytes(), f"builtin/roles/{name}.yaml", Role, "role")


@cache
def builtin_roles() -> tuple[str, ...]:
    """Names of the built-in roles, sorted."""
    folder = resources.files("gitbaton").joinpath("builtin", "roles")
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


def known_roles(own: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the roles that give guidance: built-in ones and the repository's ``own``, sorted."""
    return tuple(sorted({*builtin_roles(), *own}))
