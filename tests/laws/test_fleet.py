"""The claim protocol as a fleet of runners lives it, in virtual time; ``.ci/soak`` tells the same story at full size."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import SOURCE
from support.simulation.fleet import Fleet, Story

pytestmark = pytest.mark.promise("claim.always-one")

SMALL = Story(seed=1, runners=20, tasks=100, people=3, running=8, cost_per_day_usd=120.0)


@pytest.mark.parametrize("seed", [1, 3])
def test_everything_gets_done_and_nothing_is_broken(seed: int) -> None:
    """``Fleet.run`` checks each push and each start; here is what makes a story worth telling."""
    fleet = Fleet(SMALL._replace(seed=seed))
    fleet.run()
    counts = fleet.books.counts
    assert counts["claimed"] >= 100
    assert {"published", "failed", "merged", "withdrawn", "takeovers after the lease", "died"} <= set(counts)
    assert fleet.books.peak_running == SMALL.running, "the cap was never reached, so nothing was learnt of it"
    assert fleet.books.peak_spent <= SMALL.cost_per_day_usd
    assert sum(clone.lost_races for clone in fleet.clones) > 0


def test_a_seed_tells_the_same_story(tmp_path: Path) -> None:
    told = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-m", "support.simulation", "--seed", "7", "--runners", "6", "--tasks", "20"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": f"{SOURCE}:{Path(__file__).parents[1]}",
                "PYTHONHASHSEED": hash_seed,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        told.append([line for line in done.stdout.splitlines() if "wall seconds" not in line])
    assert told[0] == told[1]
    assert len(told[0]) > 10
