"""``python -m support.simulation``: tell one story and print its figures. The seed says everything."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from support.simulation.fleet import Fleet, Story


def main() -> int:
    """Exit code 1 if something happened that must not."""
    parser = argparse.ArgumentParser(prog="support.simulation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runners", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--running", type=int, help="caps.running; unset: three runners in five")
    given = parser.parse_args()
    running = given.running or max(1, given.runners * 3 // 5)
    fleet = Fleet(
        Story(given.seed, given.runners, given.tasks, running=running, cost_per_day_usd=20.0 * running)
    )
    fleet.on_sweep = lambda words: print(words, file=sys.stderr, flush=True)
    begun, failed = time.monotonic(), False
    try:
        fleet.run()
    except AssertionError:
        traceback.print_exc()
        failed = True
    print(f"seed {given.seed}: {given.runners} runners, {given.tasks} tasks")
    for name, figure in {**fleet.tell(), "wall seconds": round(time.monotonic() - begun, 1)}.items():
        print(f"  {name:45} {figure}")
    if failed:
        print(
            f"FAILED; again with: --seed {given.seed} --runners {given.runners} --tasks {given.tasks} --running {running}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
