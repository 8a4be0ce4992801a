"""The live view of a pool, as a terminal shows it: wide, narrow, low, resized, without colours or Unicode."""

from __future__ import annotations

import io

import pytest

from gitbaton.report.pool_text import PoolLines, PoolScreen, Seat, Totals, open_view
from support.terminal import Screen


class Glass(io.StringIO):
    """A stream that shows on a screen what is written to it."""

    def __init__(self, screen: Screen, encoding: str) -> None:
        super().__init__()
        self.screen = screen
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        shown = text.encode(self._encoding).decode(self._encoding)  # what can't be shown fails
        self.screen.feed(shown.replace("\n", "\r\n"))  # as a terminal does
        return len(text)


class Stage:
    """A view with attempts in it, and a clock."""

    def __init__(self, columns: int = 72, rows: int = 12, encoding: str = "utf-8") -> None:
        self.time = 100.0
        self.screen = Screen(columns, rows)
        self.totals = Totals(self.time)
        self.view = PoolScreen(Glass(self.screen, encoding), self.totals, lambda: self.time, self.measure)

    def measure(self) -> tuple[int, int]:
        return self.screen.columns, self.screen.rows

    def sit(self, task: str, title: str = "Do it") -> Seat:
        seat = self.totals.seats[task] = Seat(task, title, 1, self.time)
        return seat

    def show(self) -> list[str]:
        self.view.draw(now=True)
        return self.screen.text.splitlines()


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_line_for_each_attempt_and_one_for_all() -> None:
    stage = Stage()
    one = stage.sit("add-health")
    stage.sit("write-guide", "Write the guide")
    stage.view.event("add-health", "claim", "add-health: Do it (attempt 1)")
    stage.view.event("write-guide", "check", "tests: pytest -q")
    one.turns, one.cost_usd = 7, 0.125
    stage.time += 65
    assert stage.show() == [
        "  add-health   Do it                              7 turns  $0.12  1m 5s",
        "  write-guide  check: tests: pytest -q                            1m 5s",
        "2 running, 0 done, $0.12, 1m 5s  (Ctrl-C stops)",
    ]
    del stage.totals.seats["add-health"]
    stage.totals.failed, stage.totals.cost_usd = 1, 0.2
    stage.view.ended(
        "add-health", "bad", "checks failed: tests did not pass", "7 turns, 1m 5s", ["2 attempts left"]
    )
    assert stage.show() == [
        "✘ add-health  checks failed: tests did not pass  [7 turns, 1m 5s]",
        "  2 attempts left",
        "  write-guide  check: tests: pytest -q                            1m 5s",
        "1 running, 1 done (1 failed), $0.20, 1m 5s  (Ctrl-C stops)",
    ]
    assert "31" in stage.screen.colors
    stage.view.close()
    assert len(stage.screen.text.splitlines()) == 2, "what was said stays, the block is gone"


def test_a_narrow_terminal_and_a_low_one() -> None:
    stage = Stage(columns=40, rows=6)
    for n in range(9):
        stage.sit(f"a-task-with-a-long-name-{n}", "A title that is far too long for that")
    assert stage.show() == [
        "  a-task-with-…  A title that is f…  0s",
        "  a-task-with-…  A title that is f…  0s",
        "  a-task-with-…  A title that is f…  0s",
        "  and 6 more",
        "9 running, 0 done, 0s  (Ctrl-C stops)",
    ]
    assert stage.screen.gone == []
    for width in range(2, 60):  # however narrow: one row each
        stage = Stage(columns=width, rows=20)
        stage.sit("日本語のタスク", "Ein Titel mit Umlauten äöü")
        assert len(stage.show()) == 2, width


def test_a_terminal_that_becomes_narrower_breaks_lines_and_the_view_finds_its_way() -> None:
    stage = Stage(columns=72, rows=12)
    stage.view.say("before")
    stage.sit("a", "A title of about forty letters, all told")
    stage.show()
    screen = stage.screen
    broken = [line[at : at + 40] for line in screen.lines[:-1] for at in range(0, max(1, len(line)), 40)]
    screen.columns, screen.lines, screen.row, screen.column = 40, [*broken, ""], len(broken), 0
    assert stage.show() == [
        "before",
        "  a  A title of about forty letter…  0s",
        "1 running, 0 done, 0s  (Ctrl-C stops)",
    ]


def test_without_unicode_and_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stage = Stage(columns=40, encoding="ascii")
    stage.sit("a", "Grüße an alle, die das hier lesen können")
    stage.view.ended("b", "good", "in review: schön", "1s", [])
    assert stage.show() == [
        "ok b  in review: sch?n  [1s]",
        "  a  Gr??e an alle, die das hier..   0s",
        "1 running, 0 done, 0s  (Ctrl-C stops)",
    ]
    assert stage.screen.colors == set()


def test_it_is_not_drawn_more_often_than_anybody_reads() -> None:
    stage = Stage()
    stage.sit("a")
    stage.show()
    for n in range(5):
        stage.view.event("a", "agent", f"step {n}")
        stage.view.draw()
    assert "step" not in stage.screen.text
    stage.time += 0.2
    stage.view.draw()
    assert "step 4" in stage.screen.text
    stage.time += 0.5
    stage.view.draw()
    assert "0s" in stage.screen.text, "nothing is new"
    stage.time += 0.6
    stage.view.draw()
    assert " 1s" in stage.screen.text


def test_words_of_agents_cannot_steer_the_terminal() -> None:
    stage = Stage()
    stage.sit("a")
    stage.view.event("a", "agent", "\x1b[2J\x1b]0;title\x07 all gone\r\n")
    assert "all gone" in stage.show()[0]


def test_what_can_only_print_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()
    monkeypatch.setenv("TERM", "dumb")
    view = open_view(Glass(stage.screen, "utf-8"), stage.totals)
    assert isinstance(view, PoolLines)
    view.event("a", "agent", "works")
    view.ended("a", "open", "needs input: Which?", "2s", ["answer it"])
    assert stage.screen.text.splitlines() == [
        "a  agent   works",
        "a  waits   needs input: Which?  [2s]",
        "a          answer it",
    ]
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_view(io.StringIO(), stage.totals), PoolLines)
