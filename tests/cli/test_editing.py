"""``baton edit``: editors are scripts here, as they are for everybody who sets ``$EDITOR`` to one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE, Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable

A = """\
# about A
title: A   # its title

status: todo

priority: medium
labels: [x]
"""


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {"tasks/a.yaml": A, "tasks/b.yaml": "title: B\n"}, remote=True)


@pytest.fixture
def edit(repo: Checkout, tmp_path: Path) -> Callable[..., Baton]:
    """The command line with an editor that runs these shell commands, the n-th time the n-th; ``$1`` is the file."""

    def make(*rounds: str) -> Baton:
        script = tmp_path / "editor.sh"
        count = tmp_path / "rounds"
        count.write_text("")
        cases = "".join(f"{n}) {commands} ;;\n" for n, commands in enumerate(rounds, 1))
        script.write_text(
            f'set -e\necho >> "{count}"\ncp "$1" "{tmp_path}/seen.$(wc -l < "{count}")"\n'
            f'case $(wc -l < "{count}") in\n{cases}esac\n'
        )
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        env = {"GIT_EDITOR": f"sh '{script}'", "TMPDIR": str(temporary)}
        return Baton(repo.path, tmp_path / "home", env)

    return make


def seen(tmp_path: Path, number: int) -> str:
    return (tmp_path / f"seen.{number}").read_text()


def left(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "temporary").rglob("*.yaml"))


def test_what_is_typed_is_committed_letter_by_letter(
    repo: Checkout, edit: Callable[..., Baton], tmp_path: Path
) -> None:
    baton = edit('sed -i -e "s/medium/high  # urgent/" -e "s/about/All about/" "$1"')
    said = baton.json("edit", "a")
    assert repo.read("tasks/a.yaml") == A.replace("medium", "high  # urgent").replace("about", "All about")
    assert (said["kind"], said["task"]) == ("edit", {"id": "a", "path": "tasks/a.yaml"})
    assert repo.git("log", "-1", "--format=%s") == "Edit a: priority"
    assert repo.git("status", "--porcelain") == ""
    assert seen(tmp_path, 1) == A
    assert left(tmp_path) == []


@pytest.mark.parametrize("commands", ["true", 'true > "$1"'])
def test_unchanged_or_empty_means_nothing(repo: Checkout, edit: Callable[..., Baton], commands: str) -> None:
    head = repo.git("rev-parse", "HEAD")
    assert edit(commands)("edit", "a").out == "nothing was changed\n"
    assert repo.git("rev-parse", "HEAD") == head


def test_a_text_with_problems_comes_back_with_them_at_its_top(
    repo: Checkout, edit: Callable[..., Baton], tmp_path: Path
) -> None:
    broken = 'sed -i -e s/medium/hihg/ "$1"; printf "depends_on: [c]\\n" >> "$1"'
    links = 'sed -i s/hihg/high/ "$1"'
    baton = edit(broken, links, 'sed -i "s/\\[c\\]/[b]/" "$1"')
    baton("edit", "a")
    assert repo.read("tasks/a.yaml") == A.replace("medium", "high") + "depends_on: [b]\n"
    again = seen(tmp_path, 2).splitlines()
    assert again[0].startswith("#baton: this can't be saved yet")
    told = again[1]
    assert "did you mean 'high'?" in told
    number = int(told.split("line ")[1].split(":")[0])
    assert again[number - 1] == "priority: hihg", "lines are counted as the editor shows them"
    assert "#baton: line 11: depends_on[0]: there is no task 'c'" in seen(tmp_path, 3)
    assert "hihg" not in seen(tmp_path, 3), "the text is kept from round to round, remarks are not"


def test_who_gives_up_keeps_the_text(repo: Checkout, edit: Callable[..., Baton]) -> None:
    baton = edit('sed -i s/medium/hihg/ "$1"', "true")
    said = baton("edit", "a", "--json", code=1).error
    assert (said["code"], said["message"]) == ("invalid-document", "tasks/a.yaml was not saved")
    kept = said["data"]["kept"]
    assert said["hint"] == f"your text is kept; go on with: baton edit a --from {kept}"
    assert repo.read("tasks/a.yaml") == A
    assert "hihg" in Path(kept).read_text()
    edit('sed -i s/hihg/high/ "$1"')("edit", "a", "--from", kept)
    assert repo.read("tasks/a.yaml") == A.replace("medium", "high")


def test_an_editor_that_fails_saves_nothing(
    repo: Checkout, edit: Callable[..., Baton], tmp_path: Path
) -> None:
    said = edit("exit 3")("edit", "a", code=1)
    assert "exit code 3" in said.err
    assert left(tmp_path) == []
    said = edit('echo "more: 1" >> "$1"; exit 3')("edit", "a", code=1)
    assert repo.read("tasks/a.yaml") == A
    assert [p.read_text() for p in left(tmp_path)] == [A + "more: 1\n"]
    assert str(left(tmp_path)[0]) in said.err


def test_somebody_elses_change_of_meanwhile_is_merged(
    repo: Checkout, edit: Callable[..., Baton], tmp_path: Path
) -> None:
    other = f'PYTHONPATH="{SOURCE}" "{sys.executable}" -m gitbaton set a'
    mine = 'sed -i s/medium/high/ "$1"'
    edit(f"{other} labels+=z; {mine}")("edit", "a")
    assert repo.read("tasks/a.yaml") == A.replace("medium", "high").replace("[x]", "[x, z]")
    choose = 'sed -i -e "/^<<</d" -e "/^===/,/^>>>/d" "$1"'
    edit(f'{other} priority=critical; sed -i s/high/low/ "$1"', choose)("edit", "a")
    assert "<<<<<<< ours\npriority: critical" in seen(tmp_path, 2)
    assert seen(tmp_path, 2).startswith("#baton: somebody changed priority meanwhile.")
    assert "priority: critical\n" in repo.read("tasks/a.yaml")
    assert repo.git("status", "--porcelain") == ""


def test_what_is_not_committed_stays_so(repo: Checkout, edit: Callable[..., Baton]) -> None:
    repo.write({"tasks/a.yaml": A.replace("[x]", "[x, mine]").replace("medium", "low")})
    edit('sed -i s/low/high/ "$1"')("edit", "a")
    assert repo.git("show", "HEAD:tasks/a.yaml") + "\n" == A.replace("medium", "high")
    assert repo.read("tasks/a.yaml") == A.replace("[x]", "[x, mine]").replace("medium", "high")


def test_a_broken_file_can_be_mended_and_base_be_edited(repo: Checkout, edit: Callable[..., Baton]) -> None:
    repo.commit({"tasks/c.yaml": "title: C\n<<<<<<< ours\n"}, push=True)
    edit('sed -i "/^<<</d" "$1"')("edit", "c", "--push")
    assert repo.read("tasks/c.yaml") == "title: C\n"
    repo.git("switch", "--quiet", "-c", "work")
    edit('sed -i "s/C/See/" "$1"')("edit", "c", "--base")
    assert repo.read("tasks/c.yaml") == "title: C\n"
    assert repo.git("show", "origin/main:tasks/c.yaml") == "title: See"
