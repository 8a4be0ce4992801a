"""Sixteen processes that edit equal and different fields of the same and of other tasks: every acknowledged edit is in
history, no commit mixes two writers' changes, nothing is left over. And upkeep by two at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.cli import SOURCE, Baton
from support.hermetic_git import git_environment
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("edit.none-lost")

WRITERS = 16
SECONDS = 30.0 if os.environ.get("GITBATON_SOAK") else 6.0
#: One writer: after the word, edits in turn a field that all write, one of its own in a shared task, and a task of its
#: own, until the time is up; says what was acknowledged.
SCRIPT = """
import json, sys, time
from pathlib import Path
from gitbaton.wiring import open_project
from gitbaton.errors import TryAgain
from gitbaton.usecases.tasks import update_task

me, seconds = sys.argv[1], float(sys.argv[2])
open_project(Path.cwd())
print("ready", flush=True)
sys.stdin.readline()
end, n, done = time.monotonic() + seconds, 0, []
while time.monotonic() < end or n < 3:
    n += 1
    task, field = [("shared", "title"), ("shared", f"x-{me}"), (f"own-{me}", "title")][n % 3]
    try:
        written = update_task(open_project(Path.cwd()), task, fields={field: f"{me} {n}"})
    except TryAgain:
        continue
    done.append([written.edited.commit, task, field, f"{me} {n}"])
print(json.dumps(done), flush=True)
"""


def start(work: Checkout, me: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(me), str(SECONDS)],
        cwd=work.path,
        env={**git_environment(), "PYTHONPATH": SOURCE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.timeout(600)
def test_sixteen_processes_edit_what_they_like(tmp_path: Path) -> None:
    files: dict[str, str | bytes | None] = {f"tasks/own-{n}.yaml": "title: Own\n" for n in range(WRITERS)}
    work = make_repository(tmp_path, {**files, "tasks/shared.yaml": "title: Shared\nx-mine: kept\n"})
    first = work.head()
    writers = [start(work, n) for n in range(WRITERS)]
    for writer in writers:
        assert writer.stdout
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin
        writer.stdin.write("go\n")
        writer.stdin.flush()
    acknowledged = []
    for writer in writers:
        out, _ = writer.communicate()
        assert writer.returncode == 0
        acknowledged += json.loads(out)
    assert len(acknowledged) >= WRITERS * 3

    history = work.git("log", "--format=%H", f"{first}..HEAD").splitlines()
    assert sorted(history) == sorted(commit for commit, *_ in acknowledged), "exactly what was acknowledged"
    last: dict[tuple[str, str], str] = {}
    told = {commit: rest for commit, *rest in acknowledged}
    for commit in reversed(history):
        task, field, value = told[commit]
        changed = work.git("show", "--format=", "--unified=0", commit).splitlines()
        added = [line for line in changed if line.startswith("+") and not line.startswith("+++")]
        assert added == [f"+{field}: {value}"], "one commit, one writer's change"
        assert f"+++ b/tasks/{task}.yaml" in changed
        last[task, field] = value
    for (task, field), value in last.items():
        assert f"{field}: {value}\n" in work.read(f"tasks/{task}.yaml")
    assert "x-mine: kept\n" in work.read("tasks/shared.yaml")
    assert work.status() == ""
    assert [p for p in (work.path / ".git").rglob("*.lock") if p.name != "write.lock"] == []


@pytest.mark.parametrize("words", [("archive", "a", "b"), ("doctor", "--fix")], ids=lambda w: w[0])
def test_upkeep_by_two_at_once(words: tuple[str, ...], tmp_path: Path) -> None:
    work = make_repository(
        tmp_path, {f"tasks/{n}.yaml": f"title: {n}\nstatus: done\n" for n in "abc"}, remote=True
    )
    here = Baton(work.path, tmp_path / "home")
    both = [
        subprocess.Popen(
            [sys.executable, "-m", "gitbaton", *words],
            cwd=work.path,
            env={**here.environment(), "PYTHONPATH": SOURCE},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for one in both:
        said, _ = one.communicate()
        assert one.returncode in (0, 75), said
    here(*words)
    assert len(work.git("ls-files", "tasks/*.yaml").splitlines()) == 3
    assert work.status() in ("", "?? .gitattributes")
    assert here("validate")


@pytest.mark.promise("merge.none-lost")
def test_two_merges_in_two_worktrees_at_once(tmp_path: Path) -> None:
    """Git runs the merge driver for both; each field comes from where it changed."""
    work = make_repository(tmp_path, {"tasks/a.yaml": "title: A\npriority: low\nlabels: [x]\n"})
    Baton(work.path, tmp_path / "home")("init")
    work.commit()
    work.git(
        "config",
        "merge.baton.driver",
        f"PYTHONPATH={SOURCE} {sys.executable} -P -m gitbaton merge-file %O %A %B %P",
    )
    for name in ("one", "two"):
        work.git("branch", name)
        work.git("worktree", "add", "--quiet", f"../{name}", name)
        Checkout(tmp_path / name).commit({"tasks/a.yaml": f"title: A\npriority: low\nlabels: [x, {name}]\n"})
    work.commit({"tasks/a.yaml": "title: A\npriority: high\nlabels: [x, main]\n"})
    both = [
        subprocess.Popen(
            ["git", "merge", "--quiet", "--no-edit", "main"], cwd=tmp_path / name, env=git_environment()
        )
        for name in ("one", "two")
    ]
    assert [one.wait() for one in both] == [0, 0]
    for name in ("one", "two"):
        text = Checkout(tmp_path / name).read("tasks/a.yaml")
        assert "priority: high" in text
        assert "main" in text
        assert name in text
