"""The Claude Code program that the tests drive: the one inside the installed ``claude-agent-sdk`` wheel."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path


@functools.cache
def find_claude_binary() -> Path:
    """Its path. AssertionError, never a skip, when the wheel is missing or carries no program."""
    spec = importlib.util.find_spec("claude_agent_sdk")  # importing it would cost most of a second
    assert spec is not None, "claude-agent-sdk is not installed: pip install -e '.[test]'"
    assert spec.origin is not None
    binary = Path(spec.origin).parent / "_bundled" / "claude"
    assert binary.is_file(), f"claude-agent-sdk has no Claude Code for this platform: {binary} is missing"
    return binary
