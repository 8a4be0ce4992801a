"""What must hold in a workflow file beyond its schema, so that any values for its parameters give tasks that are valid
and can be worked off. Pure; each rule yields findings that name the field at fault.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from gitbaton.domain.filling import NAME, Condition, iter_names, parse_condition
from gitbaton.domain.graph import find_cycles
from gitbaton.domain.ids import find_similar
from gitbaton.domain.rules import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from gitbaton.domain.workflow import Repeat, Step, Workflow

#: Rounds of a ``repeat``: more are a slip of the pen.
ROUNDS_MAX = 20
#: Names that stand for something only inside a ``repeat``.
_OF_ROUNDS = ("round", "item")
Field = tuple[str | int, ...]


def list_waits(steps: Sequence[Step]) -> dict[str, list[str]]:
    """Step → the steps that must be done before it is: what it depends on, and its parts."""
    waits = {step.id: list(step.depends_on) for step in steps}
    for step in steps:
        if step.parent is not None and step.parent in waits:
            waits[step.parent].append(step.id)
    return waits


def check_workflow(path: str, workflow: Workflow) -> Iterator[Finding]:
    """Steps have ids of their own and refer to steps of this workflow, nothing waits for itself, conditions and texts
    name parameters, rounds can follow one another.
    """
    for field, code, message in (
        *_check_parameters(workflow),
        *_check_links(workflow),
        *_check_repeats(workflow),
        *_check_order(workflow),
        *_check_names(workflow),
    ):
        yield Finding(path, field, code, message)


def list_unused(path: str, workflow: Workflow) -> Iterator[Finding]:
    """Parameters that nothing asks for. They do no harm."""
    used = {name for _, text in _iter_texts(workflow) for name in iter_names(text)}
    used |= {found.name for step in workflow.steps if (found := _find_condition(step))}
    for name in workflow.parameters:
        if name not in used:
            yield Finding(path, ("parameters", name), "unused-parameter", f"nothing asks for '{name}'")


_Wrong = tuple[Field, str, str]


def _check_parameters(workflow: Workflow) -> Iterator[_Wrong]:
    import re

    for name, parameter in workflow.parameters.items():
        if not re.fullmatch(NAME, name):
            said = f"'{name}' can't stand between braces: use letters, digits, '_' and '-', and begin with a letter"
            yield ("parameters", name), "bad-parameter", said
        if name in _OF_ROUNDS:
            said = f"'{name}' has a meaning of its own in a repeat; choose another name"
            yield ("parameters", name), "bad-parameter", said
        if parameter.default and parameter.one_of and parameter.default not in parameter.one_of:
            said = f"must be one of {', '.join(parameter.one_of)}, not '{parameter.default}'"
            yield ("parameters", name, "default"), "not-allowed", said


def _check_links(workflow: Workflow) -> Iterator[_Wrong]:
    ids = [step.id for step in workflow.steps]
    for n, step in enumerate(workflow.steps):
        if step.id in ids[:n]:
            yield ("steps", n, "id"), "duplicate-id", f"there is a step '{step.id}' above"
        for m, need in enumerate(step.depends_on):
            if need not in ids:
                yield ("steps", n, "depends_on", m), "dangling-dependency", _no_step(need, ids)
        if step.parent is not None and step.parent not in ids:
            yield ("steps", n, "parent"), "dangling-parent", _no_step(step.parent, ids)


def _no_step(name: str, known: Iterable[str]) -> str:
    near = find_similar(name, known, 1)
    return f"there is no step '{name}'" + (f", did you mean '{near[0]}'?" if near else "")


# -- rounds ----------------------------------------------------------------------------------------------------


def _check_repeats(workflow: Workflow) -> Iterator[_Wrong]:
    ids = [step.id for step in workflow.steps]
    seen: set[str] = set()
    for n, repeat in enumerate(workflow.repeat):
        if (repeat.times is None) is (repeat.over is None):
            yield ("repeat", n), "bad-repeat", "give either times or over"
        if repeat.times is not None and not list(iter_names(repeat.times)):
            said = repeat.times.strip()
            if not (said.isascii() and said.isdecimal() and int(said) <= ROUNDS_MAX):
                yield (
                    ("repeat", n, "times"),
                    "bad-repeat",
                    f"must be a number from 0 to {ROUNDS_MAX}, not '{said}'",
                )
        for m, name in enumerate(repeat.steps):
            if name not in ids:
                yield ("repeat", n, "steps", m), "dangling-dependency", _no_step(name, ids)
            elif name in seen:
                yield ("repeat", n, "steps", m), "bad-repeat", f"'{name}' is repeated already"
            seen.add(name)
    groups = _group_steps(workflow)
    for n, step in enumerate(workflow.steps):
        if step.parent in groups and groups[step.parent] is not groups.get(step.id):
            said = f"'{step.parent}' is repeated without this step, so it is not clear which one is meant"
            yield ("steps", n, "parent"), "bad-repeat", said


def _group_steps(workflow: Workflow) -> dict[str | None, Repeat]:
    return {name: repeat for repeat in workflow.repeat for name in repeat.steps}


# -- order -----------------------------------------------------------------------------------------------------


def _check_order(workflow: Workflow) -> Iterator[_Wrong]:
    """No circle: by dependencies, with the parts that a step waits for, or because rounds follow one another."""
    places = {step.id: n for n, step in enumerate(workflow.steps)}
    parents = {step.id: [step.parent] if step.parent in places else [] for step in workflow.steps}
    rings = list(find_cycles(parents))
    for ring in rings:
        yield ("steps", places[ring[0]], "parent"), "parent-cycle", f"parents in a circle: {_way(ring)}"
    needs = {step.id: [n for n in step.depends_on if n in places] for step in workflow.steps}
    found = list(find_cycles(needs))
    for ring in found:
        yield _point(workflow, places, ring), "dependency-cycle", f"steps in a circle: {_way(ring)}"
    if rings or found:
        return
    waits = {name: [n for n in found if n in places] for name, found in list_waits(workflow.steps).items()}
    found = list(find_cycles(waits))
    for ring in found:
        said = f"nothing of this could start, because a step waits for its parts: {_way(ring)}"
        yield _point(workflow, places, ring), "dependency-cycle", said
    if not found:
        yield from _check_rounds(workflow, places, waits)


def _check_rounds(
    workflow: Workflow, places: Mapping[str, int], waits: Mapping[str, list[str]]
) -> Iterator[_Wrong]:
    """A round is done before the next one begins, so that rounds as a whole must not wait for what waits for them."""
    whole = {name: repeat.steps[0] for repeat in workflow.repeat for name in repeat.steps if name in places}
    edges: dict[str, list[str]] = {}
    for name, found in waits.items():
        here = edges.setdefault(whole.get(name, name), [])
        here += [there for n in found if (there := whole.get(n, n)) != whole.get(name, name)]
    for ring in find_cycles(edges):
        n = next((n for n, repeat in enumerate(workflow.repeat) if repeat.steps[0] in ring), 0)
        said = f"{_way(ring)}: what stands between the steps of a round must be repeated with them"
        yield ("repeat", n, "steps"), "bad-repeat", said


def _point(workflow: Workflow, places: Mapping[str, int], ring: Sequence[str]) -> Field:
    """The field by which a circle closes: a dependency of one of its steps."""
    for name, need in pairwise(ring):
        n = places[name]
        if need in workflow.steps[n].depends_on:
            return ("steps", n, "depends_on", workflow.steps[n].depends_on.index(need))
    return ("steps", places[ring[0]])


def _way(ring: Iterable[str]) -> str:
    return " → ".join(ring)


# -- names -----------------------------------------------------------------------------------------------------


def _check_names(workflow: Workflow) -> Iterator[_Wrong]:
    groups = _group_steps(workflow)
    for field, text in _iter_texts(workflow):
        names = _list_known(workflow, groups, field)
        for name in dict.fromkeys(iter_names(text)):
            if name not in names:
                yield field, "unknown-parameter", _no_parameter(name, names)
    for n, step in enumerate(workflow.steps):
        yield from _check_step(workflow, n, step, _list_known(workflow, groups, ("steps", n)))


def _check_step(workflow: Workflow, n: int, step: Step, names: Collection[str]) -> Iterator[_Wrong]:
    condition = None
    if step.when is not None:
        try:
            condition = parse_condition(step.when)
        except ValueError as error:
            yield ("steps", n, "when"), "bad-condition", str(error)
    if condition and condition.name not in names:
        yield ("steps", n, "when"), "unknown-parameter", _no_parameter(condition.name, names)
    elif condition and condition.value is not None:
        given = workflow.parameters.get(condition.name)
        if given and given.one_of and condition.value not in given.one_of:
            said = f"'{condition.name}' is one of {', '.join(given.one_of)}, never '{condition.value}'"
            yield ("steps", n, "when"), "bad-condition", said
    for name in dict.fromkeys(iter_names(step.title)):
        parameter = workflow.parameters.get(name)
        if parameter and not (
            parameter.required or (parameter.default or "").strip() or _ensures(condition, name)
        ):
            said = f"'{name}' may not be set, and a title needs it: make it required, or give it a default"
            yield ("steps", n, "title"), "unset-parameter", said


def _ensures(condition: Condition | None, name: str) -> bool:
    return condition is not None and condition.name == name and condition.wanted


def _list_known(workflow: Workflow, groups: Mapping[str | None, Repeat], field: Field) -> list[str]:
    """The names that stand for something at ``field``."""
    names = list(workflow.parameters)
    if field[0] == "steps" and (repeat := groups.get(workflow.steps[int(field[1])].id)):
        names += ["round", *(["item"] if repeat.over is not None else [])]
    return names


def _no_parameter(name: str, known: Collection[str]) -> str:
    if name in _OF_ROUNDS and name not in known:
        wanted = "a repeat with over" if name == "item" else "a repeat"
        return f"'{name}' stands for something only in {wanted}"
    near = find_similar(name, known, 1)
    return f"there is no parameter '{name}'" + (f", did you mean '{near[0]}'?" if near else "")


def _find_condition(step: Step) -> Condition | None:
    try:
        return parse_condition(step.when) if step.when is not None else None
    except ValueError:
        return None


def _iter_texts(workflow: Workflow) -> Iterator[tuple[Field, str]]:
    """Every text in which names are filled in, with its field."""
    for n, step in enumerate(workflow.steps):
        for name in ("title", "description", "role", "estimate", "milestone", "assignee", "hold"):
            if text := getattr(step, name):
                yield ("steps", n, name), text
        for name in ("paths", "labels", "context"):
            for m, text in enumerate(getattr(step, name)):
                yield ("steps", n, name, m), text
        for m, criterion in enumerate(step.acceptance):
            yield ("steps", n, "acceptance", m), criterion.text
        yield from _iter_run(n, step)
    for n, repeat in enumerate(workflow.repeat):
        for name in ("times", "over"):
            if text := getattr(repeat, name):
                yield ("repeat", n, name), text


def _iter_run(n: int, step: Step) -> Iterator[tuple[Field, str]]:
    for name in ("agent", "model"):
        if text := getattr(step.run, name, None):
            yield ("steps", n, "run", name), text
    for m, check in enumerate(step.run.checks if step.run else ()):
        yield ("steps", n, "run", "checks", m, "name"), check.name
        yield ("steps", n, "run", "checks", m, "run"), check.run
