"""What was measured, as a table for people and as records for programs."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from installed import Installed
    from row import Figure, Row

    #: Row → number of tasks → what was reached.
    Figures = Mapping[Row, Mapping[int, Figure]]

_COLUMNS = ("row", "tasks", "goal", "reached", "", "range", "behind it", "of CPU", "peak")


def describe_machine(installed: Installed, measured: Path) -> dict[str, str]:
    """What the figures depend on."""
    git = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    checkout = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False,
        cwd=measured,
    ).stdout  # fmt: skip
    return {
        "machine": f"{os.cpu_count()} CPUs ({_find_processor()}), load {os.getloadavg()[0]:.1f} at the end",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_version()}, entry script by pip {installed.pip}",
        "git": git.split()[2],
        "checkout": checkout.strip() or "unknown",
    }


def _find_processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def render_table(figures: Figures) -> str:
    """Each row at each size: goal, what was reached, and what stands behind the ratio."""
    lines: list[tuple[str, ...]] = [_COLUMNS]
    for row, reached in figures.items():
        for tasks, figure in reached.items():
            lines.append(_list_cells(row, tasks, figure))
    widths = [max(len(line[i]) for line in lines) for i in range(len(_COLUMNS))]
    return "\n".join(
        "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _list_cells(row: Row, tasks: int, figure: Figure) -> tuple[str, ...]:
    value, met = figure.value, row.is_met(tasks, figure)
    return (
        row.name,
        f"{tasks:,}",
        render_goal(row, tasks),
        f"{_number(value.median)} {row.unit}",
        {True: "met", False: "MISSED", None: ""}[met],
        f"{_number(value.least)}..{_number(value.greatest)}" if value.least != value.greatest else "",
        figure.absolute,
        f"{_number(figure.cpu_ratio)} ×" if figure.cpu_ratio is not None else "",
        f"{figure.memory / 1e6:,.0f} MB" if figure.memory is not None else "",
    )


def render_goal(row: Row, tasks: int) -> str:
    """``≤ 12 kB``; nothing where there is no goal."""
    goal = row.goal_at(tasks)
    return "" if goal is None else f"{'≥' if row.at_least else '≤'} {_number(goal)} {row.unit}"


def render_growth(figures: Figures) -> str:
    """How each row grows with the number of tasks."""
    width = max((len(row.name) for row in figures), default=0)
    lines = []
    for row, reached in figures.items():
        if len(reached) > 1:
            steps = " → ".join(_number(figure.value.median) for figure in reached.values())
            sizes = " → ".join(f"{tasks:,}" for tasks in reached)
            lines.append(f"{row.name.ljust(width)}  {steps} {row.unit}  (at {sizes} tasks)")
    return "\n".join(lines)


def render_missed(figures: Figures) -> str:
    """Each missed row with its cause."""
    lines = []
    for row, reached in figures.items():
        missed = [tasks for tasks, figure in reached.items() if row.is_met(tasks, figure) is False]
        if missed:
            said = ", ".join(
                f"{_number(reached[t].value.median)} {row.unit} at {t:,} tasks (goal {render_goal(row, t)})"
                for t in missed
            )
            lines += [f"{row.name}: {said}", f"  {row.title}", f"  cause: {row.cause}"]
    return "\n".join(lines) or "none"


def render_titles(figures: Figures) -> str:
    """What the names of the rows mean."""
    width = max((len(row.name) for row in figures), default=0)
    return "\n".join(f"{row.name.ljust(width)}  {row.title}" for row in figures)


def to_records(figures: Figures) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "row": row.name, "title": row.title, "tasks": tasks, "unit": row.unit, "goal": row.goal_at(tasks),
            "at_least": row.at_least, "met": row.is_met(tasks, figure), "median": figure.value.median,
            "least": figure.value.least, "greatest": figure.value.greatest, "absolute": figure.absolute,
            "cpu_ratio": figure.cpu_ratio, "memory_bytes": figure.memory,
        }
        for row, reached in figures.items()
        for tasks, figure in reached.items()
    ]  # fmt: skip


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"
