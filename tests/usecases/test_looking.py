"""Explaining, surveying and drawing a project in full swing."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gitbaton.report.explain_text import judge
from gitbaton.report.graph_text import render_dot, render_mermaid, render_tree
from gitbaton.report.terminal import Style
from gitbaton.usecases.explaining import explain_task
from gitbaton.usecases.graphing import draw_graph
from gitbaton.usecases.survey import survey_project
from support.busy_project import make_busy
from support.team import Team, claim, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.usecases.graphing import Graph
    from gitbaton.usecases.project import Project


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    now = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    team = make_busy(tmp_path_factory.mktemp("busy"), now=now)
    return team.open(team.first)


@pytest.mark.parametrize(
    ("task", "names", "words", "remedy"),
    [
        ("set-up-database", ["status"], "it is done", "baton reopen set-up-database"),
        ("add-login", ["claim"], "claude is at it (attempt 1), for ", "baton stop add-login"),
        ("add-logout", ["dependencies", "paths"], "it waits for add-login (in progress)", "do first: add-login"),
        ("send-mail", ["claim"], "the agent asks: Which mail server shall I use?", ""),
        ("import-orders", ["attempts"], "1 attempt was made, none is left", "baton retry import-orders --guidance"),
        ("export-orders", ["claim"], "its work waits for a review", "baton review export-orders"),
        ("draw-logo", ["claim"], "Ann is at it (attempt 1)", "baton takeover draw-logo"),
        ("choose-colours", ["hold"], "on hold: until the brand book is there", "baton release choose-colours"),
        ("follow-old-idea", ["dependencies"], "old-idea (cancelled, so it is never done)", "baton depend follow-old-idea --off old-idea"),
        ("search-epic", ["parts"], "its parts are worked on, not it: search-page (waiting)", "do first: search-page"),
        ("maybe-later", ["status"], "it is a draft", "baton set maybe-later status=todo"),
    ],
)  # fmt: skip
def test_what_holds_a_task_back(busy: Project, task: str, names: list[str], words: str, remedy: str) -> None:
    said = explain_task(busy, task)
    assert [c.name for c in said.obstacles] == names
    assert words in said.obstacles[0].words
    assert remedy in (said.obstacles[0].remedy or "")
    assert (said.claimable, said.place) == (False, None)
    refused = refuse(lambda: claim(busy, task))
    assert refused.hint == said.obstacles[0].remedy, "a refused claim names the same"


def test_where_a_task_stands_that_nothing_holds_back(busy: Project) -> None:
    first, later = explain_task(busy, "search"), explain_task(busy, "write-guide")
    assert judge(first) == "nothing in the way, and it is next: critical priority, a chain of 2 tasks waits for it, it depends on nothing"  # fmt: skip
    assert (later.place, later.queue, later.claimable) == (3, 3, True)
    assert {"caps", "money", "breaker", "back-off", "plan", "base"} <= {c.name for c in later.conditions}


def test_what_only_settings_and_this_checkout_know(tmp_path: Path) -> None:
    config = "base: main\ncaps: {running: 1, cost_per_task_usd: 1}\nretries: {attempts: 2, backoff: 1h}\nbreaker: {failures: 1}\n"
    team = Team(tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\nplan: soon\n", "tasks/config.yaml": config})  # fmt: skip
    bot = team.join("claude")
    taken = take(bot, "a")
    bot = bot.fetched()
    assert [c.name for c in explain_task(bot, "b").obstacles] == ["plan", "caps"]
    from gitbaton.domain.outcome import Outcome
    from gitbaton.domain.usage import Usage
    from support.attempts import finish

    used = Usage(cost_usd=2.0)
    finish(bot, taken, Outcome.CRASHED, head=None, branch_tip=None, usage=used)
    obstacles = {c.name: c.words for c in explain_task(bot.fetched(), "a").obstacles}
    assert set(obstacles) == {"back-off", "money", "breaker"}
    assert "may start in" in obstacles["back-off"]
    assert "$2.00" in obstacles["money"]
    assert "the next try is in" in obstacles["breaker"]
    team.first.write({"tasks/mine.yaml": "title: Mine\n"})
    mine = explain_task(team.open(team.first), "mine")
    assert [c.name for c in mine.obstacles] == ["base"]
    assert refuse(lambda: explain_task(bot, "nope")).code == "unknown-id"


def test_everything_at_a_glance(busy: Project) -> None:
    seen = survey_project(busy)
    assert [(r.entry.row.id, r.who, seen.elapsed_s(r)) for r in seen.running] == [
        ("add-login", "claude", 7200.0), ("draw-logo", "Ann", 7200.0),
    ]  # fmt: skip
    assert [(w.entry.row.id, w.kind) for w in seen.wants] == [
        ("send-mail", "question"), ("import-orders", "failed"), ("export-orders", "review"), ("follow-old-idea", "stuck"),
        ("choose-colours", "held"),
    ]  # fmt: skip
    assert [e.row.id for e, _ in seen.next] == ["search", "fix-typo", "write-guide"]
    assert seen.queue.chain == ("add-login", "reset-password", "mail-on-reset", "audit-log")
    assert seen.queue.gates[0] == ("add-login", 2)
    assert (seen.totals["done"], seen.totals["cancelled"], sum(seen.totals.values())) == (1, 1, 19)
    assert round(seen.cost_usd, 2) == 0.82


# -- graphs --------------------------------------------------------------------------------------------------------


def around(busy: Project, *words: str, **more: bool | str) -> list[str]:
    return list(draw_graph(busy, *words, **more).nodes)  # type: ignore[arg-type] # as a caller writes it


def test_which_part_of_the_graph(busy: Project) -> None:
    assert around(busy, "mail-on-reset", down=False) == ["add-login", "mail-on-reset", "reset-password", "send-mail", "set-up-database"]  # fmt: skip
    assert around(busy, "mail-on-reset", up=False) == ["audit-log", "mail-on-reset"]
    assert around(busy, "search-page") == ["search", "search-epic", "search-page"]
    assert "set-up-database" not in around(busy, only_open=True)
    assert "old-idea" in around(busy, only_open=True), "cancelled, and still holding something up"
    assert refuse(lambda: around(busy, plan="nope")).code == "unknown-id"


def check_mermaid(text: str, graph: Graph) -> None:
    """By a grammar stricter than Mermaid's own: what it accepts, Mermaid draws."""
    first, *lines = text.split("\n")
    assert first == "flowchart LR"
    label = r"(?:[ \w.,:!?\-_/+='()]|#[0-9]+;|<br/>)*"
    node = re.compile(rf'  (t\d+)\["({label})"\]:::([a-z_]+)')
    edge = re.compile(r"  (t\d+) (-->|-\. part of \.->) (t\d+)")
    style = re.compile(
        r"  (?:classDef ([a-z_]+) fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}|style (t\d+) stroke-width:3px)"
    )
    named: dict[str, str] = {}
    used: set[str] = set()
    defined: set[str] = set()
    edges = 0
    for line in lines:
        if found := node.fullmatch(line):
            named[found[1]] = re.sub(r"#(\d+);", lambda m: chr(int(m[1])), found[2])
            used.add(found[3])
        elif found := edge.fullmatch(line):
            assert {found[1], found[3]} <= set(named)
            edges += 1
        else:
            found = style.fullmatch(line)
            assert found, line
            defined.add(found[1] or "")
    assert [n.split("<br/>")[0] for n in named.values()] == list(graph.nodes)
    assert edges == len(graph.edges)
    assert used <= defined


TITLES = ['"]; click t0 href "x', "end", "a --> b", "`md` **b**", "<script>alert(1)</script>", "a\\", "100% #35;", "日本 ü", "\x1b[31m", "subgraph x", "{{}}", "|||"]  # fmt: skip


def test_pictures_stay_valid_whatever_the_titles_say(tmp_path: Path, busy: Project) -> None:
    import json

    files = {f"tasks/t-{n}.yaml": f"title: {json.dumps(title)}\n" + (f"depends_on: [t-{n - 1}]\n" if n else "") for n, title in enumerate(TITLES)}  # fmt: skip
    team = Team(tmp_path, {**files, "tasks/bad.yaml": "title: [\nparent: t-0\n"}, remote=False)
    for who in (busy, team.join()):
        graph = draw_graph(who)
        check_mermaid(render_mermaid(graph), graph)
        check_dot(render_dot(graph), graph)
    tree = render_tree(draw_graph(team.join()), Style())
    assert "\x1b[31m" not in tree
    assert "bad  broken" in tree


def check_dot(text: str, graph: Graph) -> None:
    quoted = r'"(?:[^"\\\n]|\\["\\n])*"'
    head, *lines, end = text.split("\n")
    assert (head, end) == ("digraph tasks {", "}")
    kinds = [
        re.compile(p) for p in (
            r"  rankdir=LR;", rf"  node \[shape=box, style={quoted}, fontname={quoted}\];",
            rf"  {quoted} \[label={quoted}, fillcolor={quoted}, color={quoted}(?:, penwidth=3)?\];",
            rf"  {quoted} -> {quoted}(?: \[style=dashed, label={quoted}\])?;",
        )
    ]  # fmt: skip
    matched = [next((n for n, kind in enumerate(kinds) if kind.fullmatch(line)), line) for line in lines]
    assert matched == [0, 1, *[2] * len(graph.nodes), *[3] * len(graph.edges)]


def test_graphviz_reads_it(busy: Project) -> None:
    import shutil

    if shutil.which("dot") is None:
        pytest.skip("Graphviz is not here; the grammar above is")
    said = subprocess.run(["dot", "-Tplain"], input=render_dot(draw_graph(busy)), capture_output=True, text=True, check=True)  # fmt: skip
    assert said.stdout.count("\nnode ") == len(draw_graph(busy).nodes)


def test_a_long_chain_and_a_circle(tmp_path: Path) -> None:
    chain = {f"tasks/n{n:04}.yaml": f"title: N\ndepends_on: [n{n - 1:04}]\n" for n in range(1, 300)}
    circle = {"tasks/x.yaml": "title: X\ndepends_on: [y]\n", "tasks/y.yaml": "title: Y\ndepends_on: [x]\n"}
    team = Team(tmp_path, {**chain, **circle, "tasks/n0000.yaml": "title: N\n"}, remote=False)
    lines = render_tree(draw_graph(team.join()), Style()).split("\n")
    assert len(lines) == 300 + 3
    assert any("circle" in line for line in lines)
