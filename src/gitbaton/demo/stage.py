"""The stage of the demo: a folder with a small repository, a bare server beside it, and nothing of the
person's own settings.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from gitbaton.errors import Refusal
from gitbaton.store.git import Git, check_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

AgentKind = Literal["scripted", "claude"]
#: Money that one attempt of a real agent may cost, US dollars.
BUDGET_USD = 2.0
_PROOF_TIMEOUT_S = 120
#: The demo must not depend on how git is set up here, and must work where it isn't set up at all.
_SEALED = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
_SETTINGS = {
    "user.name": "Robin Demo",
    "user.email": "robin@demo.invalid",
    "commit.gpgSign": "false",
    "push.gpgSign": "false",
    "core.autocrlf": "false",
    "protocol.file.allow": "always",
}
_CONFIG = """\
# How gitbaton works in this repository. Every key is optional.
base: main
agent: {agent}
agents:
  {agent}:
{adapter}
checks:
  - name: tests
    run: {check}
    timeout: 2m
forge: local
"""
_SCRIPTED = """\
    adapter: command
    command: [{python}, tools/scripted_agent.py]
retries:
  fix_rounds: 0  # it listens to people alone"""
_CLAUDE = """\
    adapter: claude
run:
  allowed_tools: ["Bash({python} -m unittest *)", "Bash({python} -m unittest)", "Bash({python} -m hours *)"]
  max_turns: 60
  budget_usd: {budget}"""


class Stage(NamedTuple):
    """``work`` is the person's clone, ``server`` the bare repository it was pushed to, ``cache`` where agents
    work; ``python`` the words that start Python in a shell there.
    """

    folder: Path
    work: Path
    server: Path
    cache: Path
    python: str


def build_stage(where: Path | None, agent: AgentKind) -> Stage:
    """Make the demo's repository in ``where`` (a folder that is empty or does not exist yet; None: a fresh
    temporary one). Raises ``Refusal``: ``folder-not-empty``, ``not-writable``, ``no-git``, ``old-git``.
    """
    check_version(Git(Path("/")))  # before anything is made
    folder = _make_folder(where)
    short = (Path(sys.executable).parent / "python3").exists()
    stage = Stage(
        folder=folder,
        work=folder / "work",
        server=folder / "server.git",
        cache=folder / "cache",
        python="python3" if short else shlex.quote(sys.executable),
    )
    try:
        stage.work.mkdir()
        _copy(resources.files("gitbaton.demo").joinpath("project"), stage.work)
        config = _render_config(agent, stage.python, "python3" if short else sys.executable)
        (stage.work / "tasks" / "config.yaml").write_text(config, encoding="utf-8")
    except OSError as error:
        raise _unwritable(folder, error) from error
    Git(folder, _SEALED).call(
        "init", "--quiet", "--bare", "--template=", "--initial-branch=main", "server.git"
    )
    git = Git(stage.work, _SEALED)
    git.call("init", "--quiet", "--template=", "--initial-branch=main")
    for name, value in _SETTINGS.items():
        git.call("config", name, value)
    git.call("remote", "add", "origin", os.fspath(stage.server))
    git.call("add", "--all")
    git.call("commit", "--quiet", "-m", "Plan the first report")
    git.call("push", "--quiet", "--set-upstream", "origin", "main")
    git.call("remote", "set-head", "origin", "main")
    return stage


def _make_folder(where: Path | None) -> Path:
    try:
        if where is None:
            return Path(tempfile.mkdtemp(prefix="baton-demo-")).resolve()
        where.mkdir(parents=True, exist_ok=True)
        if any(where.iterdir()):
            raise Refusal(
                f"{where} is not empty",
                code="folder-not-empty",
                hint="name a folder that does not exist yet, or leave --dir out",
            )
    except OSError as error:
        raise _unwritable(where or Path(os.environ.get("TMPDIR") or "/tmp"), error) from error  # noqa: S108 named in a message only
    return where.resolve()


def _unwritable(folder: Path, error: OSError) -> Refusal:
    return Refusal(
        f"the demo can't be set up in {folder}: {error.strerror or error}",
        code="not-writable",
        hint="name a folder that you may write to: baton demo --dir FOLDER",
    )


def _copy(source: Traversable, target: Path) -> None:
    """Copy the project's files. ``gitignore`` gets its dot only here, so that it means nothing in ours."""
    for item in source.iterdir():
        if item.name == "__pycache__":
            continue
        name = ".gitignore" if item.name == "gitignore" else item.name
        if item.is_dir():
            (target / name).mkdir()
            _copy(item, target / name)
        else:
            (target / name).write_bytes(item.read_bytes())


def _render_config(agent: AgentKind, shell_python: str, program: str) -> str:
    if agent == "scripted":
        # A JSON string is a YAML string too, whatever is in the path.
        python = program if program == "python3" else json.dumps(program, ensure_ascii=False)
        adapter = _SCRIPTED.format(python=python)
    else:
        adapter = _CLAUDE.format(python=shell_python, budget=BUDGET_USD)
    check = f"{shell_python} -m unittest -q"
    return _CONFIG.format(
        agent=agent, adapter=adapter, check=check if program == "python3" else json.dumps(check)
    )


@contextlib.contextmanager
def enter_stage(stage: Stage) -> Iterator[None]:
    """Be on stage: in the clone, with a PATH that has this very Python, without the person's git settings and
    without anything that would tell gitbaton about another place. Afterwards all is as it was.
    """
    before = dict(os.environ)
    try:
        here = Path.cwd()
    except FileNotFoundError:
        here = stage.folder
    foreign = [n for n in before if n.startswith(("BATON_", "GITHUB_")) or n in ("GH_TOKEN", "GIT_DIR")]
    try:
        for name in foreign:
            del os.environ[name]
        path = f"{Path(sys.executable).parent}{os.pathsep}{before.get('PATH', os.defpath)}"
        os.environ.update(_SEALED, PATH=path, XDG_CACHE_HOME=os.fspath(stage.cache))
        os.chdir(stage.work)
        yield
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)


class Proof(NamedTuple):
    """What a program said in a fresh clone of the server. Without those ``required`` nothing is proved."""

    command: str
    output: str
    passed: bool
    required: bool


def prove(stage: Stage) -> list[Proof]:
    """Clone the server afresh and run the tests and the program there: what was merged must stand by itself."""
    fresh = stage.folder / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    Git(stage.folder, _SEALED).call(
        "clone", "--quiet", "--template=", os.fspath(stage.server), os.fspath(fresh)
    )
    commands = [
        ("git log --oneline --first-parent", True),
        (f"{stage.python} -m unittest", True),
        (f"{stage.python} -m hours examples/march.log", False),
    ]
    return [_try(command, fresh, required=required) for command, required in commands]


def _try(command: str, folder: Path, *, required: bool) -> Proof:
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=_PROOF_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Proof(command, f"(ended after {_PROOF_TIMEOUT_S} s)", passed=False, required=required)
    output = done.stdout.decode("utf-8", "replace").strip()
    return Proof(command, output, passed=done.returncode == 0, required=required)
