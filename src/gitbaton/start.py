"""Where the commands start: with the quick answer if there is one, else with the whole command line."""

from __future__ import annotations

import os
import sys

from gitbaton.quick import answer


def entry() -> None:
    """Console script."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show a letter is no reason to fail
    try:
        code = _answer_quickly(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    if code is not None:
        os._exit(code)  # all is written; taking the interpreter down in order costs a tenth of the answer
    from gitbaton.cli import main

    sys.exit(main(sys.argv[1:]))


def _answer_quickly(argv: list[str]) -> int | None:
    if argv[:1] != ["show"]:
        return answer(argv)
    from gitbaton.cli.glance import answer_show

    return answer_show(argv)
