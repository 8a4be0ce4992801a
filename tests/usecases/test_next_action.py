"""What an agent says should happen next, and what then happens: each for real."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.usecases.answering import answer_task
from gitbaton.usecases.explaining import explain_task
from gitbaton.usecases.project import find_entry, load_view
from gitbaton.usecases.review import accept_task, reject_task, retry_task
from gitbaton.usecases.run import Preview, preview_run
from support.model_server import ModelServer, Step
from support.trial import WRITE, Trial, result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.promise("attempt.next-action")
NOW = "retries: {backoff: 1s, backoff_max: 1s}\n"
FAILS = "checks: [{name: good, run: 'echo expected 3, got 2; grep -q good work.txt'}]\nretries: {fix_rounds: 0, attempts: 9}\n"
HEAD = "## Recover: find the cause first"


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def briefing(trial: Trial, task: str = "job") -> str:
    preview = preview_run(trial.project(), task)
    assert isinstance(preview, Preview)
    return preview.briefing


def section(text: str, head: str = HEAD) -> str:
    """What stands below a heading."""
    return text.partition(f"{head}\n\n")[2].partition("\n## ")[0]


def board(trial: Trial, task: str = "job") -> Any:
    return find_entry(load_view(trial.project().fetched(), local=False), task)


def again(trial: Trial) -> None:
    """Let the next attempt begin now, without a word about how."""
    retry_task(trial.project(), "job")


def test_complete_and_continue_go_to_review_and_guidance_reaches_who_builds_on_it(trial: Trial) -> None:
    trial.plan(**{"tasks/next.yaml": "title: Next\ndepends_on: [job]\n"})
    ran = trial.run(
        WRITE + result(summary="S", next_action="continue", guidance="Use `open_store`, not the old way")
    )
    assert ran.good
    accept_task(trial.project(), "job")
    told = section(briefing(trial, "next"), "## What it builds on")
    assert "Its author says to whoever goes on:\n\n> Use `open_store`, not the old way" in told
    trial.checkout.git("pull", "--quiet")
    assert trial.handoff("refs/heads/main")["next_action"] == "continue"


def test_blocked_stands_on_the_board_with_its_reason_until_a_person_clears_the_way(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(WRITE + result(next_action="blocked", blockers=["the licence server is down"]))
    assert ran.verdict.outcome is Outcome.BLOCKED
    entry = board(trial)
    assert (entry.state, entry.why, entry.claimable, entry.attempts_left) == (
        "failed",
        "the licence server is down",
        False,
        0,
    )
    assert "the licence server is down" in next(
        c.words for c in explain_task(trial.project().fetched(), "job").obstacles
    )
    retry_task(trial.project(), "job", "It is up again")
    assert HEAD not in briefing(trial), "nothing was wrong with the way that it went"
    assert "It is up again" in briefing(trial)


def test_needs_input_waits_for_an_answer_which_resumes_it(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(WRITE + result(next_action="needs_input", questions=["Which port?"]))
    assert ran.verdict.outcome is Outcome.NEEDS_INPUT
    assert board(trial).why == "the agent asks: Which port?"
    answer_task(trial.project(), "job", "8080")
    assert board(trial).claimable
    assert "The answer: 8080" in briefing(trial)
    assert trial.run("open('work.txt', 'a').write('8080')\n").good


def test_needs_revision_gets_another_attempt_that_looks_for_the_cause(trial: Trial) -> None:
    trial.plan(config=NOW + "checks: [{name: there, run: test -f work.txt}]\n")
    ran = trial.run(
        WRITE + result(summary="I patched the parser", next_action="needs_revision", remaining=["it is slow on large files"])
    )  # fmt: skip
    assert ran.verdict.outcome is Outcome.NEEDS_REVISION
    assert (
        ran.verdict.message == "the agent itself says that its work needs revision: it is slow on large files"
    )
    assert trial.files("refs/heads/baton/job") == ["work.txt"], "the next one goes on from what there is"
    entry = board(trial)
    assert (entry.state, entry.attempts_left) == ("failed", 2), "no person is needed"
    again(trial)
    told = section(briefing(trial))
    assert told.startswith("The last attempt ended by saying itself that its work needs revision.")
    assert "It had done: I patched the parser" in told
    assert "It left open: it is slow on large files" in told
    assert "Begin in this role, before your own:" in told
    ran = trial.run("open('work.txt', 'a').write('fast')\n")
    assert ran.good
    said = [e.text for e in trial.events if e.kind == "prepare"]
    assert (
        "recovery: its own author wants it revised, so it looks for the cause first, as a troubleshooter"
        in said
    )
    reject_task(trial.project(), "job", "Shorter")
    assert HEAD not in briefing(trial), "good work that a person wants changed is no failure"


def test_from_the_second_failure_on_the_cause_is_looked_for(trial: Trial) -> None:
    trial.plan(config=FAILS)
    trial.run("open('work.txt', 'w').write('bad')\n" + result(summary="I wrote bad"))
    again(trial)
    assert HEAD not in briefing(trial), "one failure is told of in the history"
    trial.run("open('work.txt', 'w').write('worse')\n" + result(outcome="rate_limited"))
    again(trial)
    assert HEAD not in briefing(trial), "that was the model's service"
    trial.run("open('work.txt', 'w').write('worst')\n" + result(summary="I wrote worst"))
    retry_task(trial.project(), "job", "Write good")
    told = section(briefing(trial))
    assert told.startswith("The last 2 attempts failed, each for a reason of its own making")
    assert "- **Attempt 1** ended with checks failed: good did not pass\n  - It had done: I wrote bad" in told
    assert "**Attempt 3** ended with checks failed: good did not pass\n  - It had done: I wrote worst" in told
    assert "Attempt 2" not in told
    assert briefing(trial).index("Write good") < briefing(trial).index(HEAD), "what a person says comes first"
    assert "expected 3, got 2" in section(briefing(trial), "## Earlier attempts")


def test_claude_says_that_it_needs_revision_and_the_next_one_is_told(
    trial: Trial, server: ModelServer
) -> None:
    trial.plan_claude(config=NOW)

    def write(content: str) -> Step:
        return {"tool": "Write", "input": {"file_path": "{cwd}/work.txt", "content": content}}

    revise: Step = {
        "tool": "mcp__baton__save_context",
        "input": {"summary": "Patched", "remaining": ["too slow"], "next_action": "needs_revision"},
    }
    first = server.script("revise", [write("slow\n"), revise, {"text": "Not good enough."}])
    assert trial.run_claude(first).verdict.outcome is Outcome.NEEDS_REVISION
    again(trial)
    done: Step = {
        "tool": "mcp__baton__complete_task",
        "input": {"summary": "The cause was a loop", "guidance": "Keep the index sorted"},
    }
    second = server.script("recover", [write("fast\n"), done, {"text": "Done."}])
    ran = trial.run_claude(second)
    assert ran.good, ran.verdict
    told = json.dumps(second.requests[0].body)
    assert "Recover: find the cause first" in told
    assert "It left open: too slow" in told
    handoff = trial.handoff()
    assert (handoff["next_action"], handoff["guidance"]) == ("continue", "Keep the index sorted")
