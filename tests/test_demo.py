"""``baton demo``, as strangers run it: on machines where nothing is set up, in a pipe, with Ctrl-C, with Claude Code."""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from gitbaton.demo.stage import build_stage
from support.claude_binary import find_claude_binary
from support.cli import SOURCE
from support.hermetic_git import git
from support.model_server import ModelServer, Script, Step
from support.processes import find_processes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from support.model_server import Request

TASKS = ("read-durations", "read-entries", "sum-projects", "find-busiest-day", "print-report")
#: What a reader comes by, in this order; the rest may change.
LANDMARKS = (
    "A scripted stand-in plays the coding agent: no model, no API key",
    "1. A plan is a few task files",
    "$ baton list",
    "read-durations    ready",
    "$ cat tasks/read-durations.yaml",
    "title: Read durations such as 1h30m",
    "$ baton run",
    "claim   read-durations: Read durations such as 1h30m (attempt 1;",
    "prepare private clone at ",
    "agent   a script, not a model, reads its briefing",
    "check   tests failed in",
    "ValueError: '2h' is no duration such as 1h30m",
    "end     checks failed: tests did not pass",
    "failed   1  read-durations",
    '$ baton retry read-durations --guidance "Hours or minutes may be missing',
    "ready    1  read-durations",
    "$ baton run read-durations",
    "claim   read-durations: Read durations such as 1h30m (attempt 2;",
    "agent   a script, not a model, reads the guidance: Hours or minutes may be missing",
    "end     succeeded: 1 check passed",
    "in review  1  read-durations",
    "$ baton review read-durations --stat",
    "A  +14  -0  hours/durations.py",
    "$ baton accept read-durations",
    "ready now: read-entries",
    "done     1  read-durations",
    "claim   read-entries: Read the entries of a log (attempt 1;",
    '$ baton reject read-entries --guidance "An error must name the line',
    "changes requested  1  read-entries",
    "claim   read-entries: Read the entries of a log (attempt 2; a reviewer asked for changes",
    "agent   a script, not a model, reads the guidance: An error must name the line",
    "$ baton accept read-entries",
    "ready now: find-busiest-day, sum-projects",
    "$ baton run & baton run & wait",
    "in review  2  find-busiest-day, sum-projects",
    "$ baton accept find-busiest-day",
    "$ baton accept sum-projects",
    "ready now: print-report",
    "$ baton accept print-report",
    "done  5  find-busiest-day, print-report, read-durations, read-entries, sum-projects",
    "$ git clone ",
    "Merge baton/print-report: Print the report",
    "Ran 12 tests in ",
    "OK",
    "website                  7h15m",
    "5 tasks merged, in ",
    "In a repository of your own:",
    "baton init",
)


def demo(
    *words: str, folder: Path, env: Mapping[str, str], python: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """Run the demo in ``folder`` with nothing but ``env``, a PATH, and this source."""
    return subprocess.run(
        [python, "-m", "gitbaton", "demo", *words],
        cwd=folder, env={"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, **env},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def read_states(server: Path) -> dict[str, dict[str, Any]]:
    """The live state of every task, as it stands on the server."""
    return {
        task: yaml.safe_load(git(server, "show", f"refs/baton/tasks/{task}:state.yaml")) for task in TASKS
    }


def assert_all_merged(server: Path) -> None:
    for task in TASKS:
        text = git(server, "show", f"main:tasks/{task}.yaml")
        assert yaml.safe_load(text)["status"] == "done", task
        assert git(server, "merge-base", "--is-ancestor", f"baton/{task}", "main") == ""
    assert {state["status"] for state in read_states(server).values()} == {"merged"}


def test_on_a_machine_where_nothing_is_set_up(tmp_path: Path) -> None:
    """No git identity, no HOME that could be written to, no repository around, odd letters in the path, an
    output that can't show them, and a Python that is not called python3.
    """
    where = tmp_path / "a stränge place"
    python = tmp_path / "sömewhere else" / "my python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    packages = os.pathsep.join([SOURCE, *(p for p in sys.path if p.endswith("site-packages"))])
    env = {"HOME": "/proc/none", "PYTHONIOENCODING": "ascii", "PYTHONPATH": packages}
    started = time.monotonic()
    done = demo("--dir", str(where), folder=Path("/"), env=env, python=str(python))
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - started < 60
    at = 0
    for landmark in LANDMARKS:
        found = done.stdout.find(landmark, at)
        assert found >= 0, f"{landmark!r} does not come after:\n{done.stdout[:at][-500:]}"
        at = found
    assert "\x1b" not in done.stdout, "no colours in a pipe"

    server = where / "server.git"
    assert_all_merged(server)
    states = read_states(server)
    outcomes = {task: [a["outcome"] for a in state["attempts"]] for task, state in states.items()}
    assert outcomes == {
        "read-durations": ["checks_failed", "succeeded"],
        "read-entries": ["succeeded", "succeeded"],
        "sum-projects": ["succeeded"],
        "find-busiest-day": ["succeeded"],
        "print-report": ["succeeded"],
    }
    kept = git(server, "for-each-ref", "--format=%(refname)", "refs/baton/attempts").splitlines()
    assert kept == sorted(f"refs/baton/attempts/{t}/{n + 1}" for t in TASKS for n in range(len(outcomes[t])))
    one, two = (states[task]["attempts"][0] for task in ("sum-projects", "find-busiest-day"))
    assert max(one["started"], two["started"]) <= min(one["ended"], two["ended"]), "they ran at the same time"
    assert git(where / "work", "status", "--porcelain") == ""
    assert git(where / "work", "rev-parse", "HEAD") == git(server, "rev-parse", "main")
    assert re.search(
        r"Hours or minutes may be\s+missing", git(server, "log", "-p", "refs/baton/tasks/read-durations")
    )


def test_the_answer_for_programs(tmp_path: Path) -> None:
    """A person's own settings and variables, however hostile, have no say."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text(
        "[commit]\n gpgsign = true\n[core]\n autocrlf = true\n hooksPath = /nonexistent\n[init]\n defaultBranch = trunk\n"
    )
    env = {
        "HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path), "GIT_DIR": "/nonexistent",
        "BATON_ATTEMPT": "1", "BATON_OUTBOX": str(tmp_path), "GITHUB_TOKEN": "ghp_x",
    }  # fmt: skip
    done = demo("--json", folder=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert (answer["kind"], answer["version"], answer["agent"], answer["merged"]) == (
        "demo",
        1,
        "scripted",
        True,
    )
    assert {t["id"]: t["state"] for t in answer["tasks"]} == dict.fromkeys(TASKS, "done")
    folder = Path(answer["folder"])
    assert folder.parent == tmp_path
    steps = answer["steps"]
    assert [s["exit_code"] for s in steps] == [0, 4] + [0] * (len(steps) - 2)
    names = " ".join(s["command"].split()[1] for s in steps)
    assert names == "list run retry run review accept run reject run accept run accept accept run accept"
    assert all(s["seconds"] >= 0 for s in steps)
    assert steps[-1]["board"] == {"done": sorted(TASKS)}
    assert [p["passed"] for p in answer["proofs"]] == [True, True, True]
    assert_all_merged(folder / "server.git")
    assert [f.name for f in (tmp_path / "home").iterdir()] == [".gitconfig"], "nothing was written at home"


def test_a_reader_who_leaves(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gitbaton", "demo", "--dir", str(tmp_path / "demo")]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert run.stdout.readline().startswith("A scripted stand-in")
        run.stdout.close()
        assert (run.wait(60), run.stderr.read()) == (130, "")


@pytest.mark.parametrize("moment", ["prepare private clone", "[2] claim"], ids=["one runner", "two runners"])
def test_ctrl_c(tmp_path: Path, moment: str) -> None:
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "gitbaton", "demo", "--dir", str(folder)]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert any(moment in line for line in run.stdout), "it ended before that moment"
        run.send_signal(signal.SIGINT)
        run.stdout.read()
        said = run.stderr.read()
        assert run.wait(60) == 130
    assert said == f"\nThe demo's folder stays for you to look at: {folder}\ninterrupted\n"
    assert not find_processes(str(folder)), "nothing of it is alive"
    stopped = [s for s in _states_now(folder / "server.git") if s["status"] == "in_progress"]
    assert not stopped, "the board says what became of the attempts"


def _states_now(server: Path) -> list[dict[str, Any]]:
    refs = git(server, "for-each-ref", "--format=%(refname)", "refs/baton/tasks").splitlines()
    return [yaml.safe_load(git(server, "show", f"{ref}:state.yaml")) for ref in refs]


def test_where_it_can_not_be_set_up(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine\n")
    refused = demo("--dir", str(tmp_path), folder=tmp_path, env={})
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[0] == f"error: {tmp_path} is not empty"
    refused = demo("--dir", "/proc/demo", folder=tmp_path, env={})
    assert refused.returncode == 1
    assert refused.stderr.splitlines() == [
        "error: the demo can't be set up in /proc/demo: No such file or directory",
        "hint: name a folder that you may write to: baton demo --dir FOLDER",
    ]
    assert [f.name for f in tmp_path.iterdir()] == ["mine.txt"]


def test_git_that_is_not_there(tmp_path: Path) -> None:
    refused = demo(folder=tmp_path, env={"PATH": str(tmp_path), "TMPDIR": str(tmp_path)})
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "error: git was not found\nhint: install git 2.38 or newer\n"
    assert not list(tmp_path.iterdir()), "nothing was set up"


def test_claude_code_that_is_not_there(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    missing = demo("--agent", "claude", folder=tmp_path, env={"PATH": str(tools), "TMPDIR": str(tmp_path)})
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr.splitlines()[-1] == "hint: install it: npm install -g @anthropic-ai/claude-code"
    (tools / "claude").symlink_to(find_claude_binary())
    keyless = demo(
        "--agent", "claude", folder=tmp_path, env={"PATH": f"{tools}:/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    )
    assert keyless.returncode == 1
    assert keyless.stderr.startswith("error: Claude Code has no key")
    assert [f.name for f in tmp_path.iterdir()] == ["bin"], "nothing was set up"


class Conversations(Script):
    """One script for all attempts: it tells the conversations apart by the task that their briefing names, and
    plays each task's own steps, attempt after attempt.
    """

    def __init__(self, url: str, steps: Mapping[str, Sequence[Step]]) -> None:
        super().__init__(url, ())
        self.left = {task: list(more) for task, more in steps.items()}

    def take(self, request: Request) -> Step:
        if not request.takes_step:
            return {"text": "ok"}
        found = re.search(r"# Task ([a-z-]+): ", json.dumps(request.body["messages"]))
        assert found, "every conversation begins with a briefing"
        return self.left[found[1]].pop(0)


def plan_conversations(folder: Path) -> dict[str, list[Step]]:
    """What a model that knows the scripted agent's work would say; it makes no mistake of its own."""
    project = build_stage(folder, "scripted").work
    script = runpy.run_path(str(project / "tools" / "scripted_agent.py"))
    asked = {"read-durations": ["missing"], "read-entries": ["", "name the line"]}
    steps: dict[str, list[Step]] = {}
    before = Path.cwd()
    os.chdir(project)  # the script works where it stands
    try:
        for task in TASKS:
            for guidance in asked.get(task, [""]):
                files: dict[str, str] = script["TASKS"][task](guidance).files
                seen = [p for p in files if Path(p).exists()]
                if seen:  # Claude Code overwrites only what it has read
                    steps.setdefault(task, []).append({"tools": [_call("Read", p) for p in seen]})
                writes = [_call("Write", p, text) for p, text in files.items()]
                steps.setdefault(task, []).extend([{"tools": writes}, {"text": f"Done: {task}."}])
                for path, text in files.items():
                    Path(path).write_text(text)
    finally:
        os.chdir(before)
    return steps


def _call(tool: str, path: str, text: str | None = None) -> Any:
    content = {} if text is None else {"content": text}
    return {"name": tool, "input": {"file_path": "{cwd}/" + path, **content}}


def test_with_claude_code(tmp_path: Path) -> None:
    """The real program, against a model that is scripted: no attempt fails, and the story goes on without that."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "claude").symlink_to(find_claude_binary())
    with ModelServer() as model:
        url = model.script("demo", ()).url
        played = model.scripts["demo"] = Conversations(url, plan_conversations(tmp_path / "plan"))
        env = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(tmp_path / "home"),
            "ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "sk-test-0123456789abcdef",
        }  # fmt: skip
        done = demo("--agent", "claude", "--dir", str(tmp_path / "demo"), folder=tmp_path, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(played.left.values())
    assert done.stdout.startswith("Claude Code does the work; an attempt may cost up to $2.")
    assert "baton retry" not in done.stdout
    assert '$ baton reject read-entries --guidance "' in done.stdout
    assert "5 tasks merged" in done.stdout
    assert_all_merged(tmp_path / "demo" / "server.git")
