"""What a command that only looks must not load: by the names of modules, never by milliseconds."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE, Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("pydantic", "yaml", "git", "mcp", "github", "jsonschema", "rich")
HANDOFF = "task: a\nagent: claude\nsummary: It stands\n"


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path,
        {
            "tasks/a.yaml": "# by hand\ntitle: A\nacceptance: [it works]\nrun: {attempts: 2}\n",
            "tasks/b.yaml": "title: B\ndepends_on: [a]\n",
            "tasks/broken.yaml": "title: [\n",
            "tasks/config.yaml": "retries: {attempts: 2}\n",
            "tasks/handoffs/a/20260101T000000000Z-r1.yaml": HANDOFF,
        },
        remote=True,
    )


def loaded(work: Checkout, run: Baton, *words: str) -> list[str]:
    """The heavy modules that a fresh process has loaded once it has answered."""
    code = f"import sys, atexit; atexit.register(lambda: print('LOADED', [m for m in {HEAVY!r} if m in sys.modules])); from gitbaton.cli import main; sys.exit(main({list(words)!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=work.path, env={**run.environment(), "PYTHONPATH": SOURCE},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 3), done.stderr
    found: list[str] = eval(done.stdout.splitlines()[-1].removeprefix("LOADED "))
    return found


@pytest.mark.parametrize(
    "words",
    [("next",), ("next", "--json"), ("list",), ("list", "--json"), ("show", "a"), ("show", "a", "--json")],
)
def test_a_second_look_loads_no_models_and_no_reader(
    work: Checkout, tmp_path: Path, words: tuple[str, ...]
) -> None:
    run = Baton(work.path, tmp_path / "home")
    run("claim", "a")
    run("stop", "a")
    first = run(*words)
    assert run(*words) == first
    assert loaded(work, run, *words) == []
    plain = Baton(work.path, tmp_path / "home", {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "baton.cache", "GIT_CONFIG_VALUE_0": "false"})  # fmt: skip
    assert plain(*words) == first, "the cache changes nothing but the time"
    assert "pydantic" in loaded(work, plain, *words), "without the cache everything is read anew"


def test_files_of_our_own_form_need_no_reader_even_at_first(work: Checkout, tmp_path: Path) -> None:
    run = Baton(work.path, tmp_path / "home")
    run("list")
    run("add", "Something new")
    assert loaded(work, run, "list") == []
