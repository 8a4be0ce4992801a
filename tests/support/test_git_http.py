"""The smart-HTTP server: what the other tests may rely on."""

from __future__ import annotations

import base64
import random
import threading
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from support.git_http import GitHttpServer, parse_basic
from support.hermetic_git import commit_files, git, git_environment, try_git
from support.loopback import Exchange, Fault, LoopbackServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "served") as running:
        yield running


def clone(url: str, target: Path) -> Path:
    git(target.parent, "clone", "--quiet", url, str(target))
    return target


def seed(url: str, target: Path) -> str:
    """Clone the empty repository and push one commit; its id."""
    clone(url, target)
    first = commit_files(target, {"a.txt": "one\n"}, "first")
    git(target, "push", "--quiet", "origin", "HEAD:refs/heads/main")
    return first


def test_push_and_clone(server: GitHttpServer, tmp_path: Path) -> None:
    url = server.create("project.git")
    first = seed(url, tmp_path / "one")
    second = clone(url, tmp_path / "two")
    assert git(second, "rev-parse", "HEAD") == first
    assert {seen.status for seen in server.seen} == {200}


def test_a_large_push_arrives_in_chunks(server: GitHttpServer, tmp_path: Path) -> None:
    url = server.create("project.git")
    seed(url, tmp_path / "one")
    noise = random.Random(7).randbytes(3_000_000).hex()
    tip = commit_files(tmp_path / "one", {"big.txt": noise}, "big")
    git(tmp_path / "one", "-c", "http.postBuffer=65536", "push", "--quiet", "origin", "main")
    assert git(server.root / "project.git", "rev-parse", "main") == tip


def test_a_long_negotiation_comes_gzipped(server: GitHttpServer, tmp_path: Path) -> None:
    """Git compresses a fetch request beyond 1024 bytes."""
    url = server.create("project.git")
    seed(url, tmp_path / "one")
    other = clone(url, tmp_path / "two")
    for n in range(60):
        commit_files(other, {"b.txt": f"{n}\n"}, f"local {n}")
    tip = commit_files(tmp_path / "one", {"a.txt": "two\n"}, "second")
    git(tmp_path / "one", "push", "--quiet", "origin", "main")
    git(other, "fetch", "--quiet", "origin")
    assert git(other, "rev-parse", "origin/main") == tip


def test_credentials(tmp_path: Path) -> None:
    with GitHttpServer(
        tmp_path / "served", users={"tess": "sesame", "rita": "reads"}, readers={"rita"}
    ) as server:
        server.create("project.git")
        seed(server.url_of("project.git", "tess:sesame"), tmp_path / "one")

        refused = try_git(tmp_path, "clone", server.url_of("project.git"), "two")
        assert refused.returncode == 128
        assert "terminal prompts disabled" in refused.stderr

        wrong = try_git(tmp_path, "ls-remote", server.url_of("project.git", "tess:wrong"))
        assert wrong.returncode == 128

        header = "AUTHORIZATION: basic " + base64.b64encode(b"rita:reads").decode()
        environment = git_environment(
            GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="http.extraheader", GIT_CONFIG_VALUE_0=header
        )
        git(tmp_path, "clone", "--quiet", server.url_of("project.git"), "three", env=environment)
        push = try_git(tmp_path / "three", "push", "origin", "HEAD:refs/heads/other", env=environment)
        assert "403" in push.stderr


@pytest.mark.parametrize(
    ("header", "login"),
    [
        ("Basic dGVzczpzZXNhbWU=", ("tess", "sesame")),
        ("basic  dGVzczpzZTpzYQ==", ("tess", "se:sa")),
        ("Basic dGVzcw==", None),
        ("Basic !", None),
        ("Basic /w==", None),
        ("Bearer dGVzczpzZXNhbWU=", None),
        (None, None),
    ],
)
def test_basic_header(header: str | None, login: tuple[str, str] | None) -> None:
    assert parse_basic(header) == login


def test_scripted_failures(server: GitHttpServer, tmp_path: Path) -> None:
    url = server.create("project.git")
    seed(url, tmp_path / "one")
    commit_files(tmp_path / "one", {"a.txt": "two\n"}, "second")

    server.inject(Fault("receive-pack", status=503))
    assert "503" in try_git(tmp_path / "one", "push", "origin", "main").stderr
    server.inject(Fault("POST .*receive-pack", times=2))
    assert try_git(tmp_path / "one", "push", "origin", "main").returncode != 0
    assert git(server.root / "project.git", "rev-list", "--count", "main") == "1"

    server.inject(Fault("POST .*receive-pack", after=True, times=2))
    assert try_git(tmp_path / "one", "push", "origin", "main").returncode != 0
    assert git(server.root / "project.git", "rev-list", "--count", "main") == "2", "only the answer was lost"
    git(tmp_path / "one", "push", "origin", "main")


def test_a_held_request_waits(server: GitHttpServer, tmp_path: Path) -> None:
    url = server.create("project.git")
    seed(url, tmp_path / "one")
    gate = threading.Event()
    server.inject(Fault("upload-pack", hold=gate))
    answers: list[str] = []
    reader = threading.Thread(target=lambda: answers.append(git(tmp_path, "ls-remote", url)))
    reader.start()
    reader.join(0.3)
    assert not answers
    gate.set()
    reader.join(30)
    assert "refs/heads/main" in answers[0]


def test_many_writers_one_winner(server: GitHttpServer, tmp_path: Path) -> None:
    """The property that claims stand on: of several pushes that create one ref, one succeeds."""
    url = server.create("project.git")
    seed(url, tmp_path / "seed")
    clones = [clone(url, tmp_path / f"clone{n}") for n in range(4)]
    for n, folder in enumerate(clones):
        commit_files(folder, {"who.txt": f"{n}\n"}, f"claim {n}")
    start = threading.Barrier(len(clones))
    codes: list[int] = []

    def claim(folder: Path) -> None:
        start.wait()
        codes.append(
            try_git(folder, "push", "--force-with-lease=refs/x/1:", "origin", "HEAD:refs/x/1").returncode
        )

    threads = [threading.Thread(target=claim, args=(folder,)) for folder in clones]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [0, 1, 1, 1]


def test_the_date_header_can_be_skewed(tmp_path: Path) -> None:
    with GitHttpServer(tmp_path, now=lambda: 86400.0) as server:
        server.create("project.git")
        with urlopen(server.url_of("project.git") + "/info/refs?service=git-upload-pack") as answer:
            assert answer.headers["Date"] == formatdate(86400, usegmt=True)


def test_a_bug_in_a_site_fails_the_test() -> None:
    def answer(exchange: Exchange) -> None:
        raise KeyError(exchange.path)

    server = LoopbackServer(answer)
    server.__enter__()
    with pytest.raises(OSError, match=r"closed|reset"):
        urlopen(server.url + "/nothing")
    assert [seen.status for seen in server.seen] == [0]
    with pytest.raises(AssertionError, match="/nothing"):
        server.__exit__(None, None, None)
