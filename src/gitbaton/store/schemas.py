"""The JSON Schemas of all documents, as shipped: one text for editors, CI and this program."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from gitbaton.store.layout import Kind
from gitbaton.store.yamlfile import Shape, shape_of

if TYPE_CHECKING:
    from gitbaton.domain.document import Document

#: Documents that stand in files of the repository, and the state document of the refs.
KINDS: tuple[str, ...] = (*get_args(Kind), "state")


def model_of(kind: str) -> type[Document]:
    """The Pydantic model of a kind of document."""
    from gitbaton.domain.config import Config
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.plan import Plan
    from gitbaton.domain.role import Role
    from gitbaton.domain.state import State
    from gitbaton.domain.task import Task
    from gitbaton.domain.workflow import Workflow

    models: dict[str, type[Document]] = {
        "task": Task, "plan": Plan, "handoff": Handoff, "config": Config, "role": Role, "workflow": Workflow,
        "state": State,
    }  # fmt: skip
    return models[kind]


def schema_file(kind: str) -> str:
    """File name of a schema."""
    return f"{kind}.schema.json"


@cache
def read_schema_text(kind: str) -> str:
    """The shipped schema's text: from the package, or from ``schemas/`` of a source checkout."""
    packaged = resources.files("gitbaton").joinpath("schemas", schema_file(kind))
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "schemas" / schema_file(kind)).read_text(encoding="utf-8")


@cache
def read_schema(kind: str) -> dict[str, Any]:
    """The shipped schema."""
    loaded: dict[str, Any] = json.loads(read_schema_text(kind))
    return loaded


@cache
def shape_for(kind: str) -> Shape:
    """How the YAML reader takes plain scalars of this kind of document."""
    return shape_of(read_schema(kind))


@cache
def field_order(kind: str) -> tuple[str, ...]:
    """Field names in schema order: where a missing field goes in."""
    return tuple(read_schema(kind)["properties"])
