"""``baton run`` with many attempts: real processes, real repositories, programs that fail, hang and are killed."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitbaton.usecases.pool import see_refs
from gitbaton.usecases.project import load_view
from gitbaton.usecases.review import accept_task, retry_task
from gitbaton.wiring import open_project
from support.cli import SOURCE, Baton
from support.processes import find_processes
from support.repos import Checkout, make_repository
from support.state_history import read_history
from support.terminal import CTRL_C, Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What an agent does goes by the name of its task. On its second attempt everybody is good.
AGENT = """\
cat > /dev/null
touch "$MARKS/$BATON_TASK-$BATON_ATTEMPT"
if [ "$BATON_ATTEMPT" = 1 ]; then case "$BATON_TASK" in
  fail*) echo "this can't be done"; exit 1 ;;
  hang*) echo hanging; sleep 600 ;;
  die*) kill -9 $$ ;;
  kill*) kill -9 $PPID; sleep 600 ;;
  wait*) echo half > "$BATON_TASK.txt"; until [ -e "$MARKS/go" ]; do echo "waits for a sign"; sleep 0.2; done ;;
  stubborn*) trap '' TERM; echo half > "$BATON_TASK.txt"; setsid sh -c 'trap "" TERM; sleep 600' &
    while :; do echo "deaf to signals"; sleep 0.5; done ;;
esac; fi
echo "$BATON_TASK" > "$BATON_TASK.txt"
echo '{"summary": "Wrote it.", "usage": {"turns": 3, "cost_usd": 0.25}}' > "$BATON_RESULT"
"""
CONFIG = """\
base: main
agent: script
agents:
  script: {{adapter: command, command: [sh, tools/agent.sh], env: [MARKS]}}
  ghost: {{adapter: command, command: [ghost]}}
retries: {{attempts: {attempts}, backoff: 0.01, backoff_max: 0.01}}
timeouts: {{idle: 5}}
"""


class Fleet:
    """A repository with a remote, tasks, and pools that run there."""

    def __init__(self, folder: Path, tasks: dict[str, str], *, attempts: int = 1, more: str = "") -> None:
        files: dict[str, str | bytes | None] = {
            "tasks/config.yaml": CONFIG.format(attempts=attempts) + (more or "breaker: {failures: 99}\n"),
            "tools/agent.sh": AGENT,
            **{f"tasks/{task}.yaml": f"title: Do {task}\n{more}" for task, more in tasks.items()},
        }
        self.checkout: Checkout = make_repository(folder, files, remote=True)
        self.server = self.checkout.remote or self.checkout.path
        self.marks = folder / "marks"
        self.marks.mkdir()
        self._output = folder / "output.txt"
        self.baton = Baton(self.checkout.path, folder / "home", env={"MARKS": str(self.marks)})
        self.environment = {**self.baton.environment(), "PYTHONPATH": SOURCE}
        self.command = (sys.executable, "-m", "gitbaton")

    def terminal(self, *words: str, columns: int = 80, rows: int = 24) -> Terminal:
        """A command in a terminal."""
        env = {**self.environment, "LC_ALL": "C.UTF-8"}
        return Terminal([*self.command, *words], self.checkout.path, env, columns=columns, rows=rows)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A command in the background."""
        with self._output.open("wb") as file:
            return subprocess.Popen(
                [*self.command, *words], cwd=self.checkout.path, env=self.environment, stdout=file, stderr=subprocess.STDOUT
            )  # fmt: skip

    def said(self) -> str:
        """What that command has printed."""
        return self._output.read_text(encoding="utf-8")

    def states(self) -> dict[str, str]:
        project = open_project(self.checkout.path, self.environment)
        entries = load_view(project.fetched(), local=False).board.entries
        return {task: entry.state for task, entry in entries.items()}

    def survivors(self) -> list[int]:
        """Processes of pools, members and agents of this repository that still run."""
        return [pid for pid in find_processes("") if _is_ours(pid, str(self.checkout.path.parent))]


def _is_ours(pid: int, folder: str) -> bool:
    try:
        return folder.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def until(seen: Callable[[], bool], within_s: float = 120.0) -> None:
    deadline = time.monotonic() + within_s
    while not seen():
        assert time.monotonic() < deadline, "that doesn't happen"
        time.sleep(0.1)


def diamond() -> dict[str, str]:
    """40 tasks: one, then more and more, then fewer and fewer, then one; each after two of those before."""
    names = iter(
        ["top", "fail-1", "a", "hang-1", "b", "c", "die-1", "d", "e", "kill-1", "f", "fail-2", "g", "h", "i", "j", "k"]
        + [f"m{n}" for n in range(11)] + ["fail-3", "kill-2", "n", "o", "p", "q", "fail-4", "r", "s", "t", "u", "end"]
    )  # fmt: skip
    tasks: dict[str, str] = {}
    before: list[str] = []
    for width in (1, 5, 14, 14, 5, 1):
        layer = [next(names) for _ in range(width)]
        for n, task in enumerate(layer):
            needs = before if width == 1 else sorted({before[n % len(before)], before[(n + 1) % len(before)]})
            tasks[task] = f"depends_on: [{', '.join(needs)}]\n" if needs else ""
        before = layer
    assert len(tasks) == 40
    return tasks


def test_a_diamond_of_forty_tasks_is_merged_once_each(tmp_path: Path) -> None:
    """Agents fail, hang and die; two members and once the whole pool are killed; somebody accepts what is in review."""
    fleet = Fleet(tmp_path, diamond(), attempts=4)
    words = ("run", "--parallel", "4", "--until-empty", "--keep-going", "--watch", "--json")
    project = open_project(fleet.checkout.path, fleet.environment)
    pool, seen, killed, states = fleet.start(*words), 0, False, fleet.states()
    cut: set[str] = set()  # tasks whose first attempt, which was to fail, may have ended with the pool
    deadline = time.monotonic() + 400
    while set(states.values()) != {"done"}:
        assert time.monotonic() < deadline, states
        if pool.poll() is not None:  # all was in review: nothing could be claimed, and nothing ran
            pool = fleet.start(*words)
        if seen == (seen := see_refs(project)):
            time.sleep(0.1)
            continue
        states = fleet.states()
        for task in [t for t, s in states.items() if s == "in_review"]:
            accept_task(project, task)
        if not killed and list(states.values()).count("done") >= 12:
            killed = True
            pool.kill()
            pool.wait()
            until(lambda: not fleet.survivors())
            for task, state in fleet.states().items():
                assert state != "in_progress", task
                if state == "stopped":
                    cut.add(task)
                    retry_task(project, task, None)
    pool.send_signal(signal.SIGTERM)
    pool.wait(120)
    for task in diamond():
        events = [state.event.name for state in read_history(fleet.server, task)]
        assert events.count("merged") == 1, task
        assert events[-1] == "merged", task
        if task.startswith(("fail", "hang", "die", "kill")):
            assert "failed" in events or task in cut, task
    main = fleet.checkout.git("--git-dir", str(fleet.server), "log", "--first-parent", "--format=%s", "main")
    assert main.count("\n") == 40, "the beginning, and 40 merges"
    files = fleet.checkout.git("--git-dir", str(fleet.server), "ls-tree", "--name-only", "main").split()
    assert {name for name in files if name.endswith(".txt")} == {f"{task}.txt" for task in diamond()}
    crashed = read_history(fleet.server, "kill-1")[-1].attempts[0]
    assert (crashed.outcome, "runner ended with signal 9" in (crashed.message or "")) == ("crashed", True)
    until(lambda: not fleet.survivors())


@pytest.fixture
def four(tmp_path: Path) -> Iterator[Fleet]:
    tasks = {"fail-a": "priority: critical\n", "good": "priority: high\n", "stubborn": "", "wait": ""}
    fleet = Fleet(tmp_path, tasks)
    yield fleet
    until(lambda: not fleet.survivors())


def test_ctrl_c_ends_all_and_keeps_their_work(four: Fleet) -> None:
    with four.terminal(
        "run", "--parallel", "3", "--until-empty", "--keep-going", columns=100, rows=20
    ) as term:
        shows = ("deaf to signals", "waits for a sign", "(Ctrl-C stops)")  # the last line is drawn last
        term.until(lambda s: all(words in s.text for words in shows))
        text = re.sub(r"(\d+m )?\d+(\.\d)?s\b", "0s", term.screen.text)
        shown = re.sub(r" {3,}", "   ", text).splitlines()
        assert shown == [
            "✘ fail-a  agent error: sh ended with exit code 1: this can't be done  [0s]",
            "  see why: baton logs fail-a; try again: baton retry fail-a",
            "✔ good  in review: unverified: no checks are configured  [3 turns, $0.25, 0s]",
            "  stubborn  deaf to signals   0s",
            "  wait   waits for a sign   0s",
            "2 running, 2 done (1 in review, 1 failed), $0.25, 0s  (Ctrl-C stops)",
        ]
        term.press(CTRL_C)
        term.until(lambda s: "stopping: agents are asked to end" in s.text)
        assert term.wait() == 130
        assert "2 waiting for a person" in term.screen.text
        assert term.screen.text.endswith("ended: interrupted"), "the block is gone, what was said stays"
    assert four.states() == {
        "fail-a": "failed",
        "good": "in_review",
        "stubborn": "stopped",
        "wait": "stopped",
    }
    for task in ("stubborn", "wait"):
        at = f"baton/{task}:{task}.txt"
        assert four.checkout.git("--git-dir", str(four.server), "show", at) == "half"


def test_ctrl_c_twice_ends_all_at_once(four: Fleet) -> None:
    with four.terminal("run", "stubborn", "wait", "--parallel", "2", "--watch") as term:
        term.until(lambda s: "deaf to signals" in s.text and "waits for a sign" in s.text)
        term.press(CTRL_C)
        term.until(lambda s: "stopping: agents are asked to end" in s.text)
        term.press(CTRL_C)
        assert term.wait() == 130
    assert four.survivors() == []
    assert four.states()["wait"] == "stopped"


def test_records_and_exit_codes(tmp_path: Path) -> None:
    """One bad task never stops the others; how many there are, and when it ends, goes by the options."""
    tasks = {
        "fail": "priority: critical\n", "broken": "priority: critical\nrun: {agent: ghost}\n", "good-1": "labels: [x]\n",
        "good-2": "service: api\n", "late": "depends_on: [good-1]\n",
    }  # fmt: skip
    fleet = Fleet(tmp_path, tasks)
    baton = fleet.baton

    said = baton("run", "--json", "--until-empty", code=4)
    answer = said.record
    assert (answer["kind"], answer["started"], answer["failed"]) == ("runs", 1, 1), "a failure stops it"
    assert [(e["code"], e["data"]["task"]) for e in answer["errors"]] == [("program-missing", "broken")]
    kinds = [json.loads(line)["kind"] for line in said.err.splitlines()]
    assert "note" in kinds[:2]
    assert "claimed" in kinds
    assert kinds[-1] == "ended"

    one = baton.json("run", "--max", "1", "--only-label", "x")
    assert [(r["kind"], r["task"]["id"], r["outcome"]) for r in one["runs"]] == [
        ("run", "good-1", "succeeded")
    ]
    assert (one["reason"], one["errors"]) == ("as many were started as were asked for", [])

    named = baton.json("run", "good-2", "late", code=1)
    assert [r["task"]["id"] for r in named["runs"]] == ["good-2"]
    assert [(e["code"], e["data"]["blocked_by"]) for e in named["errors"]] == [("not-claimable", ["good-1"])]

    assert baton("run", "--watch", "--until-empty", "--plan", "p", code=3).out == "no task is like that\n"
    assert baton("run", "--parallel", "2", code=1).out.startswith("broken: the program ghost was not found")


def test_bounds_hold_in_a_pool_and_are_said_once(tmp_path: Path) -> None:
    tasks = {f"wait-{n}": "" for n in range(5)}
    fleet = Fleet(tmp_path, tasks, more="caps: {running: 2, open_reviews: 3}\n")
    pool = fleet.start("run", "--parallel", "4", "--until-empty")
    until(lambda: len(list(fleet.marks.iterdir())) == 2)
    until(lambda: "caps.running" in fleet.said())
    (fleet.marks / "go").touch()
    assert pool.wait(120) == 0
    said = fleet.said()
    assert said.count("as many attempts run as may (caps.running: 2)") == 1
    assert said.endswith("ended: as many tasks wait for review as may (caps.open_reviews: 3)\n")
    assert list(fleet.states().values()).count("in_review") in (3, 4), "two may have begun when one was free"


def test_the_breaker_pauses_a_pool_until_a_probe_went_well(tmp_path: Path) -> None:
    breaker = "breaker: {failures: 1, cooldown: %s}\n"
    fleet = Fleet(tmp_path, {"kill": "", "a": "", "b": "", "c": ""}, more=breaker % "1h")
    killed = fleet.baton("run", "kill", "--keep-going", code=4)
    assert "FAILED  its runner ended with signal 9" in killed.out
    pool = fleet.start("run", "--parallel", "2", "--until-empty", "--watch")
    until(lambda: "the last attempt failed for a reason outside the tasks" in fleet.said())
    settings = fleet.checkout.read("tasks/config.yaml").replace("1h", "1")
    fleet.checkout.commit({"tasks/config.yaml": settings}, "Be quick", push=True)  # which the pool hears of
    assert pool.wait(120) == 0
    assert fleet.said().count("the last attempt failed") == 1
    attempts = (read_history(fleet.server, task)[-1].attempts[0] for task in "abc")
    probe, *others = sorted(attempts, key=lambda a: a.started)
    assert probe.ended
    assert all(other.started >= probe.ended for other in others), "the probe was alone"
    assert list(fleet.states().values()) == ["in_review"] * 3 + ["failed"]
