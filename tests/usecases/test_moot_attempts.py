"""An attempt goes on although a person finished its task meanwhile (by hand, or with the button on the forge's page):
it goes on counting for caps and paths, though the board says that its task is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.usecases.claim import Claim
from support.team import CONFIG, Team, claim, take

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.promise("cap.never-passed")
@pytest.mark.parametrize("status", ["done", "cancelled"])
def test_an_attempt_counts_for_the_cap_as_long_as_it_runs(tmp_path: Path, status: str) -> None:
    config = CONFIG + "caps: {running: 1}\n"
    team = Team(
        tmp_path, {"tasks/config.yaml": config, "tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n"}
    )
    take(team.join("bot"), "a")
    team.change({"tasks/a.yaml": f"title: A\nstatus: {status}\n"})
    assert not isinstance(claim(team.join("second")), Claim)


@pytest.mark.promise("cap.after-claim")
def test_an_attempt_occupies_its_paths_as_long_as_it_runs(tmp_path: Path) -> None:
    body = "title: T\npaths: [src/**]\n"
    team = Team(tmp_path, {"tasks/a.yaml": body, "tasks/b.yaml": body})
    take(team.join("bot"), "a")
    team.change({"tasks/a.yaml": f"{body}status: done\n"})
    assert not isinstance(claim(team.join("second")), Claim)
