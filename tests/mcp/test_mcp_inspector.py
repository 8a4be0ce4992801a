"""The MCP Inspector, a client that others wrote, lists our tools and calls every one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from support.node import get_node, install_packages
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.node
TOOL_FAILED = 5  # the Inspector's exit code when a tool answers with an error


class Answer(NamedTuple):
    exit_code: int
    output: Any
    errors: str


class Inspector:
    """The Inspector's command line in a repository."""

    def __init__(self, checkout: Checkout, home: Path, era: str) -> None:
        self.checkout = checkout
        self._era = era
        launcher = (
            install_packages()
            / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        )
        path = os.pathsep.join(sys.path)
        self._command = [
            str(get_node()),
            str(launcher),
            "--cli",
            sys.executable,
            "-P",
            "-m",
            "gitbaton",
            "mcp",
            "-e",
            f"PYTHONPATH={path}",
        ]
        self._env = {**os.environ, "HOME": str(home)}

    def ask(self, method: str, *options: str) -> Answer:
        """What it prints for one request, each with a server of its own."""
        done = subprocess.run(
            [*self._command, "--protocol-era", self._era, "--method", method, *options],
            cwd=self.checkout.path, env=self._env, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        return Answer(done.returncode, json.loads(done.stdout), done.stderr)

    def call(self, tool: str, **arguments: Any) -> Any:
        """The structured content of a call that succeeds."""
        answer = self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        assert answer.exit_code == 0, answer
        content = answer.output["structuredContent"]
        assert json.loads(answer.output["content"][0]["text"]) == content
        return content


@pytest.fixture(params=["legacy", "modern"])
def inspector(request: pytest.FixtureRequest, tmp_path: Path) -> Inspector:
    home = tmp_path / "home"
    home.mkdir()
    checkout = make_repository(tmp_path, {"tasks/add-cart.yaml": "title: Add a cart\n"})
    # The Inspector, like other clients, hands little of its own environment on.
    checkout.git("config", "user.name", "Tess Author")
    checkout.git("config", "user.email", "tess@example.org")
    return Inspector(checkout, home, request.param)


def test_it_finds_nothing_to_complain_about_in_our_schemas(inspector: Inspector) -> None:
    answer = inspector.ask("tools/list", "--strict")
    assert (answer.exit_code, answer.errors) == (0, "")
    assert len(answer.output["tools"]) == 8


def test_it_calls_every_tool(inspector: Inspector) -> None:
    assert inspector.call("list_tasks", limit=5)["tasks"][0]["id"] == "add-cart"
    assert inspector.call("next_task", claim=True)["claimed"] is True
    assert inspector.call("create_task", title="Pay", depends_on=["add-cart"])["id"] == "pay"
    inspector.call("update_task", id="pay", fields={"priority": "high"}, add={"labels": ["shop"]})
    assert inspector.call("get_task", id="pay")["labels"] == ["shop"]
    inspector.call("save_context", id="pay", note="Cards only")
    inspector.call("complete_task", id="add-cart", summary="It works.")
    assert inspector.call("get_context", id="pay", limit=1)["handoffs"][0]["notes"] == ["Cards only"]
    assert inspector.checkout.git("log", "--reverse", "--format=%s").splitlines()[1:] == [
        "Add task pay: Pay",
        "Set priority, labels of pay",
        "Save context of pay",
        "Complete add-cart: Add a cart",
    ]
    assert inspector.checkout.status() == ""


def test_it_is_told_what_went_wrong(inspector: Inspector) -> None:
    answer = inspector.ask("tools/call", "--tool-name", "get_task", "--tool-arg", "id=add-card")
    assert answer.exit_code == TOOL_FAILED
    assert (
        answer.output["content"][0]["text"]
        == "unknown-id: there is no task 'add-card'\nhint: did you mean add-cart?"
    )
