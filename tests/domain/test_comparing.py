"""Changes of a document in words."""

from __future__ import annotations

from typing import Any

import pytest

from gitbaton.domain.comparing import compare_values
from gitbaton.domain.cursor import make_cursor, parse_cursor, render_cursor
from gitbaton.errors import Refusal

LONG = "one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ({}, {}, []),
        ({}, {"status": "todo", "priority": "medium"}, []),
        ({"status": "todo"}, {"status": "done"}, ["status todo → done"]),
        ({}, {"status": "done"}, ["status todo → done"]),
        ({}, {"hold": "until Monday"}, ['hold set to "until Monday"']),
        ({"hold": "later"}, {}, ["hold removed (was later)"]),
        ({"title": "Old one"}, {"title": "New"}, ['title "Old one" → New']),
        ({"depends_on": ["a", "b"]}, {"depends_on": ["b", "c"]}, ["depends_on + c − a"]),
        ({"depends_on": ["a"]}, {}, ["depends_on − a"]),
        ({"labels": ["a", "b"]}, {"labels": ["b", "a"]}, ["labels: another order"]),
        ({"description": LONG}, {"description": LONG.replace("two", "2")}, ["description: 1 line changed"]),
        ({"description": LONG}, {"description": "zero\n" + LONG + "five\n"}, ["description: 2 lines added"]),
        ({"description": LONG}, {"description": "one\n2\n"}, ["description: 1 line changed, 2 lines removed"]),
        ({}, {"description": LONG}, ["description added (4 lines)"]),
        ({"description": LONG}, {}, ["description removed (4 lines)"]),
        ({"acceptance": ["it works"]}, {"acceptance": [{"text": "it works"}]}, []),
        ({"acceptance": ["it works"]}, {"acceptance": [{"text": "it works", "checked": True}, "fast"]},
         ["acceptance + fast", 'acceptance met: "it works"']),
        ({"run": {"timeout": "10m", "attempts": 2}}, {"run": {"timeout": "20m", "attempts": 2}}, ["run.timeout 10m → 20m"]),
        ({}, {"run": {"attempts": 2}}, ["run.attempts set to 2"]),
        ({"run": {"attempts": 2}}, {"run": {}}, ["run.attempts removed (was 2)"]),
        ({"run": {"checks": [{"name": "t", "run": "a b"}]}}, {"run": {"checks": [{"name": "t", "run": "c"}, {"name": "u", "run": "d"}]}},
         ["run.checks + u", 'run.checks[t].run "a b" → c']),
        ({"progress": {"percent": 10}}, {"progress": {"percent": 50, "note": "half"}},
         ["progress.percent 10 → 50", "progress.note set to half"]),
        ({"title": "a"}, {"title": "a\x1b[31mb"}, ["title a → ab"]),
    ],
)  # fmt: skip
def test_changes_in_words(old: dict[str, Any], new: dict[str, Any], words: list[str]) -> None:
    assert [w for change in compare_values(old, new, "task") for w in change.words] == words


def test_a_cursor_is_one_short_word() -> None:
    tips: dict[str, float | None] = {f"{n:040x}": float(n) for n in range(10_000)}
    cursor = make_cursor("ab" * 20, tips)
    word = render_cursor(cursor)
    assert parse_cursor(word) == cursor
    assert len(word) < 330
    assert word.isalnum() or set(word) - set("-_") <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")  # fmt: skip
    assert parse_cursor(render_cursor(make_cursor(None, {}))).base is None
    assert len(render_cursor(make_cursor("ab" * 20, {"cd" * 20: 5.0}))) < 70


@pytest.mark.parametrize("text", ["", "c", "nonsense", "cAAAA", "c" + "A" * 60, "ü", "c=", "2026-01-31"])
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_cursor(text)
    assert refused.value.code == "bad-cursor"


def test_half_a_cursor_is_none() -> None:
    word = render_cursor(make_cursor("ab" * 20, {"cd" * 20: 5.0}))
    for wrong in (word[:-1], word[:-8], word[:20] + "x" + word[21:], word + "AAAA"):
        with pytest.raises(Refusal):
            parse_cursor(wrong)
