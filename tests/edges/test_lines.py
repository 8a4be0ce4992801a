from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitbaton.edges.lines import LineSplitter, Tail


def split(chunks: list[bytes], line_max: int = 1000) -> list[str]:
    splitter = LineSplitter(line_max)
    return [line for chunk in chunks for line in splitter.feed(chunk)] + list(splitter.flush())


@given(st.lists(st.binary(max_size=20)))
def test_where_the_stream_is_cut_into_chunks_makes_no_difference(chunks: list[bytes]) -> None:
    assert split(chunks) == split([b"".join(chunks)])


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]))))
def test_every_line_comes_out_as_it_went_in(lines: list[str]) -> None:
    assert split(["".join(line + "\n" for line in lines).encode()]) == lines


def test_line_ends_of_windows_and_a_missing_last_one() -> None:
    assert split([b"a\r\nb\n\nc"]) == ["a", "b", "", "c"]


def test_bytes_that_are_no_text_do_not_stop_anything() -> None:
    assert split([b"\xff\xfe\n\x00ok\n"]) == ["��", "\0ok"]


def test_a_long_line_is_cut_and_says_so_and_the_next_one_is_whole() -> None:
    assert split([b"abcdef", b"ghi\nnext\n"], line_max=4) == ["abcd … (5 more bytes dropped)", "next"]


def test_an_endless_line_is_held_only_up_to_the_bound() -> None:
    assert split([b"x" * 100] * 100, line_max=4) == ["xxxx … (9996 more bytes dropped)"]


@given(st.lists(st.binary(max_size=10)), st.integers(min_value=1, max_value=30))
def test_the_tail_is_the_end_of_everything(chunks: list[bytes], bytes_max: int) -> None:
    whole = bytes(byte % 64 + 32 for byte in b"".join(chunks))
    tail = Tail(bytes_max)
    at = 0
    for chunk in chunks:
        tail.feed(whole[at : at + len(chunk)])
        at += len(chunk)
    kept = whole[-bytes_max:].decode()
    assert tail.text == (kept if len(whole) <= bytes_max else "…" + kept)
