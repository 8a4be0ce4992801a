"""Our part of a pull request's description, and everybody else's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.managed_text import BEGIN, END, clip_text, find_managed_text, place_managed_text

LINES = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=60)
PIECES = st.lists(st.sampled_from([BEGIN, END, "words", "\n", "\r\n", "<!--", "é"]), max_size=8).map("".join)


@pytest.mark.parametrize("text", [None, "", " \n"])
def test_into_an_empty_text(text: str | None) -> None:
    assert place_managed_text(text, "ours\n") == f"{BEGIN}\nours\n{END}"


def test_after_what_a_person_wrote() -> None:
    assert place_managed_text("Theirs.\n", "ours") == f"Theirs.\n\n{BEGIN}\nours\n{END}"


def test_between_what_people_wrote() -> None:
    text = f"Before.\r\n{BEGIN}\r\nold\r\n{END} after"
    assert place_managed_text(text, "new") == f"Before.\r\n{BEGIN}\nnew\n{END} after"


def test_other_line_breaks_are_no_change() -> None:
    text = f"Before.\r\n{BEGIN}\r\none\r\ntwo\r\n{END}\r\n"
    assert place_managed_text(text, "one\ntwo") == text


@pytest.mark.parametrize("text", [f"{END} {BEGIN}", f"{BEGIN} only", f"only {END}"])
def test_half_a_pair_of_markers_loses_nothing(text: str) -> None:
    placed = place_managed_text(text, "ours")
    assert placed.startswith(text)
    assert placed.endswith(f"{BEGIN}\nours\n{END}")


def test_a_stray_marker_takes_nobodys_words_away() -> None:
    text = f"{END} one {BEGIN} two {BEGIN}old{END} three {END}"
    assert place_managed_text(text, "new") == f"{END} one {BEGIN} two {BEGIN}\nnew\n{END} three {END}"


def test_markers_inside_ours_are_defused() -> None:
    placed = place_managed_text("Theirs.", f"bad {END} <script> {BEGIN}")
    assert placed.count(END) == placed.count(BEGIN) == 1
    assert place_managed_text(placed, "good") == f"Theirs.\n\n{BEGIN}\ngood\n{END}"


def test_ours_is_cut_and_theirs_is_not() -> None:
    theirs = "t" * 60
    placed = place_managed_text(theirs, "o" * 500, 200)
    assert len(placed) == 200
    assert placed.startswith(theirs)
    assert placed.endswith(f"… (cut)\n{END}")
    assert place_managed_text(placed, "o" * 500, 200) == placed
    assert place_managed_text("t" * 300, "ours", 200) == f"{'t' * 300}\n\n{BEGIN}\n\n{END}"


@pytest.mark.parametrize(
    ("room", "clipped"), [(9, "012345678"), (12, "012\n\n… (cut)"), (20, "0123456789" * 2)]
)
def test_clipping(room: int, clipped: str) -> None:
    assert clip_text("0123456789" * 2, room) == clipped


@given(before=LINES.filter(lambda text: BEGIN not in text), after=LINES, old=LINES, new=LINES)
def test_everything_outside_stays(before: str, after: str, old: str, new: str) -> None:
    text = f"{before}{place_managed_text(None, old)}{after}"
    placed = place_managed_text(text, new)
    assert placed.startswith(before)
    assert placed.endswith(after)


@given(text=st.one_of(PIECES, LINES), ours=st.one_of(PIECES, LINES))
def test_placing_again_changes_nothing(text: str, ours: str) -> None:
    placed = place_managed_text(text, ours)
    assert place_managed_text(placed, ours) == placed
    assert find_managed_text(placed) is not None


@given(ours=LINES)
def test_what_was_placed_is_found(ours: str) -> None:
    if "<!-- baton:" not in ours:
        assert find_managed_text(place_managed_text("Theirs.", ours)) == ours.strip("\n")
    assert find_managed_text("Theirs.") is None
