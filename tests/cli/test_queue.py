"""The order of work, and the names of tasks, changed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.cli import Baton
    from support.repos import Checkout

TASKS = {
    "tasks/config.yaml": "base: main\npush: auto\n",
    "tasks/crash.yaml": "title: Crash\npriority: high\npaths: [src/**]\n",
    "tasks/guide.yaml": "title: Guide\ndepends_on: [serve]\n",
    "tasks/serve.yaml": "title: Serve\npaths: [src/serve/**]\n",
    "tasks/tidy.yaml": "title: Tidy\npriority: low\n",
}


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    checkout.commit(dict(TASKS), "Plan", push=checkout.remote is not None)
    return checkout


def order(baton: Baton) -> list[str]:
    return [t["id"] for t in baton.json("queue")["tasks"]]


@pytest.mark.parametrize("checkout", ["alone"], indirect=True)
@pytest.mark.usefixtures("ready")
def test_the_queue(baton: Baton) -> None:
    assert baton("queue").out.splitlines() == [
        "1.  crash  ready  high priority, it depends on nothing",
        "2.  serve  ready  medium priority, one task waits for it, it depends on nothing",
        "3.  tidy   ready  low priority, it depends on nothing",
        "not ready: 1 waiting",
    ]
    assert baton("queue", "first", "ser").out.splitlines()[0] == "serve has high priority"
    assert order(baton) == ["serve", "crash", "tidy"]
    assert baton("queue", "first", "serve").out == "serve has high priority already\n"
    moved = baton.json("queue", "first", "tidy")
    assert (moved["priority"], moved["first"], moved["others"]) == ("critical", True, [])
    moved = baton.json("queue", "first", "crash")
    assert (moved["priority"], moved["first"], moved["others"]) == ("critical", True, [])
    assert order(baton) == ["crash", "tidy", "serve"]
    baton("queue", "priority", "crash", "low")
    moved = baton.json("queue", "first", "crash")
    assert moved["priority"] == "critical"
    assert baton.json("queue", "last", "crash")["priority"] == "high"
    assert order(baton) == ["tidy", "serve", "crash"]
    waits = baton("queue", "first", "guide").out.splitlines()
    assert waits[:2] == ["guide has critical priority", "  it is not in the queue yet: it waits for serve"]

    baton("queue", "hold", "tidy", "after the release")
    baton("claim", "serve")
    listed = baton("queue").out.splitlines()
    assert listed[0] == "crash waits: serve touches the same paths"
    assert "1 held" in listed[-1]
    assert baton.json("queue", "drop", "tidy")["task"]["id"] == "tidy"
    assert baton("queue", "drop", "cras", "--json", code=1).error["code"] == "unknown-id"
    for words in (
        ["queue", "first"],
        ["queue", "priority", "crash"],
        ["queue", "list", "crash"],
        ["queue", "frist", "x"],
        ["queue", "first", "crash", "high"],
        ["queue", "hold", "crash", "later", "--base"],
    ):
        baton(*words, code=2)


@pytest.mark.parametrize("checkout", ["remote"], indirect=True)
def test_names(ready: Checkout, baton: Baton) -> None:
    said = baton("rename", "serve", "serve-pages").out.splitlines()
    assert said[:2] == [
        "serve is serve-pages now (tasks/serve-pages.yaml)", "  changed along: tasks/guide.yaml",
    ]  # fmt: skip
    assert baton.json("show", "guide")["task"]["blocked_by"] == ["serve-pages"]
    assert ready.git("log", "-1", "--format=%s") == "Rename serve to serve-pages"
    assert ready.git("log", "--follow", "--format=%s", "tasks/serve-pages.yaml").splitlines()[-1] == "Plan"
    assert baton("rename", "serve-pages", "tidy", "--json", code=1).error["code"] == "taken-id"
    assert baton("rename", "serve-pages", "Serve!", "--json", code=2).error["code"] == "bad-id"

    refused = baton("rm", "serve-p", "--json", code=1).error
    assert (refused["code"], refused["data"]["similar"]) == ("unknown-id", ["serve-pages"])
    refused = baton("rm", "serve-pages", "--json", code=1).error
    assert (refused["code"], refused["data"]["named_by"]) == ("needed", ["guide"])
    assert baton.json("rm", "serve-pages", "--force")["changed"] == ["tasks/guide.yaml"]
    assert baton.json("show", "guide")["task"]["state"] == "ready"
    baton("validate")
