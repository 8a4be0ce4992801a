"""What came of a plan, as one Markdown text: what was built, artifacts, decisions, follow-ups, numbers. Pure; the same
facts give the same bytes, in whatever order they come.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.durations import render_duration
from gitbaton.domain.markdown import fence, join_parts, quote, section
from gitbaton.domain.outcome import OUTCOMES
from gitbaton.domain.prose import judge_prose, tidy_prose
from gitbaton.domain.usage import Usage, add_usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.plan import Plan
    from gitbaton.domain.state import Attempt

OVER = ("done", "cancelled")
_PROVISIONAL = "this is not its end"
_PROSE_MAX, _ITEMS_MAX, _ITEM_MAX = 20_000, 50, 1_000


class TaskFacts(NamedTuple):
    """A task of the plan. ``state`` and ``why`` are the board's; ``handoffs`` are (path, handoff) in any order;
    ``attempts`` all there were; ``is_parent``: it is done by its parts.
    """

    id: str
    title: str
    state: str
    why: str
    handoffs: tuple[tuple[str, Handoff], ...] = ()
    attempts: tuple[Attempt, ...] = ()
    is_parent: bool = False


class PlanFacts(NamedTuple):
    """A plan with its tasks, in any order."""

    id: str
    plan: Plan
    tasks: tuple[TaskFacts, ...]

    @property
    def open(self) -> list[TaskFacts]:
        """The tasks that are not over, in reading order."""
        return [task for task in order_tasks(self) if task.state not in OVER]


class Row(NamedTuple):
    """The numbers of a task, or of all. ``days_s`` is the time from the first beginning to the last end."""

    attempts: int
    good: int
    usage: Usage
    days_s: float | None
    verified: bool | None


class Prose(NamedTuple):
    """What an agent wrote instead of the lists of the template, and who it was."""

    by: str
    overview: str
    built: str
    decisions: tuple[str, ...]
    follow_ups: tuple[str, ...]


# -- folding -------------------------------------------------------------------------------------------------


def order_tasks(facts: PlanFacts) -> list[TaskFacts]:
    """The plan's own order, then by id."""
    place = {task: number for number, task in enumerate(facts.plan.tasks)}
    return sorted(facts.tasks, key=lambda t: (place.get(t.id, len(place)), t.id))


def list_handoffs(task: TaskFacts) -> list[Handoff]:
    """The task's handoffs that still hold, oldest first: by the time in their file names."""
    gone = {path for _, handoff in task.handoffs for path in handoff.supersedes}
    ordered = sorted(task.handoffs, key=lambda found: (found[0].rpartition("/")[2], found[0]))
    return [handoff for path, handoff in ordered if path not in gone]


def count_numbers(task: TaskFacts) -> Row:
    """The numbers of one task, from its attempts."""
    usage = Usage()
    for attempt in sorted(task.attempts, key=lambda a: a.number):
        usage = add_usage(usage, attempt.usage or Usage())
    good = sum(1 for a in task.attempts if a.outcome and OUTCOMES[a.outcome].good)
    said = [h.verified for h in list_handoffs(task) if h.verified is not None]
    return Row(len(task.attempts), good, usage, _measure(task.attempts), said[-1] if said else None)


def add_rows(facts: PlanFacts) -> Row:
    """The numbers of all tasks together."""
    rows = [count_numbers(task) for task in order_tasks(facts)]
    usage = Usage()
    for row in rows:
        usage = add_usage(usage, row.usage)
    days = _measure([a for t in facts.tasks for a in t.attempts])
    return Row(sum(r.attempts for r in rows), sum(r.good for r in rows), usage, days, None)


def _measure(attempts: Iterable[Attempt]) -> float | None:
    """Seconds from the first beginning to the last end."""
    ended = [(a.started, a.ended) for a in attempts if a.ended]
    if not ended:
        return None
    first = min(datetime.fromisoformat(start) for start, _ in ended)
    return max(0.0, (max(datetime.fromisoformat(end) for _, end in ended) - first).total_seconds())


def list_decisions(facts: PlanFacts) -> list[str]:
    """Every decision once, with its reason and its task."""
    found: dict[str, str] = {}
    for task in order_tasks(facts):
        for handoff in list_handoffs(task):
            for d in handoff.decisions:
                words = _line(d.decision) + (f", because {_line(d.reason)}" if d.reason else "")
                found.setdefault(words, f"{words} ({task.id})")
    return list(found.values())


def list_artifacts(facts: PlanFacts) -> list[str]:
    """Every artifact once, with its task."""
    found: dict[str, str] = {}
    for task in order_tasks(facts):
        for handoff in list_handoffs(task):
            for artifact in handoff.artifacts:
                found.setdefault(_line(artifact), f"{_line(artifact)} ({task.id})")
    return list(found.values())


def list_follow_ups(facts: PlanFacts) -> list[str]:
    """What the newest word on each task leaves to be done."""
    found: dict[str, str] = {}
    for task in order_tasks(facts):
        if newest := _find_last_word(task):
            for kind, items in (
                ("", newest.remaining),
                ("", newest.next_steps),
                ("open question: ", newest.questions),
            ):
                for item in items if task.state != "cancelled" else ():
                    found.setdefault(_line(item), f"{kind}{_line(item)} ({task.id})")
    return list(found.values())


def _find_last_word(task: TaskFacts) -> Handoff | None:
    """The newest handoff that says more than a note."""
    return next((h for h in reversed(list_handoffs(task)) if h.summary or h.remaining or h.next_steps), None)


def _line(text: str) -> str:
    return " ".join(text.split())


# -- the text ------------------------------------------------------------------------------------------------


def render_synthesis(facts: PlanFacts, prose: Prose | None = None) -> str:
    """The result as Markdown, ending in one newline. With ``prose``, an agent's words stand for what was built, the
    decisions and the follow-ups; everything else is counted.
    """
    decisions, follow_ups = list_decisions(facts), list_follow_ups(facts)
    if prose:
        decisions, follow_ups = list(map(_line, prose.decisions)), list(map(_line, prose.follow_ups))
    parts = [
        f"# Result of {facts.id}: {facts.plan.title}",
        _head(facts, prose),
        section("Goal", quote(facts.plan.goal) if facts.plan.goal else None),
        section("In short", tidy_prose(prose.overview) if prose else None),
        section("What was built", tidy_prose(prose.built) if prose else _list_built(facts)),
        section("Still open", _list_open(facts)),
        section("Cancelled", _bullets([_name(t) for t in order_tasks(facts) if t.state == "cancelled"])),
        section(
            "It was to hold that",
            "\n".join(f"- [{'x' if a.checked else ' '}] {_line(a.text)}" for a in facts.plan.acceptance),
        ),
        section("Artifacts", _bullets(list_artifacts(facts))),
        section("Decisions", _bullets(decisions)),
        section("Follow-ups", _bullets(follow_ups)),
        section("Numbers", _table(facts)),
    ]
    return join_parts(parts)


def _head(facts: PlanFacts, prose: Prose | None) -> str:
    counted = [t for t in facts.tasks if not t.is_parent] or facts.tasks  # a parent is no work of its own
    counts = {s: sum(1 for t in counted if t.state == s) for s in OVER}
    left = len(counted) - sum(counts.values())
    said = [f"{counts['done']} of {_count(counts['done'] + left, 'task')} done"]
    said += [f"{counts['cancelled']} cancelled"] if counts["cancelled"] else []
    said += [f"{left} still open: {_PROVISIONAL}"] if left else []
    source = "the handoffs and states of its tasks"
    by = (
        f"In the words of {prose.by}, from {source}; the numbers are counted."
        if prose
        else f"Put together from {source}."
    )
    return f"> {', '.join(said)}. {by}"


def is_provisional(text: str) -> bool:
    """Whether ``text`` is one of these that says of itself that tasks were open."""
    return any(line.startswith("> ") and _PROVISIONAL in line for line in text.splitlines()[:5])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _bullets(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _name(task: TaskFacts) -> str:
    return f"**{task.id}**: {_line(task.title)}"


def _list_built(facts: PlanFacts) -> str:
    parts = []
    for task in order_tasks(facts):
        if task.state != "done":
            continue
        word = _find_last_word(task)
        lines = [f"- {_name(task)}" + (" (its parts are done)" if task.is_parent else "")]
        if word and word.summary:
            lines += ["", *(f"  {line}".rstrip() for line in quote(word.summary).splitlines())]
        if word and word.completed:
            lines += ["", *(f"  - {_line(item)}" for item in word.completed)]
        parts.append("\n".join(lines))
    return "\n".join(parts) or "Nothing yet."


def _list_open(facts: PlanFacts) -> str:
    return _bullets([f"{_name(t)}: {t.state.replace('_', ' ')}, {_line(t.why)}" for t in facts.open])


def _table(facts: PlanFacts) -> str:
    rows: list[tuple[str, ...]] = [
        ("task", "state", "attempts", "agents' time", "turns", "tokens", "cost", "checks")
    ]
    for task in order_tasks(facts):
        row = count_numbers(task)
        checks = {True: "passed", False: "not verified", None: "-"}[row.verified]
        rows.append((task.id, task.state.replace("_", " "), *_figures(row), checks))
    total = add_rows(facts)
    rows.append(("all", "", *_figures(total), ""))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"|{'---|' * 2}{'--:|' * 5}---|")
    if total.attempts:
        said = f"{total.good} of {_count(total.attempts, 'attempt')} went to review"
        if total.days_s is not None:
            said += f"; from the first beginning to the last end it took {render_duration(total.days_s)}"
        lines += ["", f"{said}."]
    return "\n".join(lines)


def _figures(row: Row) -> tuple[str, ...]:
    usage = row.usage
    tokens = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    return (
        str(row.attempts),
        "-" if usage.seconds is None else render_duration(usage.seconds),
        "-" if usage.turns is None else str(usage.turns),
        f"{tokens:,}" if tokens else "-",
        "-" if usage.cost_usd is None else f"${usage.cost_usd:.2f}",
    )


# -- an agent's words ----------------------------------------------------------------------------------------

_ITEM = {"type": "string", "minLength": 1, "maxLength": _ITEM_MAX, "pattern": r"\S"}
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["overview", "what_was_built"],
    "additionalProperties": False,
    "properties": {
        "overview": {
            "type": "string", "minLength": 1, "maxLength": 4_000, "pattern": r"\S",
            "description": "Markdown: what the plan came to, in a few sentences, for somebody who doesn't know its tasks.",
        },
        "what_was_built": {
            "type": "string", "minLength": 1, "maxLength": _PROSE_MAX, "pattern": r"\S",
            "description": "Markdown, in the order in which it makes sense. Headings begin at ###.",
        },
        "decisions": {
            "type": "array", "maxItems": _ITEMS_MAX, "items": _ITEM,
            "description": "The decisions that still matter, each with its reason, in a sentence.",
        },
        "follow_ups": {
            "type": "array", "maxItems": _ITEMS_MAX, "items": _ITEM, "description": "What is to be done next, most important first.",
        },
    },
}  # fmt: skip


def render_request(facts: PlanFacts) -> str:
    """What an author is told who is to write the result in words."""
    return f"""\
# Write the result of the plan {facts.id}: {_line(facts.plan.title)}

The plan's tasks have been worked on. Tell people who read it in half a year what came of it: what was built and how it
hangs together, what was decided and why, what is left to do. Below is all that is known, put together from the handoffs
of the tasks. Say nothing that is neither there nor in the repository; look things up in it. Say what is not done as
plainly as what is. Name no figures of attempts, time or cost: those are added.

## What is known

{fence(render_synthesis(facts).strip())}
"""


def judge_prose_parts(value: Mapping[str, Any]) -> list[str]:
    """What is wrong with a value that meets ``SCHEMA``."""
    return list(_judge_parts(value))


def _judge_parts(value: Mapping[str, Any]) -> Iterator[str]:
    for name in ("overview", "what_was_built"):
        yield from judge_prose(value[name], name, 3)
    for name in ("decisions", "follow_ups"):
        for number, item in enumerate(value.get(name, ())):
            yield from judge_prose(item, f"{name}[{number}]", 7)


def make_prose(value: Mapping[str, Any], by: str) -> Prose:
    """A value that nothing is wrong with."""
    return Prose(
        by, value["overview"], value["what_was_built"], tuple(value.get("decisions", ())), tuple(value.get("follow_ups", ()))
    )  # fmt: skip
