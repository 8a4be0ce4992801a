"""The words that task files choose from. They stand apart from the models, so that a command that only looks
needs no models.
"""

from __future__ import annotations

from typing import Literal

Status = Literal["draft", "todo", "done", "cancelled"]
Type = Literal["epic", "story", "task", "subtask", "todo", "bug", "chore", "docs", "spike", "review"]
Priority = Literal["critical", "high", "medium", "low"]
Complexity = Literal["simple", "medium", "complex", "critical"]
PRIORITIES: tuple[Priority, ...] = ("critical", "high", "medium", "low")
