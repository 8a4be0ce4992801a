"""Markdown of agents that stands below headings of ours."""

from __future__ import annotations

import time

import pytest

from gitbaton.domain.prose import judge_prose, tidy_prose


@pytest.mark.parametrize(
    "text",
    [
        "Plain.\n\n### Deep\n\n#### Deeper\n\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |",
        "```sh\n# a comment <!-- and this -->\n[x](/etc/passwd)\n```\nafter",
        "~~~~\n```\n# open\n~~~~",
        "Say `<!--` or ``a ` b <!-- c`` in code.",
        "[a](../../src/x.py) [b](#part) [c](https://example.com/x) [d](notes.md?x=1#y) <a@b.example>",
        "    # indented is code",
    ],
)
def test_what_is_well(text: str) -> None:
    assert list(judge_prose(text, "notes", 3)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("## Mine", "the heading '## Mine' must begin with ### or more"),
        ("Mine\n---", "the heading 'Mine' must begin with ### or more"),
        ("   #", "the heading '#' must begin with ### or more"),
        ("`a <!-- b", "it has an HTML comment, which nobody sees who reads it"),
        ("`a` <!-- `b`", "it has an HTML comment, which nobody sees who reads it"),
        ("```\nnever", "a block of code is never closed"),
        ("```\n~~~\n", "a block of code is never closed"),
        ("[x](../../../x)", "the link to '../../../x' leads out of the repository"),
        ("[x](..\\..\\..\\x)", "the link to '..\\..\\..\\x' leads out of the repository"),
        ("[x](file:///etc/passwd)", "the link to 'file:///etc/passwd' is not one to a page"),
        ("[x]: javascript:alert(1)", "the link to 'javascript:alert(1)' is not one to a page"),
        ("![x](//example.com/x.png)", "the link to '//example.com/x.png' is not relative"),
    ],
)
def test_what_is_not(text: str, problem: str) -> None:
    assert list(judge_prose(text, "notes", 3)) == [f"notes: {problem}"]


def test_no_text_takes_long() -> None:
    """Whoever writes it may mean harm."""
    begun = time.process_time()
    for text in (
        " ".join("`" * n for n in range(1, 340)),
        "](<" * 20_000,
        "[" * 60_000,
        "](" + " " * 59_000,
        "# \n" * 20_000,
    ):
        list(judge_prose(text, "notes", 3))
    assert time.process_time() - begun < 5


def test_ends_of_lines_are_tidied() -> None:
    assert tidy_prose("\n\na  \n\n b\t\n\n") == "a\n\n b"
