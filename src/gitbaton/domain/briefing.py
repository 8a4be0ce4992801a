"""The briefing: everything an agent is told, as one Markdown text. Deterministic: the same material gives
the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.compaction import CONTEXT_TOKENS
from gitbaton.domain.conflicts import render_conflicts
from gitbaton.domain.durations import render_duration
from gitbaton.domain.handoff_prose import bullets
from gitbaton.domain.history import Dependency, History, retell
from gitbaton.domain.markdown import join_parts, quote, section
from gitbaton.domain.troubleshooting import render_recovery
from gitbaton.domain.verdict import DOCUMENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.plan import Plan
    from gitbaton.domain.role import Role
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task
    from gitbaton.domain.troubleshooting import Recovery


class Material(NamedTuple):
    """What a briefing is made of. ``dependencies`` are (id, title, newest handoff) of what the task depends
    on; ``earlier`` are this task's handoffs, oldest first; ``attempts`` its past attempts; ``guidance`` what a
    person said since; ``checks`` (name, command); ``timeout_s`` the time limit in seconds; ``has_tools``:
    the agent has our MCP tools; ``fresh_since`` the first attempt after work was merged or set aside; ``merged`` the
    branch that was merged into the earlier work right before, which left ``conflicts`` in these files. All that was left
    earlier is told within ``context_tokens``; ``earlier_paths`` and ``dependency_paths`` are the files that have it whole.
    ``recovery`` is what an attempt must know that begins with a search for the cause; ``wants_tests``: what changes is to be
    covered by tests.
    """

    task_id: str
    task: Task
    attempt: int
    role_name: str | None
    role: Role | None
    plan: Plan | None
    dependencies: Sequence[tuple[str, str, Handoff | None]]
    earlier: Sequence[Handoff]
    attempts: Sequence[Attempt]
    guidance: Sequence[str]
    checks: Sequence[tuple[str, str]]
    protected: Sequence[str]
    timeout_s: float
    max_turns: int | None
    has_tools: bool
    fresh_since: int = 1
    merged: str | None = None
    conflicts: Sequence[str] = ()
    earlier_paths: Sequence[str | None] = ()
    dependency_paths: Sequence[str | None] = ()
    context_tokens: int = CONTEXT_TOKENS
    recovery: Recovery | None = None
    wants_tests: bool = False


def render_briefing(m: Material) -> str:
    """The briefing as Markdown, ending in one newline."""
    parts = [
        f"# Task {m.task_id}: {m.task.title}",
        _opening(m),
        _guidance(m),
        render_conflicts(m.merged, m.conflicts) if m.merged and m.conflicts else "",
        render_recovery(m.recovery) if m.recovery else "",
        section("What is wanted", m.task.description),
        _acceptance(m),
        _clarifications(m),
        _plan(m),
        _role(m),
        _context(m),
        _history(m),
        _scope(m),
        _finish(m),
    ]
    return join_parts(parts)


def _opening(m: Material) -> str:
    nth = "This is the first attempt."
    if m.attempt > 1 and m.attempt == m.fresh_since:
        nth = f"This is attempt {m.attempt}. It begins anew from the base branch."
    elif m.attempt > 1:
        nth = f"This is attempt {m.attempt}; what earlier attempts published is already in your folder."
    if m.merged and not m.conflicts:
        nth += f" `{m.merged}` has moved on since, and is merged into it."
    return (
        "You work alone in a private clone of a git repository, on this one task. "
        f"{nth} Nobody answers while you work. What you leave in the folder is checked, committed and sent to "
        "a person for review; you don't need to commit or push."
    )


def _guidance(m: Material) -> str:
    if not m.guidance:
        return ""
    return section(
        "Heed this first",
        "A person said about the work so far:\n\n" + "\n\n".join(quote(g) for g in m.guidance),
    )


def _acceptance(m: Material) -> str:
    lines = [f"- [{'x' if a.checked else ' '}] {a.text.strip()}" for a in m.task.acceptance]
    return section("It is done when", "\n".join(lines))


def _clarifications(m: Material) -> str:
    lines = []
    for c in m.task.clarifications:
        source = ", ".join(s for s in (c.who, c.when) if s)
        lines.append(c.text + (f" ({source})" if source else ""))
    return section("Clarifications", bullets(lines))


def _plan(m: Material) -> str:
    if not m.plan:
        return ""
    return section("The plan it belongs to", f"{m.plan.title}\n\n{m.plan.goal or ''}")


def _role(m: Material) -> str:
    if not m.role_name:
        return ""
    if not m.role:
        return section("Your role", f"Work as somebody would whose job it is: {m.role_name}.")
    done = (
        "\n\nIn this role, work is done when:\n\n" + bullets(m.role.definition_of_done)
        if m.role.definition_of_done
        else ""
    )
    return section(
        f"Your role: {m.role.title or m.role_name}",
        f"{(m.role.purpose or '').strip()}\n\n{(m.role.guidance or '').strip()}{done}",
    )


def _context(m: Material) -> str:
    return section("Read first", bullets(m.task.context))


def _history(m: Material) -> str:
    paths = m.dependency_paths or (None,) * len(m.dependencies)
    known = m.earlier_paths or (None,) * len(m.earlier)
    history = History(
        [Dependency(*d, path) for d, path in zip(m.dependencies, paths, strict=True)],
        m.attempts, list(zip(known, m.earlier, strict=True)), m.fresh_since,
    )  # fmt: skip
    return "\n\n".join(retell(history, m.context_tokens).sections)


def _scope(m: Material) -> str:
    lines = []
    if m.task.paths:
        lines.append(
            "Change only files that match: "
            + ", ".join(f"`{p}`" for p in m.task.paths)
            + ". Anything else fails the attempt."
        )
    lines.append("Never change: " + ", ".join(f"`{p}`" for p in m.protected) + ".")
    if m.task.working_directory:
        lines.append(f"The part of the repository you work in is `{m.task.working_directory}`.")
    limits = (
        f"You have {render_duration(m.timeout_s)}"
        + (f" and {m.max_turns} turns" if m.max_turns else "")
        + "."
    )
    return section("Limits", bullets([*lines, limits]))


def _finish(m: Material) -> str:
    lines = []
    if m.checks:
        lines.append(
            "When you end, these commands are run and must succeed: "
            + ", ".join(f"`{c}` ({n})" for n, c in m.checks)
            + ". Run them yourself first."
        )
    if m.wants_tests:
        lines.append("Cover what you add or change with tests, as far as it can be tested.")
    summary = "a short summary"
    if m.task.type in DOCUMENT_TYPES:
        summary = "this summary"
        lines.append(
            "This task may end without a change of files: then what you write is its result. Put all of it into the `summary` "
            "that you hand over, in Markdown and as long as it must be."
        )
    if m.task.result_schema is not None:
        lines.append(
            "This task wants a structured result that meets its `result_schema`; hand it over with the completion."
        )
    if m.has_tools:
        lines += [
            (
                f"Use the `baton` tools: `complete_task` with {summary}, decisions and what remains, when it is done; "
                "`save_context` for notes worth keeping on the way."
            ),
            "Work that you find on the way and that is not this task: propose it with `create_task`. A person decides.",
            "If only a person can decide something, ask with `save_context` and `question`, then end. Don't guess.",
            (
                "If you leave work that is not good enough, or can't go on without somebody else, say so with `save_context` and "
                "`next_action`: `needs_revision` or `blocked`, with what remains or what stands in the way."
            ),
        ]
    else:
        lines.append(
            "To leave a handoff, write JSON to the file named by `$BATON_RESULT`: `summary`, `decisions`, `remaining`, `questions`, `outcome`, "
            "`guidance` for whoever builds on it, and `next_action`: `complete`, `needs_revision`, `blocked` or `needs_input`."
        )
    lines.append(
        "Work that is only half done is worth more with an honest note than with a claim that it is finished."
    )
    return section("How to finish", bullets(lines))
