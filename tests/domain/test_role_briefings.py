"""What each built-in role is told, letter by letter, for a task that comes from a built-in workflow where one uses the
role. To accept a change that is meant, run the tests with ``WRITE_GOLDEN=1`` and read the difference as the agent would.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.briefing import Material, render_briefing
from gitbaton.domain.guards import PROTECTED
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.ids import make_slug
from gitbaton.domain.instantiate import instantiate
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow
from gitbaton.store.documents import parse_document
from gitbaton.store.library import read_builtin
from gitbaton.store.roles import builtin_roles

if TYPE_CHECKING:
    from collections.abc import Mapping

GOLDEN = Path(__file__).parents[1] / "golden" / "briefings"

FEATURE = {"name": "password reset", "why": "People who forgot their password write to support.", "where": "src/accounts, tests/accounts", "size": "large", "sensitive": "yes"}  # fmt: skip
REFACTORING = {"what": "the order service", "goal": "A new way to pay can be added in one file.", "where": "src/orders", "tests": "tests/orders", "check": "pytest -q tests/orders"}  # fmt: skip
LEGACY = {"system": "the mainframe", "need": "Stock is known there, and nowhere else.", "where": "src/stock", "data": "yes", "owner": "rita"}  # fmt: skip
#: Role → workflow, values and step of the task.
STEPS: dict[str, tuple[str, Mapping[str, str], str]] = {
    "architect": ("feature", FEATURE, "design"),
    "database": ("legacy-integration", LEGACY, "carry-over"),
    "devops": ("release", {"version": "2.1.0", "since": "v2.0.3"}, "prepare"),
    "documenter": ("documentation", {"topic": "backups", "questions": "Where do they go?"}, "write"),
    "generalist": ("incremental-delivery", {"name": "billing", "goal": "People pay by themselves.", "increments": "invoices, cards", "owner": "rita"}, "decide-1"),
    "implementer": ("feature", FEATURE, "build"),
    "integration": ("legacy-integration", LEGACY, "connect"),
    "legacy-analyst": ("legacy-integration", LEGACY, "study"),
    "optimizer": ("code-review", {"what": "the search", "where": "src/search", "speed": "yes"}, "measure"),
    "researcher": ("documentation", {"topic": "backups", "questions": "Where do they go?"}, "survey"),
    "reviewer": ("refinement", {"what": "the error messages", "goal": "A person knows what to do next.", "where": "src/errors"}, "review-2"),
    "security": ("feature", FEATURE, "secure"),
    "tester": ("refactoring", REFACTORING, "characterize"),
    "troubleshooter": ("bugfix", {"what": "the login that fails after midnight", "steps": "Sign in at 00:10.", "report": "docs/reports/login.md"}, "reproduce"),
}  # fmt: skip
#: Roles that no workflow asks for: a task of a person's own.
TASKS: dict[str, dict[str, Any]] = {
    "backend": {"title": "Let other programs read invoices", "acceptance": ["GET /invoices/ID answers with the invoice", "Somebody else's invoice answers 404"], "paths": ["src/api/**", "tests/api/**"]},
    "frontend": {"title": "Show invoices in the account", "acceptance": ["The newest invoice stands first", "It can be read on a phone"], "context": ["docs/design.md"]},
}  # fmt: skip


def make_task(role: str) -> tuple[str, Task, list[tuple[str, str, Handoff | None]]]:
    """Id, task and what it depends on."""
    if role in TASKS:
        task = Task.model_validate({"role": role, **TASKS[role]})
        return make_slug(task.title), task, []
    name, values, step = STEPS[role]
    volume = read_builtin("workflows")[name]
    workflow = parse_document(volume.text, volume.path, Workflow, "workflow")
    made = instantiate(workflow, values, make_id=lambda title, _: make_slug(title))
    new = next(one for one in made if one.step == step)
    titles = {one.id: one.fields["title"] for one in made}
    needs = [(need, titles[need], None) for need in new.fields.get("depends_on", ())]
    return new.id, Task.model_validate(new.fields), [*needs]


def brief(role: str) -> str:
    task_id, task, needs = make_task(role)
    assert task.role == role
    handoff = Handoff(task="x", summary="It is done as its criteria say.", next_steps=("see docs/notes.md",))
    return render_briefing(
        Material(
            task_id=task_id, task=task, attempt=1, role_name=role, role=builtin_roles()[role], plan=None,
            dependencies=[(i, title, handoff) for i, title, _ in needs], earlier=[], attempts=[], guidance=(),
            checks=[*([] if task.run else [("tests", "pytest -q")]), *((c.name, c.run) for c in (task.run.checks if task.run else ()))],
            protected=[p for p in PROTECTED if not p.startswith("**/")], timeout_s=3600, max_turns=80, has_tools=True,
        )
    )  # fmt: skip


@pytest.mark.parametrize("role", builtin_roles())
def test_each_role_has_its_briefing(role: str) -> None:
    path, text = GOLDEN / f"{role}.md", brief(role)
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_briefing_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(builtin_roles())
