"""A threaded HTTP/1.1 server on loopback whose failures can be scripted.

The sites on top of it (``git_http``, ``github_fake``) only say how to answer one :class:`Exchange`. What
they raise is kept and fails the test when the server is closed, so that a bug in a fake never looks like
a bug in the program.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from types import TracebackType

CHUNK = 1 << 16


@dataclass
class Fault:
    """Something that goes wrong with the next ``times`` requests that match ``pattern`` (a regular
    expression searched in ``"METHOD /path?query"``).

    ``status`` answers instead of the site, with ``headers`` and ``body``; None drops the connection.
    A client that reuses a connection may repeat the request by itself when it is dropped (curl does, and
    so git): drop twice where it must notice.
    ``after``: the site does its work first, only its answer is lost: what a client must survive.
    ``hold``: nothing is broken, but the request waits until the event is set.
    """

    pattern: str = ""
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    times: int = 1
    after: bool = False
    hold: threading.Event | None = None


class Seen(NamedTuple):
    """One request; ``status`` 0 = the connection was dropped. It is listed before its answer is sent, so
    that a client that has its answer finds it here.
    """

    method: str
    target: str
    status: int
    faulty: bool


class Dropped(Exception):
    """The connection is to end without an answer."""


class Exchange:
    """One request, and the way to answer it."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self.on_status: Callable[[int], None] = lambda _: None
        self.method: str = connection.command
        self.target: str = connection.path
        self.path, _, self.query = connection.path.partition("?")
        self.headers = connection.headers
        self.status = 0
        self.silent = False
        self._left = self._iter_body()

    @property
    def host(self) -> str:
        """Host and port as the client wrote them."""
        return self.headers.get("host", "127.0.0.1")

    @property
    def is_chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"

    def iter_body(self) -> Iterator[bytes]:
        """The request's body as it arrives, transfer encoding undone; a second call goes on where the
        first stopped.
        """
        return self._left

    def read(self) -> bytes:
        return b"".join(self._left)

    def reply(self, status: int, headers: Mapping[str, str], body: bytes | Iterable[bytes] = b"") -> None:
        """Answer. A body that is not ``bytes`` is streamed with chunked encoding."""
        if self.silent:
            return
        self.status = status
        self.on_status(status)
        out = self._connection
        out.send_response(status)
        for name, value in headers.items():
            out.send_header(name, value)
        if isinstance(body, bytes):
            out.send_header("Content-Length", str(len(body)))
            out.end_headers()
            out.wfile.write(body)
            return
        out.send_header("Transfer-Encoding", "chunked")
        out.end_headers()
        for piece in body:
            if piece:
                out.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        out.wfile.write(b"0\r\n\r\n")

    def _iter_body(self) -> Iterator[bytes]:
        stream = self._connection.rfile
        if not self.is_chunked:
            left = int(self.headers.get("content-length") or 0)
            while left > 0:
                piece = stream.read1(min(left, CHUNK))
                if not piece:
                    raise Dropped
                left -= len(piece)
                yield piece
            return
        while size := int(stream.readline().split(b";")[0].strip() or b"0", 16):
            yield stream.read(size)
            stream.readline()
        while stream.readline().strip():
            pass  # trailers


class LoopbackServer:
    """Serves ``answer`` on a free port of 127.0.0.1 while the context is open.

    ``now`` gives the seconds since 1970 that the ``Date`` header shows (a test may skew it); a ``now`` that
    gives None leaves the header out.
    ``seen`` lists what was asked, in the order of answering.
    """

    def __init__(
        self, answer: Callable[[Exchange], None], *, now: Callable[[], float | None] | None = None
    ) -> None:
        self.now = now
        self.seen: list[Seen] = []
        self.errors: list[BaseException] = []
        self._answer = answer
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closing = False
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._server = _Server(self)
        # Polling often only shortens the shutdown; requests wake the loop by themselves.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._closing = True
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for fault in self._faults:
                if fault.hold:
                    fault.hold.set()
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        if self.errors and error is None:
            raise AssertionError(f"the server itself failed: {self.errors[0]!r}") from self.errors[0]

    @property
    def port(self) -> int:
        assert self._server is not None, "not started"
        port: int = self._server.server_address[1]
        return port

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT``."""
        return f"http://127.0.0.1:{self.port}"

    def inject(self, fault: Fault) -> Fault:
        """Queue ``fault``; among several that match a request the first one queued acts."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def _take_fault(self, exchange: Exchange) -> Fault | None:
        line = f"{exchange.method} {exchange.target}"
        with self._lock:
            for fault in self._faults:
                if fault.times > 0 and re.search(fault.pattern, line):
                    fault.times -= 1
                    return fault
        return None

    def serve(self, exchange: Exchange) -> bool:
        """Answer one request; whether the connection may be used again."""
        fault = self._take_fault(exchange)
        exchange.on_status = partial(self._record, exchange, is_faulty=fault is not None)
        try:
            self._serve(exchange, fault)
        except (Dropped, OSError):
            pass
        except Exception as error:  # noqa: BLE001 - shown when the test closes the server
            if not self._closing:
                self.errors.append(error)
        else:
            return True
        if exchange.status == 0:
            exchange.on_status(0)
        return False

    def _record(self, exchange: Exchange, status: int, *, is_faulty: bool) -> None:
        with self._lock:
            self.seen.append(Seen(exchange.method, exchange.target, status, is_faulty))

    def _serve(self, exchange: Exchange, fault: Fault | None) -> None:
        if fault is not None and fault.hold is not None:
            fault.hold.wait(timeout=60)
            fault = None
        if fault is None or fault.after:
            exchange.silent = fault is not None
            self._answer(exchange)
            exchange.silent = False
        for _ in exchange.iter_body():
            pass  # what the site did not read must not be taken for the next request
        if fault is not None:
            if fault.status is None:
                raise Dropped
            exchange.reply(fault.status, fault.headers, fault.body)

    def track(self, connection: socket.socket, *, is_open: bool) -> None:
        with self._lock:
            (self._open.add if is_open else self._open.discard)(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # joined on close, so that nothing of one test runs into the next
    request_queue_size = 128

    def __init__(self, owner: LoopbackServer) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """What went wrong in a site is in ``errors`` already; what is left is a client that went away."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "loopback"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True  # headers and body are two writes; Nagle would cost 40 ms each
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.owner.track(self.connection, is_open=True)

    def finish(self) -> None:
        self.server.owner.track(self.connection, is_open=False)
        with suppress(OSError):
            super().finish()

    def date_time_string(self, timestamp: float | None = None) -> str:
        now = self.server.owner.now
        return super().date_time_string(now() if now and timestamp is None else timestamp)

    def send_header(self, keyword: str, value: str) -> None:
        now = self.server.owner.now
        if keyword != "Date" or now is None or now() is not None:
            super().send_header(keyword, value)

    def _serve(self) -> None:
        if not self.server.owner.serve(Exchange(self)):
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - names that http.server calls

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        pass
