"""Forecast, bottlenecks and figures of a project with a past of two weeks."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.report.bottlenecks_text import bottlenecks_record, render_bottlenecks
from gitbaton.report.forecast_text import forecast_record, render_forecast
from gitbaton.report.stats_formats import render_csv, render_lines, render_prometheus
from gitbaton.report.stats_text import render_stats, stats_record
from gitbaton.report.terminal import Style
from gitbaton.store.chains import read_steps
from gitbaton.store.live import parse_time, read_chain
from gitbaton.store.tips import list_tips
from gitbaton.usecases.archive import archive_tasks
from gitbaton.usecases.bottlenecks import find_bottlenecks
from gitbaton.usecases.claim import claim_as_person
from gitbaton.usecases.figures import tell_figures
from gitbaton.usecases.forecasting import forecast_work
from support.cli import Baton
from support.past import DAY, DONE, HOUR, MINUTE, Past, make_past
from support.team import refuse
from support.trial import WRITE, Trial

if TYPE_CHECKING:
    from gitbaton.usecases.project import Project


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    return make_past(tmp_path_factory.mktemp("past"))


@pytest.fixture(scope="module")
def lived(past: Past) -> Project:
    return past.project


def test_the_guide_shows_what_is_said() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/know-when.md").read_text("utf-8")
    for text in (FORECAST, BOTTLENECKS, OVERVIEW, BY_ROLE):
        assert f"```text\n{text}\n```" in page


# -- the time to come --------------------------------------------------------------------------------------------


def test_a_forecast_says_when_from_what_and_what_decides(lived: Project) -> None:
    assert render_forecast(forecast_work(lived), Style()) == FORECAST
    assert forecast_record(forecast_work(lived)) == forecast_record(forecast_work(lived)), (
        "the same for the same"
    )
    other = forecast_record(forecast_work(lived, seed="other"))
    assert other["quantiles"] != forecast_record(forecast_work(lived))["quantiles"]
    assert other["left_out"] == [
        {"task": "choose-colours", "why": "on hold: until the brand book is there"},
        {"task": "maybe-later", "why": "it is a draft: set status=todo when it is meant"},
        {"task": "paint-it", "why": "it waits for choose-colours"},
    ]


def test_a_forecast_of_a_plan_counts_what_is_done_beside_it(lived: Project) -> None:
    whole, plan = forecast_work(lived), forecast_work(lived, "acc")
    assert (plan.plan, plan.open, plan.played) == ("accounts", 6, whole.played)
    assert plan.forecast
    assert whole.forecast
    assert plan.forecast.ends_s <= whole.forecast.ends_s
    assert {c.task for c in plan.forecast.lasts} <= {"test-login", "send-mail"}
    assert forecast_work(lived, "accounts", lanes=3).lanes == (3, "asked")
    assert (forecast_work(lived, "first").open, forecast_work(lived, "first").forecast) == (0, None)
    assert render_forecast(forecast_work(lived, "first"), Style()) == "plan first: no task is open"
    refused = refuse(lambda: forecast_work(lived, "acounts"))
    assert (refused.code, refused.hint) == ("unknown-id", "did you mean accounts?")


def test_too_little_is_refused_and_estimates_are_called_what_they_are(tmp_path: Path) -> None:
    tasks = {
        "a": "title: A\nestimate: 2 hours\n", "b": "title: B\nestimate: half a day\ndepends_on: [a]\n", "c": "title: C\nestimate: M\n",
        "loop": "title: L\ndepends_on: [pool]\n", "pool": "title: P\ndepends_on: [loop]\n", "lost": "title: O\ndepends_on: [gone]\n",
    }  # fmt: skip
    past = Past(tmp_path, tasks)
    refused = refuse(lambda: forecast_work(past.project))
    assert (refused.code, refused.data["without_estimate"]) == ("too-little-data", ["c"])
    assert refused.message == (
        "there is too little to forecast from: 0 attempts ended so far, and 1 open task has no estimate that names a time"
    )
    assert (
        refused.hint
        == 'let some work be done first: baton run; or say how long it takes: baton set c "estimate=2 hours"'
    )
    held_up = find_bottlenecks(past.project)
    assert [(step.entry.row.id, step.length) for step in held_up.path] == [("a", None), ("b", None)]
    assert held_up.thin == refused.message
    past.team.first.write({"tasks/c.yaml": "title: C\nestimate: 3h\n"})
    here = "careful: 1 task stands only in this checkout: nobody starts before it is merged"
    assert here in render_forecast(forecast_work(past.project), Style())
    past.team.first.commit()
    assert render_forecast(forecast_work(past.project), Style()) == ESTIMATED
    past.attempt("a", 30 * MINUTE, Outcome.CHECKS_FAILED)
    past.wait(2 * MINUTE)
    past.attempt("a", 30 * MINUTE)
    past.attempt("c", 30 * MINUTE)
    told = forecast_work(past.project)
    assert told.bases == {"all attempts": 3}
    text = render_forecast(told, Style())
    assert "careful: only 3 attempts ended, so this is a guess; from 10 on it is more" in text
    assert "careful: no review has ended yet: waiting for reviews is not counted" in text
    past.accept("a", HOUR)
    past.accept("c", HOUR)
    past.attempt("b", HOUR)
    past.accept("b", HOUR)
    told = forecast_work(past.project)
    assert told.forecast is None
    assert render_forecast(told, Style()).splitlines()[0] == (
        "3 open tasks, and nobody can say when one of them begins"
    )
    assert {left.task: left.why for left in told.left_out}["lost"] == "it waits for gone, which is not there"


def test_lanes_come_from_the_cap_and_attempts_of_people_stand_in_for_agents(tmp_path: Path) -> None:
    tasks = {t: f"title: {t}\n" for t in "abcdefg"}
    past = Past(tmp_path, tasks, "base: main\ncaps: {running: 2}\n")
    for task in "abc":
        past.attempt(task, HOUR, agent="Ann", kind="person")
        past.accept(task, HOUR)
    told = forecast_work(past.project)
    assert told.lanes == (2, "cap")
    assert told.forecast
    assert set(told.forecast.ends_s) == {3 * HOUR}, "four tasks of an hour on two lanes, and a review"
    assert "careful: agents have made too few attempts: those of people count, too" in render_forecast(told, Style())  # fmt: skip
    for task in "def":
        past.attempt(task, 10 * MINUTE)
        past.accept(task, HOUR)
    told = forecast_work(past.project)
    assert told.forecast
    assert set(told.forecast.ends_s) == {70 * MINUTE}, "from now on agents' attempts alone count"
    archive_tasks(past.project, days=None)
    assert forecast_record(forecast_work(past.project))["measured"] == forecast_record(told)["measured"]
    assert tell_figures(past.project).stats.total.tasks == 6
    past.team.first.commit({"tasks/h.yaml": "title: H\ncomplexity: critical\n"})
    told = forecast_work(past.project)
    assert told.forecast
    assert set(told.forecast.ends_s) == {130 * MINUTE}, "critical work waits for a person's approval first"


# -- what holds it up --------------------------------------------------------------------------------------------


def test_what_holds_the_work_up_and_what_to_do_next(lived: Project) -> None:
    assert render_bottlenecks(find_bottlenecks(lived), Style()) == BOTTLENECKS
    said = bottlenecks_record(find_bottlenecks(lived, "accounts"))
    assert {w["task"] for w in said["waiting_for_people"]} == {"choose-colours", "send-mail"}
    assert [c["task"] for c in said["critical_path"]] == ["add-login", "add-logout", "test-login"]
    assert render_bottlenecks(find_bottlenecks(lived, "first"), Style()).startswith(
        "plan first: no task is open"
    )


def test_a_check_is_flaky_only_where_the_files_were_the_same(lived: Project) -> None:
    found = {check.name: check for check in find_bottlenecks(lived).checks}
    assert set(found) == {"tests", "lint"}
    tests = found["tests"]
    assert (tests.runs, tests.failed, tests.flips, tests.tasks) == (17, 3, 1, ("done-06",))
    assert not found["lint"].is_flaky


# -- figures -----------------------------------------------------------------------------------------------------


def test_figures_as_tables(lived: Project) -> None:
    assert render_stats(tell_figures(lived), Style()) == OVERVIEW
    assert render_stats(tell_figures(lived, by="role"), Style()) == BY_ROLE
    weeks = [g.name for g in tell_figures(lived, by="week").stats.groups]
    assert weeks == ["2026-W02", "2026-W03"]
    recent = tell_figures(lived, since="2026-01-12", plan="first")
    assert all(row.week == "2026-W03" and row.plan == "first" for row in recent.rows)
    assert tell_figures(lived, since="1w").rows == tell_figures(lived, since="2026-01-08T20:12:00").rows
    assert render_stats(tell_figures(lived, since="1h"), Style()) == (
        "no attempt was made since 2026-01-15 19:12 so far (19 elsewhere or earlier)"
    )


def test_every_form_tells_the_same_attempts(lived: Project) -> None:
    told = tell_figures(lived)
    lines = [json.loads(line) for line in render_lines(told).splitlines()]
    assert [row["started"] for row in lines] == sorted(row["started"] for row in lines)
    assert len(lines) == told.stats.total.attempts == 19
    sheet = list(csv.DictReader(io.StringIO(render_csv(told))))
    assert [(row["task"], int(row["attempt"]), row["outcome"]) for row in sheet] == [
        (row["task"], row["attempt"], row["outcome"]) for row in lines
    ]  # fmt: skip
    assert sum(float(row["cost_usd"] or 0) for row in sheet) == pytest.approx(told.stats.total.cost_usd.total)
    roles = list(csv.DictReader(io.StringIO(render_csv(tell_figures(lived, by="role")))))
    said = stats_record(tell_figures(lived, by="role"))
    assert [(r["role"], int(r["attempts"])) for r in roles] == [(g["name"] or "", g["attempts"]) for g in said["groups"]]  # fmt: skip
    assert said["total"] == stats_record(told)["total"]


def test_a_sheet_takes_no_name_for_a_formula(lived: Project) -> None:
    told = tell_figures(lived)
    nasty = '=HYPERLINK("http://a.b","c")'
    rows = (told.rows[0]._replace(model=nasty), told.rows[1]._replace(model='a,"b"\nc'))
    sheet = list(csv.DictReader(io.StringIO(render_csv(told._replace(rows=rows)))))
    assert [row["model"] for row in sheet] == [f"'{nasty}", 'a,"b"\nc']


def read_exposition(text: str) -> dict[str, tuple[str, dict[tuple[str, frozenset[tuple[str, str]]], float]]]:
    """Name → (type, samples) of text in Prometheus' format, read by its rules. Fails where one is broken."""
    families: dict[str, tuple[str, dict[Any, float]]] = {}
    helped: set[str] = set()
    now = ""
    for line in text.splitlines():
        if found := re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\\n]|\\\\|\\n)*", line):
            assert found[1] not in helped, "HELP stands once"
            helped.add(now := found[1])
        elif found := re.fullmatch(r"# TYPE (\S+) (counter|gauge|histogram)", line):
            assert found[1] == now, "TYPE follows its HELP"
            assert now not in families, "TYPE stands once, before the samples"
            families[now] = (found[2], {})
        else:
            sample = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)', line)  # fmt: skip
            assert sample, line
            kind, samples = families[now]
            ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert sample[1] in [now + end for end in ends], "samples stand with their family"
            pairs = re.findall(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"', sample[2] or "")
            labels = frozenset(
                (n, re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], v)) for n, v in pairs
            )
            assert len(dict(labels)) == len(pairs), "a label stands once"
            assert (sample[1], labels) not in samples, "a sample stands once"
            samples[sample[1], labels] = float(sample[3])
            assert kind != "counter" or float(sample[3]) >= 0
            assert kind != "counter" or now.endswith("_total")
    assert set(families) == helped
    return families


def test_prometheus_can_read_it(lived: Project) -> None:
    by_role = read_exposition(render_prometheus(tell_figures(lived, by="role")))
    kind, samples = by_role["gitbaton_attempts_total"]
    assert kind == "counter"
    assert samples["gitbaton_attempts_total", frozenset({("role", "tester"), ("end", "good")})] == 5
    kind, samples = by_role["gitbaton_attempt_duration_seconds"]
    for role in ("tester", "implementer", ""):
        buckets = {
            dict(labels)["le"]: value for (name, labels), value in samples.items()
            if name.endswith("_bucket") and dict(labels)["role"] == role
        }  # fmt: skip
        ordered = [buckets[le] for le in sorted(buckets, key=float)]
        assert ordered == sorted(ordered), "buckets add up"
        assert (
            buckets["+Inf"] == samples["gitbaton_attempt_duration_seconds_count", frozenset({("role", role)})]
        )
    whole = read_exposition(render_prometheus(tell_figures(lived)))
    assert whole["gitbaton_tasks"][1]["gitbaton_tasks", frozenset({("state", "done")})] == len(DONE)
    assert whole["gitbaton_cost_usd_total"][1]["gitbaton_cost_usd_total", frozenset()] == 4.0


def test_a_label_may_hold_anything(lived: Project) -> None:
    told = tell_figures(lived, by="agent")
    nasty = 'a"b\\c\nd{e="f"} 1'
    group = told.stats.groups[0]._replace(name=nasty)
    found = read_exposition(render_prometheus(told._replace(stats=told.stats._replace(groups=(group,)))))
    labels = next(iter(found["gitbaton_turns_total"][1]))[1]
    assert dict(labels) == {"agent": nasty}


# -- where it comes from -----------------------------------------------------------------------------------------


def test_the_events_of_all_tasks_are_those_of_each(past: Past) -> None:
    repo = past.project.repo
    tips = list_tips(repo)
    found = read_steps(repo, tips)
    for task, tip in tips.items():
        told = [(s.event.name, parse_time(s.event.at)) for _, s in read_chain(repo, tip) if s]
        assert [tuple(step) for step in found[task]] == told
    assert read_steps(repo, tips) == found, "from the cache, too"
    some = dict(list(tips.items())[:3])
    assert read_steps(repo, some) == {task: found[task] for task in some}
    assert read_steps(repo, tips) == found


def test_an_event_that_was_written_in_another_form_is_read_all_the_same(past: Past) -> None:
    from gitbaton.store.git import commit_tree, write_blob, write_tree_with
    from support.attempts import BOT

    repo = past.project.repo
    text = b'{"version": 1, "task": "x", "status": "open", "event": {"at": "2026-01-01T00:00:00Z", "name": "released", "id": "i", "by": "b"}}\n'
    tree = write_tree_with(repo.git, None, {"state.yaml": ("100644", write_blob(repo.git, text))})
    first = commit_tree(repo.git, tree, [], "x", author=BOT)
    bad = write_tree_with(repo.git, None, {"state.yaml": ("100644", write_blob(repo.git, b"no: [state\n"))})
    second = commit_tree(repo.git, bad, [first], "x", author=BOT)
    assert read_steps(repo, {"x": second}) == {"x": [("released", 1767225600.0)]}


def test_a_clone_tells_the_same(tmp_path: Path) -> None:
    past = Past(tmp_path, {"a": "title: A\nrole: tester\n", "b": "title: B\n"}, remote=True)
    past.attempt("a", 20 * MINUTE, Outcome.CHECKS_FAILED, checks={"tests": False}, text="same\n")
    past.wait(MINUTE)
    past.attempt("a", 10 * MINUTE, checks={"tests": True}, text="same\n")
    past.accept("a", HOUR)
    past.attempt("b", 5 * MINUTE, Outcome.NEEDS_INPUT)
    past.wait(2 * DAY)
    other = past.team.join("Ann")
    baton = Baton(other.repo.top, tmp_path / "home")
    assert baton.json("stats")["total"]["attempts"] == 0, "a fresh clone has heard of none"
    assert baton.json("stats", "--fetch")["total"]["attempts"] == 3
    here, there = past.project.fetched(), other.reread()
    assert tell_figures(here).rows == tell_figures(there).rows
    assert forecast_record(forecast_work(here)) == forecast_record(forecast_work(there))
    assert bottlenecks_record(find_bottlenecks(here)) == bottlenecks_record(find_bottlenecks(there))
    assert [c.flips for c in find_bottlenecks(there).checks] == [1]


def test_an_attempt_tells_who_made_it_and_with_which_model(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.plan(config="", **{"tasks/other.yaml": "title: Other\n", "tasks/third.yaml": "title: Third\n"})
    text = trial.checkout.read("tasks/config.yaml").replace("command: [", "model: small-1, command: [")
    trial.checkout.commit({"tasks/config.yaml": text}, "Name the model", push=True)
    trial.run(WRITE)
    who = trial.project()
    claim_as_person(who, "other")
    claim_as_person(who, "third", through="mcp")
    told = {
        row.task: (row.kind, row.model, row.agent, row.running) for row in tell_figures(trial.project()).rows
    }
    assert told == {
        "job": ("agent", "small-1", "script", False),
        "other": ("person", None, "Tess Author", True),
        "third": ("session", None, "Tess Author", True),
    }
    assert [g.name for g in tell_figures(trial.project(), by="model").stats.groups] == ["small-1", None]


FORECAST = """\
6 of 9 open tasks, if 1 agent (as so far) works from now on without a break

  50 %  within 15h  2026-01-16 11:00 UTC
  80 %  within 19h  2026-01-16 15:00 UTC
  95 %  within 1d   2026-01-16 21:00 UTC

careful: 2 tasks take longer already than any before: they count as if they began just now

measured: 19 attempts (14 went to review, 3 failed, 2 asked), 13 reviews; 1000 runs
drawn from: all attempts (for 3 tasks), role implementer (for 2 tasks), role tester (for 1 task)
where the time goes, on the chain that ends last: waiting for people 81 %, work 16 %, waiting for a free agent or for paths 3 %
most often on that chain: add-login 65 %, add-logout 65 %, test-login 65 %, send-mail 24 %, export-orders 12 %
most often the last: test-login 65 %, send-mail 24 %, import-orders 12 %

Not in it (3), because nobody can say when they begin
  choose-colours  on hold: until the brand book is there
  maybe-later     it is a draft: set status=todo when it is meant
  paint-it        it waits for choose-colours"""
ESTIMATED = """\
3 of 6 open tasks, if 1 agent (nothing says how many, so one is assumed) works from now on without a break

  as estimated  about 9h  2026-01-05 18:00 UTC

careful: no attempt has ended yet, so this is a guess; from 10 on it is more
careful: every task counts with an estimate, which has no spread and never fails (fewer than 3 attempts)
careful: no review has ended yet: waiting for reviews is not counted

where the time goes, on the chain that ends last: waiting for a free agent or for paths 67 %, work 33 %
most often on that chain: c 100 %
most often the last: c 100 %

Not in it (3), because nobody can say when they begin
  lost  it waits for gone, which is not there
  loop  it waits for itself, around a circle, or for tasks that do
  pool  it waits for itself, around a circle, or for tasks that do"""
BOTTLENECKS = """\
The chain that takes longest (3, about 14h, 79 % of it waiting for people)
  add-login   4h 30m (30m work, 4h people)      ready
  add-logout  4h 50m (31m work, 4h 10m people)  waiting
  test-login  4h 50m (2h work, 3h people)       waiting

Most others wait for
  add-login       2 tasks  ready      → baton run add-login
  add-logout      1 task   waiting    → baton explain add-logout
  choose-colours  1 task   held       → baton release choose-colours
  export-orders   1 task   in review  → baton review export-orders

Wait for people (3)
  export-orders   1d  whoever merges  1 behind it  to be reviewed                          → baton review export-orders
  choose-colours      anybody         1 behind it  on hold: until the brand book is there  → baton release choose-colours
  send-mail       1d  ann                          asks: what about 000000000000001u?      → baton answer send-mail "…"

Slow reviews
  13 ended: 2h in the middle, nine of ten within 5h; an attempt takes 27m
  longer than nine of ten already: export-orders (1d)
  → baton review export-orders

Checks
  tests  flaky  failed 3 of 17 times  judged the same files differently 1 time  → baton log done-06

Slow roles
  tester  1h 33m in the middle of 6  4.1 times as long as the others (23m)
  → give it smaller tasks, or another model: baton stats --by role"""
OVERVIEW = """\
19 attempts at 14 tasks
  ended       14 went to review, 3 failed, 2 ended with a question
  success     82 % of those that were judged; 1.2 attempts for each piece of work
  time        27m in the middle, nine of ten up to 1h 38m
  turns       247; 16 in the middle, nine of ten up to 20 (16 of 19 attempts told)
  tokens      87.0k sent, 8000 received
  cost        $4.00; $0.25 in the middle, nine of ten up to $0.25 (16 of 19 attempts told)
  tool calls  407; 26 in the middle, nine of ten up to 30 (16 of 19 attempts told)
  why         the work passed its checks 14, a check failed 3, the agent asked a question 2"""
BY_ROLE = """\
role         tasks  attempts  success  median  9 of 10  turns  tokens   cost  tools
implementer      8        11     80 %     23m      29m    166   61.5k  $2.75    276
tester           4         6     83 %  1h 33m   1h 41m     81   33.5k  $1.25    131
(no role)        2         2    100 %     20m      30m      -       -      -      -
all             14        19     82 %     27m   1h 38m    247   95.0k  $4.00    407"""
