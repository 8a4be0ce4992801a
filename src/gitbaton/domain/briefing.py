"""The briefing: everything an agent is told, as one Markdown text. Deterministic: the same material gives
the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gitbaton.domain.conflicts import render_conflicts
from gitbaton.domain.durations import render_duration
from gitbaton.domain.markdown import fence, quote
from gitbaton.domain.peerreview import list_musts
from gitbaton.domain.troubleshooting import render_recovery
from gitbaton.domain.wording import is_note, render_note

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitbaton.domain.handoff import Handoff
    from gitbaton.domain.plan import Plan
    from gitbaton.domain.role import Role
    from gitbaton.domain.state import Attempt
    from gitbaton.domain.task import Task
    from gitbaton.domain.troubleshooting import Recovery

_OUTPUT_LINES = 40


class Material(NamedTuple):
    """What a briefing is made of. ``dependencies`` are (id, title, newest handoff) of what the task depends
    on; ``earlier`` are this task's handoffs, oldest first; ``attempts`` its past attempts; ``guidance`` what a
    person said since; ``checks`` (name, command); ``timeout_s`` the time limit in seconds; ``has_tools``:
    the agent has our MCP tools; ``fresh_since`` the first attempt after work was merged or set aside; ``merged`` the
    branch that was merged into the earlier work right before, which left ``conflicts`` in these files; ``recovery`` what an attempt
    must know that begins with a search for the cause; ``wants_tests``: what changes is to be covered by tests.
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
        _section("What is wanted", m.task.description),
        _acceptance(m),
        _clarifications(m),
        _plan(m),
        _role(m),
        _context(m),
        _dependencies(m),
        _history(m),
        _notes(m),
        _scope(m),
        _finish(m),
    ]
    return "\n\n".join(p.strip("\n") for p in parts if p) + "\n"


def _section(title: str, body: str | None) -> str:
    return f"## {title}\n\n{body.strip()}" if body and body.strip() else ""


def _bullets(items: Sequence[str]) -> str:
    return "\n".join("- " + i.strip().replace("\n", "\n  ") for i in items)


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
    return _section(
        "Heed this first",
        "A person said about the work so far:\n\n" + "\n\n".join(quote(g) for g in m.guidance),
    )


def _acceptance(m: Material) -> str:
    lines = [f"- [{'x' if a.checked else ' '}] {a.text.strip()}" for a in m.task.acceptance]
    return _section("It is done when", "\n".join(lines))


def _clarifications(m: Material) -> str:
    lines = []
    for c in m.task.clarifications:
        source = ", ".join(s for s in (c.who, c.when) if s)
        lines.append(c.text + (f" ({source})" if source else ""))
    return _section("Clarifications", _bullets(lines))


def _plan(m: Material) -> str:
    if not m.plan:
        return ""
    return _section("The plan it belongs to", f"{m.plan.title}\n\n{m.plan.goal or ''}")


def _role(m: Material) -> str:
    if not m.role_name:
        return ""
    if not m.role:
        return _section("Your role", f"Work as somebody would whose job it is: {m.role_name}.")
    done = (
        "\n\nIn this role, work is done when:\n\n" + _bullets(m.role.definition_of_done)
        if m.role.definition_of_done
        else ""
    )
    return _section(
        f"Your role: {m.role.title or m.role_name}",
        f"{(m.role.purpose or '').strip()}\n\n{(m.role.guidance or '').strip()}{done}",
    )


def _context(m: Material) -> str:
    return _section("Read first", _bullets(m.task.context))


def _dependencies(m: Material) -> str:
    texts = []
    for task_id, title, handoff in m.dependencies:
        body = f"### {task_id}: {title}"
        texts.append(body + ("\n\n" + _handoff(handoff) if handoff else "\n\nNo handoff was left."))
    return _section("What it builds on", "\n\n".join(texts))


def _handoff(h: Handoff) -> str:
    lines = []
    if h.summary:
        lines.append(h.summary.strip())
    for words, items in (
        ("Finished", h.completed), ("Not finished", h.remaining),
        ("Decided", [d.decision + (f", because {d.reason}" if d.reason else "") for d in h.decisions]),
        ("A second agent wanted", [f"{f.place}: {f.what}" for f in list_musts(h.peer_review)]), ("In the way", h.blockers), ("Open questions", h.questions), ("Next", h.next_steps), ("Files", h.files_modified[:30]),
        ("Results", h.artifacts),
    ):  # fmt: skip
        if items:
            lines.append(f"{words}:\n\n{_bullets(list(items))}")
    if h.guidance and h.next_action == "continue":
        lines.append(f"Its author says to whoever goes on:\n\n{quote(h.guidance)}")
    elif h.guidance:
        lines.append(f"In its author's words: {h.guidance.strip()}")
    return "\n\n".join(lines) or "It says nothing more."


def _history(m: Material) -> str:
    if not m.attempts:
        return ""
    texts = []
    by_attempt = {h.attempt: h for h in m.earlier}
    for a in m.attempts:
        ended = a.outcome.value.replace("_", " ") if a.outcome else "never reported back"
        body = f"### Attempt {a.number}: {ended}"
        if a.number < m.fresh_since:
            body += (
                "\n\nSuperseded: its work was merged or set aside since, and what it says may no longer hold."
            )
        if a.guidance:
            body += "\n\nIt had been told:\n\n" + "\n\n".join(quote(g) for g in a.guidance)
        if a.message:
            body += f"\n\n{a.message.strip()}"
        if handoff := by_attempt.get(a.number):
            body += "\n\n" + _handoff(handoff)
            for check in handoff.checks:
                if not check.passed:
                    output = "\n".join((check.output or "").strip().splitlines()[-_OUTPUT_LINES:])
                    body += f"\n\nThe check `{check.name}` failed" + (
                        f" and printed at its end:\n\n{fence(output)}" if output else "."
                    )
        texts.append(body)
    return _section("Earlier attempts", "\n\n".join(texts))


def _notes(m: Material) -> str:
    """What was written down outside of attempts."""
    texts = []
    for h in m.earlier:
        if h.attempt is None:
            source = ", ".join(s for s in (h.agent, h.created) if s)
            plain = h.model_dump(mode="json", exclude_defaults=True)
            if is_note(plain):
                texts.append(f"- {render_note(plain)}" + (f" ({source})" if source else ""))
            else:
                texts.append(f"### {source or 'Somebody'}\n\n{_handoff(h)}")
    return _section("Noted since", "\n\n".join(texts))


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
    return _section("Limits", _bullets([*lines, limits]))


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
    if m.task.result_schema is not None:
        lines.append(
            "This task wants a structured result that meets its `result_schema`; hand it over with the completion."
        )
    if m.has_tools:
        lines += [
            (
                "Use the `baton` tools: `complete_task` with a short summary, decisions and what remains, when it is done; "
                "`save_context` for notes worth keeping on the way."
            ),
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
    return _section("How to finish", _bullets(lines))
