"""The Action's own first step, carried out once for all tests: a virtual environment with gitbaton in it.

What gitbaton needs is fetched into a cache of wheels, once for each set of requirements, so that later runs
need no network and little time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.provisioned import CACHE, TOOL_ENVIRONMENT, go_without, hold_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE = Path(__file__).resolve().parents[2]
#: What GitHub fetches of this repository that the action needs.
PARTS = ("action.yml", "pyproject.toml", "README.md", "LICENSE", "src", "schemas")
_INSTALL = re.compile(r"run: \|\n(?: {8}.*\n)+")


def copy_action(folder: Path) -> Path:
    """The action as GitHub lays it out for a job: its repository's files in a folder of their own."""
    for name in PARTS:
        source = SOURCE / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    return folder / "action.yml"


def link_instead_of_install(action: str, installed: Path) -> str:
    """The text of ``action.yml`` with its first step replaced: it takes what is installed already."""
    link = f'run: ln -sfn "{installed}" "$RUNNER_TEMP/gitbaton"\n'
    changed, count = _INSTALL.subn(lambda found: link if "pip install" in found[0] else found[0], action)
    assert count == 1, "the step that installs is not where it was"
    return changed


def find_wheels() -> Path:
    """A folder with wheels of everything that installing gitbaton takes, for the ``python3`` on the PATH. The
    test is skipped where they can't be fetched.
    """
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    version = subprocess.run(["python3", "-VV"], capture_output=True, check=True).stdout
    digest = hashlib.sha256(repr((sorted(wanted), version)).encode()).hexdigest()[:16]
    target = CACHE / f"wheels-{digest}"
    if not target.exists():
        with hold_lock("wheels"):
            if not target.exists():
                _fetch_wheels(wanted, target)
    return target


def _fetch_wheels(wanted: list[str], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        subprocess.run(["python3", "-m", "venv", f"{folder}/venv"], check=True)
        done = subprocess.run(
            [f"{folder}/venv/bin/python", "-m", "pip", "wheel", "--quiet", "--wheel-dir", f"{folder}/wheels", *wanted],
            env=TOOL_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        if done.returncode != 0:
            go_without("pip", f"gitbaton's requirements can't be fetched: {done.stderr.strip()[-500:]}")
        Path(folder, "wheels").rename(target)


def offline_pip(wheels: Path) -> dict[str, str]:
    """Variables that let pip install from ``wheels`` alone."""
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}


@contextmanager
def hold_session_lock(folder: Path) -> Iterator[None]:
    """One worker of this test session at a time."""
    with (folder / "action.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
