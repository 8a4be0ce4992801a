"""What a step says to the runner: a stranger's words stay inside of what they are put into."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbaton.action import main
from gitbaton.action_inputs import adopt_secrets, read_inputs
from gitbaton.errors import BatonError, InvalidDocument, Problem, Refusal
from gitbaton.report.action_text import render_error_summary
from gitbaton.report.workflow_commands import (
    render_error,
    render_mask,
    render_note,
    render_outputs,
    render_problem,
)
from support.runner_files import Annotation, parse_assignments, read_log

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = "100%0A sure,\r\n::error file=a:b::owned\n::set-output name=x::y"
#: Everything but the line breaks that only Python's reader of our fake knows.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
)


def read_note(line: str) -> Annotation:
    log = read_log(line, [])
    assert (log.lines, len(log.annotations)) == ([], 1), "one command, and nothing beside it"
    return log.annotations[0]


@given(text=TEXT.filter(str.strip), title=TEXT)
def test_a_note_says_what_it_was_given(text: str, title: str) -> None:
    note = read_note(render_note("notice", text, title=title))
    assert (note.level, note.text, note.title) == ("notice", text, title)


@given(message=TEXT, path=TEXT.filter(str.strip), code=st.sampled_from(["unknown-field", "a:b,c"]))
def test_a_problem_keeps_its_place(message: str, path: str, code: str) -> None:
    note = read_note(render_problem(Problem(path, 3, 7, "title", code, message), "warning"))
    assert note == Annotation("warning", f"title: {message}", path, 3, 7, code)


def test_an_error_has_a_note_for_each_problem_or_one_for_all() -> None:
    refusal = Refusal(HOSTILE, code="odd", hint="do this")
    assert [read_note(line).text for line in render_error(refusal)] == [f"{HOSTILE} (do this)"]
    problems = [Problem("tasks/a.yaml", n, 1, "", "odd", "wrong") for n in (1, 2)]
    assert [read_note(line).line for line in render_error(InvalidDocument(problems))] == [1, 2]


@given(
    st.dictionaries(st.sampled_from(["task", "message", "reason"]), TEXT.map(lambda t: t.replace("\r", "")))
)
def test_an_output_sets_no_other_one(values: dict[str, str]) -> None:
    assert parse_assignments(render_outputs(values, "secret-mark")) == values


@pytest.mark.parametrize("value", ["x\ntask=owned", "x\r\ntask<<E\r\ny\r\nE", "x\nother-mark\ntask=owned"])
def test_an_output_that_looks_like_several_is_one(value: str) -> None:
    assert set(parse_assignments(render_outputs({"message": value}, "mark"))) == {"message"}


def test_a_summary_of_an_error_is_one_table_row_per_problem() -> None:
    problem = Problem("tasks/a`b|c.yaml", 1, 1, "x|y", "odd", "line one\n| <script>")
    text = render_error_summary(InvalidDocument([problem, problem], message="2 <b>problems</b>"))
    assert text == (
        "### ❌ baton stopped\n\n2 &lt;b>problems&lt;/b>\n\n"
        "| file | field | problem |\n| --- | --- | --- |\n"
        + "| `tasks/a'b\\|c.yaml:1` | `x\\|y` | line one \\| &lt;script> |\n" * 2
        + "\nHint: fix the file, then run: baton validate\n"
    )


# -- secrets ----------------------------------------------------------------------------------------


def adopt(**given: str) -> tuple[dict[str, str], list[str]]:
    """The environment afterwards, and what was printed."""
    environment = {name: value for name, value in given.items() if value}
    said = io.StringIO()
    with redirect_stdout(said):
        adopt_secrets(environment)
    return environment, said.getvalue().splitlines()


def test_secrets_are_masked_and_move_to_where_they_are_read() -> None:
    environment, said = adopt(
        BATON_INPUT_ANTHROPIC_API_KEY=" key ",
        BATON_INPUT_GITHUB_TOKEN="token",
        GITHUB_SERVER_URL="https://github.example/",
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0="a.b",
        GIT_CONFIG_VALUE_0="c",
    )
    basic = "eC1hY2Nlc3MtdG9rZW46dG9rZW4="  # x-access-token:token
    assert said == ["::add-mask::key", "::add-mask::token", f"::add-mask::{basic}"]
    header = "http.https://github.example/.extraheader"
    assert environment == {
        "ANTHROPIC_API_KEY": "key",
        "GITHUB_TOKEN": "token",
        "GITHUB_SERVER_URL": "https://github.example/",
        "GIT_CONFIG_COUNT": "3",
        "GIT_CONFIG_KEY_0": "a.b",
        "GIT_CONFIG_VALUE_0": "c",
        "GIT_CONFIG_KEY_1": header,
        "GIT_CONFIG_VALUE_1": "",
        "GIT_CONFIG_KEY_2": header,
        "GIT_CONFIG_VALUE_2": f"AUTHORIZATION: basic {basic}",
    }


def test_an_empty_input_leaves_what_is_there() -> None:
    environment, said = adopt(BATON_INPUT_ANTHROPIC_API_KEY=" ", ANTHROPIC_API_KEY="set before")
    assert (environment, said) == ({"ANTHROPIC_API_KEY": "set before"}, [])


def test_a_secret_of_several_lines_is_masked_whole() -> None:
    log = read_log(render_mask("one\ntwo%") + "\nplain", [])
    assert log.masks == ["one\ntwo%"]
    assert log.lines == ["plain"]


def test_secrets_are_masked_before_anything_else_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    code = main({"BATON_INPUT_COMMAND": "tell-the-key", "BATON_INPUT_ANTHROPIC_API_KEY": "tell-the-key"})
    assert code == 2
    [mask, error] = capsys.readouterr().out.splitlines()
    assert mask == "::add-mask::tell-the-key"
    assert error.startswith("::error title=unknown-command::")


# -- inputs -----------------------------------------------------------------------------------------


def ask(**inputs: str) -> dict[str, str]:
    event = inputs.pop("event", "push")
    return {
        "GITHUB_EVENT_NAME": event,
        **{f"BATON_INPUT_{name.upper()}": text for name, text in inputs.items()},
    }


def test_an_agent_runs_for_trusted_events_when_the_phase_is_named() -> None:
    for event in ("push", "schedule", "workflow_dispatch", "repository_dispatch"):
        read = read_inputs(ask(event=event, phase="all", task=" greet ", agent=""))
        assert (read.command, read.task, read.agent) == ("run", "greet", None)


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"phase": "all", "event": "issue_comment"}, "open-event"),
        ({"phase": "all", "event": "pull_request_review"}, "open-event"),
        ({"phase": "all", "event": ""}, "open-event"),
        ({}, "unknown-phase"),
        ({"phase": "claim"}, "unknown-phase"),
        ({"command": "rm"}, "unknown-command"),
    ],
)
def test_what_is_refused(inputs: dict[str, str], code: str) -> None:
    with pytest.raises(BatonError) as refused:
        read_inputs(ask(**inputs))
    assert refused.value.code == code


def test_reviews_are_noted_whatever_the_event() -> None:
    assert read_inputs(ask(command="sync", event="pull_request")).command == "sync"


def test_what_nobody_foresaw_is_told_as_our_bug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = tmp_path / "summary.md"
    summary.mkdir()  # can't be written to, and no rule of ours says so
    (tmp_path / "event.json").write_text("no JSON")
    environment = {
        **ask(command="sync"),
        "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "text.md"),
        "GIT_CONFIG_COUNT": "many",
        "BATON_INPUT_GITHUB_TOKEN": "token",
        "GITHUB_SERVER_URL": "https://github.example",
    }
    assert main(environment) == 70
    log = read_log(capsys.readouterr().out, [])
    assert [(note.title, note.level) for note in log.annotations] == [("gitbaton has a bug", "error")]
    assert "Traceback (most recent call last):" in log.lines
    assert "gitbaton has a bug" in (tmp_path / "text.md").read_text("utf-8")
