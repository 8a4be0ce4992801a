"""What GitHub tells a job about itself: variables and contexts that agree with each other."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Of the machine's environment a step gets only where its programs are.
INHERITED = ("PATH",)


@dataclass
class RunnerEnvironment:
    """``workspace`` is the checkout, ``temp`` an existing folder for the runner's own files (HOME
    included). ``event`` is the payload of the event that started the run; ``token`` the job's
    ``GITHUB_TOKEN``, which steps see only where a workflow hands it on. ``more`` are variables on top.
    """

    workspace: Path
    temp: Path
    repository: str = "octo/project"
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    event_name: str = "workflow_dispatch"
    event: dict[str, Any] = field(default_factory=dict)
    ref: str = "refs/heads/main"
    sha: str = "0" * 40
    actor: str = "tess"
    token: str = ""
    run_id: int = 1234567890
    run_attempt: int = 1
    workflow: str = "demo"
    job: str = "demo"
    more: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def event_path(self) -> Path:
        path = self.temp / "event.json"
        path.write_text(json.dumps(self.event), "utf-8")
        return path

    @property
    def shared(self) -> dict[str, str]:
        """What is both a variable ``GITHUB_NAME`` and a value ``github.name``."""
        return {
            "repository": self.repository,
            "repository_owner": self.repository.partition("/")[0],
            "server_url": self.server_url,
            "api_url": self.api_url,
            "graphql_url": f"{self.api_url.removesuffix('/v3')}/graphql",
            "event_name": self.event_name,
            "event_path": str(self.event_path),
            "ref": self.ref,
            "ref_name": self.ref.split("/", 2)[-1],
            "ref_type": "tag" if self.ref.startswith("refs/tags/") else "branch",
            "sha": self.sha,
            "actor": self.actor,
            "triggering_actor": self.actor,
            "workspace": str(self.workspace),
            "workflow": self.workflow,
            "job": self.job,
            "run_id": str(self.run_id),
            "run_number": "1",
            "run_attempt": str(self.run_attempt),
            "base_ref": self.event.get("pull_request", {}).get("base", {}).get("ref", ""),
            "head_ref": self.event.get("pull_request", {}).get("head", {}).get("ref", ""),
        }

    @property
    def github(self) -> dict[str, Any]:
        """The ``github`` context."""
        return {**self.shared, "event": self.event, "token": self.token}

    @property
    def runner(self) -> dict[str, str]:
        """The ``runner`` context."""
        return {
            "os": "Linux",
            "arch": "X64",
            "name": "test",
            "environment": "self-hosted",
            "temp": str(self.temp),
            "tool_cache": str(self.temp),
        }

    @property
    def variables(self) -> dict[str, str]:
        """The environment that every step begins with."""
        home = self.temp / "home"
        home.mkdir(exist_ok=True)
        return {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",  # the person's machine is not the runner
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            **{f"GITHUB_{name.upper()}": value for name, value in self.shared.items()},
            **{f"RUNNER_{name.upper()}": value for name, value in self.runner.items()},
            **self.more,
        }
