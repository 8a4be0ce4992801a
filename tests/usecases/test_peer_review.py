"""A second agent reads work before a person is asked to; and work that nobody has to be asked about is merged."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.report.run_text import render_review
from gitbaton.report.terminal import Style
from gitbaton.usecases.review import review_task
from gitbaton.usecases.run import Ran, run_task
from gitbaton.wiring import open_agent, read_clock, run_shell
from support.github_story import open_story
from support.hermetic_git import git
from support.model_server import ModelServer, Step
from support.repos import Checkout, Clock, project
from support.trial import WRITE, Trial, result

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.promise("route.peer-review")

MUST = {"place": "work.txt:1", "what": "it says bad", "why": "people read it", "weight": "must"}
SHOULD = {"place": "work.txt", "what": "it has no heading", "why": "it is hard to find", "weight": "should"}
#: A reviewer that reads the work in its folder, tries to change it, and keeps what it was told.
REVIEWER = """
import json, os, pathlib, sys
told = sys.stdin.read()
pathlib.Path(FOLDER, "told.md").write_text(told)
work = pathlib.Path("work.txt")
bad = "bad" in work.read_text()
work.write_text("by the reviewer")
findings = [MUST] if bad else [SHOULD]
said = {"verdict": "change" if bad else "accept", "summary": "it is " + ("bad" if bad else "well"), "findings": findings}
open(os.environ["BATON_RESULT"], "w").write(json.dumps({"result": said, "usage": {"turns": 3, "cost_usd": 0.5}}))
"""
#: An agent that mends what a reviewer found, if it is told of it in words that it understands.
AUTHOR = """
import json, os, sys, pathlib
told = sys.stdin.read()
again = os.environ["BATON_ROUND"] != "1"
if again:
    assert "A second agent reviewed your work" in told and "- work.txt:1: it says bad. Why it matters: people read it" in told, told
    assert "**must**" not in told and "Not done yet: round 1 of 2" in told
pathlib.Path("work.txt").write_text("good" if again else "bad")
said = {"summary": "I wrote it", "usage": {"turns": 2, "cost_usd": 0.25}}
open(os.environ["BATON_RESULT"], "w").write(json.dumps(said))
"""
CHECKS = "checks: [{name: there, run: test -f work.txt}]\n"


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def plan(trial: Trial, *, reviewer: str = REVIEWER, task: str = "complexity: complex\n", routing: str = "", config: str = CHECKS) -> None:  # fmt: skip
    known = {"FOLDER": repr(str(trial.folder)), "MUST": repr(MUST), "SHOULD": repr(SHOULD)}
    for name, value in known.items():
        reviewer = reviewer.replace(name, value)
    (trial.folder / "reviewer.py").write_text(reviewer)
    second = f"  second: {{adapter: command, command: [{sys.executable}, {trial.folder}/reviewer.py]}}\n"
    trial.plan(f"title: Job\n{task}", f"{second}{config}routing: {{reviewer: second{routing}}}\n")


def lines(trial: Trial, kind: str) -> list[str]:
    return [e.text for e in trial.events if e.kind == kind]


def peer_of(trial: Trial) -> dict[str, Any]:
    found: dict[str, Any] = trial.handoff()["peer_review"]
    return found


def test_what_a_second_agent_finds_is_mended_before_a_person_is_asked(trial: Trial) -> None:
    plan(trial)
    ran = trial.run(AUTHOR)
    assert ran.good, ran.verdict
    assert ran.verdict.message == "1 check passed; a second agent accepts it"
    handoff = trial.handoff()
    assert handoff["rounds"] == ["peer review: work.txt:1: it says bad"]
    review = handoff["peer_review"]
    assert (review["agent"], review["verdict"], review["reviews"]) == ("second", "accept", 2)
    assert (
        review["findings"] == [SHOULD | {"weight": "should"}]
        or review["findings"][0]["what"] == SHOULD["what"]
    )
    trial.checkout.git("fetch", "--quiet", "origin", "baton/job")
    assert trial.checkout.git("show", "FETCH_HEAD:work.txt") == "good", "a reviewer changes nothing"
    usage = trial.state().attempts[0].usage
    assert usage
    assert (usage.turns, usage.cost_usd) == (10, 1.5), "two rounds and two reviews"
    said = "\n".join(lines(trial, "peer"))
    assert "second reviews the work, as reviewer" in said
    assert "1 thing must be mended: it is bad\n  must: work.txt:1: it says bad" in said
    assert "accepted: it is well" in said
    told = (trial.folder / "told.md").read_text()
    assert "# Review of job: Job" in told
    assert "+good" in told
    assert "> - (must) work.txt:1: it says bad" in told, "the second time it knows what was found before"
    view = review_task(trial.project(), "job")
    assert "second, as reviewer, accepts it, after 2 reviews. it is well" in render_review(view, Style())


def test_what_stays_open_is_shown_to_a_person(trial: Trial) -> None:
    plan(trial, config=f"{CHECKS}retries: {{fix_rounds: 1}}\n")
    ran = trial.run("open('work.txt', 'a').write('bad')\n")
    assert ran.good, "whether it is good enough is for a person to say"
    assert ran.verdict.message == "1 check passed; a second agent still wants 1 change"
    assert (peer_of(trial)["verdict"], peer_of(trial)["reviews"]) == ("change", 2)
    assert "**must** `work.txt:1`: it says bad" in render_review(review_task(trial.project(), "job"), Style())


def test_work_that_does_not_change_is_reviewed_once(trial: Trial) -> None:
    plan(trial)
    ran = trial.run("open('work.txt', 'w').write('bad')\n")
    assert ran.good
    assert peer_of(trial)["reviews"] == 1
    assert "nothing has changed since, so it is not handed back again" in lines(trial, "agent")


@pytest.mark.parametrize(
    ("reviewer", "said"),
    [
        ("import sys; sys.exit(3)\n", "second handed nothing in"),
        (result(result={"verdict": "maybe"}), "what second handed in was refused, after 2 rounds"),
        (
            result(result={"verdict": "change", "summary": "s", "findings": []}),
            "verdict: change needs a finding with weight must",
        ),
    ],
    ids=["fails", "wrong", "contradicts itself"],
)  # fmt: skip
def test_a_review_that_does_not_come_about_is_said(trial: Trial, reviewer: str, said: str) -> None:
    plan(trial, reviewer=reviewer, routing=", complex: {auto_merge: true}")
    ran = trial.run(WRITE)
    assert ran.good, "that is no failure of the work"
    assert said in peer_of(trial)["error"]
    assert "no second agent reviewed it" in ran.verdict.message
    assert ran.published
    assert "not merged by itself: no second agent has accepted it" in (ran.published.warning or "")
    assert trial.state().status == "in_review"


def test_a_stop_during_the_review_stops_the_attempt(trial: Trial) -> None:
    from gitbaton.usecases.claim import stop_task

    plan(trial, reviewer="import time; print('begun', flush=True); time.sleep(60)\n")
    trial.write_agent(WRITE)
    stopped: list[str] = []

    def follow(event: Any) -> None:
        trial.events.append(event)
        if event.kind == "peer" and event.text == "begun" and not stopped:
            stopped.append(stop_task(trial.project(), "job", "enough").oid)

    ran = run_task(trial.project(), "job", follow, poll_s=0)
    assert isinstance(ran, Ran)
    assert ran.verdict.outcome is Outcome.STOPPED
    assert trial.files("refs/heads/baton/job") == ["work.txt"], "the work is kept"


def test_claude_is_reviewed_by_claude(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude("title: Job\ncomplexity: complex\nacceptance: [It says hello]\n", CHECKS)

    def write(content: str) -> Step:
        return {"tool": "Write", "input": {"file_path": "{cwd}/work.txt", "content": content}}

    def review(verdict: str, findings: list[Any]) -> Step:
        said = {"verdict": verdict, "summary": "I read it", "findings": findings}
        return {"tool": "mcp__baton__complete_task", "input": {"summary": "Reviewed", "result": said}}

    script = server.script(
        "peers",
        [
            write("bad\n"), {"text": "Done."},
            review("change", [MUST]), {"text": "Reviewed."},
            write("hello\n"), {"text": "Mended."},
            review("accept", []), {"text": "Reviewed again."},
        ],
    )  # fmt: skip
    ran = trial.run_claude(script)
    assert ran.good, ran.verdict
    assert (script.unplayed, script.exhausted) == (0, 0)
    assert (peer_of(trial)["verdict"], peer_of(trial)["reviews"]) == ("accept", 2)
    requests = [json.dumps(r.body) for r in script.requests]
    assert "second pair of eyes" in requests[2]
    assert "It says hello" in requests[2]
    assert "second pair of eyes" not in requests[4]
    assert "A second agent reviewed your work" in requests[4]


# -- merging without asking --------------------------------------------------------------------------------

MERGES = "routing: {simple: {auto_merge: true}}\n"


@pytest.mark.parametrize(
    ("task", "config", "program", "why"),
    [
        ("complexity: simple\n", CHECKS + MERGES, WRITE, None),
        ("complexity: simple\n", MERGES, WRITE, "no check vouches for it"),
        ("complexity: simple\n", CHECKS + MERGES, WRITE + result(summary="s", remaining=["the rest"]), "something remains"),
        ("complexity: medium\n", CHECKS + MERGES, WRITE, ""),
    ],
    ids=["merged", "unverified", "remaining", "another level"],
)  # fmt: skip
def test_work_is_merged_without_a_person_only_where_all_is_well(
    trial: Trial, task: str, config: str, program: str, why: str | None
) -> None:
    trial.plan(f"title: Job\n{task}", config)
    ran = trial.run(program)
    assert ran.good, ran.verdict
    assert ran.published
    if why is None:
        assert (ran.tip.state.status, trial.state().status) == ("merged", "merged")
        assert trial.server("refs/heads/main")["refs/heads/main"] == ran.published.merge
        assert "merged without asking, as routing.simple in tasks/config.yaml says" in "\n".join(
            lines(trial, "review")
        )
        return
    assert trial.state().status == "in_review"
    assert why in (ran.published.warning or "")
    assert bool(ran.published.warning) == bool(why)


def test_a_protected_base_leaves_it_in_review_and_says_so(trial: Trial) -> None:
    trial.plan("title: Job\ncomplexity: simple\n", CHECKS + MERGES)
    origin = trial.checkout.git("remote", "get-url", "origin").strip().removeprefix("file://")
    hook = Path(origin) / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\n[ "$1" != refs/heads/main ] || { echo "main is protected" >&2; exit 1; }\n')
    hook.chmod(0o755)
    ran = trial.run(WRITE)
    assert ran.good
    assert trial.state().status == "in_review"
    assert ran.published
    assert "it stays in review, and is not merged by itself:" in (ran.published.warning or "")


@pytest.mark.parametrize("protected", [False, True])
def test_on_github_a_pull_request_is_merged_or_told_why_not(tmp_path: Path, *, protected: bool) -> None:
    with open_story(tmp_path) as story:
        script = tmp_path / "agent.py"
        script.write_text(WRITE)
        agents = f"agents: {{script: {{adapter: command, command: [{sys.executable}, {script}]}}}}\n"
        checkout = Checkout(story.checkout)
        git(story.checkout, "checkout", "--quiet", "-B", "main", "origin/main")
        files = {
            "tasks/job.yaml": "title: Job\ncomplexity: simple\n",
            "tasks/config.yaml": f"base: main\n{agents}{CHECKS}{MERGES}",
        }
        checkout.commit(files, "Plan", push=True)
        if protected:
            story.hosted.protect("main")
        asked = project(
            checkout, clock=Clock(read_clock()), environment={"PATH": "/usr/bin:/bin"}, run_shell=run_shell, open_agent=open_agent,
            open_forge=lambda _: story.forge(),
        )  # fmt: skip
        ran = run_task(asked, "job", lambda _: None)
        assert isinstance(ran, Ran)
        assert ran.published
        pull = story.hosted.pulls[1]
        if not protected:
            assert (ran.tip.state.status, ran.published.merge) == ("merged", story.hosted.find_branch("main"))
            assert pull.merged_at
            return
        assert (ran.tip.state.status, pull.merged_at) == ("in_review", None)
        assert "it stays in review, and is not merged by itself:" in (ran.published.warning or "")
        assert pull.comments[0].body.startswith("Not merged by itself: ")
