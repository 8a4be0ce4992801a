"""``baton logs -f``: what an attempt does, as it does it, to its end."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from support.cli import SOURCE, Baton
from support.repos import make_repository

if TYPE_CHECKING:
    from pathlib import Path

#: Says that it is there, and waits until it is told to end.
AGENT = 'cat > /dev/null; echo "at work"; touch "{folder}/begun"; while [ ! -e "{folder}/go" ]; do sleep 0.05; done; echo > done.txt'


def start(baton: Baton, *words: str) -> subprocess.Popen[str]:
    env = {**baton.environment(), "PYTHONPATH": SOURCE}
    command = [sys.executable, "-m", "gitbaton", *words]
    return subprocess.Popen(
        command, cwd=baton.folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    assert process.stdout
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} did not come: {lines}")


def test_a_log_is_followed_until_the_attempt_has_ended(tmp_path: Path) -> None:
    agent = AGENT.format(folder=tmp_path)
    config = f"base: main\nagent: slow\nagents:\n  slow: {{adapter: command, command: [sh, -c, '{agent}']}}\n"
    repo = make_repository(tmp_path, {"tasks/config.yaml": config, "tasks/a.yaml": "title: A\n"})
    baton = Baton(repo.path, tmp_path / "home")
    with start(baton, "run", "a") as run:
        read_until(run, "at work")
        with (
            start(baton, "logs", "a", "-f") as followed,
            start(baton, "logs", "a", "--follow", "--raw") as raw,
        ):
            assert "claim" in read_until(followed, "at work")[0]
            read_until(raw, "at work")
            (tmp_path / "go").touch()
            assert read_until(followed, "review it with")
            assert followed.wait(60) == 0
            assert any('"type": "runner"' in line for line in read_until(raw, "review it with"))
            assert raw.wait(60) == 0
        assert run.wait(60) == 0
    assert baton("logs", "a", "-f").out == baton("logs", "a").out
    record = baton.json("logs", "a", "--follow")
    assert (record["kind"], record["events"][-1]["kind"]) == ("log", "review")


def test_a_dead_runner_ends_it(tmp_path: Path) -> None:
    agent = AGENT.format(folder=tmp_path)
    config = f"base: main\nagent: slow\nagents:\n  slow: {{adapter: command, command: [sh, -c, '{agent}']}}\n"
    repo = make_repository(tmp_path, {"tasks/config.yaml": config, "tasks/a.yaml": "title: A\n"})
    baton = Baton(repo.path, tmp_path / "home")
    with start(baton, "run", "a") as run:
        read_until(run, "at work")
        with start(baton, "logs", "a", "-f") as followed:
            read_until(followed, "at work")
            run.kill()
            assert followed.wait(60) == 0
    (tmp_path / "go").touch()
