"""The result of a plan: the same text from the same facts in any order, letter by letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.handoff import Handoff
from gitbaton.domain.plan import Plan
from gitbaton.domain.state import Attempt
from gitbaton.domain.synthesis import (
    PlanFacts,
    TaskFacts,
    add_rows,
    count_numbers,
    is_provisional,
    judge_prose_parts,
    list_follow_ups,
    make_prose,
    render_request,
    render_synthesis,
)

if TYPE_CHECKING:
    import random

PLAN = Plan.model_validate(
    {"title": "The web", "goal": "People see it.\n\nAll of them.", "tasks": ["b", "a"], "acceptance": ["It is seen"]}
)  # fmt: skip


def handoff(task: str, number: int, **said: Any) -> tuple[str, Handoff]:
    path = f"tasks/handoffs/{task}/2026010{number}T000000000Z-run{number}.yaml"
    return path, Handoff.model_validate({"task": task, "attempt": number, **said})


def attempt(number: int, outcome: str, **used: Any) -> Attempt:
    return Attempt.model_validate(
        {
            "number": number, "run": f"run{number}", "agent": "claude", "started": f"2026-01-0{number}T09:00:00Z",
            "ended": f"2026-01-0{number}T09:30:00Z", "outcome": outcome, "usage": used,
        }
    )  # fmt: skip


A = TaskFacts(
    "a", "Show it", "done", "it is done",
    (
        handoff("a", 1, remaining=["The colours"], decisions=[{"decision": "Text will do"}], verified=False, artifacts=["old.txt"]),
        handoff(
            "a", 2, summary="It shows.\n## Numbers\nforged", completed=["The page"], next_steps=["Colours\nlater"], verified=True,
            decisions=[{"decision": "Text will do"}, {"decision": "No frames", "reason": "nobody\nlikes them"}], artifacts=["web.txt"],
        ),
        handoff("a", 3, data={"notes": ["only a note"]}),
    ),
    (attempt(1, "checks_failed", seconds=600.0, turns=10, cost_usd=0.1), attempt(2, "succeeded", seconds=300.5, turns=5, cost_usd=0.2, input_tokens=1200, output_tokens=34)),
)  # fmt: skip
B = TaskFacts("b", "All of it", "done", "its parts are done", is_parent=True)
C = TaskFacts(
    "c",
    "Draw it",
    "waiting",
    "it waits for a",
    (handoff("c", 1, questions=["Which blue?"], summary="Begun."),),
)
D = TaskFacts("d", "Print it", "cancelled", "it was cancelled", (handoff("d", 1, remaining=["everything"]),))
FACTS = PlanFacts("web", PLAN, (A, B, C, D))

EXPECTED = """\
# Result of web: The web

> 1 of 2 tasks done, 1 cancelled, 1 still open: this is not its end. Put together from the handoffs and states of its tasks.

## Goal

> People see it.
>
> All of them.

## What was built

- **b**: All of it (its parts are done)
- **a**: Show it

  > It shows.
  > ## Numbers
  > forged

  - The page

## Still open

- **c**: Draw it: waiting, it waits for a

## Cancelled

- **d**: Print it

## It was to hold that

- [ ] It is seen

## Artifacts

- old.txt (a)
- web.txt (a)

## Decisions

- Text will do (a)
- No frames, because nobody likes them (a)

## Follow-ups

- Colours later (a)
- open question: Which blue? (c)

## Numbers

| task | state | attempts | agents' time | turns | tokens | cost | checks |
|---|---|--:|--:|--:|--:|--:|---|
| b | done | 0 | - | - | - | - | - |
| a | done | 2 | 15m | 15 | 1,234 | $0.30 | passed |
| c | waiting | 0 | - | - | - | - | - |
| d | cancelled | 0 | - | - | - | - | - |
| all |  | 2 | 15m | 15 | 1,234 | $0.30 |  |

1 of 2 attempts went to review; from the first beginning to the last end it took 1d 30m.
"""


def test_the_text() -> None:
    assert render_synthesis(FACTS) == EXPECTED
    assert is_provisional(EXPECTED)
    assert not is_provisional(render_synthesis(FACTS._replace(tasks=(A, B, D))))


@given(st.randoms(use_true_random=False))
def test_it_is_the_same_in_whatever_order_the_facts_come(chance: random.Random) -> None:
    tasks = [
        t._replace(
            handoffs=tuple(chance.sample(t.handoffs, len(t.handoffs))), attempts=tuple(chance.sample(t.attempts, len(t.attempts)))
        )
        for t in chance.sample(FACTS.tasks, len(FACTS.tasks))
    ]  # fmt: skip
    assert render_synthesis(FACTS._replace(tasks=tuple(tasks))) == EXPECTED


def test_what_was_superseded_no_longer_counts() -> None:
    newest = handoff("a", 4, summary="Anew.", supersedes=[path for path, _ in A.handoffs])
    text = render_synthesis(FACTS._replace(tasks=(A._replace(handoffs=(*A.handoffs, newest)),)))
    assert "Anew." in text
    assert "Text will do" not in text
    assert list_follow_ups(FACTS._replace(tasks=(A._replace(handoffs=(*A.handoffs, newest)),))) == []


def test_numbers_are_those_of_the_attempts() -> None:
    row = count_numbers(A)
    assert (row.attempts, row.good, row.verified) == (2, 1, True)
    assert (row.usage.seconds, row.usage.cost_usd) == (900.5, 0.3)
    assert add_rows(FACTS).days_s == 86400 + 1800


GOOD = {
    "overview": "Fine.",
    "what_was_built": "### It\n\nshows",
    "decisions": ["One\ntwo"],
    "follow_ups": ["Go on"],
}


def test_an_agents_words_stand_in_their_places_and_the_numbers_stay() -> None:
    assert judge_prose_parts(GOOD) == []
    text = render_synthesis(FACTS, make_prose(GOOD, "claude (opus)"))
    assert "In the words of claude (opus)" in text
    assert "## In short\n\nFine.\n\n## What was built\n\n### It\n\nshows\n\n## Still open" in text
    assert "## Decisions\n\n- One two\n\n## Follow-ups\n\n- Go on\n\n## Numbers" in text
    assert text.endswith(EXPECTED[EXPECTED.index("## Numbers\n\n|") :])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"overview": "# Big"}, "overview: the heading '# Big' must begin with ### or more"),
        ({"what_was_built": "fine <!-- not seen -->"}, "what_was_built: it has an HTML comment, which nobody sees who reads it"),
        ({"follow_ups": ["ok", "## Numbers"]}, "follow_ups[1]: no headings here"),
        ({"decisions": ["see [x](/etc/passwd)"]}, "decisions[0]: the link to '/etc/passwd' is not relative"),
    ],
)  # fmt: skip
def test_words_that_would_break_the_file_are_found(change: dict[str, Any], problem: str) -> None:
    assert judge_prose_parts({**GOOD, **change}) == [problem]


def test_the_author_is_given_all_facts_as_a_quotation() -> None:
    asked = render_request(FACTS)
    assert f"```\n{EXPECTED.strip()}\n```" in asked
