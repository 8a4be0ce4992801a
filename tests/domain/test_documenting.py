"""What the author of a task's notes is told, letter by letter. To accept a change that is meant, run the tests with
``WRITE_GOLDEN=1`` and read the difference as the author would.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitbaton.domain.documenting import Subject, render_request
from gitbaton.domain.role import Role
from gitbaton.domain.task import Task

GOLDEN = Path(__file__).parent / "golden_documenting"
FULL = Subject(
    "answer-health-checks",
    Task.model_validate(
        {
            "title": "Answer health checks",
            "description": "The load balancer asks `GET /health` every second.\n\n## It must not\n\ntouch the database.",
            "acceptance": ["GET /health answers 200 and `ok`", {"text": "no query\nis made", "checked": True}],
            "clarifications": [{"text": "Plain text is fine."}], "depends_on": ["add-router"], "paths": ["src/**", "tests/**"],
            "context": ["docs/http.md"],
        }
    ),
    folder="services/api", goal="Operations\n\nNobody is woken at night.", old="# Old\n\n```\ncode\n```\n",
    role=Role.model_validate({"purpose": "Writes what people need.", "guidance": "- Look before you write.\n"}),
)  # fmt: skip
CASES = {"full": FULL, "bare": Subject("tidy", Task.model_validate({"title": "Tidy up"}))}


@pytest.mark.parametrize("name", CASES)
def test_the_request(name: str) -> None:
    text, path = render_request(CASES[name]), GOLDEN / f"{name}.md"
    if os.environ.get("WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
