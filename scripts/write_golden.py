"""Write the kept words of the command line anew: ``tests/cli/golden/``. Look at the difference before you commit it.

Run it from anywhere: ``python scripts/write_golden.py [--help-only]``.
"""

from __future__ import annotations

import runpy
import sys
from importlib import import_module
from pathlib import Path

TOP = Path(__file__).parents[1]
GOLDEN = TOP / "tests" / "cli" / "golden"


def render_help() -> dict[str, str]:
    """File name → the overview, or the help of one command, as it is printed into a file."""
    from gitbaton.cli import COMMANDS, EVERYDAY
    from gitbaton.cli.face import build_parser
    from gitbaton.cli.helptext import WIDTH, render_command, render_overview

    texts = {
        "baton.txt": render_overview(COMMANDS, EVERYDAY, WIDTH) + "\n",
        "baton--all.txt": render_overview(COMMANDS, (), WIDTH) + "\n",
    }
    for name, listed in COMMANDS.items():
        command = import_module(f"gitbaton.cli.{listed.module}").COMMANDS[name]
        texts[f"{name}.txt"] = render_command(build_parser(name, command), command.examples, WIDTH)
    return texts


def main(arguments: list[str]) -> int:
    """Exit code 1 when a page of answers can't be written."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    texts = render_help()
    for file in GOLDEN.glob("*.txt"):
        if file.name not in texts:
            file.unlink()
    for name, text in texts.items():
        (GOLDEN / name).write_text(text, encoding="utf-8")
    if "--help-only" in arguments:
        return 0
    write = runpy.run_path(str(TOP / "scripts" / "write_docs.py"))["main"]
    code: int = write([str(page) for page in sorted(GOLDEN.glob("*.md"))])
    return code


if __name__ == "__main__":
    sys.path.insert(0, str(TOP / "src"))
    raise SystemExit(main(sys.argv[1:]))
