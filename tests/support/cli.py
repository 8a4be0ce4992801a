"""The command line as a person uses it: a process of its own, in a repository, with a sealed environment."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from support.hermetic_git import git_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Said(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """The JSON object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The JSON object on stderr."""
        found: dict[str, Any] = json.loads(self.err)
        return found


@dataclass
class Baton:
    """``baton`` in ``folder``. ``env`` is laid over the hermetic environment; ``prefix`` is a command
    that starts it.
    """

    folder: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()

    def environment(self) -> Mapping[str, str]:
        """The whole environment of the command."""
        return {
            **git_environment(self.home),
            "PYTHONPATH": "",
            "XDG_CACHE_HOME": str(self.home / "cache"),
            **self.env,
        }

    def try_run(self, *words: str, stdin: str = "") -> Said:
        """Run a command, whatever its exit code."""
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "gitbaton", *words],
            cwd=self.folder,
            env={**self.environment(), "PYTHONPATH": SOURCE},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def __call__(self, *words: str, code: int = 0, stdin: str = "") -> Said:
        """Run a command that must end with ``code``."""
        said = self.try_run(*words, stdin=stdin)
        assert said.code == code, f"baton {' '.join(words)}: exit {said.code}\n{said.out}{said.err}"
        return said

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Run a command with ``--json`` and return its answer."""
        return self(*words, "--json", code=code).record


def _find_source() -> str:
    """Where this process found gitbaton, so that the commands use the very same one."""
    from pathlib import Path as _Path

    import gitbaton

    return str(_Path(gitbaton.__file__).parents[1])


SOURCE = _find_source()
