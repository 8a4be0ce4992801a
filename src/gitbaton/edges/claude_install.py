"""Claude Code from npm, for machines that live as long as one job."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from gitbaton.errors import Refusal, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE = "@anthropic-ai/claude-code"
TIMEOUT_S = 600
#: A version or a tag; nothing that npm would take for an address or another package.
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*")


def install_claude(version: str, folder: Path, env: Mapping[str, str]) -> Path:
    """Install ``version`` below ``folder`` with the npm on the PATH of ``env``, which must hold no secrets:
    packages run scripts. npm's words go where our own do. Returns the folder that holds ``claude``. Raises
    ``UsageError`` (``bad-version``) and ``Refusal`` (``no-npm``, ``install-failed``).
    """
    if not _VERSION.fullmatch(version):
        raise UsageError(
            f"'{version}' is no version of Claude Code",
            code="bad-version",
            hint="claude-version: 2.1.329",
        )
    npm = shutil.which("npm", path=env.get("PATH", ""))
    if npm is None:
        raise Refusal(
            "Claude Code is not installed, and there is no npm to install it with",
            code="no-npm",
            hint="add a step with actions/setup-node, or install Claude Code in a step before this one",
        )
    wanted = f"{PACKAGE}@{version}"
    command = [npm, "install", "--no-fund", "--no-audit", "--prefix", str(folder), wanted]
    try:
        code = subprocess.run(
            command, env=dict(env), stdin=subprocess.DEVNULL, check=False, timeout=TIMEOUT_S
        ).returncode
        trouble = f"npm ended with {code}"
    except subprocess.TimeoutExpired:
        code, trouble = -1, f"npm took longer than {TIMEOUT_S} s"
    programs = folder / "node_modules" / ".bin"
    if code == 0 and shutil.which("claude", path=str(programs)) is None:
        code, trouble = -1, "it brought no program named claude"
    if code != 0:
        raise Refusal(
            f"{wanted} could not be installed: {trouble}",
            code="install-failed",
            hint="npm's own words stand above; check the version and the registry",
        )
    return programs
