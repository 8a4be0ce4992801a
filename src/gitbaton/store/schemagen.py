"""Generating the JSON Schemas from the models. Done when they change, not when gitbaton runs: what ships is
``schemas/``, and a check says when it lags behind.

The schemas speak to people who write YAML in an editor, so that what only Pydantic needs to say is left
out: defaults that are nothing, unions with null where a list of types says the same, names of classes.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from gitbaton.domain.durations import PATTERN, parse_duration, render_duration
from gitbaton.store.schemas import model_of

if TYPE_CHECKING:
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import core_schema

_TEXT_TYPES = ["string", "number", "boolean"]
_OWN_FIELDS = {
    "^x-": {"title": "Your own", "description": "A field of your own, which gitbaton leaves alone."}
}
_WORDS = {"usd": "(US dollars)", "mcp": "MCP", "url": "URL"}
_FIRST = ("$schema", "$id", "title", "description", "examples", "type", "required", "properties")


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, with text and names as people see them."""

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        """In YAML a plain ``1.10`` or ``true`` is text where text is wanted, so editors must allow it, unless
        no number has the form that is wanted. Where just the sign is wrong, a bound says so.
        """
        made = super().str_schema(schema)
        pattern = made.get("pattern", "")
        if not re.search(pattern, "1.10"):
            return made
        return {**made, "type": _TEXT_TYPES, **({} if re.search(pattern, "-1") else {"minimum": 0})}

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:
        """As written in the model, which is the same every time, too."""
        del parent_key
        return value

    def get_title_from_name(self, name: str) -> str:
        """``max_turns`` → ``Max turns``."""
        return _title(name)


def generate_schema(kind: str) -> dict[str, Any]:
    """The schema of ``kind`` generated from its model: what ``schemas/`` must hold."""
    generated = model_of(kind).model_json_schema(mode="validation", schema_generator=_Generator)
    schema = _polish(generated)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = f"urn:gitbaton:{kind}:1"
    return {key: schema[key] for key in sorted(schema, key=_rank)}


def render_schema(kind: str) -> str:
    """The generated schema as the text of its file."""
    return json.dumps(generate_schema(kind), indent=2, ensure_ascii=False) + "\n"


def _title(name: str) -> str:
    words = " ".join(_WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def _rank(key: str) -> tuple[int, str]:
    """Order of the keys of the root: what a reader wants first, definitions last."""
    return (_FIRST.index(key) if key in _FIRST else 1000 if key == "$defs" else 100, key)


def _polish(node: dict[str, Any]) -> dict[str, Any]:
    """One schema and everything in it, without the noise."""
    done: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            done[key] = {name: _polish({"title": _title(name), **part}) for name, part in value.items()}
        elif key == "$defs":
            done[key] = {name: _polish(part) for name, part in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            done[key] = _polish(value)
        elif key == "anyOf":
            done[key] = [_polish(part) for part in value]
        else:
            done[key] = value
    _merge_null(done)
    _mend_default(done)
    if done.get("additionalProperties") is False:
        done["patternProperties"] = _OWN_FIELDS
        done["title"] = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", done["title"]).capitalize()
    return done


def _merge_null(node: dict[str, Any]) -> None:
    """``anyOf`` with null becomes a list of types, which editors explain in one sentence."""
    parts = node.get("anyOf")
    if not parts or parts[-1] != {"type": "null"} or len(parts) != 2:
        return
    other = parts[0]
    if "type" in other:
        types = other["type"] if isinstance(other["type"], list) else [other["type"]]
        del node["anyOf"]
        node.update({**other, **node, "type": [*types, "null"]})
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "enum" in node:
        node["enum"] = [*node["enum"], None]


def _mend_default(node: dict[str, Any]) -> None:
    """Defaults that say nothing, or repeat those of the fields inside, go; durations are written as such."""
    default = node.get("default")
    if not default or isinstance(default, dict):
        if "default" in node and default is not False:
            del node["default"]
        return
    if any(part.get("pattern") == PATTERN for part in node.get("anyOf", ())):
        words = render_duration(default)
        node["default"] = words if " " not in words and parse_duration(words) == default else default
