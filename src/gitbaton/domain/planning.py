"""From a list of tasks to task files: ids are chosen, references resolved, and everything that is wrong with it is
said at once. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.board import TaskRow
from gitbaton.domain.breakdown import OTHERS_SAY
from gitbaton.domain.ids import explain_bad_id, find_similar
from gitbaton.domain.rules import Finding, check_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from gitbaton.domain.breakdown import Given

#: A task of a list has this path in findings, with its number.
_MARK = "#"


class Ground(NamedTuple):
    """What a list of tasks comes to. ``rows`` are the tasks that there are; ``taken`` ids that no new one may have
    (in small letters); ``mine`` are tasks that an item may change by naming their id, and ``fixed`` says why others
    may not be changed. ``parent`` is the task that all of them are parts of, ``inherited`` what they get from it,
    ``gate`` what the first of them wait for.
    """

    rows: Mapping[str, TaskRow]
    taken: Collection[str]
    plan: str | None = None
    parent: str | None = None
    inherited: Mapping[str, Any] = {}
    gate: Sequence[str] = ()
    mine: Collection[str] = ()
    fixed: Mapping[str, str] = {}


class Draft(NamedTuple):
    """A task to be written. ``value`` are the fields of its file; of a task that ``exists`` those to set, and None for
    those to take away.
    """

    id: str
    value: dict[str, Any]
    exists: bool = False


def draft_tasks(
    given: Sequence[Given], ground: Ground, make_id: Callable[[str, Collection[str]], str]
) -> tuple[list[Draft], list[Finding]]:
    """The tasks that a list stands for, in its order, and what is wrong with it (``field`` leads into the list; then
    nothing may be written). ``make_id`` gives a free id for a title.
    """
    if not given:
        return [], [Finding("", ("tasks",), "too-short", "there is no task in it")]
    ids, findings = _choose_ids(given, ground, make_id)
    names = _Names(given, ids, ground)
    drafts = []
    for n, (item, task) in enumerate(zip(given, ids, strict=True)):
        findings += _find_strangers(n, item)
        value = dict(item.raw)
        for field in ("depends_on", "parent"):
            if value.get(field) is None:
                continue
            found = [names.find(text, n) for text in _texts(item, field)]
            wrong = [(m, said) for m, (_, said) in enumerate(found) if said]
            place = ("tasks", n, field)
            findings += [
                Finding("", (*place, m) if field == "depends_on" else place, "unknown-id", said)
                for m, said in wrong
            ]
            known = [name for name, _ in found if name]
            value[field] = known if field == "depends_on" else (known[0] if known else None)
        drafts.append(_complete(Draft(task, value, task in ground.mine), ground, ids))
    if not findings:
        findings += _judge_graph(drafts, ground)
    return [d._replace(value=_tidy(d.value, keep=d.exists)) for d in drafts], findings


def _texts(item: Given, field: str) -> Sequence[str]:
    if field == "depends_on":
        return item.task.depends_on
    return [item.task.parent] if item.task.parent else []


def _tidy(value: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    """Without repetitions, and (unless they are to be taken away: ``keep``) without fields that say nothing."""
    if value.get("depends_on"):
        value["depends_on"] = list(dict.fromkeys(value["depends_on"]))
    return {k: v for k, v in value.items() if keep or v is not None}


def _complete(draft: Draft, ground: Ground, ids: Collection[str]) -> Draft:
    """What a new task gets from its plan and from the task that it is a part of. One that waits for none of its list
    waits for what the whole waits for: parts of a task don't by themselves.
    """
    if draft.exists:
        return draft
    given = {k: v for k, v in (("plan", ground.plan), ("parent", ground.parent)) if v}
    value = {**ground.inherited, **given, **{k: v for k, v in draft.value.items() if v is not None}}
    needs = value.get("depends_on", ())
    if ground.gate and not any(n in ids for n in needs):
        value["depends_on"] = [*needs, *ground.gate]
    return draft._replace(value=value)


# -- ids ---------------------------------------------------------------------------------------------------


def _choose_ids(
    given: Sequence[Given], ground: Ground, make_id: Callable[[str, Collection[str]], str]
) -> tuple[list[str], list[Finding]]:
    """The id of each item: its own, else one from its title that nobody has."""
    findings: list[Finding] = []
    own: dict[str, int] = {}
    for n, item in enumerate(given):
        name = item.task.id
        if name is None:
            if not item.task.title:
                findings.append(Finding("", ("tasks", n, "title"), "missing-field", "'title' is missing"))
            continue
        place = ("tasks", n, "id")
        if reason := explain_bad_id(name):
            findings.append(Finding("", place, "bad-id", f"'{name}' can't be an id: {reason}"))
        elif name in own:
            said = f"task {own[name] + 1} of this list has the id '{name}', too"
            findings.append(Finding("", place, "duplicate-id", said))
        elif name in ground.fixed:
            findings.append(Finding("", place, "not-changeable", ground.fixed[name]))
        elif name in ground.taken and name not in ground.mine:
            findings.append(Finding("", place, "taken-id", f"there is a task '{name}' already"))
        elif not item.task.title and name not in ground.mine:
            findings.append(Finding("", ("tasks", n, "title"), "missing-field", "'title' is missing"))
        own.setdefault(name, n)
    taken = {*ground.taken, *own}
    ids = []
    for item in given:
        chosen = item.task.id or make_id(item.task.title, taken)
        taken.add(chosen)
        ids.append(chosen)
    return ids, findings


def _find_strangers(n: int, item: Given) -> Iterator[Finding]:
    for name in OTHERS_SAY:
        if name in item.task.model_fields_set:
            yield Finding("", ("tasks", n, name), "not-here", f"leave it out: {OTHERS_SAY[name]}")


# -- names -------------------------------------------------------------------------------------------------


class _Names:
    """What the words of ``depends_on`` and ``parent`` stand for: an id of the list or of a task that there is, a
    title of the list, a number in the list (from 1).
    """

    def __init__(self, given: Sequence[Given], ids: Sequence[str], ground: Ground) -> None:
        self._ids = ids
        self._rows = ground.rows
        self._titles: dict[str, list[int]] = {}
        for n, item in enumerate(given):
            if item.task.title:
                self._titles.setdefault(item.task.title.lower(), []).append(n)

    def find(self, text: str, at: int) -> tuple[str | None, str]:
        """The id that ``text`` of item ``at`` means, or None and what is wrong."""
        name, title = text.strip(), " ".join(text.split()).lower()
        for whole in (name, name.lower()):
            if whole in self._ids or whole in self._rows:
                return whole, ""
        found = self._titles.get(title, [])
        if len(found) == 1:
            return self._ids[found[0]], ""
        if found:
            numbers = " and ".join(str(n + 1) for n in found)
            return None, f"tasks {numbers} both have the title '{text}'; name it by its number"
        if name.isdecimal():
            if 1 <= int(name) <= len(self._ids):
                return self._ids[int(name) - 1], ""
            return None, f"there is no task {name} in this list: it has {len(self._ids)}"
        starting = [i for i in self._rows if i.startswith(name.lower())]
        if len(starting) == 1:
            return starting[0], ""
        others = [t for n, t in enumerate(self._ids) if n != at]
        near = find_similar(name, [*others, *self._titles, *self._rows], 1)
        hint = f", did you mean '{near[0]}'?" if near else ""
        return None, f"there is no task '{text}', neither in this list nor in the repository{hint}"


# -- the graph ---------------------------------------------------------------------------------------------


def _judge_graph(drafts: Sequence[Draft], ground: Ground) -> Iterator[Finding]:
    """Circles that come with these tasks. Those that there were before are not their fault."""
    numbers = {draft.id: n for n, draft in enumerate(drafts)}
    rows = dict(ground.rows)
    for draft in drafts:
        old = rows.get(draft.id) or TaskRow(draft.id, "", "")
        changed: dict[str, Any] = {k: draft.value[k] for k in ("depends_on", "parent") if k in draft.value}
        rows[draft.id] = old._replace(path=f"{_MARK}{numbers[draft.id]}", **_frozen(changed))
    before = {(f.code, f.message) for f in check_graph(ground.rows.values())}
    for finding in check_graph(rows.values()):
        if (finding.code, finding.message) in before:
            continue
        number = finding.path.removeprefix(_MARK)
        if number != finding.path:
            yield finding._replace(path="", field=("tasks", int(number), *finding.field))
        else:
            yield finding._replace(path="", field=("tasks",), message=f"{finding.path}: {finding.message}")


def _frozen(value: Mapping[str, Any]) -> dict[str, Any]:
    return {k: tuple(v or ()) if k == "depends_on" else v for k, v in value.items()}
