"""Where the tests of the GitHub forge begin: a hosted repository and somebody who works in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from gitbaton.edges.github import GitHubForge
from support.github_fake import GitHubFake
from support.hermetic_git import commit_files, git

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gitbaton.ports import RefUpdate
    from support.github_repository import HostedRepository

HEAD = "baton/add-login"
TITLE = "Add login"


class Story(NamedTuple):
    """A hosted repository with a first commit on main, and a checkout that may push."""

    hub: GitHubFake
    hosted: HostedRepository
    checkout: Path
    recorded: list[str]

    def forge(self, token: str = "", **options: int) -> GitHubForge:
        return GitHubForge(
            "octo/project",
            token or self.hub.issue_token("octo"),
            api_url=self.hub.api_url,
            backoff_s=0,
            **options,
        )

    def record(self, commit: str, updates: Sequence[RefUpdate]) -> None:
        """What a merge is recorded with: the commit alone, because the server moved the base branch."""
        assert not updates
        self.recorded.append(commit)

    def push_work(self, text: str, branch: str = HEAD) -> str:
        """A commit on ``branch``, made from main if it is new; its id."""
        known = self.hosted.find_branch(branch)
        git(self.checkout, "fetch", "--quiet", "origin")
        git(self.checkout, "checkout", "--quiet", "-B", branch, known or "origin/main")
        oid = commit_files(self.checkout, {"login.txt": text}, "work")
        git(self.checkout, "push", "--quiet", "origin", branch)
        return oid

    def push_main(self, name: str, text: str) -> str:
        git(self.checkout, "fetch", "--quiet", "origin")
        git(self.checkout, "checkout", "--quiet", "-B", "main", "origin/main")
        oid = commit_files(self.checkout, {name: text}, "main moves")
        git(self.checkout, "push", "--quiet", "origin", "main")
        return oid

    def requests(self, method: str) -> int:
        return sum(seen.method == method for seen in self.hub.seen if "/repos/" in seen.target)


@contextmanager
def open_story(folder: Path) -> Iterator[Story]:
    """A story in ``folder``; leaving it fails the test if anything broke GitHub's protocol."""
    with GitHubFake(folder / "hosted") as hub:
        hosted = hub.create("octo/project")
        checkout = folder / "checkout"
        url = hub.clone_url("octo/project", hub.issue_token("octo"))
        git(folder, "clone", "--quiet", url, str(checkout))
        commit_files(checkout, {"readme.md": "hello\n"}, "first")
        git(checkout, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        yield Story(hub, hosted, checkout, [])
