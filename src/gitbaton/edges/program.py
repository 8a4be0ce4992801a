"""Find a program and start it, or say what is wrong with it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from gitbaton.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def find_program(name: str, *, cwd: Path, path: str) -> str:
    """Where the program called ``name`` stands: on ``path`` (as in PATH), or relative to ``cwd`` when it
    has a slash. Raises ``Refusal``: ``folder-missing``, ``program-missing``, ``program-not-executable``.
    """
    if not cwd.is_dir():
        raise Refusal(
            f"the folder to run {name} in does not exist: {cwd}",
            code="folder-missing",
            hint="make the folder, or correct working_directory",
        )
    if "/" not in name:
        # An empty PATH must not fall back to the one of this process, which shutil.which would do.
        found = shutil.which(name, path=path) if path else None
        if found is None:
            raise Refusal(
                f"the program {name} was not found on the PATH of its environment",
                code="program-missing",
                hint=f"install {name}, or name it with its full path in tasks/config.yaml",
                data={"program": name, "path": path},
            )
        return str(Path(found).absolute())
    place = Path(os.path.normpath(cwd / name))
    if not place.exists():
        raise Refusal(
            f"the program {place} does not exist",
            code="program-missing",
            hint="correct the path in tasks/config.yaml; a relative one starts at the workplace",
            data={"program": name},
        )
    if place.is_dir() or not os.access(place, os.X_OK):
        raise Refusal(
            f"{place} is not a program that can be run",
            code="program-not-executable",
            hint=f"make it executable: chmod +x {place}",
            data={"program": name},
        )
    return str(place)


def start_program(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], *, stdin: bool, merge: bool
) -> subprocess.Popen[bytes]:
    """Start ``argv`` (its program as ``find_program`` returned it) in a session of its own.

    ``stdin`` makes a pipe for its input, else there is none; ``merge`` puts stderr into stdout. Raises
    ``Refusal`` (``program-not-startable``).
    """
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merge else subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise Refusal(
            f"{argv[0]} can't be started: {error.strerror}",
            code="program-not-startable",
            hint="a script needs a first line such as #!/bin/sh, and a program must be made for this machine",
            data={"program": argv[0]},
        ) from error
