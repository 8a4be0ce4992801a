"""What a person sees: whole screens of status, board, graph and log in terminals of 80 and 120 columns, kept in
``screens`` and judged by eye whenever one changes (``SCREENS=write`` writes them).
"""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.busy_project import make_busy
from support.cli import SOURCE, Baton
from support.terminal import CTRL_C, CURSOR, OTHER_SCREEN, Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.team import Team

SCREENS = Path(__file__).parent / "screens"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Nothing in this module changes it but what comes last."""
    return make_busy(tmp_path_factory.mktemp("busy"))


def open_terminal(team: Team, home: Path, *words: str, columns: int = 80, rows: int = 60, env: Mapping[str, str] = {}) -> Terminal:  # fmt: skip
    around = {**Baton(team.first.path, home).environment(), "PYTHONPATH": SOURCE, "LC_ALL": "C.UTF-8", **env}
    command = [sys.executable, "-m", "gitbaton", *words]
    return Terminal(command, team.first.path, around, columns=columns, rows=rows)


def level(text: str) -> str:
    """``text`` without what differs from run to run: run ids, times of the day."""
    text = re.sub(r"\b(?=[0-9a-z]*\d)[0-9a-f]{8}\b", "COMMITID", text)
    return re.sub(r"\b20(?!24)\d\d-\d\d-\d\d \d\d:\d\d", "YYYY-MM-DD HH:MM", text)


def compare(name: str, text: str) -> None:
    file = SCREENS / f"{name}.txt"
    if os.environ.get("SCREENS") == "write":
        SCREENS.mkdir(exist_ok=True)
        file.write_text(text + "\n", "utf-8")
    assert text + "\n" == file.read_text("utf-8"), f"{name} looks different; see SCREENS=write in this file"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words",
    [("status",), ("board",), ("graph",), ("graph", "add-login", "--open"), ("log", "import-orders"), ("explain", "mail-on-reset")],
    ids=" ".join,
)  # fmt: skip
def test_a_screen(team: Team, tmp_path: Path, words: tuple[str, ...], columns: int) -> None:
    rows = 24 if words == ("status",) else 60
    with open_terminal(team, tmp_path, *words, columns=columns, rows=rows) as terminal:
        assert terminal.wait() == 0
        said = level(terminal.screen.history)
    assert not terminal.screen.broken, "every line fits"
    if words == ("status",):
        assert len(said.splitlines()) < 24, "with the next prompt it fits on the screen"
        assert "\x1b[" in terminal.written, "a terminal gets colours"
    compare(f"{'-'.join(words).replace('--', '')}-{columns}", said)


def test_a_terminal_that_knows_only_ascii_gets_that(team: Team, tmp_path: Path) -> None:
    for words in (("graph",), ("explain", "mail-on-reset")):
        more = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
        with open_terminal(team, tmp_path, *words, columns=300, env=more) as terminal:
            assert terminal.wait() == 0
            assert terminal.plain.isascii(), terminal.plain
            assert "\x1b" not in terminal.written


def test_not_a_terminal_gets_the_whole_list_once(team: Team, tmp_path: Path) -> None:
    baton = Baton(team.first.path, tmp_path)
    said = baton("board", "--watch").out
    assert "\x1b" not in said
    assert said == baton("board").out
    assert said.startswith("Ready (")
    record = baton.json("board")
    assert record["columns"]["running"] == ["add-login", "draw-logo"]
    assert record["columns"]["review"] == ["export-orders"]


def test_the_watched_board_follows_and_leaves_the_terminal_as_it_was(team: Team, tmp_path: Path) -> None:
    with open_terminal(team, tmp_path, "board", "--watch", "--every", "1", columns=120, rows=24) as terminal:
        terminal.until(lambda s: "fetched" in s.text and "Running (2)" in s.text)
        assert OTHER_SCREEN in terminal.screen.modes, "it draws on the other screen"
        assert CURSOR not in terminal.screen.modes
        assert terminal.settings != terminal.before, "keys arrive one by one"
        compare("board-watch-120", level(terminal.screen.text))
        terminal.resize(60, 40)
        terminal.until(lambda s: "Running (2)\n  add-login" in s.text)
        assert not terminal.screen.broken, "every line fits"
        elsewhere = Baton(team.join("Bob").repo.top, tmp_path / "bob")
        elsewhere("claim", "write-guide")
        terminal.until(lambda s: "Running (3)" in s.text)
        team.first.write({"tasks/local-idea.yaml": "title: Local idea\n"})
        terminal.until(lambda s: "local-idea" in s.text)
        terminal.press("q")
        assert terminal.wait() == 0
        assert OTHER_SCREEN not in terminal.screen.modes
        assert CURSOR in terminal.screen.modes, "the cursor is back"
        assert terminal.settings == terminal.before
    (team.first.path / "tasks/local-idea.yaml").unlink()


@pytest.mark.parametrize("how", ["ctrl-c", "terminated"])
def test_however_watching_ends_the_terminal_is_whole(team: Team, tmp_path: Path, how: str) -> None:
    with open_terminal(team, tmp_path, "board", "--watch", "--every", "0") as terminal:
        terminal.until(lambda s: "q ends" in s.text)
        assert terminal.screen.modes == {OTHER_SCREEN}
        if how == "ctrl-c":
            terminal.press(CTRL_C)
        else:
            terminal.signal(signal.SIGTERM)
        assert terminal.wait() == 0
        assert (terminal.screen.modes, terminal.settings) == ({CURSOR}, terminal.before)
