"""What an agent is asked for that is to plan a goal, change a plan or cut a task, and what is wrong with what it hands
in. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.choices import Complexity, Priority, Type
from gitbaton.domain.document import LINE_PATTERN
from gitbaton.domain.estimate import parse_estimate
from gitbaton.domain.guards import PROTECTED
from gitbaton.domain.ids import ID_PATTERN
from gitbaton.domain.markdown import fence, join_parts, quote, section
from gitbaton.domain.prose import judge_prose
from gitbaton.domain.scope import is_matched
from gitbaton.domain.wording import cut_text, shorten_to_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gitbaton.domain.role import Role

#: As many as a person reviews in one sitting.
TASKS_MAX = 50
_TEXT_MAX, _LINE_MAX, _FEW = 20_000, 300, 20
_WORDS_MAX, _LISTED = 60_000, 200
#: What a person needs of every task to say yes or no.
_NEEDED = ("description", "acceptance", "paths", "role", "complexity", "estimate")
_BARE = ("", ".", "*", "**", "**/*", "./**")


class Wish(NamedTuple):
    """What is wanted. ``verb`` is ``plan``, ``revise`` or ``split``; ``subject`` the title of the plan or task;
    ``words`` what a person wrote about it; ``present`` the plan or task as it is (YAML). ``others`` are tasks that
    there are (a line each), ``fixed`` those of the plan that stay as they are. ``roles`` are known ones.
    """

    verb: str
    subject: str
    words: str | None = None
    goal: str | None = None
    present: str | None = None
    others: Sequence[str] = ()
    fixed: Sequence[str] = ()
    roles: Sequence[str] = ()
    role: Role | None = None
    tasks_max: int = TASKS_MAX


# -- what is asked for -------------------------------------------------------------------------------------


def build_schema(wish: Wish) -> dict[str, Any]:
    """The JSON Schema of what is handed in."""
    needed = [] if wish.verb == "revise" else ["title", *_NEEDED]
    tasks = {
        "type": "array",
        "minItems": 1,
        "maxItems": wish.tasks_max,
        "items": {**_object(_task_fields(revise=wish.verb == "revise")), "required": needed},
    }
    if wish.verb == "split":
        return {**_object({"tasks": tasks}), "required": ["tasks"]}
    plan = _object(
        {
            "goal": _text("What will be true when it is done, in Markdown."),
            "description": _text("How it was broken down, and why; what was not chosen."),
            "acceptance": _list(_line(), "What must hold when all of it is done."),
        }
    )
    wanted = ["plan", "tasks"] if wish.verb == "plan" else ["tasks"]
    if wish.verb == "plan":
        plan["required"] = ["goal", "description", "acceptance"]
    return {**_object({"plan": plan, "tasks": tasks}), "required": wanted}


def _task_fields(*, revise: bool) -> dict[str, Any]:
    from typing import get_args

    status = ["todo", "draft", "cancelled"] if revise else ["todo", "draft"]
    return {
        "id": {"type": "string", "pattern": ID_PATTERN, "description": "Its id; made from the title where it has none."},
        "title": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": LINE_PATTERN, "description": "What is to be done, in one line."},
        "description": _text("What and why, in Markdown; what whoever does it needs to know."),
        "acceptance": _list(_line(), "What must hold when it is done; a stranger must be able to check it."),
        "paths": _list(_line(), "Globs of the files it may touch, from the top of the repository."),
        "role": {"type": "string", "minLength": 1, "maxLength": 60, "description": "Specialist who should do it."},
        "complexity": {"enum": list(get_args(Complexity))},
        "estimate": {"type": "string", "minLength": 1, "maxLength": 60, "description": "How much work: 4h, 2 days."},
        "depends_on": {"type": "array", "maxItems": _FEW, "items": {"type": "string", "minLength": 1, "maxLength": 200}, "description": "Tasks that must be done first: ids of this list or of tasks that there are."},
        "parent": {"type": "string", "minLength": 1, "maxLength": 200, "description": "Task of this list that it is a part of."},
        "priority": {"enum": list(get_args(Priority))},
        "type": {"enum": list(get_args(Type))},
        "status": {"enum": status},
    }  # fmt: skip


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _text(meaning: str) -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "pattern": r"\S", "description": meaning}  # fmt: skip


def _line() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "pattern": LINE_PATTERN}


def _list(item: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "maxItems": _FEW, "items": item, "description": meaning}


# -- the briefing ------------------------------------------------------------------------------------------

_ASKED = {
    "plan": (
        "# Plan: {subject}",
        ("Break this goal down into tasks for others. Each is done by somebody who knows nothing but its text and the "
        "repository, in one sitting, in a branch of its own. A person reviews what you propose, and merges it or not; nothing is begun before that."),
    ),
    "revise": (
        "# Revise the plan: {subject}",
        ("Change this plan as it is asked for below. Hand in only what changes: new tasks, and tasks of the plan (by `id`) with "
        "the fields that change; `status: cancelled` drops one. A person reviews it, and merges it or not."),
    ),
    "split": (
        "# Split the task: {subject}",
        ("Cut this task into parts for others. Each is done by somebody who knows nothing but its text and the repository, in "
        "one sitting. All together do what the task wants: no less, and nothing else. A person reviews it, and merges it or not."),
    ),
}  # fmt: skip


def render_wish(wish: Wish) -> str:
    """What the agent is told, as Markdown."""
    title, opening = _ASKED[wish.verb]
    parts = [
        title.format(subject=shorten_to_line(wish.subject, 200)),
        opening,
        section("The goal", wish.goal and quote(wish.goal)),
        section("What is asked for", wish.words and quote(cut_text(wish.words.strip(), _WORDS_MAX))),
        section(
            "The task" if wish.verb == "split" else "The plan as it is",
            wish.present and fence(wish.present.strip()),
        ),
        section("These stay as they are", "\n".join(f"- {line}" for line in wish.fixed)),
        section("Tasks that there are", "\n".join(f"- {line}" for line in wish.others[:_LISTED])),
        section("What is wanted", _list_rules(wish)),
        section(
            "Your role",
            f"{(wish.role.purpose or '').strip()}\n\n{wish.role.guidance or ''}" if wish.role else None,
        ),
    ]
    return join_parts(parts)


def _list_rules(wish: Wish) -> str:
    roles = ", ".join(f"`{name}`" for name in wish.roles)
    rules = [
        "Read the repository first: what is there already, how it is built and tested. Don't plan what is done.",
        f"At most {wish.tasks_max} tasks, as few as will do. Each leaves the software working.",
        "Each new task has `title`, `description`, at least one criterion in `acceptance`, `paths`, `role`, `complexity` and `estimate` (hours or days).",
        "`paths` name the files or folders that the work touches, as narrowly as is sure; tasks whose paths overlap can't run at once. Not the whole repository, and nothing protected: "
        + ", ".join(f"`{p}`" for p in ("tasks/**", ".github/**", "CLAUDE.md", ".claude/**"))
        + " …",
        "A criterion is one line that a stranger can check, of 300 characters at most. Headings, hidden comments and links out of the repository have no place in it.",
        "`depends_on` only where one really needs the other, by `id`: what doesn't wait can run at once. No circles.",
        f"`role` is one of {roles}, unless none of them fits." if roles else "",
    ]
    return "\n".join(f"- {rule}" for rule in rules if rule)


# -- what is wrong with it ---------------------------------------------------------------------------------


def judge_tasks(tasks: Sequence[Mapping[str, Any]], known: Collection[str], allowed: Sequence[str]) -> Iterator[str]:  # fmt: skip
    """Problems of proposed tasks that no schema says. ``known`` are tasks that may be changed: they need only say what
    changes. ``allowed`` are globs of protected paths that the config allows.
    """
    for n, task in enumerate(tasks):
        place = f"tasks[{n}]"
        if task.get("id") not in known:
            missing = [name for name in ("title", *_NEEDED) if not task.get(name)]
            yield from (f"{place}: '{name}' is missing" for name in missing)
        if (estimate := task.get("estimate")) and parse_estimate(str(estimate)) is None:
            yield f"{place}.estimate: say it in hours or days, as 4h or 2 days, not '{estimate}'"
        for m, path in enumerate(task.get("paths") or ()):
            if problem := judge_path(path, allowed):
                yield f"{place}.paths[{m}]: {problem}"
        yield from _judge_text(task.get("description"), f"{place}.description")
        yield from _judge_lines(task.get("acceptance"), f"{place}.acceptance")


def judge_path(path: str, allowed: Sequence[str]) -> str | None:
    """What is wrong with a glob of a proposed task, or None."""
    if len(path) > _LINE_MAX:
        return f"it has {len(path):,} characters; {_LINE_MAX} are allowed"
    plain = path.strip().removeprefix("./")
    parts = plain.replace("\\", "/").split("/")
    if path.startswith(("/", "~")) or "\\" in path or ".." in parts or (len(plain) > 1 and plain[1] == ":"):
        return f"'{path}' leads out of the repository: give it relative to its top, with /"
    if plain in _BARE:
        return f"'{path}' is the whole repository: name the files or folders that the work touches"
    if ".git" in (p.casefold() for p in parts):
        return f"'{path}' is git's own"
    inside = [plain, f"{plain.rstrip('/')}/x"] if plain[-1] != "*" else [plain]
    if any(is_matched(p.casefold(), [g.casefold() for g in PROTECTED]) for p in inside) and not is_matched(plain, allowed):  # fmt: skip
        return f"'{path}' is protected: no agent may change it"
    return None


def judge_plan(plan: Mapping[str, Any]) -> Iterator[str]:
    """Problems of what is proposed about the plan itself."""
    for name in ("goal", "description"):
        yield from _judge_text(plan.get(name), f"plan.{name}")
    yield from _judge_lines(plan.get("acceptance"), "plan.acceptance")


# Lengths aren't for the schema: what it says of a text that is too long begins with all of it.


def _judge_text(text: str | None, place: str) -> Iterator[str]:
    if text and len(text) > _TEXT_MAX:
        yield f"{place}: it has {len(text):,} characters; {_TEXT_MAX:,} are allowed"
    elif text:
        yield from judge_prose(text, place, 1)


def _judge_lines(lines: Sequence[str] | None, place: str) -> Iterator[str]:
    for n, line in enumerate(lines or ()):
        if len(line) > _LINE_MAX:
            yield f"{place}[{n}]: it has {len(line):,} characters; {_LINE_MAX} are allowed"
