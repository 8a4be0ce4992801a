"""Git's smart HTTP protocol over loopback, for bare repositories below one folder.

    with GitHttpServer(root) as server:
        git("clone", server.url_of("project.git"))

The protocol is git's own ``http-backend`` program (CGI, RFC 3875); this file carries bytes, credentials
and scripted failures. Bodies are streamed both ways, so that a large push needs no memory here.
"""

from __future__ import annotations

import base64
import binascii
import io
import subprocess
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

from support.hermetic_git import create_bare, git_environment
from support.loopback import CHUNK, Dropped, Fault, LoopbackServer, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import IO

    from support.loopback import Exchange

CHALLENGE = {"WWW-Authenticate": 'Basic realm="git"'}


class Login(NamedTuple):
    """What a Basic ``Authorization`` header says."""

    user: str
    password: str


def parse_basic(header: str | None) -> Login | None:
    """The credentials of a Basic ``Authorization`` header, as git's credential helpers and
    ``http.extraheader`` both send it; None when there are none.
    """
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Login(user, password) if colon else None


def is_push(exchange: Exchange) -> bool:
    """Whether the request belongs to a push (its ref advertisement included)."""
    return exchange.path.endswith("/git-receive-pack") or "service=git-receive-pack" in exchange.query


def serve_git(exchange: Exchange, root: Path, path: str, *, user: str) -> None:
    """Answer with ``git http-backend`` for ``path`` (``/name.git/info/refs``) below ``root``.

    ``user`` lets pushes in without ``http.receivepack`` in the repository and is what hooks see.
    """
    environment = git_environment(
        GIT_PROJECT_ROOT=str(root),
        GIT_HTTP_EXPORT_ALL="1",
        PATH_INFO=path,
        QUERY_STRING=exchange.query,
        REQUEST_METHOD=exchange.method,
        CONTENT_TYPE=exchange.headers.get("content-type", ""),
        # Without a length (chunked) the program reads up to the end of its input.
        CONTENT_LENGTH="" if exchange.is_chunked else exchange.headers.get("content-length", "0"),
        HTTP_CONTENT_ENCODING=exchange.headers.get("content-encoding", ""),
        GIT_PROTOCOL=exchange.headers.get("git-protocol", ""),
        REMOTE_ADDR="127.0.0.1",
        REMOTE_USER=user,
    )
    with subprocess.Popen(
        ["git", "http-backend"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as program:
        assert program.stdin is not None
        assert isinstance(program.stdout, io.BufferedReader)
        feeder = threading.Thread(target=_feed, args=(exchange.iter_body(), program.stdin))
        feeder.start()
        try:
            headers = _read_headers(program.stdout)
            status = int(headers.pop("Status", "200").split()[0])
            exchange.reply(status, headers, iter(partial(program.stdout.read1, CHUNK), b""))
        except BaseException:
            program.kill()
            raise
        finally:
            feeder.join()


def _feed(body: Iterator[bytes], pipe: IO[bytes]) -> None:
    with suppress(OSError, Dropped), pipe:
        for piece in body:
            pipe.write(piece)


def _read_headers(output: IO[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := output.readline().decode("latin-1").strip():
        name, _, value = line.partition(": ")
        headers[name] = value
    return headers


class GitHttpServer:
    """All bare repositories below ``root``.

    ``users`` maps names to passwords; None = no credentials are asked for. ``readers`` are users who may
    only fetch (403 on a push, as hosting services answer). ``now`` skews the ``Date`` header
    (None leaves it out).
    """

    def __init__(
        self,
        root: Path,
        *,
        users: Mapping[str, str] | None = None,
        readers: Collection[str] = (),
        now: Callable[[], float | None] | None = None,
    ) -> None:
        self.root = root
        self._users = users
        self._readers = readers
        self._server = LoopbackServer(self._answer, now=now)

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def seen(self) -> list[Seen]:
        return self._server.seen

    def url_of(self, name: str, login: str = "") -> str:
        """The clone URL of repository ``name``; ``login`` is put in as ``user:password@``."""
        at = f"{login}@" if login else ""
        return f"http://{at}127.0.0.1:{self._server.port}/{name}"

    def create(self, name: str, branch: str = "main") -> str:
        """Make an empty bare repository and return its clone URL."""
        create_bare(self.root / name, branch)
        return self.url_of(name)

    def inject(self, fault: Fault) -> Fault:
        """Queue a failure; see :class:`support.loopback.Fault`. Pushes match ``"receive-pack"``."""
        return self._server.inject(fault)

    def _answer(self, exchange: Exchange) -> None:
        user = "anyone"
        if self._users is not None:
            login = parse_basic(exchange.headers.get("authorization"))
            if login is None or self._users.get(login.user) != login.password:
                exchange.reply(401, CHALLENGE)
                return
            user = login.user
        if user in self._readers and is_push(exchange):
            exchange.reply(403, {"Content-Type": "text/plain"}, b"may not push\n")
            return
        serve_git(exchange, self.root, exchange.path, user=user)
