"""An attempt that goes on with earlier work takes in what base got meanwhile; conflicts are the agent's to resolve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.usecases.refreshing import refresh_task
from gitbaton.usecases.review import accept_task, retry_task
from support.trial import WRITE, Trial

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.promise("attempt.takes-base-in")

HALVES = """
import sys
told, text = sys.stdin.read(), open('work.txt').read()
assert '## Resolve these conflicts' in told and '- `work.txt`' in told, told
assert text.startswith('<<<<<<< ') and 'done\\n=======\\ntheirs\\n>>>>>>> ' in text, text
"""
RESOLVE = HALVES + "open('work.txt', 'w').write('done and theirs\\n')\n"


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def say(trial: Trial) -> str:
    return "\n".join(event.text for event in trial.events)


def parents(trial: Trial, commit: str) -> list[str]:
    return trial.checkout.git("rev-parse", f"{commit}^@").splitlines()


def test_what_base_got_is_in_the_folder_and_not_the_agents(trial: Trial) -> None:
    trial.plan(config="checks: [{name: lib, run: test -e lib.txt}]\n")
    assert trial.run(WRITE).verdict.outcome is Outcome.CHECKS_FAILED
    tip = trial.state().head
    base = trial.checkout.commit({"lib.txt": "x\n", "AGENTS.md": "Mind.\n"}, "Lib", push=True)
    retry_task(trial.project(), "job")
    ran = trial.run("import sys\nassert '`main` has moved on since' in sys.stdin.read()\n")
    assert ran.good, "the guards find no protected file of base's, and the checks find what it brought"
    assert "merged main into the work" in say(trial)
    head = trial.state().head
    assert head
    assert trial.files("refs/heads/baton/job") == ["work.txt"]
    assert parents(trial, f"{head}^") == [tip, base]


def test_conflicts_are_resolved_on_the_same_branch(trial: Trial) -> None:
    trial.plan()
    assert trial.run(WRITE).good
    tip = trial.state().head
    base = trial.checkout.commit({"work.txt": "theirs\n"}, "Theirs", push=True)
    assert refresh_task(trial.project(), "job", here=True).conflicts == ("work.txt",)
    twice = (
        "import os\nif os.environ['BATON_ROUND'] == '1':\n    open('more.txt', 'w')\n    raise SystemExit\n"
    )
    ran = trial.run(twice + RESOLVE)
    assert ran.good, ran.verdict
    assert trial.handoff()["rounds"] == ["checks failed: conflict markers are left in work.txt"]
    state = trial.state()
    assert (state.status, state.branch, state.guidance) == ("in_review", "baton/job", ())
    assert state.head
    trial.checkout.git("fetch", "--quiet", "origin", "baton/job")
    assert parents(trial, f"{state.head}^") == [tip, base], "the commit with the markers is nowhere"
    assert "conflicts were resolved in: work.txt" in trial.checkout.git(
        "log", "-1", "--format=%B", f"{state.head}^"
    )
    assert "<<<<<<<" not in trial.checkout.git("log", "-p", "-m", "FETCH_HEAD")
    accept_task(trial.project(), "job")
    trial.checkout.git("fetch", "--quiet", "origin")
    assert trial.checkout.git("show", "origin/main:work.txt") == "done and theirs"


def test_what_is_not_resolved_is_kept_and_not_on_the_branch(trial: Trial) -> None:
    trial.plan(config="retries: {fix_rounds: 0}\n")
    assert trial.run(WRITE).good
    tip = trial.state().head
    trial.checkout.commit({"work.txt": "theirs\n"}, "Theirs", push=True)
    refresh_task(trial.project(), "job")
    ran = trial.run("open('more.txt', 'w').write('more\\n')\n")
    assert ran.verdict == (Outcome.CHECKS_FAILED, "conflict markers are left in work.txt", False)
    assert ran.published
    assert ran.published.kept_at == "refs/baton/attempts/job/2"
    head = trial.state().head
    assert head
    assert parents(trial, head) == [tip], "a handoff alone"
    assert trial.files("refs/heads/baton/job") == ["work.txt"]
    assert trial.files("refs/baton/attempts/job/2") == ["more.txt", "work.txt"]
    assert trial.checkout.git("rev-parse", "refs/look^1") == head, "whoever has the one has the other"
    retry_task(trial.project(), "job")
    assert trial.run(RESOLVE).good
    assert trial.files("refs/heads/baton/job") == ["work.txt"]


def test_what_an_agent_must_not_resolve_is_left_out(trial: Trial) -> None:
    trial.plan(
        config="checks: [{name: never, run: 'false'}]\nretries: {fix_rounds: 0}\nguards: {allow: [AGENTS.md]}\n"
    )
    assert (
        trial.run(WRITE + "open('AGENTS.md', 'w').write('Be brief.')\n").verdict.outcome
        is Outcome.CHECKS_FAILED
    )
    trial.plan(**{"AGENTS.md": "Be long."})
    retry_task(trial.project(), "job")
    look = "import os\nassert not os.path.exists('lib.txt') and open('AGENTS.md').read() == 'Be brief.'\n"
    assert trial.run(look).good, "it goes on with what there was"
    assert "is not merged into the work: a person must resolve the conflicts in AGENTS.md" in say(trial)


def test_a_workflows_token_is_not_given_what_it_may_not_push(trial: Trial) -> None:
    trial.plan(config="checks: [{name: never, run: 'false'}]\n")
    assert trial.run(WRITE).verdict.outcome is Outcome.CHECKS_FAILED
    trial.plan(**{".github/workflows/ci.yml": "on: push\n"})
    retry_task(trial.project(), "job")
    assert trial.run("", GITHUB_ACTIONS="true").good
    assert "it changes .github/workflows, which a workflow's token may not push" in say(trial)
    assert ".github" not in trial.checkout.git("ls-tree", "--name-only", trial.state().head or "")
