"""gitbaton as users have it: a wheel of this checkout in an environment of its own.

An editable install, or PYTHONPATH, would be measured with an import hook or without compiled files. Only gitbaton
is installed anew; what it depends on is taken from the Python that runs this.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).parents[1]


class Installed(NamedTuple):
    """The programs of the environment, and who made the entry script: older pips make it slower to start."""

    python: str
    baton: str
    pip: str


def install_wheel(folder: Path, checkout: Path = CHECKOUT) -> Installed:
    """Build the wheel of ``checkout``, and install it into a new environment below ``folder``. Raises ``CalledProcessError``."""
    wheels, place = folder / "wheels", folder / "venv"
    pip = [sys.executable, "-m", "pip", "--quiet"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(checkout)])
    _run([sys.executable, "-m", "venv", "--without-pip", str(place)])
    python = place / "bin" / "python"
    (wheel,) = wheels.glob("gitbaton-*.whl")
    _run([*pip, "--python", str(python), "install", "--no-deps", str(wheel)])
    own = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    shared = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (Path(own) / "dependencies.pth").write_text("".join(f"{path}\n" for path in sorted(shared)), "utf-8")
    made_by = subprocess.run([*pip, "--version"], capture_output=True, text=True, check=True).stdout.split()[
        1
    ]
    return Installed(str(python), str(place / "bin" / "baton"), made_by)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
