"""What commands share that let an agent write something: how it is followed, and what it used."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from gitbaton.domain.usage import Usage
    from gitbaton.usecases.attempt_log import RunEvent


def add_author(p: argparse.ArgumentParser) -> None:
    """``--agent`` and ``--model``."""
    p.add_argument("--agent", metavar="NAME", help="agent from tasks/config.yaml, instead of the default")
    p.add_argument(
        "--model", metavar="MODEL", help="model that it uses, instead of the role's or the agent's"
    )


@contextmanager
def following(*, is_json: bool) -> Iterator[Callable[[RunEvent], None]]:
    """Show what an agent does, as it goes on; Ctrl-C, SIGTERM and the end of the terminal end it for good."""
    from gitbaton.edges.interruption import Interruption
    from gitbaton.report.run_text import RunView

    view = RunView(sys.stderr)

    def follow(event: RunEvent) -> None:
        if not is_json:
            view(event)

    with Interruption():
        yield follow


def usage_record(usage: Usage) -> dict[str, Any]:
    """What was used, for programs."""
    return usage.model_dump(exclude_none=True)


def describe_usage(usage: Usage) -> str:
    """The same for people; empty when nothing is known."""
    from gitbaton.domain.reviewtext import render_usage

    return ", ".join(render_usage(usage))
