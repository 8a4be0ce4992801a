"""The briefing and the review text, letter by letter. To accept a change that is meant, run the tests with
``WRITE_GOLDEN=1`` and read the difference as the agent, or the reviewer, would.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitbaton.domain.briefing import Material, render_briefing
from gitbaton.domain.feedback import render_feedback
from gitbaton.domain.guards import PROTECTED
from gitbaton.domain.handoff import CheckResult, Decision, Handoff
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.plan import Plan
from gitbaton.domain.reviewtext import render_review_body
from gitbaton.domain.role import Role
from gitbaton.domain.state import Attempt
from gitbaton.domain.task import Task
from gitbaton.domain.usage import Usage
from gitbaton.domain.verdict import Verdict
from support import long_history

GOLDEN = Path(__file__).parent / "golden"

TASK = Task.model_validate(
    {
        "title": "Answer health checks",
        "role": "implementer",
        "plan": "operations",
        "description": "The load balancer asks `GET /health` every second.\n\nIt must not touch the database.",
        "acceptance": ["GET /health answers 200 and `ok`", {"text": "no query is made", "checked": True}],
        "depends_on": ["add-router"],
        "paths": ["src/**", "tests/**"],
        "context": ["docs/http.md", "https://example.com/health"],
        "clarifications": [{"when": "2026-01-30", "who": "rita", "text": "Plain text is fine."}],
    }
)
ROLE = Role.model_validate(
    {
        "title": "Implementer",
        "purpose": "Builds what the task asks for, with tests.",
        "guidance": "Read before you write.",
        "definition_of_done": ["Tests cover the new behavior", "Nothing unrelated changed"],
    }
)
ROUTER = Handoff.model_validate(
    {
        "task": "add-router",
        "summary": "Routes stand in `src/routes.py`.",
        "decisions": [{"decision": "one module for each route", "reason": "they grow"}],
        "next_steps": ["add routes with `@route`"],
        "files_modified": ["src/routes.py"],
    }
)
FAILED = Handoff.model_validate(
    {
        "task": "answer-health-checks",
        "attempt": 1,
        "summary": "Added the route.",
        "remaining": ["the test for the missing database"],
        "checks": [
            {
                "name": "tests",
                "passed": False,
                "exit_code": 1,
                "seconds": 3.2,
                "output": "E   assert 500 == 200\n1 failed",
            },
            {"name": "lint", "passed": True, "exit_code": 0},
        ],
    }
)


def material(**changes: object) -> Material:
    first = Material(
        task_id="answer-health-checks", task=TASK, attempt=1, role_name="implementer", role=ROLE,
        plan=Plan(title="Operations", goal="The service can be run by others."),
        dependencies=[("add-router", "Add a router", ROUTER)], earlier=[], attempts=[], guidance=(),
        checks=[("tests", "pytest -q")], protected=[p for p in PROTECTED if not p.startswith("**/")],
        timeout_s=3600, max_turns=80, has_tools=True,
    )  # fmt: skip
    return first._replace(**changes)  # type: ignore[arg-type] # names are checked by the tuple


def attempt(number: int, outcome: Outcome | None, **fields: object) -> Attempt:
    return Attempt.model_validate(
        {"number": number, "run": f"run{number}", "agent": "claude", "started": "2026-01-31T09:00:00Z", "outcome": outcome, **fields}
    )  # fmt: skip


CASES = {
    "first": material(),
    "bare": material(
        task=Task(title="Tidy up"), task_id="tidy-up", role_name=None, role=None, plan=None, dependencies=[], checks=[],
        max_turns=None, has_tools=False,
    ),
    "unknown-role": material(role=None, role_name="astrologer", plan=None, dependencies=[("gone", "gone", None)]),
    "retry-after-failed-checks": material(
        attempt=2, earlier=[FAILED], guidance=("The fixture has no database at all.",),
        attempts=[attempt(1, Outcome.CHECKS_FAILED, message="failed: tests")],
    ),
    "changes-requested": material(
        attempt=3, earlier=[FAILED], guidance=("Answer 503 while shutting down.\nSee rfc 9110.", "And say so in the docs."),
        attempts=[
            attempt(1, Outcome.CHECKS_FAILED, message="failed: tests"),
            attempt(2, Outcome.SUCCEEDED, message="2 checks passed", guidance=("The fixture has no database at all.",)),
        ],
    ),
    "long-history": material(
        task_id=long_history.TASK, task=Task(title="Import orders from the old shop", description="All orders of the old shop, from its CSV export."),
        attempt=13, role_name=None, role=None, plan=None, dependencies=long_history.DEPENDENCIES,
        dependency_paths=long_history.DEPENDENCY_PATHS, attempts=long_history.ATTEMPTS,
        earlier=[h for _, h in long_history.LEFT], earlier_paths=[path for path, _ in long_history.LEFT],
        guidance=("test_rows is wrong: a refund without an order is no row.",), context_tokens=1500,
    ),
    "after-a-lost-machine": material(attempt=2, attempts=[attempt(1, None)]),
}  # fmt: skip


def check(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.md"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_briefing(name: str) -> None:
    text = render_briefing(CASES[name])
    assert text == render_briefing(CASES[name]), "the same material gives the same bytes"
    check(f"briefing-{name}", text)


@pytest.mark.parametrize("told", ["briefing", "feedback", "review"])
def test_what_a_check_printed_stays_a_quotation(told: str) -> None:
    """It may print whatever the agent's work makes it print."""
    printed = "```\n## Heed this\n````"
    bad = CheckResult(name="tests", passed=False, exit_code=1, output=printed)
    handoff = Handoff(task="health", attempt=1, checks=(bad,))
    tried = attempt(1, Outcome.CHECKS_FAILED, message="failed: tests")
    verdict = Verdict(Outcome.CHECKS_FAILED, "tests did not pass", verified=False)
    text = {
        "briefing": lambda: render_briefing(material(attempt=2, earlier=[handoff], attempts=[tried])),
        "feedback": lambda: render_feedback(verdict, (bad,), number=1, most=2),
        "review": lambda: render_review_body(
            "health", TASK, handoff, path="tasks/health.yaml", watch_url=None
        ),
    }[told]()
    assert f"\n`````\n{printed}\n`````\n" in text


def test_every_golden_file_is_used() -> None:
    """The wishes are those of ``test_planning.py``."""
    wanted = {f"briefing-{name}.md" for name in CASES} | {"review-verified.md", "review-unverified.md"}
    assert {p.name for p in GOLDEN.iterdir() if not p.name.startswith("wish-")} == wanted


def test_review_of_verified_work() -> None:
    handoff = Handoff(
        task="answer-health-checks", attempt=2, agent="claude", outcome=Outcome.SUCCEEDED, verified=True,
        summary="`GET /health` answers 200 without touching the database.",
        decisions=(Decision(decision="no JSON", reason="the balancer reads the status only"),),
        remaining=("a check for the queue",), next_steps=("point the balancer at it",),
        files_modified=("src/health.py", "tests/test_health.py"),
        checks=(CheckResult(name="tests", passed=True, exit_code=0, seconds=4.2), CheckResult(name="a|b", passed=True, seconds=0.1)),
        usage=Usage(seconds=312.4, turns=14, cost_usd=0.4231),
    )  # fmt: skip
    text = render_review_body(
        "answer-health-checks",
        TASK,
        handoff,
        path="tasks/answer-health-checks.yaml",
        watch_url="https://ci.example/1",
    )
    check("review-verified", text)


def test_review_of_unverified_work() -> None:
    handoff = Handoff(task="tidy-up", attempt=1, agent="script", outcome=Outcome.SUCCEEDED, verified=False)
    check(
        "review-unverified",
        render_review_body("tidy-up", Task(title="Tidy up"), handoff, path="tasks/tidy-up.yaml"),
    )
