"""What goes on within one attempt: work goes back to its agent, a busy model is waited for, an answer is heard by
whoever asked.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.errors import Refusal, UsageError
from gitbaton.ports import Limits
from gitbaton.usecases.answering import answer_task
from gitbaton.usecases.review import review_task
from gitbaton.usecases.rounds import Meter
from support.model_server import ModelServer, Script, Step
from support.trial import WRITE, Trial, result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.promise("attempt.rounds")
THOUSANDS = {"input_tokens": 10_000, "output_tokens": 1_000}


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


def say(trial: Trial) -> str:
    return "\n".join(e.text for e in trial.events if e.kind == "agent")


def write(path: str, content: str) -> Step:
    return {
        "tool": "Write",
        "input": {"file_path": f"{{cwd}}/{path}", "content": content},
        "usage": THOUSANDS,
    }


def sent(script: Script, number: int) -> str:
    """All that the model was sent in a request, counted from 0."""
    return json.dumps(script.requests[number].body)


#: An agent that does one thing in its first round and another one after that, and counts what it costs.
TWO_WAYS = """
import os, sys, json
again = os.environ["BATON_ROUND"] != "1"
told = sys.stdin.read()
assert told == open(os.environ["BATON_BRIEFING"]).read()
said = {"usage": {"turns": 2, "cost_usd": 0.25}}
if again:
    assert "Not done yet: round 1 of 2" in told and "# Task job" in told, told
SCENE
open(os.environ["BATON_RESULT"], "w").write(json.dumps(said))
"""


@pytest.mark.parametrize(
    ("task", "config", "scene", "reason"),
    [
        pytest.param(
            "title: Job\n", "checks: [{name: good, run: 'cat work.txt; grep -q good work.txt'}]\n",
            "assert not again or 'The check `good` ended with exit code 1 and printed at its end:\\n\\n```\\nbad\\n```' in told\n"
            "open('work.txt', 'w').write('good' if again else 'bad')\n"
            "if not again: said['summary'] = 'I did it'\n",
            "checks failed: good did not pass", id="checks",
        ),
        pytest.param(
            "title: Job\npaths: [src/**]\n", "",
            "import pathlib; pathlib.Path('src').mkdir(exist_ok=True); pathlib.Path('src/a').write_text('x')\n"
            "pathlib.Path('b').unlink() if again else pathlib.Path('b').write_text('x')\n"
            "assert not again or 'b is outside' in told\n",
            "out of scope: b is outside the task's paths (src/**)", id="scope",
        ),
        pytest.param(
            "title: Job\nresult_schema: {type: object, required: [n], properties: {n: {type: integer}}}\n", "",
            "open('work.txt', 'w').write('x'); said['result'] = {'n': 3 if again else 'three'}\n",
            "invalid result: the structured result does not fit: n: 'three' is not of type 'integer'", id="result",
        ),
        pytest.param(
            "title: Job\n", "", "if again: open('work.txt', 'w').write('x')\n",
            "no change: the agent ended, but changed nothing", id="nothing",
        ),
    ],
)  # fmt: skip
def test_what_an_agent_can_mend_goes_back_to_it(
    trial: Trial, task: str, config: str, scene: str, reason: str
) -> None:
    trial.plan(task, config)
    ran = trial.run(TWO_WAYS.replace("SCENE", scene))
    assert ran.good, ran.verdict
    handoff = trial.handoff()
    assert handoff["rounds"] == [reason]
    assert f"handed back, round 1 of 2: {reason}" in say(trial)
    usage = trial.state().attempts[0].usage
    assert usage
    assert (usage.turns, usage.cost_usd) == (4, 0.5), "what it cost is the sum"
    if "summary" in scene:
        assert handoff["summary"] == "I did it", "what it said before still counts"
        view = review_task(trial.project(), "job")
        assert view.handoff
        assert view.handoff.rounds == (reason,)


@pytest.mark.parametrize(
    ("config", "scene", "runs", "last_words"),
    [
        ("retries: {fix_rounds: 0}\n", "", 1, ""),
        ("retries: {fix_rounds: 2}\n", "", 3, ""),
        ("", "sys.exit(0) if again else None\n", 2, "nothing has changed since, so it is not handed back again"),
        ("", "if again: os.makedirs('.github'); open('.github/x', 'w')\n", 2, ""),
    ],
    ids=["off", "bounded", "idle", "guard"],
)  # fmt: skip
def test_the_rounds_are_bounded(trial: Trial, config: str, scene: str, runs: int, last_words: str) -> None:
    trial.plan(config=f"{config}checks: [{{name: never, run: 'exit 3'}}]\n")
    count = trial.folder / "count"
    program = f"open({str(count)!r}, 'a').write('x')\n" + TWO_WAYS.replace(
        "SCENE", f"{scene}open('work.txt', 'a').write('more')"
    ).replace("assert ", "assert True or ")
    ran = trial.run(program)
    assert len(count.read_text()) == runs
    guarded = ".github" in scene
    assert ran.verdict.outcome is (Outcome.GUARD_REFUSED if guarded else Outcome.CHECKS_FAILED)
    assert last_words in say(trial)
    if guarded:
        assert trial.server("refs/heads/baton/*") == {}, (
            "however often: what a guard refuses is not published"
        )
    else:
        assert len(trial.handoff().get("rounds", [])) == runs - 1


def test_no_round_begins_without_time_turns_or_money() -> None:
    full = Limits(timeout_s=100, idle_s=7, turns_max=5, budget_usd=1.0)

    def left(other_s: float = 0, wait_s: float = 0, **used: Any) -> Limits | None:
        return Meter(full, Usage(**used), other_s).find_left(wait_s)

    assert left(seconds=30.0, turns=2, cost_usd=0.25) == Limits(70, 7, 3, 0.75)
    assert left() == full
    assert left(seconds=50.0, other_s=30, wait_s=5) == Limits(15, 7, 5, 1.0)
    for used in ({"seconds": 95.0}, {"other_s": 95.0}, {"wait_s": 95.0}, {"turns": 5}, {"cost_usd": 1.0}):
        assert left(**used) is None, used


def test_claude_mends_it_in_the_same_session(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude(config="checks: [{name: good, run: 'cat work.txt; grep -q good work.txt'}]\n")
    script = server.script(
        "mend",
        [
            write("work.txt", "bad\n"),
            {"text": "Done.", "usage": THOUSANDS},
            write("work.txt", "good\n"),
            {"text": "Mended.", "usage": THOUSANDS},
        ],
    )
    ran = trial.run_claude(script)
    assert ran.good, ran.verdict
    assert (script.unplayed, script.exhausted) == (0, 0)
    assert "The check `good` ended with exit code 1" in sent(script, 2)
    assert "Done." in sent(script, 2), "it remembers"
    assert sent(script, 2).count("How to finish") == 1, "the briefing is not told twice"
    attempt = trial.state().attempts[0]
    assert attempt.usage
    assert attempt.usage.input_tokens == 40_000
    assert attempt.usage.cost_usd == pytest.approx(0.24)
    assert trial.handoff()["summary"] == "Mended."
    assert not (trial.checkout.path / ".git/baton/sessions/job").exists(), "nobody will go on with it"


def test_a_busy_model_is_waited_for_and_the_session_goes_on(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude()
    script = server.script(
        "busy", [write("work.txt", "x\n"), {"status": 529, "times": 3}, {"text": "Done.", "usage": THOUSANDS}]
    )
    ran = trial.run_claude(script)
    assert ran.good, ran.verdict
    assert "the model was overloaded or unreachable; goes on in" in say(trial)
    last = sent(script, -1)
    assert "go on where you were" in last
    assert "work.txt" in last
    usage = trial.state().attempts[0].usage
    assert usage
    assert usage.cost_usd == pytest.approx(0.12)


def test_the_model_says_when_to_come_back(trial: Trial) -> None:
    trial.plan(config="retries: {resumes: 1, backoff: 1s}\ntimeouts: {attempt: 1h}\n")
    count = trial.folder / "count"
    tired = f"open({str(count)!r}, 'a').write('x')\n" + result(
        outcome="rate_limited", message="come back", retry_after=600
    )
    ran = trial.run(WRITE + tired)
    assert (ran.verdict.outcome, len(count.read_text())) == (Outcome.RATE_LIMITED, 2)
    state = trial.state()
    assert state.retry_at
    assert state.retry_at >= "2026-01-31T09:20:00Z", "after both waits that were asked for"
    assert "the model's rate limit was reached; goes on in 10m" in say(trial)


def test_a_wait_longer_than_the_attempt_ends_it(trial: Trial) -> None:
    trial.plan(config="timeouts: {attempt: 5m}\n")
    ran = trial.run(WRITE + result(outcome="overloaded", retry_after=3600))
    assert ran.verdict.outcome is Outcome.OVERLOADED
    assert "goes on in" not in say(trial)
    assert (trial.state().retry_at or "") >= "2026-01-31T10:00:00Z"
    assert trial.files("refs/heads/baton/job") == ["work.txt"], "its work is a checkpoint"


ASK: Step = {
    "tool": "mcp__baton__save_context", "input": {"question": "Which port?", "summary": "Half done"}, "usage": THOUSANDS,
}  # fmt: skip


@pytest.mark.promise("attempt.answer")
def test_an_answer_goes_on_in_the_same_session(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude(config="retries: {attempts: 1}\n")
    with pytest.raises(Refusal, match="job asks nothing: it is ready"):
        answer_task(trial.project(), "job", "8080")
    asks = server.script(
        "asks", [write("work.txt", "half\n"), ASK, {"text": "I need to know.", "usage": THOUSANDS}]
    )
    ran = trial.run_claude(asks)
    assert ran.verdict.outcome is Outcome.NEEDS_INPUT, ran.verdict
    with pytest.raises(UsageError, match="empty"):
        answer_task(trial.project(), "job", " \n")
    answered = answer_task(trial.project(), "job", "Port 8080")
    assert answered.question == "Which port?"
    assert answered.tip.state.guidance == ("To your question: Which port?\n\nThe answer: Port 8080",)
    goes_on = server.script(
        "goes-on",
        [
            {"tool": "Read", "input": {"file_path": "{cwd}/work.txt"}},
            write("work.txt", "port 8080\n"),
            {"text": "Done.", "usage": THOUSANDS},
        ],
    )
    ran = trial.run_claude(goes_on)
    assert ran.good, ran.verdict
    told = sent(goes_on, 0)
    assert "Port 8080" in told
    assert "I need to know." in told, "it is the same session"
    assert told.count("How to finish") == 1, "the briefing is not told again"
    first, second = trial.state().attempts
    assert first.session == second.session
    assert f"job-1-{first.run}" not in told, "its folder has moved, and so have the paths that it remembers"
    assert f"job-2-{second.run}/work/work.txt" in told
    assert second.usage
    assert second.usage.cost_usd == pytest.approx(0.12, abs=0.01), "without what the first attempt had used"


@pytest.mark.promise("attempt.answer")
def test_an_answer_elsewhere_goes_on_from_the_handoff(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude()
    asks = server.script("asks", [write("work.txt", "half\n"), ASK, {"text": "I need to know."}])
    assert trial.run_claude(asks).verdict.outcome is Outcome.NEEDS_INPUT
    answer_task(trial.project(), "job", "Port 8080")
    elsewhere = Trial.__new__(Trial)
    elsewhere.folder, elsewhere.events = trial.folder / "elsewhere", []
    elsewhere.folder.mkdir()
    elsewhere.checkout = trial.checkout.clone("elsewhere/work")
    goes_on = server.script("goes-on", [write("work.txt", "port 8080\n"), {"text": "Done."}])
    ran = elsewhere.run_claude(goes_on)
    assert ran.good, ran.verdict
    told = sent(goes_on, 0)
    assert "its session is not on this machine" in say(elsewhere)
    assert "Port 8080" in told
    assert "Half done" in told
    assert "I need to know." not in told.replace("Half done", "")
