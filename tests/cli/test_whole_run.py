"""From a task file to a merged branch, through the command line, with a real program as the agent."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from support.repos import Checkout

AGENT = '''\
"""Writes hello.txt; listens to guidance in its briefing."""
import json, os, pathlib, sys

briefing = sys.stdin.read()
assert briefing == pathlib.Path(os.environ["BATON_BRIEFING"]).read_text()
greeting = "hello" if "Say hello" in briefing else "bye"
if "Add a name" in briefing:
    greeting += " world"
pathlib.Path("hello.txt").write_text(greeting + "\\n")
json.dump({"summary": f"Wrote {greeting}", "decisions": ["a file is enough"]}, open(os.environ["BATON_RESULT"], "w"))
'''
CONFIG = f"""\
base: main
agent: script
agents:
  script:
    adapter: command
    command: [{sys.executable}, tools/agent.py]
checks:
  - name: greets
    run: grep -q hello hello.txt
retries:
  attempts: 1
"""


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    """The checkout with an agent, a check and two tasks, all pushed."""
    checkout.commit(
        {
            "tools/agent.py": AGENT,
            "tasks/config.yaml": CONFIG,
            "tasks/greet.yaml": "title: Greet\nacceptance:\n  - it greets\n",
            "tasks/tell.yaml": "title: Tell the world\ndepends_on: [greet]\n",
        },
        "Plan",
        push=checkout.remote is not None,
    )
    return checkout


def states(baton: Baton) -> dict[str, str]:
    return {t["id"]: t["state"] for t in baton.json("list")["tasks"]}


def test_from_task_to_merge(ready: Checkout, baton: Baton) -> None:
    assert states(baton) == {"greet": "ready", "tell": "waiting"}
    assert baton.json("next")["task"]["id"] == "greet"

    failed = baton.json("run", code=4)
    assert (failed["outcome"], failed["attempt"], failed["review"]) == ("checks_failed", 1, None)
    assert states(baton) == {"greet": "failed", "tell": "waiting"}
    assert baton.json("next", code=3)["task"] is None

    assert baton.json("retry", "greet", "--guidance", "Say hello")["task"]["state"] == "ready"
    ran = baton.json("run")
    assert (ran["outcome"], ran["verified"], ran["message"]) == ("succeeded", True, "1 check passed")
    assert states(baton) == {"greet": "in_review", "tell": "waiting"}

    review = baton.json("review", "greet")
    assert [c["path"] for c in review["changes"] if not c["path"].startswith("tasks/")] == ["hello.txt"]
    assert review["handoff"]["summary"] == "Wrote hello"

    assert baton.json("reject", "greet", "--guidance", "Add a name")["task"]["state"] == "changes_requested"
    assert baton.json("next")["reason"].startswith("a reviewer asked for changes")
    again = baton.json("run")
    assert again["attempt"] == 3
    head = again["head"]

    accepted = baton.json("accept", "greet")
    assert (accepted["task"]["state"], accepted["ready"]) == ("done", ["tell"])
    assert states(baton) == {"greet": "done", "tell": "ready"}
    assert ready.read("hello.txt") == "hello world\n", "the checked-out base went along"
    assert ready.status() == ""
    assert "status: done" in ready.read("tasks/greet.yaml")
    server = ready.remote or ready.path
    where = ready.git(
        "ls-remote", str(server), "refs/heads/main", "refs/baton/attempts/*", "refs/heads/baton/*"
    )
    refs = {ref: oid for oid, ref in (line.split("\t") for line in where.splitlines())}
    assert refs["refs/heads/main"] == accepted["merge"]
    assert refs["refs/baton/attempts/greet/3"] == refs["refs/heads/baton/greet"] == head
    assert {f"refs/baton/attempts/greet/{n}" for n in (1, 2, 3)} <= refs.keys()


def test_the_whole_story_stands_in_git(ready: Checkout, baton: Baton) -> None:
    baton("run", "greet", code=4)
    baton("retry", "greet", "--guidance", "Say hello")
    baton("run", "greet")
    baton("accept", "greet")
    server = ready.remote or ready.path
    ready.git("fetch", "--quiet", str(server), "refs/baton/tasks/greet:refs/story")
    subjects = ready.git("log", "--format=%s", "--reverse", "refs/story").splitlines()
    assert subjects == [
        "greet: claimed (attempt 1)",
        "greet: failed (attempt 1)",
        "greet: retried (attempt 1)",
        "greet: claimed (attempt 2)",
        "greet: published (attempt 2)",
        "greet: merged (attempt 2)",
    ]


def test_nothing_of_the_person_is_touched(ready: Checkout, baton: Baton) -> None:
    ready.write({"mine.txt": "mine\n", "README.md": "# Trial, my words\n", "staged.txt": "staged\n"})
    ready.git("add", "staged.txt")
    before = ready.status()
    baton("retry", "greet", code=1)
    baton("run", "greet", code=4)
    baton("retry", "greet", "--guidance", "Say hello")
    baton("run", "greet")
    baton("accept", "greet")
    assert ready.status() == before
    assert ready.git("worktree", "list").count("\n") == 0


@pytest.mark.usefixtures("ready")
def test_people_who_look_see_what_happened(baton: Baton) -> None:
    said = baton("run", "greet", code=4)
    assert "grep -q hello hello.txt" in said.out
    assert "checks failed: greets did not pass" in said.out
    assert 'help it on: baton retry greet --guidance "' in said.out
    assert "greets failed" in baton("logs", "greet").out
    shown = baton("show", "greet").out
    assert "1. checks failed: greets did not pass" in shown
    assert "failed" in baton("list").out
    assert "## Earlier attempts" in baton("briefing", "greet").out


@pytest.mark.usefixtures("ready")
def test_a_persons_claim_and_giving_it_back(baton: Baton) -> None:
    claimed = baton.json("claim")
    assert (claimed["task"]["id"], claimed["task"]["state"]) == ("greet", "in_progress")
    assert baton.json("claim", code=3)["task"] is None
    assert baton("list", "--ready").out == "no task matches\n"
    refused = baton("claim", "greet", "--json", code=1).error
    assert (refused["code"], refused["hint"]) == (
        "not-claimable",
        "end it with: baton stop greet; to work on it yourself: baton takeover greet",
    )
    given_back = baton("stop", "greet", "--json")
    assert (given_back.record["task"]["state"], given_back.err) == ("ready", "")
    baton("run", "greet", code=4)


def test_a_task_that_is_only_here_is_not_claimed(ready: Checkout, baton: Baton) -> None:
    if ready.remote is None:
        pytest.skip("without a remote a commit on the base branch is enough")
    baton("claim", "greet")
    baton("add", "Only mine", "--id", "mine")
    found = baton.json("next", code=3)
    assert "only in this checkout: mine" in found["reason"]
    refused = baton("claim", "mine", "--json", code=1).error
    assert refused["code"] == "only-local"


def test_a_merge_by_hand_is_noticed(ready: Checkout, baton: Baton) -> None:
    baton("run", "greet", code=4)
    baton("retry", "greet", "--guidance", "Say hello")
    baton("run", "greet")
    if ready.remote:
        ready.git("fetch", "--quiet", "origin")
        ready.git("merge", "--quiet", "--no-edit", "origin/baton/greet")
        ready.git("push", "--quiet", "origin", "main")
    else:
        ready.git("merge", "--quiet", "--no-edit", "baton/greet")
    assert baton.json("sync")["events"] == [{"task": "greet", "event": "merged"}]
    assert baton.json("sync")["events"] == []
    assert states(baton) == {"greet": "done", "tell": "ready"}


def test_two_clones_see_the_same(tmp_path: Path) -> None:
    first = make_repository(
        tmp_path,
        {"tasks/config.yaml": CONFIG, "tasks/a.yaml": "title: A\n", "tools/agent.py": AGENT},
        remote=True,
    )
    one, two = Baton(first.path, tmp_path / "home"), Baton(first.clone("second").path, tmp_path / "home")
    one("claim", "a")
    assert two.json("claim", code=3)["reason"] == "no task is ready: 1 in progress"
    assert states(two) == {"a": "in_progress"}


def test_a_squashed_merge_frees_what_waits(ready: Checkout, baton: Baton) -> None:
    baton("run", "greet", code=4)
    baton("retry", "greet", "--guidance", "Say hello")
    baton("run", "greet")
    branch = "origin/baton/greet" if ready.remote else "baton/greet"
    ready.git("fetch", "--quiet", "--all")
    ready.git("merge", "--quiet", "--squash", branch)
    ready.commit(message="Squashed by hand", push=ready.remote is not None)
    assert baton.json("run", code=4)["task"]["id"] == "tell", "its file says done, however it was merged"
