"""The contract for scripts: shapes, exit codes and streams of ``--json``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.cli import Baton
from support.repos import Checkout, make_repository

ALWAYS = {"id", "title", "status", "state", "priority", "depends_on", "blocked_by", "path"}
BROKEN = {
    "conflict": (b"title: A\n<<<<<<< ours\nstatus: todo\n=======\nstatus: done\n>>>>>>> theirs\n", 2, ""),
    "duplicate": (b"title: A\nstatus: todo\ntitle: B\n", 3, "title"),
    "unknown": (b"title: A\nstatsu: todo\n", 2, "statsu"),
    "dangling": (b"title: A\ndepends_on:\n  - nowhere\n", 3, "depends_on[0]"),
    "alias": (b"title: &a A\ndescription: *a\n", 1, "title"),
    "flow": (b"title: A\nlabels: [one, two\n", 2, "labels"),
    "tab": (b"title: A\nprogress:\n\tpercent: 5\n", 3, ""),
    "encoding": (b"title: A\ndescription: caf\xe9\n", 2, ""),
    "empty": (b"", 1, ""),
}


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\ndepends_on: [a]\n"}
    )


@pytest.fixture
def run(repo: Checkout, tmp_path: Path) -> Baton:
    return Baton(repo.path, tmp_path / "home")


def test_a_task_always_has_its_eight_fields(run: Baton) -> None:
    answer = run.json("list")
    assert (answer["kind"], answer["version"], answer["broken"]) == ("list", 1, [])
    assert [t["id"] for t in answer["tasks"]] == ["a", "b"]
    for task in answer["tasks"]:
        assert task.keys() >= ALWAYS
    assert {k: answer["tasks"][1][k] for k in sorted(ALWAYS)} == {
        "blocked_by": ["a"], "depends_on": ["a"], "id": "b", "path": "tasks/b.yaml", "priority": "medium",
        "state": "waiting", "status": "todo", "title": "B",
    }  # fmt: skip


def test_finished_tasks_are_listed_too(run: Baton) -> None:
    run("set", "a", "status=done")
    run("set", "b", "status=cancelled")
    assert [(t["id"], t["state"]) for t in run.json("list")["tasks"]] == [("a", "done"), ("b", "cancelled")]
    assert "2 finished" in run("list").out


def test_next_and_claim(run: Baton) -> None:
    found = run.json("next")
    assert (found["kind"], found["version"], found["task"]["id"]) == ("next", 1, "a")
    assert isinstance(found["reason"], str)
    claimed = run.json("claim")
    assert (claimed["kind"], claimed["version"], claimed["task"]["id"], claimed["task"]["state"]) == ("claim", 1, "a", "in_progress")  # fmt: skip
    for command in ("next", "claim"):
        said = run(command, "--json", code=3)
        assert said.err == "", "nothing ready is no error"
        assert said.record["task"] is None
        assert said.record["reason"] == "no task is ready: 1 in progress, 1 waiting"


def test_errors_stand_on_stderr(run: Baton) -> None:
    said = run("show", "nope", "--json", code=1)
    assert said.out == ""
    assert said.error == {
        "kind": "error", "version": 1, "code": "unknown-id", "message": "there is no task 'nope'",
        "hint": "see the ids with: baton list", "problems": [], "data": {"id": "nope", "similar": []},
    }  # fmt: skip
    assert (
        run("show", "nope", code=1).err
        == "error: there is no task 'nope'\nhint: see the ids with: baton list\n"
    )


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["lst"], "did you mean: baton list?"),
        (["add"], "baton add --help"),
        (["list", "--al"], "did you mean --all?"),
        (["list", "--color", "always"], "put it before the command: baton --color list"),
        (["show"], "baton show ID (or: last)"),
        (["show", "a", "b"], "put text with blanks into quotes"),
        (["context", "gett"], "did you mean get?"),
        (["set-status", "a"], "did you mean: baton set a"),
        (["create", "A task"], "did you mean: baton add 'A task'?"),
        (["a"], "that is a task: baton show a"),
        (["show", "last"], "see the ids with: baton list"),
        (["--color=red", "list"], "one of: auto, always, never"),
        (
            ["set", "a", "priority"],
            'write FIELD=VALUE, for example: priority=high, "title=New title", labels+=api',
        ),
        (["set", "a", "prioirty=high"], "did you mean priority?"),
        (["priority", "a", "hihg"], "did you mean high?"),
        (["list", "--state", "redy"], "one of: draft, held, done"),
    ],
)
def test_a_wrong_call_is_met_with_the_right_one(run: Baton, words: list[str], hint: str) -> None:
    said = run(*words, "--json", code=2)
    assert said.error["hint"].startswith(hint)


def test_outside_a_repository(tmp_path: Path) -> None:
    alone = Baton(tmp_path, tmp_path / "home")
    assert alone("list", "--json", code=1).error["code"] == "no-repository"


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_and_stays_visible(repo: Checkout, run: Baton, name: str) -> None:
    text, line, field = BROKEN[name]
    repo.write({f"tasks/{name}.yaml": text})
    said = run("validate", "--json", code=1)
    answer = said.record
    assert (answer["kind"], answer["version"]) == ("validation", 1)
    mine = [p for p in answer["problems"] if p["path"] == f"tasks/{name}.yaml"]
    assert mine, answer
    assert set(mine[0]) == {"path", "line", "column", "field", "code", "message"}
    assert line in {p["line"] for p in mine}
    if field:
        assert field in {p["field"] for p in mine}
    assert all(p["line"] >= 1 and p["column"] >= 1 for p in mine)
    listed = run.json("list")
    seen = {b["path"] for b in listed["broken"]} | {t["path"] for t in listed["tasks"]}
    assert f"tasks/{name}.yaml" in seen
    assert f"tasks/{name}.yaml:{mine[0]['line']}:{mine[0]['column']}:" in run("validate", code=1).out
    assert name in run("list").out


def test_validate_says_so_when_all_is_well(run: Baton) -> None:
    assert run.json("validate") == {"kind": "validation", "version": 1, "problems": [], "notes": []}
    assert run("validate").out == "every file is valid\n"


def test_every_command_explains_itself_with_examples() -> None:
    """As it is kept: ``test_golden.py`` holds that it is what is printed."""
    from gitbaton.cli import COMMANDS

    for name in COMMANDS:
        said = (Path(__file__).parent / "golden" / f"{name}.txt").read_text("utf-8")
        assert said.startswith(f"usage: baton {name}")
        assert "--json" in said
        assert re.search(r"\nexamples:\n  (baton|git|claude|[A-Z]+=\S+ baton) ", said), name


def test_last_is_the_task_that_was_written_or_shown_last(repo: Checkout, run: Baton) -> None:
    run("show", "b")
    run("next")
    run("list")
    assert run.json("set", "last", "priority=high")["task"]["id"] == "b"
    assert run.json("add", "After it", "--needs", "last")["task"]["id"] == "after-it"
    assert run.json("show", "last")["task"]["depends_on"] == ["b"]
    repo.git("worktree", "add", "--quiet", "../other")
    other = Baton(repo.path.parent / "other", run.home)
    assert other("show", "last", "--json", code=2).error["code"] == "no-last"
    other("show", "a")
    assert run.json("show", "last")["task"]["id"] == "after-it", "each checkout has its own"
    assert run.json("complete", "last")["task"] == "after-it"
    repo.commit({"tasks/last.yaml": "title: Last\n"})
    assert run.json("show", "last")["task"]["title"] == "Last", "an id is meant before the word"


def test_the_start_loads_only_what_it_needs(run: Baton) -> None:
    """Names of modules, not milliseconds."""
    import subprocess
    import sys

    code = "import sys, gitbaton.cli; gitbaton.cli.main(['list']); print(sorted(m for m in ('mcp', 'github', 'jsonschema', 'git', 'rich') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=run.folder, env={**run.environment(), "PYTHONPATH": __import__("support.cli", fromlist=["SOURCE"]).SOURCE}, capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_numbers_that_are_text_stay_letter_by_letter(repo: Checkout, run: Baton) -> None:
    repo.commit({"tasks/v.yaml": "title: 1.10\nlabels: [1.0, yes, 012]\n"})
    task = run.json("show", "v")["task"]
    assert (task["title"], task["labels"]) == ("1.10", ["1.0", "yes", "012"])
    run("set", "v", "priority=high")
    assert repo.read("tasks/v.yaml") == "title: 1.10\npriority: high\nlabels: [1.0, yes, 012]\n"


def test_a_control_character_in_a_title_moves_no_cursor(repo: Checkout, run: Baton) -> None:
    repo.commit({"tasks/c.yaml": 'title: "Red \\e[31m alert"\n'})
    assert "\x1b" not in run("list").out
    assert json.loads(run("list", "--json").out)["tasks"][2]["title"] == "Red \x1b[31m alert"
