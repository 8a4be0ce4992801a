"""The role file: how a specialist works."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

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
                }
            ],
        },
    )

    title: Annotated[Text | None, Field(title="Title", description="Name for people.")] = None
    purpose: Annotated[
        NonEmptyText, Field(title="Purpose", description="What this role is for, in one sentence.")
    ]
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
