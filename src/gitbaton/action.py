"""The face for GitHub Actions: inputs come as ``BATON_INPUT_*`` variables, answers go to outputs, annotations
and the job summary. ``action.yml`` holds no logic.

One job holds the model key and the push token here: one trust domain, which SECURITY.md says openly.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import BatonError, Refusal, UsageError
from gitbaton.report.action_text import render_annotation, render_board_summary, render_run_summary
from gitbaton.store.git import Git
from gitbaton.wiring import heed_termination, open_project

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from gitbaton.usecases.attempt import RunEvent
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.run import Ran

#: The Claude Code that this version was tested with; the input ``claude-version`` chooses another.
CLAUDE_VERSION = "2.1.329"
EXIT_ATTEMPT_FAILED = 4
#: Events that people outside the repository can cause: they never start an agent.
_OPEN_EVENTS = (
    "issue_comment",
    "issues",
    "pull_request_target",
    "discussion",
    "discussion_comment",
    "fork",
    "watch",
)


class Inputs(NamedTuple):
    """What the workflow asks for; an empty input is an unset one."""

    command: str
    task: str | None
    agent: str | None
    claude_version: str


def main(environment: MutableMapping[str, str] = os.environ) -> int:
    """Run one step; returns its exit code. Nothing ready is no failure."""
    try:
        inputs = read_inputs(environment)
        adopt_secrets(environment)
        project = _open(environment)
        return _COMMANDS[inputs.command](project, inputs, environment)
    except BatonError as error:
        for line in render_annotation(error):
            print(line)
        _append(
            environment,
            "GITHUB_STEP_SUMMARY",
            f"### baton stopped\n\n{error.message}\n\n{error.hint or ''}\n",
        )
        return error.exit_code


def read_inputs(environment: Mapping[str, str]) -> Inputs:
    """The step's inputs. Raises ``UsageError`` for a command that there is not, and ``Refusal``
    (``open-event``) when somebody outside the repository could have caused this run.
    """

    def get(name: str) -> str | None:
        return environment.get(f"BATON_INPUT_{name}", "").strip() or None

    command = get("COMMAND") or "run"
    if command not in _COMMANDS:
        raise UsageError(
            f"there is no command '{command}'",
            code="unknown-command",
            hint=f"command: {' or '.join(_COMMANDS)}",
        )
    event = environment.get("GITHUB_EVENT_NAME", "")
    if command == "run" and event in _OPEN_EVENTS:
        raise Refusal(
            f"an agent is not started by the event {event}, which people outside can cause", code="open-event",
            hint="start it by push, schedule or workflow_dispatch",
        )  # fmt: skip
    return Inputs(command, get("TASK"), get("AGENT"), get("CLAUDE_VERSION") or CLAUDE_VERSION)


def adopt_secrets(environment: MutableMapping[str, str]) -> None:
    """Inputs that are secrets become the variables that agents and forge read, masked in the log. git gets
    the token by its environment alone, so that no file holds it.
    """
    for name, target in (("ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"), ("CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"), ("GITHUB_TOKEN", "GITHUB_TOKEN")):  # fmt: skip
        value = environment.pop(f"BATON_INPUT_{name}", "").strip()
        if value:
            print(f"::add-mask::{value}")
            environment[target] = value
    token, server = environment.get("GITHUB_TOKEN"), environment.get("GITHUB_SERVER_URL")
    if token and server:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        print(f"::add-mask::{basic}")
        count = int(environment.get("GIT_CONFIG_COUNT") or 0)
        environment[f"GIT_CONFIG_KEY_{count}"] = f"http.{server.rstrip('/')}/.extraheader"
        environment[f"GIT_CONFIG_VALUE_{count}"] = f"AUTHORIZATION: basic {basic}"
        environment["GIT_CONFIG_COUNT"] = str(count + 1)


def _open(environment: Mapping[str, str]) -> Project:
    where = Path(environment.get("GITHUB_WORKSPACE") or ".")
    event = environment.get("GITHUB_EVENT_PATH")
    if event and Path(event).is_file():  # checkout doesn't record the default branch, the event tells it
        body = json.loads(Path(event).read_text(encoding="utf-8"))
        branch = body.get("repository", {}).get("default_branch")
        git = Git(where)
        if branch and not git.find("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"):
            git.run("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{branch}")
    return open_project(where, environment)


def _run(project: Project, inputs: Inputs, environment: MutableMapping[str, str]) -> int:
    from gitbaton.usecases.claim import Choice
    from gitbaton.usecases.run import run_task

    heed_termination()
    _install_claude(project, inputs, environment)
    project = _open(environment)
    run_id = environment.get("GITHUB_RUN_ID")
    url = (
        f"{environment.get('GITHUB_SERVER_URL')}/{environment.get('GITHUB_REPOSITORY')}/actions/runs/{run_id}"
        if run_id
        else None
    )
    with _quoted() as follow:
        ran = run_task(project, inputs.task, follow, agent_name=inputs.agent, host=f"github-actions/{run_id}" if run_id else None, watch_url=url)  # fmt: skip
    if isinstance(ran, Choice):
        _set_outputs(environment, {"task": "", "reason": ran.reason})
        _append(environment, "GITHUB_STEP_SUMMARY", f"### Nothing to do\n\n{ran.reason}\n\n{_board(project)}")
        print(ran.reason)
        return 0
    _report(project, ran, environment)
    waits = ran.tip.state.status == "needs_input"
    return 0 if ran.good or waits else EXIT_ATTEMPT_FAILED


class _quoted:  # noqa: N801 used as a statement
    """Prints what happens while workflow commands are off: an agent's words must not set outputs or masks."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(16)

    def __enter__(self) -> Callable[[RunEvent], None]:
        from gitbaton.report.run_text import RunView

        print(f"::stop-commands::{self._token}", flush=True)
        return RunView(sys.stdout)

    def __exit__(self, *_: object) -> None:
        print(f"::{self._token}::", flush=True)


def _report(project: Project, ran: Ran, environment: Mapping[str, str]) -> None:
    state, published = ran.tip.state, ran.published
    review = published.review if published else None
    _set_outputs(
        environment,
        {
            "task": ran.claim.entry.row.id, "state": state.status, "outcome": ran.verdict.outcome.value,
            "message": ran.verdict.message, "reason": ran.claim.reason, "attempt": str(state.attempt), "branch": state.branch or "",
            "head": state.head or "", "pull-request-number": str(review.number) if review and review.number else "",
            "pull-request-url": (review.url if review else None) or "",
        },
    )  # fmt: skip
    _append(environment, "GITHUB_STEP_SUMMARY", render_run_summary(ran) + "\n" + _board(project))
    if published and published.warning:
        print("::warning title=baton::" + _escape(published.warning))
    if not ran.good:
        kind = "notice" if state.status == "needs_input" else "error"
        print(
            f"::{kind} title={ran.claim.entry.row.id} {ran.verdict.outcome.value}::"
            + _escape(ran.verdict.message)
        )


def _sync(project: Project, inputs: Inputs, environment: MutableMapping[str, str]) -> int:
    from gitbaton.usecases.review import sync_reviews

    noticed = sync_reviews(project, only=inputs.task)
    lines = [f"- `{n.task}` was {n.event}" for n in noticed] or ["- nothing new"]
    print("\n".join(lines))
    _set_outputs(
        environment,
        {
            "task": noticed[0].task if len(noticed) == 1 else "",
            "events": json.dumps([n._asdict() for n in noticed]),
        },
    )
    _append(
        environment, "GITHUB_STEP_SUMMARY", "### Reviews\n\n" + "\n".join(lines) + "\n\n" + _board(project)
    )
    return 0


_COMMANDS = {"run": _run, "sync": _sync}


def _board(project: Project) -> str:
    from gitbaton.usecases.board import list_tasks

    listing = list_tasks(project.fetched())
    return render_board_summary(listing.entries, listing.broken)


def _install_claude(project: Project, inputs: Inputs, environment: MutableMapping[str, str]) -> None:
    """Install Claude Code with npm where the agent wants it and it is not there: pinned, into the runner's own
    temporary folder. Raises ``Refusal`` (``no-npm``, ``install-failed``).
    """
    import shutil

    from gitbaton.usecases.material import choose_agent

    _, agent = choose_agent(project.repo, inputs.agent)
    if agent.adapter != "claude" or agent.program or shutil.which("claude", path=environment.get("PATH")):
        return
    where = Path(environment.get("RUNNER_TEMP") or "/tmp") / "gitbaton-claude"  # noqa: S108 RUNNER_TEMP is set on runners
    npm = shutil.which("npm", path=environment.get("PATH"))
    if npm is None:
        raise Refusal(
            "Claude Code is not installed, and there is no npm to install it with",
            code="no-npm",
            hint="add a step with actions/setup-node, or install claude before",
        )
    package = f"@anthropic-ai/claude-code@{inputs.claude_version}"
    print(f"installing {package}", flush=True)
    done = subprocess.run([npm, "install", "--no-fund", "--no-audit", "--prefix", str(where), package], check=False, env=_without_secrets(environment))  # fmt: skip
    if done.returncode:
        raise Refusal(
            f"{package} could not be installed", code="install-failed", hint="see npm's words above"
        )
    environment["PATH"] = f"{where / 'node_modules' / '.bin'}{os.pathsep}{environment.get('PATH', '')}"


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """For programs that are not ours: no token, no key, no credential for git."""
    hidden = ("GITHUB_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")
    return {k: v for k, v in environment.items() if k not in hidden and not k.startswith("GIT_CONFIG_")}


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _set_outputs(environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    """Outputs in the form with a delimiter, which nobody can guess: a value can't smuggle in another output."""
    lines = []
    for name, value in outputs.items():
        mark = f"baton-{secrets.token_hex(16)}"
        lines.append(f"{name}<<{mark}\n{value}\n{mark}\n")
    _append(environment, "GITHUB_OUTPUT", "".join(lines))


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    path = environment.get(variable)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
