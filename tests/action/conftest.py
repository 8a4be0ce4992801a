"""GitHub, the model, and the Action installed: what every test here stands on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from support.action_install import copy_action, find_wheels, hold_session_lock, offline_pip
from support.action_stage import REPOSITORY, Stage
from support.composite import CompositeRunner
from support.expressions import Expressions
from support.github_fake import GitHubFake
from support.model_server import ModelServer
from support.runner_environment import RunnerEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def expressions() -> Iterator[Expressions]:
    with Expressions() as running:
        yield running


@pytest.fixture(scope="session")
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


class Installed(NamedTuple):
    """``action`` is the real one, with its repository's files beside it; ``venv`` what its first step made."""

    action: Path
    venv: Path


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, expressions: Expressions) -> Installed:
    """The real ``action.yml``, run once for all workers with a command that there is not: the first step
    installs, the second one says no.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    home = folder / "action"
    with hold_session_lock(folder):
        if not (home / "installed").exists():
            shutil.rmtree(home, ignore_errors=True)
            (home / "temp").mkdir(parents=True)
            pip = offline_pip(find_wheels())
            environment = RunnerEnvironment(home, home / "temp", more=pip)
            action = copy_action(home)
            done = CompositeRunner(home, expressions, environment).run_action(action, {"command": "dance"})
            said = [(note.title, note.text) for note in done.annotations]
            words = "there is no command 'dance' (command: run or sync)"
            assert said == [("unknown-command", words)], done.text
            (home / "installed").touch()
    return Installed(home / "action.yml", home / "temp" / "gitbaton")


@pytest.fixture
def stage(
    tmp_path: Path, expressions: Expressions, server: ModelServer, installed: Installed
) -> Iterator[Stage]:
    """A hosted repository that uses the Action; leaving it fails the test if anything broke GitHub's protocol."""
    with GitHubFake(tmp_path / "hosted") as hub:
        yield Stage(tmp_path, hub, hub.create(REPOSITORY), expressions, server, installed.venv)
