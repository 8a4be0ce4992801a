"""What holds for every test: git knows nothing of the person who runs them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from support.hermetic_git import git_environment

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True, scope="session")
def _sealed_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The process's own environment is the hermetic one, because the program under test runs git in it.

    Variables of git and of gitbaton that the person has set are gone; everything else stays.
    """
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("GIT_", "BATON_", "XDG_")):
                patch.delenv(name)
        for name, value in git_environment(home).items():
            patch.setenv(name, value)
        yield


@pytest.fixture(autouse=True, scope="session")
def _heard_signals() -> Iterator[None]:
    """A shell starts what runs in the background with signals ignored, and every program under test would inherit that.
    A handler is not inherited; ours goes on ignoring them.
    """
    ignored = [n for n in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, lambda *_: None)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
