"""What a Claude Code session has used, from its events and from its own record on disk.

The figures of a result event are those of the whole session, and a session can be resumed: what one run
used is the difference. A run that was ended from outside has no result event, but Claude Code writes a
``cost-state`` line to the session's transcript when it is asked to end. Both were found out by trying
(2.1.300 to 2.1.329); a transcript without such a line only means that a figure is left out.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: The fields of one model's entry in ``modelUsage`` that count as sent.
SENT = ("inputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
TRANSCRIPT_TAIL = 1 << 20  # the line wanted is among the last ones


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens sent (cached ones included) and received, and their price in US dollars."""

    input: int = 0
    output: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.input + other.input, self.output + other.output, self.cost_usd + other.cost_usd)

    def __sub__(self, other: Tokens) -> Tokens:
        """What came on top of ``other``; never below nothing."""
        return Tokens(
            max(0, self.input - other.input),
            max(0, self.output - other.output),
            max(0.0, self.cost_usd - other.cost_usd),
        )


def parse_model_usage(usage: object) -> Tokens | None:
    """The sum over all models of a ``modelUsage`` object; None when it is none."""
    if not isinstance(usage, dict):
        return None
    models = [model for model in usage.values() if isinstance(model, dict)]
    return Tokens(
        input=sum(int(_number(model.get(name))) for model in models for name in SENT),
        output=sum(int(_number(model.get("outputTokens"))) for model in models),
        cost_usd=sum(_number(model.get("costUSD")) for model in models),
    )


def read_session_tokens(config_dir: Path, session: str) -> Tokens | None:
    """What ``session`` has used up to now, from its transcript below ``config_dir``; None if it has none
    or the transcript does not tell.
    """
    found = None
    for transcript in sorted(config_dir.glob(f"projects/*/{session}.jsonl")):
        for line in _read_tail(transcript).splitlines():
            if b'"cost-state"' in line:
                found = _parse_cost_state(line) or found
    return found


def _read_tail(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TRANSCRIPT_TAIL))
            return file.read()
    except OSError:
        return b""


def _parse_cost_state(line: bytes) -> Tokens | None:
    try:
        state = json.loads(line)
    except ValueError:
        return None
    if not isinstance(state, dict) or state.get("type") != "cost-state":
        return None
    return parse_model_usage(state.get("modelUsage"))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(0, value)
