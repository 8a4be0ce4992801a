"""Durations as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.durations import LONGEST_S, parse_duration, render_duration


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("2h", 7200),
        ("1d", 86400),
        ("600", 600),
        (600, 600),
        (0.5, 0.5),
        ("1.5h", 5400),
        ("100d", LONGEST_S),
    ],
)
def test_what_people_write(written: object, seconds: float) -> None:
    parsed = parse_duration(written)
    assert (parsed, type(parsed)) == (seconds, float)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "m",
        "10 m",
        " 10m",
        "10m\n",
        "-1s",
        "1h30m",
        "1e3",
        "٣s",
        "10M",
        0,
        -1,
        "0s",
        "0.0",
        True,
        None,
        [1],
        float("nan"),
        float("inf"),
        10**400,
        "1" + "0" * 400,
        "101d",
        LONGEST_S + 1,
    ],
)
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0s"),
        (0.04, "0s"),
        (1.25, "1.2s"),
        (9, "9s"),
        (9.96, "10s"),
        (10.4, "10s"),
        (59.4, "59s"),
        (59.7, "1m"),
        (60, "1m"),
        (90, "1m 30s"),
        (5400, "1h 30m"),
        (3599.6, "1h"),
        (3661, "1h 1m"),
        (86400, "1d"),
        (90061, "1d 1h"),
        (LONGEST_S, "100d"),
    ],
)
def test_what_people_read(seconds: float, words: str) -> None:
    assert render_duration(seconds) == words


@given(st.integers(1, 99), st.sampled_from("smhd"))
def test_a_whole_unit_reads_back_as_it_was_meant(count: int, unit: str) -> None:
    seconds = parse_duration(f"{count}{unit}")
    words = render_duration(seconds)
    assert sum(parse_duration(part) for part in words.split()) == seconds


@given(st.floats(0, LONGEST_S))
def test_what_is_shown_is_nearly_what_it_is(seconds: float) -> None:
    shown = sum(
        parse_duration(part) for part in render_duration(seconds).split() if part not in ("0s", "0.0s")
    )
    assert abs(shown - seconds) <= max(0.5, 0.05 * seconds)
