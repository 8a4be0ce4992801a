"""A handoff that somebody wrote by hand, as YAML or JSON: read, and all its problems told at once."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, NamedTuple

from pydantic import Field

from gitbaton.domain.document import TaskId  # noqa: TC001 pydantic evaluates annotations
from gitbaton.domain.handoff import Handoff
from gitbaton.domain.outbox import AgentHandoff
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.documents import parse_document

#: Fields of a handoff that are not its author's to say.
_OURS = tuple(name for name in Handoff.model_fields if name not in AgentHandoff.model_fields)

#: A character beyond the first 65,536 as most programs write it in JSON; no backslash before it takes its meaning away.
_PAIR = re.compile(rb"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})")


class HandoffText(AgentHandoff):
    """What may stand in such a text: an author's fields, and the task."""

    version: Annotated[int, Field(strict=True, ge=1, le=1)] = 1
    task: TaskId | None = None


class Written(NamedTuple):
    """What a text says: the task it names, and the fields."""

    task: str | None
    fields: dict[str, Any]


def parse_handoff_text(data: bytes, name: str) -> Written:
    """The handoff in ``data``; ``name`` is what to call it. Raises ``InvalidDocument`` with every problem: syntax, fields that
    there are not, values that don't fit, and what is the tool's to say.
    """
    try:
        said = parse_document(_spell_out_json(data), name, HandoffText, "handoff")
    except InvalidDocument as error:
        raise InvalidDocument(
            map(_explain, error.problems), message=_count(error.problems, name), hint=f"nothing was saved; correct {name}, and save again"
        ) from None  # fmt: skip
    fields = said.model_dump(mode="json", exclude_unset=True, exclude={"task", "version"})
    return Written(said.task, {name: fields[name] for name in AgentHandoff.model_fields if name in fields})


def _spell_out_json(data: bytes) -> bytes:
    """JSON in such a way that it can be read as YAML: what is an escape for two halves of a character there is one character,
    and tabs between values are blanks. Texts of JSON hold no tabs themselves.
    """
    if not data.lstrip().startswith(b"{"):
        return data
    try:
        json.loads(data)
    except ValueError:
        return data
    return _PAIR.sub(
        lambda found: found[1] + json.loads(b'"%s"' % found[2]).encode(), data.replace(b"\t", b" ")
    )


def _explain(problem: Problem) -> Problem:
    if problem.code == "unknown-field" and problem.field in _OURS:
        return problem._replace(message=f"'{problem.field}' is for the tool to say; leave it out")
    return problem


def _count(problems: tuple[Problem, ...], name: str) -> str | None:
    return None if len(problems) == 1 else f"{len(problems)} problems in {name}"
