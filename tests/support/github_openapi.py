"""Checks every exchange with the GitHub fake against GitHub's own OpenAPI description.

Both directions count: a request that GitHub would not understand is our client's fault, an answer that
GitHub would never give is the fake's. The description is ``github_openapi.json`` (a subset, written by
``vendor_github_openapi.py``); it is read more strictly than it is written:

* a field in a request body and a query parameter that it does not know are violations (GitHub ignores
  them in silence, which is how misspelt options go unnoticed);
* the answers that any operation may give (bad token, no permission, no such thing, invalid request,
  rate limit, server error) are accepted everywhere with the body that the description calls
  ``basic-error``. It lists them for some operations only.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

DESCRIPTION = Path(__file__).with_name("github_openapi.json")
GENERAL_ANSWERS = ("401", "403", "404", "422", "429", "500", "502", "503")


@dataclass
class CheckedRequest:
    """A request in the form that openapi-core reads. ``path`` is without a prefix like ``/api/v3``."""

    method: str
    path: str
    parameters: RequestParameters
    body: bytes | None
    content_type: str
    host_url: str = "https://api.github.com"


def describe_request(
    method: str, template: str, values: Mapping[str, str], *, query: str, content_type: str, body: bytes
) -> CheckedRequest:
    """A request to the operation at path ``template``, with ``values`` in the template's braces."""
    # An id with a slash (a ref) is one path segment only when it is encoded.
    path = template.format_map({name: quote(value, safe="") for name, value in values.items()})
    parameters = RequestParameters(query=ImmutableMultiDict(parse_qs(query)), header=Headers())
    return CheckedRequest(method.lower(), path, parameters, body or None, content_type)


@dataclass
class CheckedResponse:
    """An answer in the form that openapi-core reads."""

    status_code: int
    data: bytes | None
    headers: Mapping[str, str]
    content_type: str = field(init=False)

    def __post_init__(self) -> None:
        self.content_type = self.headers.get("Content-Type", "")


@cache
def load_description() -> dict[str, Any]:
    """The vendored subset, with the general answers added to each operation."""
    description: dict[str, Any] = json.loads(DESCRIPTION.read_text("utf-8"))
    error = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/basic-error"}}}}
    for _, _, operation in iter_operations(description):
        for status in GENERAL_ANSWERS:
            operation["responses"].setdefault(status, error)
    return description


def iter_operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method (lower case), path template and operation object of each operation."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


@cache
def _checkers() -> tuple[OpenAPI, OpenAPI]:
    """One for requests (no field beyond the known ones), one for answers."""
    description = load_description()
    # None is documented to skip the check of the description itself; the annotation forgets it.
    strict = Config(spec_validator_cls=None, additional_properties_default_policy="forbid")  # type: ignore[arg-type]
    lenient = Config(spec_validator_cls=None)  # type: ignore[arg-type]
    return OpenAPI.from_dict(description, config=strict), OpenAPI.from_dict(description, config=lenient)


class Conformance:
    """Collects what one server's exchanges got wrong, in ``violations``."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self._lock = threading.Lock()

    def check_request(self, request: CheckedRequest, template: str) -> bool:
        """Whether GitHub would understand ``request`` to the operation at path ``template``."""
        requests, _ = _checkers()
        with self._lock:
            wrong = [*_word(requests.iter_request_errors(request)), *_unknown_query(request, template)]
            where = f"request {request.method.upper()} {template}"
            self.violations += [f"{where}: {found}" for found in wrong]
        return not wrong

    def check_answer(
        self, request: CheckedRequest, status: int, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Check an answer; ``request`` says to which operation."""
        _, answers = _checkers()
        response = CheckedResponse(status, body or None, headers)
        with self._lock:
            wrong = _word(answers.iter_response_errors(request, response))
            where = f"answer {status} to {request.method.upper()} {request.path}"
            self.violations += [f"{where}: {found}" for found in wrong]

    def report(self, violation: str) -> None:
        """Note something that the description can't say."""
        with self._lock:
            self.violations.append(violation)


def _word(errors: Iterable[Exception]) -> list[str]:
    """One line per mistake; openapi-core's own text quotes whole bodies."""
    lines: list[str] = []
    for error in errors:
        causes = getattr(error.__cause__, "schema_errors", None)
        if causes is None:
            lines.append(str(error))
            continue
        lines += [f"{type(error).__name__}: {cause.json_path}: {cause.message[:300]}" for cause in causes]
    return lines


def _unknown_query(request: CheckedRequest, template: str) -> list[str]:
    description = load_description()
    known: set[str] = set()
    for listed in description["paths"][template].get(request.method, {}).get("parameters", ()):
        named = listed
        if "$ref" in listed:
            named = description["components"]["parameters"][listed["$ref"].rsplit("/", 1)[1]]
        if named["in"] == "query":
            known.add(named["name"])
    return [f"unknown query parameter {name!r}" for name in request.parameters.query if name not in known]
