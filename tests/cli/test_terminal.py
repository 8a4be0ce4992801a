"""What a person sees at a terminal: pages, colours, narrow windows, plain letters where no others can be shown."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE, Baton
from support.repos import Checkout, make_repository
from support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TASKS = {
    f"tasks/number-{n:02}.yaml": f"title: The task with the number {n:02} → much is said about it\n"
    for n in range(40)
}
FEW = {"tasks/needs-it.yaml": "title: Short\ndepends_on: [number-01]\n"}


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {**TASKS, **FEW})


@pytest.fixture
def look(repo: Checkout, tmp_path: Path) -> Callable[..., Terminal]:
    """Run a command at a terminal to its end."""

    def run(*words: str, rows: int = 24, columns: int = 80, keys: str = "", **env: str) -> Terminal:
        baton = Baton(repo.path, tmp_path / "home", {"TERM": "xterm", "LC_ALL": "C.UTF-8", **env})
        whole = {**baton.environment(), "PYTHONPATH": SOURCE}
        command = [sys.executable, "-m", "gitbaton", *words]
        pages = bool(keys)  # then it is less that writes
        with Terminal(command, repo.path, whole, columns=columns, rows=rows, lenient=pages) as shown:
            if keys:
                shown.wait_for("number-10")
                shown.press(keys)
            assert shown.wait() == 0
        return shown

    return run


def test_long_answers_are_paged_where_somebody_looks(
    repo: Checkout, look: Callable[..., Terminal], tmp_path: Path
) -> None:
    paged = "sed s/^/page:/"
    assert look("list", PAGER=paged).plain.startswith("page:number-01")
    assert "page:" not in look("--no-pager", "list", PAGER=paged).plain
    assert "page:" not in look("list", PAGER=paged, rows=100).plain
    assert "page:" not in look("list", "--json", PAGER=paged).plain
    assert "page:" not in look("list", PAGER="no-such-pager-program").plain.replace("no-such-pager", "")
    assert "number-39" in look("list", PAGER="no-such-pager-program").plain, (
        "a pager that isn't there costs no answer"
    )
    repo.git("config", "baton.pager", "sed s/^/mine:/")
    assert look("list", PAGER=paged).plain.startswith("mine:number-01")
    assert "mine:" not in Baton(repo.path, tmp_path / "home")("list").out
    repo.git("config", "baton.pager", "less")
    assert "number-39" not in look("list", keys="q").plain


def test_colours(repo: Checkout, look: Callable[..., Terminal], tmp_path: Path) -> None:
    assert "\x1b[32mready" in look("list", rows=100).written
    assert "\x1b[" not in look("list", rows=100, NO_COLOR="1").written
    assert "\x1b[" not in look("--color=never", "list", rows=100).written
    assert "\x1b[32mready" in look("--color", "always", "list", rows=100, NO_COLOR="1").written
    assert "\x1b[" not in look("list", rows=100, TERM="dumb").written
    piped = Baton(repo.path, tmp_path / "home")
    assert "\x1b[" not in piped("list").out
    assert "\x1b[32mready" in piped("--color=always", "list").out
    assert "\x1b[" not in piped("--color=always", "list", "--json").out


def test_narrow_and_plain_terminals(look: Callable[..., Terminal]) -> None:
    for words in (["list"], ["--help"], ["show", "--help"]):
        shown = look("--no-pager", *words, columns=40)
        assert max(len(line) for line in shown.plain.splitlines()) <= 40, words
    wide = look("--no-pager", "list", columns=60).plain
    assert "number-01  ready    medium  The task with the number 01 → m…\n" in wide
    plain = look("--no-pager", "list", columns=60, LC_ALL="C").plain
    assert "number-01  ready    medium  The task with the number 01 ->...\n" in plain
    assert plain.isascii()
    assert look("--no-pager", "--help", LC_ALL="", LANG="C").plain.isascii()
