"""Setting up a repository: what is written, what is left alone."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE, Baton
from support.hermetic_git import git
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

FILES = [
    ".gitattributes", "tasks/config.yaml", "tasks/schemas/config.schema.json", "tasks/schemas/handoff.schema.json",
    "tasks/schemas/plan.schema.json", "tasks/schemas/role.schema.json", "tasks/schemas/task.schema.json",
    "tasks/schemas/workflow.schema.json",
]  # fmt: skip
DRIVER = "merge-file %O %A %B %P"


def read_driver(where: Checkout) -> str:
    """The merge driver's program; where no ``baton`` is found by git, the one that runs now."""
    program, _, arguments = where.git("config", "merge.baton.driver").partition(f" {DRIVER}")
    assert arguments == ""
    return program


def make_program(folder: Path, script: str) -> Path:
    """A program called ``baton``, in a folder of its own."""
    program = folder / "bin" / "baton"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_one_commit_with_its_own_files(checkout: Checkout, baton: Baton) -> None:
    before = checkout.head()
    done = baton.json("init", "--yes")
    assert sorted(done["creates"]) == FILES
    assert checkout.git("diff", "--name-only", before, "HEAD").splitlines() == FILES
    assert checkout.git("rev-list", "--count", f"{before}..HEAD") == "1"
    assert checkout.read(".gitattributes") == "tasks/**/*.yaml merge=baton\n"
    assert read_driver(checkout) in ("baton", f"{shlex.quote(sys.executable)} -P -m gitbaton")
    assert checkout.status() == ""
    assert baton("validate").out == "every file is valid\n"


def test_again_changes_nothing(checkout: Checkout, baton: Baton) -> None:
    baton("init", "--yes")
    before = checkout.head()
    again = baton.json("init", "--yes")
    assert (again["commit"], again["creates"], again["updates"], again["settings"]) == (None, [], [], {})
    assert checkout.head() == before
    assert baton("init", "--yes").out == "gitbaton is set up here already\n"


def test_a_clone_gets_only_its_settings(tmp_path: Path) -> None:
    first = make_repository(tmp_path, {"README.md": "x\n"}, remote=True)
    Baton(first.path, tmp_path / "home")("init", "--yes")
    first.git("push", "--quiet", "origin", "main")
    second = first.clone("second")
    done = Baton(second.path, tmp_path / "home").json("init", "--yes")
    assert (done["commit"], done["creates"], done["updates"]) == (None, [], [])
    assert read_driver(second)


def test_the_merge_driver_is_a_program_that_git_finds(checkout: Checkout, tmp_path: Path) -> None:
    program = make_program(tmp_path, "exit 0")
    found = Baton(checkout.path, tmp_path / "home", {"PATH": f"{program.parent}:{os.environ['PATH']}"})
    assert found.json("init", "--yes")["settings"]
    assert read_driver(checkout) == "baton"
    program.unlink()
    missing = Baton(checkout.path, tmp_path / "home", {"PATH": "/usr/bin:/bin"})
    codes = [f["code"] for f in missing.json("doctor", code=1)["findings"]]
    assert [code for code in codes if "merge" in code] == ["merge-driver-not-found"]
    missing("init", "--yes")
    assert read_driver(checkout) == f"{shlex.quote(sys.executable)} -P -m gitbaton"
    assert missing.json("init", "--yes")["settings"] == {}
    assert "merge" not in str(missing.json("doctor")["findings"])
    checkout.git("config", "merge.baton.driver", f"mine {DRIVER}")
    assert missing.json("init", "--yes")["settings"], "there is no such program"


def test_a_persons_files_stay(checkout: Checkout, baton: Baton) -> None:
    checkout.commit({".gitattributes": "*.png binary", "tasks/config.yaml": "base: main # mine\n"})
    checkout.write({"README.md": "changed\n", "staged.txt": "s\n", "loose.txt": "l\n"})
    checkout.git("add", "staged.txt")
    before = checkout.status()
    done = baton.json("init", "--yes")
    assert (done["keeps"], done["updates"]) == (["tasks/config.yaml"], [".gitattributes"])
    assert checkout.read(".gitattributes") == "*.png binary\ntasks/**/*.yaml merge=baton\n"
    assert checkout.read("tasks/config.yaml") == "base: main # mine\n"
    assert checkout.status() == before


def test_line_endings_of_a_persons_file(checkout: Checkout, baton: Baton) -> None:
    checkout.commit({".gitattributes": b"*.png binary\r\n"})
    baton("init", "--yes")
    assert (
        checkout.path / ".gitattributes"
    ).read_bytes() == b"*.png binary\r\ntasks/**/*.yaml merge=baton\r\n"


def test_before_the_first_commit(tmp_path: Path) -> None:
    empty = make_repository(tmp_path)
    baton = Baton(empty.path, tmp_path / "home")
    baton("init", "--yes")
    assert empty.git("ls-tree", "-r", "--name-only", "HEAD").splitlines() == FILES
    assert "base: main" in empty.read("tasks/config.yaml")
    baton("add", "First")
    assert baton.json("next")["task"]["id"] == "first"


def test_in_a_clone_of_an_empty_remote(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    git(tmp_path, "clone", "--quiet", "empty.git", "clone")
    clone = Checkout(tmp_path / "clone")
    baton = Baton(clone.path, tmp_path / "home")
    baton("init", "--yes")
    baton("add", "First")
    assert "push" in baton.json("next", code=3)["reason"]
    clone.git("push", "--quiet", "--set-upstream", "origin", "HEAD")
    assert baton.json("next")["task"]["id"] == "first"


def test_it_says_what_it_will_write(checkout: Checkout, baton: Baton) -> None:
    out = baton("init", "--yes").out
    assert out.startswith("writes:\n  tasks/config.yaml\n")
    assert "merge.baton.driver = " in out
    assert DRIVER in out
    assert f"committed as {checkout.head()[:10]}" in out


def test_without_an_identity_nothing_is_written(checkout: Checkout, baton: Baton) -> None:
    baton.env |= {
        "GIT_AUTHOR_NAME": "",
        "GIT_COMMITTER_NAME": "",
        "GIT_AUTHOR_EMAIL": "",
        "GIT_COMMITTER_EMAIL": "",
    }
    before = (checkout.head(), checkout.status())
    said = baton("init", "--yes", "--json", code=1).error
    assert said["code"] == "no-identity"
    assert said["hint"].startswith("git config --global user.name")
    assert (checkout.head(), checkout.status()) == before


def test_the_merge_driver_works_in_a_real_merge(checkout: Checkout, baton: Baton) -> None:
    """The driver that init sets up is found on PATH by git; here it is this very source."""
    driver = make_program(checkout.path.parent, f'PYTHONPATH={SOURCE} exec {sys.executable} -m gitbaton "$@"')
    baton.env["PATH"] = f"{driver.parent}{os.pathsep}{os.environ['PATH']}"
    baton("init", "--yes")
    env = {**checkout.env, "PATH": baton.env["PATH"]}
    checkout.commit({"tasks/a.yaml": "title: A\npriority: low\nlabels: [x]\n"})
    checkout.git("switch", "--quiet", "-c", "side")
    checkout.commit({"tasks/a.yaml": "title: A\npriority: high\nlabels: [x, mine]\n"})
    checkout.git("switch", "--quiet", "main")
    checkout.commit({"tasks/a.yaml": "title: A thing\npriority: low\nlabels: [x, yours] # ours\n"})
    git(checkout.path, "merge", "--quiet", "--no-edit", "side", env=env)
    assert (
        checkout.read("tasks/a.yaml") == "title: A thing\npriority: high\nlabels: [x, yours, mine] # ours\n"
    )


@pytest.mark.parametrize("name", ["tasks/config.yaml", ".gitattributes"])
def test_a_link_in_the_way(checkout: Checkout, baton: Baton, name: str) -> None:
    (checkout.path / "tasks").mkdir()
    (checkout.path / name).symlink_to("/etc/hostname")
    said = baton("init", "--yes", "--json", code=1).error
    assert (said["code"], said["message"]) == ("not-a-file", f"{name} is not a plain file")
    assert checkout.git("log", "--format=%s") == "Start"
