"""What an attempt cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gitbaton.domain.document import Part


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
