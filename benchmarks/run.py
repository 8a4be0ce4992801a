"""Measure gitbaton on synthetic repositories, and say which goals are met: ``python benchmarks/run.py``.

Everything happens in a temporary folder, with an environment of its own. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import claiming
import reading
import report
import serving
import writing
from installed import CHECKOUT, install_wheel
from measure import make_environment
from row import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from row import Figure, Row

ROWS: tuple[Row, ...] = (*reading.ROWS, *writing.ROWS, *claiming.ROWS, *serving.ROWS)
SIZES, QUICK = (100, 1_000, 10_000, 100_000), (100, 1_000)


def main(words: list[str]) -> int:
    """Exit code 1 when a goal was missed."""
    asked = _read_words(words)
    chosen = [row for row in ROWS if not asked.rows or any(fnmatch(row.name, p) for p in asked.rows)]
    if not chosen:
        sys.stderr.write(f"no such row; there is: {', '.join(row.name for row in ROWS)}\n")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="gitbaton-bench-", dir=asked.folder))
    here = Path.cwd()
    try:
        _say("build a wheel and install it")
        installed = install_wheel(folder, asked.checkout)
        env = make_environment(folder / "home")
        stage = Stage(folder, env, installed, asked.rounds, asked.layout, asked.others, asked.seconds)
        figures = _measure(stage, chosen, asked.sizes)
        _tell(figures, report.describe_machine(installed, asked.checkout), asked)
    finally:
        os.chdir(here)
        _say("delete what was made")  # last: ext4 is slow for a while after many files were deleted
        shutil.rmtree(folder)
    missed = [1 for row, reached in figures.items() for t, f in reached.items() if row.is_met(t, f) is False]
    return 1 if missed else 0


def _tell(figures: dict[Row, dict[int, Figure]], machine: dict[str, str], asked: argparse.Namespace) -> None:
    print("\n".join(f"{name}: {words}" for name, words in machine.items()))
    print(f"\n{report.render_table(figures)}\n\nGrowth\n{report.render_growth(figures)}")
    print(f"\nMissed\n{report.render_missed(figures)}\n\nRows\n{report.render_titles(figures)}", flush=True)
    if asked.json:
        record = {"machine": machine, "rounds": asked.rounds, "figures": report.to_records(figures)}
        asked.json.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _measure(stage: Stage, rows: Sequence[Row], sizes: Sequence[int]) -> dict[Row, dict[int, Figure]]:
    """Make all repositories, then measure; nothing is deleted in between."""
    forms = dict.fromkeys(
        form for tasks in sizes for row in rows if row.fits(tasks) for form in row.forms(stage, tasks)
    )
    for form in forms:
        _say(f"make {form.folder}")
        stage.repository(form)
    os.sync()
    figures: dict[Row, dict[int, Figure]] = {row: {} for row in rows}
    for tasks in sizes:
        for row in (row for row in rows if row.fits(tasks)):
            _say(f"measure {row.name} at {tasks:,} tasks")
            figures[row][tasks] = row.measure(stage, tasks)
    return figures


def _read_words(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows to measure, by name or pattern (default: all)")  # fmt: skip
    parser.add_argument("--sizes", type=_read_sizes, metavar="N,N", help="numbers of tasks (default: 100,1000,10000,100000)")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="only 100 and 1,000 tasks")
    parser.add_argument(
        "--rounds", type=int, default=9, help="rounds of each comparison (default: %(default)s)"
    )
    parser.add_argument("--layout", choices=("flat", "shard"), default="shard", help="where task files stand (default: %(default)s)")  # fmt: skip
    parser.add_argument("--others", type=int, help="files beside the tasks where commits are measured (default: 50000; 500 with --quick)")  # fmt: skip
    parser.add_argument(
        "--seconds", type=float, help="how long commits per second are counted (default: 4; 0.3 with --quick)"
    )
    parser.add_argument(
        "--checkout", type=_read_path, default=CHECKOUT, help="what to measure (default: this checkout)"
    )
    parser.add_argument(
        "--folder", type=_read_path, help="where to work (default: the system's temporary folder)"
    )
    parser.add_argument("--json", type=_read_path, metavar="FILE", help="write the figures to a file, too")
    asked = parser.parse_args(words)
    asked.sizes = asked.sizes or (QUICK if asked.quick else SIZES)
    if asked.others is None:
        asked.others = 500 if asked.quick else 50_000
    if asked.seconds is None:
        asked.seconds = 0.3 if asked.quick else 4.0
    return asked


def _read_sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.replace("_", "").split(","))


def _read_path(text: str) -> Path:
    return Path(text).resolve()  # commands are measured in other folders


def _say(words: str) -> None:
    sys.stderr.write(f"… {words}\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
