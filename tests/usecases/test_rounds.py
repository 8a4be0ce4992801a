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
from gitbaton.usecases.holding import clarify_task, hold_task
from gitbaton.usecases.review import review_task
from gitbaton.usecases.run import Ran, run_task
from gitbaton.usecases.worker import Meter
from support.model_server import ModelServer, Script, Step
from support.trial import WRITE, Trial, result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitbaton.usecases.attempt_log import RunEvent

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
    assert f"handed back: {reason}" in say(trial)
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
    """Also when the model is busy for a while, and when somebody says something in the middle of it."""
    trial.plan_claude(
        config="run: {allowed_tools: [Bash]}\nchecks: [{name: good, run: 'cat work.txt; grep -q good work.txt'}]\n"
    )
    wait = {"command": "python3 -c 'import time; time.sleep(1)'", "description": "wait"}
    script = server.script(
        "mend",
        [
            {"tool": "Bash", "input": wait, "usage": THOUSANDS},
            write("work.txt", "bad\n"),
            {"text": "Done.", "usage": THOUSANDS},
            {"status": 529, "times": 3},
            write("work.txt", "good\n"),
            {"text": "Mended.", "usage": THOUSANDS},
        ],
    )

    def clarify(event: RunEvent) -> None:
        if event.text.startswith("runs python3"):
            clarify_task(trial.project(), "job", "Use tabs")

    ran = trial.run_claude(script, clarify)
    assert ran.good, ran.verdict
    assert (script.unplayed, script.exhausted) == (0, 0)
    assert "Use tabs" not in sent(script, 0)
    assert "> Use tabs" in sent(script, 1), "it hears it right after what it was doing"
    assert "the model was overloaded or unreachable; goes on in" in say(trial)
    told = sent(script, -2)
    assert "go on where you were" in told
    assert "The check `good` ended with exit code 1" in told
    assert "Done." in told, "it remembers"
    assert told.count("How to finish") == 1, "the briefing is not told twice"
    state = trial.state()
    attempt = state.attempts[0]
    assert (attempt.guidance, state.guidance) == (("Use tabs",), ())
    assert attempt.usage
    assert attempt.usage.input_tokens == 50_000
    assert attempt.usage.cost_usd == pytest.approx(0.3)
    assert trial.handoff()["summary"] == "Mended."
    assert trial.handoff()["rounds"] == ["checks failed: good did not pass"]
    assert not (trial.checkout.path / ".git/baton/sessions/job").exists(), "nobody will go on with it"


LISTENS = """
import os, time
notes = os.environ["BATON_NOTES"]
print("begun", flush=True)
while not os.path.getsize(notes): time.sleep(0.05)
open("work.txt", "w").write(open(notes).read())
open(notes, "w").close()
"""
DEAF = """
import os, sys, time
told = sys.stdin.read()
print("begun", flush=True)
if os.environ["BATON_ROUND"] == "1":
    while not os.path.getsize(os.environ["BATON_NOTES"]): time.sleep(0.05)
open("work.txt", "w").write(told[-400:] if "Use tabs" in told else "deaf")
"""


@pytest.mark.parametrize(
    ("program", "rounds"), [(LISTENS, []), (DEAF, ["a person said more"])], ids=["listens", "deaf"]
)
def test_a_program_hears_what_is_said_meanwhile(trial: Trial, program: str, rounds: list[str]) -> None:
    trial.plan()
    said: list[str] = []

    def clarify(event: RunEvent) -> None:
        trial.events.append(event)
        if event.text == "begun" and not said:
            said.append("Use tabs")
            clarify_task(trial.project(), "job", said[0])
            hold_task(trial.project(), "job", "not now")

    trial.write_agent(program)
    ran = run_task(trial.project(), "job", clarify, poll_s=0)
    assert isinstance(ran, Ran)
    assert ran.good, ran.verdict
    assert "a person says: Use tabs" in say(trial)
    assert say(trial).count("on hold: not now; nobody starts it again until it is released") == 1
    trial.checkout.git("fetch", "--quiet", "origin", "baton/job")
    assert "Use tabs" in trial.checkout.git("show", "FETCH_HEAD:work.txt")
    assert trial.handoff().get("rounds", []) == rounds
    state = trial.state()
    assert (state.status, state.hold, state.guidance) == ("in_review", "not now", ()), "a hold lets it finish"


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
def test_an_answer_goes_on_in_the_session_that_asked(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude(config="retries: {attempts: 1}\n")
    with pytest.raises(Refusal, match="job asks nothing: it is ready"):
        answer_task(trial.project(), "job", "8080")
    asks = server.script(
        "asks", [write("work.txt", "half\n"), ASK, {"text": "I need to know.", "usage": THOUSANDS}]
    )
    assert trial.run_claude(asks).verdict.outcome is Outcome.NEEDS_INPUT
    assert (trial.state().attempts[-1].model or "").startswith("claude-"), "as Claude Code reports it"
    with pytest.raises(UsageError, match="empty"):
        answer_task(trial.project(), "job", " \n")
    answered = answer_task(trial.project(), "job", "Port 8080")
    assert answered.question == "Which port?"
    assert answered.tip.state.guidance == ("To your question: Which port?\n\nThe answer: Port 8080",)
    look: Step = {"tool": "Read", "input": {"file_path": "{cwd}/work.txt"}, "usage": THOUSANDS}
    again = server.script("again", [look, write("work.txt", "port 8080\n"), ASK, {"text": "And now?"}])
    ran = trial.run_claude(again)
    assert ran.verdict.outcome is Outcome.NEEDS_INPUT
    told = sent(again, 0)
    assert "Port 8080" in told
    assert "I need to know." in told, "it is the same session"
    assert told.count("How to finish") == 1, "the briefing is not told again"
    first, second = trial.state().attempts
    assert first.session == second.session
    assert f"job-1-{first.run}" not in told, "its folder has moved, and so have the paths that it remembers"
    assert f"job-2-{second.run}/work/work.txt" in told
    assert second.usage
    assert second.usage.cost_usd == pytest.approx(0.18, abs=0.01), "without what the first attempt had used"

    answer_task(trial.project(), "job", "And host 0.0.0.0")
    elsewhere = trial.join("elsewhere")
    goes_on = server.script("goes-on", [write("work.txt", "port 8080\n"), {"text": "Done."}])
    ran = elsewhere.run_claude(goes_on)
    assert ran.good, ran.verdict
    told = sent(goes_on, 0)
    assert "its session is not on this machine" in say(elsewhere)
    assert "The answer: And host 0.0.0.0" in told
    assert "Half done" in told, "the handoff says how far it was"
    assert "I need to know." not in told
