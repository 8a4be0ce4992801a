"""Forecast, bottlenecks and stats as a person or a script calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run(tmp_path: Path) -> Baton:
    files: dict[str, str | bytes | None] = {
        "tasks/a.yaml": "title: A\nestimate: 2h\n", "tasks/b.yaml": "title: B\nestimate: 1h\nplan: p\ndepends_on: [a]\n",
        "tasks/plans/p.yaml": "title: P\n", "tasks/wait.yaml": "title: W\nhold: not yet\nplan: q\n", "tasks/plans/q.yaml": "title: Q\n",
    }  # fmt: skip
    checkout: Checkout = make_repository(tmp_path, files)
    return Baton(checkout.path, tmp_path / "home")


def test_a_project_that_has_only_begun(run: Baton) -> None:
    told = run.json("forecast", "--by", "1h")
    assert (told["kind"], told["version"], told["open"], told["guess"]) == ("forecast", 1, 3, True)
    assert [(q["share"], q["seconds"]) for q in told["quantiles"]] == [
        (0.5, 10800),
        (0.8, 10800),
        (0.95, 10800),
    ]
    assert (told["by"]["share"], told["lanes"]) == (0, {"number": 1, "from": "assumed"})
    assert [left["task"] for left in told["left_out"]] == ["wait"]
    assert run.json("forecast", "--runs", "20", "--seed", "x")["runs"] == 20
    nothing = run("forecast", "q", "--json", code=3)
    assert nothing.record["quantiles"] == []
    assert "nobody can say when one of them begins" in run("forecast", "q", code=3).out
    run("set", "a", "estimate=M")
    refused = run("forecast", "p", "--json", code=1)
    assert refused.out == ""
    assert refused.error["code"] == "too-little-data"
    held_up = run.json("bottlenecks", "p")
    assert [step["task"] for step in held_up["critical_path"]] == ["a", "b"]
    assert held_up["critical_path"][0]["seconds"] is None
    assert (held_up["guess"], "too little" in held_up["thin"]) == (True, True)
    assert [(g["task"], g["remedy"]) for g in held_up["blocking"]] == [("a", "baton run a")]
    assert run("stats").out == "no attempt was made so far\n"
    assert run("stats", "--format", "jsonl").out == ""
    assert run("stats", "--format", "csv").out.startswith("task,attempt,run,agent,kind,model,")
    assert 'gitbaton_tasks{state="held"} 1' in run("stats", "--format", "prometheus").out.splitlines()
    assert run("stats", "--format", "json").record == run.json("stats")


def test_a_slip_is_met_with_what_was_meant(run: Baton) -> None:
    for words, said in (
        (["forecast", "--by", "tomorrow"], "'tomorrow' is no date"),
        (["forecast", "--by", "2020-01-01"], "--by 2020-01-01 is over"),
        (["forecast", "--lanes", "0"], "--lanes takes a number from 1 on, not '0'"),
        (["forecast", "--runs", "5"], "--runs is a number from 20 to 100000"),
        (["stats", "--json", "--format", "csv"], "are two forms"),
        (["stats", "--format", "prometheus", "--since", "3d"], "take no --since"),
        (["stats", "--format", "jsonl", "--by", "role"], "takes no --by"),
    ):
        refused = run(*words, code=2)
        assert said in refused.err
        assert "hint" in refused.err
