"""Writing tasks from the command line: one commit each, nothing else touched, wrong ids met with right ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.cli import Baton
    from support.repos import Checkout


def test_add_writes_the_whole_task(checkout: Checkout, baton: Baton) -> None:
    baton("add", "Set up the database")
    before = checkout.head()
    words = ["Add login", "-d", "With a form.\nAnd a link.", "--needs", "set-up", "--accept", "it works", "--accept", "yes",
             "--priority", "high", "--type", "story", "--role", "implementer", "--path", "src/**", "--label", "api"]  # fmt: skip
    added = baton.json("add", *words)
    assert added["task"] == {"id": "add-login", "path": "tasks/add-login.yaml"}
    text = checkout.read("tasks/add-login.yaml")
    created = next(line for line in text.splitlines() if line.startswith("created:"))
    assert text == (
        "# yaml-language-server: $schema=./schemas/task.schema.json\n"
        "title: Add login\n\nstatus: todo\n\ntype: story\npriority: high\nrole: implementer\n"
        "description: |-\n  With a form.\n  And a link.\n"
        'acceptance:\n  - it works\n  - "yes"\n'
        "depends_on:\n  - set-up-the-database\n"
        f"paths:\n  - src/**\nlabels:\n  - api\n{created}\n"
    )  # fmt: skip
    assert checkout.git("diff", "--name-only", before, "HEAD") == "tasks/add-login.yaml"
    assert checkout.git("log", "-1", "--format=%s|%an") == "Add task add-login: Add login|Tess Author"
    assert checkout.status() == ""


def test_the_description_comes_from_anywhere(checkout: Checkout, baton: Baton) -> None:
    checkout.write({"prd.md": "# Product\n\nüber alles\n"})
    baton("add", "From a file", "-F", "prd.md")
    baton("add", "From input", "-d", "-", stdin="typed\n")
    baton("add", "From input too", "-F", "-", stdin="typed\n")
    assert "über alles" in baton.json("show", "from-a-file")["task"]["description"]
    assert baton.json("show", "from-input")["task"]["description"] == "typed\n"
    assert baton("add", "X", "-F", "none.md", "--json", code=2).error["code"] == "no-file"


def test_a_taken_title_gets_another_id(baton: Baton) -> None:
    first, second = (baton.json("add", "Same")["task"]["id"] for _ in range(2))
    assert first == "same"
    assert second.startswith("same-")
    assert len(second) == len("same-") + 4
    assert baton("add", "Same", "--id", "same", "--json", code=1).error["code"] == "taken-id"


@pytest.mark.parametrize("wrong", ["Bad Id", "-x", "a..b", "x.lock", "config", "con", "ä", "a" * 65])
def test_ids_that_can_not_be(checkout: Checkout, baton: Baton, wrong: str) -> None:
    before = checkout.head()
    assert baton("add", "X", f"--id={wrong}", "--json", code=1).error["code"] == "bad-id"
    assert (checkout.head(), checkout.status()) == (before, "")


def test_set(checkout: Checkout, baton: Baton) -> None:
    checkout.commit({"tasks/a.yaml": "title: A   # the title\nstatus: todo\nlabels: [x,   y]\n"})
    baton(
        "set",
        "a",
        "priority=high",
        "labels+=z",
        "labels-=x",
        "run.timeout=30m",
        "hold=wait for legal",
        "title=New: title",
    )
    assert checkout.read("tasks/a.yaml") == (
        'title: "New: title"   # the title\nstatus: todo\npriority: high\nlabels: [y,   z]\n'
        "hold: wait for legal\nrun:\n  timeout: 30m\n"
    )  # fmt: skip
    assert baton.json("show", "a")["task"]["state"] == "held"
    baton("set", "a", "hold=", "run=")
    assert "hold" not in checkout.read("tasks/a.yaml")
    assert "run" not in checkout.read("tasks/a.yaml")
    assert baton("set", "a", "priority=high").out == "a says so already; nothing to commit\n"


@pytest.mark.parametrize(
    ("assignment", "code"),
    [
        ("status=finished", "bad-value"),
        ("progress.percent=200", "bad-value"),
        ("progress.percent=lots", "bad-value"),
        ("run.timeout=never", "bad-value"),
        ("depends_on+=nope", "unknown-id"),
        ("nonsense=1", "unknown-field"),
        ("title=", "bad-value"),
    ],
)
def test_set_refuses_and_changes_nothing(
    checkout: Checkout, baton: Baton, assignment: str, code: str
) -> None:
    baton("add", "A")
    before = (checkout.head(), checkout.read("tasks/a.yaml"))
    said = baton.try_run("set", "a", assignment, "--json")
    assert said.code in (1, 2)
    assert said.error["code"] == code
    assert (checkout.head(), checkout.read("tasks/a.yaml"), checkout.status()) == (*before, "")


def test_depend(checkout: Checkout, baton: Baton) -> None:
    for title in ("A", "B", "C"):
        baton("add", title)
    baton("depend", "b", "--on", "a")
    baton("depend", "c", "--on", "b", "--on", "a")
    assert baton.json("show", "c")["task"]["blocked_by"] == ["b", "a"]
    circle = baton("depend", "a", "--on", "c", "--json", code=1).error
    assert circle["code"] == "dependency-cycle"
    assert "a → " in circle["message"]
    baton("depend", "c", "--off", "a")
    assert "  - b\n" in checkout.read("tasks/c.yaml")
    assert baton("depend", "c", "--off", "a", "--json", code=1).error["code"] == "unknown-id"
    assert baton("depend", "c", "--json", code=2).error["code"] == "usage"


def test_prefixes_must_be_unambiguous(baton: Baton) -> None:
    baton("add", "Add login")
    baton("add", "Add logout")
    assert baton("show", "add-logi").out.startswith("add-login: Add login")
    said = baton("show", "add", "--json", code=1).error
    assert (said["code"], said["data"]["ids"]) == ("ambiguous-id", ["add-login", "add-logout"])
    assert (
        baton("show", "ad-login", "--json", code=1).error["hint"] == "did you mean add-login or add-logout?"
    )


def test_in_a_subfolder_and_a_subdirectory(checkout: Checkout, baton: Baton) -> None:
    checkout.commit({"tasks/api/deep.yaml": "title: Deep\n", "src/x": ""})
    baton.folder = checkout.path / "src"
    baton("set", "deep", "priority=low")
    assert checkout.read("tasks/api/deep.yaml") == "title: Deep\npriority: low\n"
    assert baton.json("show", "deep")["task"]["path"] == "tasks/api/deep.yaml"


def test_a_draft_of_ones_own_is_changed_but_not_committed(checkout: Checkout, baton: Baton) -> None:
    checkout.write({"tasks/mine.yaml": "title: Mine\n"})
    before = checkout.head()
    assert "is not in git yet, so nothing was committed" in baton("set", "mine", "priority=low").out
    assert checkout.read("tasks/mine.yaml") == "title: Mine\npriority: low\n"
    assert (checkout.head(), checkout.status()) == (before, "?? tasks/mine.yaml")


def test_on_a_branch_the_answer_says_what_the_fleet_sees(checkout: Checkout, baton: Baton) -> None:
    baton("init", "--yes")  # records the base branch where no remote tells it
    checkout.git("switch", "--quiet", "-c", "topic")
    assert "committed on topic: the fleet sees it once that is merged" in baton("add", "Later").out
    task = baton.json("list")["tasks"][0]
    assert (task["local"], task["claimable"]) == ("unmerged", False)


def test_detached_head_refuses_with_a_way_out(checkout: Checkout, baton: Baton) -> None:
    checkout.git("switch", "--quiet", "--detach")
    said = baton("add", "X", "--json", code=1).error
    assert said["code"] == "detached-head"
    assert said["hint"] == "commit it to main: --base; propose it for review: --propose; or: git switch main"
    added = baton.json("add", "X", "--base")
    assert (added["branch"], added["pushed"]) == ("main", checkout.remote is not None)
    assert baton.json("show", "x")["task"]["state"] == "ready"
    assert checkout.status() == ""


def test_propose(checkout: Checkout, baton: Baton) -> None:
    before = checkout.head()
    said = baton("add", "New", "--propose").out.splitlines()
    assert said[0] == "added new (tasks/new.yaml)"
    assert said[1].startswith("proposed on baton/edit-new-")
    branch = said[1].removeprefix("proposed on ")
    tip = f"origin/{branch}" if checkout.remote else branch
    assert said[2] == f"merge it, with main checked out: git merge {tip}"
    assert (checkout.head(), checkout.status()) == (before, "")
    answer = baton.json("context", "save", "--summary", "Half", "--propose")
    assert answer["branch"].startswith("baton/edit-save-context-of-a-session-")
    assert answer["pull_request"] is None
    assert baton("add", "X", "--propose", "--push", "--json", code=2).error["code"] == "usage"


@pytest.mark.promise("edit.not-pushed")
def test_push(checkout: Checkout, baton: Baton) -> None:
    if checkout.remote is None:
        pytest.skip("needs a remote")
    baton("add", "Shared", "--push")
    assert checkout.git("ls-remote", "origin", "refs/heads/main").split()[0] == checkout.head()
    other = checkout.clone("other")
    there = other.commit({"x": "x\n"}, push=True)
    assert baton.json("add", "Behind", "--push")["commit"] == checkout.head()
    assert checkout.git("rev-parse", "HEAD~1", "origin/main").splitlines() == [there, checkout.head()]


def test_sync(checkout: Checkout, baton: Baton) -> None:
    if checkout.remote is None:
        assert baton("sync").out == "nothing new\n"
        assert baton("sync", "--push", "--json", code=1).error["code"] == "no-remote"
        return
    baton("add", "One", "--push")
    other = checkout.clone("other")
    text = other.read("tasks/one.yaml")
    there = other.commit({"tasks/one.yaml": text + "labels: [x]\n"}, "Label it", push=True)
    baton("priority", "one", "high")
    old = checkout.head()
    done = baton.json("sync", "--push")
    assert done["fetched"] == [{"commit": there, "subject": "Label it"}]
    assert done["reapplied"] == [
        {"commit": old, "as": checkout.head(), "subject": "Set priority of one to high"}
    ]
    assert done["pushed"] == [{"commit": checkout.head(), "subject": "Set priority of one to high"}]
    assert (done["branch"], done["note"], done["events"]) == ("main", None, [])
    other.git("pull", "--quiet")
    other.commit(
        {"tasks/one.yaml": other.read("tasks/one.yaml") + "role: tester\n"}, "Give it a role", push=True
    )
    baton("set", "one", "labels+=y")
    assert baton("sync").out == "fetched:\n  Give it a role\nre-applied:\n  Set labels of one\n"
    assert baton("sync", "--push").out == "pushed:\n  Set labels of one\n"


def test_complete_and_context(checkout: Checkout, baton: Baton) -> None:
    baton("add", "Job")
    baton(
        "context",
        "save",
        "job",
        "--summary",
        "Half of it stands",
        "--remaining",
        "the rest",
        "--decision",
        "use sqlite",
    )
    got = baton.json("context", "get", "job")
    assert [(h["summary"], h["remaining"], h["decisions"]) for h in got["handoffs"]] == [
        ("Half of it stands", ["the rest"], [{"decision": "use sqlite"}])
    ]
    before = checkout.head()
    done = baton.json("complete", "job", "--summary", "All of it")
    assert checkout.git("rev-list", "--count", f"{before}..HEAD") == "1"
    assert checkout.git("diff", "--name-only", before, "HEAD").splitlines() == [
        "tasks/handoffs/" + done["path"].split("/", 2)[2],
        "tasks/job.yaml",
    ]
    assert "verified: false" in checkout.read(done["path"])
    assert baton.json("show", "job")["task"]["state"] == "done"
    assert baton("complete", "job", "--json", code=1).error["code"] == "already-finished"
    assert baton("validate").out == "every file is valid\n"
