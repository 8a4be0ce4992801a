"""The words of the command line, kept as files: the overview, the help of every command, what it typically says.

``python scripts/write_golden.py`` writes ``golden/`` anew; look at the difference before you commit it.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.cli import COMMANDS, GLOBAL_FLAGS
from gitbaton.cli.helptext import render_overview

if TYPE_CHECKING:
    from support.cli import Baton

TOP = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent / "golden"
#: One screen, for most.
SCREEN = 50


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    script: dict[str, Any] = runpy.run_path(str(TOP / "scripts" / "write_golden.py"))
    texts: dict[str, str] = script["render_help"]()
    return texts


@pytest.mark.parametrize("name", ["baton", "baton--all", *COMMANDS])
def test_help_is_as_it_was_agreed(written: dict[str, str], name: str) -> None:
    file = GOLDEN / f"{name}.txt"
    assert file.exists(), f"{name} is new: python scripts/write_golden.py"
    assert written[f"{name}.txt"] == file.read_text("utf-8"), (
        "if that is meant: python scripts/write_golden.py"
    )


def test_nothing_is_kept_of_commands_that_are_gone(written: dict[str, str]) -> None:
    assert {p.name for p in GOLDEN.glob("*.txt")} == set(written)


def test_what_is_kept_is_what_is_printed(baton: Baton) -> None:
    for words, name in (
        (["--help"], "baton"),
        (["help", "--all"], "baton--all"),
        (["set", "--help"], "set"),
        (["help", "add"], "add"),
    ):
        assert baton(*words).out == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_the_overview_fits_a_screen_and_narrow_ones(written: dict[str, str]) -> None:
    assert len(written["baton.txt"].splitlines()) <= SCREEN
    assert max(len(line) for line in written["baton--all.txt"].splitlines()) <= 100
    assert all(f"\n  {name} " in written["baton--all.txt"] for name in COMMANDS)
    narrow = render_overview(COMMANDS, width=40).splitlines()
    assert max(map(len, narrow)) <= 40
    assert all(flag in written["baton.txt"] for flag in GLOBAL_FLAGS)


def test_every_command_is_shown_at_work() -> None:
    """In the golden pages or in the docs, whose commands run, and whose outputs are compared (tests/test_docs.py)."""
    pages = [*GOLDEN.glob("*.md"), *(TOP / "docs").rglob("*.md"), TOP / "README.md"]
    ran = set()
    for page in pages:
        for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            ran |= set(re.findall(r"^\$ (?:.*?\b)?(?:git )?baton (?:--\S+ )*([a-z-]+)", block, re.MULTILINE))
        ran |= set(re.findall(r"<!-- prints: baton ([a-z-]+)", page.read_text("utf-8")))
    assert set(COMMANDS) - ran == set(), "show what it does: docs/how-to/, or tests/cli/golden/answers.md"


def test_the_page_on_answers_for_programs_names_every_command() -> None:
    table = (TOP / "docs/reference/json.md").read_text("utf-8").partition("## Kinds")[2]
    named = set(re.findall(r"`([a-z-]+)`", table))
    assert set(COMMANDS) - named - {"mcp", "merge-file"} == set(), (
        "docs/reference/json.md, the table of kinds"
    )
