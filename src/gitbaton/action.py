"""The face for GitHub Actions: inputs come as ``BATON_INPUT_*`` variables, answers go to outputs, annotations
and the job summary. ``action.yml`` holds no logic.

``phase: all`` does everything in one job, where the model key and the token that pushes are together: one
trust domain, which a workflow has to ask for by name. docs/how-to/github-actions.md says what that means.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.action_inputs import adopt_secrets, read_inputs
from gitbaton.errors import BatonError, explain_os_error
from gitbaton.report.action_text import (
    render_board_summary,
    render_error_summary,
    render_run_summary,
    render_sync_summary,
)
from gitbaton.report.workflow_commands import (
    render_error,
    render_note,
    render_outputs,
    render_problem,
)
from gitbaton.store.git import Git
from gitbaton.store.repository import require_config
from gitbaton.wiring import heed_termination, open_project

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from gitbaton.action_inputs import Inputs
    from gitbaton.report.workflow_commands import Level
    from gitbaton.usecases.project import Project
    from gitbaton.usecases.run import Ran

EXIT_ATTEMPT_FAILED = 4
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
#: What must be in no program's environment that is not ours.
_SECRETS = (
    "GITHUB_TOKEN", "GH_TOKEN", "BATON_GITHUB_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN", "ACTIONS_RUNTIME_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
)  # fmt: skip


def main(environment: MutableMapping[str, str] = os.environ) -> int:
    """Run one step; returns its exit code. Nothing ready is no failure."""
    try:
        adopt_secrets(environment)
        inputs = read_inputs(environment)
        return _COMMANDS[inputs.command](inputs, environment)
    except BatonError as error:
        return _report_error(error, environment)
    except KeyboardInterrupt:
        print(render_note("error", "the step was cancelled", title="interrupted"), flush=True)
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 the boundary of this face
        if expected := explain_os_error(error):
            return _report_error(expected, environment)
        with _commands_stopped():
            traceback.print_exc(file=sys.stdout)
        words = f"{type(error).__name__}: {error}"
        print(render_note("error", words, title="gitbaton has a bug"), flush=True)
        _append(environment, "GITHUB_STEP_SUMMARY", "### gitbaton has a bug\n\nThe step's log says more.\n")
        return EXIT_BUG


def _report_error(error: BatonError, environment: Mapping[str, str]) -> int:
    print("\n".join(render_error(error)), flush=True)
    with contextlib.suppress(OSError):
        _append(environment, "GITHUB_STEP_SUMMARY", render_error_summary(error))
    return error.exit_code


# -- the repository ---------------------------------------------------------------------------------------


def _open(environment: Mapping[str, str]) -> Project:
    """The project of the checkout, with base and state refs fetched. Checkout does not record which branch is
    the default one; the event tells it.
    """
    where = Path(environment.get("GITHUB_WORKSPACE") or ".")
    event = environment.get("GITHUB_EVENT_PATH")
    git = Git(where)
    if event and Path(event).is_file() and git.find("remote", "get-url", "origin"):
        body = json.loads(Path(event).read_text(encoding="utf-8"))
        branch = body.get("repository", {}).get("default_branch")
        if branch and not git.find("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"):
            git.call("symbolic-ref", "refs/remotes/origin/HEAD", f"refs/remotes/origin/{branch}")
    return open_project(where, environment).fetched()


# -- run --------------------------------------------------------------------------------------------------


def _run(inputs: Inputs, environment: MutableMapping[str, str]) -> int:
    from gitbaton.report.run_text import RunView
    from gitbaton.usecases.choosing import Choice
    from gitbaton.usecases.run import run_task

    heed_termination()
    project = _open(environment)
    require_config(project.repo)
    _warn_of_left_token(project)
    if _install_claude(project, inputs, environment):
        project = _open(environment)
    run_id, repository = environment.get("GITHUB_RUN_ID"), environment.get("GITHUB_REPOSITORY")
    url = f"{environment.get('GITHUB_SERVER_URL')}/{repository}/actions/runs/{run_id}" if run_id else None
    host = f"github-actions/{run_id}" if run_id else None
    with _commands_stopped():
        ran = run_task(
            project, inputs.task, RunView(sys.stdout), agent_name=inputs.agent, host=host, watch_url=url
        )
    board = _board(project)
    if isinstance(ran, Choice):
        _set_outputs(environment, {"task": "", "reason": ran.reason})
        _append(environment, "GITHUB_STEP_SUMMARY", f"### Nothing to do\n\n{ran.reason}\n\n{board}")
        print(render_note("notice", ran.reason, title="nothing to do"))
        return 0
    _report(ran, environment)
    _append(environment, "GITHUB_STEP_SUMMARY", f"{render_run_summary(ran)}\n{board}")
    waits = ran.tip.state.status == "needs_input"
    if ran.interrupted:
        return EXIT_INTERRUPTED
    return 0 if ran.good or waits else EXIT_ATTEMPT_FAILED


@contextmanager
def _commands_stopped() -> Iterator[None]:
    """What is printed meanwhile is text: an agent's words must not set annotations or masks."""
    token = secrets.token_hex(16)
    print(f"::stop-commands::{token}", flush=True)
    try:
        yield
    finally:
        print(f"::{token}::", flush=True)


def _report(ran: Ran, environment: Mapping[str, str]) -> None:
    state, published, task = ran.tip.state, ran.published, ran.claim.entry.row.id
    review = published.review if published else None
    _set_outputs(
        environment,
        {
            "task": task, "state": state.status, "outcome": ran.verdict.outcome.value,
            "message": ran.verdict.message, "reason": ran.claim.reason, "attempt": str(state.attempt), "branch": state.branch or "",
            "head": state.head or "", "pull-request-number": str(review.number) if review and review.number else "",
            "pull-request-url": (review.url if review else None) or "",
        },
    )  # fmt: skip
    if published and published.warning:
        print(render_note("warning", published.warning, title=task))
    if not ran.good:
        level: Level = "notice" if state.status == "needs_input" else "error"
        words = ran.verdict.outcome.value.replace("_", " ")
        print(render_note(level, ran.verdict.message, title=f"{task}: {words}"))


def _warn_of_left_token(project: Project) -> None:
    """The agent may read the checkout, and so what ``actions/checkout`` left in its configuration."""
    if project.repo.git.find("config", "--local", "--includes", "--get-regexp", r"^http\..*\.extraheader$"):
        warning = (
            "the checkout holds the token that pushes; set persist-credentials: false for actions/checkout"
        )
        print(render_note("warning", warning, title="token in .git/config"))


def _install_claude(project: Project, inputs: Inputs, environment: MutableMapping[str, str]) -> bool:
    """Install Claude Code where the agent wants it and it is not there; whether that was so."""
    import shutil

    from gitbaton.edges.claude_install import install_claude
    from gitbaton.usecases.material import choose_agent

    _, agent = choose_agent(project.repo, inputs.agent)
    path = environment.get("PATH", "")
    if agent.adapter != "claude" or agent.program or shutil.which("claude", path=path):
        return False
    folder = Path(environment.get("RUNNER_TEMP") or project.cache) / "gitbaton-claude"
    print(f"installing Claude Code {inputs.claude_version}", flush=True)
    hidden = {*_SECRETS, *filter(None, [agent.token_secret])}
    visible = {
        k: v
        for k, v in environment.items()
        if k not in hidden and not k.startswith(("GIT_CONFIG_", "BATON_"))
    }
    with _commands_stopped():
        programs = install_claude(inputs.claude_version, folder, visible)
    environment["PATH"] = f"{programs}{os.pathsep}{path}"
    return True


# -- sync -------------------------------------------------------------------------------------------------


def _sync(inputs: Inputs, environment: MutableMapping[str, str]) -> int:
    from gitbaton.usecases.sync import sync_reviews

    project = _open(environment)
    noticed = sync_reviews(project, only=inputs.task)
    events = json.dumps([{"task": n.task, "event": n.event} for n in noticed])
    _set_outputs(environment, {"task": noticed[0].task if len(noticed) == 1 else "", "events": events})
    board = _board(project)
    _append(environment, "GITHUB_STEP_SUMMARY", f"{render_sync_summary(noticed)}\n{board}")
    print("\n".join(str(n) for n in noticed) or "nothing new")
    return 0


_COMMANDS = {"run": _run, "sync": _sync}


# -- what goes out ----------------------------------------------------------------------------------------


def _board(project: Project) -> str:
    """The board as it is now, for the summary. Files that can't be read become warnings."""
    from gitbaton.usecases.project import load_view

    board = load_view(project.fetched(), local=False).board
    for broken in board.broken:
        for problem in broken.problems:
            print(render_problem(problem, "warning"))
    return render_board_summary(list(board.entries.values()), board.broken)


def _set_outputs(environment: Mapping[str, str], outputs: Mapping[str, str]) -> None:
    _append(environment, "GITHUB_OUTPUT", render_outputs(outputs, f"baton-{secrets.token_hex(16)}"))


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    path = environment.get(variable)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    sys.exit(main())
