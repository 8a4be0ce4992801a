"""Documents: text → validated model, or every problem with its place in the text."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from gitbaton.domain.approval import judge_approval
from gitbaton.domain.board import BrokenRow, TaskRow
from gitbaton.domain.document import LINE_PATTERN, WrongField
from gitbaton.domain.ids import ID_PATTERN, explain_bad_id, find_similar
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.layout import schema_line
from gitbaton.store.schemas import field_order, model_of, read_schema, shape_for
from gitbaton.store.yamledit import edit_yaml
from gitbaton.store.yamlfile import YamlFile, field_name, parse_yaml
from gitbaton.store.yamlsyntax import PROBLEMS_MAX
from gitbaton.store.yamlwrite import render_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitbaton.domain.document import Document
    from gitbaton.domain.task import Task
    from gitbaton.store.layout import Place
    from gitbaton.store.yamledit import Edit

Model = TypeVar("Model", bound=BaseModel)
_PARENT = re.compile(rb"""(?:^|[\s{,"'])parent["']?[ \t]*:\s*["']?([A-Za-z0-9][A-Za-z0-9._-]{0,63})""")
_MESSAGE_MAX = 1000
#: Where something stands in a document: ``("depends_on", 0)``.
Field = tuple[str | int, ...]


def parse_document(data: bytes, path: str, model: type[Model], kind: str) -> Model:
    """The model of a document's text. Raises ``InvalidDocument`` with all problems."""
    return check_document(parse_yaml(data, path, shape_for(kind)), model, kind)


def check_document(source: YamlFile, model: type[Model], kind: str) -> Model:
    """The model of a document already read as YAML. Raises ``InvalidDocument`` with all problems."""
    try:
        return model.model_validate(source.value)
    except ValidationError as error:
        raise InvalidDocument(explain_misfit(error, source, read_schema(kind))) from None


def explain_misfit(error: ValidationError, source: YamlFile, schema: Mapping[str, Any]) -> list[Problem]:
    """The problems of a document that a model doesn't take, in the order of its text. ``schema`` is the model's."""
    return sorted(p for _, p in islice(_model_problems(error, source, schema), PROBLEMS_MAX))


def find_problems(data: bytes, path: str, kind: str) -> list[Problem]:
    """All problems of a document's text: YAML, model and JSON Schema, which must agree. A problem that only
    the schema sees is reported, too, so that nothing an editor underlines passes here.
    """
    try:
        source = parse_yaml(data, path, shape_for(kind))
    except InvalidDocument as error:
        return list(error.problems)
    return judge_document(source, kind)[1]


def judge_document(source: YamlFile, kind: str) -> tuple[Document | None, list[Problem]]:
    """The model of a document already read as YAML (None if it isn't valid), and all its problems."""
    found: list[tuple[Field, Problem]] = []
    document: Document | None = None
    try:
        document = model_of(kind).model_validate(source.value)
    except ValidationError as error:
        found = list(islice(_model_problems(error, source, read_schema(kind)), PROBLEMS_MAX))
    told = [field for field, _ in found]
    unknown = schema_errors(source.value, read_schema_validator(kind)) if len(found) < PROBLEMS_MAX else []
    for field, message in unknown[:PROBLEMS_MAX]:
        if not any(field[: len(t)] == t or t[: len(field)] == field for t in told):
            place = source.position(field)
            found.append((field, Problem(source.path, *place, field_name(field), "schema", _tame(message))))
    return document, sorted({problem for _, problem in found})


@cache
def read_schema_validator(kind: str) -> Any:
    """A jsonschema validator over the shipped schema of ``kind``. Patterns mean what they mean to editors
    (ECMA-262) and to the models: ``$`` is the very end, where Python's own also stands before a last newline.
    """
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def check_pattern(_: object, pattern: str, instance: object, __: object) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
            yield ValidationError(f"{instance!r} does not match {pattern!r}")

    validator = extend(Draft202012Validator, {"pattern": check_pattern})  # type: ignore[no-untyped-call] # theirs
    return validator(read_schema(kind))


def schema_errors(value: object, validator: Any) -> list[tuple[Field, str]]:
    """(field, message) of every place where ``value`` doesn't meet a schema: the most telling one of each."""
    from jsonschema.exceptions import best_match

    found: list[tuple[Field, str]] = []
    for error in validator.iter_errors(value):
        best = best_match([error]) or error
        field = tuple(best.absolute_path)
        if best.validator == "additionalProperties" and isinstance(best.instance, dict):
            known = best.schema.get("properties", {})
            patterns = best.schema.get("patternProperties", {})
            extra = [
                n for n in best.instance if n not in known and not any(re.search(p, n) for p in patterns)
            ]
            found += [((*field, name), f"unknown field '{name}'") for name in extra]
        elif best.validator == "required":
            missing = [n for n in best.validator_value if n not in best.instance]
            found += [((*field, name), f"'{name}' is missing") for name in missing]
        else:
            found.append((field, best.message))
    return list(dict.fromkeys(found))


def find_schema_mistake(schema: dict[str, Any]) -> tuple[Field, str] | None:
    """Where and why ``schema`` is no JSON Schema (draft 2020-12), or None."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return tuple(error.absolute_path), f"this is no JSON Schema: {error.message}"
    return None


def edit_document(data: bytes, path: str, kind: str, edits: Sequence[Edit]) -> bytes:
    """``data`` with ``edits`` spliced in, by the rules of its kind of document. Raises ``InvalidDocument`` and
    ``Refusal``; the result is not validated.
    """
    spaced = [name for name in _spaced(kind) if _stands_alone(data, name)]  # a compact file stays compact
    return edit_yaml(data, path, edits, order=field_order(kind), shape=shape_for(kind), spaced=spaced)


def render_document(value: Mapping[str, object], path: str, kind: str) -> bytes:
    """The text of a new document's file, with the line by which editors find its schema."""
    header = schema_line(kind, path)
    return render_yaml(value, order=field_order(kind), header=header, spaced=_spaced(kind)).encode()


def _stands_alone(data: bytes, name: str) -> bool:
    """Whether a field's line has blank lines, or the end of the file, around it."""
    return re.search(rb"\n[ \t]*\r?\n%s:[^\n]*(?:\n[ \t]*\r?\n|\n?\Z)" % name.encode(), data) is not None


def _spaced(kind: str) -> tuple[str, ...]:
    """Fields that stand between blank lines, so that edits of their neighbours merge on any server."""
    return ("status",) if kind in ("task", "plan") else ()


def read_task(data: bytes, path: str, place: Place) -> TaskRow | BrokenRow:
    """The board's row for a task file: broken files stay, with their problems."""
    if place.complaint:
        problem = Problem(path, 1, 1, "", "bad-file-name", place.complaint)
        return BrokenRow(place.id, path, (problem,), parents=guess_parents(data))
    from gitbaton.domain.task import Task

    try:
        return row_of(parse_document(data, path, Task, "task"), path, place.id)
    except InvalidDocument as error:
        return BrokenRow(place.id, path, error.problems, parents=guess_parents(data))


def guess_parents(data: bytes) -> tuple[str, ...]:
    """The ids that a text nobody can read may name as parent: rather one too many, because a task must not count
    as done while a part of it can't be read.
    """
    return tuple(dict.fromkeys(found.decode() for found in _PARENT.findall(data)))


def row_of(task: Task, path: str, task_id: str) -> TaskRow:
    """The board's row of a valid task."""
    return TaskRow(
        id=task_id, path=path, title=task.title, status=task.status, type=task.type, priority=task.priority,
        role=task.role, depends_on=task.depends_on, parent=task.parent, plan=task.plan,
        milestone=task.milestone, paths=task.paths, labels=task.labels, assignee=task.assignee,
        complexity=task.complexity, service=task.service, hold=task.hold, created=task.created,
        attempts_max=task.run.attempts if task.run else None, approval=judge_approval(task),
    )  # fmt: skip


# -- problems in words ---------------------------------------------------------------------------------


def _model_problems(
    error: ValidationError, source: YamlFile, schema: Mapping[str, Any]
) -> Iterator[tuple[Field, Problem]]:
    for one in error.errors(include_url=False):
        wrong = one.get("ctx", {}).get("error")
        loc = (*one["loc"], *wrong.field) if isinstance(wrong, WrongField) else one["loc"]
        field = _real_location(loc, source.value)
        code, message = _words(one, field, schema)
        yield field, Problem(source.path, *source.position(field), field_name(field), code, _tame(message))


def _real_location(loc: Sequence[str | int], value: object) -> Field:
    """The part of a Pydantic location that exists in the document, plus at most one missing field: it
    also holds names of union members.
    """
    field: list[str | int] = []
    for step in loc:
        in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, dict) and step in value):
            value = value[step]  # type: ignore[index] # one of both, as was just seen
            field.append(step)
        elif isinstance(value, dict) and step == loc[-1]:
            field.append(step)
    return tuple(field)


def _tame(message: str) -> str:
    """A message with what a file put into it: short, and unable to steer a terminal."""
    if len(message) > _MESSAGE_MAX:
        message = message[:_MESSAGE_MAX] + "…"
    if message.isprintable():
        return message
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in message
    )


def _words(error: Any, field: Field, schema: Mapping[str, Any]) -> tuple[str, str]:
    """(code, message) of one of Pydantic's errors, for people."""
    context = error.get("ctx", {})
    given = error.get("input")
    match error["type"]:
        case "extra_forbidden":
            near = find_similar(str(field[-1]), _known_fields(schema, field[:-1]), 1)
            hint = f", did you mean '{near[0]}'?" if near else "; own fields start with x-"
            return "unknown-field", f"unknown field '{field[-1]}'{hint}"
        case "missing":
            return "missing-field", f"'{field[-1] if field else '?'}' is missing"
        case "literal_error" | "enum":
            allowed = [w.strip().strip("'") for w in context["expected"].replace(" or ", ", ").split(",")]
            near = find_similar(given, allowed, 1) if isinstance(given, str) else []
            hint = f"; did you mean '{near[0]}'?" if near else ""
            return "not-allowed", f"must be one of {', '.join(allowed)}, not {_shown(given)}{hint}"
        case "string_pattern_mismatch" if context["pattern"] == r"\S":
            return "empty-text", "must not be empty"
        case "string_pattern_mismatch" if context["pattern"] == LINE_PATTERN:
            return (
                ("bad-format", "must be one line")
                if str(given).strip()
                else ("empty-text", "must not be empty")
            )
        case "string_pattern_mismatch" if context["pattern"] == ID_PATTERN:
            return "bad-id", f"{_shown(given)} can't be an id: {explain_bad_id(str(given))}"
        case "string_pattern_mismatch":
            return "bad-format", f"{_shown(given)} does not have the form {context['pattern']}"
        case "value_error":
            return "bad-value", str(context["error"])
        case kind_of_error:
            code, sentence = _SENTENCES.get(kind_of_error, ("bad-value", "{message}"))
            end = f", not {_name_of(given)}" if code == "wrong-type" else ""
            return code, sentence.format(**context, message=error["msg"]) + end


_SENTENCES = {
    "string_too_short": ("empty-text", "must not be empty"),
    "string_too_long": ("too-long", "must have at most {max_length} characters"),
    "too_short": ("too-short", "must have at least {min_length} items"),
    "too_long": ("too-long", "must have at most {max_length} items, but has {actual_length}"),
    "greater_than": ("out-of-range", "must be more than {gt:g}"),
    "greater_than_equal": ("out-of-range", "must be at least {ge:g}"),
    "less_than_equal": ("out-of-range", "must be at most {le:g}"),
    "string_type": ("wrong-type", "must be text"),
    "int_type": ("wrong-type", "must be a whole number"),
    "float_type": ("wrong-type", "must be a number"),
    "bool_type": ("wrong-type", "must be true or false"),
    "tuple_type": ("wrong-type", "must be a list"),
    "dict_type": ("wrong-type", "must be a mapping of fields"),
    "model_type": ("wrong-type", "must be a mapping of fields"),
}


def _shown(value: object) -> str:
    return f"'{value}'" if isinstance(value, str | int | float) else _name_of(value)


def _name_of(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    names = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing", int: str(value)}
    return names.get(type(value), f"the number {value}")


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
            part = (
                node.get("items")
                if isinstance(step, int)
                else node.get("properties", {}).get(step, node.get("additionalProperties"))
            )
            if isinstance(part, dict):
                below += options(part)
        nodes = below
    return [name for node in nodes for name in node.get("properties", {})]
