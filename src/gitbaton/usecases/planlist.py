"""Reading a list of tasks that somebody wrote, and saying what is wrong with it by line and field."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from gitbaton.domain.breakdown import Breakdown, Given, list_given
from gitbaton.errors import InvalidDocument, Problem
from gitbaton.store.documents import explain_misfit
from gitbaton.store.yamlfile import Shape, YamlFile, field_name, parse_list, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gitbaton.domain.rules import Finding

#: What standard input is called in problems.
STDIN = "standard input"
_HINT = "nothing was changed; mend the list and run the same command again"


class TaskList(NamedTuple):
    """A list of tasks: what was read, where it stands, and its items."""

    source: YamlFile
    breakdown: Breakdown
    given: Sequence[Given]

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raises ``InvalidDocument`` if there are any."""
        problems = [
            Problem(self.source.path, *self.source.position(f.field), field_name(f.field), f.code, f.message)
            for f in findings
        ]
        if problems:
            raise _refusal(problems)


def read_list(data: bytes, name: str) -> TaskList:
    """The list in ``data``, which is called ``name`` in problems: a YAML list of titles or of fields of tasks, or the
    same under ``tasks`` with what the plan says. Raises ``InvalidDocument`` with every problem.
    """
    try:
        source = parse_list(data, name, _shape(), "tasks")
    except InvalidDocument as error:
        raise _refusal([_reword(p) for p in error.problems]) from None
    try:
        breakdown = Breakdown.model_validate(source.value)
    except ValidationError as error:
        raise _refusal(explain_misfit(error, source, _schema())) from None
    return TaskList(source, breakdown, list_given(source.value["tasks"], breakdown.tasks))


def take_list(value: dict[str, Any], name: str) -> TaskList:
    """The same for values as JSON has them. Raises ``InvalidDocument``."""
    source = YamlFile(name, value)
    try:
        breakdown = Breakdown.model_validate(value)
    except ValidationError as error:
        raise _refusal(explain_misfit(error, source, _schema())) from None
    return TaskList(source, breakdown, list_given(value["tasks"], breakdown.tasks))


def _refusal(problems: Sequence[Problem]) -> InvalidDocument:
    found = sorted(problems)
    said = str(found[0]) if len(found) == 1 else f"{len(found)} problems in {found[0].path}"
    return InvalidDocument(found, message=said, hint=_HINT)


def _reword(problem: Problem) -> Problem:
    words = {
        "empty": "there is no task in it: write a list, one task in each line that begins with '- '",
        "not-a-mapping": "a list of tasks is wanted: one in each line that begins with '- '",
    }
    return problem._replace(message=words.get(problem.code, problem.message))


@cache
def _schema() -> dict[str, Any]:
    return Breakdown.model_json_schema()


@cache
def _shape() -> Shape:
    return shape_of(_schema())
