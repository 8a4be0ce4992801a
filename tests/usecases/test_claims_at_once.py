"""Many claimers at once, each a process in a clone of its own, over both transports."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from support.cli import SOURCE
from support.git_http import GitHttpServer
from support.hermetic_git import git, git_environment
from support.nasty import SOAK
from support.repos import Checkout, make_repository
from support.state_history import list_tasks_with_state, read_events, read_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.promise("claim.one-winner")

CONFIG = "base: main\n"
FORK = """
import json, os, sys
import gitbaton.cli.runs, gitbaton.usecases.contest, gitbaton.wiring
from gitbaton.cli import main

answers, words, *folders = sys.argv[1:]
gate, opening = os.pipe()
children = []
for number, folder in enumerate(folders):
    child = os.fork()
    if child:
        children.append((number, child))
        continue
    os.close(opening)
    os.chdir(folder)
    os.environ["BATON_ACTOR"] = f"{os.path.basename(folder)}-{number}"
    for stream, kind in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{answers}/{number}.{kind}", os.O_WRONLY | os.O_CREAT), stream)
    os.read(gate, 1)  # until the parent lets go of the other end
    code = main(["claim", *json.loads(words), "--json"])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
sys.stdin.readline()
os.close(opening)
for number, child in children:
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with open(f"{answers}/{number}.code", "w") as file:
        file.write(str(code))
"""


@pytest.fixture(params=["file", "http"])
def serve(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """(bare repository, its URL) with nothing in it yet."""
    with GitHttpServer(tmp_path / "served") as server:
        url = server.create("work.git")
        bare = server.root / "work.git"
        yield bare, bare.as_uri() if request.param == "file" else url


def seed(folder: Path, bare: Path, tasks: int, config: str = CONFIG, body: str = "") -> None:
    """Push ``tasks`` ready tasks."""
    work = make_repository(folder, name="seed")
    work.git("remote", "add", "origin", str(bare))
    files: dict[str, str | bytes | None] = {
        f"tasks/t{n}.yaml": f"title: Task {n}\n{body.format(n=n)}" for n in range(tasks)
    }
    work.commit({**files, "tasks/config.yaml": config}, push=True)


def make_clones(folder: Path, url: str, count: int) -> list[Checkout]:
    """``count`` clones of ``url``: one, and copies of it."""
    git(folder, "clone", "--quiet", url, "clone0")
    for n in range(1, count):
        shutil.copytree(folder / "clone0", folder / f"clone{n}")
    return [Checkout(folder / f"clone{n}") for n in range(count)]


def claim_at_once(clones: list[Checkout], *words: str) -> list[tuple[int, dict[str, Any]]]:
    """Run ``baton claim --json`` in all clones at the same moment: exit code and answer of each. One process loads
    the program and forks, so that none has a start on the others.
    """
    answers = clones[0].path.parent / "answers"
    answers.mkdir()
    started = subprocess.Popen(
        [sys.executable, "-c", FORK, str(answers), json.dumps(words), *(str(clone.path) for clone in clones)],
        env={**git_environment(), "PYTHONPATH": SOURCE},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _, err = started.communicate("go\n", timeout=280)
    assert started.returncode == 0, err
    found = []
    for number in range(len(clones)):
        code = int((answers / f"{number}.code").read_text())
        out, err = ((answers / f"{number}.{kind}").read_text() for kind in ("out", "err"))
        assert code in (0, 1, 3, 75), err
        found.append((code, json.loads(out or err)))
    return found


@pytest.mark.promise("claim.loser-takes-next")
def test_sixteen_clones_claim_eight_tasks(serve: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = serve
    seed(tmp_path, bare, 8)
    clones = make_clones(tmp_path, url, 16)
    answers = claim_at_once(clones)
    won = [answer for code, answer in answers if code == 0]
    lost = [answer for code, answer in answers if code == 3]
    assert len(won) + len(lost) == 16
    assert sorted(answer["task"]["id"] for answer in won) == [f"t{n}" for n in range(8)]
    for answer in lost:
        assert (answer["kind"], answer["task"]) == ("claim", None)
        assert answer["reason"] == "no task is ready: 8 in progress"

    holders = {}
    for task in list_tasks_with_state(bare):
        (state,) = read_history(bare, task)
        assert state.claimed_by
        holders[task] = (state.claimed_by.name, state.run)
    runs = {answer["task"]["id"]: answer["run"] for answer in won}
    assert {task: run for task, (_, run) in holders.items()} == runs
    assert len({name for name, _ in holders.values()}) == 8, "eight different clones"


@pytest.mark.parametrize("serve", ["http"], indirect=True)
def test_one_task_that_everybody_wants(serve: tuple[Path, str], tmp_path: Path) -> None:
    bare, url = serve
    seed(tmp_path, bare, 3)
    answers = claim_at_once(make_clones(tmp_path, url, 8), "t1")
    assert sorted(code for code, _ in answers) == [0] + [1] * 7
    assert {answer["code"] for code, answer in answers if code} <= {"already-claimed", "not-claimable"}
    assert list_tasks_with_state(bare) == ["t1"]
    assert read_events(bare, "t1") == ["claimed"]


@pytest.mark.promise("cap.never-passed")
@pytest.mark.parametrize("serve", ["file"], indirect=True)
def test_a_cap_holds_and_lets_somebody_through(serve: tuple[Path, str], tmp_path: Path) -> None:
    """Nobody stays who sees the cap passed, so whoever got a task counts among at most three."""
    bare, url = serve
    seed(tmp_path, bare, 12, CONFIG + "caps: {running: 3}\n")
    answers = claim_at_once(make_clones(tmp_path, url, 12))
    won = {answer["task"]["id"]: answer["run"] for code, answer in answers if code == 0}
    assert 1 <= len(won) <= 3
    assert all("(caps.running: 3)" in answer["reason"] for code, answer in answers if code == 3)
    held = {}
    for task in list_tasks_with_state(bare):
        history = read_history(bare, task)
        if history[-1].status == "in_progress":
            held[task] = history[-1].run
        else:
            assert (history[-1].status, history[-1].attempt, history[-1].attempts) == ("open", 0, ())
    assert held == won, "who was told to have a task has it, and nobody else"


@pytest.mark.promise("cap.after-claim")
def test_overlapping_paths(tmp_path: Path) -> None:
    bare = tmp_path / "work.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    seed(tmp_path, bare, 6, body="paths: ['src/{n}/**', 'src/shared.py']\n")
    answers = claim_at_once(make_clones(tmp_path, bare.as_uri(), 6))
    assert [code for code, _ in answers].count(0) == 1
    states = [read_history(bare, task)[-1].status for task in list_tasks_with_state(bare)]
    assert states.count("in_progress") == 1
    assert set(states) <= {"in_progress", "open"}


# -- sixty-four ------------------------------------------------------------------------------------------------


@pytest.mark.promise("claim.one-winner")
def test_sixty_four_processes_claim_sixteen_tasks(serve: tuple[Path, str], tmp_path: Path) -> None:
    """Eight processes in each of eight clones, as a fleet on few machines. Whoever was told to have a task has it."""
    bare, url = serve
    seed(tmp_path, bare, 16)
    answers = claim_at_once(make_clones(tmp_path, url, 8) * 8)
    won = {answer["task"]["id"]: answer["run"] for code, answer in answers if code == 0}
    codes = [code for code, _ in answers]
    assert len(codes) == 64
    assert set(codes) <= {0, 3, 75}
    assert codes.count(0) == len(won) == 16, codes
    assert {task: read_history(bare, task)[-1].run for task in list_tasks_with_state(bare)} == won
    assert all(read_events(bare, task) == ["claimed"] for task in won)


@pytest.mark.promise("cap.never-passed")
@pytest.mark.parametrize("serve", ["http"], indirect=True)
def test_many_processes_and_a_cap(serve: tuple[Path, str], tmp_path: Path) -> None:
    """Nobody is told to have more than five; those who gave theirs back left no attempt. Each of them sees each other's
    claim, so twice as many processes take four times as long: sixteen here, sixty-four in a soak.
    """
    bare, url = serve
    seed(tmp_path, bare, 64, CONFIG + "caps: {running: 5}\n")
    answers = claim_at_once(make_clones(tmp_path, url, 8) * (8 if SOAK else 2))
    won = {answer["task"]["id"]: answer["run"] for code, answer in answers if code == 0}
    assert {code for code, _ in answers} <= {0, 3, 75}
    assert 1 <= len(won) <= 5
    held = {}
    for task in list_tasks_with_state(bare):
        last = read_history(bare, task)[-1]
        if last.status == "in_progress":
            held[task] = last.run
        else:
            assert (last.status, last.attempt) == ("open", 0)
    gave_up = [answer for code, answer in answers if code == 75]
    assert set(won.items()) <= set(held.items())
    assert len(held) - len(won) <= len(gave_up), "a claim stayed of which its holder knows nothing"
