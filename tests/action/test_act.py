"""Our workflows, run whole by act: events, inputs, checkout, the action, its outputs.

act refuses ``uses: $/``, which is how a workflow should name the action of its own repository, so the copy that
is run says ``./``. What else act can't show stands in ``docs/reference/act-limits.md``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.act import ActRun, run_workflow
from support.action_stage import KEY, WORKFLOWS, write
from support.stand_ins import STAND_INS

if TYPE_CHECKING:
    from support.action_stage import Stage

pytestmark = [pytest.mark.act, pytest.mark.node]


def run(stage: Stage, workflow: str, event_name: str, event: dict[str, Any], **told: Any) -> ActRun:
    text = (WORKFLOWS / workflow).read_text("utf-8")
    assert text.count("uses: $/\n") == 1
    path = f".github/workflows/{workflow}"
    stage.commit({path: text.replace("uses: $/\n", "uses: ./\n")})
    environment = stage.environment(event=event, event_name=event_name, **told)
    environment.workspace = stage.checkout
    return run_workflow(stage.checkout / path, environment, STAND_INS, secrets=stage.secrets)


def test_a_push_runs_the_next_task_and_a_merge_is_noted(stage: Stage) -> None:
    stage.commit(
        {"tasks/greet.yaml": "title: Greet\n", "tasks/tell.yaml": "title: Tell\ndepends_on: [greet]\n"}
    )
    stage.play([write("hello.txt", "hello\n"), {"text": "::error::It says hello now."}])
    done = run(stage, "baton.yml", "push", {"ref": "refs/heads/main"})
    assert done.jobs == {"run": "success"}, done.text
    outputs = done.outputs["run", "baton"]
    assert (outputs["task"], outputs["state"], outputs["outcome"]) == ("greet", "in_review", "succeeded")
    assert outputs["pull-request-url"] == f"{stage.hub.server_url}/octo/project/pull/1"
    assert done.annotations == []
    assert done.summaries["run"].startswith("### ✅ `greet`: Greet\n")
    assert KEY not in "\n".join(done.lines)
    assert stage.tokens[0] not in "\n".join(done.lines)
    assert stage.state("greet")["status"] == "in_review"

    stage.merge(1)
    pull = {"number": 1, "merged": True, "head": {"ref": "baton/greet", "repo": {"full_name": "octo/project"}}, "base": {"ref": "main"}}  # fmt: skip
    noted = run(stage, "baton-sync.yml", "pull_request", {"action": "closed", "pull_request": pull})
    assert noted.jobs == {"sync": "success"}, noted.text
    assert stage.state("greet")["status"] == "merged"
    assert json.loads(noted.outputs["sync", "baton"]["events"]) == [{"task": "greet", "event": "merged"}]


def test_by_hand_with_a_task(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": "title: Greet\n", "tasks/other.yaml": "title: Other\n"})
    stage.play([write("hello.txt", "bye\n"), {"text": "Done."}])
    done = run(stage, "baton.yml", "workflow_dispatch", {"inputs": {"task": "other"}})
    assert done.jobs == {"run": "failure"}, done.text
    assert [(note.level, note.title, note.text) for note in done.annotations] == [
        ("error", "other: checks failed", "greets did not pass")
    ]
    assert done.outputs["run", "baton"]["task"] == "other"
    assert not stage.has_state("greet")


def test_the_end_of_a_foreign_pull_request_starts_nothing(stage: Stage) -> None:
    pull = {"number": 7, "merged": True, "head": {"ref": "main", "repo": {"full_name": "else/fork"}}, "base": {"ref": "main"}}  # fmt: skip
    done = run(stage, "baton-sync.yml", "pull_request", {"action": "closed", "pull_request": pull})
    assert done.jobs == {}, done.text
