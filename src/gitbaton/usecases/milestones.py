"""Milestones: how far each one is."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from gitbaton.domain.config import Config
from gitbaton.domain.ids import find_similar
from gitbaton.domain.milestone import fold_milestones
from gitbaton.domain.plan import Plan
from gitbaton.errors import InvalidDocument, Refusal
from gitbaton.store.documents import parse_document
from gitbaton.store.git import read_objects
from gitbaton.store.layout import CONFIG_PATH, plan_path
from gitbaton.store.snapshots import read_source
from gitbaton.usecases.project import Project, View, load_view

if TYPE_CHECKING:
    from gitbaton.domain.config import Milestone
    from gitbaton.domain.milestone import Progress


def list_milestones(project: Project) -> list[Progress]:
    """Every milestone that the config lists or a task names, as this checkout has them, in the order of their dates."""
    view = load_view(project, local=True)
    return fold_milestones(
        view.board, _read_listed(project), _read_plans(project, view), project.refs.now().date()
    )


def get_milestone(project: Project, name: str) -> Progress:
    """One milestone; capitals don't matter. Raises ``Refusal`` (``unknown-milestone``)."""
    found = list_milestones(project)
    names = [one.name for one in found]
    hits = [one for one in found if one.name == name] or [
        one for one in found if one.name.lower() == name.lower()
    ]
    if not hits:
        near = find_similar(name, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(names)}" if names else None
        raise Refusal(
            f"there is no milestone '{name}'",
            code="unknown-milestone",
            hint=hint or f"baton config set milestones.{name}.due 2026-12-31",
            data={"milestones": names},
        )
    return hits[0]


def _read_listed(project: Project) -> dict[str, Milestone]:
    """Those of base, and those of this checkout, which may not be there yet."""
    own = read_source(project.repo.top / CONFIG_PATH)
    mine: dict[str, Milestone] = {}
    if own is not None and not own.complaint:
        with contextlib.suppress(InvalidDocument):  # `validate` names it
            mine = parse_document(own.data, CONFIG_PATH, Config, "config").milestones
    return {**project.repo.config.milestones, **mine}


def _read_plans(project: Project, view: View) -> dict[str, str]:
    """Plan → the milestone that it names, for those that can be read."""
    found: dict[str, str] = {}
    paths = {plan: plan_path(plan) for plan in view.contents.plans}
    here = {plan: read_source(project.repo.top / path) for plan, path in paths.items()}
    missing = [plan for plan, source in here.items() if source is None]
    base = project.repo.base.commit
    wanted = [f"{base}:{paths[plan]}" for plan in missing] if base else []
    texts = dict(zip(missing, read_objects(project.repo.git, wanted), strict=False)) if wanted else {}
    for plan, source in here.items():
        text = source.data if source is not None and not source.complaint else texts.get(plan)
        if not text or b"milestone" not in text:
            continue
        try:
            milestone = parse_document(text, paths[plan], Plan, "plan").milestone
        except InvalidDocument:
            continue
        if milestone:
            found[plan] = milestone
    return found
