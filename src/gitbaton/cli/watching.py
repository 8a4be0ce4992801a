"""``board --watch``: the board, drawn anew whenever something changed."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

from gitbaton.cli.screen import Screen
from gitbaton.domain.board import find_turn
from gitbaton.errors import BatonError
from gitbaton.report.board_view import render_board_view
from gitbaton.report.moments import render_age
from gitbaton.report.terminal import Style, fit, fit_stream, printable
from gitbaton.store.motion import take_stamp
from gitbaton.usecases.survey import survey_project
from gitbaton.wiring import heed_termination

if TYPE_CHECKING:
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.survey import Survey

#: How often it is looked whether anything moved here. A look costs a few file accesses.
_LOOK_S = 0.5
_QUIT = ("q", "Q", "\x1b", "\x04")


class _Fetcher(threading.Thread):
    """Asks the remote again and again beside the screen, so that a slow network doesn't hold up a key."""

    def __init__(self, project: Project, every_s: float) -> None:
        super().__init__(daemon=True)
        self._project = project
        self._every_s = every_s
        self.ended = threading.Event()
        self.trouble: str | None = None
        self.last: float | None = None

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                self._project.refs.fetch()
                self.trouble, self.last = None, time.monotonic()
            except BatonError as error:
                self.trouble = error.message
            self.ended.wait(self._every_s)


def watch_board(project: Project, *, every_s: float) -> int:
    """Show the board until somebody presses q or Ctrl-C; the exit code."""
    heed_termination()
    fetcher = _Fetcher(project, every_s) if project.repo.remote and every_s else None
    if fetcher:
        fetcher.start()
    try:
        with Screen() as screen:
            _keep_drawing(project, screen, fetcher)
    except KeyboardInterrupt:  # as good an end as q
        pass
    finally:
        if fetcher:
            fetcher.ended.set()
    return 0


def _keep_drawing(project: Project, screen: Screen, fetcher: _Fetcher | None) -> None:
    stamp: object = None
    seen: Survey | None = None
    turn: float | None = None
    while True:
        now = project.refs.now().timestamp()
        fresh = take_stamp(project.repo)
        if seen is None or fresh != stamp or (turn is not None and now >= turn):
            stamp, project = fresh, project.reread()
            seen = survey_project(project, checkup=False)
            turn = _find_next_turn(seen)
        size = os.get_terminal_size(sys.stdout.fileno())
        style = Style()
        text = render_board_view(seen._replace(now=now), style, height=max(4, size.lines - 2))
        lines = text.split("\n")
        blank = [""] * max(0, size.lines - 1 - len(lines))
        foot = style.paint(fit(_describe(fetcher, style), size.columns - 1), "dim")
        screen.draw(fit_stream("\n".join([*lines, *blank, foot]), sys.stdout))
        if any(key in _QUIT for key in screen.wait(_LOOK_S)):
            return


def _find_next_turn(seen: Survey) -> float | None:
    """When a state changes by itself: a lease or a back-off ends."""
    turns = (find_turn(e.live) for e in seen.board.entries.values())
    return min((turn for turn in turns if turn is not None and turn > seen.now), default=None)


def _describe(fetcher: _Fetcher | None, style: Style) -> str:
    parts = ["q ends"]
    if fetcher and fetcher.trouble:
        parts.append(f"the remote does not answer: {printable(fetcher.trouble)}")
    elif fetcher and fetcher.last is not None:
        parts.append(f"fetched {render_age(time.monotonic() - fetcher.last)} ago")
    elif fetcher:
        parts.append("asking the remote")
    return style.symbol(" · ", ", ").join(parts)
