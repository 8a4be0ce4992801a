"""What is to change in a task, as somebody says it (``labels+=api``, or fields with values), as edits."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gitbaton.domain.ids import find_similar
from gitbaton.errors import UsageError
from gitbaton.store.schemas import read_schema
from gitbaton.store.yamledit import AddItem, Edit, RemoveField, RemoveItem, SetField

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_ASSIGNMENT = re.compile(r"([A-Za-z_](?:[\w-]*\w)?(?:\.\w(?:[\w-]*\w)?)*)\s*(\+=|-=|=)(.*)", re.DOTALL)
_NUMBER = re.compile(r"(0|[1-9]\d*)(\.\d+)?")
#: Fields that no command changes.
_OWN = ("version",)


def list_edits(
    fields: Mapping[str, Any], add: Mapping[str, Sequence[Any]], remove: Mapping[str, Sequence[Any]]
) -> list[Edit]:
    """The edits that give ``fields`` their values (None removes a field) and change the items of lists.
    Raises ``UsageError``: ``unknown-field``, or ``bad-assignment`` for items of a field that is no list.
    """
    return [*_list_settings(fields), *_list_items(add, AddItem), *_list_items(remove, RemoveItem)]


def _list_settings(fields: Mapping[str, Any]) -> Iterator[Edit]:
    for name, value in fields.items():
        field = split_field(name)
        find_field_schema(field)
        yield RemoveField(field) if value is None else SetField(field, value)


def _list_items(items: Mapping[str, Sequence[Any]], kind: type[AddItem | RemoveItem]) -> Iterator[Edit]:
    for name, values in items.items():
        field = split_field(name)
        refuse_no_list(name, find_field_schema(field))
        yield from (kind(field, value) for value in values)


def split_field(name: str) -> tuple[str, ...]:
    """``run.max-turns`` → ``("run", "max_turns")``; a person's own field (``x-…``) keeps its hyphens."""
    return tuple((name if name.startswith("x-") else name.replace("-", "_")).split("."))


def refuse_no_list(name: str, schema: dict[str, Any]) -> None:
    """Raises ``UsageError`` unless ``schema`` takes a list."""
    if not _takes(schema, "array"):
        raise UsageError(f"{name} is no list", code="bad-assignment", hint=f"set {name} to a value instead")


def parse_assignment(text: str) -> list[Edit]:
    """The edits that an assignment on the command line stands for."""
    found = _ASSIGNMENT.fullmatch(text.strip())
    if not found:
        raise UsageError(
            f"'{text}' is no assignment",
            code="bad-assignment",
            hint='write FIELD=VALUE, for example: priority=high, "title=New title", labels+=api',
        )
    field = split_field(found[1])
    schema = find_field_schema(field)
    raw = found[3].strip()
    if found[2] == "=":
        if raw == "":
            return [RemoveField(field)]
        return [SetField(field, parse_value(raw, schema, ".".join(field)))]
    refuse_no_list(found[1], schema)
    items = parse_value(raw, schema, ".".join(field))
    return [AddItem(field, i) if found[2] == "+=" else RemoveItem(field, i) for i in items]


def find_field_schema(field: tuple[str, ...], kind: str = "task") -> dict[str, Any]:
    """The part for a field in the schema of a kind of document, references resolved. Raises ``UsageError``
    (``unknown-field``).
    """
    schema = read_schema(kind)
    node: dict[str, Any] = schema
    for depth, name in enumerate(field):
        options = [_resolve(schema, o) for o in node.get("anyOf", [node])]
        known: dict[str, Any] = {}
        free = False
        named: dict[str, Any] | None = None
        for option in options:
            known.update(option.get("properties", {}))
            inner = option.get("additionalProperties")
            free = free or inner is True
            named = inner if isinstance(inner, dict) else named
        if name in known and name not in _OWN:
            node = _resolve(schema, known[name])
        elif named is not None and not name.startswith("x-"):
            node = _resolve(schema, named)
        elif free or name.startswith("x-"):
            return {}
        else:
            near = find_similar(name, known, 1)
            shown = ".".join(field[: depth + 1])
            hint = (
                f"did you mean {'.'.join((*field[:depth], near[0]))}?"
                if near
                else "fields: " + ", ".join(k for k in known if k not in _OWN)
            )
            said = f"a task has no field '{shown}'" if kind == "task" else f"there is no setting '{shown}'"
            raise UsageError(said, code="unknown-field", hint=hint)
    return node


def _resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return (
        {**schema["$defs"][node["$ref"].rsplit("/", 1)[-1]], **{k: v for k, v in node.items() if k != "$ref"}}
        if "$ref" in node
        else node
    )


def _takes(node: dict[str, Any], kind: str) -> bool:
    options = node.get("anyOf", [node])
    return any(kind == o.get("type") or kind in (o.get("type") or ()) for o in options)


def parse_value(raw: str, node: dict[str, Any], field: str) -> Any:
    """A value from the command line: text as it is, lists by comma, everything else as it would stand in a file, in
    braces or brackets on one line. Raises ``UsageError`` (``bad-value``).
    """
    if _takes(node, "array"):
        if raw.startswith("["):
            try:
                return _read_flow(raw)
            except ValueError:  # patterns such as *.py are no YAML without quotes
                raw = raw.strip("[]")
        return [part.strip() for part in raw.split(",") if part.strip()]
    if _takes(node, "string"):  # a length of time may be a number
        return json.loads(raw) if _NUMBER.fullmatch(raw) and _takes(node, "number") else raw
    try:
        return _read_flow(raw)
    except ValueError as error:
        if not node:
            return raw
        if raw.startswith("{"):
            said = f"{field} can't be read: {error}"
            raise UsageError(said, code="bad-value", hint=f"for example: {field}='{{name: value}}'") from None
        raise UsageError(
            f"{field} takes a number, true, false or a mapping, not '{raw}'",
            code="bad-value",
            hint=f"for example: {field}=3",
        ) from None


def _read_flow(raw: str) -> Any:
    """JSON, or what stands in braces or brackets as YAML has it. Raises ``ValueError``."""
    try:
        return json.loads(raw)
    except ValueError:
        if not raw.startswith(("{", "[")):
            raise
    from gitbaton.errors import InvalidDocument
    from gitbaton.store.yamlfile import parse_yaml

    try:
        return parse_yaml(f"value: {raw}".encode(), "value").value["value"]
    except InvalidDocument as error:
        raise ValueError(error.problems[0].message) from None
