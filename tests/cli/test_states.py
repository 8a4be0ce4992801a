"""A person says where tasks stand, command by command, as it would be typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.cli import Baton
    from support.repos import Checkout

TASKS = {
    "tasks/config.yaml": "base: main\n",
    "tasks/serve.yaml": "title: Serve\n",
    "tasks/guide.yaml": "title: Guide\ndepends_on: [serve]\n",
    "tasks/translate.yaml": "title: Translate\ndepends_on: [guide]\n",
}


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    checkout.commit(dict(TASKS), "Plan", push=checkout.remote is not None)
    return checkout


def state(baton: Baton, task: str) -> str:
    return str(baton.json("show", task)["task"]["state"])


def test_hold_clarify_note_release(ready: Checkout, baton: Baton) -> None:
    assert baton("hold", "ser", "the design is not settled").out == (
        "serve is on hold: the design is not settled\n  lift it with: baton release serve\n"
    )
    assert baton("hold", "serve", "the design is not settled").out.startswith("serve is on hold already: ")
    said = baton.json("claim", code=3)
    assert said["reason"] == "no task is ready: 1 held, 2 waiting"
    released = baton.json("release", "serve")
    assert (released["task"]["state"], released["event"], released["commit"]) == ("ready", True, None)
    assert baton("release", "serve", "--json", code=1).error["code"] == "not-held"

    last = "\ncommitted here: others see it once it is pushed to origin" if ready.remote else ""
    assert (
        baton("clarify", "serve", "-", stdin="port 8080\n").out
        == f"serve is clarified: its next briefing tells it{last}\n"
    )
    baton("note", "serve", "waits for the certificate", "--percent", "60")
    baton("note", "serve", "--percent", "80")
    shown = baton("show", "serve").out
    notes = shown.partition("Clarified:\n")[2].splitlines()
    assert [line.partition("  (")[0] for line in notes] == [
        "  port 8080", "", "Notes:", "  80 %", "  60 %: waits for the certificate",
    ]  # fmt: skip
    assert [n["data"] for n in baton.json("show", "serve")["task"]["notes"]] == [
        {"percent": 80}, {"notes": ["waits for the certificate"], "percent": 60},
    ]  # fmt: skip
    if ready.remote:
        ready.git("push", "--quiet")
    briefing = baton("briefing", "serve").out
    assert "- port 8080 (" in briefing
    assert "\n\n60 %: waits for the certificate\n" in briefing
    assert baton("note", "serve", "--json", code=2).error["code"] == "empty-context"
    assert baton("note", "serve", "--percent", "101", "--json", code=2).error["code"] == "bad-value"

    baton("claim", "serve")
    told = baton.json("clarify", "serve", "and 503 while it is down")
    assert (told["event"], told["commit"], told["task"]["guidance"]) == (
        True,
        None,
        ["and 503 while it is down"],
    )
    assert baton.json("hold", "serve")["heard_by"] == told["heard_by"] != None  # noqa: E711 both at once


@pytest.mark.parametrize("checkout", ["remote"], indirect=True)
def test_done_cancel_reopen(ready: Checkout, baton: Baton) -> None:
    done = baton("done", "serve").out.splitlines()
    assert done[:2] == ["serve is done, because you say so", "  that frees: guide"]
    assert baton("done", "serve").out == "serve says so already; nothing to commit\n"
    assert baton("reopen", "serve").out.startswith("serve is open again; ready: ")
    assert baton("reopen", "serve", "--json", code=1).error["code"] == "not-finished"

    refused = baton("cancel", "serv", "--json", code=1).error
    assert (refused["code"], refused["hint"]) == ("unknown-id", "did you mean serve?")
    cancelled = baton("cancel", "serve", "--reason", "the platform does it").out.splitlines()
    assert cancelled[:3] == [
        "serve is cancelled; to open it again: baton reopen serve",
        "  guide, translate wait for it, and now for ever",
        "  to free one that needs it: baton depend guide --off serve",
    ]
    assert ready.git("log", "-1", "--format=%s") == "Cancel serve: the platform does it"
    assert state(baton, "guide") == "waiting"
    baton("reopen", "serve")
    assert state(baton, "serve") == "ready"
    ready.git("push", "--quiet")
    baton("claim", "serve")
    told = baton.json("done", "serve")
    assert told["warnings"][0].endswith("is at it (attempt 1); to end that: baton stop serve")
    assert told["ready"] == ["guide"]

    ready.git("checkout", "--quiet", "--detach")
    for words in (["done", "guide"], ["cancel", "guide"], ["note", "guide", "x"], ["clarify", "guide", "x"]):
        refused = baton(*words, "--json", code=1).error
        assert refused["code"] == "detached-head"
        assert "--base" in refused["hint"]
    assert baton.json("hold", "guide", "no branch is needed")["event"] is True
