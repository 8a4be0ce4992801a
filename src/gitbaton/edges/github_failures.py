"""What GitHub's refusals mean and who can do something about them.

GitHub says the same status for very different things (403: a missing permission, a repository setting, a
rate limit), told apart by wording and headers. The rules are those of "Troubleshooting the REST API",
"Rate limits for the REST API" and "Permissions required for GitHub Apps" in GitHub's documentation.
No I/O here, and nothing of PyGithub.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from gitbaton.errors import BatonError, Refusal, TryAgain, Unreachable

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Waited when GitHub limits the rate without saying for how long (its documentation's advice).
DEFAULT_WAIT_S = 60

_ACTIONS_SETTING = "not permitted to create or approve pull requests"
_ACTIONS_HINT = (
    'turn on "Allow GitHub Actions to create and approve pull requests" in the settings of the repository '
    "or organization (Actions, General, Workflow permissions)"
)
_RATE_LIMIT = re.compile(r"rate limit|abuse detection", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is not a success. ``headers`` have lower-case names. ``details`` is GitHub's
    ``errors`` list as text, one entry each.
    """

    status: int
    message: str
    details: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """All that GitHub said, in one line."""
        said = "; ".join(self.details)
        text = f"{self.message}: {said}" if self.message and said else self.message or said
        return " ".join(text.split()) or f"status {self.status}"

    def says(self, text: str) -> bool:
        return text.lower() in self.words.lower()


def parse_failure(status: int, data: object, headers: Mapping[str, str] | None) -> Failure:
    """``data`` is the decoded body: normally an object with ``message`` and ``errors``, but a proxy in
    between may have answered anything.
    """
    lowered = {name.lower(): str(value) for name, value in (headers or {}).items()}
    if not isinstance(data, dict):
        return Failure(status, "", (), lowered)
    errors = data.get("errors")
    details = tuple(_word_detail(error) for error in errors) if isinstance(errors, list) else ()
    message = data.get("message")
    return Failure(status, message if isinstance(message, str) else "", details, lowered)


def _word_detail(error: object) -> str:
    """An entry of ``errors``: a sentence, or an object with a message or a field and a code."""
    if not isinstance(error, dict):
        return str(error)
    return str(
        error.get("message") or f"{error.get('field', error.get('resource', '?'))}: {error.get('code', '?')}"
    )


def read_failure(failure: Failure, *, doing: str, repository: str, needs: str) -> BatonError:
    """The error to raise. ``doing`` completes "could not …"; ``needs`` is the permission in the spelling
    of a workflow file (``pull-requests: write``), used where GitHub does not name it.
    """
    limited = _is_rate_limit(failure)
    if limited:
        wait_s = find_wait_s(failure)
        return TryAgain(
            f"GitHub limits how often this token may ask; could not {doing}",
            code="rate-limited",
            hint=f"try again in {wait_s} s",
            data={"retry_after_s": wait_s},
        )
    if failure.status >= 500:  # noqa: PLR2004 - HTTP's class of server errors
        return Unreachable(
            f"GitHub answered with status {failure.status}; could not {doing}",
            code="forge-unreachable",
            hint="try again; https://www.githubstatus.com tells of outages",
        )
    code, hint = _advise(failure, repository, needs)
    return Refusal(f"GitHub refused; could not {doing}: {failure.words}", code=code, hint=hint)


def find_wait_s(failure: Failure) -> int:
    """Seconds until GitHub will listen again: ``Retry-After``, else the reset of the hourly allowance
    by the server's own clock.
    """
    headers = failure.headers
    if headers.get("retry-after", "").isdigit():
        return int(headers["retry-after"])
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        try:
            now = parsedate_to_datetime(headers["date"]).timestamp()
        except (KeyError, ValueError):
            return DEFAULT_WAIT_S
        return max(1, round(int(headers["x-ratelimit-reset"]) - now) + 1)
    return DEFAULT_WAIT_S


def _is_rate_limit(failure: Failure) -> bool:
    if failure.status == 429:  # noqa: PLR2004 - Too Many Requests
        return True
    return failure.status == 403 and (  # noqa: PLR2004 - Forbidden
        "retry-after" in failure.headers
        or failure.headers.get("x-ratelimit-remaining") == "0"
        or bool(_RATE_LIMIT.search(failure.message))
    )


def _advise(failure: Failure, repository: str, needs: str) -> tuple[str, str]:
    """Stable code and hint of a refusal."""
    match failure.status:
        case 401:
            return "forge-auth", "the token is wrong or has expired: set GITHUB_TOKEN to a valid one"
        case 403:
            return _advise_forbidden(failure, needs)
        case 404:
            return (
                "forge-not-found",
                f"check the name {repository}, and that the token may see it (GitHub hides what it may not)",
            )
        case _:
            return "forge-refused", "change what GitHub names, then run the same command again"


def _advise_forbidden(failure: Failure, needs: str) -> tuple[str, str]:
    if failure.says(_ACTIONS_SETTING):
        return "forge-setting", _ACTIONS_HINT
    if failure.says("archived"):
        return "forge-archived", "the repository is archived: unarchive it in its settings"
    sso = re.search(r"url=(\S+)", failure.headers.get("x-github-sso", ""))
    if sso:
        return "forge-auth", f"authorize the token for the organization's single sign-on: {sso[1]}"
    named = _name_permissions(failure.headers.get("x-accepted-github-permissions", "")) or needs
    if named in {f"{needs.partition(':')[0]}: {level}" for level in ("read", "write")}:
        named = needs  # the header speaks of one request; the next one of the same errand may need more
    return (
        "forge-permission",
        f"the token needs the permission {named}; in a workflow, add it under permissions:",
    )


def _name_permissions(header: str) -> str:
    """``contents=write,workflows=write; pull_requests=write`` (";" separates alternatives) in the
    spelling of a workflow file.
    """
    alternatives = [
        " and ".join(each.strip().replace("_", "-").replace("=", ": ") for each in alternative.split(","))
        for alternative in header.split(";")
        if alternative.strip()
    ]
    return " or ".join(alternatives)
