"""What a workflow run of the GitHub fake looks like on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.github_payloads import Links, render_repository

if TYPE_CHECKING:
    from support.github_repository import HostedRepository

_LINKS = ("jobs", "logs", "check_suite", "cancel", "rerun", "artifacts", "workflow")


def render_run(links: Links, hosted: HostedRepository, number: int, status: str) -> dict[str, Any]:
    """Run ``number`` with ``status``; a completed one was cancelled, which is an end like any other."""
    url = f"{links.repository(hosted)}/actions/runs/{number}"
    at = "2024-01-01T00:00:00Z"
    repository = render_repository(links, hosted)
    return {
        "id": number,
        "node_id": f"WFR_{number}",
        "name": "baton",
        "display_title": "baton",
        "head_branch": hosted.default_branch,
        "head_sha": "0" * 40,
        "head_commit": None,
        "path": ".github/workflows/baton.yml",
        "run_number": 1,
        "run_attempt": 1,
        "event": "schedule",
        "status": status,
        "conclusion": "cancelled" if status == "completed" else None,
        "workflow_id": 1,
        "url": url,
        "html_url": f"{links.web}/{hosted.full_name}/actions/runs/{number}",
        "pull_requests": [],
        "created_at": at,
        "updated_at": at,
        **{f"{name}_url": f"{url}/{name}" for name in _LINKS},
        "repository": repository,
        "head_repository": repository,
    }
