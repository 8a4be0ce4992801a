"""A workflow made into plain tasks. Pure: the same recipe, parameters and ids give the same tasks.

Steps in a ``repeat`` are unrolled to as many tasks as there will be rounds: nothing hidden runs later. A step whose
condition doesn't hold is left out, and what depended on it depends on what it depended on. A step that is a parent
waits for its parts, so these count as what it depended on, too.
"""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.filling import fill_command, fill_line, fill_text, iter_names, parse_condition
from gitbaton.domain.ids import find_similar
from gitbaton.domain.recipe import ROUNDS_MAX, check_workflow, list_waits
from gitbaton.errors import Refusal, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from gitbaton.domain.task import TaskRun
    from gitbaton.domain.workflow import Repeat, Step, Workflow

_TITLE_MAX = 200
#: A step and its round, 0 for a step that is not repeated.
_Key = tuple[str, int]


class NewTask(NamedTuple):
    """A task to be written: its id, the step it comes from (with the round's number, as ``review-2``), and its fields
    as in the task schema.
    """

    id: str
    step: str
    fields: dict[str, Any]


class _Copy(NamedTuple):
    """A step in one round: what it waits for, its parent, and what its names stand for."""

    key: _Key
    step: Step
    needs: tuple[_Key, ...]
    parent: _Key | None
    values: Mapping[str, str]
    used: bool
    rounds: int


def instantiate(
    workflow: Workflow,
    parameters: Mapping[str, str],
    *,
    prefix: str | None = None,
    plan: str | None = None,
    taken: Collection[str] = (),
    make_id: Callable[[str, Collection[str]], str],
) -> tuple[NewTask, ...]:
    """The tasks that the workflow gives, in the order of its steps. Ids come from the titles, or with ``prefix`` from
    it and the step; ``make_id`` gives a free one for a title and the ids that are taken.

    Raises ``UsageError`` for parameters that don't fit (``bad-parameters``, all at once) or a task that would not be
    valid (``bad-value``), ``Refusal`` (``bad-workflow``) for a workflow that has problems, or gives no task at all
    (``no-steps``).
    """
    if found := [f.message for f in check_workflow("", workflow)]:
        raise Refusal(
            f"the workflow has mistakes: {'; '.join(found)}", code="bad-workflow", hint="baton validate"
        )
    values = settle_parameters(workflow, parameters)
    copies = _leave_out_empty_parents(_unroll(workflow, values))
    kept = [copy for copy in copies.values() if copy.used]
    if not kept:
        raise Refusal(
            "with these values every step is left out",
            code="no-steps",
            hint="see the conditions with: baton workflow show",
        )
    ids: dict[_Key, str] = {}
    used = set(taken)
    titles = {copy.key: _make_title(copy) for copy in kept}
    for copy in kept:
        ids[copy.key] = make_id(f"{prefix} {_name(copy)}" if prefix else titles[copy.key], used)
        used.add(ids[copy.key])
    waits = _bridge(copies)
    return tuple(
        NewTask(
            ids[copy.key],
            _name(copy),
            {
                "title": titles[copy.key],
                **_list_fields(copy),
                **({"depends_on": needs} if (needs := [ids[key] for key in waits[copy.key]]) else {}),
                **({"parent": ids[above]} if (above := _find_parent(copies, copy)) else {}),
                **({"plan": plan} if plan else {}),
            },
        )
        for copy in kept
    )


# -- parameters ------------------------------------------------------------------------------------------------


def settle_parameters(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    """What each parameter stands for, for those that stand for something. Raises ``UsageError``
    (``bad-parameters``) that names all that is wrong, and says what there is.
    """
    known = workflow.parameters
    wrong = []
    for name in given:
        if name not in known:
            near = find_similar(name, known, 1)
            wrong.append(f"there is no parameter '{name}'" + (f", did you mean '{near[0]}'?" if near else ""))
    values = {}
    for name, parameter in known.items():
        value = given.get(name)
        value = (value if value is not None and value.strip() else parameter.default or "").strip()
        if parameter.required and not value:
            wrong.append(
                f"'{name}' is missing" + (f" ({parameter.description})" if parameter.description else "")
            )
        elif value and parameter.one_of and value not in parameter.one_of:
            wrong.append(f"'{name}' must be one of {', '.join(parameter.one_of)}, not '{value}'")
        elif "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            wrong.append(f"'{name}' has a character that no text file can hold")
        elif value:
            values[name] = value
    if wrong:
        raise UsageError(
            "; ".join(wrong), code="bad-parameters", hint=f"it takes: {describe_parameters(workflow)}",
            data={"parameters": sorted(known), "required": sorted(n for n, p in known.items() if p.required)},
        )  # fmt: skip
    return values


def describe_parameters(workflow: Workflow) -> str:
    """What can be given, on one line."""
    said = []
    for name, p in workflow.parameters.items():
        notes = [
            *(["required"] if p.required else []),
            *([" or ".join(p.one_of)] if p.one_of else []),
            *([f"default: {p.default}"] if p.default else []),
        ]
        said.append(name + (f" ({', '.join(notes)})" if notes else ""))
    return ", ".join(said) or "no parameters"


# -- rounds ----------------------------------------------------------------------------------------------------


def _unroll(workflow: Workflow, values: Mapping[str, str]) -> dict[_Key, _Copy]:
    """Every step in every round, left-out ones too, in the order of the steps."""
    groups = {name: repeat for repeat in workflow.repeat for name in repeat.steps}
    rounds = {id(repeat): _count(repeat, values) for repeat in workflow.repeat}
    edges = _list_edges(workflow)
    copies: dict[_Key, _Copy] = {}
    for step, number, item in _list_rounds(workflow, groups, rounds):
        group = groups.get(step.id)
        own = dict(values)
        if group is not None:
            own |= {"round": str(number), **({"item": item} if group.over is not None else {})}
        needs: list[_Key] = []
        for need in step.depends_on:
            other = groups.get(need)
            if other is None or other is group:
                needs.append((need, number if other is not None else 0))
            else:
                last = max(1, len(rounds[id(other)]))
                needs += [(need, n) for n in range(1 if other.at_once else last, last + 1)]
        if group is not None and number > 1 and not group.at_once and not edges[step.id] & {*group.steps}:
            needs += [(name, number - 1) for name in _list_exits(group, edges)]
        parent = (step.parent, number if step.parent in groups else 0) if step.parent else None
        items = rounds[id(group)] if group is not None else None
        used = items is None or bool(items)
        used = used and (step.when is None or parse_condition(step.when).holds(own))
        copies[step.id, number] = _Copy(
            (step.id, number), step, tuple(dict.fromkeys(needs)), parent, own, used, len(items or ())
        )
    return copies


def _list_rounds(
    workflow: Workflow, groups: Mapping[str, Repeat], rounds: Mapping[int, Sequence[str]]
) -> Iterator[tuple[Step, int, str]]:
    """Every step with the number and the item of its round: round by round, where the first step of one stands. A
    round that isn't done at all is there once.
    """
    seen: set[str] = set()
    for step in workflow.steps:
        group = groups.get(step.id)
        if group is None:
            yield step, 0, ""
        elif step.id not in seen:
            inside = [one for one in workflow.steps if one.id in group.steps]
            seen.update(one.id for one in inside)
            for number, item in enumerate(rounds[id(group)] or [""], 1):
                yield from ((one, number, item) for one in inside)


def _list_edges(workflow: Workflow) -> dict[str, set[str]]:
    return {name: set(waits) for name, waits in list_waits(workflow.steps).items()}


def _list_exits(group: Repeat, edges: Mapping[str, set[str]]) -> list[str]:
    """The steps of a round that no other step of it waits for."""
    waited = {need for name in group.steps for need in edges[name]}
    return [name for name in group.steps if name not in waited]


def _count(repeat: Repeat, values: Mapping[str, str]) -> list[str]:
    """An item for each round; for ``times`` its number."""
    name = " ".join(iter_names(repeat.over or repeat.times or "")) or "the number of rounds"
    if repeat.over is not None:
        said = fill_text(repeat.over, values)
        found = list(
            dict.fromkeys(
                " ".join(i.split()) for i in (said or "").replace("\n", ",").split(",") if i.strip()
            )
        )
        if said is not None and not found:
            raise UsageError(
                f"'{name}' lists nothing", code="bad-parameters", hint="give a list with commas between"
            )
        if len(found) > ROUNDS_MAX:
            raise UsageError(
                f"'{name}' lists {len(found)}; {ROUNDS_MAX} are the most", code="bad-parameters",
                hint="use the workflow several times",
            )  # fmt: skip
        return found
    said = fill_line(repeat.times or "", values) or "0"
    if not (said.isdecimal() and said.isascii() and int(said) <= ROUNDS_MAX):
        raise UsageError(
            f"'{name}' must be a number from 0 to {ROUNDS_MAX}, not '{said}'", code="bad-parameters",
            hint=f"--set {name}=2",
        )  # fmt: skip
    return [str(n + 1) for n in range(int(said))]


# -- what is left out ------------------------------------------------------------------------------------------


def _leave_out_empty_parents(copies: Mapping[_Key, _Copy]) -> dict[_Key, _Copy]:
    """A step that all parts are left out of is left out, too: alone it would be a task."""
    kids = _group_by_parent(copies.values())
    alive: set[_Key] = set()
    for copy in copies.values():
        above = copy.parent if copy.used and copy.key not in kids else None
        while above is not None and above not in alive:
            alive.add(above)
            above = copies[above].parent
    return {
        key: copy._replace(used=copy.used and (key not in kids or key in alive))
        for key, copy in copies.items()
    }


def _group_by_parent(copies: Iterable[_Copy]) -> dict[_Key, list[_Copy]]:
    found: dict[_Key, list[_Copy]] = {}
    for copy in copies:
        if copy.parent is not None:
            found.setdefault(copy.parent, []).append(copy)
    return found


def _bridge(copies: Mapping[_Key, _Copy]) -> dict[_Key, list[_Key]]:
    """What each used copy waits for, over those that are left out."""
    kids = _group_by_parent(copies.values())
    gone = {
        copy.key: [*copy.needs, *(part.key for part in kids.get(copy.key, ()))]
        for copy in copies.values()
        if not copy.used
    }
    reached: dict[_Key, list[_Key]] = {}

    def reach(key: _Key) -> list[_Key]:
        return reached.get(key, [key])

    order = TopologicalSorter({key: [n for n in below if n in gone] for key, below in gone.items()})
    for key in order.static_order():
        reached[key] = list(dict.fromkeys(far for near in gone[key] for far in reach(near)))
    waits = {
        copy.key: list(dict.fromkeys(far for need in copy.needs for far in reach(need)))
        for copy in copies.values()
        if copy.used
    }
    return {key: _drop_implied(waits, copies[key]) for key in waits}


def _drop_implied(waits: Mapping[_Key, list[_Key]], copy: _Copy) -> list[_Key]:
    """What a task waits for, without what only a bridge led to and another of them waits for anyway."""
    own = waits[copy.key]
    behind: set[_Key] = set()
    left = [far for near in own for far in waits[near]] if not {*own} <= {*copy.needs} else []
    while left:
        if (key := left.pop()) not in behind:
            behind.add(key)
            left += waits[key]
    return [key for key in own if key in copy.needs or key not in behind]


def _find_parent(copies: Mapping[_Key, _Copy], copy: _Copy) -> _Key | None:
    above = copy.parent
    while above is not None and not copies[above].used:
        above = copies[above].parent
    return above


# -- fields ----------------------------------------------------------------------------------------------------


def _name(copy: _Copy) -> str:
    step, number = copy.key
    return f"{step}-{number}" if number else step


def _make_title(copy: _Copy) -> str:
    title = fill_line(copy.step.title, copy.values) or copy.step.id
    same = fill_line(copy.step.title, {**copy.values, "round": "\0", "item": "\0"})
    if copy.rounds > 1 and same is not None and "\0" not in same:
        title += f" (round {copy.key[1]})"
    if len(title) > _TITLE_MAX:
        raise UsageError(
            f"the title of step '{copy.step.id}' would have {len(title)} characters; {_TITLE_MAX} are the most",
            code="bad-value", hint="give shorter values; long texts belong into descriptions",
        )  # fmt: skip
    return title


def _list_fields(copy: _Copy) -> dict[str, Any]:
    """What a step says for its task, filled in; what says nothing is not there."""
    step, values = copy.step, copy.values
    plain = {name: getattr(step, name) for name in ("type", "priority", "complexity")}
    lines = {name: getattr(step, name) for name in ("role", "estimate", "milestone", "assignee", "hold")}
    lists = {name: getattr(step, name) for name in ("paths", "labels", "context")}
    fields: dict[str, Any] = {
        **plain,
        **{name: fill_line(text, values) for name, text in lines.items() if text},
        **{name: _fill_items(items, values, spread=True) for name, items in lists.items()},
        "description": fill_text(step.description, values) if step.description else None,
        "acceptance": _fill_items([criterion.text for criterion in step.acceptance], values),
        "run": _fill_run(step.run, values) if step.run else None,
    }
    return {name: value for name, value in fields.items() if value}


def _fill_items(items: Sequence[str], values: Mapping[str, str], *, spread: bool = False) -> list[str]:
    """``spread``: an item that names one parameter, whose value is a list with commas between, is there once for each
    of that list.
    """
    filled = [
        text.strip()
        for item in items
        for own in (_spread_value(item, values) if spread else [values])
        if (text := fill_text(item.strip(), own))
    ]
    return list(dict.fromkeys(filled))


def _spread_value(item: str, values: Mapping[str, str]) -> Sequence[Mapping[str, str]]:
    names = list(dict.fromkeys(iter_names(item)))
    parts = values.get(names[0], "").split(",") if len(names) == 1 else []
    return [{names[0]: part.strip()} for part in parts] if len(parts) > 1 else [values]


def _fill_run(run: TaskRun, values: Mapping[str, str]) -> dict[str, Any]:
    fields = run.model_dump(mode="json", exclude_defaults=True)
    if run.timeout is not None:
        fields["timeout"] = _say_seconds(run.timeout)
    for name in ("agent", "model"):
        if name in fields:
            fields[name] = fill_line(fields[name], values)
    fields["checks"] = [
        {
            "name": fill_line(check.name, values) or "check",
            "run": command,
            **({"timeout": _say_seconds(check.timeout)} if check.timeout is not None else {}),
        }
        for check in run.checks
        if (command := fill_command(check.run, values))
    ]
    return {name: value for name, value in fields.items() if value}


def _say_seconds(seconds: float) -> str:
    """A duration as the task file takes it."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"
