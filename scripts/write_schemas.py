"""Write ``schemas/`` from the models, or say with ``--check`` whether it lags behind them.

Run it from anywhere: ``python scripts/write_schemas.py [--check]``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]


def find_stale(folder: Path) -> dict[str, str | None]:
    """File name → text it should have (None = it should not be there), for every file that differs."""
    from gitbaton.store.schemagen import render_schema
    from gitbaton.store.schemas import KINDS, schema_file

    wanted = {schema_file(kind): render_schema(kind) for kind in KINDS}
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    return {name: wanted.get(name) for name in sorted(wanted | there) if wanted.get(name) != there.get(name)}


def main(arguments: list[str]) -> int:
    """Exit code 1 when ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a schema lags behind")
    asked = parser.parse_args(arguments)
    folder = TOP / "schemas"
    stale = find_stale(folder)
    for name, text in stale.items():
        sys.stdout.write(f"{'stale' if asked.check else 'written'}: schemas/{name}\n")
        if asked.check:
            continue
        if text is None:
            (folder / name).unlink()
        else:
            folder.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    if asked.check and stale:
        sys.stdout.write("run: python scripts/write_schemas.py\n")
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.path.insert(0, str(TOP / "src"))
    raise SystemExit(main(sys.argv[1:]))
