"""Questions about processes that a test has started."""

from __future__ import annotations

import subprocess


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return bool(found.stdout.strip()) and not found.stdout.strip().startswith("Z")


def find_processes(text: str) -> list[int]:
    """The processes that run and have ``text`` in their command line."""
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=", "-o", "stat=", "-o", "args="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(maxsplit=2) for line in listing.stdout.splitlines()]
    return [int(row[0]) for row in rows if len(row) == 3 and text in row[2] and not row[1].startswith("Z")]
