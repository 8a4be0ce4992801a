"""The benchmarks measure what they say they do, and run."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import gitbaton.store.layout as layout_of_ours
import report
from generate import (
    Form,
    iter_tasks,
    make_repository,
    render_by_hand,
    render_past,
    render_state,
    render_task,
    task_path,
)
from gitbaton.domain.state import State
from gitbaton.domain.task import Task
from gitbaton.store.documents import parse_document, render_document
from gitbaton.store.schemas import field_order
from gitbaton.store.yamlwrite import render_yaml
from installed import CHECKOUT
from measure import Side, Spread, compare, make_environment, peak_memory
from row import Figure
from run import ROWS
from support.cli import Baton

if TYPE_CHECKING:
    from pathlib import Path

SOME = list(iter_tasks(300))


@pytest.mark.parametrize("layout", ["flat", "shard"])
def test_tasks_have_the_form_and_the_place_of_new_ones(layout: layout_of_ours.Layout) -> None:
    for task in SOME:
        path = task_path(task.id, layout)
        assert path == layout_of_ours.task_path(task.id, layout)
        text = render_task(task, path).encode()
        said = parse_document(text, path, Task, "task").model_dump(mode="json", exclude_unset=True)
        said["acceptance"] = [criterion["text"] for criterion in said["acceptance"]]
        assert render_document(said, path, "task") == text


def test_what_is_written_by_hand_says_the_same() -> None:
    for task in SOME:
        ours = parse_document(render_task(task, "tasks/a.yaml").encode(), "tasks/a.yaml", Task, "task")
        text = render_by_hand(task).encode()
        theirs = parse_document(text, "tasks/a.yaml", Task, "task")
        assert theirs.model_copy(update={"description": ours.description}) == ours
        assert text != render_document(
            ours.model_dump(mode="json", exclude_unset=True), "tasks/a.yaml", "task"
        )


def test_states_have_the_form_in_which_we_write_them() -> None:
    for written in (render_state("fix-login-000007"), *render_past("fix-login-000007", 7, 600, 3600)):
        text = written.encode()
        state = parse_document(text, "state.yaml", State, "state")
        value = {"version": 1, **state.model_dump(mode="json", exclude_defaults=True)}
        assert render_yaml(value, order=field_order("state")).encode() == text


def test_the_crowd_is_as_described() -> None:
    tasks = list(iter_tasks(2_000))
    assert tasks == list(iter_tasks(2_000))
    assert 1.4 < statistics.mean(len(task.depends_on) for task in tasks) < 1.6
    assert sum(task.status == "done" for task in tasks) == 1_200
    assert sum(task.running for task in tasks) == 40
    assert 600 < statistics.mean(len(task.description) for task in tasks) < 700
    done = {task.id for task in tasks if task.status == "done"}
    assert all(done.issuperset(task.depends_on) for task in tasks if task.status == "done" or task.running)


@pytest.mark.parametrize("remote", [False, True])
def test_a_repository_knows_what_is_ready(tmp_path: Path, *, remote: bool) -> None:
    env = make_environment(tmp_path / "home")
    made = make_repository(tmp_path, Form(100, others=250, remote=remote), env)
    baton = Baton(made.top, tmp_path / "home")
    assert {task["id"] for task in baton.json("list", "--ready")["tasks"]} == set(made.ready)
    assert {task["id"] for task in baton.json("list", "--state", "in_progress")["tasks"]} == set(made.running)
    assert len(made.running) == 2
    assert len(list((made.top / "src").rglob("*.py"))) == 250
    baton("validate")


def test_sides_are_measured_in_turns(tmp_path: Path) -> None:
    said = tmp_path / "said"
    sides = [Side(tmp_path, [("sh", "-c", f"echo {name} >> {said}"), ("sleep", f"{wait}")]) for name, wait in (("a", 0.2), ("b", 0.1))]  # fmt: skip
    found = compare(sides, make_environment(tmp_path / "home"), 2)
    assert said.read_text().split() == ["a", "b"] * 3
    assert 1 < found.ratio.least <= found.ratio.median <= found.ratio.greatest


def test_a_command_that_fails_is_no_figure(tmp_path: Path) -> None:
    side = Side(tmp_path, [("sh", "-c", "echo no tasks here >&2; exit 3")])
    with pytest.raises(RuntimeError, match="exit 3: no tasks here"):
        compare([side, side], make_environment(tmp_path / "home"), 1)


def test_peak_memory_is_that_of_the_command_alone(tmp_path: Path) -> None:
    env = make_environment(tmp_path / "home")
    assert len(bytearray(200_000_000)) == 200_000_000  # this process is large
    small = peak_memory(["true"], tmp_path, env)
    large = peak_memory([sys.executable, "-c", "bytearray(80_000_000)"], tmp_path, env)
    assert small < 30_000_000
    assert 80_000_000 < large < 150_000_000


def test_the_report_names_what_was_missed_and_why() -> None:
    row = replace(ROWS[0], name="a", unit="×", goals={10: 2.0}, cause="the moon was full")
    other = replace(row, name="b", goals={10: 1.0}, at_least=True, cause="never told")
    figures = {
        row: {1: Figure(Spread.of([9.0]), "x"), 10: Figure(Spread.of([2.5, 3.0, 3.5]), "x", 2.0, 12_000_000)},
        other: {10: Figure(Spread.of([1.5]), "x")},
    }
    table = [line.split() for line in report.render_table(figures).splitlines()]
    assert table[1:] == [
        ["a", "1", "9", "×", "x"],
        ["a", "10", "≤", "2", "×", "3", "×", "MISSED", "2.5..3.5", "x", "2", "×", "12", "MB"],
        ["b", "10", "≥", "1", "×", "1.5", "×", "met", "x"],
    ]
    missed = report.render_missed(figures)
    assert "a: 3 × at 10 tasks (goal ≤ 2 ×)" in missed
    assert "the moon was full" in missed
    assert "never told" not in missed
    assert report.render_growth(figures) == "a  9 → 3 ×  (at 1 → 10 tasks)"


@pytest.mark.timeout(
    900
)  # half a minute of work, but of some fifty processes, which wait for others on a busy machine
def test_all_rows_can_be_measured(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, CHECKOUT / "benchmarks/run.py", "--quick", "--sizes", "100", "--rounds", "1",
         "--folder", tmp_path, "--json", file],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    figures = json.loads(file.read_text())["figures"]
    assert [figure["row"] for figure in figures] == [row.name for row in ROWS]
    assert all(
        figure["median"] > 0 for figure in figures if figure["row"] not in ("writers.lost", "writers.mixed")
    )
    assert {f["row"]: f["median"] for f in figures if f["row"] in ("writers.lost", "writers.mixed")} == {
        "writers.lost": 0,
        "writers.mixed": 0,
    }
    assert list(tmp_path.iterdir()) == [file]
