"""Workflows, roles and milestones as a person uses them, slips included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "base: main\nmilestones:\n  beta: {due: 2026-01-15, goal: People try it.}\n"


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(
        tmp_path,
        {"tasks/config.yaml": CONFIG, "tasks/a.yaml": "title: A\nrole: wizard\nmilestone: beta\n"},
    )


@pytest.fixture
def run(repo: Checkout, tmp_path: Path) -> Baton:
    return Baton(repo.path, tmp_path / "home")


def test_a_workflow_is_shown_tried_and_run(repo: Checkout, run: Baton) -> None:
    shown = run.json("workflow", "show", "feature")
    assert (shown["name"], shown["builtin"], shown["parameters"]["name"]["required"]) == (
        "feature",
        True,
        True,
    )
    before = repo.head()
    words = ("workflow", "run", "feature", "--set", "name=login", "--set", "docs=no", "--plan", "login")
    dry = run.json(*words, "--dry-run")
    assert (dry["dry_run"], dry["commit"], repo.head()) == (True, None, before)
    ran = run.json(*words)
    assert ran["commit"] == repo.head()
    assert [(t["id"], t["step"], t["path"]) for t in ran["tasks"]] == [(t["id"], t["step"], t["path"]) for t in dry["tasks"]]  # fmt: skip
    assert {t["id"]: t["state"] for t in run.json("list")["tasks"]} == {
        "a": "ready", "build-login": "ready", "test-login-as-its-users-meet-it": "waiting", "review-login-as-a-whole": "waiting",
    }  # fmt: skip
    assert run.json("validate")["problems"] == []
    named = {w["name"]: w for w in run.json("workflow")["workflows"]}
    assert named["release"]["steps"] == 7
    new = run.json("workflow", "new", "release")
    assert run.json("workflow", "validate", new["path"])["problems"] == []
    repo.write({"tasks/workflows/release.yaml": repo.read(new["path"]).replace("depends_on: [judge]", "depends_on: [jugde]")})  # fmt: skip
    said = run("workflow", "validate", code=1).out
    assert "steps[2].depends_on[0]: there is no step 'jugde', did you mean 'judge'?" in said
    assert "broken: 1 problem" in run("workflow", "list").out


@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        (["workflow", "show"], 2, "usage", "see them with: baton workflow list"),
        (["workflow", "run", "featrue"], 1, "unknown-id", "did you mean feature?"),
        (["workflow", "run", "feature"], 2, "bad-parameters", "it takes: name (required), why,"),
        (["workflow", "run", "feature", "--set", "name"], 2, "usage", "write --set NAME=VALUE"),
        (["workflow", "list", "--dry-run"], 2, "usage", "baton workflow --help"),
        (["workflow", "validate", "no/such.yaml"], 2, "no-file", "give the path of a workflow"),
        (["role", "show", "tseter"], 1, "unknown-role", "did you mean tester?"),
        (["role", "new", "herald"], 2, "no-purpose", 'give --purpose "in one sentence"'),
        (["milestone", "show", "betta"], 1, "unknown-milestone", "did you mean beta?"),
    ],
)  # fmt: skip
def test_slips_are_met_with_what_is_right(
    run: Baton, words: list[str], code: int, error: str, hint: str
) -> None:
    said = run(*words, "--json", code=code).error
    assert said["code"] == error
    assert said["hint"].startswith(hint)


def test_a_role_of_one_s_own_reaches_the_briefing(repo: Checkout, run: Baton) -> None:
    assert "whose job it is: wizard" in run("briefing", "a").out
    assert [n["code"] for n in run.json("validate")["notes"]] == ["undescribed-role"]
    made = run.json("role", "new", "Wizard", "--extends", "Debugger", "--purpose", "Does what nobody can.")
    assert (made["name"], made["path"], made["commit"]) == ("wizard", "tasks/roles/wizard.yaml", repo.head())
    assert run("role", "new", "wizard", "--purpose", "x", "--json", code=1).error["code"] == "taken-id"
    repo.commit({made["path"]: repo.read(made["path"]) + "guidance: Wave the wand.\n"})
    told = run("briefing", "a").out
    assert "Does what nobody can.\n\n- See it fail first." in told
    assert "\n\nWave the wand.\n\nIn this role, work is done when:\n\n- The cause is named" in told
    shown = run.json("role", "show", "wizard")
    assert (shown["extends"], shown["builtin"], shown["title"]) == (
        ["troubleshooter"],
        False,
        "Troubleshooter",
    )
    listed = {role["name"]: role for role in run.json("role")["roles"]}
    assert listed["troubleshooter"]["aliases"] == ["debugger"]
    assert len(listed) == 17


def test_milestones_say_what_is_late_and_why(repo: Checkout, run: Baton) -> None:
    repo.commit(
        {"tasks/b.yaml": "title: B\nmilestone: beta\ndepends_on: [c]\n", "tasks/c.yaml": "title: C\n"}
    )
    one = run.json("milestone", "show", "BETA")
    assert {k: one[k] for k in ("name", "done", "total", "overdue", "left", "blockers")} == {
        "name": "beta", "done": 0, "total": 2, "overdue": True, "left": ["a", "b"], "blockers": ["c"],
    }  # fmt: skip
    assert "overdue by" in run("milestone").out
    repo.commit(
        {"tasks/plans/p.yaml": "title: P\nmilestone: ga\ntasks: [d]\n", "tasks/d.yaml": "title: D\nplan: p\n"}
    )
    repo.write({"tasks/plans/p.yaml": "title: P\nmilestone: ga2\ntasks: [d]\n"})
    assert [(m["name"], m["total"]) for m in run.json("milestone")["milestones"]] == [("beta", 2), ("ga2", 1)]
    repo.git("checkout", "--quiet", "tasks/plans/p.yaml")
    repo.commit({f"tasks/{task}.yaml": "title: T\nstatus: done\nmilestone: beta\n" for task in "abcd"})
    assert (done := run.json("milestone")["milestones"][0])["finished"]
    assert not done["overdue"]
    repo.commit({"tasks/config.yaml": "base: main\n"})
    assert run.json("milestone")["milestones"][0]["listed"] is False
    repo.commit({f"tasks/{task}.yaml": None for task in "abcd"} | {"tasks/plans/p.yaml": None})
    assert "no milestones" in run("milestone").out
