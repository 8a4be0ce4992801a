"""``baton synthesize``: what came of a plan, from real attempts; and its parent task, which rolls up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.claude_binary import find_claude_binary
from support.cli import Baton
from support.model_server import ModelServer
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

AGENT = """
import json, os
task = os.environ["BATON_TASK"]
open(task + ".txt", "w").write("x")
said = {"summary": f"Built {task}.", "next_steps": [f"Paint {task}"], "decisions": ["Text will do"], "artifacts": [task + ".txt"]}
open(os.environ["BATON_RESULT"], "w").write(json.dumps({**said, "usage": {"cost_usd": 0.25, "turns": 3}}))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "agent.py").write_text(AGENT)
    agents = f"script: {{adapter: command, command: [{sys.executable}, {tmp_path}/agent.py]}}"
    claude = f"claude: {{adapter: claude, program: {find_claude_binary()}}}"
    files: dict[str, str | bytes | None] = {
        "tasks/config.yaml": f"agent: script\nforge: local\nchecks: [{{name: t, run: 'true'}}]\nagents: {{{agents}, {claude}}}\n",
        "tasks/plans/web.yaml": "title: The web\ngoal: People see it.\ntasks: [whole, page]\n",
        "tasks/whole.yaml": "title: The whole\ntype: epic\nplan: web\n",
        "tasks/page.yaml": "title: A page\nplan: web\nparent: whole\n",
        "tasks/print.yaml": "title: Print it\nplan: web\nparent: whole\nstatus: cancelled\n",
        "tasks/after.yaml": "title: Afterwards\ndepends_on: [whole]\n",
    }
    return make_repository(tmp_path, files, remote=True)


@pytest.fixture
def baton(checkout: Checkout, tmp_path: Path) -> Baton:
    return Baton(checkout.path, tmp_path / "home")


def state(baton: Baton, task: str) -> tuple[str, str]:
    found: dict[str, Any] = baton.json("show", task)["task"]
    return found["state"], found["why"]


def test_a_plan_is_told_from_its_attempts(baton: Baton, checkout: Checkout, tmp_path: Path) -> None:
    refused = baton("synthesize", "we", "--json", code=1).error
    assert (refused["code"], refused["data"]) == (
        "open-tasks",
        {"open": {"whole": "waiting", "page": "ready"}},
    )
    assert state(baton, "whole") == ("waiting", "its parts are not done: page")
    baton("run", "page")
    baton("synthesize", "web", "--partial")
    assert "## Still open\n\n- **whole**" in checkout.read("tasks/plans/web.md")
    baton("accept", "page")
    checkout.git("pull", "--quiet", "--rebase", "origin", "main")
    # The parent is todo in its file, and done on every board: what waits for it can be begun.
    assert state(baton, "whole") == ("done", "its parts are done")
    assert "whole" not in baton("list").out
    assert state(baton, "after")[0] == "ready"
    said = baton.json("synthesize", "web")  # in place of the one that said that tasks were open
    assert said["complete"] is True
    assert said["tasks"] == {"whole": "done", "page": "done", "print": "cancelled"}
    assert (said["attempts"], said["totals"]["turns"], said["totals"]["cost_usd"]) == (1, 3, 0.25)
    text = checkout.read("tasks/plans/web.md")
    assert text == said["text"]
    for words in (
        "> 1 of 1 task done, 1 cancelled.", "- **whole**: The whole (its parts are done)", "  > Built page.", "- page.txt (page)",
        "- Text will do (page)", "- Paint page (page)", "| all |  | 1 |",
    ):  # fmt: skip
        assert words in text
    head = checkout.head()
    assert baton("synthesize", "web").out == "tasks/plans/web.md says so already\n"
    assert checkout.head() == head
    assert baton("validate").out == "every file is valid\n"
    # A person's words stay, unless they are to go.
    (checkout.path / "tasks/plans/web.md").write_text("# Mine\n")
    assert "says something else" in baton("synthesize", "web", code=1).err
    checkout.git("checkout", "--quiet", "tasks/plans/web.md")

    with ModelServer() as server:
        prose = {"overview": "People see it.", "what_was_built": "### The page\n\nIt is text."}
        script = server.script(
            "result",
            [
                {"tool": "mcp__baton__complete_task", "input": {"summary": "Written", "result": prose}},
                {"text": "There."},
            ],
        )  # fmt: skip
        env = {"ANTHROPIC_API_KEY": "sk-ant-test-0123456789", "ANTHROPIC_BASE_URL": script.url}
        claude = Baton(checkout.path, tmp_path / "home", env)
        done = claude.json("synthesize", "web", "--agent", "claude", "--force", "--propose")
    assert (script.unplayed, script.exhausted) == (0, 0)
    assert done["rounds"] == []
    written = checkout.git("show", f"{done['commit']}:tasks/plans/web.md")
    assert "In the words of claude" in written
    assert written.split("## Numbers")[1].strip() == text.split("## Numbers")[1].strip()
    assert checkout.read("tasks/plans/web.md") == text  # it waits for its review


def test_what_can_not_be_told_is_refused(baton: Baton, checkout: Checkout) -> None:
    checkout.commit({"tasks/plans/empty.yaml": "title: Empty\n"}, "Empty", push=True)
    for words, said in (
        (("nope",), "there is no plan 'nope'"),
        (("empty",), "the plan empty has no tasks"),
        (("web", "--partial", "--agent", "nobody"), "there is no agent 'nobody'"),
    ):
        assert said in baton("synthesize", *words, code=1).err
    assert checkout.status() == ""
