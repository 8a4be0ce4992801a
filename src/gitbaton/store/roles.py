"""Roles: those that ship with gitbaton, and those of the repository, which replace or extend them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.role import Role, extend_role, normalize_role
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.documents import parse_document
from gitbaton.store.library import read_builtin, read_shelf
from gitbaton.store.schemas import shape_for
from gitbaton.store.yamlfile import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitbaton.store.library import Volume
    from gitbaton.store.repository import Repository


class FoundRole(NamedTuple):
    """A role as it counts: with what it extends, nearest first."""

    name: str
    path: str
    role: Role
    builtin: bool
    extends: tuple[str, ...] = ()


@cache
def builtin_roles() -> dict[str, Role]:
    """The roles that ship with gitbaton, by name."""
    return {name: _parse(volume) for name, volume in read_builtin("roles").items()}


def find_role(repo: Repository, commit: str, name: str) -> Role | None:
    """The role of that name at ``commit``, else the built-in one, else None: any name is allowed, and a role
    that nobody described adds no guidance. Raises ``InvalidDocument`` for a file that can't be read.
    """
    found = resolve_role(read_shelf(repo, "roles", commit), name)
    return found.role if found else None


def resolve_role(shelf: Mapping[str, Volume], name: str) -> FoundRole | None:
    """The role that ``name`` means: by its file's name, however it is written, else by an alias; with what it extends.
    Raises ``InvalidDocument`` for a file that can't be read, or that extends what isn't there or itself.
    """
    actual = find_role_name(shelf, name)
    return _read(shelf, actual, shelf[actual], ()) if actual is not None else None


def find_role_name(shelf: Mapping[str, Volume], name: str) -> str | None:
    """The file's name of the role that ``name`` means; None if there is none."""
    return name if name in shelf else list_role_names(shelf).get(normalize_role(name))


def list_role_names(shelf: Mapping[str, Volume]) -> dict[str, str]:
    """Every name and alias of a role → the name of its file. A role that replaces a built-in one has its aliases, too."""
    aliases: dict[str, str] = {}
    for builtin in (True, False):
        for name, volume in shelf.items():
            if volume.builtin is builtin:
                old = read_builtin("roles").get(name)
                aliases |= dict.fromkeys((*(list_aliases(old) if old else ()), *list_aliases(volume)), name)
    return {**aliases, **{normalize_role(name): name for name in shelf}}


def list_aliases(volume: Volume) -> list[str]:
    """The other names of a role; none for a file that can't be read."""
    if b"aliases" not in volume.text:
        return []
    try:
        return [normalize_role(alias) for alias in _parse(volume).aliases]
    except InvalidDocument:
        return []


def _parse(volume: Volume) -> Role:
    return parse_document(volume.text, volume.path, Role, "role")


def _read(shelf: Mapping[str, Volume], name: str, volume: Volume, seen: tuple[str, ...]) -> FoundRole:
    own = _parse(volume)
    if own.extends is None:
        return FoundRole(name, volume.path, own, volume.builtin)
    wanted = find_role_name(shelf, own.extends)
    below = shelf.get(wanted) if wanted is not None else None
    if wanted == name:
        below = read_builtin("roles").get(name) if not volume.builtin else None
    if wanted is None or below is None:
        raise _refuse(
            volume, "dangling-role", f"there is no {'built-in ' * (wanted == name)}role '{own.extends}'"
        )
    if below.path in seen:
        raise _refuse(volume, "role-cycle", f"it extends '{own.extends}', which extends this one")
    base = _read(shelf, wanted, below, (*seen, volume.path))
    return FoundRole(name, volume.path, extend_role(base.role, own), volume.builtin, (wanted, *base.extends))


def _refuse(volume: Volume, code: str, message: str) -> InvalidDocument:
    line, column = parse_yaml(volume.text, volume.path, shape_for("role")).position(("extends",))
    return InvalidDocument([Problem(volume.path, line, column, "extends", code, message)])
