"""What every agent is told about its attempt through the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.ports import AgentRequest

RESULT_NAME = "result.json"


def name_result_path(request: AgentRequest) -> Path:
    """Where an agent may leave its structured result: a file in its outbox."""
    return request.outbox / RESULT_NAME


def attempt_variables(request: AgentRequest) -> dict[str, str]:
    """The ``BATON_…`` variables. ``BATON_ATTEMPT`` also tells our own MCP server and CLI, when the agent
    starts them, that they must write to the outbox and not commit.
    """
    return {
        "BATON_TASK": request.task,
        "BATON_ATTEMPT": str(request.attempt),
        "BATON_RUN": request.run,
        "BATON_BRIEFING": str(request.briefing_path),
        "BATON_OUTBOX": str(request.outbox),
        "BATON_RESULT": str(name_result_path(request)),
    }
