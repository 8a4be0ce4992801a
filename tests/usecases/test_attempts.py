"""How attempts end: each as its own recorded outcome, with its work kept and nothing published that must not
be. The agent is a real program; repository, remote and runner are real, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.errors import BatonError, Refusal
from gitbaton.usecases.claim import claim_as_person, stop_task
from gitbaton.usecases.material import find_newest_handoffs
from gitbaton.usecases.project import load_view
from gitbaton.usecases.review import accept_task, retry_task
from gitbaton.usecases.run import Preview, Ran, preview_run, run_task
from gitbaton.usecases.takeover import takeover_task
from gitbaton.usecases.transitions import LeaseLost, advance
from support.trial import SECRET, WRITE, Trial, result

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.attempt_log import RunEvent


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """A fresh trial."""
    return Trial(tmp_path)


@pytest.mark.promise("attempt.unverified")
def test_no_checks_is_said_plainly(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(WRITE)
    assert (ran.verdict.outcome, ran.verdict.verified) == (Outcome.SUCCEEDED, False)
    assert ran.verdict.message == "unverified: no checks are configured"
    assert trial.handoff()["verified"] is False


@pytest.mark.promise("attempt.success", "attempt.kept")
def test_out_of_scope_work_is_kept_but_not_on_the_branch(trial: Trial) -> None:
    trial.plan("title: Job\npaths: [src/**]\n")
    ran = trial.run(WRITE)
    assert ran.verdict.outcome is Outcome.OUT_OF_SCOPE
    assert "work.txt is outside the task's paths (src/**)" in ran.verdict.message
    assert trial.server("refs/heads/baton/*") == {}
    assert trial.files("refs/baton/attempts/job/1") == ["work.txt"]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (f"open('key.txt', 'w').write('key={SECRET}')", "key.txt contains the secret ANTHROPIC_API_KEY"),
        (f"import base64; open('a.bin', 'wb').write(base64.b64encode(b'xy{SECRET}z'))", "contains the secret"),
        ("import os; os.makedirs('.github/workflows'); open('.github/workflows/x.yml', 'w').write('x')", ".github/workflows/x.yml is protected"),
        ("open('tasks/config.yaml', 'a').write('# mine\\n')", "tasks/config.yaml is protected"),
        ("open('.GITATTRIBUTES', 'w').write('* filter=x\\n')", ".GITATTRIBUTES is protected"),
        ("import os; os.symlink('/etc/passwd', 'link')", "link is a link that leads out of the repository"),
        ("import os; os.symlink('../../x', 'a')", "a is a link that leads out"),
        ("open('.gitmodules', 'w').write('[submodule \\'x\\']\\n')", ".gitmodules is protected"),
        ("open('big.bin', 'wb').write(b'x' * 6_000_000)", "big.bin has 6,000,000 bytes"),
    ],
)  # fmt: skip
def test_guards(trial: Trial, program: str, words: str) -> None:
    trial.plan()
    ran = trial.run(program)
    assert ran.verdict.outcome is Outcome.GUARD_REFUSED
    assert words in ran.verdict.message
    assert trial.server("refs/heads/baton/*", "refs/baton/attempts/*") == {}, "nothing of it was published"
    assert ran.published
    assert ran.published.kept_at == "refs/baton/kept/job/1"
    assert trial.checkout.git("rev-parse", "--verify", "refs/baton/kept/job/1")
    state = trial.state()
    assert (state.status, state.attempt_limit, state.retry_at) == ("failed", 1, None), "a person decides"
    assert SECRET not in trial.checkout.git("log", "-p", "--all", "--", "tasks")


def test_a_repository_inside_of_the_repository_counts_with_its_files(trial: Trial) -> None:
    """As project generators make them; git would take it for a submodule whose commit nobody else has."""
    trial.plan()
    make = "import subprocess; subprocess.run('git init -q sub && cd sub && echo x > x.txt && git add . && git commit -q -m x', shell=True, check=True)"
    assert trial.run(make).good
    assert trial.files("refs/heads/baton/job") == ["sub/x.txt"]


def test_config_may_allow_a_protected_file(trial: Trial) -> None:
    trial.plan(config="guards: {allow: [CLAUDE.md]}\n")
    assert trial.run("open('CLAUDE.md', 'w').write('# Notes\\n')").good


def test_secrets_are_blacked_out_in_the_handoff(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(WRITE + result(summary=f"I used {SECRET} to call it", data={"k": SECRET}))
    assert ran.good
    handoff = trial.handoff()
    assert handoff["summary"] == "I used [ANTHROPIC_API_KEY removed] to call it"
    assert handoff["data"] == {"k": "[ANTHROPIC_API_KEY removed]"}


def test_the_agent_sees_an_allow_list_of_the_environment(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(
        "import json, os\njson.dump(dict(os.environ), open('env.json', 'w'))",
        GITHUB_TOKEN="ghs_" + "x" * 36,
        HOME="/root",
    )
    assert ran.good
    trial.checkout.git("fetch", "--quiet", "origin", "baton/job")
    env = json.loads(trial.checkout.git("show", "FETCH_HEAD:env.json"))
    assert "GITHUB_TOKEN" not in env
    assert "ANTHROPIC_API_KEY" not in env, "the command adapter gets a key only by token_secret"
    assert env["HOME"] != "/root"
    assert {
        "BATON_TASK",
        "BATON_ATTEMPT",
        "BATON_RUN",
        "BATON_OUTBOX",
        "BATON_BRIEFING",
        "BATON_RESULT",
    } <= env.keys()


@pytest.mark.promise("attempt.success", "attempt.goes-on")
def test_failed_checks_tell_the_next_attempt_why(trial: Trial) -> None:
    trial.plan(
        config="checks:\n  - {name: good, run: 'cat work.txt; grep -q good work.txt'}\n  - {name: always, run: 'true'}\n"
    )
    ran = trial.run(WRITE)
    assert ran.verdict.outcome is Outcome.CHECKS_FAILED
    handoff = trial.handoff()
    assert [(c["name"], c["passed"]) for c in handoff["checks"]] == [("good", False), ("always", True)]
    assert handoff["checks"][0]["output"] == "done"
    retry_task(trial.project(), "job", "write good")
    again = trial.run(
        "import sys\nb = sys.stdin.read()\nassert 'The check `good` failed' in b and '> write good' in b\nassert open('work.txt').read() == 'done\\n'\nopen('work.txt', 'w').write('good\\n')"
    )
    assert again.good
    assert trial.files("refs/heads/baton/job") == ["work.txt"]


def test_a_check_that_hangs_is_ended(trial: Trial) -> None:
    trial.plan(config="checks:\n  - {name: slow, run: 'echo begun; sleep 60', timeout: 1s}\n")
    ran = trial.run(WRITE)
    assert ran.verdict.outcome is Outcome.CHECKS_FAILED
    assert trial.handoff()["checks"][0]["output"].startswith("begun")


def test_an_agent_that_fails_is_retried_after_a_while(trial: Trial) -> None:
    trial.plan(config="retries: {attempts: 2, backoff: 60s}\n")
    ran = trial.run(WRITE + "import sys; sys.exit('out of memory')")
    assert ran.verdict.outcome is Outcome.AGENT_ERROR
    assert "out of memory" in ran.verdict.message
    state = trial.state()
    assert state.attempt_limit == 2
    assert "2026-01-31T09:00:00Z" <= (state.retry_at or "") < "2026-01-31T09:01:00Z", "drawn, below a minute"
    assert trial.files("refs/heads/baton/job") == ["work.txt"], "its work is a checkpoint on the branch"
    handoff = trial.handoff()
    assert (handoff["incomplete"], handoff["outcome"]) == (True, "agent_error")


def test_a_question_waits_for_a_person(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(result(outcome="needs_input", questions=["Which port?"], summary="The port is open"))
    assert ran.verdict.outcome is Outcome.NEEDS_INPUT
    state = trial.state()
    assert (state.status, state.question) == ("needs_input", "Which port?")
    with pytest.raises(Refusal, match="needs input: the agent asks: Which port"):
        run_task(trial.project(), "job", trial.events.append)
    retry_task(trial.project(), "job", "Port 8080")
    assert trial.run(
        "import sys\nb = sys.stdin.read()\nassert 'Port 8080' in b and 'Which port?' in b\n" + WRITE
    ).good


def test_blocked_is_for_a_person_to_decide(trial: Trial) -> None:
    trial.plan()
    ran = trial.run(result(outcome="blocked", message="the API is down", blockers=["the API is down"]))
    assert ran.verdict.outcome is Outcome.BLOCKED
    state = trial.state()
    assert (state.status, state.reason, state.attempt_limit) == ("failed", "the API is down", 1)


SCHEMA = "title: Job\nresult_schema: {type: object, required: [n], properties: {n: {type: integer}}}\n"


def test_a_structured_result_is_a_delivery(trial: Trial) -> None:
    trial.plan(SCHEMA)
    ran = trial.run(result(summary="Counted", result={"n": 3}))
    assert ran.verdict.outcome is Outcome.DELIVERED
    assert trial.handoff()["result"] == {"n": 3}
    assert trial.state().status == "in_review"


@pytest.mark.parametrize(
    ("given", "words"),
    [({"n": "three"}, "n: 'three' is not of type 'integer'"), (None, "no structured result")],
)
def test_a_result_that_does_not_fit(trial: Trial, given: object, words: str) -> None:
    trial.plan(SCHEMA)
    ran = trial.run(WRITE + result(summary="Counted", result=given))
    assert ran.verdict.outcome is Outcome.INVALID_RESULT
    assert words in ran.verdict.message


def test_a_spike_may_deliver_words_alone(trial: Trial) -> None:
    trial.plan("title: Job\ntype: spike\n")
    assert trial.run(result(summary="It can be done, with a queue")).verdict.outcome is Outcome.DELIVERED


@pytest.mark.promise("attempt.kept")
def test_a_person_who_stops_it(trial: Trial) -> None:
    """The runner asks the state ref now and then; here at once, because the clock of the trial jumps."""
    trial.plan()
    asked = trial.project()

    def stop(event: RunEvent) -> None:
        trial.events.append(event)
        if event.text == "begun":
            stop_task(trial.project(), "job", "the spec changes")

    trial.write_agent(WRITE + "print('begun', flush=True)\nimport time; time.sleep(60)")
    ran = run_task(asked, "job", stop, poll_s=0)
    assert isinstance(ran, Ran)
    assert ran.verdict.outcome is Outcome.STOPPED
    state = trial.state()
    assert (state.status, state.attempts[0].outcome, state.event.name) == (
        "stopped",
        Outcome.STOPPED,
        "checkpointed",
    )
    assert trial.files("refs/heads/baton/job") == ["work.txt"]


@pytest.mark.promise("attempt.kept")
def test_a_person_who_stops_it_while_its_work_is_checked(trial: Trial) -> None:
    trial.plan(config="checks: [{name: long, run: sleep 300}, {name: other, run: 'true'}]\n")
    asked = trial.project()

    def stop(event: RunEvent) -> None:
        trial.events.append(event)
        if event.text == "long: sleep 300":
            stop_task(trial.project(), "job", "the spec changes")

    trial.write_agent(WRITE)
    ran = run_task(asked, "job", stop, poll_s=0)
    assert isinstance(ran, Ran)
    assert ran.verdict.outcome is Outcome.STOPPED
    said = [event.text for event in trial.events if event.kind == "check"]
    assert said == ["long: sleep 300", "long was ended: a person stopped it"]
    assert trial.files("refs/heads/baton/job") == ["work.txt"]


def take_over(trial: Trial) -> None:
    """Somebody else claims the task, as if the lease had passed."""
    advance(trial.project(), "job", "claimed", lambda _: {"run": "another-run", "attempt": 2, "lease": None})


@pytest.mark.promise("fence.lost-changes-nothing")
def test_a_lost_lease_publishes_nothing_and_keeps_the_work(trial: Trial) -> None:
    trial.plan()

    def lose(event: RunEvent) -> None:
        if event.text == "begun":
            take_over(trial)

    trial.write_agent(WRITE + "print('begun', flush=True)\n")
    with pytest.raises(LeaseLost) as lost:
        run_task(trial.project(), "job", lose)
    assert "the work is kept here as refs/baton/kept/job/1" in lost.value.message
    assert "work.txt" in trial.checkout.git("show", "--stat", "refs/baton/kept/job/1~1")
    assert trial.server("refs/heads/baton/*", "refs/baton/attempts/*") == {}
    assert trial.state().run == "another-run"


@pytest.mark.promise("fence.person-pushed")
def test_a_person_who_pushes_to_the_branch_meanwhile(trial: Trial) -> None:
    trial.plan()
    assert trial.run(WRITE).good
    retry = trial.project()
    from gitbaton.usecases.review import reject_task

    reject_task(retry, "job", "more")
    other = trial.checkout.clone("other")

    def push(event: RunEvent) -> None:
        if event.text == "begun":
            other.git("fetch", "--quiet", "origin")
            other.git("switch", "--quiet", "baton/job")
            other.commit({"mine.txt": "mine\n"}, "Mine", push=True)

    trial.write_agent("open('more.txt','w').write('x')\nprint('begun', flush=True)\n")
    with pytest.raises(BatonError) as stepped_back:
        run_task(trial.project(), "job", push)
    assert "refs/baton/kept/job/2" in stepped_back.value.message
    assert "mine.txt" in trial.files("refs/heads/baton/job"), "the person's commit is still there"
    assert "more.txt" not in trial.files("refs/heads/baton/job")
    state = trial.state()
    assert (state.status, state.attempts[1].outcome) == ("taken_over", Outcome.TAKEN_OVER)
    retry_task(trial.project(), "job")
    assert trial.run("open('more.txt','w').write('x')").good
    assert {"mine.txt", "more.txt", "work.txt"} == set(trial.files("refs/heads/baton/job")), (
        "it goes on from there"
    )


@pytest.mark.promise("fence.person-pushed")
def test_a_branch_that_is_not_ours_is_left_alone(trial: Trial) -> None:
    trial.plan()
    trial.checkout.git("switch", "--quiet", "-c", "baton/job")
    mine = trial.checkout.commit({"mine.txt": "mine\n"}, "Mine")
    trial.checkout.git("push", "--quiet", "origin", "baton/job")
    trial.checkout.git("switch", "--quiet", "main")
    with pytest.raises(Refusal, match="the branch baton/job exists and holds work that is not gitbaton's"):
        trial.run(WRITE)
    assert trial.server("refs/heads/baton/job") == {"refs/heads/baton/job": mine}
    assert trial.state().status == "failed"


def test_a_program_that_is_missing(trial: Trial) -> None:
    trial.plan(config="")
    trial.checkout.commit(
        {"tasks/config.yaml": "base: main\nagents:\n  x: {adapter: command, command: [no-such-program]}\n"},
        push=True,
    )
    with pytest.raises(Refusal) as refused:
        run_task(trial.project(), "job", trial.events.append)
    assert "no-such-program" in refused.value.message
    assert trial.server("refs/baton/*") == {}, "it cost the task no attempt"


@pytest.mark.parametrize("moment", ["claim", "prepare"])
def test_our_own_failure_leaves_a_state_that_says_so(trial: Trial, moment: str) -> None:
    trial.plan()

    def break_down(event: RunEvent) -> None:
        if event.kind == moment:
            raise RuntimeError("the view broke")

    trial.write_agent(WRITE)
    with pytest.raises(RuntimeError):
        run_task(trial.project(), "job", break_down)
    state = trial.state()
    assert (state.status, state.attempts[0].outcome) == ("failed", Outcome.CRASHED)
    assert state.attempts[0].message == "gitbaton failed: RuntimeError: the view broke"


@pytest.mark.promise("forge.afresh")
def test_after_a_merge_earlier_handoffs_are_superseded(trial: Trial) -> None:
    """Append-only files are never rewritten: the newer ones say which no longer hold."""
    trial.plan()
    assert trial.run(WRITE + result(summary="The first way")).good
    asked = trial.project()
    accept_task(asked, "job")
    first = find_newest_handoffs(asked, load_view(asked, local=False), "job", 5)
    assert [h.summary for _, h in first] == ["The first way"]
    trial.checkout.git("pull", "--quiet", "origin", "main")
    trial.checkout.commit({"tasks/job.yaml": "title: Job\n"}, "Not done after all", push=True)

    told = preview_run(trial.project(), "job")
    assert isinstance(told, Preview)
    assert "This is attempt 2. It begins anew from the base branch." in told.briefing
    assert "### Attempt 1: succeeded\n\nSuperseded: its work was merged or set aside since" in told.briefing
    assert trial.run("open('more.txt', 'w').write('x')\n" + result(summary="The second way")).good
    assert trial.handoff()["supersedes"] == [path for path, _ in first]
    assert (trial.state().fresh_since, trial.state().attempt) == (2, 2)
    asked = trial.project().fetched()
    found = find_newest_handoffs(asked, load_view(asked, local=False), "job", 5)
    assert [h.summary for _, h in found] == ["The second way"]


@pytest.mark.promise("attempt.kept")
def test_ctrl_c_while_checks_run_leaves_a_checkpoint(trial: Trial) -> None:
    trial.plan(config="checks: [{name: c, run: 'true'}]\n")

    def interrupt(event: RunEvent) -> None:
        if event.kind == "check":
            raise KeyboardInterrupt

    trial.write_agent(WRITE)
    ran = run_task(trial.project(), "job", interrupt)
    assert isinstance(ran, Ran)
    assert (ran.interrupted, ran.verdict.outcome) == (True, Outcome.STOPPED)
    assert (trial.state().status, trial.files("refs/heads/baton/job")) == ("stopped", ["work.txt"])
    assert trial.handoff()["incomplete"] is True


@pytest.mark.promise("attempt.kept")
def test_our_own_failure_after_the_agent_keeps_its_work(trial: Trial) -> None:
    trial.plan(config="checks: [{name: c, run: 'true'}]\n")

    def break_down(event: RunEvent) -> None:
        if event.kind == "check":
            raise RuntimeError("the view broke")

    trial.write_agent(WRITE)
    with pytest.raises(RuntimeError):
        run_task(trial.project(), "job", break_down)
    state = trial.state()
    assert (state.status, state.attempts[0].outcome) == ("failed", Outcome.CRASHED)
    assert state.attempts[0].message == (
        "gitbaton failed: RuntimeError: the view broke; the work is kept as refs/baton/kept/job/1 where it ran"
    )
    assert trial.checkout.git("show", "refs/baton/kept/job/1:work.txt") == "done"
    assert trial.server("refs/heads/baton/*", "refs/baton/attempts/*") == {}, "no guard has looked at it"


@pytest.mark.promise("person.takeover")
def test_a_person_takes_over_while_the_agent_works(trial: Trial) -> None:
    trial.plan()

    def lose(event: RunEvent) -> None:
        if event.text == "begun":
            takeover_task(trial.project(), "job", sure=True)

    trial.write_agent(WRITE + "print('begun', flush=True)\nimport time; time.sleep(60)")
    with pytest.raises(LeaseLost) as lost:
        run_task(trial.project(), "job", lose, poll_s=0)
    assert "the work is kept here as refs/baton/kept/job/1" in lost.value.message
    assert "work.txt" in trial.checkout.git("show", "--stat", "refs/baton/kept/job/1~1")
    assert trial.server("refs/heads/baton/*", "refs/baton/attempts/*") == {}
    state = trial.state()
    assert (state.status, state.attempts[0].outcome) == ("taken_over", Outcome.TAKEN_OVER)
    assert state.attempts[0].ended


@pytest.mark.promise("fence.before-review")
def test_the_fence_is_checked_again_before_a_review_is_opened(trial: Trial) -> None:
    """Between publishing and the pull request a person takes the task over: nothing is shown to anybody."""
    trial.plan()

    def lose(event: RunEvent) -> None:
        if event.kind == "publish":
            takeover_task(trial.project(), "job")

    trial.write_agent(WRITE)
    ran = run_task(trial.project(), "job", lose)
    assert isinstance(ran, Ran)
    assert ran.published
    assert ran.published.review is None
    assert "job is not ours any more: Tess Author holds it" in (ran.published.warning or "")
    assert trial.state().status == "taken_over"


def test_what_an_agent_planted_in_its_clone_does_not_run(trial: Trial, tmp_path: Path) -> None:
    trial.plan()
    mark = tmp_path / "ran"
    program = f"""
import pathlib, subprocess
for key in ("filter.x.clean", "core.fsmonitor", "core.sshCommand", "diff.external", "core.editor", "remote.origin.receivepack"):
    subprocess.run(["git", "config", key, "touch {mark}"], check=True)
pathlib.Path(".git/info").mkdir(exist_ok=True)
pathlib.Path(".git/info/attributes").write_text("* filter=x\\n")
pathlib.Path(".git/hooks").mkdir(exist_ok=True)
for hook in ("pre-commit", "post-commit", "pre-push", "post-checkout", "reference-transaction", "post-index-change"):
    path = pathlib.Path(".git/hooks") / hook
    path.write_text("#!/bin/sh\\ntouch {mark}\\n")
    path.chmod(0o755)
open("work.txt", "w").write("done\\n")
"""
    assert trial.run(program).good
    assert not mark.exists()


def test_what_the_agent_committed_itself_counts_by_its_files(trial: Trial) -> None:
    trial.plan()
    assert trial.run(
        "import subprocess\nopen('work.txt','w').write('x')\nsubprocess.run('git add . && git commit -qm mine && git switch -q -c elsewhere', shell=True, check=True)"
    ).good
    assert trial.files("refs/heads/baton/job") == ["work.txt"]


def test_checks_run_in_the_working_directory(trial: Trial) -> None:
    trial.plan(
        "title: Job\nworking_directory: api\n",
        "checks: [{name: here, run: 'test -f here'}]\n",
        **{"api/here": "x\n"},
    )
    assert trial.run(WRITE).good


def test_a_person_at_work_is_not_disturbed(trial: Trial) -> None:
    trial.plan()
    claim_as_person(trial.project(), "job")
    with pytest.raises(Refusal, match="job is in progress: Tess Author is at it"):
        run_task(trial.project(), "job", trial.events.append)


def test_the_workplace_is_gone_afterwards(trial: Trial) -> None:
    trial.plan()
    trial.run(WRITE)
    assert list((trial.folder / "cache").iterdir()) == []
