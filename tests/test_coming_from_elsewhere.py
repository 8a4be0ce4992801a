"""The page for those who come from other orchestrators: it has all their words, and what it names is there."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from gitbaton.cli import COMMANDS
from gitbaton.cli.context import ACTIONS as CONTEXT_ACTIONS
from gitbaton.cli.face import build_parser
from gitbaton.mcp_server import ANNOTATIONS

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "coming-from-elsewhere.md"
#: Tools and resources with which people work elsewhere, in the order of the page.
THERE = [
    "initialize_session", "plan_task", "execute_subtask", "complete_subtask", "synthesize_results", "get_status", "get_tasks",
    "next_task", "get_task", "set_task_status", "update_subtask", "validate_dependencies", "complexity_report",
    "execute_task_autonomous", "task_create", "task_list", "task_get", "task_update", "context_get", "context_save",
    "check_updates", "handoff_prepare", "predict_completion", "analyze_bottlenecks", "tasks/current", "sprint/active",
    "context/latest", "submit_implementation_task", "init_docs", "submit-task", "list-processes", "process-details",
    "respond-to-process", "manage-queue", "stop-process", "configure-orchestrator", "assign-role", "create-workflow",
    "status-dashboard", "orchestration-status", "process-logs", "role-definitions", "workflow-templates",
]  # fmt: skip
#: Commands that the page names already, and that may still be to come.
COMING: set[str] = set()

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text("utf-8").splitlines()
    if line.startswith("|") and not line.startswith(("| there", "| ---"))
]
TYPED = sorted({code for row in ROWS for code in re.findall(r"`(baton [^`]+)`", row[1])})


def test_every_word_from_elsewhere_is_there_once() -> None:
    assert [row[0].removesuffix(" (resource)").strip("`") for row in ROWS] == THERE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_a_command_and_a_tool_that_is_there_or_comes_later(row: list[str]) -> None:
    assert len(row) == 4
    assert re.search(r"`baton \w+", row[1])
    tools = re.findall(r"`([a-z_]+)`", row[2])
    assert tools or row[2] == "later"
    assert set(tools) <= set(ANNOTATIONS)


@pytest.mark.parametrize("typed", TYPED)
def test_a_command_can_be_typed_as_it_stands_there(typed: str) -> None:
    _, name, *words = shlex.split(typed)
    if name in COMING and name not in COMMANDS:
        return
    command = import_module(f"gitbaton.cli.{COMMANDS[name].module}").COMMANDS[name]
    build_parser(name, command).read_words(words)
    if name == "context" and words:  # its first word may be a task, too
        assert words[0] in (*CONTEXT_ACTIONS, "ID")


def test_every_tool_of_ours_has_its_row() -> None:
    named = {tool for row in ROWS for tool in re.findall(r"`([a-z_]+)`", row[2])}
    assert named == set(ANNOTATIONS)
