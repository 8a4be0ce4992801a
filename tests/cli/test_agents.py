"""``baton agents``: real programs, and the real Claude Code in front of the scripted model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.claude_binary import find_claude_binary
from support.cli import Baton
from support.model_server import ModelServer
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
agent: thorough
agents:
  thorough: {{adapter: claude, program: {claude}, model: opus}}
  ours: {{adapter: command, command: [sh, -c, 'cat > /dev/null; echo "all fine"'], token_secret: OUR_KEY}}
  gone: {{adapter: command, command: [no-such-program]}}
  sour: {{adapter: command, command: [sh, -c, 'echo "no model" >&2; exit 3']}}
"""
KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def baton(tmp_path: Path) -> Baton:
    repo = make_repository(tmp_path, {"tasks/config.yaml": CONFIG.format(claude=find_claude_binary())})
    return Baton(repo.path, tmp_path / "home", {"CLAUDE_CODE_MAX_RETRIES": "0"})


def test_what_is_in_an_agents_way_is_said_before_it_runs(baton: Baton) -> None:
    listed = baton.json("agents")
    assert [(a["name"], a["default"]) for a in listed["agents"]] == [
        ("thorough", True),
        ("ours", False),
        ("gone", False),
        ("sour", False),
    ]
    found = {a["name"]: a for a in baton.json("agents", "check", code=1)["agents"]}
    assert {name: a["error"] and a["error"]["code"] for name, a in found.items()} == {
        "thorough": "model-key-missing", "ours": "model-key-missing", "gone": "program-missing", "sour": None,
    }  # fmt: skip
    assert found["thorough"]["version"].startswith("2.")
    assert found["sour"]["ok"] is True
    assert found["sour"]["live"] is None
    assert "hint: export OUR_KEY=…" in baton("agents", "check", "ours", code=1).out
    assert baton("agents", "check", "nope", "--json", code=1).error["code"] == "unknown-agent"


def test_a_trial_asks_the_agent_itself(baton: Baton) -> None:
    with ModelServer() as server:
        script = server.script("ready", [{"text": "ready", "times": 3}])
        baton.env |= {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": script.url, "OUR_KEY": "secret"}
        (found,) = baton.json("agents", "check", "thorough", "--live")["agents"]
        assert (found["ok"], found["keys"], found["live"]["outcome"]) == (
            True,
            ["ANTHROPIC_API_KEY"],
            "succeeded",
        )
        assert found["live"]["message"] == "ready"
        assert len(script.requests) >= 1
        refused = server.script(
            "refused", [{"status": 401, "error": "authentication_error", "message": "no", "times": -1}]
        )
        baton.env["ANTHROPIC_BASE_URL"] = refused.url
        said = baton("agents", "check", "thorough", "--live", code=1)
        assert said.out.startswith("thorough: can't run\n")
        assert "  trial: auth" in said.out
        assert KEY not in said.out
    assert "ours: ok\n" in baton("agents", "check", "ours", "--live").out
    (sour,) = baton.json("agents", "check", "sour", "--live", code=1)["agents"]
    assert sour["live"]["outcome"] == "agent_error"
    assert "no model" in sour["live"]["message"]
