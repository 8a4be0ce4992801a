r"""A hosted repository that uses the Action: its workflows are run, people merge and close.

    stage.commit({"tasks/add-login.yaml": "title: Add login\n"})
    stage.play([...what the model answers...])
    done = stage.run()
    assert own_step(done).outputs["pull-request-number"] == "1"

The steps are those of our own ``.github/workflows`` and ``action.yml``; only the step that installs is
replaced by a link to what it installed before.
"""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import yaml

from support.action_install import SOURCE, link_instead_of_install
from support.claude_binary import find_claude_binary
from support.composite import ActionRun, CompositeRunner
from support.hermetic_git import commit_files, git, try_git
from support.runner_environment import RunnerEnvironment
from support.stand_ins import STAND_INS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from support.composite import StepRun
    from support.expressions import Expressions
    from support.github_fake import GitHubFake
    from support.github_repository import HostedRepository
    from support.model_server import ModelServer, Script, Step

KEY = "sk-ant-test-0123456789abcdef"
WORKFLOWS = SOURCE / ".github" / "workflows"
REPOSITORY = "octo/project"


def write(path: str, text: str) -> Step:
    """The model writes a file of the repository."""
    return {"tool": "Write", "input": {"file_path": f"{{cwd}}/{path}", "content": text}}


def bash(command: str) -> Step:
    """The model runs a command."""
    return {"tool": "Bash", "input": {"command": command, "description": "as the test says"}}


def hand_over(kind: str, **fields: object) -> Step:
    """The model leaves an item in the outbox, as our MCP server would."""
    item = json.dumps({"kind": kind, **fields})
    return bash(f"cat > \"$BATON_OUTBOX/1.item.json\" <<'END'\n{item}\nEND")


def render_config(**more: Any) -> str:
    """The settings of the hosted repository: Claude Code, the real program, with Bash allowed."""
    config = {
        "agent": "claude",
        "agents": {"claude": {"adapter": "claude", "program": str(find_claude_binary())}},
        "run": {"allowed_tools": ["Bash"]},
        "checks": [{"name": "greets", "run": "grep -q hello hello.txt"}],
        "retries": {"attempts": 2, "backoff": "1s"},
    }
    return yaml.safe_dump({**config, **more}, sort_keys=False)


@dataclass
class Stage:
    """``more`` are variables of every machine, ``secrets`` those of the repository, ``permissions`` what a
    job's token may do besides the usual (``GitHubFake.issue_token``); ``workspace`` is the latest job's.
    """

    folder: Path
    hub: GitHubFake
    hosted: HostedRepository
    expressions: Expressions
    server: ModelServer
    installed: Path
    more: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=lambda: {"ANTHROPIC_API_KEY": KEY})
    permissions: dict[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    workspace: Path | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.person = self.hub.issue_token("tess")
        self.checkout = self.folder / "person"
        git(self.folder, "clone", "--quiet", self.hub.clone_url(REPOSITORY, self.person), str(self.checkout))
        action = (SOURCE / "action.yml").read_text("utf-8")
        self.commit(
            {
                "README.md": "# Project\n",
                "action.yml": link_instead_of_install(action, self.installed),
                "tasks/config.yaml": render_config(),
            }
        )
        self.script = self.play([])

    # -- what people do ---------------------------------------------------------------------------

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """A person pushes ``files`` to ``branch``; the commit's id."""
        if self.hosted.find_branch(branch):
            git(self.checkout, "fetch", "--quiet", "origin")
            git(self.checkout, "checkout", "--quiet", "-B", branch, f"origin/{branch}")
        else:
            git(self.checkout, "checkout", "--quiet", "-B", branch)
        oid = commit_files(self.checkout, files, "A person writes")
        git(self.checkout, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return oid

    def ask_api(self, method: str, path: str, body: Mapping[str, object]) -> Any:
        """A person uses the web interface, which is the API to us."""
        request = urllib.request.Request(
            f"{self.hub.api_url}/repos/{REPOSITORY}{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.person}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def merge(self, number: int) -> str:
        """Merge a pull request; the merge commit's id."""
        oid: str = self.ask_api("PUT", f"/pulls/{number}/merge", {})["sha"]
        return oid

    def close(self, number: int) -> None:
        """Close a pull request without merging it."""
        self.ask_api("PATCH", f"/pulls/{number}", {"state": "closed"})

    # -- what GitHub does -------------------------------------------------------------------------

    def play(self, steps: Sequence[Step]) -> Script:
        """What the model answers from here on."""
        self.script = self.server.script(self.folder.name, steps)
        return self.script

    def environment(self, *, event: Mapping[str, Any] | None = None, **told: Any) -> RunnerEnvironment:
        """A fresh machine for one job, with a token of its own."""
        machine = self.folder / f"machine-{next(self._numbers)}"
        self.workspace = machine / "workspace"
        temp = machine / "temp"
        self.workspace.mkdir(parents=True)
        temp.mkdir()
        token = self.hub.issue_token("github-actions[bot]", self.permissions, is_workflow=True)
        self.tokens.append(token)
        ref = told.setdefault("ref", "refs/heads/main")
        more = {"ANTHROPIC_BASE_URL": self.script.url, "CLAUDE_CODE_MAX_RETRIES": "0", **self.more}
        return RunnerEnvironment(
            self.workspace, temp, server_url=self.hub.server_url, api_url=self.hub.api_url,
            sha=told.pop("sha", self.hosted.find_oid(ref) or ""), token=token, more=more,
            event={"repository": {"default_branch": "main", "full_name": REPOSITORY}, **(event or {})}, **told,
        )  # fmt: skip

    def run(self, inputs: Mapping[str, str] | None = None, **told: Any) -> ActionRun:
        """``baton.yml``, started by hand unless ``told`` says otherwise."""
        environment = self.environment(event={"inputs": dict(inputs or {})}, **told)
        return self.run_job("baton.yml", "run", environment)

    def sync(self, number: int) -> ActionRun:
        """``baton-sync.yml``, started by the end of a pull request."""
        pull = self.hosted.get_pull(number)
        event = {"action": "closed", "pull_request": {"number": number, "head": {"ref": pull.head}, "base": {"ref": pull.base}}}  # fmt: skip
        environment = self.environment(event=event, event_name="pull_request", ref=f"refs/pull/{number}/merge", sha=pull.head_oid)  # fmt: skip
        return self.run_job("baton-sync.yml", "sync", environment)

    def hear_review(self, number: int) -> ActionRun:
        """``baton-sync.yml``, started by a review that somebody handed in."""
        pull = self.hosted.get_pull(number)
        event = {"action": "submitted", "pull_request": {"number": number, "head": {"ref": pull.head}, "base": {"ref": pull.base}}}  # fmt: skip
        environment = self.environment(event=event, event_name="pull_request_review", ref=f"refs/pull/{number}/merge", sha=pull.head_oid)  # fmt: skip
        return self.run_job("baton-sync.yml", "sync", environment)

    def run_job(self, workflow: str, job: str, environment: RunnerEnvironment) -> ActionRun:
        """The steps of a job of ours, on the machine of ``environment``."""
        runner = CompositeRunner(environment.workspace, self.expressions, environment, STAND_INS)
        return runner.run_job(self.find_workflow(workflow), job, secrets=self.secrets)

    def find_workflow(self, name: str) -> Path:
        """One of our own workflows."""
        return WORKFLOWS / name

    # -- what is left -----------------------------------------------------------------------------

    def state(self, task: str) -> dict[str, Any]:
        """The live state of a task, from the server."""
        text = git(self.hosted.path, "show", f"refs/baton/tasks/{task}:state.yaml")
        found: dict[str, Any] = yaml.safe_load(text)
        return found

    def has_state(self, task: str) -> bool:
        """Whether anything was ever said about a task."""
        return self.hosted.find_oid(f"refs/baton/tasks/{task}") is not None

    def show(self, what: str) -> str:
        """``REVISION:PATH`` of the server's repository."""
        return git(self.hosted.path, "show", what)

    def holds(self, what: str) -> bool:
        """Whether there is ``REVISION:PATH`` on the server."""
        return try_git(self.hosted.path, "cat-file", "-e", what).returncode == 0


def own_step(done: ActionRun) -> StepRun:
    """The step of ``done`` that uses the action, with its outputs."""
    return next(step for step in done.steps if step.id == "baton")


def notes(done: ActionRun) -> list[tuple[str, str, str]]:
    """The annotations of a run: level, title, text."""
    return [(note.level, note.title, note.text) for note in done.annotations]
