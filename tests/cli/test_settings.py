"""``baton config``: settings by key, with the file's own words kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
# ours
base: main

# who works
agent: fast   # the cheap one
agents:
  fast: {adapter: claude}
caps:
  running: 2
"""


@pytest.fixture
def repo(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, {"tasks/config.yaml": CONFIG, "tasks/a.yaml": "title: A\n"}, remote=True)


@pytest.fixture
def baton(repo: Checkout, tmp_path: Path) -> Baton:
    return Baton(repo.path, tmp_path / "home")


def test_settings_are_changed_by_key_and_comments_stay(repo: Checkout, baton: Baton) -> None:
    said = baton.json("config", "set", "caps.running", "5")
    assert (said["kind"], said["key"], said["value"], said["pushed"]) == ("config", "caps.running", 5, False)
    baton("config", "set", "timeouts.attempt", "45m")
    baton("config", "set", "run.allowed-tools", "Bash(git log *),Read")
    baton("config", "set", "agents.slow.adapter", "claude")
    text = repo.read("tasks/config.yaml")
    for kept in (
        "# ours\n",
        "# who works\nagent: fast   # the cheap one\n",
        "  running: 5\n",
        "  attempt: 45m\n",
        "    - Read\n",
    ):
        assert kept in text
    assert baton("config", "get", "agents.slow").out == '{"adapter": "claude"}\n'
    assert (
        baton("config", "set", "caps.running", "5").out == "caps.running is so already; nothing to commit\n"
    )
    baton("config", "set", "agents.sh", "{adapter: command, command: [sh, -c, 'echo 1, 2']}")
    assert baton.json("config", "get", "agents.sh.command")["value"] == ["sh", "-c", "echo 1, 2"]
    baton("config", "unset", "caps.running", "--base")
    assert "running" not in repo.git("show", "origin/main:tasks/config.yaml")
    assert "running: 5" in repo.read("tasks/config.yaml"), "--base leaves this checkout alone"


def test_what_holds_is_shown_with_its_source(repo: Checkout, baton: Baton) -> None:
    repo.git("config", "baton.remote", "origin")
    baton("config", "set", "push", "manual")
    found = {s["key"]: s for s in baton.json("config")["settings"]}
    assert found["caps.running"] == {"key": "caps.running", "value": 2, "source": "file", "local": False}
    assert found["push"] == {"key": "push", "value": "manual", "source": "file", "local": True}
    assert found["remote"]["source"] == "git"
    assert found["timeouts.attempt"] == {
        "key": "timeouts.attempt",
        "value": 3600.0,
        "source": "default",
        "local": False,
    }
    assert baton("config", "get", "timeouts.attempt").out == "1h\n"
    assert baton("config", "get", "caps.open_reviews").out == ""
    shown = baton("config").out
    assert "caps.running            2           tasks/config.yaml\n" in shown
    assert "tasks/config.yaml, not on base yet" in shown


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["set", "caps.runing", "3"], "there is no setting 'caps.runing'", "did you mean caps.running?"),
        (["get", "running"], "there is no setting 'running'", "did you mean caps.running?"),
        (["set", "caps.running", "many"], "caps.running takes a number", "for example: caps.running=3"),
        (
            ["set", "agents.sh", "{adapter: command"],
            "agents.sh can't be read: the { that",
            "for example: agents.sh='{name: value}'",
        ),
        (["set", "caps.running", "0"], "caps.running: must be at least 1", "nothing was changed"),
        (
            ["set", "agent", "nobody"],
            "agent: agent 'nobody' is not among agents: fast",
            "nothing was changed",
        ),
        (["set", "pager", "less"], "pager is a setting of this clone alone", "git config baton.pager less"),
        (["set", "caps.running"], "write: baton config set KEY VALUE", "baton config --help"),
        (["gte", "agent"], "action takes no 'gte'", "did you mean get?"),
    ],
)
def test_slips(repo: Checkout, baton: Baton, words: list[str], message: str, hint: str) -> None:
    said = baton("config", *words, "--json", code=2).error
    assert said["message"].startswith(message)
    assert said["hint"].startswith(hint)
    assert repo.read("tasks/config.yaml") == CONFIG


def test_the_file_is_edited_like_a_task_and_made_where_there_is_none(repo: Checkout, baton: Baton) -> None:
    baton.env["GIT_EDITOR"] = "sed -i 's/running: 2/running: 4/'"
    assert baton("config", "edit").out == "edited config\n"
    assert repo.git("log", "-1", "--format=%s") == "Edit tasks/config.yaml: caps"
    repo.git("rm", "--quiet", "tasks/config.yaml")
    repo.git("commit", "--quiet", "-m", "Without")
    baton("config", "set", "caps.running", "1")
    assert repo.read("tasks/config.yaml").endswith("caps:\n  running: 1\n")
