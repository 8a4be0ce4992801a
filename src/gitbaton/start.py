"""Where the commands start: with the quick answer if there is one, else with the whole command line."""

from __future__ import annotations

import sys

from gitbaton.quick import answer


def entry() -> None:
    """Console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show a letter is no reason to fail
    code = answer(sys.argv[1:])
    if code is None:
        from gitbaton.cli import main

        code = main(sys.argv[1:])
    sys.exit(code)
