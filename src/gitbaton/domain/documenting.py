"""The document of a task: implementation notes and acceptance tests. What its author is asked for, what is wrong with
what came, and the file that it becomes. Pure; the same material gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.markdown import fence, join_parts, quote, section
from gitbaton.domain.prose import judge_prose, tidy_prose
from gitbaton.domain.wording import cut_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gitbaton.domain.role import Role
    from gitbaton.domain.task import Task

_NOTES_MAX, _TEST_MAX, _TESTS_MAX = 60_000, 10_000, 50
_OLD_MAX = 20_000
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "required": ["implementation_notes", "acceptance_tests"],
    "additionalProperties": False,
    "properties": {
        "implementation_notes": {
            "type": "string",
            "minLength": 1,
            "maxLength": _NOTES_MAX,
            "pattern": r"\S",
            "description": "Markdown. Headings begin at ###.",
        },
        "acceptance_tests": {
            "type": "array",
            "minItems": 1,
            "maxItems": _TESTS_MAX,
            "items": {
                "type": "object",
                "required": ["title", "text"],
                "additionalProperties": False,
                "properties": {
                    "title": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": 200,
                        "pattern": r"^[^\r\n]*\S[^\r\n]*$",
                        "description": "What holds, in one line.",
                    },
                    "criteria": {
                        "type": "array",
                        "uniqueItems": True,
                        "items": {"type": "integer", "minimum": 1},
                        "description": "Numbers of the acceptance criteria that it shows.",
                    },
                    "text": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": _TEST_MAX,
                        "pattern": r"\S",
                        "description": "Markdown: what is there, what is done, what is seen. Headings begin at ####.",
                    },
                },
            },
        },
    },
}


_OPENING = (
    "You prepare a task that somebody else does, a person or an agent. Whoever does it reads your notes first; whoever "
    "reviews the work goes through your tests. You don't do the task, and you change no file."
)


class Subject(NamedTuple):
    """What is to be written about. ``folder`` is the part of the repository that it is in, if it is a part; ``goal``
    the goal of its plan; ``old`` the document that is to be replaced.
    """

    id: str
    task: Task
    folder: str | None = None
    goal: str | None = None
    old: str | None = None
    role: Role | None = None


def render_request(s: Subject) -> str:
    """What the author is told, as Markdown."""
    task = s.task
    parts = [
        f"# Write the implementation notes and acceptance tests of {s.id}: {task.title}",
        _OPENING,
        section("The task", task.description and quote(task.description)),
        section("Its acceptance criteria", _number([a.text for a in task.acceptance])),
        section("What was settled later", "\n\n".join(quote(c.text) for c in task.clarifications)),
        section("The goal it serves", s.goal and quote(s.goal)),
        section("What is known", _list_facts(s)),
        section(
            "What is wanted",
            "- `implementation_notes`: which files and functions matter and why, the steps in a good order, what to decide "
            "and what you advise, what can go wrong, what must not change. Name real paths, from the top of the repository; "
            "look at them before you name them. Say it when something is not known.\n"
            "- `acceptance_tests`: how somebody sees that it is done, each with what is there before, what is done, and what "
            "is seen then; as commands where that is possible. "
            + (
                "Every acceptance criterion has one at least, which names its number in `criteria`."
                if task.acceptance
                else "The task has no acceptance criteria: say what they should be."
            ),
        ),
        section(
            "Your role", f"{(s.role.purpose or '').strip()}\n\n{s.role.guidance or ''}" if s.role else None
        ),
        section(
            "What there is so far, which yours replaces", s.old and fence(cut_text(s.old.strip(), _OLD_MAX))
        ),
    ]
    return join_parts(parts)


def _number(items: Sequence[str]) -> str:
    return "\n".join(f"{n}. {item.strip()}".replace("\n", "\n   ") for n, item in enumerate(items, 1))


def _list_facts(s: Subject) -> str:
    task = s.task
    facts = [
        f"It is about the folder `{s.folder}`." if s.folder else "",
        f"It may change only: {', '.join(f'`{p}`' for p in task.paths)}." if task.paths else "",
        f"To be read first: {', '.join(task.context)}." if task.context else "",
        f"It depends on: {', '.join(task.depends_on)}." if task.depends_on else "",
    ]
    return "\n".join(f"- {fact}" for fact in facts if fact)


# -- judging -------------------------------------------------------------------------------------------------


def judge_document(value: Mapping[str, Any], task: Task) -> list[str]:
    """What is wrong with a value that meets ``SCHEMA``."""
    problems = list(judge_prose(value["implementation_notes"], "implementation_notes", 3))
    shown: set[int] = set()
    for number, test in enumerate(value["acceptance_tests"]):
        place = f"acceptance_tests[{number}]"
        problems += judge_prose(test["text"], f"{place}.text", 4)
        problems += judge_prose(test["title"], f"{place}.title", 7)
        shown.update(test.get("criteria", ()))
        problems += [
            f"{place}.criteria: there is no acceptance criterion {n}"
            for n in test.get("criteria", ())
            if n > len(task.acceptance)
        ]
    problems += [
        f"acceptance_tests: none shows criterion {n}: {a.text.strip()}"
        for n, a in enumerate(task.acceptance, 1)
        if n not in shown
    ]
    return problems


# -- the file ------------------------------------------------------------------------------------------------


def render_document(task_id: str, task: Task, value: Mapping[str, Any], *, by: str, commit: str) -> str:
    """The file: ``value`` is one that ``judge_document`` has nothing against."""
    parts = [
        f"# {task_id}: {task.title}",
        f"> By {by}, for the repository at {commit[:10]}. It is read before the task is begun: mend what is wrong.",
        "## Implementation notes",
        tidy_prose(value["implementation_notes"]),
        "## Acceptance tests",
    ]
    for number, test in enumerate(value["acceptance_tests"], 1):
        parts.append(f"### {number}. {test['title'].strip()}")
        shows = [task.acceptance[n - 1].text for n in sorted(test.get("criteria", ()))]
        parts += ["\n".join(f"> {' '.join(text.split())}" for text in shows)] if shows else []
        parts.append(tidy_prose(test["text"]))
    return "\n\n".join(parts) + "\n"
