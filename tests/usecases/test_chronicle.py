"""What happened to tasks, told to people: the history of one, what differs between two versions, what is new."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.outcome import Outcome
from gitbaton.domain.usage import Usage
from gitbaton.report.history_text import (
    change_record,
    list_words,
    news_record,
    render_chronicle,
    render_news,
)
from gitbaton.report.terminal import Style
from gitbaton.usecases.chronicle import tell_history
from gitbaton.usecases.claim import stop_task
from gitbaton.usecases.differences import compare_commits, diff_revisions
from gitbaton.usecases.review import accept_task, reject_task, retry_task
from gitbaton.usecases.tidings import News, tell_news
from gitbaton.usecases.transitions import advance
from support.attempts import finish, make_work
from support.hermetic_git import git
from support.repos import make_repository, project
from support.team import Team, refuse, take

if TYPE_CHECKING:
    from pathlib import Path

    from gitbaton.domain.state import State
    from gitbaton.usecases.differences import DocumentChange
    from gitbaton.usecases.project import Project


def test_the_whole_history_of_a_task(tmp_path: Path) -> None:
    team = Team(
        tmp_path, {"tasks/a.yaml": "title: A\ncreated: 2026-01-31T09:00:00Z\n", "tasks/b.yaml": "title: B\n"}
    )
    bot, ann = team.join("claude"), team.join("Ann")
    team.change({"tasks/a.yaml": "title: A\npriority: high\ncreated: 2026-01-31T09:00:00Z\n"})
    first = take(bot, "a")
    team.clock.advance(300)
    work = make_work(bot, first, first.base, good=False)
    used = Usage(seconds=290.0, turns=9, cost_usd=0.25)
    finish(bot, first, Outcome.CHECKS_FAILED, head=work, branch_tip=None, usage=used)
    team.clock.advance(60)
    retry_task(ann, "a", "mind the \x1b[31mdates")
    team.publish("a", {"src/a.txt": "a\n"}, bot)
    team.clock.advance(60)
    reject_task(ann, "a", "shorter")
    team.publish("a", {"src/a.txt": "b\n"}, bot)
    accept_task(ann, "a")
    told = tell_history(ann.fetched(), "a")
    assert [(h.kind, h.words) for h in told.happenings if h.kind == "edit"] == [
        ("edit", "Start"), ("edit", "Change"), ("edit", "Do a"),
    ]  # fmt: skip
    events = [h for h in told.happenings if h.kind == "event"]
    assert [h.words for h in events] == [
        "attempt 1 began", "the attempt failed", "a person wants another attempt", "attempt 2 began", "the work went to review",
        "a reviewer wants more", "attempt 3 began", "the work went to review", "the work was merged",
    ]  # fmt: skip
    assert events[1].details[0].startswith("attempt 1 by claude: a check failed (checks_failed by ")
    assert events[1].details[0].endswith(" [4m 50s, 9 turns, $0.25]")
    assert events[2].details[0].startswith("guidance: mind the")
    assert events[5].details == ("guidance: shorter",)
    assert [h.words for h in told.happenings if h.kind == "handoff"] == ["handoff: S"]
    assert [h.at for h in told.happenings] == sorted(h.at for h in told.happenings)
    text = render_chronicle(told, Style())
    assert "\x1b" not in text
    assert "priority medium → high" in text
    assert "status todo → done" in text
    assert refuse(lambda: tell_history(ann, "nope")).code == "unknown-id"


def test_an_edit_is_told_wherever_the_file_stood(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/sub/b.yaml": "title: B\n"})
    (work.path / "tasks/archive/2026").mkdir(parents=True)
    work.git("mv", "tasks/a.yaml", "tasks/archive/2026/a.yaml")
    work.commit(message="Archive a")
    work.commit({"tasks/archive/2026/a.yaml": "title: A\n# only a comment\n"}, "Comment")
    work.commit({"tasks/archive/2026/a.yaml": "title: [\n"}, "Break it")
    work.write({"tasks/archive/2026/a.yaml": "title: A3\n"})
    told = tell_history(project(work), "a")
    said = [[w for c in h.changes for w in list_words(c)] for h in told.happenings]
    assert said == [
        ["added"],
        ["archived (tasks/archive/2026/a.yaml)"],
        [said[2][0]],
    ]
    assert said[2][0].startswith("it can't be read: ")
    assert render_chronicle(told, Style()).endswith("uncommitted changes in this checkout")
    work.git("mv", "tasks/sub/b.yaml", "tasks/c.yaml")
    work.commit({"tasks/archive/2026/a.yaml": "title: A3\ndepends_on: [c]\n"}, "Rename b to c")
    told = tell_history(project(work), "c")
    assert [w for h in told.happenings for c in h.changes for w in list_words(c)] == [
        "added",
        "renamed from b",
    ]
    assert [h.words for h in told.happenings] == ["Start", "Rename b to c"]


# -- between two versions ----------------------------------------------------------------------------------------


def in_words(changes: list[DocumentChange]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for change in changes:
        found.setdefault(change.id, []).extend(list_words(change))
    return found


def test_what_differs_between_two_versions(tmp_path: Path) -> None:
    work = make_repository(
        tmp_path,
        {
            "tasks/config.yaml": "base: main\ncaps: {running: 2}\n", "tasks/a.yaml": "title: A\ndepends_on: [b]\n",
            "tasks/b.yaml": "title: B\n", "tasks/old.yaml": "title: Old\ncreated: 2026-01-01T00:00:00Z\n",
            "tasks/gone.yaml": "title: Gone\n", "tasks/plans/p.yaml": "title: P\n", "tasks/done.yaml": "title: D\nstatus: done\n",
            "README.md": "x\n",
        },
    )  # fmt: skip
    start = work.head()
    who = project(work)
    assert diff_revisions(who, None).changes == []
    assert diff_revisions(who, "HEAD..HEAD").changes == []
    work.git("mv", "tasks/old.yaml", "tasks/new.yaml")
    (work.path / "tasks/archive/2026").mkdir(parents=True)
    work.git("mv", "tasks/done.yaml", "tasks/archive/2026/done.yaml")
    work.commit({
        "tasks/a.yaml": "# why\ntitle: A\nstatus: done\ndepends_on: [new]\n", "tasks/gone.yaml": None, "README.md": "y\n",
        "tasks/b.yaml": "status: todo\ntitle:   B\n", "tasks/new.yaml": "title: Old\nhold: wait\ncreated: 2026-01-01T00:00:00Z\n",
        "tasks/config.yaml": "base: main\ncaps: {running: 3}\n", "tasks/plans/p.yaml": "title: P\ngoal: G\n",
        "tasks/handoffs/a/20260101T000000000Z-r1.yaml": "task: a\nagent: claude\nattempt: 1\nsummary: It stands\n",
        "tasks/add.yaml": "title: Added\npriority: high\ndepends_on: [a]\n", "tasks/broken.yaml": "title: [\n",
    })  # fmt: skip
    found = diff_revisions(who, f"{start}..HEAD").changes
    assert in_words(found) == {
        "a": ["status todo → done", "depends_on + new − b", "handoff of attempt 1 by claude: It stands"],
        "add": ["added (high, needs a)"],
        "broken": ["added", next(c.trouble for c in found if c.id == "broken")],
        "done": ["archived (tasks/archive/2026/done.yaml)"],
        "gone": ["removed"],
        "new": ["renamed from old", "hold set to wait"],
        "p": ["goal set to G"],
        "config": ["caps.running 2 → 3"],
    }  # fmt: skip
    assert [c for c in found if c.id == "b"] == [], "another way to write the same is no change"
    assert diff_revisions(who, start).changes == found, "what isn't committed counts, too: there is nothing"
    assert change_record(found[0])["fields"][0] == {
        "field": "status", "before": "todo", "after": "done", "words": ["status todo → done"],
    }  # fmt: skip
    work.write({"tasks/b.yaml": "title: B\npriority: low\n"})
    assert in_words(diff_revisions(who, None).changes) == {"b": ["priority medium → low"]}
    back = in_words(diff_revisions(who, f"HEAD..{start}").changes)
    assert back["old"] == ["renamed from new", "hold removed (was wait)"]
    assert back["done"] == ["restored (tasks/done.yaml)"]


def test_what_a_branch_changed_since_it_parted(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n"})
    work.git("checkout", "--quiet", "-b", "side")
    work.commit({"tasks/b.yaml": "title: B\n"})
    work.git("checkout", "--quiet", "main")
    work.commit({"tasks/a.yaml": "title: A2\n"})
    who = project(work)
    assert set(in_words(diff_revisions(who, "main...side").changes)) == {"b"}
    assert set(in_words(diff_revisions(who, "main..side").changes)) == {"a", "b"}
    assert diff_revisions(who, "..side") == diff_revisions(who, "main..side")
    for wrong in ("nope", "main..nope", "-x..main"):
        assert refuse(partial(diff_revisions, who, wrong)).code == "unknown-revision"


# -- since one looked last -----------------------------------------------------------------------------------------


def events(news: News) -> list[tuple[str, str]]:
    return [(h.task, h.words) for h in news.events]


def test_nothing_is_lost_and_nothing_told_twice(tmp_path: Path) -> None:
    """Files and live states move, in one second and hours apart; whoever goes on from a cursor, in whatever clone,
    hears of each thing once.
    """
    team = Team(
        tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n", "tasks/c.yaml": "title: C\n"}
    )
    bot, ann, reader, other = (team.join(name) for name in ("claude", "Ann", "Rita", "Otto"))
    start = tell_news(reader)
    assert (start.events, [c.words for c in start.commits]) == ([], ["Start"])
    told: list[tuple[str, str]] = []
    cursors = [(start.cursor, reader.repo.base.commit)]

    def look(who: Project) -> News:
        who = who.fetched()
        news = tell_news(who, cursors[-1][0])
        told.extend(events(news))
        cursors.append((news.cursor, who.repo.base.commit))
        return news

    taken = take(bot, "a")
    assert events(look(reader)) == [("a", "attempt 1 began")]
    assert events(look(other)) == [], "another clone goes on where the first one stopped"
    stop_task(ann, "a", "wait")
    take(bot, "b")
    team.change({"tasks/c.yaml": "title: C\npriority: high\n"})
    news = look(other)
    assert events(news) == [("a", "a person stopped it"), ("b", "attempt 1 began")]
    assert in_words(news.documents) == {"c": ["priority medium → high"]}
    finish(bot, taken, Outcome.STOPPED, head=None, branch_tip=None)
    team.clock.advance(7200)
    retry_task(ann, "a", None)
    team.change({"tasks/c.yaml": "title: C\npriority: low\n", "tasks/d.yaml": "title: D\n"})
    assert events(look(reader)) == [
        ("a", "work in progress was saved"),
        ("a", "a person wants another attempt"),
    ]
    team.clock.advance(30)
    team.publish("a", {"src/a.txt": "x\n"}, bot)
    accept_task(ann, "a")
    look(other)
    assert events(look(reader)) == []
    in_one = tell_news(reader.fetched(), start.cursor)
    assert sorted(events(in_one)) == sorted(told)
    assert len(in_one.events) == len({(h.ref) for h in in_one.events})
    last = cursors[-1][1]
    assert in_one.documents == compare_commits(reader.repo, cursors[0][1], last)
    assert in_words(in_one.documents)["c"] == ["priority medium → low"]
    text = render_news(in_one, Style())
    assert "by Tess Author" in text
    assert text.endswith(f"next time: baton changes --since {in_one.cursor}")
    past = tell_news(reader.fetched(), last=3)
    assert len(past.commits) + len(past.events) == 3
    assert past.cursor == in_one.cursor


def test_a_cursor_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    team = Team(tmp_path / "one", {"tasks/a.yaml": "title: A\n"})
    bot = team.join("claude")
    take(bot, "a")
    bot = bot.fetched()
    cursor = tell_news(bot).cursor
    assert refuse(lambda: tell_news(bot, "nonsense")).code == "bad-cursor"
    elsewhere = Team(tmp_path / "two", {"tasks/z.yaml": "title: Z\n"}).join()
    refused = refuse(lambda: tell_news(elsewhere, cursor))
    assert (refused.code, refused.hint) == (
        "foreign-cursor",
        "fetch with: baton sync; or begin anew with: baton changes",
    )
    git(team.server, "update-ref", "-d", "refs/baton/tasks/a")
    assert refuse(lambda: tell_news(bot.fetched(), cursor)).code == "foreign-cursor", "what it saw is gone"


def test_an_event_that_was_written_long_before_it_arrived_is_not_lost_in_silence(tmp_path: Path) -> None:
    team = Team(tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n"})
    bot, reader = team.join("claude"), team.join("Rita")
    take(bot, "a")
    team.clock.advance(86400)
    take(bot, "b")
    cursor = tell_news(reader.fetched()).cursor
    team.clock.advance(-86400 - 60)

    def hold(_: State | None) -> dict[str, Any]:
        return {"hold": "wait"}

    advance(bot.fetched(), "a", "held", hold)
    with pytest.raises(Exception, match="does not fit") as refused:
        tell_news(reader.fetched(), cursor)
    assert getattr(refused.value, "code", "") == "foreign-cursor"


def test_news_of_many_say_who_changed_what(tmp_path: Path) -> None:
    checkout = make_repository(tmp_path, {"tasks/a.yaml": "title: A\n", "tasks/b.yaml": "title: B\n"})
    start = tell_news(project(checkout)).cursor
    handoff = (
        "task: a\nagent: claude\nsummary: Half.\ndecisions: [{decision: no cookies}]\nquestions: [Cards?]\n"
    )
    for author, files in (
        ("Ann", {"tasks/a.yaml": "title: A\npriority: high\n", "tasks/b.yaml": "title: B\npriority: low\n"}),
        ("Bot", {"tasks/a.yaml": "title: A\npriority: high\nhold: wait\n", "tasks/handoffs/a/20260101T000000000Z-x.yaml": handoff}),
    ):  # fmt: skip
        checkout.write(files)
        checkout.git("add", "--all")
        checkout.git("commit", "--quiet", f"--author={author} <x@example.com>", "-m", "Change")
    news = tell_news(project(checkout), start)
    text = render_news(news, Style())
    assert "2 commits by Bot, Ann" in text or "2 commits by Ann, Bot" in text
    assert "\n  a  A by Ann, Bot\n" in text
    assert "\n  b  B by Ann\n" in text
    assert "handoff by claude: Half.; decided: no cookies; asks: Cards?" in text
    assert {(d["kind"], d["id"]): d["by"] for d in news_record(news)["documents"]} == {
        ("task", "a"): ["Ann", "Bot"], ("task", "b"): ["Ann"], ("handoff", "a"): ["Bot"],
    }  # fmt: skip
