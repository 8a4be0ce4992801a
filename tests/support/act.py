"""Runs workflows with nektos/act on this very machine (its host mode: no containers).

    done = run_workflow(path, RunnerEnvironment(checkout, temp, server_url=hub.server_url, ...), STAND_INS)
    assert done.jobs == {"work": "success"}, done.text

What act can't do, or does otherwise than GitHub, stands in ``docs/reference/act-limits.md``; the tests in
``test_act.py`` hold it to that.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from support.provisioned import CACHE, TOOL_ENVIRONMENT, go_without, hold_lock
from support.runner_files import LEVELS, Annotation, Level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from support.runner_environment import RunnerEnvironment

VERSION = "0.2.89"
MODULE = f"github.com/nektos/act@v{VERSION}"
BUILD_TIMEOUT_S = 900
RUN_TIMEOUT_S = 300

#: What must not depend on act giving its steps a terminal, which GitHub does not.
NO_TERMINAL = {"TERM": "dumb", "PAGER": "cat", "GIT_PAGER": "cat", "GIT_TERMINAL_PROMPT": "0"}

_RUNS_ON = re.compile(r"""runs-on:\s*["']?([\w.-]+)""")
_USES = re.compile(r"""uses:\s*["']?([\w.-]+/[\w.-]+)(?:/[^@\s"']*)?@([^\s"'#}]+)""")


@cache
def get_act() -> Path:
    """The act program: on PATH if it is this version, else built once into the cache. The test is skipped
    if neither is possible.
    """
    known = CACHE / "bin" / f"act-{VERSION}"
    installed = shutil.which("act", path=TOOL_ENVIRONMENT.get("PATH"))
    if installed and _is_our_version(installed):
        return Path(installed)
    with hold_lock("act"):
        if not known.exists():
            _build(known)
    return known


def _is_our_version(program: str) -> bool:
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=30)
    return told.stdout.split()[-1:] == [VERSION]


def _build(target: Path) -> None:
    go = shutil.which("go", path=TOOL_ENVIRONMENT.get("PATH"))
    if go is None:
        go_without("act", f"no act {VERSION} and no Go to build it with")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        try:
            done = subprocess.run(
                [go, "install", MODULE],
                env={**TOOL_ENVIRONMENT, "GOBIN": folder},
                capture_output=True,
                text=True,
                check=False,
                timeout=BUILD_TIMEOUT_S,
            )
        except subprocess.TimeoutExpired:
            go_without("act", f"go install {MODULE} took longer than {BUILD_TIMEOUT_S} s")
        if done.returncode != 0:
            go_without("act", f"go install {MODULE} failed: {done.stderr.strip()[-500:]}")
        (Path(folder) / "act").rename(target)


@dataclass
class ActRun:
    """``jobs`` maps job ids to ``success`` or ``failure`` (a job that was skipped is not there; one with a
    matrix failed if any of its runs did).
    ``steps`` maps (job, step id) to the same; ``outputs`` (job, step id) to the step's outputs; an id is
    the step's position, from "0", where it has none, and for steps of actions that of the outer one, a
    slash, that of the inner one. ``summaries`` maps jobs to their summary.
    """

    exit_code: int
    jobs: dict[str, str] = field(default_factory=dict)
    steps: dict[tuple[str, str], str] = field(default_factory=dict)
    outputs: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    summaries: dict[str, str] = field(default_factory=dict)
    annotations: list[Annotation] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    text: str = ""

    def read(self, entry: dict[str, Any]) -> None:
        """Take in one line of act's JSON log."""
        job = entry.get("jobID", "")
        step = (job, "/".join(entry.get("stepID", ())))
        command = entry.get("command", "")
        if "jobResult" in entry and self.jobs.get(job) != "failure":
            self.jobs[job] = entry["jobResult"]
        if "stepResult" in entry and entry.get("stage") == "Main":
            self.steps[step] = entry["stepResult"]
        if command == "set-output":
            self.outputs.setdefault(step, {})[entry["name"]] = entry["arg"]
        elif command == "summary" and not self._is_outer(step):
            self.summaries[job] = self.summaries.get(job, "") + entry["content"]
        elif command in LEVELS:
            about = entry.get("kvPairs") or {}
            place = (about.get("file", ""), int(about.get("line") or 0), int(about.get("col") or 0))
            self.annotations.append(
                Annotation(cast("Level", command), entry["arg"], *place, about.get("title", ""))
            )
        elif entry.get("raw_output"):
            self.lines.append(entry["msg"].rstrip("\n"))

    def _is_outer(self, step: tuple[str, str]) -> bool:
        """Whether steps of an action ran inside ``step``: act tells the last one's summary a second time."""
        return any(job == step[0] and inner.startswith(f"{step[1]}/") for job, inner in self.steps)


def run_workflow(
    workflow: Path,
    environment: RunnerEnvironment,
    actions: Mapping[str, Path],
    *,
    secrets: Mapping[str, str] | None = None,
    job: str | None = None,
) -> ActRun:
    """Run all jobs of ``workflow`` (or ``job`` and what it needs) for the event of ``environment``.

    ``environment.workspace`` is a checkout that act reads the workflow's repository from; each job gets a
    workspace of its own, empty until ``actions/checkout`` runs. ``actions`` gives a folder for each
    ``owner/name`` that the workflow, or an action in the checkout, uses; one without is a ``ValueError``,
    because act would go to the network for it. ``environment.token`` is the job's ``GITHUB_TOKEN``.
    """
    act = get_act()
    files = Path(tempfile.mkdtemp(dir=environment.temp))
    empty = files / "empty"
    empty.touch()
    hidden = files / "secrets"
    known = {**({"GITHUB_TOKEN": environment.token} if environment.token else {}), **(secrets or {})}
    hidden.write_text("".join(f"{name}={json.dumps(value)}\n" for name, value in known.items()), "utf-8")
    told = {f"GITHUB_{name.upper()}": value for name, value in environment.shared.items()}
    # act takes the commit from a variable of its own name, and the workspace is its own business.
    told["SHA_REF"] = environment.sha
    told = {
        name: value for name, value in told.items() if name not in {"GITHUB_WORKSPACE", "GITHUB_EVENT_PATH"}
    }
    command = [
        str(act), environment.event_name, "--json",
        "--directory", str(environment.workspace), "--workflows", str(workflow),
        "--eventpath", str(environment.event_path), "--actor", environment.actor,
        "--no-cache-server", "--no-skip-checkout",
        "--secret-file", str(hidden), "--env-file", str(empty), "--var-file", str(empty),
        "--input-file", str(empty), "--action-cache-path", str(files / "cache"),
        *(["--job", job] if job else []),
        # Without this for a label, act skips the jobs that want it, in silence.
        *(part for label in sorted(set(_RUNS_ON.findall(workflow.read_text("utf-8"))))
          for part in ("--platform", f"{label}=-self-hosted")),
        *(part for name, value in told.items() for part in ("--env", f"{name}={value}")),
        *(part for mapped in map_actions(workflow, environment.workspace, actions)
          for part in ("--local-repository", mapped)),
    ]  # fmt: skip
    # All of it leaks into the steps, so it is what a step may see and no more. Without Docker's address,
    # a job that wants a container fails; with it, act would go and pull the image.
    home = {"HOME": str(files / "home"), "XDG_CACHE_HOME": str(files / "home" / ".cache")}
    inherited = {name: environment.variables[name] for name in ("PATH", "LANG", "GIT_CONFIG_NOSYSTEM")}
    done = subprocess.run(
        command,
        env={**inherited, **home, **NO_TERMINAL, "DOCKER_HOST": "unix:///nonexistent", **environment.more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_TIMEOUT_S,
    )
    run = ActRun(done.returncode, text=done.stdout + done.stderr)
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            run.read(json.loads(line))
    return run


def map_actions(workflow: Path, checkout: Path, actions: Mapping[str, Path]) -> list[str]:
    """Act's ``--local-repository`` values for every foreign action that may be used."""
    found: set[tuple[str, str]] = set()
    for path in (workflow, *_iter_actions(checkout)):
        found |= set(_USES.findall(path.read_text("utf-8")))
    missing = sorted(f"{name}@{ref}" for name, ref in found if name not in actions)
    if missing:
        raise ValueError(f"no stand-in for {', '.join(missing)}")
    return [f"{name}@{ref}={actions[name]}" for name, ref in sorted(found)]


def _iter_actions(checkout: Path) -> Iterable[Path]:
    for folder, folders, names in os.walk(checkout):
        folders[:] = [name for name in folders if name not in {".git", "node_modules"}]
        yield from (Path(folder) / name for name in names if name in {"action.yml", "action.yaml"})
