"""The real Claude Code, with a scripted model, works with our tools: in a person's repository and in attempts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.outcome import Outcome
from gitbaton.edges.claude_launch import HEADLESS_VARIABLES
from gitbaton.mcp_server import ANNOTATIONS
from gitbaton.store.documents import parse_document
from gitbaton.store.live import read_tips
from gitbaton.usecases.board import show_task
from gitbaton.usecases.context import save_context
from gitbaton.usecases.delivery import Delivery
from gitbaton.usecases.review import accept_task, retry_task
from gitbaton.usecases.run import Ran, run_task
from gitbaton.wiring import open_project
from support.claude_binary import find_claude_binary
from support.model_server import ModelServer, Script, Step
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gitbaton.domain.state import State

KEY = "sk-ant-test-0123456789abcdef"
CONFIG = f"agent: claude\nagents: {{claude: {{adapter: claude, program: {find_claude_binary()}}}}}\nchecks: [{{name: there, run: test -e done.txt || test -e tasks}}]\n"
FILES: dict[str, str | bytes | None] = {
    "tasks/config.yaml": CONFIG,
    "tasks/add-cart.yaml": "title: Add a cart\n\nstatus: todo\n\npriority: medium\n",
    "tasks/count.yaml": (
        "title: Count the files\ntype: spike\nresult_schema:\n  type: object\n  required: [files]\n"
        "  properties: {files: {type: integer}}\n"
    ),
}


def baton(tool: str, **arguments: Any) -> Step:
    """A call of one of our tools."""
    return {"tool": f"mcp__baton__{tool}", "input": arguments}


def write(name: str, content: str) -> Step:
    return {"tool": "Write", "input": {"file_path": "{cwd}/" + name, "content": content}}


def tool_results(script: Script) -> list[str]:
    """What the model was told about each of its tool calls, in order."""
    found = []
    for message in script.requests[-1].body["messages"]:
        content = message["content"]
        for block in content if isinstance(content, list) else []:
            if block["type"] == "tool_result":
                inner = block["content"]
                found.append(inner if isinstance(inner, str) else "".join(part["text"] for part in inner))
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES, remote=True)


# -- in a person's repository --------------------------------------------------------------------------------


class Person:
    """Somebody who runs Claude Code in a repository, with settings of their own."""

    def __init__(self, checkout: Checkout, server: ModelServer, folder: Path) -> None:
        self.checkout = checkout
        self._server = server
        self._folder = folder
        programs = folder / "bin"
        programs.mkdir()
        launcher = programs / "baton"
        launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m gitbaton "$@"\n')
        launcher.chmod(0o755)
        self._env = {
            **os.environ,
            **HEADLESS_VARIABLES,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "CLAUDE_CONFIG_DIR": str(folder / "config"),
            "CLAUDE_CODE_TMPDIR": str(folder),
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_MAX_RETRIES": "0",
            # A server that a person has set up may still be starting when the first answer comes.
            "CLAUDE_CODE_MCP_STARTUP_WAIT_MS": "60000",
        }

    def run(self, *options: str) -> str:
        """Standard output of Claude Code with ``options``."""
        done = subprocess.run(
            [str(find_claude_binary()), *options],
            cwd=self.checkout.path, env=self._env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ask(self, steps: Sequence[Step], *options: str) -> tuple[list[dict[str, Any]], Script]:
        """The events of a session in which the model takes ``steps``."""
        script = self._server.script(self._folder.name, steps)
        self._env["ANTHROPIC_BASE_URL"] = script.url
        out = self.run(
            "-p",
            "Work on the next task.",
            "--output-format",
            "stream-json",
            "--verbose",
            "--allowedTools",
            "mcp__baton",
            *options,
        )
        assert (script.unplayed, script.exhausted) == (0, 0)
        return [json.loads(line) for line in out.splitlines()], script


@pytest.fixture
def person(checkout: Checkout, server: ModelServer, tmp_path: Path) -> Person:
    return Person(checkout, server, tmp_path)


def find_servers(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    (start,) = [e for e in events if e.get("subtype") == "init"]
    return [(s["name"], s["status"]) for s in start["mcp_servers"]]


def test_it_works_a_task_with_the_tools_from_its_configuration(person: Person, tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"baton": {"command": "baton", "args": ["mcp"]}}}))
    events, script = person.ask(
        [
            baton("next_task", claim=True),
            baton("get_task", id="add-cart"),
            baton("update_task", id="add-cart", fields={"priority": "urgent"}),
            baton("update_task", id="add-cart", fields={"priority": "high"}, add={"labels": ["shop"]}),
            baton("create_task", title="Empty the cart", depends_on=["add-cart"]),
            baton("save_context", id="add-cart", note="Kept in the session"),
            baton("complete_task", id="add-cart", summary="The cart works.", next_steps=["Empty it"]),
            baton("next_task"),
            {"text": "Done."},
        ],
        "--strict-mcp-config", "--mcp-config", str(config),
    )  # fmt: skip
    assert find_servers(events) == [("baton", "connected")]
    told = tool_results(script)
    assert json.loads(told[0])["task"] == {
        "id": "add-cart",
        "title": "Add a cart",
        "state": "in_progress",
        "priority": "medium",
    }
    assert "must be one of critical, high, medium, low, not 'urgent'" in told[2]
    assert json.loads(told[4])["id"] == "empty-the-cart"
    assert json.loads(told[7])["task"]["id"] == "count"
    assert person.checkout.git("log", "--reverse", "--format=%an: %s").splitlines()[1:] == [
        "Tess Author: Set priority, labels of add-cart",
        "Tess Author: Add task empty-the-cart: Empty the cart",
        "Tess Author: Save context of add-cart",
        "Tess Author: Complete add-cart: Add a cart",
    ]
    assert (
        person.checkout.read("tasks/add-cart.yaml")
        == "title: Add a cart\n\nstatus: done\n\npriority: high\nlabels:\n  - shop\n"
    )
    assert person.checkout.status() == ""
    assert "refs/baton/tasks/add-cart" in person.checkout.git("ls-remote", "origin")


def test_the_model_is_given_the_tools_as_we_describe_them(person: Person, tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"baton": {"command": "baton", "args": ["mcp"]}}}))
    _, script = person.ask([{"text": "Hm."}], "--strict-mcp-config", "--mcp-config", str(config))
    body = script.requests[0].body
    offered = {t["name"]: t for t in body["tools"] if t["name"].startswith("mcp__baton__")}
    assert len(offered) == 8
    assert offered["mcp__baton__get_task"]["input_schema"]["properties"]["id"] == {
        "type": "string", "description": "Task id; optional inside an attempt",
    }  # fmt: skip
    assert "Tasks of this git repository, kept as files under tasks/" in json.dumps(body)


# -- inside an attempt ---------------------------------------------------------------------------------------


class Fleet:
    """Runs attempts of tasks with Claude Code, as ``baton run`` does."""

    def __init__(self, checkout: Checkout, server: ModelServer, folder: Path) -> None:
        self.checkout = checkout
        self._server = server
        self._folder = folder
        self.script = server.script(folder.name, [])
        self.environment = {**os.environ, "ANTHROPIC_API_KEY": KEY, "XDG_CACHE_HOME": str(folder / "cache")}

    def run(self, task: str, steps: Sequence[Step]) -> Ran:
        self.script = self._server.script(self._folder.name, [*steps, {"text": "I am done."}])
        environment = {
            **self.environment,
            "ANTHROPIC_BASE_URL": self.script.url,
            "CLAUDE_CODE_MAX_RETRIES": "0",
        }
        ran = run_task(open_project(self.checkout.path, environment), task, lambda _: None)
        assert isinstance(ran, Ran)
        assert (self.script.unplayed, self.script.exhausted) == (0, 0)
        return ran

    def state(self, task: str) -> State:
        project = open_project(self.checkout.path, self.environment)
        project.refs.fetch()
        return read_tips(project.repo).states[task].state

    def published(self, task: str) -> tuple[Handoff, list[str]]:
        """The handoff on the task's branch, and all that the branch changes."""
        head = self.state(task).head
        assert head is not None
        changed = self.checkout.git("diff", "--name-only", "main", head).splitlines()
        (path,) = [c for c in changed if c.startswith(f"tasks/handoffs/{task}/")]
        text = self.checkout.git("show", f"{head}:{path}") + "\n"
        return parse_document(text.encode(), path, Handoff, "handoff"), [c for c in changed if c != path]

    def show(self, task: str, path: str) -> str:
        return self.checkout.git("show", f"{self.state(task).head}:{path}") + "\n"


@pytest.fixture
def fleet(checkout: Checkout, server: ModelServer, tmp_path: Path) -> Fleet:
    return Fleet(checkout, server, tmp_path)


def test_what_an_agent_hands_over_is_published_with_its_work(fleet: Fleet) -> None:
    before = fleet.checkout.head()
    ran = fleet.run(
        "add-cart",
        [
            baton("get_task"),
            baton("next_task", claim=True),
            write("cart.py", "items = []\n"),
            baton("save_context", note=f"The key is {KEY}"),
            baton("create_task", title="Empty the cart", depends_on=["add-cart"], acceptance=["It is empty"]),
            baton("create_task", title="Count the cart", depends_on=["empty-the-cart"]),
            baton("update_task", id="add-cart", fields={"status": "done"}),
            baton(
                "complete_task", summary="The cart works.", decisions=["A list will do"], remaining=["Taxes"]
            ),
        ],
    )
    told = tool_results(fleet.script)
    assert json.loads(told[0])["state"] == "in_progress"
    assert told[1].startswith("inside-attempt: inside an attempt nobody can claim tasks")
    assert json.loads(told[4]) == {
        "id": "empty-the-cart",
        "note": "proposed; the review of this attempt decides on it",
    }
    assert told[6].startswith("inside-attempt: inside an attempt nobody can edit task files")
    assert ran.verdict.outcome is Outcome.SUCCEEDED, ran.verdict
    assert fleet.state("add-cart").status == "in_review"
    handoff, changed = fleet.published("add-cart")
    assert changed == [
        "cart.py",
        "tasks/add-cart.yaml",
        "tasks/count-the-cart.yaml",
        "tasks/empty-the-cart.yaml",
    ]
    assert (handoff.summary, handoff.remaining, handoff.next_action) == (
        "The cart works.",
        ("Taxes",),
        "complete",
    )
    assert [d.decision for d in handoff.decisions] == ["A list will do"]
    assert handoff.data == {"notes": ["The key is [ANTHROPIC_API_KEY removed]"]}
    assert (handoff.outcome, handoff.verified, [c.passed for c in handoff.checks]) == (
        Outcome.SUCCEEDED,
        True,
        [True],
    )
    assert fleet.show("add-cart", "tasks/empty-the-cart.yaml") == (
        "# yaml-language-server: $schema=./schemas/task.schema.json\ntitle: Empty the cart\n\nstatus: draft\n\n"
        "acceptance:\n  - It is empty\ndepends_on:\n  - add-cart\n"
    )
    assert "depends_on:\n  - empty-the-cart\n" in fleet.show("add-cart", "tasks/count-the-cart.yaml")
    assert (
        fleet.show("add-cart", "tasks/add-cart.yaml")
        == "title: Add a cart\n\nstatus: done\n\npriority: medium\n"
    )
    assert (fleet.checkout.head(), fleet.checkout.status()) == (before, "")
    accept_task(open_project(fleet.checkout.path, fleet.environment), "add-cart")
    merged = open_project(fleet.checkout.path, fleet.environment)
    assert show_task(merged, "add-cart").entry.state == "done"
    assert show_task(merged, "empty-the-cart").entry.state == "draft"


def test_a_question_stops_the_attempt_until_a_person_answers(fleet: Fleet) -> None:
    ran = fleet.run(
        "add-cart",
        [
            write("cart.py", "currency = None\n"),
            baton(
                "save_context",
                question=f"Which currency? My key is {KEY}",
                summary="Half done.",
                remaining=["The currency"],
            ),
        ],
    )
    assert ran.verdict.outcome is Outcome.NEEDS_INPUT
    state = fleet.state("add-cart")
    assert state.status == "needs_input"
    assert state.question == "Which currency? My key is [ANTHROPIC_API_KEY removed]"
    handoff, changed = fleet.published("add-cart")
    assert changed == ["cart.py"]
    assert (handoff.summary, handoff.questions, handoff.incomplete) == ("Half done.", (state.question,), True)
    assert KEY not in fleet.checkout.git("log", "--all", "-p", "--format=%B")


def test_a_structured_result_that_fits_is_delivered(fleet: Fleet) -> None:
    ran = fleet.run(
        "count",
        [
            baton("complete_task", summary="Counted.", result={"files": "three"}),
            baton("complete_task", summary="Counted.", result={"files": 3}),
        ],
    )
    first, second = tool_results(fleet.script)
    assert "files: 'three' is not of type 'integer'" in first
    assert json.loads(second)["note"] == "handed over; the runner checks the work when you end"
    assert ran.verdict.outcome is Outcome.DELIVERED, ran.verdict
    assert fleet.state("count").status == "in_review"
    handoff, changed = fleet.published("count")
    assert (handoff.result, handoff.summary) == ({"files": 3}, "Counted.")
    assert changed == ["tasks/count.yaml"]


def test_a_structured_result_that_never_fits_fails_the_attempt(fleet: Fleet) -> None:
    ran = fleet.run(
        "count",
        [
            baton("complete_task", summary="Counted.", result=["three"]),
            baton("save_context", note="It did not fit"),
            {"text": "I can't."},  # it is handed back once, and nothing comes of that
        ],
    )
    assert ran.verdict.outcome is Outcome.INVALID_RESULT
    assert ran.verdict.message == "the structured result does not fit: no structured result was handed over"
    assert fleet.state("count").status == "failed"
    handoff, changed = fleet.published("count")
    assert (handoff.result, handoff.data, changed) == (None, {"notes": ["It did not fit"]}, [])


def test_an_agent_that_is_blocked_says_so(fleet: Fleet) -> None:
    ran = fleet.run(
        "add-cart", [baton("save_context", blockers=["There is no database"], next_action="blocked")]
    )
    assert (ran.verdict.outcome, ran.verdict.message) == (Outcome.BLOCKED, "There is no database")
    assert fleet.state("add-cart").reason == "There is no database"


def test_the_next_attempt_reads_what_the_last_one_left(fleet: Fleet) -> None:
    fleet.run(
        "add-cart",
        [
            write("cart.py", "x\n"),
            baton("save_context", summary="Half.", next_action="needs_revision", remaining=["The rest"]),
        ],
    )
    assert fleet.state("add-cart").status == "failed"
    person = open_project(fleet.checkout.path, fleet.environment)
    said = {"summary": "Spoke with the shop. " * 30, "decisions": ["no cookies"]}
    save_context(person, "add-cart", said, to=Delivery("here", push=True))
    retry_task(person, "add-cart", "Finish it")
    ran = fleet.run(
        "add-cart",
        [
            baton("get_context"),
            baton("get_context", budget=100),
            write("cart.py", "y\n"),
            baton("complete_task", summary="Whole."),
        ],
    )
    whole, short, *_ = [json.loads(text) for text in tool_results(fleet.script)[:2]]
    assert [h["summary"][:5] for h in whole["handoffs"]] == ["Spoke", "Half."]
    assert "note" not in whole
    newest = short["handoffs"][0]
    assert ("summary" in newest, newest["decisions"]) == (False, [{"decision": "no cookies"}])
    assert short["note"].endswith("shortened to stay within 100 tokens; path has all")
    assert ran.verdict.outcome is Outcome.SUCCEEDED
    assert ran.claim.tip.state.attempt == 2


# -- as the documentation says -------------------------------------------------------------------------------

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "claude-code.md"


def snippet(language: str) -> str:
    """The one block of that language on the page."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def test_the_command_of_the_page_sets_the_server_up(person: Person) -> None:
    program, *options = snippet("sh").split()
    assert program == "claude"
    person.run(*options)
    _, script = person.ask([baton("list_tasks"), {"text": "Two tasks."}])
    assert len(json.loads(tool_results(script)[0])["tasks"]) == 2


def test_the_file_of_the_page_sets_the_server_up(person: Person) -> None:
    person.checkout.write({".mcp.json": snippet("json")})
    _, script = person.ask([baton("list_tasks"), {"text": "Two tasks."}])
    assert len(json.loads(tool_results(script)[0])["tasks"]) == 2


def test_the_page_lists_every_tool() -> None:
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*)\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [name for name, _ in rows] == list(ANNOTATIONS)
    assert [name for name, writes in rows if not writes.strip()] == [
        n for n, a in ANNOTATIONS.items() if a.read_only_hint
    ]
