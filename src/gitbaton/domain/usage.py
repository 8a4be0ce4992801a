"""What an attempt cost."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import Field

from gitbaton.domain.document import Part

_N = TypeVar("_N", int, float)


class Usage(Part):
    """Measured use of one attempt. A figure that nobody reported is left out, never guessed."""

    seconds: Annotated[
        float | None, Field(strict=True, ge=0, description="Wall-clock seconds the agent ran.")
    ] = None
    turns: Annotated[int | None, Field(strict=True, ge=0, description="Turns as the agent counts them.")] = (
        None
    )
    input_tokens: Annotated[
        int | None, Field(strict=True, ge=0, description="Tokens sent, cached ones included.")
    ] = None
    output_tokens: Annotated[int | None, Field(strict=True, ge=0, description="Tokens received.")] = None
    cost_usd: Annotated[
        float | None, Field(strict=True, ge=0, description="Cost in US dollars as the agent reports it.")
    ] = None
    tool_calls: Annotated[int | None, Field(strict=True, ge=0, description="Tool calls made.")] = None
    peak_memory_mb: Annotated[
        float | None,
        Field(strict=True, ge=0, description="Peak resident memory of the agent's processes, in MiB."),
    ] = None


def add_usage(first: Usage, then: Usage) -> Usage:
    """What two runs used together; a figure that only one reported counts for both."""
    return Usage(
        seconds=_round(_add(first.seconds, then.seconds), 3),
        turns=_add(first.turns, then.turns),
        input_tokens=_add(first.input_tokens, then.input_tokens),
        output_tokens=_add(first.output_tokens, then.output_tokens),
        cost_usd=_round(_add(first.cost_usd, then.cost_usd), 6),
        tool_calls=_add(first.tool_calls, then.tool_calls),
        peak_memory_mb=max(filter(None, (first.peak_memory_mb, then.peak_memory_mb)), default=None),
    )


def _add(one: _N | None, other: _N | None) -> _N | None:
    return other if one is None else one if other is None else one + other


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
