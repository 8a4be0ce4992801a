"""The workflows and the action as files, and the documentation that shows them."""

from __future__ import annotations

import re

import pytest

from gitbaton.action_inputs import CLAUDE_VERSION
from support.action_install import SOURCE
from support.workflow_files import find_dangling_references, read_yaml, validate_files

WORKFLOWS = sorted((SOURCE / ".github" / "workflows").glob("*.yml"))
ACTION = SOURCE / "action.yml"
GUIDE = SOURCE / "docs" / "how-to" / "github-actions.md"
#: How a repository of somebody else's names the action, in place of ``$/``.
ADDRESS = "gitbaton/gitbaton@<commit>"


@pytest.mark.node
def test_github_finds_nothing_wrong() -> None:
    assert {path.name for path in WORKFLOWS} == {"baton.yml", "baton-sync.yml", "ci.yml"}
    assert validate_files([*WORKFLOWS, ACTION]) == []


def test_the_action_names_only_what_there_is() -> None:
    assert find_dangling_references(ACTION) == []


def test_the_action_hands_every_input_on() -> None:
    action = read_yaml(ACTION)
    handed = [step.get("env", {}) for step in action["runs"]["steps"]][-1]
    expected = {
        f"BATON_INPUT_{name.upper().replace('-', '_')}": f"${{{{ inputs.{name} }}}}"
        for name in action["inputs"]
    }
    assert handed == expected
    assert action["outputs"] == {
        name: {**about, "value": f"${{{{ steps.baton.outputs.{name} }}}}"}
        for name, about in action["outputs"].items()
    }


def test_workflows_give_inputs_that_the_action_has() -> None:
    known = set(read_yaml(ACTION)["inputs"])
    for path in WORKFLOWS:
        for job in read_yaml(path)["jobs"].values():
            for step in job["steps"]:
                if step.get("uses") == "$/":
                    assert set(step["with"]) <= known, path


@pytest.mark.parametrize("name", ["baton.yml", "baton-sync.yml"])
def test_the_guide_shows_the_very_workflows(name: str) -> None:
    text = GUIDE.read_text("utf-8")
    found = re.search(rf"`\.github/workflows/{re.escape(name)}`:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    assert found, f"the guide does not show {name}"
    own = (SOURCE / ".github" / "workflows" / name).read_text("utf-8")
    assert own.count("uses: $/\n") == 1
    assert found[1] == own.replace("uses: $/\n", f"uses: {ADDRESS}\n")


def test_the_guide_tells_of_every_input_and_output() -> None:
    text = GUIDE.read_text("utf-8")
    action = read_yaml(ACTION)
    missing = [name for name in (*action["inputs"], *action["outputs"]) if f"| `{name}` |" not in text]
    assert missing == []


def test_the_version_of_claude_code_is_the_one_that_was_tested() -> None:
    told = (SOURCE / "pyproject.toml").read_text("utf-8")
    assert f"(CLI {CLAUDE_VERSION})" in told
