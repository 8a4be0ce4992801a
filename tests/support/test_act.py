"""Workflows against the GitHub fake, run by act and by our own runner: both must tell the same story.

The second half holds ``docs/reference/act-limits.md`` to its word: when one of those tests fails with a
newer act, a limit is gone and the page is out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pytest

from support import act, provisioned
from support.act import ActRun, run_workflow
from support.composite import CompositeRunner
from support.expressions import Expressions
from support.github_fake import GitHubFake
from support.hermetic_git import commit_files, git, git_environment
from support.runner_environment import RunnerEnvironment
from support.runner_files import Annotation
from support.stand_ins import STAND_INS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from support.github_repository import HostedRepository

needs_act = pytest.mark.act
needs_node = pytest.mark.node

WORKFLOW = """\
name: demo
on:
  workflow_dispatch:
    inputs:
      task: {type: string}
permissions: {}
jobs:
  work:
    runs-on: ubuntu-latest
    permissions: {contents: write, pull-requests: write}
    outputs:
      number: ${{ steps.publish.outputs.number }}
    steps:
      - uses: actions/checkout@v5
        with: {fetch-depth: 0, persist-credentials: false}
      - id: publish
        uses: ./
        with: {task: "${{ inputs.task }}"}
        env: {GITHUB_TOKEN: "${{ github.token }}"}
      - run: echo "word ${{ env.WORD }} $WORD"
      - if: failure()
        run: echo never
"""

#: Commits, pushes with the job's token and opens a pull request with the job's API address.
ACTION = """\
name: demo
description: For the test.
inputs:
  task: {description: Which one.}
  base: {description: Where to., default: "${{ github.ref_name }}"}
outputs:
  number: {description: Of the pull request., value: "${{ steps.open.outputs.number }}"}
runs:
  using: composite
  steps:
    - shell: bash
      env: {TASK: "${{ inputs.task }}"}
      run: |
        echo done > result.txt
        git add result.txt
        git -c user.name=runner -c user.email=runner@example.org commit --quiet -m "$TASK"
        basic=$(printf 'x-access-token:%s' "$GITHUB_TOKEN" | base64 | tr -d '\\n')
        git -c "http.$GITHUB_SERVER_URL/.extraheader=AUTHORIZATION: basic $basic" \\
          push --quiet origin "HEAD:refs/heads/baton/$TASK"
        echo "WORD=handed-on" >> "$GITHUB_ENV"
    - id: open
      shell: python3 {0}
      env: {TASK: "${{ inputs.task }}", BASE: "${{ inputs.base }}"}
      run: |
        import json, os, urllib.request
        env = os.environ
        body = {"head": "baton/" + env["TASK"], "base": env["BASE"], "title": env["TASK"]}
        request = urllib.request.Request(
            env["GITHUB_API_URL"] + "/repos/" + env["GITHUB_REPOSITORY"] + "/pulls",
            json.dumps(body).encode(),
            {"Authorization": "Bearer " + env["GITHUB_TOKEN"], "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            number = json.load(answer)["number"]
        with open(env["GITHUB_OUTPUT"], "a") as out:
            print(f"number={number}", file=out)
        with open(env["GITHUB_STEP_SUMMARY"], "a") as summary:
            print(f"Opened #{number}", file=summary)
        print("::notice file=tasks/a.yaml,line=2,title=Opened::number " + str(number))
        print("the token is", env["GITHUB_TOKEN"])
"""


class Scene(NamedTuple):
    """A hosted repository with a workflow and an action on main, and what a run of it would be told."""

    hub: GitHubFake
    hosted: HostedRepository
    checkout: Path
    environment: RunnerEnvironment

    @property
    def workflow(self) -> Path:
        return self.checkout / ".github" / "workflows" / "demo.yml"

    def act(self) -> ActRun:
        return run_workflow(self.workflow, self.environment, STAND_INS)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[GitHubFake]:
    with GitHubFake(tmp_path / "hosted") as running:
        yield running


def stage(
    hub: GitHubFake, folder: Path, workflow: str = WORKFLOW, action: str = ACTION, **told: str
) -> Scene:
    hosted = hub.create("octo/project")
    token = hub.issue_token("github-actions[bot]", is_workflow=True)
    checkout, temp = folder / "checkout", folder / "temp"
    temp.mkdir()
    git(folder, "clone", "--quiet", hub.clone_url("octo/project", token), str(checkout))
    files = {".github/workflows/demo.yml": workflow, "action.yml": action}
    sha = commit_files(checkout, files, "first", git_environment(folder))
    git(checkout, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    environment = RunnerEnvironment(
        checkout,
        temp,
        server_url=hub.server_url,
        api_url=hub.api_url,
        sha=sha,
        token=token,
        event={"inputs": {"task": "add-login"}},
        **told,  # type: ignore[arg-type] # only texts are told
    )
    return Scene(hub, hosted, checkout, environment)


class Told(NamedTuple):
    """What a run says about itself, whoever ran it."""

    succeeded: bool
    outputs: dict[str, str]
    summary: str
    annotations: list[Annotation]
    lines: list[str]


def tell_by_act(scene: Scene) -> Told:
    done = scene.act()
    outputs = done.outputs.get(("work", "publish"), {})
    succeeded = done.exit_code == 0 and done.jobs == {"work": "success"}
    return Told(succeeded, outputs, done.summaries.get("work", ""), done.annotations, done.lines)


def tell_by_our_runner(scene: Scene) -> Told:
    workspace = scene.environment.temp / "workspace"
    workspace.mkdir()
    environment = scene.environment
    environment.workspace = workspace
    with Expressions() as expressions:
        done = CompositeRunner(workspace, expressions, environment, STAND_INS).run_job(scene.workflow, "work")
    lines = [
        line
        for step in done.steps
        for run in (step.inner.steps if step.inner else [step])
        for line in run.log.lines
    ]
    return Told(done.succeeded, done.outputs, done.summary, done.annotations, lines)


Teller: TypeAlias = "Callable[[Scene], Told]"
RUNNERS = [
    pytest.param(tell_by_act, marks=needs_act, id="act"),
    pytest.param(tell_by_our_runner, marks=needs_node, id="ours"),
]


@pytest.mark.parametrize("tell", RUNNERS)
def test_a_workflow_works_on_the_fake(hub: GitHubFake, tmp_path: Path, tell: Teller) -> None:
    scene = stage(hub, tmp_path)
    told = tell(scene)
    assert told == Told(
        succeeded=True,
        outputs={"number": "1"},
        summary="Opened #1\n",
        annotations=[Annotation("notice", "number 1", "tasks/a.yaml", 2, 0, "Opened")],
        lines=["the token is ***", "word handed-on handed-on"],
    ), told
    pull = scene.hosted.pulls[1]
    assert (pull.head, pull.base, pull.title, pull.author) == (
        "baton/add-login",
        "main",
        "add-login",
        "github-actions[bot]",
    )
    assert git(scene.hosted.path, "log", "-1", "--format=%s", pull.head_oid) == "add-login"


@pytest.mark.parametrize("tell", RUNNERS)
def test_a_refusal_fails_the_job(hub: GitHubFake, tmp_path: Path, tell: Teller) -> None:
    scene = stage(hub, tmp_path, WORKFLOW.replace("run: echo never", "run: echo cleaned up"))
    scene.hosted.actions_may_open_pulls = False
    told = tell(scene)
    assert not told.succeeded
    assert "HTTP Error 403: Forbidden" in "\n".join(told.lines)
    assert told.lines[-1] == "cleaned up"
    assert scene.hosted.pulls == {}


@pytest.mark.parametrize("tell", RUNNERS)
def test_checkout_of_a_shallow_branch_and_of_a_commit(hub: GitHubFake, tmp_path: Path, tell: Teller) -> None:
    workflow = """\
on: workflow_dispatch
permissions: {}
jobs:
  work:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - run: |
          git status -sb
          git rev-list --count HEAD
          git config --local --get-regexp 'http.*' | wc -l
      - uses: actions/checkout@v5
        with: {ref: "${{ github.sha }}", path: deep/er, persist-credentials: false}
      - working-directory: deep/er
        run: |
          git status -sb
          git config --local --get-regexp 'http.*' | wc -l
"""
    scene = stage(hub, tmp_path, workflow)
    commit_files(scene.checkout, {"more.txt": "more\n"}, "second")
    git(scene.checkout, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    scene.environment.sha = git(scene.checkout, "rev-parse", "HEAD")
    told = tell(scene)
    assert [line.strip() for line in told.lines] == [
        "## main...origin/main",
        "1",
        "1",
        "## HEAD (no branch)",
        "0",
    ]


@needs_act
def test_act_runs_jobs_in_the_order_of_their_needs(hub: GitHubFake, tmp_path: Path) -> None:
    workflow = """\
on: workflow_dispatch
permissions: {}
jobs:
  after:
    needs: before
    runs-on: ubuntu-24.04
    steps: [{run: "echo got ${{ needs.before.outputs.word }}; ls -A | wc -l"}]
  before:
    runs-on: ubuntu-latest
    outputs: {word: "${{ steps.say.outputs.word }}"}
    steps: [{id: say, run: 'echo "word=hello" >> "$GITHUB_OUTPUT"'}]
  never:
    needs: before
    if: needs.before.outputs.word == 'bye'
    runs-on: ubuntu-latest
    steps: [{run: exit 1}]
  either:
    strategy: {fail-fast: false, matrix: {code: [0, 1, 0]}}
    runs-on: ubuntu-latest
    steps: [{run: "exit ${{ matrix.code }}"}]
"""
    done = stage(hub, tmp_path, workflow).act()
    assert done.jobs == {"before": "success", "after": "success", "either": "failure"}, done.text
    assert [line.strip() for line in done.lines] == ["got hello", "0"], (
        "each job begins with an empty workspace"
    )
    assert done.exit_code == 1


@needs_act
def test_nothing_of_the_machine_gets_in(
    hub: GitHubFake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_PERSON", "private")
    workflow = (
        "on: workflow_dispatch\npermissions: {}\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n"
    )
    scene = stage(hub, tmp_path, f"{workflow}      - run: env; git config --list --show-scope; echo $HOME\n")
    done = scene.act()
    assert done.exit_code == 0, done.text
    assert "OF_THE_PERSON" not in done.text
    assert "system\t" not in done.text
    assert done.lines[-1].startswith(str(tmp_path))


def test_an_action_without_a_stand_in_is_named(hub: GitHubFake, tmp_path: Path) -> None:
    scene = stage(hub, tmp_path, WORKFLOW.replace("actions/checkout@v5", '"octo/other/deep@v1" # x'))
    with pytest.raises(ValueError, match="no stand-in for octo/other@v1"):
        act.map_actions(scene.workflow, scene.checkout, STAND_INS)


def test_without_go_the_tests_are_skipped_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(act, "CACHE", tmp_path)
    monkeypatch.setattr(provisioned, "CACHE", tmp_path)
    monkeypatch.setitem(provisioned.TOOL_ENVIRONMENT, "PATH", str(tmp_path))
    monkeypatch.setenv("GITBATON_TESTS_REQUIRE", "")
    with pytest.raises(pytest.skip.Exception, match=f"no act: no act {act.VERSION} and no Go"):
        act.get_act.__wrapped__()

    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'dial tcp: no route to host' >&2\nexit 1\n", "utf-8")
    go.chmod(0o755)
    with pytest.raises(pytest.skip.Exception, match="failed: dial tcp: no route to host"):
        act.get_act.__wrapped__()

    monkeypatch.setenv("GITBATON_TESTS_REQUIRE", "node,act")
    with pytest.raises(pytest.fail.Exception, match=r"act is required here: go install .* failed"):
        act.get_act.__wrapped__()


def test_a_built_act_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(provisioned, "CACHE", tmp_path / "cache")
    go = tmp_path / "go"
    go.write_text('#!/bin/sh\necho "$*" >> "$0.log"\n/bin/touch "$GOBIN/act"\n', "utf-8")
    go.chmod(0o755)
    monkeypatch.setitem(provisioned.TOOL_ENVIRONMENT, "PATH", str(tmp_path))
    built = act.get_act.__wrapped__()
    assert act.get_act.__wrapped__() == built
    assert built.exists()
    assert (tmp_path / "go.log").read_text("utf-8") == f"install {act.MODULE}\n"


# -- docs/reference/act-limits.md -------------------------------------------------------------------

STEPS = "on: {0}\npermissions: {{}}\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n{1}"


@needs_act
def test_limit_triggers_are_not_filtered(hub: GitHubFake, tmp_path: Path) -> None:
    on = "{push: {branches: [other], paths: ['none/**']}}"
    scene = stage(hub, tmp_path, STEPS.format(on, "      - run: echo ran\n"), event_name="push")
    assert scene.act().lines == ["ran"]


@needs_act
def test_limit_the_token_keeps_its_permissions(hub: GitHubFake, tmp_path: Path) -> None:
    push = "git push --quiet origin HEAD:refs/heads/x && echo pushed"
    steps = f"      - {{uses: actions/checkout@v5}}\n      - run: {push}\n"
    done = stage(hub, tmp_path, STEPS.format("workflow_dispatch", steps)).act()
    assert done.lines[-1] == "pushed", "although the job has no permission at all"


@needs_act
def test_limit_steps_see_inputs_and_a_terminal(hub: GitHubFake, tmp_path: Path) -> None:
    action = """\
name: demo
description: For the test.
inputs: {task: {description: x}}
runs:
  using: composite
  steps:
    - {shell: bash, run: "echo ${INPUT_TASK:-none}; test -t 1 && echo terminal"}
"""
    steps = "      - {uses: actions/checkout@v5}\n      - {uses: ./, with: {task: seen}}\n"
    scene = stage(hub, tmp_path, STEPS.format("workflow_dispatch", steps), action)
    assert scene.act().lines == ["seen", "terminal"]


@needs_act
@pytest.mark.parametrize(
    ("steps", "said"),
    [
        pytest.param("      - {uses: actions/checkout@v5}\n      - {uses: $/}\n", "$/", id="self"),
        pytest.param("      - run: echo ${{ case(true, 'a', 'b') }}\n", "Function Call case", id="case"),
    ],
)
def test_limit_newer_syntax(hub: GitHubFake, tmp_path: Path, steps: str, said: str) -> None:
    done = stage(hub, tmp_path, STEPS.format("workflow_dispatch", steps)).act()
    assert done.exit_code == 1
    assert said in done.text


@needs_act
def test_limit_contexts_that_are_empty(hub: GitHubFake, tmp_path: Path) -> None:
    names = ("github.triggering_actor", "github.workflow_ref", "github.workflow_sha", "runner.environment")
    steps = "".join(f"      - run: echo x${{{{ {name} }}}}\n" for name in names)
    assert stage(hub, tmp_path, STEPS.format("workflow_dispatch", steps)).act().lines == ["x"] * len(names)


@needs_act
@pytest.mark.parametrize("wanted", ["container: alpine:3", "services: {db: {image: postgres}}"])
def test_limit_containers_are_not_run(hub: GitHubFake, tmp_path: Path, wanted: str) -> None:
    workflow = STEPS.format("workflow_dispatch", "      - run: echo ran\n")
    done = stage(hub, tmp_path, workflow.replace("    steps:", f"    {wanted}\n    steps:")).act()
    assert done.jobs.get("one") == ("failure" if wanted.startswith("container") else "success"), done.text


@needs_act
def test_limit_groups_and_environments_are_ignored(hub: GitHubFake, tmp_path: Path) -> None:
    workflow = STEPS.format("workflow_dispatch", "      - run: echo ran\n")
    workflow = workflow.replace("jobs:", "concurrency: {group: one, cancel-in-progress: true}\njobs:")
    done = stage(hub, tmp_path, workflow.replace("    steps:", "    environment: guarded\n    steps:")).act()
    assert done.lines == ["ran"], done.text
