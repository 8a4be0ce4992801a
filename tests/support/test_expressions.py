"""GitHub's own evaluator and language service, as the tests see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.expressions import ExpressionError, Expressions
from support.workflow_files import validate_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.node

CONTEXT = {
    "inputs": {"Task": "add-login", "dry-run": "true", "empty": ""},
    "github": {"event": {"pull_request": {"number": 7, "labels": [{"name": "a"}, {"name": "b"}]}}},
}


@pytest.fixture(scope="module")
def expressions() -> Iterator[Expressions]:
    with Expressions() as running:
        yield running


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("plain", "plain"),
        ("${{ inputs.task }}", "add-login"),
        ("run ${{ inputs.TASK }} of ${{ github.event.pull_request.number }}.", "run add-login of 7."),
        ("${{ inputs.missing }}", ""),
        ("${{ github.event.none.at.all }}", ""),
        ("${{ inputs['dry-run'] == 'true' }}", "true"),
        ("${{ inputs.empty || 'default' }}", "default"),
        ("${{ format('{0}}}', 'x') }}", "x}"),
        ("${{ join(github.event.pull_request.labels.*.name, ',') }}", "a,b"),
        ("${{ toJSON(fromJSON('[1, 2]')) }}", "[\n  1,\n  2\n]"),
        ("${{ contains('Hello', 'ELL') }}", "true"),
        ("${{ github.event.pull_request }}", "Object"),
    ],
)
def test_texts(expressions: Expressions, source: str, value: str) -> None:
    assert expressions.expand(source, CONTEXT) == value


@pytest.mark.parametrize(
    ("condition", "on_success", "on_failure"),
    [
        ("", True, False),
        ("always()", True, True),
        ("failure()", False, True),
        ("${{ always() }}", True, True),
        ("!cancelled()", True, True),
        ("inputs.task", True, False),
        ("inputs.empty", False, False),
        ("${{ inputs.task == 'other' }}", False, False),
        ("failure() || inputs.task == 'ADD-LOGIN'", True, True),
        ("'always()' != ''", True, False),
        ("false", False, False),
    ],
)
def test_conditions(expressions: Expressions, condition: str, on_success: bool, on_failure: bool) -> None:
    assert expressions.holds(condition, CONTEXT, "success") is on_success
    assert expressions.holds(condition, CONTEXT, "failure") is on_failure


@pytest.mark.parametrize("source", ["${{ inputs.task", "${{ nope() }}", "${{ env.PATH }}", "${{ 1 == }}"])
def test_what_github_refuses(expressions: Expressions, source: str) -> None:
    with pytest.raises(ExpressionError, match="in: "):
        expressions.expand(source, CONTEXT)
    assert expressions.expand("${{ 2 > 1 }}", CONTEXT) == "true"


WORKFLOW = """\
name: demo
on: {push: {branches: [main]}}
permissions: {}
jobs:
  one:
    runs-on: ubuntu-latest
    outputs:
      answer: ${{ steps.ask.outputs.answer }}
    steps:
      - id: ask
        run: echo "answer=42" >> "$GITHUB_OUTPUT"
  two:
    runs-on: ubuntu-latest
    needs: one
    if: github.ref == 'refs/heads/main'
    steps:
      - run: echo ${{ needs.one.outputs.answer }}
"""
ACTION = """\
name: demo
description: For the test.
inputs:
  task:
    description: Which one.
runs:
  using: composite
  steps:
    - shell: bash
      run: echo ${{ inputs.task }}
"""


def write(folder: Path, workflow: str, action: str) -> list[Path]:
    paths = [folder / ".github" / "workflows" / "demo.yml", folder / "action.yml"]
    paths[0].parent.mkdir(parents=True)
    paths[0].write_text(workflow, "utf-8")
    paths[1].write_text(action, "utf-8")
    return paths


def test_valid_files(tmp_path: Path) -> None:
    assert validate_files(write(tmp_path, WORKFLOW, ACTION)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("needs: one", "needs: three", 14, "three"),
        ("needs.one.outputs.answer", "needs.one.outputs.question", 17, "question"),
        ("steps.ask.outputs.answer", "steps.asked.outputs.answer", 8, "asked"),
        ("runs-on: ubuntu-latest\n    needs", "needs", 13, "Required property is missing: runs-on"),
        ("- run: echo", "- ran: echo", 17, "ran"),
        ("github.ref ==", "github.ref =", 15, "="),
    ],
)
def test_invalid_workflows(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in WORKFLOW
    found = validate_files(write(tmp_path, WORKFLOW.replace(old, new, 1), ACTION))
    assert [(each.path, each.line) for each in found[:1]] == [
        (str(tmp_path / ".github/workflows/demo.yml"), line)
    ]
    assert message in str(found[0])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    - shell: bash\n      run", "    - run", "Required property is missing: shell"),
        ("inputs.task }}", "inputs.task", "is not closed"),
        ("description: For the test.\n", "", "Required property is missing: description"),
        ("using: composite", "using: composit", "composit"),
    ],
)
def test_invalid_actions(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ACTION
    found = validate_files(write(tmp_path, WORKFLOW, ACTION.replace(old, new)))
    assert any(message in str(each) for each in found), found
