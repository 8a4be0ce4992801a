"""Rules between files: what one document says about another must be true. Pure; each rule yields findings
that name the field at fault, so that whoever read the files can say line and column.
"""

from __future__ import annotations

from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.config import Config
from gitbaton.domain.graph import find_cycles
from gitbaton.domain.ids import find_similar
from gitbaton.domain.plan import Plan
from gitbaton.domain.role import normalize_role
from gitbaton.domain.task import Task
from gitbaton.domain.workflow import Workflow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from gitbaton.domain.board import TaskRow
    from gitbaton.domain.document import Document
    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.role import Role

#: Looking for similar names takes milliseconds among a thousand: after so many the rest goes without.
_SUGGESTIONS_MAX = 25
#: How alike an unknown role must be to a known one to be taken for a slip of the pen. Role names are free, so
#: this is stricter than elsewhere: ``implementor`` is one, ``designer`` is not.
_ROLE_LIKENESS = 0.8


class Finding(NamedTuple):
    """A broken rule. ``field`` leads to the value at fault in the document at ``path``; empty = all of it."""

    path: str
    field: tuple[str | int, ...]
    code: str
    message: str


class PlanRow(NamedTuple):
    """What the rules need of a plan file."""

    id: str
    path: str
    tasks: tuple[str, ...]


class Reference(NamedTuple):
    """A name that stands for something elsewhere; ``noun`` says what: ``role``, ``agent``, ``milestone`` …"""

    path: str
    field: tuple[str | int, ...]
    noun: str
    name: str


# -- ids ------------------------------------------------------------------------------------------------


def check_unique(files: Iterable[tuple[str, str, str]]) -> Iterator[Finding]:
    """Every (noun, id, path) has its id to itself, without regard to case: ids become file names and refs."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for noun, name, path in files:
        groups.setdefault((noun, name.lower()), []).append((name, path))
    for (noun, _), group in groups.items():
        paths = sorted(path for _, path in group)
        for name, path in group if len(group) > 1 else ():
            others = ", ".join(p for p in paths if p != path)
            yield Finding(
                path, (), "duplicate-id", f"the {noun} id '{name}' is used elsewhere, too: {others}"
            )


class _Suggestions:
    """``, did you mean …?`` for unknown names, until there were too many of them."""

    def __init__(self) -> None:
        self._left = _SUGGESTIONS_MAX

    def __call__(self, name: str, known: Iterable[str]) -> str:
        if not self._left:
            return ""
        self._left -= 1
        near = find_similar(name, known, 1)
        return f", did you mean '{near[0]}'?" if near else ""


def check_links(
    rows: Iterable[TaskRow],
    plans: Iterable[PlanRow],
    known_tasks: Collection[str],
    known_plans: Collection[str],
) -> Iterator[Finding]:
    """Dependencies, parents and plans exist, and plans list tasks that say so. The known ids include those of
    files that can't be read: they are there.
    """
    suggest = _Suggestions()
    plans_said: dict[str, dict[str | None, str]] = {}  # task → the plan that a file of it names → that file
    for row in rows:
        plans_said.setdefault(row.id, {})[row.plan] = row.path
        for n, need in enumerate(row.depends_on):
            if need not in known_tasks:
                said = f"there is no task '{need}'{suggest(need, known_tasks)}"
                yield Finding(row.path, ("depends_on", n), "dangling-dependency", said)
        if row.parent is not None and row.parent not in known_tasks:
            said = f"there is no task '{row.parent}'{suggest(row.parent, known_tasks)}"
            yield Finding(row.path, ("parent",), "dangling-parent", said)
        if row.plan is not None and row.plan not in known_plans:
            said = f"there is no plan '{row.plan}'{suggest(row.plan, known_plans)}"
            yield Finding(row.path, ("plan",), "dangling-plan", said)
    for plan in plans:
        for n, task in enumerate(plan.tasks):
            if task not in known_tasks:
                said = f"there is no task '{task}'{suggest(task, known_tasks)}"
                yield Finding(plan.path, ("tasks", n), "dangling-task", said)
            elif task in plans_said and plan.id not in plans_said[task]:
                other, path = next(iter(plans_said[task].items()))
                said = f"{path} says " + (f"plan: {other}" if other else f"no plan; add plan: {plan.id}")
                yield Finding(plan.path, ("tasks", n), "plan-mismatch", said)


# -- the graph ------------------------------------------------------------------------------------------


def check_graph(rows: Iterable[TaskRow]) -> Iterator[Finding]:
    """Nothing waits for itself: by dependencies, by parents, or by both together."""
    by_id = {row.id: row for row in rows}
    parents = {task: [row.parent] if row.parent in by_id else [] for task, row in by_id.items()}
    needs = {task: [n for n in row.depends_on if n in by_id] for task, row in by_id.items()}
    in_loop: set[str] = set()
    for ring in find_cycles(parents):
        in_loop.update(ring)
        said = "it is its own parent" if len(ring) == 2 else f"parents in a circle: {_way(ring)}"
        yield Finding(by_id[ring[0]].path, ("parent",), "parent-cycle", said)
    for task, row in by_id.items():
        above = list(_iter_ancestors(task, parents))
        for need in dict.fromkeys(needs[task]):
            if need != task and need not in above:
                continue
            place = ("depends_on", row.depends_on.index(need))
            if need == task:
                yield Finding(row.path, place, "depends-on-itself", "it depends on itself")
            else:
                said = f"'{need}' is done when its parts are, and this is one of them"
                yield Finding(row.path, place, "depends-on-ancestor", said)
        needs[task] = [n for n in needs[task] if n != task and n not in above]
    yield from _check_dependency_cycles(by_id, needs, parents, in_loop)


def _check_dependency_cycles(
    by_id: Mapping[str, TaskRow],
    needs: dict[str, list[str]],
    parents: Mapping[str, list[str]],
    in_loop: set[str],
) -> Iterator[Finding]:
    """Cycles of dependencies, then those that close only because a parent waits for its parts."""
    seen: set[str] = set()
    for ring in find_cycles(needs):
        seen.update(ring)
        place = ("depends_on", by_id[ring[0]].depends_on.index(ring[1]))
        yield Finding(
            by_id[ring[0]].path, place, "dependency-cycle", f"dependencies in a circle: {_way(ring)}"
        )
    waits = {task: list(found) for task, found in needs.items() if task not in seen}
    for task, above in parents.items():
        for parent in above:
            if parent in waits and task in waits and parent not in in_loop:
                waits[parent].append(task)
    for ring in find_cycles(waits):
        pairs = list(pairwise(ring))
        task, need = min(pair for pair in pairs if pair[1] in needs[pair[0]])
        parts = [f"{a} waits for its part {b}" for a, b in pairs if b not in needs[a]]
        place = ("depends_on", by_id[task].depends_on.index(need))
        said = f"nothing of this can start: {_way(ring)} ({', '.join(parts)})"
        yield Finding(by_id[task].path, place, "dependency-cycle", said)


def _iter_ancestors(task: str, parents: Mapping[str, list[str]]) -> Iterator[str]:
    """Parent, parent's parent …; ends where it would come round again."""
    seen = {task}
    here = parents[task]
    while here and here[0] not in seen:
        yield here[0]
        seen.add(here[0])
        here = parents[here[0]]


def _way(ring: Iterable[str]) -> str:
    return " → ".join(ring)


# -- names ----------------------------------------------------------------------------------------------


def iter_references(path: str, document: Document) -> Iterator[Reference]:
    """The names in a document that stand for something in the config or for a role."""
    if isinstance(document, Task):
        run = document.run
        named = [("role", document.role), ("milestone", document.milestone), ("service", document.service)]
        yield from (Reference(path, (noun,), noun, name) for noun, name in named if name)
        if run and run.agent:
            yield Reference(path, ("run", "agent"), "agent", run.agent)
        for n, server in enumerate(run.mcp_servers if run else ()):
            yield Reference(path, ("run", "mcp_servers", n), "MCP server", server)
    elif isinstance(document, Plan) and document.milestone:
        yield Reference(path, ("milestone",), "milestone", document.milestone)
    elif isinstance(document, Workflow):
        for n, step in enumerate(document.steps):
            run = step.run
            named = [
                ("role", step.role),
                ("milestone", step.milestone),
                ("agent", run.agent if run else None),
            ]
            fields = {"agent": ("run", "agent")}
            for noun, name in named:
                if name and "{{" not in name:
                    yield Reference(path, ("steps", n, *fields.get(noun, (noun,))), noun, name)
    elif isinstance(document, Config) and document.agent:
        yield Reference(path, ("agent",), "agent", document.agent)


def check_names(
    references: Iterable[Reference], config: Config, known_roles: Collection[str]
) -> Iterator[Finding]:
    """Names mean something. Agents and MCP servers must be known, because an attempt would be refused;
    services once the config lists any. A role may have any name, so that only one that looks like a misspelt known
    one is reported. For milestones see ``list_unknown``.
    """
    suggest = _Suggestions()
    known: dict[str, Collection[str]] = {
        "agent": {"claude", *config.agents},  # Claude Code needs no entry
        "MCP server": config.run.mcp_servers,
        **({"service": config.services} if config.services else {}),
    }
    for reference in references:
        path, field, noun, name = reference
        if noun == "role":
            if normalize_role(name) not in known_roles and (
                near := get_close_matches(normalize_role(name), known_roles, 1, _ROLE_LIKENESS)
            ):
                yield Finding(
                    path, field, "unknown-role", f"unknown role '{name}', did you mean '{near[0]}'?"
                )
        elif noun in known and name not in known[noun]:
            said = f"tasks/config.yaml has no {noun} '{name}'{suggest(name, known[noun])}"
            yield Finding(path, field, f"unknown-{noun.lower().replace(' ', '-')}", said)


def list_unknown(
    references: Iterable[Reference], config: Config, known_roles: Collection[str]
) -> Iterator[Finding]:
    """Names that are allowed without being described anywhere, each where it stands first. They are worth a note, no
    more.
    """
    seen: set[tuple[str, str]] = set()
    for path, field, noun, name in references:
        if (noun, name) in seen:
            continue
        seen.add((noun, name))
        if noun == "role" and normalize_role(name) not in known_roles:
            said = f"nobody described the role '{name}', so it adds no guidance"
            yield Finding(path, field, "undescribed-role", said)
        elif noun == "milestone" and name not in config.milestones:
            near = find_similar(name, config.milestones, 1)
            more = f", did you mean '{near[0]}'?" if near else "; so it has no date and no goal"
            yield Finding(
                path, field, "unknown-milestone", f"tasks/config.yaml has no milestone '{name}'{more}"
            )


# -- roles ----------------------------------------------------------------------------------------------


def check_roles(
    roles: Mapping[str, tuple[str, Role]], names: Mapping[str, str], builtin: Collection[str]
) -> Iterator[Finding]:
    """A role extends one that there is, and not itself. ``roles``: name → path and role of the repository's own;
    ``names``: every name and alias → the name of its file.
    """
    edges: dict[str, list[str]] = {}
    suggest = _Suggestions()
    for name, (path, role) in roles.items():
        if role.extends is None:
            continue
        wanted = names.get(normalize_role(role.extends))
        if wanted == name and name not in builtin:
            yield Finding(path, ("extends",), "role-cycle", "it extends itself")
        elif wanted is None:
            said = f"there is no role '{role.extends}'{suggest(role.extends, names)}"
            yield Finding(path, ("extends",), "dangling-role", said)
        elif wanted != name:
            edges[name] = [wanted]
    for ring in find_cycles(edges):
        said = f"roles extend one another in a circle: {_way(ring)}"
        yield Finding(roles[ring[0]][0], ("extends",), "role-cycle", said)


# -- handoffs -------------------------------------------------------------------------------------------


def check_handoff(path: str, handoff: Handoff) -> Iterator[Finding]:
    """It is about the task in whose folder it stands: by that folder it is found."""
    parts = path.split("/")
    if len(parts) < 4:
        said = "a handoff stands in a folder of its task's name, or in sessions/; here nobody finds it"
        yield Finding(path, (), "wrong-folder", said)
    elif (folder := parts[2]) != (handoff.task or "sessions"):
        said = f"it is about {handoff.task or 'no task'}, but stands in the folder {folder}, where nobody looks for it"
        yield Finding(path, ("task",), "wrong-folder", said)
