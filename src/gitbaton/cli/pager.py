"""Long answers in a pager: only on a terminal, only when they are longer than the screen."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

from gitbaton.report.terminal import fit_stream, measure, strip_colors

#: Pagers that show everything at once anyway.
_NONE = ("", "cat")


def show_in_pager(text: str) -> bool:
    """Show ``text`` in the person's pager. False where it fits the screen, nobody looks, or no pager is there."""
    if not sys.stdout.isatty() or not _is_longer(text):
        return False
    program = _find_pager()
    if program in _NONE:
        return False
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}  # as git sets them
    try:
        with subprocess.Popen(["/bin/sh", "-c", program], stdin=subprocess.PIPE, env=environment) as pager:
            assert pager.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # the person has seen enough
                pager.stdin.write(f"{fit_stream(text, sys.stdout)}\n".encode(errors="replace"))
            with contextlib.suppress(BrokenPipeError):
                pager.stdin.close()
            while pager.poll() is None:
                with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the pager's own
                    pager.wait()
    except OSError:
        return False
    return pager.returncode not in (126, 127)


def _is_longer(text: str) -> bool:
    columns, rows = shutil.get_terminal_size()
    lines = (measure(strip_colors(line)) for line in text.split("\n"))
    return sum(max(1, -(-width // columns)) for width in lines) >= rows


def _find_pager() -> str:
    """As git finds it, with ``git config baton.pager`` before: GIT_PAGER, core.pager, PAGER, less."""
    for question in (("config", "baton.pager"), ("var", "GIT_PAGER")):
        done = subprocess.run(["git", *question], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    return ""
