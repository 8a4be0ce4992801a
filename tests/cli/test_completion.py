"""Completion, by the very keys that a person presses, in the shells that are installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gitbaton.cli import COMMANDS
from gitbaton.cli.completion import complete as complete_words
from gitbaton.cli.completion import split_line
from gitbaton.cli.completion_spec import build_spec
from gitbaton.domain.board import LiveRow, TaskRow
from gitbaton.store import layout, names
from support.cli import SOURCE, Baton
from support.repos import Checkout, make_repository
from support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "tasks/config.yaml": "base: main\nagent: fast\nagents:\n  # one\n  fast: {adapter: claude}\n  slow:\n    adapter: claude\n",
    "tasks/add-health.yaml": "title: Add a health endpoint\nlabels: [api]\n",
    "tasks/deep/add-login.yaml": "title: Add a login\n",
    "tasks/was-done.yaml": "title: Was done\nstatus: done\n",
    "tasks/plans/autumn.yaml": "title: Autumn\n",
}


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES)


@pytest.fixture
def baton(repo: Checkout, tmp_path: Path) -> Baton:
    programs = tmp_path / "programs"
    programs.mkdir()
    script = programs / "baton"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{SOURCE}" exec "{sys.executable}" -m gitbaton "$@"\n')
    script.chmod(0o755)
    found = Baton(repo.path, tmp_path / "home", {"TERM": "xterm", "LC_ALL": "C.UTF-8"})
    found.env["PATH"] = f"{programs}:{found.environment()['PATH']}"
    return found


def complete(baton: Baton, line: str) -> list[str]:
    return baton("__complete", "bash", line).out.splitlines()


OFFERED = [
    ("baton sho", ["show"]),
    ("baton --color always sho", ["show"]),
    ("git baton --no", ["--no-pager"]),
    ("baton show ", ["add-health", "add-login", "was-done"]),
    ("baton set ", ["add-health", "add-login"]),
    ("baton depend add-login --on add-h", ["add-health"]),
    ("baton set la", ["last"]),
    ("baton set add-health pri", ["priority="]),
    ("baton set add-health priority=h", ["high"]),
    ("baton set add-health 'labels+=a", ["api"]),
    ("baton set add-health depends_on+=add-l", ["add-login"]),
    ("baton add Title --prio", ["--priority"]),
    ("baton add 'A title' --priority cr", ["critical"]),
    ("baton add T --plan ", ["autumn"]),
    ("baton list --state=in_r", ["in_review"]),
    ("baton run --agent ", ["fast", "slow"]),
    ("baton add T -F ", [":files"]),
    ("baton config set layout ", ["flat", "plan", "shard"]),
    ("baton config get caps.r", ["caps.running"]),
    ("baton accept ", ["add-health", "add-login", "was-done"]),
    ("baton no-such ", []),
]


def test_what_fits_is_offered(baton: Baton, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    baton("next")  # which leaves the index
    monkeypatch.chdir(baton.folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for line, found in OFFERED:
        assert [word for word, _ in complete_words(split_line(line))] == [
            line.rpartition(" ")[2].strip("'").rpartition("=")[0] + "=" + word if "=" in line else word
            for word in found
        ], line


def test_without_index_and_outside_of_a_repository(baton: Baton, tmp_path: Path) -> None:
    assert complete(baton, "baton claim ") == ["add-health", "add-login", "was-done"]
    baton.folder = tmp_path
    assert complete(baton, "baton show ") == []
    assert complete(baton, "baton sh") == ["show"]


def test_a_tab_loads_neither_parsers_nor_models(baton: Baton) -> None:
    baton("next")
    complete(baton, "baton set add-h")
    code = (
        "import sys; from gitbaton.cli import main; main(['__complete', 'bash', 'baton set add-h']);"
        "print([m for m in ('argparse', 'typing', 'yaml', 'pydantic', 'subprocess', 'pathlib') if m in sys.modules])"
    )
    env = {**baton.environment(), "PYTHONPATH": SOURCE}
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=baton.folder, env=env, capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.splitlines() == ["add-health", "[]"]


def test_every_command_has_its_words_and_the_index_its_columns() -> None:
    assert set(build_spec()) == set(COMMANDS)
    assert (TaskRow._fields[names.TITLE], TaskRow._fields[names.LABELS]) == ("title", "labels")
    assert LiveRow._fields[names.STATUS] == "status"
    assert {*names.APART} == {*layout.RESERVED, layout.ARCHIVE.removeprefix("tasks/")}
    assert names.TASKS == layout.TASKS


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("baton ", ["baton", ""]),
        ("baton add 'a b' c", ["baton", "add", "a b", "c"]),
        ("baton add \"a'b", ["baton", "add", "a'b"]),
        ("", [""]),
    ],
)
def test_lines_are_cut_as_the_shell_cuts_them(line: str, words: list[str]) -> None:
    assert split_line(line) == words


def test_tab_in_bash(baton: Baton) -> None:
    with Terminal(
        ["bash", "--norc", "--noprofile", "-i"], baton.folder, baton.environment(), lenient=True
    ) as shell:
        shell.press(
            'PS1="> "; bind "set enable-bracketed-paste off"; eval "$(baton completion bash)"; echo rea""dy\n'
        )
        shell.wait_for("ready")
        shell.press("baton se\t add-h\t prio\thi\t\n")
        shell.wait_for("set priority=high of add-health")
        shell.press("cat tasks/add-h\tREADY=1; baton add Next -F tasks/d\tadd-lo\t\n")
        shell.wait_for("added next")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_tab_in_zsh(baton: Baton) -> None:
    env = {**baton.environment(), "ZDOTDIR": str(baton.folder)}
    with Terminal(["zsh", "-f", "-i"], baton.folder, env, lenient=True) as shell:
        shell.press(
            'PS1="> "; autoload -U compinit; compinit -u -D; eval "$(baton completion zsh)"; echo rea""dy\n'
        )
        shell.wait_for("ready")
        shell.press("baton se\t")
        shell.wait_for("baton set ")
        shell.press("add-h\tprio\thi\t\n")
        shell.wait_for("set priority=high of add-health")


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_tab_in_fish(baton: Baton) -> None:
    asked = "baton completion fish | source; complete -C 'baton sho'; complete -C 'baton set add-h'; complete -C 'baton set add-health priority=h'"
    done = subprocess.run(["fish", "--no-config", "-c", asked], cwd=baton.folder, env=baton.environment(), capture_output=True, text=True, check=True, timeout=60)  # fmt: skip
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        "show",
        "add-health",
        "priority=high",
    ]
