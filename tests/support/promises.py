"""The promises of ``tests/promises.toml``, and which tests say that they prove them.

Tests are read, not imported: it takes no time, and nothing needs to be installed.
"""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TESTS = Path(__file__).parents[1]
_MARK = "pytest.mark.promise"


class Module(NamedTuple):
    """A module of tests: the promises that it names for all of its tests, and those that each test names."""

    path: str
    promises: tuple[str, ...]
    tests: dict[str, tuple[str, ...]]


def read_promises() -> dict[str, dict[str, str]]:
    """Part → name → sentence."""
    found: dict[str, dict[str, str]] = tomllib.loads((TESTS / "promises.toml").read_text("utf-8"))
    return found


def iter_modules(folder: Path = TESTS) -> Iterator[Module]:
    """All modules of tests."""
    for file in sorted(folder.rglob("test_*.py")):
        yield read_module(file.read_text("utf-8"), file.relative_to(folder).as_posix())


def read_module(text: str, path: str) -> Module:
    """The tests of a module's text, those in classes too."""
    tree = ast.parse(text)
    marks = [
        mark
        for node in tree.body
        if isinstance(node, ast.Assign) and any(ast.unparse(t) == "pytestmark" for t in node.targets)
        for mark in (node.value.elts if isinstance(node.value, ast.List) else [node.value])
    ]
    tests = {
        node.name: tuple(_iter_ids(node.decorator_list))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    return Module(path, tuple(_iter_ids(marks)), tests)


def _iter_ids(marks: Iterable[ast.expr]) -> Iterator[str]:
    for mark in marks:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == _MARK:
            yield from (ast.literal_eval(word) for word in mark.args)
