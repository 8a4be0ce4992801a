"""The quick reading of task files: what it accepts means what the real reader says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbaton.domain.board import TaskRow
from gitbaton.domain.choices import PRIORITIES
from gitbaton.store.documents import read_task, render_document
from gitbaton.store.layout import Place
from gitbaton.store.scan import scan_task
from strategies import field_text, tempting_text

PATH = "tasks/api/add-login.yaml"
PLACE = Place("task", "add-login")
ONE_LINE = st.sampled_from(
    ["Add login", "It's done: now", "a:b", "Größe", "日本語", "no", "012", "null", "true", "~", "#1", "a #b", "a# b", "src/**", "*.md",
     '"quoted"', "'q'", "x" * 99, "y" * 201, "ends:", "a  b", "\u00a0x", "x\u2028y", "😀", "-a", "word\\n", "[a]", "{b}", "a, b"]
)  # fmt: skip
TEXTS = st.one_of(ONE_LINE, ONE_LINE, tempting_text, field_text)
IDS = st.sampled_from(["a", "b-1", "task-000042", "null", "true", "9", "1.5", "Bad", "a" * 64, "a" * 65])
LISTS = st.lists(TEXTS, max_size=3)
WRITTEN = st.fixed_dictionaries(
    {"title": TEXTS},
    optional={
        "version": st.sampled_from([1, 1, 2]),
        "status": st.sampled_from(["draft", "todo", "done", "cancelled", "open"]),
        "type": st.sampled_from(["bug", "task", "thing"]),
        "priority": st.sampled_from(PRIORITIES),
        "complexity": st.sampled_from(["simple", "hard"]),
        **dict.fromkeys(("role", "description", "milestone", "assignee", "estimate", "hold", "service", "created"), TEXTS),
        **dict.fromkeys(("acceptance", "paths", "labels", "context"), LISTS),
        "depends_on": st.lists(IDS, max_size=3),
        "parent": IDS,
        "plan": IDS,
        "run": st.just({"attempts": 2}),
        "x-own": TEXTS,
    },
)  # fmt: skip
FULL = {
    "title": "Let people sign in: now", "status": "todo", "type": "story", "priority": "high", "role": "implementer",
    "description": "Some text.\n\nMore of it, größer\n", "acceptance": ["It works", "GET /health answers 200"],
    "depends_on": ["a", "b-1"], "parent": "big-one", "plan": "accounts", "milestone": "beta", "paths": ["src/**", "*.md"],
    "labels": ["api"], "assignee": "Ann", "complexity": "simple", "estimate": "two days", "context": ["docs/api.md"],
    "hold": "Wait", "service": "api", "created": "2026-01-31T09:00:00Z",
}  # fmt: skip


def scan(data: bytes) -> TaskRow | None:
    return scan_task(data, PATH, "add-login")


def test_a_file_of_our_own_needs_no_other_reader() -> None:
    data = render_document(FULL, PATH, "task")
    row = scan(data)
    assert row == read_task(data, PATH, PLACE)
    assert row == TaskRow(
        "add-login", PATH, "Let people sign in: now", "todo", "story", "high", "implementer", ("a", "b-1"), "big-one", "accounts",
        "beta", ("src/**", "*.md"), ("api",), "Ann", "simple", "api", "Wait", "2026-01-31T09:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "title: A\ntitle: B\n", "title: A\nstatus: open\n", "status: todo\ntitle: A\n", "title: A # no\n", "title: A\t\n", "title: A \n",
        "title: null\n", "title: 1\n", "title: A\r\n", "title: A", "title: A\n---\n", "title: a: b\n", 'title: "a\\n"\n', "title: ' '\n",
        "title: A\nrun:\n  attempts: 2\n", "title: A\ndepends_on:\n  - A\n", "title: A\ndepends_on:\n- a\n", "title: &a A\n",
        "title: A\ndescription: |\n   deep\n  x\n", "title: A\nx-own: 1\n", "title: A\nversion: 1\n", "title: \u2028\n", "", "{}\n",
        "title: A\nlabels:\n  - null\n", "title: A\n<<<<<<< x\n", "title: >-\n  A\n", "title: A\nplan: null\n",
    ],
)  # fmt: skip
def test_everything_else_is_left_to_the_reader(text: str) -> None:
    assert scan(text.encode()) is None
    assert scan(b"\xef\xbb\xbf" + text.encode()) is None


def check(data: bytes) -> None:
    row = scan(data)
    assert row is None or row == read_task(data, PATH, PLACE), data


@given(WRITTEN)
def test_what_is_accepted_is_what_the_reader_says(value: dict[str, Any]) -> None:
    try:
        data = render_document(value, PATH, "task")
    except Exception:  # noqa: BLE001 what can't be stored can't be read
        return
    check(data)


PIECES = st.sampled_from(
    [b"\n", b" ", b"  ", b":", b": ", b" #", b"#", b"-", b"  - ", b"'", b'"', b"|", b"\t", b"\r", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8",
     b"null", b"~", b"1", b"\\", b"\xff", b"title: A\n", b"  - x\n", b"---\n", b"\xef\xbb\xbf", b"{", b"[a]", b"&a ", b"!t ", b"status: done\n"]
)  # fmt: skip


@settings(max_examples=300)
@given(WRITTEN, st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 6), PIECES), min_size=1, max_size=3))
def test_whatever_is_done_to_a_file(value: dict[str, Any], blows: list[tuple[int, int, bytes]]) -> None:
    try:
        data = render_document(FULL | value, PATH, "task")
    except Exception:  # noqa: BLE001 as above
        return
    for place, length, piece in blows:
        at = place % (len(data) + 1)
        data = data[:at] + piece + data[at + length :]
    check(data)
