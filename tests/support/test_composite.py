"""The runner of composite actions, on small actions made up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.composite import CompositeRunner, skip_action
from support.expressions import ExpressionError, Expressions
from support.runner_environment import RunnerEnvironment
from support.runner_files import Annotation, RunnerFileError, parse_assignments, read_log
from support.workflow_files import find_dangling_references

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from support.composite import ActionRun

needs_node = pytest.mark.node


@pytest.fixture(scope="module")
def expressions() -> Iterator[Expressions]:
    with Expressions() as running:
        yield running


class Bench:
    """A workspace in which actions are written and run."""

    def __init__(self, folder: Path, expressions: Expressions) -> None:
        self.workspace = folder / "workspace"
        temp = folder / "temp"
        self.workspace.mkdir()
        temp.mkdir()
        self.stood_in: list[Mapping[str, str]] = []
        environment = RunnerEnvironment(
            self.workspace,
            temp,
            event={"inputs": {"task": "add-login"}, "pull_request": {"number": 3}},
            token="ghs_secret",
        )
        actions = {"actions/checkout": skip_action, "octo/answer": self.stand_in}
        self.runner = CompositeRunner(self.workspace, expressions, environment, actions)

    def stand_in(self, inputs: Mapping[str, str], environment: Mapping[str, str]) -> Mapping[str, str]:
        self.stood_in.append({**inputs, "token": environment.get("TOKEN", "")})
        return {"answer": "42"}

    def write(self, steps: str, rest: str = "", folder: str = "") -> Path:
        path = self.workspace / folder / "action.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"name: x\ndescription: x\n{rest}\nruns:\n  using: composite\n  steps:\n{steps}", "utf-8"
        )
        return path

    def run(self, steps: str, rest: str = "", **inputs: str) -> ActionRun:
        return self.runner.run_action(self.write(steps, rest), inputs)


@pytest.fixture
def bench(tmp_path: Path, expressions: Expressions) -> Bench:
    return Bench(tmp_path, expressions)


INPUTS = """
inputs:
  task: {description: x, required: true}
  base: {description: x, default: "${{ github.ref_name }}"}
outputs:
  both: {description: x, value: "${{ steps.join.outputs.both }}"}
"""


@needs_node
def test_inputs_defaults_and_outputs(bench: Bench) -> None:
    done = bench.run(
        """
    - id: join
      shell: bash
      env: {TASK: "${{ inputs.task }}", BASE: "${{ inputs.base }}"}
      run: echo "both=$TASK:$BASE" >> "$GITHUB_OUTPUT"
""",
        INPUTS,
        task="add-login",
    )
    assert done.succeeded, done.text
    assert done.outputs == {"both": "add-login:main"}


@needs_node
def test_steps_reach_each_other_by_env_path_and_summary(bench: Bench) -> None:
    done = bench.run("""
    - shell: bash
      run: |
        mkdir tools
        printf '#!/bin/sh\\necho tool says "$WORD"\\n' > tools/tool
        chmod +x tools/tool
        echo "$PWD/tools" >> "$GITHUB_PATH"
        echo "WORD=hello" >> "$GITHUB_ENV"
        printf 'LINES<<EOF\\none\\ntwo\\nEOF\\n' >> "$GITHUB_ENV"
        echo "GITHUB_REPOSITORY=evil/evil" >> "$GITHUB_ENV"
        echo "# Title" >> "$GITHUB_STEP_SUMMARY"
    - shell: sh
      run: |
        tool
        echo "${{ env.WORD }} $GITHUB_REPOSITORY"
        echo "$LINES"
        echo "more" >> "$GITHUB_STEP_SUMMARY"
""")
    assert done.succeeded, done.text
    assert done.steps[1].log.lines == ["tool says hello", "hello octo/project", "one", "two"]
    assert done.summary == "# Title\nmore\n"


@needs_node
def test_a_failure_skips_what_does_not_ask_for_it(bench: Bench) -> None:
    done = bench.run("""
    - {id: first, shell: bash, run: "exit 3"}
    - {id: second, shell: bash, run: "echo no"}
    - {id: third, if: "failure()", shell: bash, run: "echo ${{ steps.first.outcome }}"}
    - {id: fourth, if: "always() && steps.second.outcome == 'skipped'", shell: bash, run: "echo yes"}
""")
    assert not done.succeeded
    assert [(step.id, step.conclusion, step.exit_code) for step in done.steps] == [
        ("first", "failure", 3),
        ("second", "skipped", None),
        ("third", "success", 0),
        ("fourth", "success", 0),
    ]
    assert done.steps[2].log.text == "failure"


@needs_node
def test_shells_stop_as_githubs_do(bench: Bench) -> None:
    done = bench.run("""
    - {id: pipe, shell: bash, run: "false | true", continue-on-error: "true"}
    - {id: sh, shell: sh, run: "false | true"}
    - {id: python, shell: python, run: "import sys; print(sys.argv)"}
    - {id: other, shell: "bash -c 'exit 5' {0}", run: "true"}
""")
    assert [(step.outcome, step.conclusion) for step in done.steps] == [
        ("failure", "success"),
        ("success", "success"),
        ("success", "success"),
        ("failure", "failure"),
    ]


@needs_node
def test_working_directory_and_action_path(bench: Bench) -> None:
    (bench.workspace / "deep").mkdir()
    done = bench.run("""
    - shell: bash
      working-directory: deep
      run: 'echo "$PWD"; test "$GITHUB_ACTION_PATH" = "${{ github.action_path }}"; echo "$GITHUB_ACTION_PATH"'
""")
    assert done.steps[0].log.lines == [str(bench.workspace / "deep"), str(bench.workspace)]


@needs_node
def test_actions_inside_actions(bench: Bench) -> None:
    bench.write(
        """
    - id: say
      shell: bash
      run: |
        echo "said=${{ inputs.word }}!$OUTER" >> "$GITHUB_OUTPUT"
        echo "::warning::inner"
""",
        """
inputs: {word: {description: x}}
outputs: {said: {description: x, value: "${{ steps.say.outputs.said }}"}}
""",
        folder="inner",
    )
    done = bench.run(
        """
    - {uses: actions/checkout@0123456789abcdef0123456789abcdef01234567}
    - id: ask
      uses: octo/answer@v1
      with: {question: "${{ inputs.task }}"}
      env: {TOKEN: "${{ github.token }}"}
    - {id: inner, uses: ./inner, with: {word: "${{ steps.ask.outputs.answer }}"}, env: {OUTER: o}}
    - {id: join, shell: bash, run: 'echo "both=${{ steps.inner.outputs.said }}" >> "$GITHUB_OUTPUT"'}
""",
        INPUTS,
        task="add-login",
    )
    assert done.outputs == {"both": "42!o"}
    assert bench.stood_in == [{"question": "add-login", "token": "ghs_secret"}]
    assert done.annotations == [Annotation("warning", "inner")]


@needs_node
def test_errors_and_masks(bench: Bench) -> None:
    done = bench.run("""
    - shell: bash
      run: |
        echo "::error file=tasks/a.yaml,line=3,col=5,title=Bad%2C field::what 100%25%0Amore"
        echo "::add-mask::hidden"
        echo "::notice::hidden words" >&2
        echo "hidden and ghs_secret"
""")
    assert done.annotations == [
        Annotation("error", "what 100%\nmore", "tasks/a.yaml", 3, 5, "Bad, field"),
        Annotation("notice", "*** words"),
    ]
    assert done.text.endswith("*** and ***")


@needs_node
def test_the_environment_is_the_runners_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_PERSON", "private")
    done = bench.run("    - {shell: bash, run: 'env; cat \"$GITHUB_EVENT_PATH\"'}")
    log = done.steps[0].log.text
    assert "OF_THE_PERSON" not in log
    assert "***" not in log, "the token is handed on by the workflow only"
    assert "GITHUB_REF_NAME=main" in log
    assert '{"inputs": {"task": "add-login"}' in log


@needs_node
def test_what_the_caller_got_wrong(bench: Bench) -> None:
    with pytest.raises(ValueError, match=r"unexpected inputs \['tsak'\]"):
        bench.run("    - {shell: bash, run: 'true'}", INPUTS, tsak="x")
    with pytest.raises(ValueError, match="no stand-in for the action octo/unknown@v1"):
        bench.run("    - {uses: octo/unknown@v1}")
    with pytest.raises(ExpressionError):
        bench.run("    - {shell: bash, run: 'echo ${{ secrets.KEY }}'}")


@needs_node
def test_a_file_that_the_runner_refuses_fails_the_step(bench: Bench) -> None:
    done = bench.run("""    - {shell: bash, run: 'echo nonsense >> "$GITHUB_OUTPUT"'}""")
    assert not done.succeeded
    assert done.annotations == [Annotation("error", "Invalid format 'nonsense'")]


WORKFLOW = r"""
on: workflow_dispatch
env: {LEVEL: workflow, ONLY: "${{ github.repository }}"}
defaults: {run: {shell: bash}}
jobs:
  work:
    needs: choose
    runs-on: ubuntu-latest
    env: {LEVEL: job}
    outputs: {seen: "${{ steps.see.outputs.seen }}"}
    steps:
      - uses: actions/checkout@v5
      - id: see
        env: {TOKEN: "${{ secrets.GITHUB_TOKEN }}"}
        run: |
          echo "seen=$LEVEL $ONLY ${{ needs.choose.outputs.task }} ${{ inputs.task }} ${#TOKEN}" \
            >> "$GITHUB_OUTPUT"
"""


@needs_node
def test_a_job(bench: Bench) -> None:
    path = bench.workspace / "workflow.yml"
    path.write_text(WORKFLOW, "utf-8")
    done = bench.runner.run_job(path, "work", {"choose": {"task": "chosen"}})
    assert done.succeeded, done.text
    assert done.outputs == {"seen": "job octo/project chosen add-login 10"}


def test_dangling_references(tmp_path: Path) -> None:
    path = tmp_path / "action.yml"
    path.write_text(
        "inputs: {task: {}}\nruns:\n  steps:\n    - id: one\n"
        "      run: ${{ inputs.TASK }} ${{ steps.one.outputs.x }}\n"
        "    - run: ${{ inputs['tsak'] }} ${{ steps.two.outcome }} $MY_inputs.x github.event.inputs.y\n",
        "utf-8",
    )
    assert find_dangling_references(path) == [
        f"{path}:6: inputs.tsak is not defined",
        f"{path}:6: steps.two is not defined",
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1\n\nb=x=y\na=2\n", {"a": "2", "b": "x=y"}),
        ("a<<END\none\n\nEN D\nEND\nb=\n", {"a": "one\n\nEN D", "b": ""}),
        ("url=http://x<<y\n", {"url": "http://x<<y"}),
    ],
)
def test_assignments(text: str, found: dict[str, str]) -> None:
    assert parse_assignments(text) == found


@pytest.mark.parametrize("text", ["nonsense", "=value", "a<<END\nnever closed\n"])
def test_bad_assignments(text: str) -> None:
    with pytest.raises(RunnerFileError):
        parse_assignments(text)


def test_commands_can_be_stopped() -> None:
    log = read_log("::stop-commands::t0k\n::error::not one\n::t0k::\n::error::one\n::group::g\nplain", [])
    assert [note.text for note in log.annotations] == ["one"]
    assert log.lines == ["::error::not one", "::group::g", "plain"]
