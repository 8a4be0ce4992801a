"""GitHub Actions expressions, evaluated by GitHub's own library."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Literal, Self

from support.node import script_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

Status = Literal["success", "failure", "cancelled"]


class ExpressionError(Exception):
    """GitHub would refuse the expression."""


class Expressions:
    """A running evaluator. ``context`` maps names (``github``, ``inputs``, ``steps`` …) to JSON values;
    a name that is not there may not be used.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = script_command("expressions.mjs")
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.communicate(timeout=30)

    def expand(self, source: str, context: Mapping[str, Any]) -> str:
        """``source`` with each ``${{ }}`` replaced by its value."""
        if "${{" not in source:
            return source
        value = self._ask({"kind": "text", "source": source, "context": context})
        assert isinstance(value, str)
        return value

    def holds(self, condition: str, context: Mapping[str, Any], status: Status) -> bool:
        """Whether an ``if:`` lets its step run. Empty means ``success()``, as GitHub has it."""
        asked = {
            "kind": "condition",
            "source": condition or "success()",
            "context": context,
            "status": status,
        }
        value = self._ask(asked)
        assert isinstance(value, bool)
        return value

    def _ask(self, question: Mapping[str, Any]) -> object:
        assert self._process is not None, "not started"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            reply = json.loads(self._process.stdout.readline())
        if "error" in reply:
            raise ExpressionError(f"{reply['error']} in: {question['source']}")
        found: object = reply["value"]
        return found
