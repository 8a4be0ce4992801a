"""Roles: the built-in ones are whole, and a repository's own come first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import InvalidDocument
from gitbaton.store.repository import open_repository
from gitbaton.store.roles import builtin_roles, find_role
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.role import Role


def test_the_built_in_roles() -> None:
    assert list(builtin_roles()) == [
        "architect", "backend", "database", "devops", "documenter", "frontend", "generalist", "implementer",
        "integration", "legacy-analyst", "optimizer", "researcher", "reviewer", "security", "tester", "troubleshooter",
    ]  # fmt: skip


@pytest.mark.parametrize("role", builtin_roles().values(), ids=list(builtin_roles()))
def test_each_says_what_it_is_for_and_how_to_work(role: Role) -> None:
    assert role.title
    assert role.purpose
    assert role.purpose.endswith(".")
    assert role.guidance
    assert role.guidance.count("\n- ") + role.guidance.count("\n1. ") >= 5
    assert len(role.definition_of_done) >= 2
    assert max(map(len, role.guidance.splitlines())) <= 110


def test_a_role_of_the_repository_replaces_the_built_in_one(tmp_path: Path) -> None:
    checkout = make_repository(
        tmp_path,
        {
            "tasks/roles/tester.yaml": "purpose: Our own.\n",
            "tasks/roles/data engineer.yaml": "purpose: Pipes.\n",
            "tasks/roles/broken.yaml": "porpoise: x\n",
        },
    )
    repo, head = open_repository(checkout.path), checkout.head()

    def purpose(name: str) -> str | None:
        role = find_role(repo, head, name)
        return role.purpose if role else None

    assert purpose("tester") == "Our own."
    assert purpose("data engineer") == "Pipes."
    assert purpose("implementer") == builtin_roles()["implementer"].purpose
    assert purpose("wizard") is None
    with pytest.raises(InvalidDocument, match="2 problems"):
        purpose("broken")


def test_names_are_taken_as_people_write_them(tmp_path: Path) -> None:
    own = {
        "tasks/roles/troubleshooter.yaml": "purpose: Our own.\n",
        "tasks/roles/pipes.yaml": "purpose: Pipes.\naliases: [Data Engineer, tester]\n",
    }
    checkout = make_repository(tmp_path, own)
    repo, head = open_repository(checkout.path), checkout.head()
    titles = {name: (role := find_role(repo, head, name)) and (role.title or role.purpose) for name in (
        "debugger", "Legacy Analyst", "legacy_analyst", "data-engineer", "Tester", "PIPES", "data",
    )}  # fmt: skip
    assert titles == {
        "debugger": "Our own.", "Legacy Analyst": "Legacy analyst", "legacy_analyst": "Legacy analyst",
        "data-engineer": "Pipes.", "Tester": "Tester", "PIPES": "Pipes.", "data": None,
    }  # fmt: skip


def test_a_role_extends_others(tmp_path: Path) -> None:
    own = {
        "tasks/roles/implementer.yaml": "extends: implementer\nguidance: Ours.\nchecks: [{name: t, run: a}]\n",
        "tasks/roles/careful.yaml": (
            "extends: Implementer\ntitle: Careful\nguidance: Slowly.\ndefinition_of_done: [Slept over it]\n"
            "allowed_tools: [Bash(make *)]\nmodel: opus\nchecks: [{name: t, run: b}, {name: u, run: c}]\n"
        ),
        "tasks/roles/lost.yaml": "extends: nobody\n",
        "tasks/roles/x.yaml": "extends: y\n",
        "tasks/roles/y.yaml": "extends: x\n",
    }
    checkout = make_repository(tmp_path, own)
    repo, head = open_repository(checkout.path), checkout.head()
    base, careful = builtin_roles()["implementer"], find_role(repo, head, "careful")
    assert careful is not None
    assert careful.model_dump(exclude_defaults=True) == {
        "title": "Careful", "extends": "Implementer", "purpose": base.purpose,
        "guidance": f"{(base.guidance or '').strip()}\n\nOurs.\n\nSlowly.\n",
        "definition_of_done": (*base.definition_of_done, "Slept over it"), "allowed_tools": ("Bash(make *)",), "model": "opus",
        "checks": ({"name": "t", "run": "b"}, {"name": "u", "run": "c"}),
    }  # fmt: skip
    for name, said in (
        ("lost", "there is no role 'nobody'"),
        ("x", "it extends 'x', which extends this one"),
    ):
        with pytest.raises(InvalidDocument, match=said):
            find_role(repo, head, name)


@pytest.mark.parametrize("name", ["../tester", "a\nHEAD:tasks/roles/tester.yaml", "", "/", "tester.yaml"])
def test_strange_names_are_nobody_s_role(tmp_path: Path, name: str) -> None:
    checkout = make_repository(tmp_path, {"tasks/roles/tester.yaml": "purpose: Our own.\n"})
    assert find_role(open_repository(checkout.path), checkout.head(), name) is None
