from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gitbaton.domain.wording import clean_text, shorten_to_line
from gitbaton.edges.redaction import LENGTH_MIN, Redactor
from gitbaton.edges.run_log import RunLog

if TYPE_CHECKING:
    from pathlib import Path

SECRET = st.text(min_size=LENGTH_MIN, max_size=20).filter(lambda text: "[secret removed]" not in text)


@given(st.text(max_size=20), SECRET, st.text(max_size=20))
def test_no_secret_is_left_as_it_is_or_inside_json(before: str, secret: str, after: str) -> None:
    redactor = Redactor({"MY_TOKEN": secret})
    assert secret not in redactor.redact(before + secret + after)
    assert json.dumps(secret)[1:-1] not in redactor.redact(json.dumps({"text": before + secret + after}))


def test_only_variables_that_name_a_secret_count() -> None:
    env = {"HOME": "/home/somebody", "API_KEY": "0123456789", "KEYBOARD": "qwertzuiop", "X_PASSWORD": "short"}
    text = "/home/somebody 0123456789 qwertzuiop short"
    assert Redactor(env).redact(text) == "/home/somebody [secret removed] qwertzuiop short"
    assert Redactor({}).redact(text) == text


def test_a_secret_that_begins_another_one_hides_both() -> None:
    env = {"A_KEY": "abcdefgh", "B_KEY": "abcdefghijkl"}
    assert Redactor(env).redact("abcdefghijkl abcdefgh") == "[secret removed] [secret removed]"


def test_a_secret_of_several_lines_is_recognised_line_by_line() -> None:
    redactor = Redactor({"DEPLOY_KEY": "-----BEGIN-----\nMIIEpAIBAAKC\n-----END-----\n"})
    assert redactor.redact("MIIEpAIBAAKC") == "[secret removed]"


def test_secrets_of_mcp_servers_count_too() -> None:
    servers: dict[str, dict[str, object]] = {
        "a": {"command": "x", "env": {"A_TOKEN": "aaaaaaaaaa", "PLAIN": "bbbbbbbbbb"}},
        "b": {"url": "http://x", "headers": {"Authorization": "Bearer cccccccccc", "Accept": "dddddddddd"}},
        "c": {"env": "odd", "headers": ["odd"]},
    }
    text = "aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd"
    assert Redactor({}, servers).redact(text) == "[secret removed] bbbbbbbbbb [secret removed] dddddddddd"


def test_a_secret_that_takes_json_apart_leaves_a_log_of_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "log.jsonl"
    with RunLog(path, Redactor({"A_KEY": '":"aaaaaaaa"}'})) as log:
        log.append_event('{"x":"aaaaaaaa"}')
        log.append_event('{"x":"fine"}')
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"type": "stdout", "text": '{"x[secret removed]'},
        {"x": "fine"},
    ]


def test_a_log_ends_at_its_bound_with_a_word_and_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    for _ in range(2):
        with RunLog(path, Redactor({}), bytes_max=100) as log:
            for number in range(50):
                log.append_line("stdout", f"line {number}")
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["text"] for entry in entries] == 2 * [
        "line 0", "line 1", "the log is full, the rest is left out",
    ]  # fmt: skip


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_any_text_becomes_one_line_that_can_be_shown(text: str, length_max: int) -> None:
    line = shorten_to_line(text, length_max)
    assert len(line) <= length_max
    assert line.splitlines() in ([], [line])
    assert line == line.strip()


def test_clean_text_keeps_lines_and_tabs_and_nothing_else_that_cannot_be_seen() -> None:
    assert clean_text("a\r\nb\tc\x1b[1;31mred\x1b[0m\x07\x00\u202e\ud83d") == "a\nb\tcred"
