"""How Claude Code is started: its options, its environment, and the private files they name.

It sees nobody's settings: the repository's ``.claude/``, ``.mcp.json`` and CLAUDE.md are not loaded (hooks
in there would run), only user settings from a configuration folder of the run's own. Edits inside the
workplace and the outbox are allowed, and whatever ``allowed_tools`` names; everything else is denied
without a question, because nobody would answer it.
"""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.edges.attempt import attempt_variables
from gitbaton.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitbaton.ports import AgentRequest

#: What a headless run needs; a request's own environment wins over these.
HEADLESS_VARIABLES = {
    # Talk to the model's service and to nobody else.
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    # The tools of MCP servers are listed at once instead of having to be searched for.
    "ENABLE_TOOL_SEARCH": "false",
    # "@/some/file" in a briefing would be replaced with that file, whatever the permissions say, and
    # parts of briefings come from strangers.
    "CLAUDE_CODE_DISABLE_FILE_MENTIONS": "1",
    # What one task's agent noted would be read as instructions by another one's.
    "CLAUDE_CODE_DISABLE_AUTO_MEMORY": "1",
    # A server left running in the background would keep a finished run from ending.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
}
#: Tools that wait for a later time or move the session out of the workplace.
UNWANTED_TOOLS = ("CronCreate", "CronDelete", "CronList", "ScheduleWakeup", "EnterWorktree", "ExitWorktree")
#: Without a path, a rule for one of these would reach beyond the workplace, where they are allowed anyway.
FILE_TOOLS = {"Read", "Edit", "Write", "MultiEdit", "NotebookEdit"}
TOOL_RULE = re.compile(r"[A-Za-z_][\w.-]*(?:\(.*\))?(?!\n)\Z", re.DOTALL)
BASH_TIMEOUT_S = 600  # Claude Code's own upper bound for one command


class Desk(NamedTuple):
    """The folder beside the outbox with what is for Claude Code and not for the agent's hands."""

    folder: Path
    temporary: Path

    @property
    def mcp_config(self) -> Path:
        return self.folder / "mcp.json"

    @property
    def instructions(self) -> Path:
        return self.folder / "instructions.md"

    @property
    def config(self) -> Path:
        """Stays after the run: a session can only be resumed with it."""
        return self.folder / "config"


@contextlib.contextmanager
def open_desk(request: AgentRequest) -> Iterator[Desk]:
    """Write the run's private files; all but the session's own are gone afterwards."""
    folder = request.outbox.with_name(f"{request.outbox.name}.claude")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Not in that folder: Claude Code makes sockets in here, whose paths must be short.
    with tempfile.TemporaryDirectory(prefix="baton-", ignore_cleanup_errors=True) as temporary:
        desk = Desk(folder, Path(temporary))
        try:
            _write_private(desk.mcp_config, json.dumps({"mcpServers": dict(request.mcp_servers)}))
            _write_private(desk.instructions, request.instructions)
            yield desk
        finally:
            desk.mcp_config.unlink(missing_ok=True)
            desk.instructions.unlink(missing_ok=True)


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)  # before anything is in it: it may hold tokens
    path.write_text(text, encoding="utf-8", errors="replace")


def build_environment(request: AgentRequest, desk: Desk) -> dict[str, str]:
    """The request's environment and what a headless run in this attempt needs besides."""
    timeout_ms = str(int(max(BASH_TIMEOUT_S, request.limits.timeout_s) * 1000))
    return {
        **HEADLESS_VARIABLES,
        "BASH_MAX_TIMEOUT_MS": timeout_ms,  # nothing runs in the background, so it must be allowed to last
        **request.env,
        **attempt_variables(request),
        # Never empty: that would mean the settings, hooks and memories of whoever runs us.
        "CLAUDE_CONFIG_DIR": request.env.get("CLAUDE_CONFIG_DIR") or str(desk.config),
        "CLAUDE_CODE_TMPDIR": str(desk.temporary),  # else it leaves files in /tmp when it is killed
    }


def build_command(program: str, request: AgentRequest, desk: Desk, session: str) -> list[str]:
    """The program with all its options; what may be large or secret stands in files or comes on stdin."""
    command = [program, "-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    command += ["--setting-sources", "user", "--strict-mcp-config", "--disable-slash-commands"]
    command += ["--settings", json.dumps({"includeCoAuthoredBy": False})]
    command += ["--permission-mode", "acceptEdits", "--permission-prompts", "none"]
    command += ["--add-dir", str(request.outbox), "--disallowedTools", *UNWANTED_TOOLS]
    if allowed := _tool_rules(request):
        command += ["--allowedTools", *allowed]
    if request.mcp_servers:
        command += ["--mcp-config", str(desk.mcp_config)]
    if request.instructions:
        command += ["--append-system-prompt-file", str(desk.instructions)]
    if request.limits.turns_max is not None:
        command += ["--max-turns", str(request.limits.turns_max)]
    if request.limits.budget_usd is not None:
        command += ["--max-budget-usd", str(request.limits.budget_usd)]
    if request.model:
        command += [f"--model={request.model}"]
    return [*command, "--resume" if request.session else "--session-id", session]


def render_message(text: str) -> bytes:
    """What the agent is told, as Claude Code reads it from stdin: a line of JSON."""
    # A first character "/" makes it a command of Claude Code's own, --disable-slash-commands or not: the
    # run would end as a success without a single request to the model.
    text = ("\n" + text if text.startswith("/") else text).encode(errors="replace").decode()
    message = {"role": "user", "content": [{"type": "text", "text": text}]}
    return json.dumps({"type": "user", "message": message}).encode() + b"\n"


def name_session(request: AgentRequest) -> str:
    """The id of the session to resume, or a fresh one. Raises ``Refusal`` (``bad-session``)."""
    if request.session is None:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(request.session))
    except ValueError:
        raise Refusal(
            f"{request.session!r} is no session of Claude Code",
            code="bad-session",
            hint="start the attempt without a session",
        ) from None


def _tool_rules(request: AgentRequest) -> list[str]:
    """``allowed_tools`` as Claude Code shall see them, and every MCP server that they do not narrow."""
    for rule in request.allowed_tools:
        if not TOOL_RULE.match(rule):
            raise Refusal(
                f"{rule!r} is no rule for a tool",
                code="bad-tool-rule",
                hint='write it like "Bash(npm test)", "WebFetch" or "mcp__server__tool"',
            )
    rules = [rule for rule in request.allowed_tools if rule not in FILE_TOOLS]
    for server in request.mcp_servers:
        if not any(rule == f"mcp__{server}" or rule.startswith(f"mcp__{server}__") for rule in rules):
            rules.append(f"mcp__{server}")
    return rules
