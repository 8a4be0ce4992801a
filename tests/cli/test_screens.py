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
from support.pseudo_terminal import PseudoTerminal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from support.team import Team

SCREENS = Path(__file__).parent / "screens"


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """Nothing in this module changes it but what comes last."""
    return make_busy(tmp_path_factory.mktemp("busy"))


def open_terminal(team: Team, home: Path, *words: str, columns: int = 80, lines: int = 60, env: Mapping[str, str] = {}) -> PseudoTerminal:  # fmt: skip
    around = {**Baton(team.first.path, home).environment(), "PYTHONPATH": SOURCE, "LC_ALL": "C.UTF-8", **env}
    command = [sys.executable, "-m", "gitbaton", *words]
    return PseudoTerminal(command, team.first.path, around, columns=columns, lines=lines)


def level(text: str) -> str:
    """``text`` without what differs from run to run: run ids, times of the day."""
    text = re.sub(r"\b(?=[0-9a-z]*\d)[0-9a-f]{8}\b", "COMMITID", text)
    return re.sub(r"\b20(?!24)\d\d-\d\d-\d\d \d\d:\d\d", "YYYY-MM-DD HH:MM", text)


def compare(name: str, text: str) -> None:
    file = SCREENS / f"{name}.txt"
    if os.environ.get("SCREENS") == "write":
        SCREENS.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{name} looks different; see SCREENS=write in this file"


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize(
    "words",
    [("status",), ("board",), ("graph",), ("graph", "add-login", "--open"), ("log", "import-orders"), ("explain", "mail-on-reset")],
    ids=" ".join,
)  # fmt: skip
def test_a_screen(team: Team, tmp_path: Path, words: tuple[str, ...], columns: int) -> None:
    with open_terminal(
        team, tmp_path, *words, columns=columns, lines=24 if words == ("status",) else 60
    ) as terminal:
        assert terminal.wait_end() == 0
        said = level(terminal.text)
    assert all(len(line) <= columns for line in said.splitlines())
    if words == ("status",):
        assert len(said.splitlines()) < 24, "with the next prompt it fits on the screen"
        assert "\x1b[" in terminal.written, "a terminal gets colours"
    compare(f"{'-'.join(words).replace('--', '')}-{columns}", said)


def test_a_terminal_that_knows_only_ascii_gets_that(team: Team, tmp_path: Path) -> None:
    for words in (("graph",), ("explain", "mail-on-reset")):
        more = {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
        with open_terminal(team, tmp_path, *words, columns=300, env=more) as terminal:
            assert terminal.wait_end() == 0
            assert terminal.text.isascii(), terminal.text
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
    with open_terminal(team, tmp_path, "board", "--watch", "--every", "1", columns=120, lines=24) as terminal:
        terminal.wait_for(lambda t: "fetched" in t.text and "Running (2)" in t.text)
        assert {"1049"} <= terminal.modes, "it draws on the other screen"
        assert "25" not in terminal.modes
        assert terminal.settings != terminal.before, "keys arrive one by one"
        compare("board-watch-120", level(terminal.text))
        terminal.resize(60, 40)
        terminal.signal(signal.SIGWINCH)
        terminal.wait_for(lambda t: "Running (2)\n  add-login" in t.text)
        assert all(len(line) <= 60 for line in terminal.text.splitlines())
        elsewhere = Baton(team.join("Bob").repo.top, tmp_path / "bob")
        elsewhere("claim", "write-guide")
        terminal.wait_for(lambda t: "Running (3)" in t.text)
        team.first.write({"tasks/local-idea.yaml": "title: Local idea\n"})
        terminal.wait_for(lambda t: "local-idea" in t.text)
        terminal.press("q")
        assert terminal.wait_end() == 0
        assert "1049" not in terminal.modes
        assert "25" in terminal.modes, "the cursor is back"
        assert terminal.settings == terminal.before
    (team.first.path / "tasks/local-idea.yaml").unlink()


@pytest.mark.parametrize("how", ["ctrl-c", "terminated"])
def test_however_watching_ends_the_terminal_is_whole(team: Team, tmp_path: Path, how: str) -> None:
    with open_terminal(team, tmp_path, "board", "--watch", "--every", "0") as terminal:
        terminal.wait_for(lambda t: "q ends" in t.text)
        if how == "ctrl-c":
            terminal.press("\x03")
        else:
            terminal.signal(signal.SIGTERM)
        assert terminal.wait_end() == 0
        assert (terminal.modes, terminal.settings) == ({"25"}, terminal.before)
