"""How long to wait before something is tried again."""

from __future__ import annotations

import pytest

from gitbaton.domain.backoff import bound_backoff, draw_backoff


@pytest.mark.parametrize(("failures", "most"), [(0, 15), (1, 15), (2, 30), (5, 240), (6, 300), (10_000, 300)])
def test_the_bound_doubles_up_to_the_most(failures: int, most: float) -> None:
    assert bound_backoff(failures, 15, 300) == most


@pytest.mark.parametrize(
    ("chance", "asked", "wait"),
    [
        (0.0, None, 0), (0.5, None, 30), (0.99, None, 59.4),
        (0.0, 600.0, 600), (0.5, 600.0, 630), (0.99, 600.0, 659.4), (0.99, 10.0, 11),
    ],
)  # fmt: skip
def test_the_wait_is_drawn_from_all_up_to_the_bound_and_never_less_than_asked_for(
    chance: float, asked: float | None, wait: float
) -> None:
    assert draw_backoff(3, 15, 300, chance=chance, retry_after_s=asked) == pytest.approx(wait)
