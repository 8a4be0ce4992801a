"""Workflows and actions as files: read as GitHub reads them, checked with what GitHub checks them with."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import yaml

from support.node import script_command

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Diagnostic(NamedTuple):
    """Something that GitHub's language service says about a file. ``line`` and ``column`` count from 1."""

    path: str
    line: int
    column: int
    severity: Literal["error", "warning", "note"]
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.severity}: {self.message}"


def validate_files(files: Iterable[Path]) -> list[Diagnostic]:
    """What GitHub's language service finds wrong in workflows (files below ``.github/workflows``) and
    actions (``action.yml``): their shape, expressions, contexts, ``needs``. A valid file gives nothing.
    """
    command = script_command("validate.mjs", *map(str, files))
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [Diagnostic(**found) for found in json.loads(done.stdout)]


def read_yaml(path: Path) -> dict[str, Any]:
    """A workflow or an action, every scalar as the text that stands there, as GitHub's runner takes it."""
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)
    return found


def find_dangling_references(action: Path) -> list[str]:
    """Inputs and steps that an action's expressions name and nothing defines. GitHub reads them as empty
    texts in silence, and its language service does not look for them in actions.
    """
    declared = read_yaml(action)
    text = action.read_text("utf-8")
    known = {
        "inputs": {name.lower() for name in declared.get("inputs") or {}},
        "steps": {step["id"].lower() for step in declared["runs"]["steps"] if "id" in step},
    }
    problems: list[str] = []
    for kind, names in known.items():
        for found in re.finditer(rf"(?<![\w.-]){kind}(?:\.([\w-]+)|\['([^']+)'\])", text):
            name = found[1] or found[2]
            if name.lower() not in names:
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{action}:{line}: {kind}.{name} is not defined")
    return problems
