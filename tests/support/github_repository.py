"""One repository of the GitHub fake: pull requests and their rules, on a real bare repository.

Nothing about HTTP here. What GitHub refuses is raised as :class:`ApiError` with the status and wording
that GitHub uses, because clients read both. What exists, differs, conflicts and is merged is asked of git.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.github_objects import ApiError, Comment, Dispatch, Pull, PullReview, invalid
from support.hermetic_git import git, git_environment, try_git

if TYPE_CHECKING:
    from pathlib import Path

#: Refuses pushes to protected branches, in the words of GitHub's server.
UPDATE_HOOK = """#!/bin/sh
for name in $(git config --get-all fake.protected); do
  if [ "$1" = "refs/heads/$name" ]; then
    echo "error: GH006: Protected branch update failed for $1." >&2
    exit 1
  fi
done
"""


class HostedRepository:
    """The state of ``owner/name``; ``path`` is its bare repository.

    Attributes are the settings that a test may change: ``merge_methods``, ``is_private``, ``is_archived``,
    ``actions_may_open_pulls`` ("Allow GitHub Actions to create and approve pull requests"),
    ``knows_mergeability`` (GitHub finds out in the background, so a fresh pull request may not tell),
    ``filters_by_head`` (GitHub ignores a filter that it can't read and lists everything), ``runs`` (status of
    each workflow run by its id: ``queued``, ``in_progress``, ``completed`` …), ``strangers`` (who has no part in
    the repository; everybody else is a collaborator).
    """

    def __init__(self, owner: str, name: str, path: Path) -> None:
        self.owner = owner
        self.name = name
        self.path = path
        self.merge_methods = {"merge", "squash"}
        self.is_private = False
        self.is_archived = False
        self.actions_may_open_pulls = True
        self.knows_mergeability = True
        self.filters_by_head = True
        self.pulls: dict[int, Pull] = {}
        self.dispatched: list[Dispatch] = []
        self.runs: dict[int, str] = {}
        self.strangers: set[str] = set()
        self.approvals_needed: dict[str, int] = {}
        self._ticks = 0
        self._ids = 0
        hook = path / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(UPDATE_HOOK, "utf-8")
        hook.chmod(0o755)
        git(path, "config", "receive.hideRefs", "refs/pull")

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"

    @property
    def default_branch(self) -> str:
        return git(self.path, "symbolic-ref", "--short", "HEAD")

    def protect(self, branch: str, approvals: int = 1) -> None:
        """Nobody may push to ``branch``; merging into it wants ``approvals``."""
        self.approvals_needed[branch] = approvals
        git(self.path, "config", "--add", "fake.protected", branch)

    def tick(self) -> str:
        """A new point in time, one second after the last: sorting by time is never a matter of luck."""
        self._ticks += 1
        return f"2024-01-01T{self._ticks // 3600:02}:{self._ticks // 60 % 60:02}:{self._ticks % 60:02}Z"

    # -- what git knows ---------------------------------------------------------------------------

    def find_oid(self, ref: str) -> str | None:
        found = try_git(self.path, "rev-parse", "--verify", "--quiet", "--end-of-options", ref)
        return found.stdout.strip() or None

    def find_branch(self, name: str) -> str | None:
        return self.find_oid(f"refs/heads/{name}")

    def count(self, revisions: str) -> int:
        return int(git(self.path, "rev-list", "--count", revisions))

    def merge_trees(self, base: str, head: str) -> str | None:
        """The tree of a merge, None if it conflicts."""
        merged = try_git(self.path, "merge-tree", "--write-tree", base, head)
        return merged.stdout.split()[0] if merged.returncode == 0 else None

    # -- pull requests ----------------------------------------------------------------------------

    def settle(self) -> None:
        """Take in what pushes did since: heads move, a pushed merge merges, a deleted head closes."""
        for pull in self.pulls.values():
            if pull.state != "open":
                continue
            head, base = self.find_branch(pull.head), self.find_branch(pull.base)
            if head is None or base is None:
                self._close(pull)
                continue
            if head != pull.head_oid:
                git(self.path, "update-ref", f"refs/pull/{pull.number}/head", head)
            pull.head_oid = head
            if self.count(f"{base}..{head}") == 0:
                pull.merge_commit = base
                self._close(pull, merged_by=pull.author)
                continue
            pull.base_oid = base

    def get_pull(self, number: int) -> Pull:
        self.settle()
        if number not in self.pulls:
            raise ApiError(404, "Not Found")
        return self.pulls[number]

    def open_pull(self, author: str, fields: dict[str, Any]) -> Pull:
        self.settle()
        owner, _, head = fields["head"].rpartition(":")
        head_oid, base_oid = self.find_branch(head), self.find_branch(fields["base"])
        if base_oid is None:
            raise invalid("PullRequest", "invalid", field_name="base")
        if head_oid is None or owner not in {"", self.owner}:
            raise invalid("PullRequest", "invalid", field_name="head")
        if not fields.get("title"):
            raise invalid("PullRequest", "missing_field", field_name="title")
        if self.count(f"{base_oid}..{head_oid}") == 0:
            message = f"No commits between {fields['base']} and {head}"
            raise invalid("PullRequest", "custom", message=message)
        self._refuse_duplicate(head, fields["base"])
        now = self.tick()
        pull = Pull(
            number=len(self.pulls) + 1,
            head=head,
            base=fields["base"],
            title=fields["title"],
            body=fields.get("body"),
            author=author,
            created_at=now,
            updated_at=now,
            head_oid=head_oid,
            base_oid=base_oid,
            draft=bool(fields.get("draft")),
        )
        self.pulls[pull.number] = pull
        git(self.path, "update-ref", f"refs/pull/{pull.number}/head", head_oid)
        return pull

    def edit_pull(self, pull: Pull, fields: dict[str, Any]) -> None:
        if fields.get("base", pull.base) != pull.base and self.find_branch(fields["base"]) is None:
            raise invalid("PullRequest", "invalid", field_name="base")
        if fields.get("state") == "open" and pull.state == "closed":
            if pull.merged_at or self.find_branch(pull.head) is None:
                raise invalid(
                    "PullRequest", "invalid", field_name="state", message="state cannot be changed."
                )
            self._refuse_duplicate(pull.head, pull.base)
            pull.state, pull.closed_at = "open", None
        if fields.get("state") == "closed" and pull.state == "open":
            self._close(pull)
        pull.title = fields.get("title", pull.title)
        pull.body = fields.get("body", pull.body)
        pull.base = fields.get("base", pull.base)
        pull.updated_at = self.tick()

    def add_comment(self, pull: Pull, author: str, body: str) -> Comment:
        if not body.strip():
            raise invalid("IssueComment", "missing_field", field_name="body")
        comment = Comment(self._new_id(), author, body, self.tick())
        pull.comments.append(comment)
        return comment

    def add_line_comment(self, pull: Pull, author: str, path: str, line: int, body: str) -> Comment:
        comment = Comment(self._new_id(), author, body, self.tick(), path, line)
        pull.line_comments.append(comment)
        return comment

    def add_review(self, pull: Pull, author: str, fields: dict[str, Any]) -> PullReview:
        states = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
        event = fields.get("event", "")
        if author == pull.author and event in {"APPROVE", "REQUEST_CHANGES"}:
            verb = "approve" if event == "APPROVE" else "request changes on"
            raise ApiError(422, "Unprocessable Entity", [f"Can not {verb} your own pull request"])
        review = PullReview(
            self._new_id(),
            author,
            states.get(event, "PENDING"),
            fields.get("body", ""),
            fields.get("commit_id", pull.head_oid),
            self.tick(),
        )
        pull.reviews.append(review)
        return review

    def merge_pull(self, pull: Pull, author: str, fields: dict[str, Any]) -> str:
        """Make the merge commit in the bare repository and return its id."""
        method = fields.get("merge_method", "merge")
        if pull.state != "open":
            raise ApiError(405, "Pull Request is not mergeable")
        if pull.draft:
            raise ApiError(405, "Pull Request is still a draft")
        if fields.get("sha", pull.head_oid) != pull.head_oid:
            raise ApiError(409, "Head branch was modified. Review and try the merge again.")
        if method not in self.merge_methods:
            word = {"merge": "Merge commits", "squash": "Squash merges", "rebase": "Rebase merges"}[method]
            raise ApiError(405, f"{word} are not allowed on this repository.")
        self._refuse_unapproved(pull)
        tree = self.merge_trees(pull.base_oid, pull.head_oid)
        if tree is None:
            raise ApiError(405, "Pull Request is not mergeable")
        parents = [pull.base_oid] if method == "squash" else [pull.base_oid, pull.head_oid]
        commit = self._commit(pull, tree, author, fields, parents)
        moved = try_git(self.path, "update-ref", f"refs/heads/{pull.base}", commit, pull.base_oid)
        if moved.returncode != 0:
            raise ApiError(405, "Base branch was modified. Review and try the merge again.")
        pull.merge_commit = commit
        self._close(pull, merged_by=author)
        return commit

    def dispatch(self, workflow: str, fields: dict[str, Any]) -> None:
        ref = fields["ref"]
        if self.find_oid(ref) is None and self.find_branch(ref) is None:
            raise ApiError(422, f"No ref found for: {ref}")
        text = try_git(self.path, "show", f"{ref}:.github/workflows/{workflow}")
        if text.returncode != 0:
            raise ApiError(404, "Not Found")
        if "workflow_dispatch" not in text.stdout:
            raise ApiError(422, "Workflow does not have 'workflow_dispatch' trigger")
        self.dispatched.append(Dispatch(workflow, ref, dict(fields.get("inputs") or {})))

    # -- inside -----------------------------------------------------------------------------------

    def _new_id(self) -> int:
        self._ids += 1
        return 1000 + self._ids

    def _close(self, pull: Pull, merged_by: str | None = None) -> None:
        pull.state = "closed"
        pull.closed_at = pull.updated_at = self.tick()
        if merged_by:
            pull.merged_at, pull.merged_by = pull.closed_at, merged_by

    def _refuse_duplicate(self, head: str, base: str) -> None:
        for other in self.pulls.values():
            if other.state == "open" and (other.head, other.base) == (head, base):
                message = f"A pull request already exists for {self.owner}:{head}."
                raise invalid("PullRequest", "custom", message=message)

    def _refuse_unapproved(self, pull: Pull) -> None:
        needed = self.approvals_needed.get(pull.base, 0)
        latest = {review.author: review.state for review in pull.reviews if review.state != "COMMENTED"}
        if "CHANGES_REQUESTED" in latest.values() and needed:
            raise ApiError(405, "Changes have been requested by a reviewer with write access.")
        if sum(state == "APPROVED" for state in latest.values()) < needed:
            message = f"At least {needed} approving review is required by reviewers with write access."
            raise ApiError(405, message)

    def _commit(self, pull: Pull, tree: str, author: str, fields: dict[str, Any], parents: list[str]) -> str:
        title = (
            fields.get("commit_title") or f"Merge pull request #{pull.number} from {self.owner}/{pull.head}"
        )
        message = "\n\n".join(part for part in (title, fields.get("commit_message", pull.title)) if part)
        environment = git_environment(
            GIT_AUTHOR_NAME=author,
            GIT_AUTHOR_EMAIL=f"{author}@users.noreply.github.com",
            GIT_COMMITTER_NAME="GitHub",
            GIT_COMMITTER_EMAIL="noreply@github.com",
        )
        arguments = [argument for parent in parents for argument in ("-p", parent)]
        return git(self.path, "commit-tree", *arguments, tree, env=environment, stdin=message + "\n")
