"""Write ``schemas/`` from the models, or say with ``--check`` whether it lags behind them.

Run it from anywhere: ``python scripts/write_schemas.py [--check]``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

TOP = Path(__file__).parents[1]


#: Folder → kinds of documents that people don't write, so that it has no schema for them.
FOLDERS: dict[str, tuple[str, ...]] = {"schemas": (), "tasks/schemas": ("state",)}


def find_stale(folder: Path, left_out: tuple[str, ...] = ()) -> dict[str, str | None]:
    """File name → text it should have (None = it should not be there), for every file that differs."""
    from gitbaton.store.schemagen import render_schema
    from gitbaton.store.schemas import KINDS, schema_file

    wanted = {schema_file(kind): render_schema(kind) for kind in KINDS if kind not in left_out}
    there = {file.name: file.read_text(encoding="utf-8") for file in folder.glob("*.json")}
    return {name: wanted.get(name) for name in sorted(wanted | there) if wanted.get(name) != there.get(name)}


def main(arguments: list[str]) -> int:
    """Exit code 1 when ``--check`` finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a schema lags behind")
    asked = parser.parse_args(arguments)
    lagging = False
    for name, left_out in FOLDERS.items():
        for file, text in find_stale(TOP / name, left_out).items():
            lagging = True
            sys.stdout.write(f"{'stale' if asked.check else 'written'}: {name}/{file}\n")
            if not asked.check:
                _write(TOP / name / file, text)
    if asked.check and lagging:
        sys.stdout.write("run: python scripts/write_schemas.py\n")
    return 1 if asked.check and lagging else 0


def _write(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink()
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(TOP / "src"))
    raise SystemExit(main(sys.argv[1:]))
