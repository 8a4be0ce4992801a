"""``baton show ID`` from what is kept: as the command answers it, without a parser and without opening the project. Whatever is
unusual gives None, and the command finds its answer the long way.
"""

from __future__ import annotations

import os
import sys

from gitbaton.quick import find_board, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gitbaton.usecases.showing import Shown


def answer_show(argv: list[str]) -> int | None:
    """Answer a command line that begins with ``show``; None where that takes the long way."""
    words, flags = argv[1:2], argv[2:]
    if not words or words[0].startswith("-") or words[0] == "last" or flags not in ([], ["--json"]):
        return None
    shown = find_shown(words[0])
    if shown is None or (not flags and sys.stdout.isatty()):  # a terminal may want a pager
        return None
    from gitbaton.cli.last import remember_last

    remember_last({"kind": "task", "task": shown.entry.row.id})
    if not flags:
        return say(render(shown))
    import json

    return say(json.dumps(describe(shown), ensure_ascii=False))


def find_shown(text: str) -> Shown | None:
    """The task that ``text`` names in the current folder's repository."""
    board = find_board(os.environ)
    if board is None:
        return None
    import time

    from gitbaton.store.cache import Cache, cache_file
    from gitbaton.store.cachemove import Wanted
    from gitbaton.usecases.showing import glance_at

    place, (base, tips, settings) = board
    wanted = Wanted(place.top, base, tips, *settings)
    return glance_at(Cache(cache_file(place.common_dir)), wanted, text, time.time()).shown


def describe(shown: Shown) -> dict[str, Any]:
    """The record of an answer that shows a task."""
    from gitbaton.report.records import detail_record, record

    notes = [{k: r.get(k) for k in ("created", "agent", "data")} for r in shown.remarks]
    detail = detail_record(shown.entry, shown.text, shown.past) | ({"notes": notes} if notes else {})
    return record("task", task=detail)


def render(shown: Shown) -> str:
    """The same for people."""
    from gitbaton.report.board_text import render_task
    from gitbaton.report.terminal import Style

    summary = shown.note.get("summary") if shown.note else None
    return render_task(shown.entry, shown.text, shown.past, summary, Style(), shown.remarks)
