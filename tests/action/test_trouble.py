"""What goes wrong, and what a person is told about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.action_stage import hand_over, notes, own_step, write

if TYPE_CHECKING:
    from support.action_stage import Stage

pytestmark = pytest.mark.node

GREET = "title: Greet the world\n"


def test_failed_checks_fail_the_step(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    stage.play([write("hello.txt", "bye\n"), {"text": "Done."}])
    done = stage.run()
    assert not done.succeeded
    outputs = own_step(done).outputs
    assert (outputs["task"], outputs["state"], outputs["outcome"]) == ("greet", "failed", "checks_failed")
    assert outputs["pull-request-number"] == ""
    assert notes(done) == [("error", "greet: checks failed", "greets did not pass")]
    assert "| greets | ❌ failed |" in done.summary
    assert "It may be tried again from " in done.summary
    assert stage.state("greet")["status"] == "failed"
    assert stage.show("baton/greet:hello.txt") == "bye", "the work is kept"
    assert stage.hosted.pulls == {}


def test_a_question_is_no_failure(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    question = "In which language?\n::error::100% sure: none"
    stage.play([hand_over("question", text=question), {"text": "I have a question."}])
    done = stage.run()
    assert done.succeeded, done.text
    assert own_step(done).outputs["state"] == "needs_input"
    assert notes(done) == [("notice", "greet: needs input", question)]
    assert "### ❓ `greet`" in done.summary
    assert 'Next: answer it: baton answer greet "…"' in done.summary


def test_broken_settings_are_named_by_file_and_line(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET, "tasks/config.yaml": "agent: claude\nagnets: {}\n"})
    done = stage.run()
    assert not done.succeeded
    assert [note[:4] for note in done.annotations] == [
        ("error", "agnets: unknown field 'agnets', did you mean 'agents'?", "tasks/config.yaml", 2)
    ], done.annotations
    assert "`tasks/config.yaml:2`" in done.summary
    assert not stage.has_state("greet")


def test_a_broken_task_is_named_and_the_others_go_on(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET, "tasks/broken.yaml": "title: Broken\nstatus: dnoe\n"})
    stage.play([write("hello.txt", "hello\n"), {"text": "Done."}])
    done = stage.run()
    assert done.succeeded, done.text
    assert [(note.level, note.file, note.line) for note in done.annotations] == [
        ("warning", "tasks/broken.yaml", 2)
    ]
    assert "`broken` | **broken**" in done.summary
    refused = stage.run({"task": "broken"})
    assert not refused.succeeded
    assert ("error", "tasks/broken.yaml", 2) in [(n.level, n.file, n.line) for n in refused.annotations]


def test_a_branch_without_permission_for_its_pull_request(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    stage.permissions = {"pull_requests": "none"}
    stage.play([write("hello.txt", "hello\n"), {"text": "Done."}])
    done = stage.run()
    assert done.succeeded, done.text
    assert stage.hosted.find_branch("baton/greet")
    assert stage.hosted.pulls == {}
    [(level, title, text)] = notes(done)
    assert (level, title) == ("warning", "greet")
    assert text.startswith("the branch is published, but no pull request was opened: ")
    assert "the token needs the permission pull-requests: write" in text
    assert text.replace("<", "&lt;") in done.summary


def test_actions_may_not_open_pull_requests(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    stage.hosted.actions_may_open_pulls = False
    stage.play([write("hello.txt", "hello\n"), {"text": "Done."}])
    done = stage.run()
    [(level, _, text)] = notes(done)
    assert level == "warning"
    assert "Allow GitHub Actions to create and approve pull requests" in text, text


def test_a_token_that_may_not_push(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    stage.permissions = {"contents": "read"}
    done = stage.run()
    assert not done.succeeded
    assert notes(done)[0][:2] == ("error", "no-permission")
    assert not stage.has_state("greet")


def test_without_a_key_nothing_is_claimed(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    stage.secrets = {}
    done = stage.run()
    assert not done.succeeded
    [(level, title, text)] = notes(done)
    assert (level, title) == ("error", "model-key-missing")
    assert "Claude Code has no key" in text
    assert not stage.has_state("greet")


@pytest.mark.parametrize("event", ["pull_request_target", "issue_comment"])
def test_events_that_strangers_cause_start_no_agent(stage: Stage, event: str) -> None:
    stage.commit({"tasks/greet.yaml": GREET})
    done = stage.run(event_name=event)
    assert not done.succeeded
    assert notes(done)[0][:2] == ("error", "open-event")
    assert not stage.has_state("greet")
    assert stage.script.requests == []
