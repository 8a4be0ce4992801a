"""A small stateful GitHub: REST API and git over HTTP on one port, on real bare repositories.

    with GitHubFake(tmp_path / "hosted") as hub:
        hosted = hub.create("octo/project")
        token = hub.issue_token("octo")
        forge = GitHubForge("octo/project", token, ..., api_url=hub.api_url)

API paths are served both bare and below ``/api/v3`` (as GitHub Enterprise Server does); repositories at
``/OWNER/NAME`` with or without ``.git``. Every exchange is checked against GitHub's own description
(``github_openapi``); closing the fake fails the test when anything broke it, in either direction. The
rules of GitHub's that this fake knows stand in ``github_repository`` and ``github_operations.ROUTES``; an
operation that it does not know is refused with 404 and reported as a violation.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl

from support.git_http import CHALLENGE, is_push, parse_basic, serve_git
from support.github_objects import ApiError
from support.github_openapi import CheckedRequest, Conformance, describe_request
from support.github_operations import Answer, Call, Route, Token, find_route
from support.github_payloads import Links
from support.github_repository import HostedRepository
from support.hermetic_git import create_bare
from support.loopback import Fault, LoopbackServer, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path
    from types import TracebackType

    from support.loopback import Exchange

API_PREFIX = "/api/v3"
DOCUMENTATION = "https://docs.github.com/rest"
#: What a workflow's own token may do when its job asks for everything that we need.
ALL_PERMISSIONS = {"metadata": "read", "contents": "write", "pull_requests": "write", "actions": "write"}


@dataclass
class GitHubFake:
    """The server. ``now`` gives the seconds since 1970 for the ``Date`` header (None: the real time)."""

    root: Path
    now: Callable[[], float] | None = None
    repositories: dict[str, HostedRepository] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    conformance: Conformance = field(default_factory=Conformance)
    #: Method, path below the repository and fields of each authorised request that had a body.
    written: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = LoopbackServer(self._answer, now=self.now)
        self._tokens: dict[str, Token] = {}
        self._lock = threading.Lock()  # the state is plain; one API request at a time

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        if error is None and self.conformance.violations:
            raise AssertionError("not what GitHub speaks:\n" + "\n".join(self.conformance.violations))

    # -- for tests --------------------------------------------------------------------------------

    @property
    def server_url(self) -> str:
        """As ``GITHUB_SERVER_URL``; clone from ``{server_url}/OWNER/NAME``."""
        return self._server.url

    @property
    def api_url(self) -> str:
        """As ``GITHUB_API_URL`` on GitHub Enterprise Server."""
        return self._server.url + API_PREFIX

    @property
    def seen(self) -> list[Seen]:
        return self._server.seen

    def create(self, full_name: str, branch: str = "main") -> HostedRepository:
        """A new empty repository."""
        owner, _, name = full_name.partition("/")
        hosted = HostedRepository(owner, name, create_bare(self.root / owner / f"{name}.git", branch))
        self.repositories[full_name] = hosted
        return hosted

    def rename(self, full_name: str, new_name: str) -> None:
        """Reads of the old name are redirected, as GitHub does; writes too, by a status that says so."""
        hosted = self.repositories.pop(full_name)
        hosted.owner, _, hosted.name = new_name.partition("/")
        self.repositories[new_name] = hosted
        self.moved[full_name] = new_name

    def issue_token(
        self,
        login: str,
        permissions: Mapping[str, str] | None = None,
        *,
        is_workflow: bool = False,
        repositories: Iterable[str] | None = None,
    ) -> str:
        """A token for ``login``; ``permissions`` are laid over ``ALL_PERMISSIONS`` (``"none"`` removes)."""
        value = f"ghs_{len(self._tokens)}_{'secret' * 5}"
        seen = None if repositories is None else frozenset(repositories)
        granted = {**ALL_PERMISSIONS, **(permissions or {})}
        self._tokens[value] = Token(login, granted, is_workflow=is_workflow, repositories=seen)
        return value

    def clone_url(self, full_name: str, token: str = "") -> str:
        at = f"x-access-token:{token}@" if token else ""
        return f"http://{at}127.0.0.1:{self._server.port}/{full_name}.git"

    def inject(self, fault: Fault) -> Fault:
        """Queue a failure; see :class:`support.loopback.Fault` and :func:`api_fault`."""
        return self._server.inject(fault)

    # -- inside -----------------------------------------------------------------------------------

    def _answer(self, exchange: Exchange) -> None:
        path = exchange.path.removeprefix(API_PREFIX)
        if path.startswith("/repos/") or path != exchange.path:
            self._answer_api(exchange, path)
        else:
            self._answer_git(exchange)

    def _answer_api(self, exchange: Exchange, path: str) -> None:
        body = exchange.read()
        route, values = find_route(exchange.method, path)
        request = None
        if route is not None:
            content_type = exchange.headers.get("content-type", "")
            request = describe_request(
                exchange.method,
                route.template,
                values,
                query=exchange.query,
                content_type=content_type,
                body=body,
            )
        try:
            answer = self._act(exchange, route, values, request)
        except ApiError as error:
            details = {"errors": error.errors} if error.errors else {}
            said = {"message": error.message, **details, "documentation_url": DOCUMENTATION}
            answer = Answer(error.status, {**said, "status": str(error.status)})
        payload = b"" if answer.value is None else json.dumps(answer.value).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "X-GitHub-Request-Id": f"FAKE:{len(self.seen)}",
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": "4999",
            "X-RateLimit-Reset": "1704070800",
            **({"X-Accepted-GitHub-Permissions": f"{route.permission}={route.level}"} if route else {}),
            **answer.headers,
        }
        if request is not None and not 300 <= answer.status < 400:
            self.conformance.check_answer(request, answer.status, headers, payload)
        exchange.reply(answer.status, headers, payload)

    def _act(
        self, exchange: Exchange, route: Route | None, values: dict[str, str], request: CheckedRequest | None
    ) -> Answer:
        if route is None or request is None:
            self.conformance.report(
                f"{exchange.method} {exchange.path}: the fake does not know this operation"
            )
            raise ApiError(404, "Not Found")
        token = self._find_token(exchange)
        if not self.conformance.check_request(request, route.template):
            raise ApiError(422, "Invalid request.")
        with self._lock:
            return self._perform(exchange, route, values, request, token)

    def _perform(
        self, exchange: Exchange, route: Route, values: dict[str, str], request: CheckedRequest, token: Token
    ) -> Answer:
        full_name = f"{values['owner']}/{values['repo']}"
        links = Links(self._api_base(exchange), f"http://{exchange.host}")
        if full_name in self.moved:
            path = exchange.target.replace(full_name, self.moved[full_name], 1)
            status = 301 if exchange.method == "GET" else 307
            said = {"message": "Moved Permanently", "url": path, "documentation_url": DOCUMENTATION}
            return Answer(status, said, {"Location": f"{links.web}{path}"})
        hosted = self.repositories.get(full_name)
        if hosted is None or not token.sees(hosted):
            raise ApiError(404, "Not Found")
        if not token.may(route.permission, route.level):
            raise ApiError(403, "Resource not accessible by integration")
        if hosted.is_archived and route.level == "write":
            raise ApiError(403, "Repository was archived so is read-only.")
        fields = json.loads(request.body or b"{}")
        if request.body:
            self.written.append((exchange.method, exchange.path.rpartition(full_name)[2], fields))
        query = dict(parse_qsl(exchange.query))
        url = links.web + exchange.path
        return route.act(Call(hosted, token, links, values, query, fields, url))

    def _api_base(self, exchange: Exchange) -> str:
        prefix = API_PREFIX if exchange.path.startswith(API_PREFIX) else ""
        return f"http://{exchange.host}{prefix}"

    def _find_token(self, exchange: Exchange) -> Token:
        header = exchange.headers.get("authorization", "")
        scheme, _, value = header.partition(" ")
        if not header:
            raise ApiError(401, "Requires authentication")
        if scheme.lower() not in {"token", "bearer"} or value not in self._tokens:
            raise ApiError(401, "Bad credentials")
        return self._tokens[value]

    def _answer_git(self, exchange: Exchange) -> None:
        found = re.fullmatch(r"/([^/]+/[^/]+?)(?:\.git)?(/.*)", exchange.path)
        full_name = found.group(1) if found else ""
        hosted = self.repositories.get(self.moved.get(full_name, full_name))
        login = parse_basic(exchange.headers.get("authorization"))
        token = self._tokens.get(login.password) if login else None
        is_open = hosted is not None and not hosted.is_private and not is_push(exchange)
        if len(exchange.headers.get_all("authorization") or ()) > 1:
            exchange.reply(400, {"Content-Type": "text/plain"}, b'Duplicate header: "Authorization"\n')
        elif token is None and (login is not None or not is_open):
            exchange.reply(401, CHALLENGE, b"Invalid username or token.\n")
        elif hosted is None or (token is not None and not token.sees(hosted)):
            exchange.reply(404, {"Content-Type": "text/plain"}, b"remote: Repository not found.\n")
        elif is_push(exchange) and token is not None and not token.may("contents", "write"):
            said = f"remote: Permission to {full_name}.git denied to {token.login}.\n"
            exchange.reply(403, {"Content-Type": "text/plain"}, said.encode())
        else:
            assert found is not None
            path = f"/{hosted.path.relative_to(self.root)}{found.group(2)}"
            serve_git(exchange, self.root, path, user=token.login if token else "anonymous")


def api_fault(
    status: int, message: str, pattern: str = "", *, headers: Mapping[str, str] | None = None, times: int = 1
) -> Fault:
    """The next matching requests are answered with this status and GitHub's form of an error."""
    body = json.dumps({"message": message, "documentation_url": DOCUMENTATION}).encode()
    shown = {"Content-Type": "application/json; charset=utf-8", **(headers or {})}
    return Fault(pattern, status=status, headers=shown, body=body, times=times)


def primary_rate_limit(reset: int, pattern: str = "", *, times: int = 1) -> Fault:
    """The hourly allowance is used up; ``reset`` is the second since 1970 when it is filled again."""
    headers = {"X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
    message = "API rate limit exceeded for installation ID 1."
    return api_fault(403, message, pattern, headers=headers, times=times)


def secondary_rate_limit(
    retry_after_s: int, pattern: str = "", *, status: int = 403, times: int = 1
) -> Fault:
    """Too much at once; GitHub says how long to wait."""
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    headers = {"Retry-After": str(retry_after_s), "X-RateLimit-Remaining": "4000"}
    return api_fault(status, message, pattern, headers=headers, times=times)
