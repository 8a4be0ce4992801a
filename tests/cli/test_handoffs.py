"""``baton handoff`` and ``baton context`` as they are typed, with the slips of fingers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\ndepends_on: [a]\n"}
    )


@pytest.fixture
def run(repo: Checkout, tmp_path: Path) -> Baton:
    return Baton(repo.path, tmp_path / "home")


def test_a_handoff_is_saved_shown_and_listed(repo: Checkout, run: Baton) -> None:
    run("start", "a")
    saved = run.json(
        "handoff", "save", "last", "--summary", "Half.", "--decision", "no cookies", "--blocker", "no key", "--question", "Why?",
        "--tests", "fail", "--note", "one", "--note", "two", "--percent", "40",
    )  # fmt: skip
    assert (saved["kind"], saved["task"], saved["attempt"], saved["incomplete"]) == ("handoff", "a", 1, True)
    assert repo.git("log", "-1", "--format=%s") == "Save context of a"
    shown = run.json("handoff", "show", "a/1")
    assert (shown["kind"], shown["path"], shown["task"]) == ("handoff", saved["path"], "a")
    said = shown["handoff"]
    assert said["data"] == {"notes": ["one\n\ntwo"], "percent": 40}
    assert (said["tests_passing"], said["next_action"], said["incomplete"]) == (False, "needs_input", True)
    text = run("handoff", "show", saved["path"]).out
    for part in (
        "a/1: on the way (incomplete)",
        "Decided\n  - no cookies",
        "In the way\n  - no key",
        "tests fail",
        "Noted\n  - one\n",
    ):
        assert part in text
    run("handoff", "save", "b", "--file", "-", stdin='{"summary": "From elsewhere.", "remaining": ["all"]}')
    run("handoff", "save", "--next-step", "read the docs")
    listed = run.json("handoff", "list", "--limit", "2")
    assert (listed["kind"], listed["task"], listed["more"], listed["broken"]) == ("handoffs", None, True, [])
    assert [h.get("task") for h in listed["handoffs"]] == [None, "b"]
    assert "b  handoff" in run("handoff", "list", "b").out
    assert "these are the newest 1; more with: --limit 5" in run("handoff", "list", "--limit", "1").out


def test_context_tells_where_things_stand(run: Baton) -> None:
    run("handoff", "save", "a", "--decision", "no cookies")
    told = run.json("context")
    assert (told["kind"], told["budget"], told["totals"]) == ("standing", 1500, {"ready": 1, "waiting": 1})
    assert [(h["task"], h["decisions"]) for h in told["handoffs"]] == [("a", [{"decision": "no cookies"}])]
    assert told["text"] + "\n" == run("context").out
    one = run.json("context", "show", "b", "--budget", "400")
    assert (one["kind"], one["budget"], one["task"]["id"]) == ("standing", 400, "b")
    assert one["dependencies"] == [{"task": "a", "handoff": told["handoffs"][0]["path"]}]
    assert run("context", "last").out.startswith("# b: B\n\nIt is **waiting**: ")
    assert run.json("context", "get", "a")["handoffs"][0]["path"] == told["handoffs"][0]["path"]


@pytest.mark.parametrize(
    ("words", "exit_code", "code", "hint"),
    [
        (["handoff"], 2, "usage", "baton handoff --help"),
        (["handoff", "shwo", "a"], 2, "bad-value", "did you mean show?"),
        (["handoff", "save", "a"], 2, "empty-context", "give a summary"),
        (["handoff", "save", "", "--note", "x"], 2, "no-task", "leave it out"),
        (["handoff", "save", "nope", "--note", "x"], 1, "unknown-id", "see the ids with: baton list"),
        (["handoff", "save", "a", "--file", "nowhere.yaml"], 2, "no-file", "give the path of a YAML or JSON file"),
        (["handoff", "list", "--limit", "0"], 2, "bad-value", "baton handoff --help"),
        (["handoff", "save", "a", "--file", "-", "--summary", "x"], 2, "usage", "baton handoff save TASK --file FILE"),
        (["handoff", "save", "a", "--file", "-"], 1, "invalid-document", "nothing was saved; correct standard input"),
        (["handoff", "save", "a", "--limit", "3", "--note", "x"], 2, "usage", "baton handoff --help"),
        (["handoff", "show", "a", "--summary", "x"], 2, "usage", "baton handoff save TASK --summary TEXT"),
        (["handoff", "show"], 2, "no-task", "give its id"),
        (["handoff", "show", "a"], 1, "no-handoff", "leave something with: baton handoff save a"),
        (["context", "sav", "a"], 2, "bad-value", "did you mean save?"),
        (["context", "--budget", "9"], 2, "bad-value", "baton context --budget 1500"),
        (["context", "get", "--budget", "900"], 2, "usage", "baton context --help"),
        (["context", "--note", "x"], 2, "usage", "baton context save TASK --summary TEXT"),
        (["context", "nope"], 1, "unknown-id", "see the ids with: baton list"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_met_with_the_right_one(
    repo: Checkout, run: Baton, words: list[str], exit_code: int, code: str, hint: str
) -> None:
    before = repo.head()
    said = run(*words, "--json", code=exit_code).error
    assert said["code"] == code
    assert said["hint"].startswith(hint)
    assert (repo.head(), repo.status()) == (before, "")


def test_a_text_about_another_task_is_not_taken_for_this_one(run: Baton, tmp_path: Path) -> None:
    file = tmp_path / "h.yaml"
    file.write_text("task: b\nsummary: About b.\n")
    said = run("handoff", "save", "a", "--file", str(file), "--json", code=2).error
    assert said["hint"] == f"baton handoff save b --file {file}"
    assert run.json("handoff", "save", "--file", str(file))["task"] == "b"
