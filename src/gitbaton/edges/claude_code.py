"""Claude Code, headless, as an agent.

It runs with ``-p``, the briefing on stdin (a briefing can be larger than an argument may be), and its
stream of events is what we know about it: ``claude_launch`` says how it is started, ``claude_events`` what
the events mean, ``claude_outcome`` what its end means, ``claude_tokens`` what it has used.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.domain.durations import LONGEST_S
from gitbaton.domain.feedback import render_clarifications
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.wording import shorten_to_line
from gitbaton.edges.claude_events import ClaudeStream
from gitbaton.edges.claude_launch import (
    build_command,
    build_environment,
    name_session,
    open_desk,
    render_message,
)
from gitbaton.edges.claude_outcome import judge_end, measure_use
from gitbaton.edges.claude_sessions import keep_session, restore_session
from gitbaton.edges.claude_tokens import Tokens, read_session_tokens
from gitbaton.edges.process import GRACE_S, run_command, run_supervised
from gitbaton.edges.program import find_program
from gitbaton.edges.redaction import Redactor
from gitbaton.edges.run_log import RunLog
from gitbaton.errors import Refusal
from gitbaton.ports import AgentReport, Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitbaton.ports import AgentRequest

#: The oldest version that was tried with these options.
VERSION_MIN = (2, 1, 300)
#: One of these lets it in; the last three say that a cloud provider's own credentials do.
KEY_VARIABLES = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
)
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class ClaudeCode:
    """The agent of adapter ``claude``; ``program`` is a name on the PATH, or a path."""

    adapter = "claude"

    def __init__(self, name: str, program: str = "claude", *, grace_s: float = GRACE_S) -> None:
        self.name = name
        self._program = program
        self._grace_s = grace_s

    def check(self, env: Mapping[str, str]) -> None:
        """Program, version, key. Raises ``Refusal``: ``program-missing``, ``claude-broken``,
        ``claude-too-old``, ``model-key-missing``.
        """
        program = self._find(Path.cwd(), env)
        asked = run_command([program, "--version"], cwd=Path.cwd(), env=env, timeout_s=30, grace_s=1)
        found = VERSION.search(asked.output)
        if asked.exit_code != 0 or found is None:
            raise Refusal(
                f"{program} --version does not work: {asked.output.strip()[-300:]}",
                code="claude-broken",
                hint="install Claude Code again: npm install -g @anthropic-ai/claude-code",
            )
        if tuple(map(int, found.groups())) < VERSION_MIN:
            wanted = ".".join(map(str, VERSION_MIN))
            raise Refusal(
                f"Claude Code {found[0]} is too old for baton, which needs {wanted} or newer",
                code="claude-too-old",
                hint="update it: claude update, or npm install -g @anthropic-ai/claude-code@latest",
            )
        if not any(env.get(name) for name in KEY_VARIABLES):
            raise Refusal(
                "Claude Code has no key for the model's service",
                code="model-key-missing",
                hint="set ANTHROPIC_API_KEY; with a subscription, run: claude setup-token, "
                "and set CLAUDE_CODE_OAUTH_TOKEN",
            )

    def run(
        self,
        request: AgentRequest,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Outcome | None],
    ) -> AgentReport:
        """See ``ports.Agent``. The environment gets ``BATON_…`` and ``HEADLESS_VARIABLES`` added."""
        redactor = Redactor(request.env, request.mcp_servers)
        stream = ClaudeStream()
        with open_desk(request) as desk, RunLog(request.log_path, redactor) as log:
            env = build_environment(request, desk)
            session, config = name_session(request), Path(env["CLAUDE_CONFIG_DIR"])
            if request.session and not restore_session(request, config, session):
                on_progress(Progress("note", "its session is not on this machine: it begins anew"))
                request, session = replace(request, session=None), str(uuid.uuid4())
            before = read_session_tokens(config, session) if request.session else Tokens()
            told = request.words if request.session and request.words else request.briefing

            def on_line(source: str, line: str) -> None:
                event = _parse_event(line) if source == "stdout" else None
                if event is None:
                    log.append_line(source, line)
                    return
                log.append_event(line)
                for progress in stream.feed(event):
                    on_progress(progress._replace(text=redactor.redact(progress.text)))

            def tell_news() -> bytes | None:
                if stream.result is not None:
                    return None  # it has said its last word; what it was told just before, it heeds yet
                words = request.take_news()
                if words:
                    on_progress(Progress("note", "hears what was said meanwhile"))
                return render_message(render_clarifications(words)) if words else b""

            end = run_supervised(
                build_command(self._find(request.workplace, env), request, desk, session),
                cwd=request.workplace,
                env=env,
                stdin=render_message(told),
                more_input=tell_news,
                on_line=on_line,
                timeout_s=request.limits.timeout_s,
                idle_s=request.limits.idle_s,
                should_stop=should_stop,
                grace_s=self._grace_s,
            )
            after = read_session_tokens(config, session)
            keep_session(request, config, stream.session)
        outcome, message = judge_end(stream, end)
        return AgentReport(
            outcome=outcome,
            message=redactor.redact(message),
            usage=measure_use(stream, end, before, after),
            session=stream.session,
            result=stream.result.get("structured_output") if stream.result else None,
            exit_code=end.exit_code,
            retry_after_s=_find_wait(outcome, stream.resets_at),
            model=redactor.redact(shorten_to_line(stream.model)) or None,
        )

    def _find(self, cwd: Path, env: Mapping[str, str]) -> str:
        try:
            return find_program(self._program, cwd=cwd, path=env.get("PATH", ""))
        except Refusal as refusal:
            if refusal.code != "program-missing":
                raise
            raise Refusal(
                f"Claude Code was not found: {refusal.message}",
                code=refusal.code,
                hint="install it: npm install -g @anthropic-ai/claude-code",
                data=refusal.data,
            ) from refusal


def _find_wait(outcome: Outcome, resets_at: float | None) -> float | None:
    """Seconds until the limit that ended it is lifted."""
    if outcome is not Outcome.RATE_LIMITED or resets_at is None:
        return None
    return min(max(0.0, resets_at - time.time()), LONGEST_S)


def _parse_event(line: str) -> object:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
