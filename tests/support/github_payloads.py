"""What the GitHub fake's objects look like on the wire. Shapes are checked by ``github_openapi``."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from support.hermetic_git import git

if TYPE_CHECKING:
    from support.github_objects import Comment, Pull, PullReview
    from support.github_repository import HostedRepository

#: Links of a repository object that are the API address plus the link's own name; clients follow few.
REPOSITORY_LINKS = [
    "archive",
    "assignees",
    "blobs",
    "branches",
    "collaborators",
    "comments",
    "commits",
    "compare",
    "contents",
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "git_commits",
    "git_refs",
    "git_tags",
    "hooks",
    "issue_comment",
    "issue_events",
    "issues",
    "keys",
    "labels",
    "languages",
    "merges",
    "milestones",
    "notifications",
    "pulls",
    "releases",
    "stargazers",
    "statuses",
    "subscribers",
    "subscription",
    "tags",
    "teams",
    "trees",
]
USER_LINKS = [
    "events",
    "followers",
    "following",
    "gists",
    "organizations",
    "received_events",
    "repos",
    "starred",
    "subscriptions",
]


class Links(NamedTuple):
    """Where this client sees the server: ``api`` with its prefix, ``web`` without."""

    api: str
    web: str

    def repository(self, hosted: HostedRepository) -> str:
        return f"{self.api}/repos/{hosted.full_name}"


def number_of(text: str) -> int:
    """A stable number for something that GitHub numbers."""
    return zlib.crc32(text.encode())


def render_user(links: Links, login: str) -> dict[str, Any]:
    url = f"{links.api}/users/{login}"
    return {
        "login": login,
        "id": number_of(login),
        "node_id": f"U_{login}",
        "avatar_url": f"{links.web}/{login}.png",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{links.web}/{login}",
        **{f"{name}_url": f"{url}/{name}" for name in USER_LINKS},
        "type": "Bot" if login.endswith("[bot]") else "User",
        "site_admin": False,
    }


def render_repository(links: Links, hosted: HostedRepository) -> dict[str, Any]:
    url = links.repository(hosted)
    web = f"{links.web}/{hosted.full_name}"
    now = "2024-01-01T00:00:00Z"
    return {
        "id": number_of(hosted.full_name),
        "node_id": f"R_{hosted.name}",
        "name": hosted.name,
        "full_name": hosted.full_name,
        "owner": render_user(links, hosted.owner),
        "url": url,
        "html_url": web,
        "clone_url": f"{web}.git",
        "git_url": f"git://{links.web.partition('://')[2]}/{hosted.full_name}.git",
        "ssh_url": f"git@127.0.0.1:{hosted.full_name}.git",
        "svn_url": web,
        **{f"{name}_url": f"{url}/{name}" for name in REPOSITORY_LINKS},
        "description": None,
        "homepage": None,
        "language": None,
        "license": None,
        "mirror_url": None,
        "private": hosted.is_private,
        "archived": hosted.is_archived,
        "fork": False,
        "disabled": False,
        "default_branch": hosted.default_branch,
        **dict.fromkeys(("has_issues", "has_projects", "has_wiki", "has_downloads", "has_discussions"), True),
        "has_pages": False,
        **dict.fromkeys(("forks", "forks_count", "stargazers_count", "watchers", "watchers_count"), 0),
        **dict.fromkeys(("open_issues", "open_issues_count", "size"), 0),
        **dict.fromkeys(("network_count", "subscribers_count"), 0),
        "allow_merge_commit": "merge" in hosted.merge_methods,
        "allow_squash_merge": "squash" in hosted.merge_methods,
        "allow_rebase_merge": "rebase" in hosted.merge_methods,
        "pushed_at": now,
        "created_at": now,
        "updated_at": now,
    }


def render_pull(links: Links, hosted: HostedRepository, pull: Pull) -> dict[str, Any]:
    """The short form, as lists give it."""
    url = f"{links.repository(hosted)}/pulls/{pull.number}"
    issue = f"{links.repository(hosted)}/issues/{pull.number}"
    web = f"{links.web}/{hosted.full_name}/pull/{pull.number}"
    addresses = {
        "url": url,
        "html_url": web,
        "issue_url": issue,
        "comments_url": f"{issue}/comments",
        "commits_url": f"{url}/commits",
        "review_comments_url": f"{url}/comments",
        "review_comment_url": f"{links.repository(hosted)}/pulls/comments{{/number}}",
        "statuses_url": f"{links.repository(hosted)}/statuses/{pull.head_oid}",
    }
    linked = {
        "self": "url",
        "html": "html_url",
        "issue": "issue_url",
        "comments": "comments_url",
        "commits": "commits_url",
        "review_comments": "review_comments_url",
        "review_comment": "review_comment_url",
        "statuses": "statuses_url",
    }
    return {
        **addresses,
        "_links": {name: {"href": addresses[key]} for name, key in linked.items()},
        "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch",
        "id": number_of(f"{hosted.full_name}#{pull.number}"),
        "node_id": f"PR_{pull.number}",
        "number": pull.number,
        "state": pull.state,
        "locked": False,
        "title": pull.title,
        "body": pull.body,
        "draft": pull.draft,
        "user": render_user(links, pull.author),
        "assignee": None,
        "milestone": None,
        "labels": [],
        "created_at": pull.created_at,
        "updated_at": pull.updated_at,
        "closed_at": pull.closed_at,
        "merged_at": pull.merged_at,
        # While it is open, GitHub names a trial merge here, which is on no branch.
        "merge_commit_sha": pull.merge_commit or f"{number_of(pull.head_oid):040x}",
        "author_association": "CONTRIBUTOR",
        "auto_merge": None,
        "head": _render_end(links, hosted, pull.head, pull.head_oid, pull.fork),
        "base": _render_end(links, hosted, pull.base, pull.base_oid),
    }


def render_full_pull(links: Links, hosted: HostedRepository, pull: Pull) -> dict[str, Any]:
    """The long form, as a single pull request is given."""
    is_open = pull.state == "open"
    is_known = is_open and hosted.knows_mergeability
    mergeable = hosted.merge_trees(pull.base_oid, pull.head_oid) is not None if is_known else None
    changed = git(hosted.path, "diff", "--numstat", f"{pull.base_oid}...{pull.head_oid}").splitlines()
    figures = [[int(figure.replace("-", "0")) for figure in line.split("\t")[:2]] for line in changed]
    return {
        **render_pull(links, hosted, pull),
        "merged": pull.merged_at is not None,
        "mergeable": mergeable,
        "mergeable_state": {True: "clean", False: "dirty", None: "unknown"}[mergeable],
        "merged_by": render_user(links, pull.merged_by) if pull.merged_by else None,
        "maintainer_can_modify": False,
        "comments": len(pull.comments),
        "review_comments": 0,
        "commits": hosted.count(f"{pull.base_oid}..{pull.head_oid}"),
        "additions": sum(added for added, _ in figures),
        "deletions": sum(removed for _, removed in figures),
        "changed_files": len(figures),
    }


def _render_end(
    links: Links, hosted: HostedRepository, branch: str, oid: str, fork: str | None = None
) -> dict[str, Any]:
    return {
        "label": f"{hosted.owner}:{branch}",
        "ref": branch,
        "sha": oid,
        "user": render_user(links, hosted.owner),
        "repo": {**render_repository(links, hosted), "full_name": fork or hosted.full_name},
    }


def render_comment(links: Links, hosted: HostedRepository, pull: Pull, comment: Comment) -> dict[str, Any]:
    web = f"{links.web}/{hosted.full_name}/pull/{pull.number}"
    return {
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "url": f"{links.repository(hosted)}/issues/comments/{comment.id}",
        "html_url": f"{web}#issuecomment-{comment.id}",
        "issue_url": f"{links.repository(hosted)}/issues/{pull.number}",
        "user": render_user(links, comment.author),
        "body": comment.body,
        "created_at": comment.created_at,
        "updated_at": comment.created_at,
        "author_association": _associate(hosted, comment.author),
    }


def render_line_comment(
    links: Links, hosted: HostedRepository, pull: Pull, comment: Comment
) -> dict[str, Any]:
    url = f"{links.repository(hosted)}/pulls/comments/{comment.id}"
    pull_url = f"{links.repository(hosted)}/pulls/{pull.number}"
    web = f"{links.web}/{hosted.full_name}/pull/{pull.number}#discussion_r{comment.id}"
    return {
        "id": comment.id,
        "node_id": f"PRRC_{comment.id}",
        "pull_request_review_id": None,
        "url": url,
        "html_url": web,
        "pull_request_url": pull_url,
        "_links": {"self": {"href": url}, "html": {"href": web}, "pull_request": {"href": pull_url}},
        "diff_hunk": "@@ -1 +1 @@",
        "path": comment.path,
        "line": comment.line,
        "original_line": comment.line,
        "commit_id": pull.head_oid,
        "original_commit_id": pull.head_oid,
        "user": render_user(links, comment.author),
        "body": comment.body,
        "created_at": comment.created_at,
        "updated_at": comment.created_at,
        "author_association": _associate(hosted, comment.author),
    }


def _associate(hosted: HostedRepository, author: str) -> str:
    return "NONE" if author in hosted.strangers else "COLLABORATOR"


def render_review(links: Links, hosted: HostedRepository, pull: Pull, review: PullReview) -> dict[str, Any]:
    url = f"{links.repository(hosted)}/pulls/{pull.number}"
    web = f"{links.web}/{hosted.full_name}/pull/{pull.number}#pullrequestreview-{review.id}"
    return {
        "id": review.id,
        "node_id": f"PRR_{review.id}",
        "user": render_user(links, review.author),
        "body": review.body,
        "state": review.state,
        "html_url": web,
        "pull_request_url": url,
        "_links": {"html": {"href": web}, "pull_request": {"href": url}},
        "submitted_at": review.submitted_at,
        "commit_id": review.commit,
        "author_association": _associate(hosted, review.author),
    }


def render_ref(links: Links, hosted: HostedRepository, ref: str, oid: str) -> dict[str, Any]:
    url = links.repository(hosted)
    kind = git(hosted.path, "cat-file", "-t", oid)
    return {
        "ref": ref,
        "node_id": f"REF_{number_of(ref)}",
        "url": f"{url}/git/{ref}",
        "object": {"type": kind, "sha": oid, "url": f"{url}/git/{kind}s/{oid}"},
    }


def render_branch(links: Links, hosted: HostedRepository, branch: str, oid: str) -> dict[str, Any]:
    url = f"{links.repository(hosted)}/branches/{branch}"
    protected = branch in hosted.approvals_needed
    return {
        "name": branch,
        "commit": _render_commit(links, hosted, oid),
        "_links": {"self": url, "html": f"{links.web}/{hosted.full_name}/tree/{branch}"},
        "protected": protected,
        "protection": {"enabled": protected},
        "protection_url": f"{url}/protection",
    }


def _render_commit(links: Links, hosted: HostedRepository, oid: str) -> dict[str, Any]:
    url = f"{links.repository(hosted)}/commits/{oid}"
    shown = git(hosted.path, "show", "--no-patch", "--format=%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B", oid)
    tree, parents, *people, message = shown.split("\n", 8)
    return {
        "url": url,
        "sha": oid,
        "node_id": f"C_{oid}",
        "html_url": f"{links.web}/{hosted.full_name}/commit/{oid}",
        "comments_url": f"{url}/comments",
        "commit": {
            "url": f"{links.repository(hosted)}/git/commits/{oid}",
            "author": dict(zip(("name", "email", "date"), people[:3], strict=True)),
            "committer": dict(zip(("name", "email", "date"), people[3:], strict=True)),
            "message": message.rstrip("\n"),
            "comment_count": 0,
            "tree": {"sha": tree, "url": f"{links.repository(hosted)}/git/trees/{tree}"},
        },
        "author": {},  # nobody with an account here
        "committer": {},
        "parents": [
            {"sha": parent, "url": f"{links.repository(hosted)}/commits/{parent}"}
            for parent in parents.split()
        ],
    }
