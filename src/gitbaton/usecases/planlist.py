"""Reading a list of tasks that somebody wrote, and saying what is wrong with it by line and field."""

from __future__ import annotations

import re
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

_PARTS = "parts are tasks of the list, too, and say parent: with the title or number of the whole"
_NESTS = ("subtasks", "children", "tasks", "parts", "steps")
_CHECKBOX = re.compile(r"\s*[-*] \[[ xX]\] ")
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
    lines = data.decode("utf-8", "replace").splitlines()
    try:
        source = parse_list(data, name, _shape(), "tasks")
    except InvalidDocument as error:
        raise _refusal([_reword(p, lines) for p in error.problems]) from None
    try:
        breakdown = Breakdown.model_validate(source.value)
    except ValidationError as error:
        raise _refusal([_reword(p, lines) for p in explain_misfit(error, source, _schema())]) from None
    if nested := [p for n, raw in enumerate(source.value["tasks"]) if (p := _find_nested(source, n, raw, lines))]:  # fmt: skip
        raise _refusal(nested)
    return TaskList(source, breakdown, list_given(source.value["tasks"], breakdown.tasks))


def _find_nested(source: YamlFile, n: int, raw: object, lines: Sequence[str]) -> Problem | None:
    """A list below a title, which YAML takes for more of the title: nobody means that."""
    line, column = source.position(("tasks", n))
    if isinstance(raw, str) and line < len(lines) and re.match(r"\s+[-*] ", lines[line]):
        return Problem(source.path, line + 1, column, f"tasks[{n}]", "nested", f"a title has no list below it: {_PARTS}")  # fmt: skip
    return None


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


def _reword(problem: Problem, lines: Sequence[str]) -> Problem:
    """A problem in the words of lists of tasks."""
    there = lines[problem.line - 1] if problem.line <= len(lines) else ""
    if _CHECKBOX.match(there):
        return problem._replace(
            code="checklist", message="this is a checklist of Markdown: leave out the [ ]"
        )
    if problem.code == "unknown-field" and problem.field.rpartition(".")[2] in _NESTS:
        return problem._replace(message=f"a task has no {problem.field.rpartition('.')[2]}: {_PARTS}")
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
