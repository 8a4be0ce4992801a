"""A repository with a remote and one task, in which attempts really run: the agent is a real program; repository,
remote and runner are real, too.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from gitbaton.edges.local_forge import LocalForge
from gitbaton.store.live import read_tips
from gitbaton.usecases.run import Ran, run_task
from gitbaton.usecases.watch import POLL_S
from gitbaton.wiring import open_agent, run_shell
from support.claude_binary import find_claude_binary
from support.repos import make_repository, project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitbaton.domain.state import State
    from gitbaton.usecases.attempt_log import RunEvent
    from gitbaton.usecases.project import Project
    from support.model_server import Script

SECRET = "sk-very-secret-value-1234567890"


class Trial:
    """A repository with a remote and one task ``job``, and a way to run a Python program as its agent."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = make_repository(folder, {"README.md": "# Trial\n"}, remote=True)
        self.events: list[RunEvent] = []

    def plan(self, task: str = "title: Job\n", config: str = "", **more: str) -> None:
        """Commit and push the task and the config (JSON or YAML lines besides the agent)."""
        agent = f"agent: script\nagents:\n  script: {{adapter: command, command: [{sys.executable}, {self.folder}/agent.py]}}\n"
        files = {"tasks/job.yaml": task, "tasks/config.yaml": f"base: main\n{agent}{config}", **more}
        self.checkout.commit(files, "Plan", push=True)

    def plan_claude(self, task: str = "title: Job\n", config: str = "", **more: str) -> None:
        """The same with the real Claude Code as the agent."""
        agent = f"agent: claude\nagents:\n  claude: {{adapter: claude, program: {find_claude_binary()}}}\n"
        files = {"tasks/job.yaml": task, "tasks/config.yaml": f"base: main\n{agent}{config}", **more}
        self.checkout.commit(files, "Plan", push=True)

    def join(self, name: str) -> Trial:
        """The same on another machine."""
        other = Trial.__new__(Trial)
        other.folder, other.events = self.folder / name, []
        other.folder.mkdir()
        other.checkout = self.checkout.clone(f"{name}/work")
        return other

    def run_claude(self, script: Script, on_event: Callable[[RunEvent], None] | None = None) -> Ran:
        """One attempt in which the model says what ``script`` has. With ``on_event`` the state is looked at all the
        time.
        """

        def follow(event: RunEvent) -> None:
            self.events.append(event)
            if on_event:
                on_event(event)

        environment = {"ANTHROPIC_BASE_URL": script.url, "CLAUDE_CODE_MAX_RETRIES": "0"}
        ran = run_task(self.project(**environment), "job", follow, poll_s=0 if on_event else POLL_S)
        assert isinstance(ran, Ran)
        return ran

    def project(self, **environment: str) -> Project:
        env = {"PATH": "/usr/bin:/bin", "ANTHROPIC_API_KEY": SECRET, **environment}
        made = project(
            self.checkout, environment=env, run_shell=run_shell,
            open_agent=open_agent,
            open_forge=lambda repo: LocalForge(repo, made.refs),
        )  # fmt: skip
        return made

    def write_agent(self, program: str) -> None:
        """Let the agent be ``program``."""
        (self.folder / "agent.py").write_text(program)

    def run(self, program: str, **environment: str) -> Ran:
        """One attempt in which the agent is ``program``."""
        self.write_agent(program)
        ran = run_task(self.project(**environment), "job", self.events.append)
        assert isinstance(ran, Ran)
        return ran

    def state(self) -> State:
        """The task's state as the server has it."""
        asked = self.project()
        asked.refs.fetch()
        return read_tips(asked.repo).states["job"].state

    def server(self, *names: str) -> dict[str, str]:
        """Refs of the server below ``names``."""
        out = self.checkout.git("ls-remote", "origin", *names)
        return dict(reversed(line.split("\t")) for line in out.splitlines())  # type: ignore[misc] # two fields each

    def files(self, ref: str) -> list[str]:
        """Paths at a ref of the server that are not gitbaton's own or the trial's."""
        self.checkout.git("fetch", "--quiet", "origin", f"+{ref}:refs/look")
        names = self.checkout.git("diff", "--name-only", "main", "refs/look").splitlines()
        return [n for n in names if not n.startswith("tasks/")]

    def handoff(self, ref: str = "refs/heads/baton/job") -> dict[str, Any]:
        """The newest handoff at a ref of the server."""
        self.checkout.git("fetch", "--quiet", "origin", f"+{ref}:refs/look")
        names = self.checkout.git("ls-tree", "-r", "--name-only", "refs/look", "tasks/handoffs").splitlines()
        import yaml

        loaded: dict[str, Any] = yaml.safe_load(self.checkout.git("show", f"refs/look:{max(names)}"))
        return loaded


WRITE = "open('work.txt', 'w').write('done\\n')\n"


def result(**fields: Any) -> str:
    """Lines of a program that leave a result file."""
    return f"import os\nopen(os.environ['BATON_RESULT'], 'w').write({json.dumps(json.dumps(fields))})\n"
