"""A repository with gitbaton set up, and the command line in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.cli import Baton
from support.repos import Checkout, make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["remote", "alone"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    """A repository with one commit: with a bare remote, and without any."""
    return make_repository(tmp_path, {"README.md": "# Trial\n"}, remote=request.param == "remote")


@pytest.fixture
def baton(checkout: Checkout, tmp_path: Path) -> Baton:
    """The command line in ``checkout``."""
    return Baton(checkout.path, tmp_path / "home")
