"""A job that is cancelled: GitHub's runner signals the step's own process, waits a little, then kills it."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from support.action_install import SOURCE
from support.action_stage import KEY, write
from support.hermetic_git import git
from support.runner_files import read_log
from support.workflow_files import read_yaml

if TYPE_CHECKING:
    from support.action_stage import Stage

pytestmark = pytest.mark.node


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_job_keeps_its_work_and_says_so(stage: Stage, number: signal.Signals) -> None:
    stage.commit({"tasks/greet.yaml": "title: Greet\n"})
    stage.play([write("hello.txt", "half\n"), {"hang": 600}])
    environment = stage.environment()
    (environment.temp / "gitbaton").symlink_to(stage.installed)
    summary = environment.temp / "summary.md"
    git(environment.temp, "clone", "--quiet", stage.hub.clone_url("octo/project"), str(environment.workspace))
    script = environment.temp / "step.sh"
    script.write_text(read_yaml(SOURCE / "action.yml")["runs"]["steps"][-1]["run"], "utf-8")
    with subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=environment.workspace,
        env={
            **environment.variables,
            "GITHUB_STEP_SUMMARY": str(summary),
            "BATON_INPUT_PHASE": "all",
            "BATON_INPUT_GITHUB_TOKEN": environment.token,
            "BATON_INPUT_ANTHROPIC_API_KEY": KEY,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as step:
        stage.script.wait_for_requests(2, timeout_s=60)
        os.kill(step.pid, number)
        output, _ = step.communicate(timeout=60)
    log = read_log(output, [])
    assert step.returncode == 130, output
    assert [(note.level, note.title) for note in log.annotations] == [("error", "greet: stopped")]
    state = stage.state("greet")
    assert (state["status"], state["attempts"][0]["outcome"]) == ("stopped", "stopped")
    assert stage.show("refs/baton/attempts/greet/1:hello.txt") == "half"
    assert "### ❌ `greet`: Greet" in summary.read_text("utf-8")
