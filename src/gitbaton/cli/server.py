"""The command that serves our tools to Claude Code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitbaton.cli.face import Command

if TYPE_CHECKING:
    import argparse


def _nothing(_: argparse.ArgumentParser) -> None:
    """No arguments."""


def _mcp(_: argparse.Namespace) -> int:
    from gitbaton.mcp_server import serve

    serve()
    return 0


COMMANDS = {
    "mcp": Command(
        "Serve tasks and context to Claude Code, over standard input and output.",
        _nothing,
        _mcp,
        ("claude mcp add baton -- baton mcp",),
    ),
}
