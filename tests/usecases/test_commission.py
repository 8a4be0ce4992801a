"""An agent writes something and hands it in: taken, mended, or refused with everything that is wrong."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.document import LINE_PATTERN
from gitbaton.domain.usage import Usage
from gitbaton.errors import AttemptFailed, Refusal
from gitbaton.usecases.checks import check_result
from gitbaton.usecases.commission import Commission, Commissioned, carry_out_commission
from support.model_server import ModelServer, Script, Step
from support.trial import SECRET, Trial, result

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


SCHEMA = {
    "type": "object",
    "required": ["title", "lines"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "maxLength": 40},
        "lines": {"type": "array", "items": {"type": "string"}, "maxItems": 5000},
    },
}
GOOD = {"title": "A poem", "lines": ["roses"]}


def judge(value: Any) -> Sequence[str]:
    """Only roses will do."""
    return [f"lines[{n}]: no {line}, please" for n, line in enumerate(value["lines"]) if line != "roses"]


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    return Trial(tmp_path)


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


def commission(trial: Trial, program: str, *, rounds: int = 2, **environment: str) -> Commissioned:
    trial.write_agent(program)
    asked = Commission("poem of roses", "# Write a poem\n", SCHEMA, judge, rounds=rounds)
    return carry_out_commission(trial.project(**environment), asked, trial.events.append)


def refuse(trial: Trial, program: str, **more: Any) -> AttemptFailed:
    with pytest.raises(AttemptFailed) as caught:
        commission(trial, program, **more)
    assert (caught.value.code, caught.value.exit_code) == ("not-handed-in", 4)
    assert_nothing_is_left(trial)
    return caught.value


def assert_nothing_is_left(trial: Trial) -> None:
    """No workplace, no ref, no file, no commit."""
    assert list((trial.checkout.path.parent / "cache").glob("*")) == []
    assert trial.checkout.git("for-each-ref", "refs/baton/started") == ""
    assert trial.checkout.status() == ""
    assert trial.server("refs/baton/*") == {}


#: Hands in something else in each round.
ROUNDS = """
import json, os, sys
told, number = sys.stdin.read(), int(os.environ["BATON_ROUND"])
said = {"usage": {"turns": 2, "cost_usd": 0.25}, "result": HANDED_IN[number - 1]}
open("scribble.txt", "w").write("thrown away")
open(os.environ["BATON_RESULT"], "w").write(json.dumps(said))
open(PLACE, "a").write(told + "\\0")
"""


def in_rounds(trial: Trial, *handed_in: Any) -> str:
    return f"HANDED_IN, PLACE = {handed_in!r}, {str(trial.folder / 'told')!r}\n{ROUNDS}"


def test_what_is_wrong_goes_back_until_it_is_right(trial: Trial) -> None:
    trial.plan()
    done = commission(
        trial, in_rounds(trial, {"title": "A poem"}, {"title": "A poem", "lines": ["weeds", "roses"]}, GOOD)
    )
    assert done.result == GOOD
    assert done.rounds == ("lines: 'lines' is missing", "lines[0]: no weeds, please")
    assert done.usage == Usage(
        turns=6, cost_usd=0.75, seconds=done.usage.seconds, peak_memory_mb=done.usage.peak_memory_mb
    )
    assert_nothing_is_left(trial)
    told = (trial.folder / "told").read_text().split("\0")
    assert told[0].startswith("# Write a poem\n\n## How to hand it in\n")
    assert "## Not taken yet: round 2 of 2" in told[2]
    assert "> - lines[0]: no weeds, please" in told[2]
    log = [json.loads(line) for line in Path(done.log).read_text().splitlines()]
    assert [e["text"] for e in log if e.get("type") == "runner"] == [e.text for e in trial.events]
    assert trial.events[-1].text == "succeeded: it was handed in, and taken"


@pytest.mark.parametrize(
    ("handed_in", "complaints"),
    [
        (None, ["nothing was handed in"]),
        ({"title": 3, "lines": [], "more": 1}, ["more: unknown field 'more'", "title: 3 is not of type 'string'"]),
        ({"title": "A", "lines": ["x" * 70_000] * 4}, ["the result takes more than 256 KiB"]),
        ({"title": "A", "lines": ["roses\x1b]0;owned\x07\u202e"]}, ["lines[0]: it holds control characters, which people's terminals would obey; take them out"]),
        ({"title": "A", "lines": ["roses", SECRET]}, ["lines[1]: it holds the secret ANTHROPIC_API_KEY"]),
        ({"title": "\u001b[2J" , "lines": [["["] * 2]}, ["title: it holds control characters, which people's terminals would obey; take them out", "lines[0]: ['[', '['] is not of type 'string'"]),
    ],
)  # fmt: skip
def test_what_stays_wrong_is_refused_with_all_that_is_wrong(
    trial: Trial, handed_in: Any, complaints: list[str]
) -> None:
    trial.plan()
    error = refuse(trial, in_rounds(trial, handed_in, handed_in, handed_in))
    assert error.complaints == complaints
    # The same again ends it; a secret ends it at once, because what was found is nothing to tell an agent.
    rounds = 1 if "secret" in complaints[0] else 2 if handed_in and "256" not in complaints[0] else 3
    assert error.data["rounds"] == rounds
    assert SECRET not in Path(str(error.data["log"])).read_text()
    assert "\x1b" not in Path(str(error.data["log"])).read_text()


def test_no_text_makes_the_schema_take_long() -> None:
    """Whoever hands it in may mean harm: this pattern takes minutes on such a text."""
    schema: dict[str, object] = {
        "type": "object", "properties": {"title": {"type": "string", "maxLength": 200, "pattern": LINE_PATTERN}}
    }  # fmt: skip
    begun = time.process_time()
    (problem,) = check_result(schema, {"title": "x" * 99_000 + "\nx"})
    assert time.process_time() - begun < 5
    assert problem.endswith("is too long")
    assert "does not match" in check_result(schema, {"title": "One line, and its end\n"})[0]
    assert check_result(schema, {"title": "One line"}) == []


def test_tricks_with_the_files_are_refused(trial: Trial) -> None:
    trial.plan()
    (trial.folder / "good.json").write_text(json.dumps({"result": GOOD}))
    link = f"import os\nos.symlink({str(trial.folder / 'good.json')!r}, os.environ['BATON_RESULT'])\n"
    assert "no regular file" in refuse(trial, link).complaints[0]
    elsewhere = f"import os\nbox = os.environ['BATON_OUTBOX']\nos.rmdir(box)\nos.symlink({str(trial.folder)!r}, box)\n"
    assert "can't be opened" in refuse(trial, elsewhere).complaints[0]
    deep = "import os\nopen(os.environ['BATON_OUTBOX'] + '/1.item.json', 'w').write('{\"kind\": \"complete\", \"result\": ' + '[' * 40 + ']' * 40 + '}')\n"
    assert refuse(trial, deep, rounds=0).complaints == ["the result is nested more than 32 levels deep"]


def test_what_was_refused_is_not_judged_again(trial: Trial) -> None:
    trial.plan()
    once = (
        "import json, os\nif os.environ['BATON_ROUND'] == '1':\n"
        " item = {'kind': 'complete', 'result': {'title': 'A poem', 'lines': ['weeds']}}\n"
        " open(os.environ['BATON_OUTBOX'] + '/1.item.json', 'w').write(json.dumps(item))\n"
    )
    error = refuse(trial, once)
    assert (error.complaints, error.data["rounds"]) == (["nothing was handed in"], 3)
    assert "lines[0]: no weeds, please" in Path(str(error.data["log"])).read_text()


@pytest.mark.parametrize(
    ("program", "outcome", "said"),
    [
        ("import sys\nsys.exit('no idea')", "agent_error", "ended with exit code 1: no idea"),
        (result(question="Which roses?"), "needs_input", "it asks: Which roses?"),
        ("import time\ntime.sleep(60)", "idle", "the agent went silent"),
        (result(outcome="overloaded"), "overloaded", "the model was overloaded or unreachable"),
    ],
)  # fmt: skip
def test_an_agent_that_ends_otherwise_is_told_of(trial: Trial, program: str, outcome: str, said: str) -> None:
    trial.plan(config="timeouts: {idle: 1s}\nretries: {resumes: 0}\n")
    error = refuse(trial, program)
    assert error.data["outcome"] == outcome
    assert said in error.complaints[0]
    assert error.hint
    assert str(error.data["log"]) in error.hint


def test_what_was_handed_in_before_the_time_was_over_counts(trial: Trial) -> None:
    trial.plan(config="timeouts: {idle: 1s}\n")
    done = commission(trial, result(result=GOOD) + "import time\ntime.sleep(60)\n")
    assert done.result == GOOD


def test_an_interruption_leaves_nothing(trial: Trial) -> None:
    trial.plan()
    trial.write_agent("import time, sys\nprint('begun', flush=True)\ntime.sleep(60)\n")

    def interrupt(event: Any) -> None:
        if event.text == "begun":
            raise KeyboardInterrupt

    asked = Commission("poem", "# Write a poem\n", SCHEMA, judge)
    with pytest.raises(KeyboardInterrupt):
        carry_out_commission(trial.project(), asked, interrupt)
    assert_nothing_is_left(trial)


def test_it_does_not_begin_where_it_can_not(trial: Trial) -> None:
    trial.plan()
    asked = Commission("poem", "# Write a poem\n", SCHEMA, judge)
    for change, code in (
        ({"agent_name": "nobody"}, "unknown-agent"),
        ({"model": "opus"}, "no-model"),
    ):
        with pytest.raises(Refusal) as caught:
            carry_out_commission(
                trial.project(),
                Commission(asked.name, asked.briefing, SCHEMA, judge, **change),  # type: ignore[arg-type]
            )
        assert caught.value.code == code
    trial.plan_claude()
    with pytest.raises(Refusal) as caught:
        carry_out_commission(trial.project(ANTHROPIC_API_KEY=""), asked)
    assert caught.value.code == "model-key-missing"
    assert_nothing_is_left(trial)


# -- the real Claude Code --------------------------------------------------------------------------------------


def hand_in(value: Any) -> Step:
    return {"tool": "mcp__baton__complete_task", "input": {"summary": "A poem", "result": value}}


def carry_out_with_claude(trial: Trial, script: Script) -> Commissioned:
    environment = {"ANTHROPIC_BASE_URL": script.url, "CLAUDE_CODE_MAX_RETRIES": "0"}
    asked = Commission("poem of roses", "# Write a poem\n", SCHEMA, judge, model="haiku")
    return carry_out_commission(trial.project(**environment), asked, trial.events.append)


def test_claude_hands_it_in_and_mends_it_in_its_session(trial: Trial, server: ModelServer) -> None:
    trial.plan_claude()
    script = server.script(
        "commission",
        [
            hand_in({"title": "A poem"}),  # refused at once, by the tool
            hand_in({"title": "A poem", "lines": ["weeds"]}),  # refused by the judge, when it has ended
            {"text": "There you are."},
            hand_in(GOOD),
            {"text": "Mended."},
        ],
    )
    done = carry_out_with_claude(trial, script)
    assert (script.unplayed, script.exhausted) == (0, 0)
    assert done.result == GOOD
    assert done.rounds == ("lines[0]: no weeds, please",)
    bodies = [json.dumps(r.body) for r in script.requests]
    assert "the result does not fit the schema that you were given: lines: 'lines' is missing" in bodies[1]
    assert "There you are." in bodies[3]  # the same session
    assert "Not taken yet: round 1 of 3" in bodies[3]
    assert "You are to write something and hand it in" in bodies[0]
    assert script.requests[0].body["model"].startswith("claude-haiku")
    assert (done.usage.turns or 0) >= 2
    assert_nothing_is_left(trial)
