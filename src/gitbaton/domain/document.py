"""What every document of the repository has in common: field types, unknown fields, extensions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from gitbaton.domain.durations import LONGEST_S, parse_duration
from gitbaton.domain.durations import PATTERN as DURATION_PATTERN
from gitbaton.domain.ids import ID_PATTERN


def take_text(value: object) -> object:
    """Numbers and booleans are accepted for text: the reader hands over their source text, and values
    that come from JSON say what JSON says.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value


# Constraints stand before the conversion: pydantic leaves those that come after it out of the JSON Schema.

#: Free text. In YAML a plain ``1.10`` or ``true`` is taken letter by letter.
Text = Annotated[str, BeforeValidator(take_text)]
#: Text that must say something.
NonEmptyText = Annotated[str, Field(min_length=1, pattern=r"\S"), BeforeValidator(take_text)]
#: One line that says something.
LINE_PATTERN = r"^[^\r\n]*\S[^\r\n]*$"
#: One line that names something, for lists and subjects of commits.
TitleText = Annotated[
    str, Field(min_length=1, max_length=200, pattern=LINE_PATTERN), BeforeValidator(take_text)
]

TaskId = Annotated[
    str,
    Field(pattern=ID_PATTERN, title="Task id", examples=["add-login-endpoint"]),
    BeforeValidator(take_text),
]

#: A length of time; seconds once it is read.
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    Field(examples=["90s", "10m", "2h", 600]),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_S},
                {"type": "string", "pattern": DURATION_PATTERN},
            ]
        }
    ),
]


class WrongField(ValueError):
    """A rule over several fields of an object is broken; ``field`` leads from it to the one at fault."""

    def __init__(self, message: str, *field: str | int) -> None:
        super().__init__(message)
        self.field = field


class Part(BaseModel):
    """An object inside a document: unknown fields are refused, but for ``x-…``, which are nobody's
    business here (they stay in the file, because edits change text, not models).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _pass_extensions(cls, data: Any) -> Any:
        if isinstance(data, dict) and any(str(name).startswith("x-") for name in data):
            return {name: value for name, value in data.items() if not str(name).startswith("x-")}
        return data


class Document(Part):
    """A file of its own."""

    version: Annotated[
        int,
        Field(
            strict=True,
            ge=1,
            le=1,
            title="Version",
            description="Version of this file's format; missing means 1.",
        ),
    ] = 1
