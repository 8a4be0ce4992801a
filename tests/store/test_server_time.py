"""The server's time, read from the headers of git's own requests over real HTTP."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from gitbaton.errors import Unreachable
from gitbaton.store.refs import RemoteRefs, open_refs
from gitbaton.store.repository import open_repository
from gitbaton.store.server_time import ServerTime, find_date
from support.git_http import GitHttpServer
from support.loopback import Fault
from support.repos import Checkout, Clock, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.promise("lease.server-time")


START = Clock().time


@dataclass
class ServerClock:
    """The server's clock, to be set; ``tells`` False = its answers have no ``Date``."""

    time: datetime = field(default=START)
    tells: bool = True

    def __call__(self) -> float | None:
        return self.time.timestamp() if self.tells else None


@dataclass
class Stage:
    """A clone over HTTP, the server's clock and the clone's."""

    server: GitHttpServer
    work: Checkout
    theirs: ServerClock
    ours: Clock

    def refs(self) -> RemoteRefs:
        refs = open_refs(open_repository(self.work.path), self.ours)
        assert isinstance(refs, RemoteRefs)
        return refs


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    clock = ServerClock()
    users = {"tess": "sesame"}
    with GitHttpServer(tmp_path / "served", now=clock, users=users) as server:
        server.create("p.git")
        work = make_repository(tmp_path, {"a.txt": "1\n"})
        work.git("remote", "add", "origin", str(server.root / "p.git"))
        work.git("push", "--quiet", "origin", "main")
        work.git("remote", "set-url", "origin", server.url_of("p.git", "tess:sesame"))
        yield Stage(server, work, clock, Clock())


def is_about(moment: datetime, other: datetime) -> bool:
    """What passes while a test waits for git doesn't count."""
    return timedelta(0) <= moment - other < timedelta(seconds=30)


@pytest.mark.parametrize("ahead_s", [0, 90, -90, 3600, -3600])
def test_the_servers_time_counts_whatever_ours_is(stage: Stage, ahead_s: int) -> None:
    stage.ours.advance(ahead_s)
    refs = stage.refs()
    assert (refs.now(), refs.tolerance_s, refs.skew_s) == (stage.ours.time, 120.0, None), "nobody asked yet"
    refs.fetch()
    assert is_about(refs.now(), START)
    assert refs.skew_s is not None
    assert abs(refs.skew_s - ahead_s) <= 1.0
    assert refs.tolerance_s == 0.0


def test_a_clock_that_jumps_after_the_fetch_moves_nothing(stage: Stage) -> None:
    refs = stage.refs()
    refs.fetch()
    stage.ours.advance(10**6)
    assert is_about(refs.now(), START)
    stage.theirs.time += timedelta(hours=1)
    refs.fetch()
    assert is_about(refs.now(), START + timedelta(hours=1)), "each fetch learns it anew"


def test_time_goes_on_between_fetches() -> None:
    seconds = [50.0]
    told = ServerTime(Clock(), lambda: seconds[0])
    assert told.now() is None
    with told.listening() as wire:
        os.write(
            wire.fds[0], b"11:00:00.1 http.c:1   <= Recv header: date: Sat, 31 Jan 2026 09:00:00 GMT\r\n"
        )
    seconds[0] += 7
    assert told.now() == START + timedelta(seconds=7)
    seconds[0] -= 60
    assert told.now() == START, "never before what the server said"


def test_how_long_an_answer_takes_is_no_skew() -> None:
    clock = Clock()
    told = ServerTime(clock)
    with told.listening() as wire:
        clock.advance(400)
        os.write(wire.fds[0], b"11:00:00.1 http.c:1   <= Recv header: Date: Sat, 31 Jan 2026 09:03:00 GMT\n")
    assert told.skew_s == 0.0


def test_a_server_that_does_not_tell(stage: Stage) -> None:
    stage.theirs.tells = False
    refs = stage.refs()
    refs.fetch()
    assert (refs.now(), refs.tolerance_s, refs.skew_s) == (stage.ours.time, 120.0, None)


def test_an_answer_that_is_lost_teaches_nothing(stage: Stage) -> None:
    refs = stage.refs()
    stage.server.inject(Fault("upload-pack", times=9))
    with pytest.raises(Exception, match="can't be reached"):
        refs.fetch()
    assert refs.skew_s is None


def test_over_a_path_the_local_clock_counts(tmp_path: Path) -> None:
    work = make_repository(tmp_path, {"a.txt": "1\n"}, remote=True)
    refs = open_refs(open_repository(work.path), Clock())
    refs.fetch()
    assert (refs.now(), refs.tolerance_s, refs.skew_s) == (START, 120.0, None)


def test_no_credential_is_written_anywhere(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines of curl show an address with its password, and a person's own headers are not blackened."""
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setenv("TMPDIR", str(spare))
    stage.work.git("config", f"http.{stage.server.url}/.extraheader", "X-Api-Key: hidden")
    stage.refs().fetch()
    assert list(spare.iterdir()) == []
    texts = [p.read_bytes() for p in tmp_path.rglob("*") if p.is_file() and p.name != "config"]
    assert not any(b"sesame" in text or b"hidden" in text for text in texts)


def test_a_person_who_traces_requests_keeps_their_trace(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE_CURL", str(file))
    refs = stage.refs()
    refs.fetch()
    assert refs.skew_s is None
    assert b"Recv header" in file.read_bytes()


def test_gits_chatter_is_not_taken_for_its_words(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CURL_VERBOSE", "1")
    refs = stage.refs()
    refs.fetch()
    assert refs.skew_s == 0.0
    stage.server.inject(Fault("upload-pack", status=503, headers={"X-Said": "HTTP 403"}, times=9))
    with pytest.raises(Unreachable):
        refs.fetch()


def test_find_date() -> None:
    line = b"11:00:00.1 http.c:1   <= Recv header: %s\n"
    first, second = b"Date: Sat, 31 Jan 2026 09:00:00 GMT", b"date: Sat, 31 Jan 2026 09:00:01 GMT\r"
    assert find_date(line % first) == START
    assert find_date(line % first + line % second) == START + timedelta(seconds=1)
    leap = b"date: Sat, 31 Jan 2026 09:00:60 GMT"
    assert find_date(line % leap) == datetime(2026, 1, 31, 9, 0, 59, tzinfo=UTC)
    for odd in (
        b"", b"date: soon", b"date: Sat, 31 Foo 2026 09:00:00 GMT", b"date: Sat, 99 Jan 2026 09:00:00 GMT",
        b"X-Date: Sat, 31 Jan 2026 09:00:00 GMT", b"expires: Sat, 31 Jan 2026 09:00:00 GMT",
    ):  # fmt: skip
        assert find_date(line % odd) is None
    sent = b"11:00:00.1 http.c:1   => Send header: Date: Sat, 31 Jan 2026 09:00:00 GMT\n"
    assert find_date(sent) is None
