"""Where things stand, as Markdown for whoever starts now, person or agent: within so many tokens, and what was cut is said.
What waits for an answer, what failed for good, and the decisions and questions of what was left last are never cut away.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from gitbaton.domain.compaction import FACT_MIN, choose_forms, find_room, measure, narrow
from gitbaton.domain.handoff_prose import bullets, find_facts
from gitbaton.domain.history import retell
from gitbaton.domain.markdown import quote
from gitbaton.domain.wording import clean_text, shorten_to_line
from gitbaton.report.handoff_text import name_subject, say_kind
from gitbaton.report.moments import render_age, render_moment
from gitbaton.report.status_text import status_record, tell_totals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gitbaton.domain.attention import Want
    from gitbaton.domain.handoff import Handoff
    from gitbaton.usecases.standing import PlanStanding, Standing, TaskStanding
    from gitbaton.usecases.survey import Running

#: With less even an empty project could not be told.
BUDGET_MIN = 300
_LINE, _SUMMARY = 240, 300
#: What gives way last comes first.
_URGENT, _RUNNING, _REVIEW, _LEFT, _WANTED, _NEXT, _PLAN, _PROBLEM = range(8)
_SHOWN = 8
_FOOT = (
    "One task: `baton context ID`. Take one: `baton start ID`. Leave what the next one must know: `baton handoff save ID`. "
    "What is new since: `baton changes`."
)


class _Line(NamedTuple):
    """Something to tell, in forms from whole to least; ``rank`` says how late it gives way."""

    rank: int
    forms: tuple[str, ...]


class _Section(NamedTuple):
    """Lines under a title; ``more`` is the command that has all of them."""

    title: str
    lines: list[_Line]
    more: str


def render_standing(s: Standing, tokens: int) -> str:
    """The project on about one screen."""
    start, *parts = tell_totals(s.survey)
    moment = datetime.fromtimestamp(s.survey.now, UTC).strftime("%Y-%m-%d %H:%M UTC")
    head = (
        f"# Where things stand\n\n{start}" + (f": {', '.join(parts)}" if parts else "") + f". As of {moment}."
    )
    if not s.survey.board.entries:
        return f'{head}\n\nThere are no tasks yet. Write one with: `baton add "Title"`'
    sections = [x for x in _list_sections(s) if x.lines]
    foot = [f"## To go on\n\n{_FOOT}"]
    most = [
        head,
        *(f"## {x.title} ({len(x.lines)})\n\n{_say_more(len(x.lines), x.more)}" for x in sections),
        *foot,
    ]
    room = find_room(tokens) - measure("\n\n".join(most)) - measure(_say_over(tokens))
    lines = sorted((line for x in sections for line in x.lines), key=lambda line: line.rank)
    sizes = [[measure(form) + 1 for form in line.forms] for line in lines]
    chosen = choose_forms(sizes, room)
    form_of = {id(line): line.forms[n] for line, n in zip(lines, chosen, strict=True)}
    blocks = [head]
    for section in sections:
        told = [form for line in section.lines if (form := form_of[id(line)])]
        hidden = len(section.lines) - len(told)
        told += [_say_more(hidden, section.more)] if hidden else []
        blocks.append(f"## {section.title} ({len(section.lines)})\n\n" + "\n".join(told))
    text = clean_text("\n\n".join(blocks + foot))
    return text + (_say_over(tokens) if measure(text) > find_room(tokens) else "")


def _say_more(count: int, command: str) -> str:
    return f"- and {count} more: `{command}`"


def _say_over(tokens: int) -> str:
    return f" What must be told takes more than {tokens:,} tokens."


def _list_sections(s: Standing) -> list[_Section]:
    seen = s.survey
    wants = [w for w in seen.wants if w.kind != "review"]
    reviews = [w for w in seen.wants if w.kind == "review"]
    return [
        _Section("In progress", [_tell_running(s, r) for r in seen.running], "baton list --state in_progress"),
        _Section("In review", [_tell_want(s, w, _REVIEW) for w in reviews], "baton list --state in_review"),
        _Section(
            "Waits for a person", [_tell_want(s, w, _URGENT if w.kind in ("question", "failed") else _WANTED) for w in wants], "baton status"
        ),
        _Section("Next", _tell_next(s), "baton list --ready"),
        _Section("Plans", [_tell_plan(p) for p in s.plans], "baton plan list"),
        _Section("What was left last", [_tell_handoff(h, seen.now) for _, h in s.handoffs], "baton handoff list"),
        _Section("Problems", [_tell_problem(said, remedy) for said, remedy in seen.hints], "baton doctor"),
    ]  # fmt: skip


def _name(task: str, title: str) -> str:
    return f"- `{task}` {title}"


def _droppable(rank: int, whole: str, brief: str) -> _Line:
    return _Line(rank, narrow([whole, brief, ""]))


def _tell_running(s: Standing, r: Running) -> _Line:
    row, live = r.entry.row, r.entry.live
    who = f"{r.who}, by hand" if live and live.person else f"attempt {r.attempt} by {r.who}"
    who = who if r.entry.running else f"{r.who} works on the branch"
    start = f"{_name(row.id, row.title)}: {who}, for {render_age(s.survey.elapsed_s(r))}"
    return _droppable(_RUNNING, start + (f"; {r.watch_url}" if r.watch_url else ""), f"- `{row.id}`: {who}")


def _tell_want(s: Standing, w: Want, rank: int) -> _Line:
    row = w.entry.row
    age = s.survey.age_s(w.entry)
    since = f", for {render_age(age)}" if age is not None else ""
    words = " ".join(w.words.split())
    help_ = f"; then: `{w.remedy}`" if rank == _URGENT else f"; `{w.remedy}`"
    whole = f"{_name(row.id, row.title)}: {words}{since}{help_}"
    brief = f"- `{row.id}`: {shorten_to_line(words, FACT_MIN)}; `{w.remedy}`"
    return (
        _Line(rank, narrow([whole, brief]))
        if rank == _URGENT
        else _droppable(rank, whole, f"- `{row.id}`: {shorten_to_line(words, FACT_MIN)}")
    )


def _tell_next(s: Standing) -> list[_Line]:
    if s.survey.nothing:
        return [_Line(_URGENT, (f"- {s.survey.nothing}",))]
    lines = []
    for n, (entry, reason) in enumerate(s.survey.next):
        whole, brief = f"{_name(entry.row.id, entry.row.title)}: {reason}", f"- `{entry.row.id}`: {reason}"
        lines.append(
            _Line(_URGENT, narrow([whole, brief]))
            if n == 0
            else _Line(_NEXT, narrow([whole, brief, ""]) if n < _SHOWN else ("",))
        )
    return lines


def _tell_plan(p: PlanStanding) -> _Line:
    done = f"{p.over} of {p.tasks} tasks over" if p.tasks else "no tasks yet"
    state = f"{p.status}, " if p.status != "active" else ""
    goal = f". {shorten_to_line(p.goal, _LINE)}" if p.goal else ""
    return _droppable(_PLAN, f"{_name(p.id, p.title)}: {state}{done}{goal}", f"- `{p.id}`: {state}{done}")


def _tell_problem(said: str, remedy: str | None) -> _Line:
    whole = f"- {shorten_to_line(said, _LINE)}" + (
        f"; `{remedy}`" if remedy and remedy.startswith("baton") else f"; {remedy}" if remedy else ""
    )
    return _droppable(_PROBLEM, whole, "")


def _tell_handoff(h: Handoff, now: float) -> _Line:
    when = _say_age(h.created, now)
    start = f"- **{name_subject(h)}**, {say_kind(h)}, by {h.agent or 'somebody'}{when}"
    facts = find_facts(h)
    summary = shorten_to_line(h.summary, _SUMMARY) if h.summary else ""
    full, cut = ("\n".join(f"  {f.render(most)}" for f in facts) for most in (None, FACT_MIN))
    whole = start + (f": {summary}" if summary else "")
    shorter = [f"{start}\n{full}", f"- **{name_subject(h)}**\n{cut}"] if facts else [""]
    return _Line(_LEFT, narrow([f"{whole}\n{full}" if facts else whole, *shorter]))


def _say_age(created: str | None, now: float) -> str:
    try:
        then = datetime.fromisoformat(created).timestamp() if created else None
    except ValueError:
        then = None
    return f", {render_age(max(0.0, now - then))} ago" if then is not None else ""


# -- one task ------------------------------------------------------------------------------------------------


def render_task_standing(t: TaskStanding, tokens: int, *, limit: str | None = None) -> str:
    """One task, with all that was left about it. ``limit`` is how to call the number of tokens."""
    row, live, task = t.entry.row, t.entry.live, t.task
    must = [f"# {row.id}: {row.title}", _tell_state(t)]
    if live and live.guidance:
        must.append("## Heed this first\n\n" + "\n\n".join(quote(g) for g in live.guidance))
    if live and live.question:
        must.append(f'## It asks\n\n{quote(live.question)}\n\nAnswer with: `baton answer {row.id} "…"`')
    if t.needs:
        must.append(
            "## It depends on\n\n"
            + bullets(
                f"`{n}`: there is no such task"
                if isinstance(n, str)
                else f"`{n.row.id}` {n.row.title}: {_words(n.state)}"
                for n in t.needs
            )
        )
    wanted = _tell_wanted(t, None)
    spent = measure("\n\n".join([*must, wanted])) + 4
    if task and spent > find_room(tokens) // 2:  # a long text must not drive out what was left
        wanted = _tell_wanted(t, _LINE)
        spent = measure("\n\n".join([*must, wanted])) + 4
    left = find_room(tokens) - spent
    told = retell(t.history, max(1, int(left / 3.5)), limit or f"{tokens:,} tokens (`run.context_tokens`)")
    return clean_text("\n\n".join(p for p in (*must, wanted, *told.sections) if p))


def _words(state: str) -> str:
    return state.replace("_", " ")


def _tell_state(t: TaskStanding) -> str:
    row, live = t.entry.row, t.entry.live
    facts = [
        f"{row.priority} priority",
        *(
            f"{name} {value}"
            for name, value in (("role", row.role), ("plan", row.plan), ("milestone", row.milestone))
            if value
        ),
    ]
    lines = [f"It is **{_words(t.entry.state)}**: {t.entry.why}. {', '.join(facts).capitalize()}."]
    if t.running:
        lines.append(
            f"{t.running.agent} has been at it (attempt {t.running.number}) since {render_moment(t.running.started)}."
        )
    if live and live.head and live.branch:
        lines.append(
            f"Its work is on `{live.branch}`"
            + (f", in review at {live.pull_request}." if live.pull_request else ".")
        )
    if t.history.attempts and t.entry.state not in ("done", "cancelled"):
        lines.append(
            f"{len(t.history.attempts)} attempt{'s' if len(t.history.attempts) != 1 else ''} so far; {t.entry.attempts_left} left without a person."
        )
    if t.want:
        lines.append(f"A person is wanted: `{t.want.remedy}`")
    elif t.entry.claimable:
        lines.append(f"Anybody may take it: `baton start {row.id}`")
    elif not t.entry.running and t.entry.state not in ("done", "cancelled"):
        lines.append(f"Why it does not start: `baton explain {row.id}`")
    return "\n".join(lines)


def _tell_wanted(t: TaskStanding, most: int | None) -> str:
    task = t.task
    if task is None:
        return f"Its file can't be read: `{t.entry.row.path}`"
    parts = []
    if task.description:
        cut = shorten_to_line(task.description, most) if most else task.description.strip()
        parts.append(
            f"## What is wanted\n\n{cut}"
            + (f"\n\nAll of it: `{t.entry.row.path}`" if most and cut.endswith("…") else "")
        )
    criteria = [
        f"[{'x' if a.checked else ' '}] {shorten_to_line(a.text, FACT_MIN) if most else a.text}"
        for a in task.acceptance
    ]
    for title, items in (
        ("It is done when", criteria), ("Clarifications", [c.text + (f" ({c.who})" if c.who else "") for c in task.clarifications]),
        ("Read first", task.context), ("It may change", [f"`{p}`" for p in task.paths]),
    ):  # fmt: skip
        if items:
            parts.append(f"## {title}\n\n{bullets(items)}")
    return "\n\n".join(parts)


# -- for programs --------------------------------------------------------------------------------------------


def standing_record(s: Standing, text: str) -> dict[str, Any]:
    """The project for programs: what ``status`` says, plans, the newest handoffs; and the Markdown as ``text``."""
    return {
        **status_record(s.survey), "plans": [p._asdict() for p in s.plans],
        "handoffs": [_brief_record(path, h) for path, h in s.handoffs], "text": text,
    }  # fmt: skip


def task_standing_record(t: TaskStanding, text: str) -> dict[str, Any]:
    """One task for programs, beside its own record."""
    return {
        "attempts": [a.model_dump(mode="json", exclude_none=True) for a in (*t.history.attempts, *([t.running] if t.running else []))],
        "dependencies": [{"task": d.id, "handoff": d.path} for d in t.history.dependencies],
        "handoffs": [_brief_record(path, h) for path, h in reversed(t.history.left)], "text": text,
    }  # fmt: skip


def _brief_record(path: str | None, h: Handoff) -> dict[str, Any]:
    fields: Iterable[str] = (
        "task",
        "attempt",
        "agent",
        "created",
        "outcome",
        "incomplete",
        "error",
        "summary",
        "decisions",
        "questions",
        "blockers",
    )
    said = h.model_dump(mode="json", exclude_defaults=True)
    return {"path": path, **{k: said[k] for k in fields if k in said}}
