"""What every document of the repository has in common: field types, unknown fields, extensions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

TEXT_SCHEMA: dict[str, Any] = {"type": ["string", "number", "boolean"]}


def _text(value: object) -> object:
    """Numbers and booleans are accepted for text: the reader hands over their source text, and values
    that come from JSON say what JSON says.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value


#: Free text. In YAML a plain ``1.10`` or ``true`` is taken letter by letter, so editors must allow them.
Text = Annotated[str, BeforeValidator(_text), WithJsonSchema(TEXT_SCHEMA)]
#: Text that must say something.
NonEmptyText = Annotated[
    str, BeforeValidator(_text), Field(min_length=1, pattern=r"\S"),
    WithJsonSchema({**TEXT_SCHEMA, "minLength": 1, "pattern": r"\S"}),
]  # fmt: skip


class Part(BaseModel):
    """An object inside a document: unknown fields are refused, but for ``x-…``, which are nobody's
    business here (they stay in the file, because edits change text, not models).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"patternProperties": {"^x-": {}}},
    )

    @model_validator(mode="before")
    @classmethod
    def _pass_extensions(cls, data: Any) -> Any:
        if isinstance(data, dict) and any(str(name).startswith("x-") for name in data):
            return {name: value for name, value in data.items() if not str(name).startswith("x-")}
        return data


class Document(Part):
    """A file of its own."""

    version: Annotated[
        int, Field(ge=1, le=1, title="Version", description="Version of this file's format; missing means 1.")
    ] = 1
