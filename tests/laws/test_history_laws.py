"""A history is told in the room there is: nothing that must stay is dropped, and nothing is larger than it may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitbaton.domain.compaction import (
    FACT_MIN,
    TOKENS_MIN,
    choose_forms,
    estimate_tokens,
    find_room,
)
from gitbaton.domain.handoff import CheckResult, Decision, Handoff, PeerReview
from gitbaton.domain.history import Dependency, History, retell
from gitbaton.domain.outcome import OUTCOMES, Outcome
from gitbaton.domain.state import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.promise("context.compact")

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
MUCH = 10_000_000

_WORDS = [
    "the",
    "cache",
    "never",
    "answers",
    "`ok`",
    "café",
    "日本",
    "###",
    "a" * 90,
    "no\n\nbecause",
    "- item",
]
_LENGTHS = (1, 1, 2, 3, 5, 8, 30)
#: Drawn from a fixed choice, because there are many in each history.
texts = st.sampled_from([
    f"{n}: " + " ".join(_WORDS[(n * 7 + k * k) % len(_WORDS)] for k in range(_LENGTHS[n % len(_LENGTHS)])) for n in range(40)
])  # fmt: skip
few = st.lists(texts, max_size=2).map(tuple)

reviews = st.tuples(st.sampled_from(["accept", "change"]), texts).map(
    lambda drawn: PeerReview.model_validate({
        "verdict": drawn[0], "findings": [{"place": "src/a.py:3", "what": drawn[1], "weight": "must"}, {"place": "b", "what": "may stay"}],
    })
)  # fmt: skip


@st.composite
def handoffs(draw: st.DrawFn, attempt: int | None, path: str, supersedes: tuple[str, ...]) -> Handoff:
    """A handoff of an attempt, a checkpoint in one, or (None) what a person left."""
    on_the_way = attempt is not None and draw(st.integers(0, 3)) == 0
    return Handoff(
        attempt=attempt, agent="claude", created=path, incomplete=on_the_way,
        outcome=None if on_the_way or attempt is None else draw(st.sampled_from(Outcome)),
        summary=f"left in {path}: {draw(texts)}", completed=draw(few), remaining=draw(few), questions=draw(few), blockers=draw(few),
        decisions=tuple(Decision(decision=d, reason=draw(st.one_of(st.none(), texts))) for d in draw(few)),
        checks=tuple(CheckResult(name=f"check-{n}", passed=draw(st.booleans()), output=draw(texts)) for n in range(draw(st.integers(0, 2)))),
        peer_review=draw(st.one_of(st.none(), reviews)), guidance=draw(st.one_of(st.none(), texts)),
        next_action=draw(st.sampled_from([None, "continue"])), supersedes=supersedes,
    )  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Attempts, some of them lost or superseded, with handoffs; notes of people; dependencies."""
    count = draw(st.integers(0, 4))
    fresh = draw(st.integers(1, count + 1))
    over = tuple(f"h/{n}" for n in range(1, fresh))
    attempts, left = [], []
    for n in range(1, count + 1):
        outcome = draw(st.one_of(st.none(), st.sampled_from(Outcome)))
        attempts.append(Attempt(
            number=n, run=f"r{n}", agent="claude", started=f"h/{n}", outcome=outcome, guidance=draw(few),
            message=draw(st.one_of(st.none(), texts)),
        ))  # fmt: skip
        if draw(st.integers(0, 3)):
            left.append((f"h/{n}", draw(handoffs(n, f"h/{n}", over if n >= fresh else ()))))
    for n in range(draw(st.integers(0, 3))):
        note = Handoff(agent="rita", data={"notes": [draw(texts)]})
        left.append(
            (
                f"n/{n}",
                draw(st.one_of(handoffs(None, f"n/{n}", ()), handoffs(9, f"n/{n}", ()), st.just(note))),
            )
        )
    needs = [
        Dependency(f"d{n}", "Before", draw(st.one_of(st.none(), handoffs(1, f"d/{n}", ()))), f"d/{n}")
        for n in range(draw(st.integers(0, 2)))
    ]
    return History(needs, attempts, left, fresh)


def flatten(text: str) -> str:
    """The words of Markdown alone."""
    return " ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split())


def stays(text: str) -> str:
    """What must be there of a fact, however little room there is."""
    words = " ".join(text.split())
    return words if len(words) <= FACT_MIN else words[: FACT_MIN - 1].rstrip()


def iter_mandatory(history: History) -> Iterator[str]:
    """Decisions, open questions, failures with their reasons, what is in the way, and what people said."""
    for attempt in history.attempts:
        yield from attempt.guidance
        if attempt.outcome is None:
            yield attempt.message or "never reported back"
        elif not OUTCOMES[attempt.outcome].good:
            yield attempt.message or attempt.outcome.value.replace("_", " ")
    superseded = {p for _, h in history.left for p in h.supersedes}
    holding = [
        h for p, h in history.left
        if p not in superseded and not (h.attempt and h.attempt < history.fresh_since)
    ]  # fmt: skip
    for h in [*holding, *(d.handoff for d in history.dependencies if d.handoff)]:
        yield from (d.decision for d in h.decisions)
        yield from (*h.questions, *h.blockers)
        if h.peer_review and h.peer_review.verdict == "change":
            yield f"src/a.py:3: {h.peer_review.findings[0].what}"
        if h.guidance and h.next_action == "continue":
            yield h.guidance
        yield from (f"`{c.name}`" for c in h.checks if not c.passed)


@settings(max_examples=100, derandomize=True, deadline=None, suppress_health_check=SLOW)
@given(histories(), st.one_of(st.integers(TOKENS_MIN, 4_000), st.integers(1, TOKENS_MIN)))
def test_what_must_stay_stays_and_the_rest_keeps_to_its_room(history: History, tokens: int) -> None:
    told = retell(history, tokens)
    assert told == retell(history, tokens), "the same history and room give the same words"
    text = "\n\n".join(told.sections)
    words = flatten(text)
    for fact in iter_mandatory(history):
        assert stays(fact) in words
    least = "\n\n".join(retell(history, 1).sections)
    assert told.is_over == (estimate_tokens(text) > tokens)
    if told.is_over:
        assert estimate_tokens(least) > tokens - 5, "it is too large only where the facts alone are"
        assert "What must be told takes more" in text
    whole = retell(history, MUCH)
    if told.shortened or told.left_out:
        assert f"{tokens:,} tokens (`run.context_tokens`)." in text
        assert estimate_tokens("\n\n".join(whole.sections)) > tokens, "what fits is told whole"
    else:
        assert told.sections == whole.sections or told.is_over
    assert (whole.shortened, whole.left_out, whole.is_over) == (0, 0, False)
    numbers = [int(n) for n in re.findall(r"^### Attempt (\d+)", text, re.MULTILINE)]
    assert numbers == sorted(numbers, reverse=True)
    for path in {p for _, h in history.left for p in h.supersedes}:
        assert f"left in {path}:" not in words, "what is superseded is not repeated"


sizes = st.lists(st.integers(0, 50), min_size=1, max_size=4).map(lambda s: sorted(s, reverse=True))


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.lists(sizes, max_size=8), st.integers(0, 300))
def test_pieces_give_way_in_their_order(pieces: list[list[int]], room: int) -> None:
    chosen = choose_forms(pieces, room)
    total = sum(forms[form] for forms, form in zip(pieces, chosen, strict=True))
    least = sum(forms[-1] for forms in pieces)
    assert total <= room or total == least
    if sum(forms[0] for forms in pieces) <= room:
        assert not any(chosen)
    if chosen and chosen[0]:
        assert pieces[0][0] + least - pieces[0][-1] > room, "the most important one gives way last"
    for forms, form in zip(pieces, chosen, strict=True):
        assert not form or total - forms[form] + forms[form - 1] > room, "no room is left unused"


def test_tokens_are_counted_by_the_stated_rule() -> None:
    assert [estimate_tokens(t) for t in ("", "a", "abcdefg", "abcdefgh", "日本")] == [0, 1, 2, 3, 2]
    assert [find_room(n) for n in (1, 2, 8_000)] == [3, 7, 28_000]
