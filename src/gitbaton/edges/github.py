"""GitHub as a forge: pull requests through PyGithub. The only file that knows PyGithub.

Each question is bounded in time; reads are repeated a few times, writes never, because a write whose
answer was lost may have happened. Every operation can therefore simply be run again: publishing goes by
head branch, merging notices that it is done.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from github import Auth, BadAttributeException, Github, GithubException  # noqa: TID251 - this is that one file
from github.GithubObject import NotSet  # noqa: TID251 - this is that one file
from requests.exceptions import RequestException, SSLError, Timeout
from urllib3 import Retry

from gitbaton.domain.managed_text import clip_text, place_managed_text
from gitbaton.edges.github_failures import Failure, parse_failure, read_failure
from gitbaton.edges.github_remarks import OUR_MARK, read_comment, read_review
from gitbaton.errors import BatonError, LostRace, Refusal, TryAgain, Unreachable
from gitbaton.ports import Review

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from github.PullRequest import PullRequest  # noqa: TID251 - this is that one file
    from github.Repository import Repository  # noqa: TID251 - this is that one file

    from gitbaton.domain.workflow_run import WorkflowRun
    from gitbaton.ports import RefUpdate, Remark

PUBLIC_API = "https://api.github.com"
#: GitHub's limits on a pull request, in characters; longer ones are refused as a whole.
TITLE_MAX = 256
BODY_MAX = 65_536
#: Pull requests of one head branch that are looked at, newest first.
PULLS_MAX = 100
READ_ATTEMPTS = 3

# PyGithub prints its notices (redirects, waits) to stderr by itself; what to print is a face's decision.
logging.getLogger("github").setLevel(logging.WARNING)


class GitHubForge:
    """Reviews as pull requests of ``repository`` (``owner/name``).

    ``token`` is sent to ``api_url`` and nowhere else, and shown nowhere. ``timeout_s`` bounds connecting
    and each wait for data; ``backoff_s`` scales the pause before a read is repeated.
    """

    kind: Literal["github", "local"] = "github"

    def __init__(
        self,
        repository: str,
        token: str,
        *,
        api_url: str = PUBLIC_API,
        timeout_s: int = 15,
        backoff_s: float = 0.5,
    ) -> None:
        if not re.fullmatch(r"[!-~]+", token):
            raise Refusal(
                "there is no usable token for GitHub" if token else "there is no token for GitHub",
                code="forge-auth",
                hint="set GITHUB_TOKEN to a token, without spaces or line breaks",
            )
        if not re.match(r"https?://[^/]", api_url):
            raise Refusal(
                f"{api_url!r} is no address of GitHub's API",
                code="forge-address",
                hint="set GITHUB_API_URL, for example https://github.example.com/api/v3",
            )
        self.repository = repository
        self.api_url = api_url.rstrip("/")
        self._client = Github(
            auth=Auth.Token(token),
            base_url=self.api_url,
            timeout=timeout_s,
            user_agent="gitbaton",
            per_page=PULLS_MAX,
            # PyGithub's own policy repeats writes and sleeps through rate limits for up to an hour.
            retry=Retry(
                total=READ_ATTEMPTS - 1,
                allowed_methods={"GET"},
                status_forcelist={500, 502, 503, 504},
                backoff_factor=backoff_s,
                raise_on_status=False,
                respect_retry_after_header=False,
            ),
            # Its pauses between requests are for programs that send thousands.
            seconds_between_requests=0,
            seconds_between_writes=0,
        )
        self._hosted: Repository | None = None

    def __repr__(self) -> str:
        return f"GitHubForge({self.repository!r}, api_url={self.api_url!r})"

    def disconnect(self) -> None:
        """Close the connections. The forge may still be used; it connects again."""
        self._client.close()

    # -- the port ---------------------------------------------------------------------------------

    def find_review(self, head: str) -> Review | None:
        with self._asking("look for pull requests", needs="pull-requests: read"):
            pull = self._find_open(head) or next(self._iter_pulls(head, "closed"), None)
            return _read_review(pull) if pull else None

    def publish_review(self, head: str, base: str, title: str, body: str) -> Review:
        """As the port says. An open pull request keeps its base (a person may have changed it), and all
        of its description outside our markers.
        """
        with self._asking("open a pull request", needs="pull-requests: write"):
            pull = self._find_open(head, base) or self._open(head, base, title, body)
            self._bring_up_to_date(pull, title, body)
            return _read_review(pull)

    def comment(self, review: Review, body: str) -> None:
        with self._asking("comment on the pull request", needs="pull-requests: write"):
            marked = f"{clip_text(body, BODY_MAX - len(OUR_MARK) - 2)}\n\n{OUR_MARK}"
            self._get_pull(review).create_issue_comment(marked)

    def list_verdicts(self, review: Review) -> Sequence[Remark]:
        with self._asking("read the reviews of the pull request", needs="pull-requests: read"):
            reviews = self._get_pull(review).get_reviews()
            return [read_review(r) for r in reviews if r.state not in ("PENDING", "DISMISSED")]

    def list_comments(self, review: Review) -> Sequence[Remark]:
        with self._asking("read the comments of the pull request", needs="pull-requests: read"):
            pull = self._get_pull(review)
            found = [read_comment(c) for c in (*pull.get_issue_comments(), *pull.get_review_comments())]
            return sorted(found, key=lambda remark: remark.at)

    def merge(
        self, review: Review, *, head_oid: str, title: str, record: Callable[[str, Sequence[RefUpdate]], None]
    ) -> str:
        """As the port says, with a merge commit where the repository allows it, else squashed, else
        rebased. A merge that is there already, of this very head, is only recorded.
        """
        with self._asking("merge the pull request", needs="contents: write"):
            pull = self._get_pull(review)
            commit = self._find_merge(pull, head_oid) or self._merge(pull, head_oid, title)
        record(commit, ())
        return commit

    def close(self, review: Review) -> None:
        with self._asking("close the pull request", needs="pull-requests: write"):
            pull = self._get_pull(review)
            if pull.state == "open":
                pull.edit(state="closed")

    def has_run_ended(self, run: WorkflowRun) -> bool | None:
        """As the port says. A run that GitHub doesn't know (any more) may have ended or never have been."""
        with self._asking("look at a workflow run", needs="actions: read"):
            if not self._is_ours(run):
                return None
            try:
                status: str = self._get_hosted().get_workflow_run(run.id).status
            except GithubException as error:
                if _parse(error).status == 404:  # noqa: PLR2004 - Not Found
                    return None
                raise
            return status == "completed"

    # -- inside -----------------------------------------------------------------------------------

    def _get_hosted(self) -> Repository:
        """The repository itself, asked for once: a renamed one is known by its new name from here on."""
        if self._hosted is None:
            self._hosted = self._client.get_repo(self.repository)
        return self._hosted

    def _is_ours(self, run: WorkflowRun) -> bool:
        """Whether ``run`` is one of this very repository, on this server."""
        hosted = self._get_hosted()
        home = urlsplit(hosted.html_url).netloc.lower()
        return (run.repository in (None, self.repository.lower(), hosted.full_name.lower())) and (
            run.host in (None, home)
        )

    def _get_pull(self, review: Review) -> PullRequest:
        if review.number is None:
            raise ValueError("a review without a number is none of GitHub's")
        return self._get_hosted().get_pull(review.number)

    def _iter_pulls(self, head: str, state: str) -> Iterator[PullRequest]:
        """Pull requests of our own branch ``head``, newest first. GitHub filters by the owner's name, which
        lets in forks of the same owner, and ignores filters that it can't read.
        """
        hosted = self._get_hosted()
        listed = hosted.get_pulls(
            state=state, sort="created", direction="desc", head=f"{hosted.owner.login}:{head}"
        )
        for pull in islice(listed, PULLS_MAX):
            origin: Repository | None = pull.head.repo  # None once a fork was deleted
            if pull.head.ref == head and origin is not None and origin.full_name == hosted.full_name:
                yield pull

    def _find_open(self, head: str, base: str | None = None) -> PullRequest | None:
        """The newest open one, one against ``base`` before others."""
        pulls = list(self._iter_pulls(head, "open"))
        return next((pull for pull in pulls if pull.base.ref == base), pulls[0] if pulls else None)

    def _open(self, head: str, base: str, title: str, body: str) -> PullRequest:
        try:
            return self._get_hosted().create_pull(
                base, head, title=_fit_title(title), body=place_managed_text(None, body, BODY_MAX)
            )
        except GithubException as error:
            failure = _parse(error)
            if failure.status == 422 and failure.says("already exists"):  # noqa: PLR2004 - Unprocessable
                found = self._find_open(head, base)
                if found is not None:
                    return found
            if failure.says("No commits between"):
                raise Refusal(
                    f"{head} holds nothing that {base} has not",
                    code="no-difference",
                    hint="there is nothing to review",
                ) from error
            raise

    def _bring_up_to_date(self, pull: PullRequest, title: str, body: str) -> None:
        wanted_title, wanted_body = _fit_title(title), place_managed_text(pull.body, body, BODY_MAX)
        is_new_title, is_new_body = pull.title != wanted_title, (pull.body or "") != wanted_body
        if is_new_title or is_new_body:
            pull.edit(
                title=wanted_title if is_new_title else NotSet, body=wanted_body if is_new_body else NotSet
            )

    def _find_merge(self, pull: PullRequest, head_oid: str) -> str | None:
        """The commit that merged this head earlier (by a person, or by us when the answer got lost)."""
        if not pull.merged:
            return None
        if pull.head.sha != head_oid:
            raise LostRace(
                [f"refs/heads/{pull.head.ref}"], message=f"#{pull.number} was merged at another commit"
            )
        return pull.merge_commit_sha

    def _merge(self, pull: PullRequest, head_oid: str, title: str) -> str:
        head_ref, base_ref = f"refs/heads/{pull.head.ref}", f"refs/heads/{pull.base.ref}"
        if pull.state != "open":
            raise Refusal(
                f"pull request #{pull.number} is closed", code="not-open", hint="reopen it on GitHub"
            )
        if pull.head.sha != head_oid:
            raise LostRace([head_ref])
        try:
            return pull.merge(commit_title=title, merge_method=self._choose_merge_method(), sha=head_oid).sha
        except GithubException as error:
            failure = _parse(error)
            if failure.status == 409:  # noqa: PLR2004 - Conflict: the head moved
                raise LostRace([head_ref]) from error
            if failure.status == 405 and failure.says("base branch was modified"):  # noqa: PLR2004 - not now
                raise LostRace([base_ref]) from error
            # GitHub finds out about conflicts in the background; None = it has not yet.
            mergeable: bool | None = pull.mergeable
            if failure.status == 405 and failure.says("not mergeable") and mergeable is None:  # noqa: PLR2004 - as below
                raise TryAgain(
                    f"GitHub does not know yet whether #{pull.number} can be merged",
                    code="not-known-yet",
                    hint="run the same command again in a few seconds",
                ) from error
            if failure.status == 405:  # noqa: PLR2004 - not in this condition
                raise Refusal(
                    f"GitHub does not merge #{pull.number}: {failure.words}",
                    code="not-mergeable",
                    hint=_advise_merge(failure, pull),
                ) from error
            raise

    def _choose_merge_method(self) -> str:
        """Who may not change the repository's settings is not told them (None): then try to merge."""
        hosted = self._get_hosted()
        if hosted.allow_merge_commit is not False:
            return "merge"
        return "squash" if hosted.allow_squash_merge is not False else "rebase"

    @contextmanager
    def _asking(self, doing: str, *, needs: str) -> Iterator[None]:
        """Every way in which asking GitHub can fail, as our errors."""
        try:
            yield
        except GithubException as error:
            raise read_failure(_parse(error), doing=doing, repository=self.repository, needs=needs) from error
        except Timeout as error:
            raise self._unreachable("did not answer in time", doing) from error
        except SSLError as error:
            raise self._unreachable("shows no certificate that this machine trusts", doing) from error
        except RequestException as error:
            # A read that timed out each time is reported as a mere connection error.
            what = "did not answer in time" if "timed out" in str(error) else "could not be reached"
            raise self._unreachable(what, doing) from error
        except (BadAttributeException, AssertionError, RuntimeError, AttributeError, TypeError) as error:
            # What PyGithub makes of addresses and objects that are not GitHub's.
            raise Refusal(
                f"{self.api_url} does not answer as GitHub's API does; could not {doing}",
                code="forge-address",
                hint="check GITHUB_API_URL",
            ) from error

    def _unreachable(self, what: str, doing: str) -> BatonError:
        return Unreachable(
            f"GitHub at {self.api_url} {what}; could not {doing}",
            code="forge-unreachable",
            hint="check the connection (and HTTPS_PROXY), then try again",
        )


def _parse(error: GithubException) -> Failure:
    return parse_failure(error.status, error.data, error.headers)


def _fit_title(title: str) -> str:
    return clip_text(" ".join(title.split()), TITLE_MAX)


def _advise_merge(failure: Failure, pull: PullRequest) -> str:
    if failure.says("draft"):
        return "mark the pull request as ready for review"
    if failure.says("not mergeable"):
        return f"bring {pull.base.ref} into {pull.head.ref} and solve the conflicts, or retry the task"
    return "meet the rules of the branch, then run the same command again"


def _read_review(pull: PullRequest) -> Review:
    is_merged = pull.merged_at is not None
    return Review(
        head=pull.head.ref,
        base=pull.base.ref,
        state="merged" if is_merged else "open" if pull.state == "open" else "closed",
        number=pull.number,
        url=pull.html_url,
        # While it is open this names a trial merge that nobody made.
        merge_commit=pull.merge_commit_sha if is_merged else None,
        ended=pull.closed_at.isoformat() if pull.closed_at else None,
        head_oid=pull.head.sha,
    )
