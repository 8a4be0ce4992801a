"""Review, improve, say what came of it: the refinement workflow, carried out by the real Claude Code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from support.claude_binary import find_claude_binary
from support.cli import Baton
from support.model_server import ModelServer
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

FINDING = "What is missing most: README.md, line 1 says nothing. Name what it greets."


def test_a_review_is_a_document_that_the_improvement_is_told_of(tmp_path: Path) -> None:
    checkout = make_repository(
        tmp_path,
        {
            "README.md": "x\n",
            "tasks/config.yaml": f"base: main\nforge: local\nagents:\n  claude: {{adapter: claude, program: {find_claude_binary()}}}\n",
            "tasks/roles/reviewer.yaml": "extends: reviewer\nguidance: Our readers have five minutes.\n",
        },
    )
    home = tmp_path / "home"
    baton = Baton(checkout.path, home)
    made = baton.json(
        "workflow", "run", "refinement", "--prefix", "r", "--set", "what=the readme", "--set", "goal=Clear.", "--set", "rounds=1",
    )  # fmt: skip
    assert [task["id"] for task in made["tasks"]] == ["r-review-1", "r-improve-1", "r-verdict"]
    with ModelServer() as server:
        script = server.script(
            "rounds",
            [
                {"tools": [
                    {"name": "mcp__baton__create_task", "input": {"title": "Draw a picture"}},
                    {"name": "mcp__baton__complete_task", "input": {"summary": FINDING}},
                ]},
                {"text": "Reviewed."},
                {"tool": "Write", "input": {"file_path": "{cwd}/GREETING.md", "content": "It greets people.\n"}},
                {"tool": "mcp__baton__complete_task", "input": {"summary": "It is said."}},
                {"text": "Improved."},
            ],
        )  # fmt: skip
        claude = Baton(checkout.path, home, {"ANTHROPIC_API_KEY": "sk-ant-test-0123456789", "ANTHROPIC_BASE_URL": script.url})  # fmt: skip
        reviewed = claude.json("run", "r-review-1")
        baton("accept", "r-review-1")
        improved = claude.json("run", "r-improve-1")
        told = [json.dumps(request.body["messages"][0]) for request in script.requests]
        assert (script.unplayed, script.exhausted) == (0, 0)
    assert (reviewed["outcome"], improved["outcome"]) == ("delivered", "succeeded")
    assert "Reads a change as its future maintainer" in told[0]
    assert "Our readers have five minutes." in told[0]
    assert "then what you write is its result" in told[0]
    assert FINDING not in told[0]
    assert FINDING in told[-1]
    states = {task["id"]: task["state"] for task in baton.json("list")["tasks"]}
    assert states == {
        "r-review-1": "done", "r-improve-1": "in_review", "r-verdict": "waiting", "draw-a-picture": "draft",
    }  # fmt: skip
