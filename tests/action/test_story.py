"""From a task on main to a merged pull request, by our own workflows and the real Claude Code."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.action_stage import hand_over, notes, own_step, write
from support.hermetic_git import git

if TYPE_CHECKING:
    from action.conftest import Installed
    from support.action_stage import Stage
    from support.model_server import Step

pytestmark = pytest.mark.node

GOLDEN = Path(__file__).with_name("golden")
GREET = """\
title: Greet the world
description: The program has nothing to say yet.
acceptance:
  - it says hello
priority: high
"""
TELL = "title: Tell everybody | <b>loudly</b>\ndepends_on: [greet]\n"
HANDOFF = {
    "summary": "The program greets whoever reads `hello.txt`.",
    "decisions": [{"decision": "A file, not a program", "reason": "nothing else was asked for"}],
    "remaining": ["Greetings in other languages"],
    "next_steps": ["Tell everybody about it"],
}
WORK: list[Step] = [
    write("hello.txt", "hello\n"),
    hand_over("complete", handoff=HANDOFF),
    {"text": "It says hello now."},
]


def settled(text: str, stage: Stage) -> str:
    """``text`` without what differs from run to run: addresses, commits, seconds."""
    text = text.replace(stage.hub.server_url, "https://github.example")
    return re.sub(r"(?<= · )[\d.]+s(?= · )|(?<=\| )[\d.]+s(?= \|)", "1s", text)


def test_from_a_task_to_a_merge(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET, "tasks/tell.yaml": TELL})
    stage.play(WORK)
    done = stage.run(event_name="push")
    assert done.succeeded, done.text
    assert stage.script.unplayed == stage.script.exhausted == 0

    branch = stage.hosted.find_branch("baton/greet")
    assert branch == stage.hosted.find_oid("refs/baton/attempts/greet/1")
    assert stage.show(f"{branch}:hello.txt") == "hello"
    assert "status: done" in stage.show(f"{branch}:tasks/greet.yaml")
    state = stage.state("greet")
    assert (state["status"], state["attempt"], state["head"]) == ("in_review", 1, branch)
    assert state["watch_url"] == f"{stage.hub.server_url}/octo/project/actions/runs/1234567890"
    assert state["claimed_by"] == {"name": "claude", "kind": "agent", "host": "github-actions/1234567890"}

    assert own_step(done).outputs == {
        "task": "greet",
        "state": "in_review",
        "outcome": "succeeded",
        "message": "1 check passed",
        "reason": "high priority, one task waits for it, it depends on nothing",
        "attempt": "1",
        "branch": "baton/greet",
        "head": branch,
        "pull-request-number": "1",
        "pull-request-url": f"{stage.hub.server_url}/octo/project/pull/1",
        "events": "",
    }
    pull = stage.hosted.pulls[1]
    assert (pull.title, pull.head, pull.base, pull.author) == (
        "Greet the world",
        "baton/greet",
        "main",
        "github-actions[bot]",
    )
    assert settled(pull.body or "", stage) == (GOLDEN / "pull-request.md").read_text("utf-8")
    assert settled(done.summary, stage) == (GOLDEN / "summary.md").read_text("utf-8")
    assert notes(done) == []

    merge = stage.merge(1)
    noted = stage.sync(1)
    assert noted.succeeded, noted.text
    assert json.loads(own_step(noted).outputs["events"]) == [{"task": "greet", "event": "merged"}]
    assert noted.summary.startswith("### Reviews\n\n- `greet`: merged\n")
    state = stage.state("greet")
    assert state["status"] == "merged"
    git(stage.hosted.path, "merge-base", "--is-ancestor", merge, "main")
    again = stage.sync(1)
    assert json.loads(own_step(again).outputs["events"]) == []

    stage.play([write("told.txt", "told\n"), {"text": "Told."}])
    following = stage.run(event_name="push")
    assert following.succeeded, following.text
    assert own_step(following).outputs["task"] == "tell"
    assert stage.show("baton/tell:hello.txt") == "hello", "it begins with what was merged"


def test_changes_that_a_reviewer_asks_for_are_made(stage: Stage) -> None:
    """With the buttons of GitHub's page alone."""
    stage.permissions = {"actions": "write"}
    stage.commit({"tasks/greet.yaml": GREET, ".github/workflows/baton.yml": "on: workflow_dispatch\n"})
    stage.play(WORK)
    assert stage.run().succeeded
    pull = stage.hosted.pulls[1]
    stage.hosted.add_line_comment(pull, "rita", "hello.txt", 1, "Whom does it greet?")
    stage.hosted.add_review(pull, "rita", {"event": "REQUEST_CHANGES", "body": "Say hello to the world."})
    noted = stage.hear_review(1)
    assert noted.succeeded, noted.text
    assert noted.summary.startswith("### Reviews\n\n- `greet`: a reviewer asks for changes\n")
    guidance = ["hello.txt:1: Whom does it greet? (rita)", "Say hello to the world. (rita)"]
    assert (stage.state("greet")["status"], stage.state("greet")["guidance"]) == (
        "changes_requested",
        guidance,
    )
    assert [(d.workflow, d.ref) for d in stage.hosted.dispatched] == [("baton.yml", "main")]
    assert not stage.hear_review(1).text.count("asks for changes"), "it is heard once"
    assert len(stage.hosted.dispatched) == 1

    stage.play([write("hello.txt", "hello world\n"), {"text": "It greets the world."}])
    again = stage.run()
    assert again.succeeded, again.text
    assert own_step(again).outputs["attempt"] == "2"
    assert all(words in json.dumps(stage.script.requests) for words in guidance)
    assert stage.show("baton/greet:hello.txt") == "hello world"
    assert stage.state("greet")["status"] == "in_review"
    assert len(stage.hosted.pulls) == 1
    late = stage.hear_review(1)
    assert late.succeeded, late.text + late.summary
    assert own_step(late).outputs["events"] == "[]", "the request that was met counts no more"


def test_a_closed_pull_request_sets_its_task_aside(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    stage.play(WORK)
    assert stage.run().succeeded
    stage.close(1)
    noted = stage.sync(1)
    assert own_step(noted).outputs["events"] == '[{"task": "greet", "event": "closed"}]'
    assert stage.state("greet")["status"] == "closed"
    idle = stage.run()
    assert idle.succeeded
    assert own_step(idle).outputs["reason"] == "no task is ready: 1 closed"


def test_nothing_ready_is_green_and_says_why(stage: Stage) -> None:
    stage.commit({"tasks/wait.yaml": "title: Wait\nstatus: draft\n"})
    done = stage.run()
    assert done.succeeded, done.text
    assert {name: text for name, text in own_step(done).outputs.items() if text} == {
        "reason": "no task is ready: 1 draft"
    }
    assert done.summary.startswith("### Nothing to do\n\nno task is ready: 1 draft\n\n### Board\n")
    assert notes(done) == [("notice", "nothing to do", "no task is ready: 1 draft")]
    assert not stage.has_state("wait")


def test_the_task_can_be_named(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET, "tasks/other.yaml": "title: Other\n"})
    stage.play(WORK)
    done = stage.run({"task": "other"})
    assert own_step(done).outputs["task"] == "other"
    refused = stage.run({"task": "other"})
    assert not refused.succeeded
    assert notes(refused)[0][:2] == ("error", "not-claimable")
    assert "other is in review" in refused.summary


def test_what_is_installed_is_what_stands_beside_the_action(installed: Installed) -> None:
    told = list(installed.venv.glob("lib/python3*/site-packages/gitbaton-*.dist-info/direct_url.json"))
    assert [json.loads(path.read_text("utf-8"))["url"] for path in told] == [installed.action.parent.as_uri()]


@pytest.mark.skipif(
    importlib.util.find_spec("gitbaton.mcp_server") is None, reason="there is no MCP server yet"
)
def test_the_agent_completes_its_task_with_our_tool(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    complete: Step = {"tool": "mcp__baton__complete_task", "input": {"summary": "Says hello, by the tool."}}
    stage.play([write("hello.txt", "hello\n"), complete, {"text": "Done."}])
    done = stage.run()
    assert done.succeeded, done.text
    assert "Says hello, by the tool." in str(stage.hosted.pulls[1].body)
    assert "did not start" not in done.text
