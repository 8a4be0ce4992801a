"""The board as people pin it to a wall: columns where the terminal is wide, a list where it is narrow."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from gitbaton.domain.attention import COLUMNS, find_column, find_want
from gitbaton.domain.queue import order_key
from gitbaton.report.moments import render_age
from gitbaton.report.terminal import align, fit, measure, printable

if TYPE_CHECKING:
    from gitbaton.domain.attention import Column
    from gitbaton.domain.board import Entry
    from gitbaton.report.terminal import Style
    from gitbaton.usecases.survey import Survey

TITLES: dict[Column, str] = {
    "ready": "Ready", "running": "Running", "review": "Review", "person": "Needs a person", "waiting": "Waiting", "done": "Done",
}  # fmt: skip
_COLORS: dict[Column, str] = {
    "ready": "green", "running": "cyan", "review": "magenta", "person": "yellow", "waiting": "dim", "done": "dim",
}  # fmt: skip
#: A column narrower than this says too little.
_NARROW, _GAP = 18, 2
#: Finished tasks that a list shows; the others are only counted.
_DONE_SHOWN = 5

Card = tuple[str, str]


def sort_cards(seen: Survey) -> dict[Column, list[Card]]:
    """(id, note) of every task, by column; those first that somebody should look at first."""
    places = {entry.row.id: n for n, (entry, _) in enumerate(seen.next)}
    since = {r.entry.row.id: r for r in seen.running}
    columns: dict[Column, list[Entry]] = {column: [] for column in COLUMNS}
    for entry in seen.board.entries.values():
        columns[find_column(seen.board, entry)].append(entry)

    def rank(column: Column, entry: Entry) -> tuple[Any, ...]:
        task, age = entry.row.id, seen.age_s(entry)
        match column:
            case "ready":
                return (places.get(task, len(places)), *order_key(entry))
            case "running":
                return (since[task].since if task in since else 0.0, task)
            case "person" if want := find_want(seen.board, entry):
                return want.rank
            case "done":
                return (age is None, age or 0.0, task)
            case "review":
                return (-(age or 0.0), task)
            case _:
                return order_key(entry)

    def note(column: Column, entry: Entry) -> str:
        age = seen.age_s(entry)
        ago = f"({render_age(age)}) " if age is not None else ""
        match column:
            case "running" if entry.row.id in since:
                running = since[entry.row.id]
                return f"{running.who}, {render_age(seen.elapsed_s(running))}"
            case "person" if want := find_want(seen.board, entry):
                return ago + want.words
            case "review":
                return ago + ((entry.live.pull_request if entry.live else None) or entry.row.title)
            case "waiting" if entry.blocked_by:
                return "for " + ", ".join(entry.blocked_by)
            case "waiting":
                return entry.why
            case _:
                return entry.row.title

    return {
        column: [(e.row.id, printable(note(column, e))) for e in sorted(found, key=lambda e: rank(column, e))]
        for column, found in columns.items()
    }


def render_board_view(seen: Survey, style: Style, *, height: int | None = None) -> str:
    """The board in columns, or as a list where they would be too narrow or there is no terminal. ``height``: at most
    so many lines.
    """
    cards = sort_cards(seen)
    shown = [column for column in COLUMNS if cards[column]]
    broken = [(b.id, str(b.problems[0]) if b.problems else b.path) for b in seen.board.broken]
    if not shown and not broken:
        return 'There are no tasks yet. Write one with: baton add "Title"'
    room = None if height is None else max(4, height - len(broken))
    is_wide = bool(shown) and style.width < 10_000 and (style.width + _GAP) // len(shown) - _GAP >= _NARROW
    if is_wide and style.width >= 100:
        lines = _in_columns({c: cards[c] for c in shown}, style, room)
    else:
        lines = _as_list({c: cards[c] for c in shown}, style, room)
    bad = [fit(printable(f"broken: {task}: {said}"), style.width) for task, said in broken]
    return "\n".join([*lines, *(style.paint(line, "red") for line in bad)])


def _in_columns(cards: dict[Column, list[Card]], style: Style, height: int | None) -> list[str]:
    """Columns side by side; notes take two lines where there is room for that."""
    width = (style.width + _GAP) // len(cards) - _GAP
    room = height or 10_000
    roomy = [_stack(column, found, width, style, 2) for column, found in cards.items()]
    fits = all(len(block) <= room for block in roomy)
    blocks = (
        roomy if fits else [_stack(column, found, width, style, 1, room) for column, found in cards.items()]
    )
    lines = []
    for n in range(max(map(len, blocks))):
        line = ""
        for block in blocks:
            text, color = block[n] if n < len(block) else ("", None)
            line += style.paint(text, color if text else None) + " " * (width - measure(text) + _GAP)
        lines.append(line.rstrip())
    return lines


def _stack(
    column: Column, found: list[Card], width: int, style: Style, note_lines: int, height: int = 10_000
) -> list[tuple[str, str | None]]:
    """One column, from its title down, in at most ``height`` lines."""
    color = _COLORS[column]
    head: list[tuple[str, str | None]] = [
        (fit(f"{TITLES[column]} ({len(found)})", width), "bold"),
        (style.symbol("─", "-") * width, color),
    ]
    stack = []
    for task, note in found:
        wrapped = textwrap.wrap(note, max(1, width - 2), break_on_hyphens=False) or [""]
        if len(wrapped) > note_lines:
            wrapped = [*wrapped[: note_lines - 1], " ".join(wrapped[note_lines - 1 :])]
        name = (fit(task, width), None if column == "done" else color)
        stack.append([name, *((fit("  " + line, width), "dim") for line in wrapped)])
    cards = [line for card in stack for line in card]
    if len(head) + len(cards) <= height:
        return [*head, *cards]
    kept = 0
    while kept < len(stack) and len(head) + sum(map(len, stack[: kept + 1])) < height:
        kept += 1
    cards = [line for card in stack[:kept] for line in card]
    return [*head, *cards, (f"and {len(stack) - kept} more", "dim")]


def _as_list(cards: dict[Column, list[Card]], style: Style, height: int | None) -> list[str]:
    most = max(map(len, cards.values()), default=0)
    while True:
        lines = _list_lines(cards, style, most)
        if height is None or len(lines) <= height or most <= 1:
            return lines[:height] if height else lines
        most -= 1


def _list_lines(cards: dict[Column, list[Card]], style: Style, most: int) -> list[str]:
    lines = []
    for column, found in cards.items():
        lines.append(style.paint(f"{TITLES[column]} ({len(found)})", "bold"))
        shown = found[: min(most, _DONE_SHOWN) if column == "done" else most]
        wide = max(16, min(48, style.width * 2 // 5))
        rows = [["  " + fit(task, wide), note] for task, note in shown]
        colors: list[list[str | None]] = [[_COLORS[column], None]] * len(rows)
        lines += align(rows, style, colors).splitlines()
        if len(found) > len(shown):
            lines.append(style.paint(f"  and {len(found) - len(shown)} more", "dim"))
    return lines


def board_record(seen: Survey) -> dict[str, Any]:
    """The same for programs: ids by column, in the order in which they are shown."""
    return {
        "columns": {column: [task for task, _ in found] for column, found in sort_cards(seen).items()},
        "notes": {task: note for found in sort_cards(seen).values() for task, note in found},
        "broken": [{"id": b.id, "path": b.path} for b in seen.board.broken],
    }
