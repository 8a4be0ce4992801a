"""What a step of the Action is told: its inputs, which come as ``BATON_INPUT_*`` variables, and its secrets."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.errors import Refusal, UsageError
from gitbaton.report.workflow_commands import render_mask

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

#: The Claude Code that this version was tested with; the input ``claude-version`` chooses another.
CLAUDE_VERSION = "2.1.329"
COMMANDS = ("run", "sync")
PHASES = ("all",)
#: Events that only people who may write to the repository can cause: nothing else starts an agent. Pull
#: requests, comments and issues are not here, and not ``workflow_run``, which forks can set off.
TRUSTED_EVENTS = ("push", "schedule", "workflow_dispatch", "repository_dispatch")


class Inputs(NamedTuple):
    """What the workflow asks for; an empty input is an unset one."""

    command: str
    task: str | None
    agent: str | None
    claude_version: str


def read_inputs(environment: Mapping[str, str]) -> Inputs:
    """The step's inputs. Raises ``UsageError`` (``unknown-command``, ``unknown-phase``), and ``Refusal``
    (``open-event``) when somebody outside the repository could have caused this run of an agent.
    """

    def get(name: str) -> str | None:
        return environment.get(f"BATON_INPUT_{name}", "").strip() or None

    command = get("COMMAND") or "run"
    if command not in COMMANDS:
        raise UsageError(
            f"there is no command '{command}'",
            code="unknown-command",
            hint=f"command: {' or '.join(COMMANDS)}",
        )
    if command == "run":
        _refuse_open_event(environment.get("GITHUB_EVENT_NAME", ""))
        _require_phase(get("PHASE"))
    return Inputs(command, get("TASK"), get("AGENT"), get("CLAUDE_VERSION") or CLAUDE_VERSION)


def _refuse_open_event(event: str) -> None:
    if event not in TRUSTED_EVENTS:
        raise Refusal(
            f"an agent is not started by the event '{event}', which people outside the repository may cause",
            code="open-event",
            hint=f"start it by one of: {', '.join(TRUSTED_EVENTS)}",
        )


def _require_phase(phase: str | None) -> None:
    if phase is None:
        raise UsageError(
            "the input phase is missing",
            code="unknown-phase",
            hint="phase: all runs the agent in the job that pushes, which has to be asked for",
        )
    if phase not in PHASES:
        raise UsageError(
            f"there is no phase '{phase}' yet", code="unknown-phase", hint=f"phase: {' or '.join(PHASES)}"
        )


def adopt_secrets(environment: MutableMapping[str, str]) -> None:
    """Inputs that are secrets become the variables that agents and forge read, masked in the log before
    anything else is said. git gets the token by its environment alone, so that no file holds it.
    """
    for name in ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "GITHUB_TOKEN"):
        value = environment.pop(f"BATON_INPUT_{name}", "").strip()
        if value:
            print(render_mask(value), flush=True)
            environment[name] = value
    token, server = environment.get("GITHUB_TOKEN"), environment.get("GITHUB_SERVER_URL")
    if token and server:
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        print(render_mask(basic), flush=True)
        header = f"http.{server.rstrip('/')}/.extraheader"
        # The empty value drops a header that checkout may have left: GitHub refuses two of them.
        _configure_git(environment, (header, ""), (header, f"AUTHORIZATION: basic {basic}"))


def _configure_git(environment: MutableMapping[str, str], *settings: tuple[str, str]) -> None:
    """Settings for every git that is run from here on (``git help config``, GIT_CONFIG_COUNT)."""
    count = int(environment.get("GIT_CONFIG_COUNT") or 0)
    for key, value in settings:
        environment[f"GIT_CONFIG_KEY_{count}"] = key
        environment[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    environment["GIT_CONFIG_COUNT"] = str(count)
