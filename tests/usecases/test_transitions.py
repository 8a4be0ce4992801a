"""Events on the state ref: fenced, decided anew when the tip moved, made once although answers get lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gitbaton.domain.lifecycle import ALL, TABLE, IllegalEvent
from gitbaton.domain.state import Event, Holder, State
from gitbaton.errors import InvalidDocument, LostRace, Refusal, Unreachable
from gitbaton.ports import RefUpdate
from gitbaton.store.cache import open_cache
from gitbaton.store.live import write_state
from gitbaton.usecases.claim import Claim, claim_task
from gitbaton.usecases.project import load_view
from gitbaton.usecases.transitions import LeaseLost, advance, read_tip
from support.git_http import GitHttpServer
from support.hermetic_git import git, git_environment
from support.loopback import Fault
from support.repos import Checkout, Clock, make_repository, project
from support.state_history import read_events, read_history

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitbaton.domain.lifecycle import LiveStatus
    from gitbaton.usecases.project import Project

pytestmark = pytest.mark.promise("state.one-commit")

FILES: dict[str, str | bytes | None] = {"tasks/config.yaml": "base: main\n", "tasks/job.yaml": "title: Job\n"}


@pytest.fixture
def work(tmp_path: Path) -> Checkout:
    return make_repository(tmp_path, FILES, remote=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "served", now=Clock().time.timestamp) as running:
        yield running


def over_http(server: GitHttpServer, folder: Path) -> Checkout:
    url = server.create("work.git")
    work = make_repository(folder, FILES)
    work.git("remote", "add", "origin", url)
    work.git("push", "--quiet", "origin", "main")
    return Checkout(work.path, server.root / "work.git", work.ids)


@pytest.mark.parametrize("date", [None, "2026-01-31T09:00:00Z", "@1769850000 +0200"])
def test_a_state_is_the_commit_that_git_would_make(
    work: Checkout, monkeypatch: pytest.MonkeyPatch, date: str | None
) -> None:
    """It is written without asking git."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.delenv(name)
        if date:
            monkeypatch.setenv(name, date)
    who = project(work)
    event = Event(name="claimed", id="e1", at="2026-01-31T09:00:00Z", by="Zoë  O'Hara\n<z@example.org>")
    first = write_state(who.repo, State(task="job", status="in_progress", event=event, attempt=1), None)
    second = write_state(who.repo, State(task="job", status="open", event=event), first)
    for oid, parents in ((first, ()), (second, ("-p", first))):
        head, _, message = work.git("cat-file", "commit", oid).partition("\n\n")
        times = {line.split()[0]: " ".join(line.split()[-2:]) for line in head.splitlines() if ">" in line}
        env = {
            **git_environment(), "GIT_AUTHOR_NAME": "gitbaton", "GIT_AUTHOR_EMAIL": "gitbaton@users.noreply.github.com",
            "GIT_COMMITTER_NAME": "gitbaton", "GIT_COMMITTER_EMAIL": "gitbaton@users.noreply.github.com",
            "GIT_AUTHOR_DATE": f"@{times['author']}", "GIT_COMMITTER_DATE": f"@{times['committer']}",
        }  # fmt: skip
        again = git(work.path, "commit-tree", f"{oid}^{{tree}}", *parents, env=env, stdin=message + "\n")
        assert again.strip() == oid
        if date == "2026-01-31T09:00:00Z":
            assert times["author"] == "1769850000 +0000"
        assert git(work.path, "ls-tree", oid).split()[0] == "100644"
    work.git("fsck", "--strict", first, second)


@pytest.mark.parametrize("cache", ["true", "false"])
def test_what_was_written_is_not_read_again(work: Checkout, cache: str) -> None:
    work.git("config", "baton.cache", cache)
    who = project(work)
    claimed = claim_task(who, "job", holder=Holder(name="Zoë", kind="person"), lease_s=None)
    assert isinstance(claimed, Claim)
    kept = open_cache(who.repo).find_tips(["job"])
    assert (kept["job"][0] if kept else None) == (claimed.tip.oid if cache == "true" else None)
    looked = load_view(project(work), local=False)
    work.git("config", "baton.cache", "false")
    anew = load_view(project(work), local=False)
    assert looked.board == anew.board
    assert looked.tips.states["job"] == anew.tips.states["job"] == claimed.tip


def claim(project: Project, lease_s: float = 100.0) -> Claim:
    claimed = claim_task(project, "job", holder=Holder(name="bot", kind="agent"), lease_s=lambda _: lease_s)
    assert isinstance(claimed, Claim)
    return claimed


def hold(project: Project, why: str) -> None:
    project.refs.fetch()
    advance(project, "job", "held", lambda _: {"hold": why})


def fail(project: Project, run: str, **more: Any) -> Any:
    return advance(project, "job", "failed", lambda _: {"reason": "it broke"}, run=run, **more)


def add_guidance(old: State | None, text: str) -> dict[str, Any]:
    return {"guidance": (*(old.guidance if old else ()), text)}


def server_of(work: Checkout) -> Path:
    assert work.remote
    return work.remote


def all_refs(work: Checkout) -> str:
    return git(server_of(work), "for-each-ref")


@pytest.mark.promise("fence.same-run")
def test_a_tip_that_moved_under_the_same_run_is_read_and_kept(work: Checkout) -> None:
    mine, theirs = project(work), project(work.clone("other"))
    run = claim(mine).run
    hold(theirs, "the spec changes")
    tip = fail(mine, run)
    assert (tip.state.status, tip.state.hold, tip.state.reason) == ("failed", "the spec changes", "it broke")
    assert read_events(server_of(work), "job") == ["claimed", "held", "failed"]


@pytest.mark.promise("fence.lost-changes-nothing")
def test_a_fenced_event_after_a_takeover_changes_nothing(work: Checkout) -> None:
    clock = Clock()
    mine, theirs = project(work, clock=clock), project(work.clone("other"), clock=clock, actor="Rita")
    run = claim(mine).run
    clock.advance(1000)
    taken = claim(theirs)
    before = all_refs(work)
    commit = work.commit({"x.txt": "1\n"})
    with pytest.raises(LeaseLost) as lost:
        fail(mine, run, also=lambda _: [RefUpdate("refs/heads/baton/job", commit, None)])
    assert (lost.value.code, lost.value.data) == ("lease-lost", {"task": "job", "run": run})
    assert all_refs(work) == before
    fail(theirs, taken.run)


def test_an_event_without_a_fence_checks_one_that_is_given(work: Checkout) -> None:
    mine = project(work)
    claim(mine)
    with pytest.raises(LeaseLost):
        advance(mine, "job", "stopped", lambda _: {}, run="another")
    advance(mine, "job", "stopped", lambda _: {"reason": "enough"})
    assert read_events(server_of(work), "job") == ["claimed", "stopped"]


@pytest.mark.promise("state.table")
def test_an_illegal_event_changes_nothing(work: Checkout) -> None:
    mine = project(work)
    run = claim(mine).run
    fail(mine, run)
    before = all_refs(work)
    with pytest.raises(IllegalEvent) as refused:
        fail(mine, run)
    assert refused.value.data["status"] == "failed"
    with pytest.raises(IllegalEvent):
        advance(mine, "job", "answered", lambda _: {})
    assert all_refs(work) == before


@pytest.mark.promise("state.table")
def test_what_becomes_illegal_meanwhile_is_refused(work: Checkout) -> None:
    mine, theirs = project(work), project(work.clone("other"))
    run = claim(mine).run
    theirs.refs.fetch()
    advance(theirs, "job", "stopped", lambda _: {"reason": "enough"})
    with pytest.raises(IllegalEvent):
        advance(mine, "job", "published", lambda _: {}, run=run)
    assert read_events(server_of(work), "job") == ["claimed", "stopped"]


@pytest.mark.promise("fence.all-or-none")
def test_a_branch_that_moved_stops_the_whole_step(work: Checkout) -> None:
    mine = project(work)
    run = claim(mine).run
    start = work.head()
    git(server_of(work), "update-ref", "refs/heads/baton/job", start)
    commit = work.commit({"x.txt": "1\n"})
    before = all_refs(work)
    with pytest.raises(LostRace) as lost:
        fail(mine, run, also=lambda _: [RefUpdate("refs/heads/baton/job", commit, None)])
    assert lost.value.data == {"refs": ["refs/heads/baton/job"]}
    assert all_refs(work) == before


def test_an_expectation_is_asked_again_on_the_new_tip(work: Checkout) -> None:
    mine, theirs = project(work), project(work.clone("other"))
    claim(mine)
    hold(theirs, "wait")
    seen: list[str | None] = []

    def expect(old: State | None) -> None:
        assert old
        seen.append(old.hold)
        if old.hold:
            raise Refusal("held", code="held")

    with pytest.raises(Refusal, match="held"):
        advance(mine, "job", "stopped", lambda _: {}, expect=expect)
    assert seen == [None, "wait"]
    assert read_events(server_of(work), "job") == ["claimed", "held"]


def test_many_events_at_once_all_arrive(work: Checkout) -> None:
    """Every one is decided on the tip that it lands on."""
    claim(project(work))
    others = [project(work.clone(f"other{n}")) for n in range(6)]
    for other in others:
        other.refs.fetch()
    for n, other in enumerate(others):  # each has a view that is stale by now
        advance(other, "job", "clarified", lambda old, n=n: add_guidance(old, str(n)))  # type: ignore[misc] # a loop's lambda
    history = read_history(server_of(work), "job")
    assert history[-1].guidance == tuple("012345")
    assert len(history) == 7


def test_a_state_that_nobody_could_read_again_is_not_written(work: Checkout) -> None:
    mine = project(work)
    claim(mine)
    before = all_refs(work)
    with pytest.raises(InvalidDocument):
        advance(mine, "job", "held", lambda _: {"attempt": -1})
    assert all_refs(work) == before


def test_any_text_survives(work: Checkout) -> None:
    texts = ("no", "012", "a: b # c", "<<<<<<< x", "é 日本 😀", "two\nlines\n", "- item", "'quoted\"")
    advance(project(work), "job", "clarified", lambda _: {"guidance": texts})
    assert read_history(server_of(work), "job")[-1].guidance == texts


# -- a remote that answers badly -------------------------------------------------------------------------------


@pytest.mark.promise("state.event-once")
def test_an_event_whose_answer_is_lost_happens_once(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    mine = project(work)
    mine.refs.fetch()
    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    run = claim(mine).run
    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    assert fail(mine, run).state.status == "failed"
    assert read_events(server_of(work), "job") == ["claimed", "failed"]


@pytest.mark.promise("state.event-once")
def test_an_event_that_arrived_while_the_remote_went_silent(server: GitHttpServer, tmp_path: Path) -> None:
    """The push arrived, its answer was lost, and the remote could not be asked either: the next try finds it."""
    work = over_http(server, tmp_path)
    mine = project(work)
    mine.refs.fetch()
    run = claim(mine).run
    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    server.inject(Fault("upload-pack", status=503, times=2))
    assert fail(mine, run, patience=3).state.reason == "it broke"
    assert read_events(server_of(work), "job") == ["claimed", "failed"]


@pytest.mark.promise("state.event-once")
def test_an_event_that_arrived_and_was_followed_by_another(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    mine = project(work)
    mine.refs.fetch()
    run = claim(mine).run
    other = make_repository(tmp_path, name="other")
    other.git("remote", "add", "origin", str(server_of(work)))
    theirs = project(Checkout(other.path, work.remote, work.ids))
    fault = server.inject(Fault("POST .*receive-pack", after=True, times=2))
    server.inject(Fault("upload-pack", status=503))

    def meddle(seconds: float) -> None:
        assert fault.times == 0
        assert 0.5 <= seconds < 2.0
        hold(theirs, "wait")

    tip = fail(replace(mine, pause=meddle), run, patience=1)
    assert (tip.state.status, tip.state.hold) == ("failed", "wait")
    assert read_events(server_of(work), "job") == ["claimed", "failed", "held"]


def test_patience_waits_for_the_remote_and_then_gives_up(server: GitHttpServer, tmp_path: Path) -> None:
    work = over_http(server, tmp_path)
    waits: list[float] = []
    mine = replace(project(work), pause=waits.append)
    mine.refs.fetch()
    run = claim(mine).run
    server.inject(Fault("receive-pack", status=503, times=3))
    assert fail(mine, run, patience=3).state.status == "failed"
    assert len(waits) == 3
    assert 0.5 <= waits[0] < 1.5
    assert 2.0 <= waits[2] < 6.0
    server.inject(Fault("git-", status=503, times=99))
    with pytest.raises(Unreachable):
        advance(mine, "job", "retried", lambda _: {}, patience=2)
    assert len(waits) == 5
    assert read_events(server_of(work), "job") == ["claimed", "failed"]


@pytest.mark.promise("state.unreadable")
def test_a_tip_that_can_not_be_read_is_refused_with_its_place(work: Checkout) -> None:
    mine = project(work)
    claim(mine)
    blob = work.git("hash-object", "-w", "--stdin", stdin="status: nonsense\n")
    tree = work.git("mktree", stdin=f"100644 blob {blob}\tstate.yaml\n")
    git(server_of(work), "fetch", "--quiet", str(work.path), work.git("commit-tree", tree, stdin="x"))
    git(server_of(work), "update-ref", "refs/baton/tasks/job", work.git("commit-tree", tree, stdin="x"))
    mine.refs.fetch()
    with pytest.raises(Refusal) as refused:
        read_tip(mine, "job")
    assert refused.value.code == "bad-state"
    assert {p.path for p in refused.value.problems} == {"refs/baton/tasks/job:state.yaml"}


@pytest.mark.promise("state.table")
@pytest.mark.parametrize("status", ALL)
def test_whatever_the_table_does_not_allow_changes_nothing(tmp_path: Path, status: LiveStatus) -> None:
    """Every event that is illegal from ``status``, by whoever holds the task."""
    work = make_repository(tmp_path, FILES)
    who = project(work)
    event = Event(name="held", id="e1", at="2026-01-31T09:00:00Z", by="Tess")
    held = State(task="job", status=status, event=event, run="r1", claimed_from="failed", attempt=0)
    oid = write_state(who.repo, held, None)
    git(work.path, "update-ref", "refs/baton/tasks/job", oid)
    before = git(work.path, "for-each-ref")
    illegal = [name for name, rule in TABLE.items() if status not in rule.sources]
    for name in illegal:
        move = RefUpdate("refs/heads/baton/job", work.head(), None)
        with pytest.raises(IllegalEvent):
            advance(who, "job", name, lambda _: {}, run="r1", also=lambda _, move=move: [move])  # type: ignore[misc] # mypy can't infer a lambda's default
        assert git(work.path, "for-each-ref") == before, name
    assert set(illegal) | {n for n, rule in TABLE.items() if status in rule.sources} == set(TABLE)


@pytest.mark.promise("state.event-once")
def test_an_event_that_was_heard_of_is_found_however_long_ago(tmp_path: Path) -> None:
    """By its id alone: what came after doesn't hide it, and a name with line breaks invents no id."""
    work = make_repository(tmp_path, FILES)
    who = project(work)
    first = advance(who, "job", "held", lambda _: {"hold": "x"}, heard="forge/1")
    assert first.state.event.id == "forge/1"
    advance(who, "job", "hold_released", lambda _: {"hold": None}, by="Eve\n\nBaton-Event: forge/2")
    last = advance(who, "job", "clarified", lambda _: {}, heard="forge/2")
    assert last.state.event.id == "forge/2"
    again = advance(who, "job", "held", lambda _: {"hold": "again"}, heard="forge/1")
    assert (again.oid, again.state.hold) == (last.oid, None)
    assert read_events(work.path, "job") == ["held", "hold_released", "clarified"]
