"""What ``baton validate`` says to machines: SARIF, GitHub's runner, pre-commit."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

from gitbaton.store.layout import classify
from support.cli import Baton
from support.repos import Checkout, make_repository

TOP = Path(__file__).parents[2]
WRONG = "title: A\npriority: hihg\ndepends_on: [nowhere, '50%, so: far']\n"


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {"tasks/b.yaml": "title: B\n"})


@pytest.fixture
def baton(repo: Checkout, tmp_path: Path) -> Baton:
    return Baton(repo.path, tmp_path / "home")


def read_sarif(text: str) -> dict[str, Any]:
    """The only run; the whole must meet the official schema."""
    found = json.loads(text)
    schema = json.loads((TOP / "tests/support/sarif-2.1.0.schema.json").read_text("utf-8"))
    assert [e.message for e in Draft4Validator(schema).iter_errors(found)] == []
    assert (found["$schema"], found["version"], len(found["runs"])) == (schema["id"], "2.1.0", 1)
    run: dict[str, Any] = found["runs"][0]
    return run


def test_problems_go_to_code_scanners_and_annotations(repo: Checkout, baton: Baton) -> None:
    assert read_sarif(baton("validate", "--format", "sarif").out)["results"] == []
    assert baton("validate", "--format", "github").out == ""
    repo.write({"tasks/a name.yaml": WRONG})
    said = baton("validate", "--format", "sarif", code=1)
    run = read_sarif(said.out)
    problems = baton.json("validate", code=1)["problems"]
    assert json.loads(baton("validate", "--format", "json", code=1).out)["problems"] == problems
    assert [r["ruleId"] for r in run["results"]] == [p["code"] for p in problems]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    wrong = next(r for r in run["results"] if r["ruleId"] == "not-allowed")
    assert wrong["message"]["text"].startswith("priority: must be one of")
    assert wrong["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "tasks/a%20name.yaml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 2, "startColumn": 1}}}
    ]  # fmt: skip
    lines = baton("validate", "--format", "github", code=1).out.splitlines()
    assert len(lines) == len(problems)
    repo.write({"tasks/a name.yaml": None, "tasks/b.yaml": "title: B\nrole: wizard\n"})
    noted = read_sarif(baton("validate", "--format", "sarif").out)["results"]
    assert [(r["ruleId"], r["level"]) for r in noted] == [("undescribed-role", "note")]
    assert baton("validate", "--format", "github").out.startswith("::notice file=tasks/b.yaml,line=2,col=1,title=undescribed-role::")  # fmt: skip
    assert all(
        re.fullmatch(r"::error file=tasks/a name\.yaml,line=\d+,col=\d+,title=[\w-]+::.+", x) for x in lines
    )
    assert any("50%25, so: far" in line for line in lines)


def test_only_some_files_are_asked_about(repo: Checkout, baton: Baton) -> None:
    repo.write({"tasks/a.yaml": WRONG, "tasks/c.yaml": "titel: C\n"})
    baton.folder = repo.path / "tasks"
    assert {p["path"] for p in baton.json("validate", "a.yaml", code=1)["problems"]} == {"tasks/a.yaml"}
    assert baton.json("validate", "../tasks/b.yaml")["problems"] == []
    assert baton("validate", "../../elsewhere.yaml", "--json", code=2).error["code"] == "bad-path"


def test_the_hook_of_pre_commit(repo: Checkout, baton: Baton) -> None:
    """Its definition holds; its entry is run as pre-commit runs it: from the top, for files that it matches."""
    (hook,) = yaml.safe_load((TOP / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert {"id", "name", "entry", "language"} <= set(hook)
    matching = (
        "tasks/a.yaml",
        "tasks/deep/a.yaml",
        "tasks/config.yaml",
        "tasks/plans/p.yaml",
        "tasks/roles/r.yaml",
        "tasks/handoffs/a/x.yaml",
    )
    for path in matching:
        assert classify(path)
        assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "src/tasks/a.yaml")
    program, *words = shlex.split(hook["entry"])
    assert (program, hook["language"], hook["pass_filenames"]) == ("baton", "python", False)
    baton(*words)
    repo.write({"tasks/a.yaml": WRONG})
    repo.git("add", "--all")
    assert "tasks/a.yaml:2:1: priority" in baton(*words, code=1).out
