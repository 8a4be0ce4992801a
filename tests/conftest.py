"""What holds for every test: git knows nothing of the person who runs them."""

from __future__ import annotations

import os
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
