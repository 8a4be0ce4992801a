"""The server as such: what it offers, how small it answers, how it fails, how it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from gitbaton import __version__
from gitbaton.mcp_server import ANNOTATIONS, slim_schema
from gitbaton.usecases.material import own_server
from support.mcp_talk import MODES, talk
from support.repos import make_repository, project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from mcp_types import Tool

    from gitbaton.usecases.project import Project

BATON_MCP = (sys.executable, "-P", "-m", "gitbaton", "mcp")
BYTES_PER_TOKEN = 2.5  # few: identifiers and punctuation make dense tokens


def size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def on_the_wire(tool: Tool) -> dict[str, Any]:
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


def nowhere() -> NoReturn:
    raise AssertionError("no tool was to be called")


@pytest.mark.parametrize("mode", MODES)
def test_it_says_who_it_is_and_how_to_use_it(mode: str) -> None:
    with talk(nowhere, mode) as t:
        info = t.client.server_info
        assert info is not None
        assert (info.name, info.version) == ("gitbaton", __version__)
        told = t.client.instructions
        assert told is not None
        assert "next_task" in told
        assert "attempt" not in told
        assert len(told) < 600


def test_inside_an_attempt_it_says_so() -> None:
    with talk(nowhere, environment={"BATON_ATTEMPT": "2", "BATON_TASK": "add-cart"}) as t:
        told = t.client.instructions
        assert told is not None
        assert "inside an attempt at the task add-cart" in told


@pytest.mark.parametrize("mode", MODES)
def test_the_tools_are_few_small_and_described(mode: str) -> None:
    with talk(nowhere, mode) as t:
        tools = t.list_tools()
    assert [tool.name for tool in tools] == [
        "next_task", "list_tasks", "get_task", "create_task", "update_task", "complete_task", "save_context", "get_context",
    ]  # fmt: skip
    wire = [on_the_wire(tool) for tool in tools]
    bare = [{k: v for k, v in tool.items() if k != "outputSchema"} for tool in wire]
    sys.stdout.write(
        f"tools/list: {size({'tools': bare})} bytes, {size({'tools': wire})} with output schemas\n"
    )
    assert size({"tools": bare}) <= 8_000
    assert size({"tools": wire}) <= 16_000
    for tool in wire:
        assert 20 < len(tool["description"]) < 300, tool["name"]
        assert tool["inputSchema"]["additionalProperties"] is False
        assert tool["outputSchema"]["type"] == "object"
        assert '"null"' not in json.dumps(tool)


def test_every_tool_says_what_it_does_to_the_repository() -> None:
    with talk(nowhere) as t:
        given = {tool.name: tool.annotations for tool in t.list_tools()}
    assert given == ANNOTATIONS
    readers = {name for name, a in given.items() if a and a.read_only_hint}
    assert readers == {"list_tasks", "get_task", "get_context"}


def test_schemas_lose_what_only_costs() -> None:
    schema = {
        "type": "object", "title": "Args",
        "properties": {
            "title": {"type": "string", "title": "Title"},
            "level": {"anyOf": [{"enum": ["a"], "type": "string"}, {"type": "null"}], "default": None, "description": "d"},
            "both": {"anyOf": [{"type": "string"}, {"type": "integer"}], "default": 3},
            "many": {"type": "array", "items": {"type": "string", "title": "Item"}, "default": []},
        },
    }  # fmt: skip
    assert slim_schema(schema) == {
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "level": {"enum": ["a"], "type": "string", "description": "d"},
            "both": {"anyOf": [{"type": "string"}, {"type": "integer"}], "default": 3},
            "many": {"type": "array", "items": {"type": "string"}},
        },
    }


# -- small answers -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A repository with 300 tasks whose names and dependencies are as long as they may be."""
    files: dict[str, str | bytes | None] = {}
    ids = [f"{n:03}-" + "x" * 60 for n in range(300)]
    for n, task in enumerate(ids):
        needs = ", ".join(ids[:40]) if n >= 40 else ""
        files[f"tasks/{task}.yaml"] = f"title: {'Äußerst lange Überschrift ' * 7}\ndepends_on: [{needs}]\n"
    files |= {f"tasks/bad-{n}.yaml": f"title: [{'y' * 500}\n" for n in range(20)}
    return project(make_repository(tmp_path_factory.mktemp("crowd"), files))


def test_a_list_stays_small_however_many_and_long_the_tasks_are(crowd: Project) -> None:
    with talk(lambda: crowd) as t:
        first = t.call("list_tasks")
        assert size(first) / BYTES_PER_TOKEN <= 2_000
        assert first["more"] == 300 - len(first["tasks"])
        assert len(first["broken"]) == 4
        assert first["broken"][3] == "and 17 more files that can't be read"
        seen, page = list(first["tasks"]), first
        while "after" in page:
            page = t.call("list_tasks", after=page["after"])
            assert size(page) / BYTES_PER_TOKEN <= 2_000
            assert page["tasks"]
            seen += page["tasks"]
        assert len({task["id"] for task in seen}) == len(seen) == 300
        assert seen[200]["blocked_by"][5] == "and 35 more"


# -- failing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_call_that_makes_no_sense_is_answered_with_what_would(mode: str) -> None:
    with talk(nowhere, mode) as t:
        assert (
            t.fail("get_tasks") == "unknown-tool: there is no tool 'get_tasks'\nhint: did you mean get_task?"
        )
        assert t.fail("get_task", task_id="x") == (
            "unknown-argument: get_task takes no 'task_id'\nhint: there is: id"
        )
        assert t.fail("list_tasks", limit=0, ready="perhaps") == (
            "bad-argument: ready: input should be a valid boolean, unable to interpret input; "
            "limit: input should be greater than or equal to 1\nhint: see the schema of list_tasks"
        )


def test_null_for_an_argument_means_that_it_is_not_given(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"})
    with talk(lambda: project(checkout)) as t:
        assert t.call("list_tasks", label=None, limit=None)["tasks"][0]["id"] == "a"


def test_lists_given_as_json_text_are_read(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"})
    with talk(lambda: project(checkout)) as t:
        t.call("create_task", title="B", depends_on='["a"]')
        assert t.call("get_task", id="b")["depends_on"] == ["a"]


@pytest.mark.parametrize("mode", MODES)
def test_a_bug_is_called_one_and_its_details_go_to_standard_error(
    mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    def break_down() -> NoReturn:
        raise ZeroDivisionError("by nothing")

    with talk(break_down, mode) as t:
        text = t.fail("next_task")
    assert text == (
        "bug: gitbaton itself failed in next_task: ZeroDivisionError: by nothing\n"
        "hint: don't try again; the details are on the server's standard error"
    )
    shown = capfd.readouterr()
    assert "ZeroDivisionError: by nothing" in shown.err
    assert "break_down" in shown.err
    assert shown.out == ""


def test_hints_name_tools_where_there_is_one(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, {"tasks/a.yaml": "title: A\nstatus: done\n"})
    with talk(lambda: project(checkout)) as t:
        assert t.fail("get_task", id="zzz").endswith("hint: see the ids with: list_tasks")
        assert t.fail("create_task", title="A", id="a").endswith("hint: get_task a, or choose another id")


# -- as a process --------------------------------------------------------------------------------------------


def converse(
    folder: Path,
    *requests: dict[str, Any],
    command: Sequence[str] = BATON_MCP,
    environment: Mapping[str, str] | None = None,
) -> tuple[list[dict[str, Any]], str]:
    """What ``command`` in ``folder`` answers to a handshake and ``requests``, in order, and its standard error."""
    hello = {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    lines: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
    ]
    with subprocess.Popen(
        command, cwd=folder, env=environment or {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
    ) as server:  # fmt: skip
        assert server.stdin
        assert server.stdout
        assert server.stderr
        answers = []
        for line in [*lines, *({"jsonrpc": "2.0", "id": n, **r} for n, r in enumerate(requests, 1))]:
            server.stdin.write(json.dumps(line) + "\n")
            server.stdin.flush()
            if "id" in line:
                answers.append(json.loads(server.stdout.readline()))
        server.stdin.close()
        assert server.stdout.read() == ""
        errors = server.stderr.read()
        assert server.wait(timeout=30) == 0
    return answers, errors


def call(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def test_it_speaks_over_stdio_and_ends_with_its_client(tmp_path: Path) -> None:
    checkout = make_repository(
        tmp_path, {"tasks/größe.yaml": "title: Bad name\n", "tasks/a.yaml": "title: Größe\n"}
    )
    (checkout.path / "deep").mkdir()
    answers, errors = converse(
        checkout.path / "deep",
        {"method": "tools/list"},
        call("list_tasks"),
        call("create_task", title="B", description="ü\n"),
    )
    assert [a["id"] for a in answers] == [0, 1, 2, 3]
    assert answers[0]["result"]["serverInfo"] == {"name": "gitbaton", "version": __version__}
    assert len(answers[1]["result"]["tools"]) == 8
    assert answers[2]["result"]["structuredContent"]["tasks"] == [
        {"id": "a", "title": "Größe", "state": "ready", "priority": "medium"}
    ]
    assert answers[3]["result"]["structuredContent"]["commit"] == checkout.head()
    assert "description: |\n  ü\n" in checkout.read("tasks/b.yaml")
    assert errors == ""


def test_what_comes_next_is_answered_quickly_and_alike(tmp_path: Path) -> None:
    """The second answer comes from what the first left; an edit between two of them is seen."""
    checkout = make_repository(
        tmp_path, {f"tasks/{n}.yaml": f"title: Task {n}\n" for n in "abc"} | {"tasks/config.yaml": "base: main\n"}
    )  # fmt: skip
    answers, errors = converse(
        checkout.path,
        call("next_task"),
        call("next_task"),
        call("update_task", id="b", fields={"priority": "critical"}),
        call("next_task"),
        call("next_task", label="none"),
    )
    first, second, _, third, fourth = [a["result"]["structuredContent"] for a in answers[1:]]
    assert first == second
    assert first["task"] == {"id": "a", "title": "Task a", "state": "ready", "priority": "medium"}
    assert third["task"]["id"] == "b"
    assert "task" not in fourth
    assert errors == ""
    assert list((checkout.path / ".git/baton").glob("next-*")), "there is a record to answer from"


def test_a_folder_without_a_repository_is_told_in_an_answer_not_at_the_start(tmp_path: Path) -> None:
    answers, errors = converse(tmp_path, call("list_tasks"), call("save_context", note="x"))
    assert "result" in answers[0]
    for answer in answers[1:]:
        assert answer["result"]["isError"] is True
        assert answer["result"]["content"][0]["text"] == (
            "no-repository: this is no git repository\nhint: change to one, or make one with: git init"
        )
    assert errors == ""


def test_starting_loads_no_forge_and_no_use_case() -> None:
    code = (
        "import sys, gitbaton.mcp_server\n"
        "unwanted = {'git', 'github', 'jsonschema', 'yaml', 'rich.table'} & set(sys.modules)\n"
        "unwanted |= {m for m in sys.modules if m.startswith(('gitbaton.usecases', 'gitbaton.store', 'gitbaton.edges'))}\n"
        "print(sorted(unwanted))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_the_command_line_loads_no_mcp_for_other_commands() -> None:
    code = "import sys\nfrom gitbaton.cli import main\nmain(['--version'])\nmain(['list', '--help'])\nprint('mcp' in sys.modules)\n"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("False\n")


def test_the_server_of_an_attempt_loads_nothing_that_lies_in_the_agents_folder(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"})
    for name in ("gitbaton/__init__.py", "mcp/__init__.py", "json.py", "sitecustomize.py", "yaml.py"):
        checkout.write({name: "raise SystemExit('planted')\n"})
    marks = (("BATON_TASK", "a"), ("BATON_ATTEMPT", "1"), ("BATON_OUTBOX", str(tmp_path)))
    server: dict[str, Any] = own_server(marks)  # as Claude Code reads it
    command, environment = [server["command"], *server["args"]], {"PATH": os.environ["PATH"], **server["env"]}
    answers, errors = converse(checkout.path, call("next_task"), command=command, environment=environment)
    assert errors == ""
    assert "You are inside an attempt at the task a" in answers[0]["result"]["instructions"]
    assert answers[1]["result"]["structuredContent"]["task"]["state"] == "in_progress"


def test_calls_that_come_at_once_are_all_carried_out(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"})
    with talk(lambda: project(checkout)) as t:
        answers = t.call_at_once([("save_context", {"id": "a", "note": f"n{n}"}) for n in range(8)])
    assert not any(a.is_error for a in answers)
    assert checkout.git("log", "--format=%s").splitlines() == ["Save context of a"] * 8 + ["Start"]
    assert len(checkout.git("ls-tree", "-r", "--name-only", "HEAD", "tasks/handoffs/a/").splitlines()) == 8
    assert checkout.status() == ""
