"""The briefings of recovery and of a peer review, letter by letter. To accept a change that is meant, run the tests with
``WRITE_GOLDEN=1`` and read the difference as the agent would.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gitbaton.domain.briefing import Material, render_briefing
from gitbaton.domain.handoff import CheckResult, Decision, Handoff, PeerReview
from gitbaton.domain.outbox import AgentHandoff
from gitbaton.domain.outcome import Outcome
from gitbaton.domain.peerreview import File, Work, judge_review, render_peer_briefing, render_review_feedback
from gitbaton.domain.state import Attempt
from gitbaton.domain.task import Task
from gitbaton.domain.troubleshooting import Failure, Recovery, find_failures
from gitbaton.store.roles import builtin_roles

GOLDEN = Path(__file__).parent / "golden_judging"
TASK = Task.model_validate({
    "title": "Make the search fast", "description": "People wait for three seconds.\n\nThe index is in `src/index.py`.",
    "acceptance": ["A search takes less than a second", "Results stay in the same order"], "paths": ["src/**", "tests/**"],
    "complexity": "complex", "clarifications": [{"text": "A megabyte more memory is fine."}],
})  # fmt: skip


def attempt(number: int, outcome: str | None, message: str = "", guidance: tuple[str, ...] = ()) -> Attempt:
    ended = Outcome(outcome) if outcome else None
    return Attempt(
        number=number, run=f"r{number}", agent="claude", started="t", ended="t" if outcome else None, outcome=ended,
        message=message or None, guidance=guidance,
    )  # fmt: skip


PAST = [
    attempt(1, "checks_failed", "speed did not pass"),
    attempt(2, "machine_lost", "never reported back"),
    attempt(
        3,
        "needs_revision",
        "the agent itself says that its work needs revision: order is lost",
        ("Keep the order",),
    ),
]
EARLIER = [
    Handoff(
        attempt=1, summary="Cached the results of each query.", rounds=("checks failed: speed did not pass",),
        checks=(CheckResult(name="speed", passed=False, exit_code=1, output="2.9 s, wanted 1 s"),),
    ),
    Handoff(
        attempt=3, summary="Built the index as a set.", remaining=("order is lost",), next_action="needs_revision",
        guidance="A set can't work. Look at how the index is read.",
    ),
]  # fmt: skip
FINDING = {
    "place": "src/index.py:40", "what": "the lock is taken twice", "why": "two searches at once wait for ever", "weight": "must",
}  # fmt: skip
REVIEW = PeerReview.model_validate({
    "agent": "claude", "verdict": "change", "summary": "Fast, but it can hang.", "reviews": 1,
    "findings": [FINDING, {"place": "tests/test_index.py", "what": "no test searches twice at once", "weight": "should"}],
})  # fmt: skip


def material(**fields: Any) -> Material:
    values: dict[str, Any] = {
        "task_id": "speed-up", "task": TASK, "attempt": 4, "role_name": "backend", "role": None, "plan": None, "dependencies": [],
        "earlier": EARLIER, "attempts": PAST, "guidance": (), "checks": [("speed", "make speed")], "protected": ["tasks/**"],
        "timeout_s": 3600.0, "max_turns": None, "has_tools": True, "wants_tests": True,
    }  # fmt: skip
    return Material(**{**values, **fields})


def recovery() -> Recovery:
    return Recovery(find_failures(PAST, EARLIER), builtin_roles()["troubleshooter"])


def work(**fields: Any) -> Work:
    patch = "@@ -1,2 +1,2 @@\n-slow = 1\n+fast = 1\n"
    values: dict[str, Any] = {
        "task_id": "speed-up", "task": TASK, "files": [File("src/index.py", "M", 1, 1, patch), File("logo.png", "A", 0, 0, "")],
        "checks": [CheckResult(name="speed", passed=True)],
        "said": AgentHandoff(summary="The index is sorted now.", decisions=(Decision(decision="a list", reason="order"),)),
    }  # fmt: skip
    return Work(**{**values, **fields})


TEXTS = {
    "briefing-recovery": lambda: render_briefing(material(recovery=recovery())),
    "briefing-peer-review": lambda: render_peer_briefing(work(earlier=REVIEW), builtin_roles()["reviewer"]),
    "feedback-peer-review": lambda: render_review_feedback(REVIEW, number=1, most=2),
}


@pytest.mark.parametrize("name", TEXTS)
def test_the_text_is_as_it_was_agreed(name: str) -> None:
    text, file = TEXTS[name](), GOLDEN / f"{name}.md"
    if os.environ.get("WRITE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_a_long_diff_names_what_is_to_be_read_in_the_folder() -> None:
    files = [File(f"src/f{n}.py", "M", 1, 1, "x" * 19_000) for n in range(5)] + [
        File("src/huge.py", "M", 1, 1, "y" * 21_000)
    ]
    text = render_peer_briefing(work(files=files), None)
    assert "Too long to stand here; read them in your folder: `src/f3.py`, `src/f4.py`, `src/huge.py`" in text
    assert len(text) < 65_000


@pytest.mark.parametrize(
    ("outcomes", "numbers"),
    [
        (["checks_failed"], []),
        (["checks_failed", "timeout"], [1, 2]),
        (["needs_revision"], [1]),
        (["checks_failed", "crashed", "stopped", "no_change"], [1, 4]),
        (["checks_failed", "needs_revision", "machine_lost"], [1, 2]),
        (["checks_failed", "turns", "succeeded"], []),
        (["checks_failed", "succeeded", "turns"], []),
        (["checks_failed", "needs_input", "turns"], []),
        (["checks_failed", "blocked"], []),
        (["checks_failed", None], []),
        ([], []),
    ],
)
def test_what_failed_in_a_row_for_reasons_of_its_own(outcomes: list[str | None], numbers: list[int]) -> None:
    past = [attempt(n, outcome) for n, outcome in enumerate(outcomes, 1)]
    assert [f.attempt.number for f in find_failures(past, [])] == numbers


def test_work_that_was_merged_or_set_aside_doesn_t_count() -> None:
    past = [attempt(n, "checks_failed") for n in (1, 2, 3)]
    assert find_failures(past, [], fresh_since=3) == ()
    assert find_failures(past, EARLIER, fresh_since=2) == (
        Failure(past[1], None),
        Failure(past[2], EARLIER[1]),
    )


@pytest.mark.parametrize(
    ("verdict", "weights", "problem"),
    [
        ("accept", [], None),
        ("accept", ["should", "note"], None),
        ("change", ["must", "note"], None),
        ("change", ["should"], "change needs a finding with weight must"),
        ("accept", ["must"], "accept does not go with 1 finding(s) of weight must"),
    ],
)
def test_a_review_must_not_contradict_itself(verdict: str, weights: list[str], problem: str | None) -> None:
    found = judge_review(
        {"verdict": verdict, "summary": "s", "findings": [{**FINDING, "weight": w} for w in weights]}
    )
    assert (problem is None) == (not found)
    assert all(problem in words for words in found if problem)
