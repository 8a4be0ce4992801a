"""Runs the steps of a composite action, or of a workflow's job, as GitHub's runner does.

    with Expressions() as expressions:
        runner = CompositeRunner(workspace, expressions, environment, {"actions/checkout": skip_action})
        done = runner.run_action(Path("action.yml"), {"task": "add-login"})

Expressions are GitHub's own library's business; what a step may do to the following ones
(``GITHUB_OUTPUT``, ``GITHUB_ENV``, ``GITHUB_PATH``, ``GITHUB_STEP_SUMMARY``, ``::error``) follows its
documentation. Not here: containers, services, matrices, JavaScript actions (give a stand-in).
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from support.runner_files import Annotation, RunnerFileError, StepLog, parse_assignments, read_log
from support.workflow_files import read_yaml

if TYPE_CHECKING:
    from support.expressions import Expressions, Status
    from support.runner_environment import RunnerEnvironment

#: Stands in for an action that can't run here: inputs and environment in, outputs out.
StandIn = Callable[[Mapping[str, str], Mapping[str, str]], Mapping[str, str]]
Outcome = Literal["success", "failure", "skipped"]

#: GitHub's command line for each named shell; ``{0}`` is the script's file.
SHELLS = {
    "bash": "bash --noprofile --norc -eo pipefail {0}",
    "sh": "sh -e {0}",
    "python": "python {0}",
}
UNSPECIFIED_SHELL = "bash -e {0}"
TIMEOUT_S = 300


def skip_action(inputs: Mapping[str, str], environment: Mapping[str, str]) -> Mapping[str, str]:
    """A stand-in that does nothing and has no outputs."""
    del inputs, environment
    return {}


@dataclass
class StepRun:
    """One step that was reached. ``outcome`` is before ``continue-on-error``, ``conclusion`` after."""

    name: str
    id: str
    outcome: Outcome
    conclusion: Outcome
    outputs: dict[str, str] = field(default_factory=dict)
    exit_code: int | None = None
    log: StepLog = field(default_factory=StepLog)
    inner: ActionRun | None = None


@dataclass
class ActionRun:
    """What a list of steps did: ``outputs`` of the action or job, and all steps in order."""

    steps: list[StepRun] = field(default_factory=list)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def succeeded(self) -> bool:
        return all(step.conclusion != "failure" for step in self.steps)

    @property
    def annotations(self) -> list[Annotation]:
        """Of all steps, those of actions inside included."""
        return [note for step in self.steps for note in (step.inner or step.log).annotations]

    @property
    def text(self) -> str:
        """The whole log, for a failing assertion's message."""
        return "\n".join(
            f"[{step.conclusion}] {step.name or step.id}\n{(step.inner or step.log).text}"
            for step in self.steps
        )


@dataclass
class _Scope:
    """What the steps of one action or job share."""

    folder: Path
    inputs: dict[str, str]
    env: dict[str, str]
    run: ActionRun = field(default_factory=ActionRun)
    status: Status = "success"
    defaults: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


class CompositeRunner:
    """``workspace`` is the checkout; ``environment`` what GitHub says about the run; ``actions`` maps
    ``owner/name`` (the version after ``@`` is left out) to a folder with an action or to a stand-in.
    """

    def __init__(
        self,
        workspace: Path,
        expressions: Expressions,
        environment: RunnerEnvironment,
        actions: Mapping[str, Path | StandIn] | None = None,
    ) -> None:
        self.workspace = workspace
        self.environment = environment
        self.env: dict[str, str] = {}
        self.path: list[str] = []
        self.masks: list[str] = [environment.token] if environment.token else []
        self._expressions = expressions
        self._actions = dict(actions or {})
        self._files = 0

    def run_action(
        self, action: Path, inputs: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None
    ) -> ActionRun:
        """Run the composite action in file ``action``. An input that it does not declare is a mistake of
        the caller's (GitHub only warns), as is an action that is not composite: ``ValueError``.
        """
        declared = read_yaml(action)
        given = dict(inputs or {})
        unknown = sorted(set(given) - set(declared.get("inputs") or {}))
        if unknown or declared["runs"]["using"] != "composite":
            raise ValueError(f"{action}: unexpected inputs {unknown}, or not a composite action")
        scope = _Scope(action.parent, {}, dict(env or {}))
        for name, about in (declared.get("inputs") or {}).items():
            default = self._expressions.expand((about or {}).get("default", ""), self._context(scope))
            scope.inputs[name] = given.get(name, default)
        self._run_steps(scope, declared["runs"]["steps"])
        for name, about in (declared.get("outputs") or {}).items():
            scope.run.outputs[name] = self._expressions.expand(about["value"], self._context(scope))
        return scope.run

    def run_job(
        self,
        workflow: Path,
        job: str,
        needs: Mapping[str, Mapping[str, str]] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> ActionRun:
        """Run the steps of one job. ``needs`` gives the outputs of the jobs it needs, all of which
        succeeded; ``secrets`` are the repository's. The job's own ``if``, matrix, container and services are
        left out.
        """
        declared = read_yaml(workflow)
        described = declared["jobs"][job]
        results = {
            name: {"outputs": dict(outputs), "result": "success"} for name, outputs in (needs or {}).items()
        }
        defaults = {
            **((declared.get("defaults") or {}).get("run") or {}),
            **((described.get("defaults") or {}).get("run") or {}),
        }
        inputs = {name: str(value) for name, value in self.environment.event.get("inputs", {}).items()}
        more = {
            "needs": results,
            "vars": {},
            "secrets": {**(secrets or {}), "GITHUB_TOKEN": self.environment.token},
        }
        self.masks += (secrets or {}).values()
        scope = _Scope(self.workspace, inputs, {}, defaults=defaults, more=more)
        for source in (declared.get("env"), described.get("env")):
            for name, value in (source or {}).items():
                scope.env[name] = self._expressions.expand(value, self._context(scope))
        self._run_steps(scope, described["steps"])
        for name, value in (described.get("outputs") or {}).items():
            scope.run.outputs[name] = self._expressions.expand(value, self._context(scope))
        return scope.run

    # -- inside -----------------------------------------------------------------------------------

    def _context(self, scope: _Scope, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        steps = {
            step.id: {"outputs": step.outputs, "outcome": step.outcome, "conclusion": step.conclusion}
            for step in scope.run.steps
            if step.id
        }
        return {
            "github": {**self.environment.github, "action_path": str(scope.folder)},
            "inputs": scope.inputs,
            "env": {**scope.env, **self.env, **(env or {})},
            "steps": steps,
            "job": {"status": scope.status},
            "runner": self.environment.runner,
            "strategy": {},
            "matrix": {},
            **scope.more,
        }

    def _run_steps(self, scope: _Scope, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            env: dict[str, str] = {}
            for name, value in (step.get("env") or {}).items():
                env[name] = self._expressions.expand(value, self._context(scope))
            context = self._context(scope, env)
            name = self._expressions.expand(
                step.get("name") or step.get("uses") or step.get("id") or "run", context
            )
            if not self._expressions.holds(step.get("if") or "", context, scope.status):
                scope.run.steps.append(StepRun(name, step.get("id", ""), "skipped", "skipped"))
                continue
            done = self._run_step(scope, step, name, env)
            goes_on = self._expressions.expand(step.get("continue-on-error") or "", context) == "true"
            if done.outcome == "failure":
                done.conclusion = "success" if goes_on else "failure"
                scope.status = scope.status if goes_on else "failure"
            scope.run.steps.append(done)

    def _run_step(self, scope: _Scope, step: dict[str, Any], name: str, env: dict[str, str]) -> StepRun:
        done = StepRun(name, step.get("id", ""), "success", "success")
        if "uses" in step:
            given = {
                key: self._expressions.expand(value, self._context(scope, env))
                for key, value in (step.get("with") or {}).items()
            }
            self._use(scope, step["uses"], given, env, done)
        else:
            self._run_script(scope, step, env, done)
        return done

    def _use(
        self, scope: _Scope, uses: str, given: dict[str, str], env: dict[str, str], done: StepRun
    ) -> None:
        known = self._find_action(uses)
        if isinstance(known, Path):
            file = known if known.is_file() else known / "action.yml"
            done.inner = self.run_action(file, given, {**scope.env, **env})
            done.outputs = done.inner.outputs
            done.outcome = done.conclusion = "success" if done.inner.succeeded else "failure"
            scope.run.summary += done.inner.summary
        else:
            done.outputs = dict(known(given, self._process_env(scope, env, {})))

    def _find_action(self, uses: str) -> Path | StandIn:
        """``./folder`` is in the checkout, ``$/folder`` in the workflow's own repository: the same here."""
        if uses.startswith(("./", "$/")):
            return self.workspace / uses[2:]
        name = uses.partition("@")[0]
        if name not in self._actions:
            raise ValueError(f"no stand-in for the action {uses}: give one in `actions`")
        return self._actions[name]

    def _run_script(self, scope: _Scope, step: dict[str, Any], env: dict[str, str], done: StepRun) -> None:
        context = self._context(scope, env)
        self._files += 1
        files = self.environment.temp / f"step-{self._files}"
        files.mkdir(parents=True)
        channels = {name: files / name.lower() for name in ("OUTPUT", "ENV", "PATH", "STATE", "STEP_SUMMARY")}
        for channel in channels.values():
            channel.touch()
        script = files / "script"
        script.write_text(self._expressions.expand(step["run"], context), "utf-8")
        shell = self._expressions.expand(step.get("shell") or scope.defaults.get("shell") or "", context)
        command = (SHELLS.get(shell, shell) if shell else UNSPECIFIED_SHELL).replace("{0}", str(script))
        folder = step.get("working-directory") or scope.defaults.get("working-directory") or ""
        told = {f"GITHUB_{name}": str(path) for name, path in channels.items()}
        done.exit_code, output = _execute(
            command.split(),
            self.workspace / self._expressions.expand(folder, context),
            self._process_env(scope, env, told),
        )
        done.log = read_log(output, self.masks)
        self.masks = done.log.masks
        done.outcome = done.conclusion = "success" if done.exit_code == 0 else "failure"
        scope.run.summary += channels["STEP_SUMMARY"].read_text("utf-8")
        try:
            done.outputs = parse_assignments(channels["OUTPUT"].read_text("utf-8"))
            assigned = parse_assignments(channels["ENV"].read_text("utf-8"))
        except RunnerFileError as error:
            done.log.annotations.append(Annotation("error", str(error)))
            done.outcome = done.conclusion = "failure"
            return
        # The runner's own variables can't be changed this way.
        self.env |= {
            key: value for key, value in assigned.items() if not key.startswith(("GITHUB_", "RUNNER_"))
        }
        self.path = [*reversed(channels["PATH"].read_text("utf-8").split()), *self.path]

    def _process_env(self, scope: _Scope, env: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
        whole = {**self.environment.variables, **scope.env, **self.env, **env, **told}
        whole["GITHUB_ACTION_PATH"] = str(scope.folder)
        whole["PATH"] = os.pathsep.join([*self.path, whole["PATH"]])
        return whole


def _execute(command: list[str], folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and mixed output of a step's script."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output
