"""Roles: what there is, and writing one of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.ids import check_id, find_similar
from gitbaton.domain.role import Role, normalize_role
from gitbaton.errors import InvalidDocument, Refusal, UsageError
from gitbaton.store.documents import parse_document, render_document
from gitbaton.store.layout import ROLES
from gitbaton.store.library import read_builtin, read_shelf
from gitbaton.store.roles import FoundRole, find_role_name, list_aliases, resolve_role
from gitbaton.usecases.delivery import HERE, Delivery
from gitbaton.usecases.project import Project, refuse_inside
from gitbaton.usecases.writing import write_documents

if TYPE_CHECKING:
    from gitbaton.errors import Problem
    from gitbaton.store.edits import Edited

_SKETCH = """
# How to work, in Markdown; part of the briefing:
# guidance: |
#   - What to read first.
#   - What to check before ending.
# definition_of_done:
#   - What holds for every task of this role
"""


class ListedRole(NamedTuple):
    """A role by name. ``found`` is None for a file that can't be read; ``replaces``: it stands in place of a built-in
    one.
    """

    name: str
    path: str
    text: bytes
    builtin: bool
    replaces: bool
    aliases: tuple[str, ...]
    found: FoundRole | None
    problems: tuple[Problem, ...]


def list_roles(project: Project) -> list[ListedRole]:
    """Every role of this checkout, by name."""
    shelf = read_shelf(project.repo, "roles")
    listed = []
    for name, volume in shelf.items():
        old = read_builtin("roles").get(name)
        aliases = dict.fromkeys((*(list_aliases(old) if old else ()), *list_aliases(volume)))
        one = ListedRole(
            name, volume.path, volume.text, volume.builtin, not volume.builtin and old is not None, tuple(aliases), None, (),
        )  # fmt: skip
        try:
            listed.append(one._replace(found=resolve_role(shelf, name)))
        except InvalidDocument as error:
            listed.append(one._replace(problems=error.problems))
    return listed


def get_role(project: Project, name: str) -> ListedRole:
    """The role that ``name`` means. Raises ``Refusal`` (``unknown-role``) and ``InvalidDocument``."""
    shelf = read_shelf(project.repo, "roles")
    actual = find_role_name(shelf, name)
    if actual is None:
        near = find_similar(normalize_role(name), shelf, 1)
        raise Refusal(
            f"nobody described the role '{name}'; a task may name it all the same, and gets no guidance by it",
            code="unknown-role",
            hint=f"did you mean {near[0]}?"
            if near
            else f"describe it: baton role new {normalize_role(name) or 'NAME'} --purpose …",
            data={"roles": list(shelf)},
        )
    role = next(one for one in list_roles(project) if one.name == actual)
    if role.problems:
        raise InvalidDocument(role.problems)
    return role


def add_role(
    project: Project,
    name: str,
    *,
    purpose: str | None = None,
    extends: str | None = None,
    to: Delivery = HERE,
) -> tuple[str, str, Edited]:
    """Write the file of a new role and commit it; its name and path. Raises ``Refusal`` (``taken-id``, ``bad-id``,
    ``unknown-role``) and ``UsageError`` where neither purpose nor a role to extend is given.
    """
    refuse_inside(project, "write roles")
    chosen = check_id(normalize_role(name))
    if to.where != "here":
        project = project.fetched()
    shelf = read_shelf(project.repo, "roles", None if to.where == "here" else project.repo.base.commit)
    builtin = chosen in read_builtin("roles")
    if chosen in shelf and not shelf[chosen].builtin:
        raise Refusal(
            f"{shelf[chosen].path} exists already", code="taken-id", hint="edit it, or choose another name"
        )
    if extends is not None:
        found = find_role_name(shelf, extends)
        if found is None:
            near = find_similar(normalize_role(extends), shelf, 1)
            hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(shelf)}"
            raise Refusal(f"there is no role '{extends}' to extend", code="unknown-role", hint=hint)
        extends = found
    if not (purpose and purpose.strip()) and extends is None:
        hint = f"baton role new {chosen} --extends {chosen if builtin else 'implementer'}"
        raise UsageError(
            "what is it for?",
            code="no-purpose",
            hint=f'give --purpose "in one sentence", or add to another role: {hint}',
        )
    path = f"{ROLES}/{chosen}.yaml"
    fields = {"extends": extends, "purpose": (purpose or "").strip() or None}
    text = render_document({k: v for k, v in fields.items() if v}, path, "role") + _SKETCH.encode()
    parse_document(text, path, Role, "role")

    def create(old: bytes | None) -> bytes:
        if old is not None:
            raise Refusal(f"{path} exists already", code="taken-id", hint="edit it, or choose another name")
        return text

    return chosen, path, write_documents(project, {path: create}, f"Add role {chosen}", to)
