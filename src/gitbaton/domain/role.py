"""The role file: how a specialist works."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from gitbaton.domain.document import Document, NonEmptyText, Text
from gitbaton.domain.task import Check


class Role(Document):
    """How a kind of specialist works. Its name is the file's; it replaces a built-in role of that name."""

    model_config = ConfigDict(
        title="Role",
        json_schema_extra={
            "examples": [
                {
                    "purpose": "Keeps the public API stable and documented.",
                    "guidance": "Compare each change of a route with docs/api.md and mend that page, too.",
                    "definition_of_done": ["docs/api.md says what the code does"],
                },
                {
                    "extends": "implementer",
                    "guidance": "Our handlers never raise: they return a Result. src/result.py shows how.",
                },
            ],
        },
    )

    title: Annotated[Text | None, Field(title="Title", description="Name for people.")] = None
    extends: Annotated[
        NonEmptyText | None,
        Field(
            title="Extends",
            description=(
                "Role that this one adds to; its own name means the built-in one. Guidance is appended, lists are "
                "joined, the rest counts before the other's."
            ),
            examples=["implementer"],
        ),
    ] = None
    purpose: Annotated[
        NonEmptyText | None,
        Field(
            validate_default=True,
            title="Purpose",
            description="What this role is for, in one sentence. Only a role that extends another can do without.",
        ),
    ] = None
    aliases: Annotated[
        tuple[NonEmptyText, ...], Field(title="Aliases", description="Other names for it in tasks.")
    ] = ()
    guidance: Annotated[
        Text | None, Field(title="Guidance", description="How to work, in Markdown; part of the briefing.")
    ] = None
    definition_of_done: Annotated[
        tuple[NonEmptyText, ...],
        Field(title="Definition of done", description="What holds for every task of this role."),
    ] = ()
    allowed_tools: Annotated[
        tuple[NonEmptyText, ...],
        Field(title="Allowed tools", description="Tools besides reading and editing files."),
    ] = ()
    model: Annotated[Text | None, Field(title="Model", description="Model this role should use.")] = None
    checks: Annotated[
        tuple[Check, ...], Field(title="Checks", description="Checks besides those of the config.")
    ] = ()

    @field_validator("purpose")
    @classmethod
    def _need_purpose(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("extends") is None:
            raise PydanticCustomError("missing", "a role that extends no other needs a purpose")
        return value


def normalize_role(name: str) -> str:
    """A role's name as files have it: ``Legacy Analyst`` → ``legacy-analyst``."""
    return "-".join(name.lower().replace("_", " ").split())


def extend_role(base: Role, own: Role) -> Role:
    """``own`` with what ``base`` says where it says nothing; guidance one after the other, lists joined. A check of
    the same name replaces the base's.
    """
    guidance = [text.strip("\n") for text in (base.guidance, own.guidance) if text and text.strip()]
    named = {check.name: check for check in (*base.checks, *own.checks)}
    return own.model_copy(
        update={
            "title": own.title or base.title,
            "purpose": own.purpose or base.purpose,
            "guidance": "\n\n".join(guidance) + "\n" if guidance else None,
            "definition_of_done": tuple(dict.fromkeys((*base.definition_of_done, *own.definition_of_done))),
            "allowed_tools": tuple(dict.fromkeys((*base.allowed_tools, *own.allowed_tools))),
            "model": own.model or base.model,
            "checks": tuple(named.values()),
        }
    )
