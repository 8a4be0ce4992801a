"""The lifecycle table, read as what it promises."""

from __future__ import annotations

from typing import get_args

import pytest

from gitbaton.domain.lifecycle import (
    ALL,
    BEFORE,
    SAME,
    TABLE,
    EventName,
    IllegalEvent,
    LiveStatus,
    apply_event,
)

EVENTS: tuple[EventName, ...] = get_args(EventName)
MOVES = [(event, status) for event in EVENTS for status in ALL]


def outcomes(event: EventName, status: LiveStatus) -> set[LiveStatus]:
    """Every status that a legal event may lead to."""
    if TABLE[event].target == BEFORE:
        return {
            apply_event("t", status, event, before=before) for before in (None, *TABLE["claimed"].sources)
        }
    return {apply_event("t", status, event)}


def test_every_event_has_its_row() -> None:
    assert set(TABLE) == set(EVENTS)
    for rule in TABLE.values():
        assert set(rule.sources) <= set(ALL)
        assert len(set(rule.sources)) == len(rule.sources) > 0
        assert rule.target in (*ALL, SAME, BEFORE)


@pytest.mark.promise("state.table")
@pytest.mark.parametrize(("event", "status"), [m for m in MOVES if m[1] not in TABLE[m[0]].sources])
def test_an_illegal_event_raises_and_says_from_where_it_is_legal(
    event: EventName, status: LiveStatus
) -> None:
    with pytest.raises(IllegalEvent) as caught:
        apply_event("add-login", status, event)
    error = caught.value
    assert error.code == "illegal-event"
    assert error.exit_code == 1
    assert error.message == (
        f"add-login is {status.replace('_', ' ')}: it can't be {event.replace('_', ' ')} from there"
    )
    assert error.hint == "see where it stands with: baton show add-login"
    assert error.data == {
        "task": "add-login",
        "event": event,
        "status": status,
        "allowed_from": list(TABLE[event].sources),
    }


@pytest.mark.parametrize(("event", "status"), [m for m in MOVES if m[1] in TABLE[m[0]].sources])
def test_a_legal_event_leads_where_its_row_says(event: EventName, status: LiveStatus) -> None:
    target = TABLE[event].target
    if target == SAME:
        assert outcomes(event, status) == {status}
    elif target == BEFORE:
        assert outcomes(event, status) == set(TABLE["claimed"].sources) - {"in_progress"}
    else:
        assert outcomes(event, status) == {target}


@pytest.mark.parametrize("event", ["withdrawn", "released"])
def test_a_claim_that_is_given_back_leaves_nobody_in_progress(event: EventName) -> None:
    assert apply_event("t", "in_progress", event) == "open"
    assert apply_event("t", "in_progress", event, before="in_progress") == "open"  # it was stale before
    assert apply_event("t", "in_progress", event, before="changes_requested") == "changes_requested"


def test_every_status_is_reached_from_open() -> None:
    reached: set[LiveStatus] = {"open"}
    while (
        more := {
            status
            for event in EVENTS
            for source in reached & set(TABLE[event].sources)
            for status in outcomes(event, source)
        }
        - reached
    ):
        reached |= more
    assert reached == set(ALL)


def test_how_each_status_can_be_left() -> None:
    """Written out, so that a change of the table shows which way out it opens or closes."""
    ways: dict[LiveStatus, set[EventName]] = {
        status: {e for e in EVENTS if status in TABLE[e].sources and outcomes(e, status) != {status}}
        for status in ALL
    }
    assert ways == {
        "open": {"claimed", "stopped", "merged", "taken_over"},
        "in_progress": {
            "withdrawn", "released", "published", "failed", "asked", "stopped", "merged", "taken_over",
        },
        "needs_input": {"answered", "stopped", "retried", "merged", "taken_over"},
        "in_review": {"changes_requested", "merged", "closed", "taken_over"},
        "changes_requested": {"claimed", "stopped", "merged", "closed", "taken_over"},
        "failed": {"claimed", "stopped", "retried", "merged", "taken_over"},
        "stopped": {"retried", "merged", "taken_over"},
        "closed": {"changes_requested", "retried", "merged", "taken_over"},
        "taken_over": {"claimed", "retried", "merged"},
        "merged": {"claimed", "retried"},
    }  # fmt: skip


def test_only_the_holder_reports_what_an_attempt_did() -> None:
    assert {event for event, rule in TABLE.items() if rule.fenced} == {
        "withdrawn", "checkpointed", "published", "review_opened", "failed", "asked",
    }  # fmt: skip


def test_nobody_is_kept_from_saying_something() -> None:
    assert {event for event, rule in TABLE.items() if rule.sources == ALL} == {
        "held",
        "hold_released",
        "clarified",
    }


def test_a_live_attempt_can_always_be_ended_by_a_person() -> None:
    for status in ("in_progress", "needs_input"):
        assert any(
            status in rule.sources
            and rule.actor == "person"
            and not rule.fenced
            and rule.target not in (SAME, status)
            for rule in TABLE.values()
        )
