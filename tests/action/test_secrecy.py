"""Secrets, and what an agent can't do although it tries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from support.action_stage import KEY, WORKFLOWS, bash, notes, own_step, write
from support.hermetic_git import git

if TYPE_CHECKING:
    from pathlib import Path

    from support.action_stage import Stage

pytestmark = pytest.mark.node

SHOUTS = "::error::owned\n::set-output name=task::owned\n::add-mask::greet\n##[error]owned"


def test_an_agent_finds_no_token_and_gives_no_commands(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": "title: Greet\n"})
    before = stage.hosted.find_branch("main")
    stage.play(
        [
            bash("env"),
            bash("git config --list --show-origin; git remote -v"),
            bash(f"git push {stage.hub.server_url}/octo/project HEAD:refs/heads/main 2>&1"),
            bash("git push origin HEAD:refs/heads/main 2>&1"),
            bash(f"printf '{SHOUTS}'"),
            write("hello.txt", "hello\n"),
            {"text": SHOUTS},
        ]
    )
    done = stage.run()
    assert done.succeeded, done.text
    said = [json.dumps(request.body["messages"][-1]) for request in stage.script.requests[1:]]
    env, config, pushed, to_origin = said[:4]
    assert "BATON_TASK=greet" in env, "this is the agent's own environment"
    assert "extraheader" not in config
    assert "127.0.0.1" not in config, "its clone knows no remote"
    assert "fatal: " in pushed
    assert "fatal: " in to_origin
    everything = "".join(json.dumps(request.body) for request in stage.script.requests)
    for name in ("GITHUB_TOKEN", "GIT_CONFIG_COUNT", "GITHUB_OUTPUT", "GITHUB_ENV", "BATON_INPUT"):
        assert name not in everything
    assert stage.tokens[0] not in everything
    assert stage.hosted.find_branch("main") == before

    assert notes(done) == []
    assert own_step(done).outputs["task"] == "greet"
    assert "says: ::error::owned" in done.text, "what it says is shown, as text"


def test_secrets_stay_out_of_everything_that_is_shown_or_kept(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": "title: Greet\n"})
    stage.play([write("hello.txt", "hello\n"), {"text": f"My key is {KEY}."}])
    done = stage.run()
    assert done.succeeded, done.text
    [token] = stage.tokens
    pull = stage.hosted.pulls[1]
    shown = done.text + done.summary + repr(own_step(done).outputs) + str(pull.body) + pull.title
    kept = git(stage.hosted.path, "log", "-p", "--all")
    assert stage.workspace
    files = "".join(read_tree(stage.workspace / ".git"))
    for secret in (KEY, token):
        assert secret not in shown
        assert secret not in kept
        assert secret not in files
    assert "My key is [secret removed]." in str(pull.body)


def read_tree(folder: Path) -> list[str]:
    return [path.read_text("utf-8", "replace") for path in folder.rglob("*") if path.is_file()]


def test_a_secret_in_the_work_is_never_published(stage: Stage) -> None:
    stage.commit({"tasks/greet.yaml": "title: Greet\n"})
    stage.play([write("hello.txt", f"hello {KEY}\n"), {"text": "Done."}])
    done = stage.run()
    assert not done.succeeded
    assert own_step(done).outputs["outcome"] == "guard_refused"
    assert stage.hosted.find_branch("baton/greet") is None
    assert KEY not in git(stage.hosted.path, "log", "-p", "--all")


@pytest.mark.parametrize("depth", ["1", "0"])
def test_a_checkout_that_keeps_the_token_works_and_is_warned_of(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    """A shallow checkout (depth 1) works as well."""
    text = (WORKFLOWS / "baton.yml").read_text("utf-8")
    text = text.replace("persist-credentials: false", "persist-credentials: true")
    changed = tmp_path / "baton.yml"
    changed.write_text(text.replace("fetch-depth: 0", f"fetch-depth: {depth}"), "utf-8")
    monkeypatch.setattr(stage, "find_workflow", lambda _: changed)
    stage.commit({"more.txt": "more\n"})
    stage.commit({"tasks/greet.yaml": "title: Greet\n"})
    stage.play([write("hello.txt", "hello\n"), {"text": "Done."}])
    done = stage.run()
    assert done.succeeded, done.text
    assert [note[:2] for note in notes(done)] == [("warning", "token in .git/config")]
    assert stage.workspace
    assert (stage.workspace / ".git" / "shallow").exists() == (depth == "1")
    assert stage.hosted.pulls[1].head == "baton/greet"


@pytest.mark.parametrize("ref", ["refs/heads/side", "refs/tags/v1"])
def test_the_base_branch_counts_whatever_is_checked_out(stage: Stage, ref: str) -> None:
    stage.commit({"tasks/greet.yaml": "title: Greet\n"})
    side = stage.commit({"tasks/side.yaml": "title: On the side\npriority: critical\n"}, "side")
    git(stage.hosted.path, "update-ref", "refs/tags/v1", side)
    stage.play([write("hello.txt", "hello\n"), {"text": "Done."}])
    done = stage.run(ref=ref, sha=side)
    assert done.succeeded, done.text
    assert own_step(done).outputs["task"] == "greet"
    assert stage.hosted.pulls[1].base == "main"
    assert not stage.holds("baton/greet:tasks/side.yaml")
