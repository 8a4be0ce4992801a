"""`baton refresh` lets an agent resolve what conflicts with base, and the review goes on with that."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from support.hermetic_git import git

if TYPE_CHECKING:
    from support.cli import Baton
    from support.repos import Checkout

pytestmark = pytest.mark.promise("person.refreshed")

AGENT = """
import pathlib
file = pathlib.Path("a.txt")
file.write_text("both\\n" if "<<<<<<<" in file.read_text() else "mine\\n")
"""


def test_refresh_runs_the_attempt_that_resolves_it(checkout: Checkout, baton: Baton) -> None:
    server, is_shared = checkout.remote or checkout.path, checkout.remote is not None
    command = json.dumps([sys.executable, "-c", AGENT])
    config = f"base: main\nagent: ours\nagents:\n  ours: {{adapter: command, command: {command}}}\n"
    checkout.commit(
        {"tasks/config.yaml": config, "tasks/a.yaml": "title: A\n", "a.txt": "one\n"}, "Plan", push=is_shared
    )
    tip = baton.json("run", "a")["head"]
    base = checkout.commit({"a.txt": "theirs\n"}, "Theirs", push=is_shared)
    asked = baton.json("refresh", "a", "--later")
    assert (asked["head"], asked["merge"], asked["conflicts"], asked["attempt"]) == (
        tip,
        None,
        ["a.txt"],
        None,
    )
    assert asked["task"]["state"] == "changes_requested"
    done = baton.json("refresh", "a")
    assert (done["conflicts"], done["attempt"]["outcome"], done["attempt"]["attempt"]) == (
        ["a.txt"],
        "succeeded",
        2,
    )
    assert done["task"]["state"] == "in_review"
    work = git(server, "rev-parse", f"{done['head']}^")
    assert git(server, "rev-parse", f"{work}^@").splitlines() == [tip, base]
    assert git(server, "show", "baton/a:a.txt") == "both"
    again = baton("refresh", "a").out
    assert again == "a has all of main already\n"
    baton("accept", "a")
    assert git(server, "show", "main:a.txt") == "both"
