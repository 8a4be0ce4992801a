"""Documents: text → validated model, or every problem with its place in the text."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.domain.document import WrongField
from gitbaton.domain.ids import find_similar
from gitbaton.domain.task import Task
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.schemas import model_of, read_schema, shape_for
from gitbaton.store.yamlfile import YamlFile, field_name, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.store.layout import Place

Model = TypeVar("Model", bound=BaseModel)


def parse_document(data: bytes, path: str, model: type[Model], kind: str) -> Model:
    """The model of a document's text. Raises ``InvalidDocument`` with all problems."""
    return check_document(parse_yaml(data, path, shape_for(kind)), model, kind)


def check_document(source: YamlFile, model: type[Model], kind: str) -> Model:
    """The model of a document already read as YAML. Raises ``InvalidDocument`` with all problems."""
    try:
        return model.model_validate(source.value)
    except ValidationError as error:
        raise InvalidDocument(sorted(_problem(e, source, kind) for e in error.errors(include_url=False))) from None


def find_problems(data: bytes, path: str, kind: str) -> list[Problem]:
    """All problems of a document's text: YAML, model and JSON Schema, which must agree. A problem that only
    the schema sees is reported, too, so that nothing an editor underlines passes here."""
    try:
        source = parse_yaml(data, path, shape_for(kind))
    except InvalidDocument as error:
        return list(error.problems)
    problems: list[Problem] = []
    try:
        check_document(source, model_of(kind), kind)
    except InvalidDocument as error:
        problems = list(error.problems)
    named = {(p.line, p.column) for p in problems}
    for found in schema_errors(source.value, read_schema_validator(kind)):
        line, column = source.position(found[0])
        if not problems or not any(spot[0] == line for spot in named):
            problems.append(Problem(path, line, column, field_name(found[0]), "schema", found[1]))
    return sorted(set(problems))


@cache
def read_schema_validator(kind: str) -> Any:
    """A jsonschema validator over the shipped schema of ``kind``."""
    from jsonschema import Draft202012Validator

    return Draft202012Validator(read_schema(kind))


def schema_errors(value: object, validator: Any) -> list[tuple[tuple[str | int, ...], str]]:
    """(field, message) of every place where ``value`` doesn't meet the schema, most telling error first."""
    from jsonschema.exceptions import best_match

    found = []
    for error in validator.iter_errors(value):
        best = best_match([error]) or error
        found.append((tuple(best.absolute_path), best.message))
    return found


def read_task(data: bytes, path: str, place: Place) -> TaskRow | BrokenRow:
    """The board's row for a task file: broken files stay, with their problems."""
    if place.complaint:
        return BrokenRow(place.id, path, (Problem(path, 1, 1, "", "bad-file-name", place.complaint),))
    try:
        return row_of(parse_document(data, path, Task, "task"), path, place.id)
    except InvalidDocument as error:
        return BrokenRow(place.id, path, error.problems)


def row_of(task: Task, path: str, task_id: str) -> TaskRow:
    """The board's row of a valid task."""
    return TaskRow(
        id=task_id, path=path, title=task.title, status=task.status, type=task.type, priority=task.priority,
        role=task.role, depends_on=task.depends_on, parent=task.parent, plan=task.plan, milestone=task.milestone,
        paths=task.paths, labels=task.labels, assignee=task.assignee, complexity=task.complexity,
        service=task.service, hold=task.hold, created=task.created,
        attempts_max=task.run.attempts if task.run else None,
    )  # fmt: skip


# -- problems in words ---------------------------------------------------------------------------------


def _problem(error: Any, source: YamlFile, kind: str) -> Problem:
    wrong = error.get("ctx", {}).get("error")
    loc = (*error["loc"], *wrong.field) if isinstance(wrong, WrongField) else error["loc"]
    field = _real_location(loc, source.value)
    code, message = _words(error, field, kind)
    place = source.position(field)
    return Problem(source.path, place[0], place[1], field_name(field), code, message)


def _real_location(loc: Sequence[str | int], value: object) -> tuple[str | int, ...]:
    """The part of a Pydantic location that exists in the document, plus at most one missing field: it
    also holds names of union members."""
    field: list[str | int] = []
    for step in loc:
        if isinstance(value, dict) and step in value:
            value = value[step]
            field.append(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
            field.append(step)
        elif isinstance(value, dict) and step == loc[-1]:
            field.append(step)
    return tuple(field)


def _words(error: Any, field: Sequence[str | int], kind: str) -> tuple[str, str]:
    context = error.get("ctx", {})
    given = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            near = find_similar(str(field[-1]), _known_fields(read_schema(kind), field[:-1]), 1)
            return "unknown-field", f"unknown field '{field[-1]}'" + (f", did you mean '{near[0]}'?" if near else "; own fields start with x-")
        case "missing":
            return "missing-field", f"'{field[-1] if field else '?'}' is missing"
        case "literal_error" | "enum":
            allowed = [w.strip().strip("'") for w in context["expected"].replace(" or ", ", ").split(",")]
            near = find_similar(str(given), allowed, 1)
            return "not-allowed", f"must be one of {', '.join(allowed)}, not '{given}'" + (f"; did you mean '{near[0]}'?" if near else "")
        case "string_pattern_mismatch" if context.get("pattern") == r"\S":
            return "empty-text", "must not be empty"
        case "string_pattern_mismatch":
            return "bad-format", f"'{given}' does not have the form {context.get('pattern')}"
        case "string_too_short":
            return "empty-text", "must not be empty"
        case "string_type":
            return "wrong-type", f"must be text, not {_name_of(given)}"
        case "tuple_type" | "list_type":
            return "wrong-type", f"must be a list, not {_name_of(given)}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return "wrong-type", f"must be a mapping of fields, not {_name_of(given)}"
        case "value_error":
            return "bad-value", str(context.get("error", error["msg"]))
        case _:
            return "bad-value", f"{error['msg'][:1].lower()}{error['msg'][1:]}, not {given!r:.60}"


def _name_of(value: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")


def _known_fields(schema: Any, field: Sequence[str | int]) -> list[str]:
    """Names of the fields that may stand at ``field``, from the schema."""
    definitions = schema.get("$defs", {})

    def options(node: Any) -> list[Any]:
        if "$ref" in node:
            return options(definitions[node["$ref"].rsplit("/", 1)[-1]])
        return [o for part in node["anyOf"] for o in options(part)] if "anyOf" in node else [node]

    nodes = options(schema)
    for step in field:
        below = []
        for node in nodes:
            part = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step, node.get("additionalProperties"))
            if isinstance(part, dict):
                below += options(part)
        nodes = below
    return [name for node in nodes for name in node.get("properties", {})]
