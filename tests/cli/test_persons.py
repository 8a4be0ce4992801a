"""A person works on tasks by hand, from the claim to the review, as an agent's runner does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.hermetic_git import git

if TYPE_CHECKING:
    from pathlib import Path

    from support.repos import Checkout

FILES = {
    "tasks/config.yaml": "base: main\nchecks:\n  - {name: greets, run: grep -q hello hello.txt}\n",
    "tasks/greet.yaml": "title: Greet\ndescription: People come in.\nacceptance: [it greets]\npaths: [hello.txt]\n",
    "tasks/tell.yaml": "title: Tell\n",
    ".gitignore": "*.log\n",
}

#: The other way is the same path, which the first test walks.
REMOTE = pytest.mark.parametrize("checkout", ["remote"], indirect=True)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    checkout.git("config", "user.name", "Tess")
    checkout.commit(dict(FILES), "Plan", push=checkout.remote is not None)
    return checkout


def server(ready: Checkout) -> Path:
    return ready.remote or ready.path


def branch(ready: Checkout) -> str:
    return ready.git("rev-parse", "--abbrev-ref", "HEAD")


def test_from_start_to_merge(ready: Checkout, baton: Baton) -> None:
    ready.write({"README.md": "changed\n"})
    refused = baton("start", "greet", "--json", code=1).error
    assert (refused["code"], refused["data"]["files"]) == ("dirty-files", ["README.md"])
    assert baton.json("show", "greet")["task"]["state"] == "ready"
    ready.git("checkout", "--quiet", "README.md")

    started = baton("start", "gre").out.splitlines()
    assert started[:8] == [
        "greet is yours; you are on baton/greet", "", "greet: Greet", "", "People come in.", "", "Done when:", "  [ ] it greets",
    ]  # fmt: skip
    assert started[-2:] == [
        "", "commit as you go; when it is finished: baton finish; to give it back: baton abandon",
    ]  # fmt: skip
    assert "finish runs: greets: grep -q hello hello.txt" in started
    assert branch(ready) == "baton/greet"
    assert baton.json("start", "greet")["resumed"] is True

    assert baton("finish", "--json", code=1).error["code"] == "no-change"
    ready.write({"hello.txt": "bye\n"})
    assert baton("finish", "--json", code=1).error["code"] == "dirty-files"
    ready.commit({}, "Say bye")
    before = git(server(ready), "for-each-ref", "refs/baton")
    refused = baton("finish", "--json", code=4).error
    assert (refused["code"], refused["data"]["checks"][0]["name"]) == ("checks-failed", "greets")
    baton("note", "greet", "hello is said in English")
    ready.commit({"hello.txt": "hello\n", "more.txt": "more\n"}, "Say hello")
    refused = baton("finish", "--json", code=4).error
    assert (refused["code"], refused["data"]["paths"]) == ("guard-refused", ["more.txt"])
    assert git(server(ready), "for-each-ref", "refs/baton") == before

    ready.write({"left.log": "ignored files are nobody's\n"})
    said = baton("finish", "--because", "the test needs it", "--decision", "English it is").out
    assert said.endswith(
        "published all the same: more.txt is outside the task's paths (hello.txt)\ngreet is in review: 1 check passed\n"
    )
    assert branch(ready) == "baton/greet"
    assert ready.status() == ""
    assert git(server(ready), "rev-parse", "baton/greet") == ready.head()
    assert git(server(ready), "rev-parse", "refs/baton/attempts/greet/1") == ready.head()
    review = baton.json("review", "greet", "--stat")
    assert review["handoff"]["summary"] == "Say bye\nSave context of greet\nSay hello"
    assert [d.get("reason") for d in review["handoff"]["decisions"]] == [None, "the test needs it"]
    assert (review["handoff"]["verified"], review["handoff"]["agent"]) == (True, "Tess")
    assert baton("finish", "--json", code=1).error["code"] == "not-yours"

    baton("reject", "greet", "--guidance", "say it twice")
    again = baton("start", "greet").out
    assert "Heed this first:\n  - say it twice\n" in again
    assert baton("finish", "--json", code=1).error["code"] == "no-change"
    ready.commit({"hello.txt": "hello hello\n"}, "Twice")
    done = baton.json("finish", "--fresh", "--because", "as before")
    assert (done["verified"], done["task"]["state"], done["task"]["attempt"]) == (True, "in_review", 2)
    ready.git("switch", "--quiet", "main")
    assert baton.json("accept", "greet")["task"]["state"] == "done"


@REMOTE
def test_given_back_with_the_work_kept(ready: Checkout, baton: Baton, tmp_path: Path) -> None:
    ready.git("switch", "--quiet", "--create", "mine")
    baton("start", "tell")
    work = ready.commit({"tell.txt": "half\n"}, "Half of it")
    gone = baton.json("abandon")
    assert (gone["kept"], gone["checked_out"], gone["task"]["state"]) == (work, "mine", "ready")
    assert branch(ready) == "mine"
    assert git(server(ready), "rev-parse", "baton/tell") == work
    assert git(server(ready), "rev-parse", "refs/baton/attempts/tell/1") == work
    assert baton("abandon", "--json", code=2).error["code"] == "no-task"
    assert baton("abandon", "tell", "--json", code=1).error["code"] == "not-yours"

    ready.write({"README.md": "in the middle of something\n"})
    started = baton.json("start", "tell", "--worktree")
    beside = Baton(ready.path.parent / "work-tell", tmp_path / "home")
    assert (started["folder"], started["task"]["attempt"]) == (str(beside.folder), 2)
    assert (beside.folder / "tell.txt").read_text() == "half\n"
    assert branch(ready) == "mine"
    taken = baton("start", "greet", "--worktree", str(beside.folder), "--json", code=1).error
    assert (taken["code"], baton.json("show", "greet")["task"]["state"]) == ("taken-path", "ready")
    (beside.folder / "hello.txt").write_text("hello\n")
    git(beside.folder, "add", ".", env=ready.env)
    git(beside.folder, "commit", "--quiet", "-m", "Hello", env=ready.env)
    assert beside.json("finish")["task"]["state"] == "in_review"
    assert git(beside.folder, "status", "--porcelain") == ""
    assert ready.status() == " M README.md"

    ready.git("checkout", "--quiet", "--detach")
    ready.git("checkout", "--quiet", "README.md")
    at = ready.head()
    assert "yours, and its branch baton/tell: git switch baton/tell" in baton("takeover", "tell", "--yes").out
    assert baton("finish", "greet", "--json", code=1).error["code"] == "not-yours"
    git(beside.folder, "commit", "--quiet", "--allow-empty", "-m", "Nothing", env=ready.env)
    assert beside.json("finish")["task"]["attempt"] == 3
    baton("start", "greet")
    assert baton.json("abandon", "greet")["checked_out"] == at
    assert ready.head() == at


@REMOTE
def test_somebody_elses(ready: Checkout, baton: Baton, tmp_path: Path) -> None:
    baton("start", "tell")
    other = Baton(ready.clone("other").path, tmp_path / "home")
    other.env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "Uma"}
    for words in (["finish", "tell"], ["abandon", "tell"]):
        assert other(*words, "--json", code=1).error["code"] == "somebody-else"
    assert other("start", "tell", "--json", code=1).error["code"] == "not-claimable"
    other("takeover", "tell", "--yes")
    ready.commit({"hello.txt": "hello\n"}, "Hello")
    assert baton("finish", "--json", code=1).error["code"] == "somebody-else"
    assert "baton/tell" not in git(server(ready), "for-each-ref", "refs/heads")
