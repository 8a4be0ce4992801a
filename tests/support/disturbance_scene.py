"""Where disturbed commands play: a clone with a remote, tasks, an agent, and a person's unfinished work; and
the questions that are asked after each disturbance.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from support.hermetic_git import create_bare, git, git_environment, try_git
from support.repos import Checkout

if TYPE_CHECKING:
    from pathlib import Path

    from support.cli import Said
    from support.disturbance import Disturbance, Launcher, Trace

#: What a person has open, staged and lying about, in files that no command is told to touch.
_OPEN = {
    "x.py": "x = 3\n",
    "tasks/note.yaml": "title: Note\n# mine, not yet committed\n",
    "loose.txt": "loose\n",
}
_OPEN_STATUS = " M tasks/note.yaml\nMM x.py\n?? loose.txt"
#: Leaves a file whose text no other attempt leaves, and says so outside of everything git sees.
_AGENT = """\
import os, pathlib
text = "work of " + os.environ["BATON_RUN"] + "\\n"
pathlib.Path("work.txt").write_text(text)
with open(os.environ["AGENTS_DIARY"], "a") as diary:
    diary.write(text)
"""
_CREATED = re.compile(r"^created: .*$", re.MULTILINE)
#: Long enough for every lease to have passed.
LATER_S = 10 * 86_400.0


@dataclass(frozen=True)
class Scene:
    """``root/work`` is the clone, ``root/work.git`` its remote."""

    root: Path
    launcher: Launcher

    @property
    def work(self) -> Checkout:
        return Checkout(self.root / "work", self.root / "work.git")

    def copy(self, name: str) -> Scene:
        """The same scene in another folder."""
        there = self.root.parent / name
        shutil.copytree(self.root, there, symlinks=True)
        config = there / "work" / ".git" / "config"
        config.write_text(config.read_text().replace(str(self.root), str(there)))
        return Scene(there, self.launcher)

    def remove(self) -> None:
        shutil.rmtree(self.root)

    def run(self, *words: str, disturbance: Disturbance | None = None, ahead_s: float = 0.0) -> Trace:
        """``baton WORDS`` in the clone, in a fresh process."""
        env = {
            "HOME": str(self.root / "home"), "XDG_CACHE_HOME": str(self.root / "cache"),
            "AGENTS_DIARY": str(self.root / "diary"),
        }  # fmt: skip
        return self.launcher.run(self.work.path, *words, env=env, disturbance=disturbance, ahead_s=ahead_s)

    # -- what must hold after every disturbance ------------------------------------------------------------

    def check_board(self) -> None:
        """A fresh process reads the board, with every task on it, and finds no fault with a file."""
        listed = self.run("list", "--json").said
        assert (listed.code, listed.err) == (0, ""), f"list: {listed}"
        found = json.loads(listed.out)
        assert {"job", "note", "plain"} <= {t["id"] for t in found["tasks"]}
        assert found["broken"] == []
        validated = self.run("validate").said
        assert validated.code == 0, f"validate: {validated}"

    def check_git(self) -> None:
        """Git works: no lock, nothing damaged, and a commit of the person's holds what they staged alone."""
        locks = [p for top in (self.work.path / ".git", self.root / "work.git") for p in top.rglob("*.lock")]
        assert [p.name for p in locks if p.name != "write.lock"] == []
        for folder in (self.work.path, self.root / "work.git"):
            checked = try_git(folder, "fsck", "--strict", "--no-dangling", "--no-progress")
            assert checked.returncode == 0, checked.stdout + checked.stderr
        git(self.work.path, "commit", "--quiet", "--message", "Mine")
        assert self.work.git("show", "--format=", "--name-only", "HEAD") == "x.py"
        self.work.git("reset", "--quiet", "--soft", "HEAD~1")

    def check_work(self) -> None:
        """Everything that an agent has ever written can be found: in a ref, or in its folder."""
        diary = self.root / "diary"
        for text in diary.read_text().splitlines() if diary.exists() else ():
            assert self._find(text + "\n"), f"lost: {text}"

    def _find(self, text: str) -> bool:
        oid = git(self.work.path, "hash-object", "--stdin", stdin=text)
        for folder in (self.work.path, self.root / "work.git"):
            objects = git(folder, "rev-list", "--objects", "--all", env=git_environment())
            if oid in objects:
                return True
        return any(p.read_text() == text for p in (self.root / "cache").rglob("work.txt"))

    def settle(self) -> dict[str, Any]:
        """What came of it all, without what differs from run to run."""
        work, remote = self.work, self.root / "work.git"
        status = work.status()
        assert status == _OPEN_STATUS, f"the person's files: {status}"
        assert {n: work.read(n) for n in _OPEN} == _OPEN
        assert git(work.path, "show", ":x.py") == "x = 2"
        states = {}
        for line in git(remote, "for-each-ref", "--format=%(refname)", "refs/baton/tasks").splitlines():
            state = yaml.safe_load(git(remote, "show", f"{line}:state.yaml"))
            holder = state.get("claimed_by") or {}
            states[line.rpartition("/")[2]] = (state["status"], holder.get("kind"), bool(state.get("merge")))
        shared = _read_tree(remote, "main")
        if git(work.path, "rev-list", "--count", "refs/heads/main..refs/remotes/origin/main") != "0":
            work.git("merge", "--quiet", "--ff-only", "origin/main")  # the person's pull
        branch = try_git(remote, "show", "baton/job:work.txt").stdout[:8]
        return {"mine": _read_tree(work.path, "HEAD"), "shared": shared, "states": states, "branch": branch}


def _read_tree(folder: Path, commit: str) -> dict[str, str]:
    """Path → text at ``commit``; times, run ids and the names made of them are left out."""
    packed = subprocess.run(
        ["git", "archive", commit], cwd=folder, env=git_environment(), capture_output=True, check=True
    )
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        for member in archive:
            name, file = member.name, archive.extractfile(member)
            if file is None:
                continue
            text = file.read().decode()
            if name.startswith("tasks/handoffs/"):
                name, text = "a handoff", ""
            found[name] = text[:8] if name == "work.txt" else _CREATED.sub("", text)
    return found


def make_scene(root: Path, launcher: Launcher) -> Scene:
    """A fresh scene: three tasks on base and pushed, one of them with an edit of the person's own."""
    work = root / "work"
    work.mkdir(parents=True)
    git(work, "init", "--quiet", "--template=", "--initial-branch=main")
    bare = create_bare(root / "work.git")
    checkout = Checkout(work, bare)
    checkout.git("remote", "add", "origin", bare.as_uri())
    checkout.git("config", "user.name", "Tess Author")
    command = json.dumps([sys.executable, "tools/agent.py"])
    config = (
        "base: main\nagent: script\nretries: {attempts: 5, backoff: 1s, backoff_max: 1s}\n"
        f"agents:\n  script: {{adapter: command, command: {command}, env: [AGENTS_DIARY]}}\n"
    )
    files = {
        "tasks/config.yaml": config, "tools/agent.py": _AGENT, "tasks/job.yaml": "title: Job\npriority: low\n\nstatus: todo\n",
        "tasks/note.yaml": "title: Note\n", "tasks/plain.yaml": "title: Plain\n", "x.py": "x = 1\n",
    }  # fmt: skip
    checkout.commit(files, "Start")
    checkout.git("push", "--quiet", "--set-upstream", "origin", "main")
    checkout.git("remote", "set-head", "origin", "main")
    checkout.write({"x.py": "x = 2\n"})
    checkout.git("add", "x.py")
    checkout.write(dict(_OPEN))
    return Scene(root, launcher)


def explain(said: Said) -> str:
    """An answer, for a message."""
    return f"exit {said.code}: {said.out.strip()} {said.err.strip()}"
