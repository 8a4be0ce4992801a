"""Git for tests: nothing of the person who runs them leaks in, and every commit is reproducible."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Settings that hold for every test repository, given by environment so that no file is needed.
SETTINGS = {
    "init.defaultBranch": "main",
    "gc.auto": "0",  # a background gc would outlive the test and race with its clean-up
    "maintenance.auto": "false",
    "advice.detachedHead": "false",
    "protocol.file.allow": "always",
}


def git_environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """A whole environment for git: own HOME (``home``; None = none at all), no system or user
    configuration, pinned identity and dates, no prompt, no editor. ``more`` is laid over it.
    """
    pinned = "2024-01-01T00:00:00Z"
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home) if home else "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "false",
        "GIT_AUTHOR_NAME": "Tess Author",
        "GIT_AUTHOR_EMAIL": "tess@example.org",
        "GIT_AUTHOR_DATE": pinned,
        "GIT_COMMITTER_NAME": "Tess Author",
        "GIT_COMMITTER_EMAIL": "tess@example.org",
        "GIT_COMMITTER_DATE": pinned,
        "GIT_CONFIG_COUNT": str(len(SETTINGS)),
        **{f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(SETTINGS)},
        **{f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(SETTINGS.values())},
        **more,
    }


def try_git(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run git in ``folder``, whatever its exit code."""
    return subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=dict(env or git_environment()),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def git(folder: Path, *arguments: str, env: Mapping[str, str] | None = None, stdin: str = "") -> str:
    """Standard output of git in ``folder`` without the last line break; a failure fails the test."""
    done = try_git(folder, *arguments, env=env, stdin=stdin)
    assert done.returncode == 0, (
        f"git {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    )
    return done.stdout.removesuffix("\n")


def create_bare(path: Path, branch: str = "main") -> Path:
    """A new empty bare repository whose HEAD names ``branch``."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", f"--initial-branch={branch}")
    return path


def commit_files(
    folder: Path, files: Mapping[str, str], message: str, env: Mapping[str, str] | None = None
) -> str:
    """Write ``files`` into the checkout, commit exactly them, return the commit's id."""
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
    git(folder, "add", "--", *files, env=env)
    git(folder, "commit", "--quiet", "-m", message, env=env)
    return git(folder, "rev-parse", "HEAD")
