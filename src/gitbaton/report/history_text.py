"""What happened and what changed, in words: ``log``, ``diff`` and ``changes``."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from gitbaton.domain.wording import shorten_to_line
from gitbaton.report.moments import render_moment
from gitbaton.report.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gitbaton.report.terminal import Style
    from gitbaton.usecases.chronicle import Chronicle, Happening
    from gitbaton.usecases.differences import Difference, DocumentChange
    from gitbaton.usecases.tidings import News

#: Longer words of people and agents are cut where they stand in a list.
_WORDS_MAX = 500
_NOUNS = {"config": "settings", "plan": "plan", "role": "role", "workflow": "workflow", "handoff": "handoff", "task": "task"}  # fmt: skip


# -- documents ---------------------------------------------------------------------------------------------------


def render_difference(found: Difference, style: Style) -> str:
    """Changes by task; nothing changed is said."""
    return render_changes(found.changes, style) if found.changes else "nothing changed on tasks"


def render_changes(
    changes: Sequence[DocumentChange],
    style: Style,
    authors: Mapping[tuple[str, str], Sequence[str]] | None = None,
) -> str:
    """Changes grouped by what they are about; ``authors`` made them, by kind and id."""
    groups: dict[tuple[str, str], list[DocumentChange]] = {}
    for change in changes:
        kind = "task" if change.kind == "handoff" else change.kind
        groups.setdefault((kind, change.id), []).append(change)
    blocks = []
    for (kind, name), group in groups.items():
        own = next((c for c in group if c.kind != "handoff"), None)
        head = name if kind == "task" else _NOUNS[kind] if kind == "config" else f"{_NOUNS[kind]} {name}"
        who = list(dict.fromkeys(name for c in group for name in (authors or {}).get((c.kind, c.id), ())))
        by = style.paint(f" by {printable(', '.join(who))}", "dim") if who else ""
        lines = [style.paint(printable(head), "bold") + _say_title(own, style) + by]
        details = [words for change in group for words in list_words(change)]
        blocks.append("\n".join([*lines, *_indent(details, style, 2)]))
    return "\n".join(blocks)


def _say_title(own: DocumentChange | None, style: Style) -> str:
    return style.paint(f"  {printable(own.title)}", "dim") if own and own.title else ""


def list_words(change: DocumentChange) -> list[str]:
    """A change in words, without what it is about."""
    words = []
    match change.what:
        case "added" if change.kind == "handoff":
            words.append(_say_handoff(change.value or {}))
        case "added":
            words.append(_say_added(change))
        case "removed":
            words.append(f"removed{': its handoff ' + change.path if change.kind == 'handoff' else ''}")
        case "renamed":
            words.append(f"renamed from {change.old_id}")
        case "moved":
            words.append(f"moved from {change.old_path} to {change.path}")
        case "archived" | "restored":
            words.append(f"{change.what} ({change.path})")
        case "changed":
            pass
    if change.what == "changed" and change.kind == "handoff":
        words.append(f"the handoff {change.path} was rewritten")
    else:
        words += [said for field in change.fields for said in field.words]
    if change.trouble:
        words.append(change.trouble)
    return words


def _say_added(change: DocumentChange) -> str:
    value = change.value or {}
    facts = [str(value[k]) for k in ("status", "priority", "type") if k in value]
    needs = value.get("depends_on")
    facts += [f"needs {', '.join(map(str, needs))}"] if isinstance(needs, list) and needs else []
    return "added" + (f" ({', '.join(facts)})" if facts else "")


def _say_handoff(value: dict[str, Any]) -> str:
    of = f" of attempt {value['attempt']}" if value.get("attempt") else ""
    by = f" by {value['agent']}" if value.get("agent") else ""
    summary = value.get("summary") or value.get("error") or ""
    parts = [shorten_to_line(str(summary))] if summary else []
    parts += [f"decided: {shorten_to_line(str(d.get('decision', '')))}" for d in value.get("decisions", ())]
    parts += [f"asks: {shorten_to_line(str(q))}" for q in value.get("questions", ())]
    return f"handoff{of}{by}" + (f": {'; '.join(parts)}" if parts else "")


def _indent(words: Iterable[str], style: Style, columns: int) -> list[str]:
    """Sentences below a line, wrapped where the terminal ends."""
    lines = []
    for said in words:
        text = printable(shorten_to_line(said, _WORDS_MAX))
        if not style.unicode:
            text = text.replace("→", "->").replace("−", "-")
        width = max(20, style.width - 1)
        lines += textwrap.wrap(
            text, width, initial_indent=" " * columns, subsequent_indent=" " * (columns + 2), break_on_hyphens=False
        )  # fmt: skip
    return lines


def change_record(change: DocumentChange) -> dict[str, Any]:
    """A change for programs."""
    fields = [
        {"field": f.field, "before": f.before, "after": f.after, "words": list(f.words)} for f in change.fields
    ]  # fmt: skip
    always = {"kind": change.kind, "id": change.id, "change": change.what, "path": change.path, "title": change.title}  # fmt: skip
    more = {"old_path": change.old_path, "old_id": change.old_id, "problem": change.trouble}
    return {**always, "fields": fields, "words": list_words(change), **{k: v for k, v in more.items() if v}}


# -- happenings --------------------------------------------------------------------------------------------------


def render_chronicle(told: Chronicle, style: Style) -> str:
    """A task's history, oldest first."""
    row = told.entry.row
    lines = [style.paint(printable(f"{row.id}: {row.title}"), "bold")]
    if not told.happenings:
        lines.append("its file is not committed yet, and nobody has worked on it")
    for happening in told.happenings:
        lines += _tell(happening, style)
    if row.local:
        lines.append(style.paint(f"{'now':16}  {row.local} changes in this checkout", "dim"))
    return "\n".join(lines)


def _tell(happening: Happening, style: Style, *, named: bool = False) -> list[str]:
    task = f"{style.paint(happening.task, 'bold')}  " if named and happening.kind != "edit" else ""
    when = style.paint(_when(happening.at), "dim")
    who = printable(happening.who)
    words = printable(shorten_to_line(happening.words, _WORDS_MAX))
    if happening.kind == "edit":
        line = f"{when}  edited by {who}: {words} {style.paint((happening.ref or '')[:8], 'dim')}"
        details = [w for change in happening.changes for w in _say_where(change, named=named)]
        return [line, *_indent(details, style, 4)]
    room = style.width - 18 - len(happening.task) * named
    first, *rest = textwrap.wrap(
        words + (f" ({who})" if who else ""), max(20, room), break_on_hyphens=False
    ) or [""]
    return [f"{when}  {task}{first}", *(" " * 20 + line for line in rest), *_indent(happening.details, style, 4)]  # fmt: skip


def _say_where(change: DocumentChange, *, named: bool) -> list[str]:
    words = list_words(change)
    if not named:
        return words
    name = change.id if change.kind in ("task", "handoff") else f"{_NOUNS[change.kind]} {change.id}"
    return [f"{name}: {said}" for said in words]


def _when(at: float) -> str:
    return render_moment(_iso(at)) if at else f"{'?':16}"


def _iso(at: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def happening_record(happening: Happening) -> dict[str, Any]:
    """A happening for programs."""
    return {
        "at": _iso(happening.at) if happening.at else None, "kind": happening.kind, "task": happening.task, "by": happening.who,
        "words": happening.words, "details": list(happening.details), "ref": happening.ref,
        **({"changes": [change_record(c) for c in happening.changes]} if happening.changes else {}),
    }  # fmt: skip


def render_news(news: News, style: Style) -> str:
    """What is new, and the cursor for the next time."""
    lines: list[str] = []
    if news.since is None:
        both = sorted([*news.events, *news.commits], key=lambda h: int(h.at))
        lines += [line for h in both for line in _tell(h, style, named=True)]
    else:
        if news.documents:
            count, who = len(news.commits), ", ".join(dict.fromkeys(c.who for c in news.commits))
            by = f" by {printable(who)}" if who else ""
            lines.append(style.paint(f"{count} commit{'s' if count != 1 else ''}{by}", "bold"))
            authors = _find_authors(news) if len({c.who for c in news.commits}) > 1 else None
            lines += _shift(render_changes(news.documents, style, authors))
        if news.events:
            count = len(news.events)
            lines.append(style.paint(f"{count} event{'s' if count != 1 else ''}", "bold"))
            lines += [f"  {line}" for h in news.events for line in _tell(h, style, named=True)]
    if not lines:
        lines = ["nothing is new" if news.since else "nothing has happened yet"]
    return "\n".join([*lines, "", f"next time: baton changes --since {news.cursor}"])


def _find_authors(news: News) -> dict[tuple[str, str], list[str]]:
    """Who changed each document, in the order in which they did."""
    found: dict[tuple[str, str], list[str]] = {}
    for commit in news.commits:
        for change in commit.changes:
            for name in dict.fromkeys(i for i in (change.id, change.old_id) if i):
                known = found.setdefault((change.kind, name), [])
                known += [commit.who] if commit.who not in known else []
    return found


def _shift(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def news_record(news: News) -> dict[str, Any]:
    """The same for programs."""
    authors = _find_authors(news)
    documents = [{**change_record(c), "by": authors.get((c.kind, c.id), [])} for c in news.documents]
    return {
        "since": news.since, "cursor": news.cursor, "commits": [happening_record(c) for c in news.commits],
        "documents": documents, "events": [happening_record(e) for e in news.events],
    }  # fmt: skip
